/*
 * Connections: an id (or alias: postgres_default, s3_conn, aws_default, emr_default, redshift) -> what to connect to.
 * The file has Airflow URIs or maps (conn_type, host, login, password, schema, port, extra).  Passwords are
 * registered with dm_log_mask when read.
 */
#ifndef DM_CONNECTION_H
#define DM_CONNECTION_H

#include "conn/project.h"

struct dm_connection {
    const char *conn_id; /* the real one, not the alias */
    const char *
        conn_type; /* postgres, redshift, warehouse (embedded), local_lake, s3, local_cluster, emr … */
    const char *host, *login, *password, *schema; /* NULL = not given */
    int port;                                     /* 0 = not given */
    const struct dm_value *extra;                 /* map */
};

/* DM_E_NOTFOUND names the nearest id and the file. */
int dm_conn_find(struct dm_arena *a, const struct dm_project *p, struct dm_str id,
                 struct dm_connection *ret, struct dm_err *reterr) dm_nodiscard;
/* All ids in file order, NULL-terminated; without aliases. */
const char *const *dm_conn_ids(struct dm_arena *a, const struct dm_project *p);
/* For templates' {{ conn.x }}: the map of lang/template.h. */
const struct dm_value *dm_conn_to_value(struct dm_arena *a, const struct dm_connection *c);
/* One connection as JSON map and back: connections travel in work orders. */
int dm_conn_from_value(struct dm_arena *a, const struct dm_value *v, struct dm_connection *ret,
                       struct dm_err *reterr) dm_nodiscard;

#endif
