/*
 * Connections: an id (or alias: postgres_default, s3_conn, aws_default, emr_default, redshift) -> what to connect to.
 * connections.yaml has Airflow URIs or maps (conn_type, host, login, password, schema, port, extra, description); an
 * environment variable AIRFLOW_CONN_<ID in capitals> (URI or JSON) wins over the file, as in Airflow.  Passwords and
 * the secrets among the extras are registered with dm_log_mask when read.
 */
#ifndef DM_CONNECTION_H
#define DM_CONNECTION_H

#include "conn/project.h"

struct dm_connection {
    const char *conn_id; /* the real one, not the alias */
    /* warehouse (embedded; schema = database, "warehouse" or "oltp"), postgres, redshift, local_lake, local_cluster;
       s3, aws, emr … are known and refused by whoever would have to open them */
    const char *conn_type;
    const char *host, *login, *password, *schema, *description; /* NULL = not given */
    int port;                                                   /* 0 = not given */
    const struct dm_value *extra;                               /* map */
};

/* DM_E_NOTFOUND names the nearest id and the file. */
int dm_conn_find(struct dm_arena *a, const struct dm_project *p, struct dm_str id,
                 struct dm_connection *ret, struct dm_err *reterr) dm_nodiscard;
/* All ids of the file in its order, NULL-terminated; without aliases. */
const char *const *dm_conn_ids(struct dm_arena *a, const struct dm_project *p);
/* For templates' {{ conn.x }}: the map of lang/template.h. */
const struct dm_value *dm_conn_to_value(struct dm_arena *a, const struct dm_connection *c);
/* One connection as JSON map and back: connections travel in work orders. */
int dm_conn_from_value(struct dm_arena *a, const struct dm_value *v, struct dm_connection *ret,
                       struct dm_err *reterr) dm_nodiscard;

/* Whether a key or variable of this name holds a secret by Airflow's rule (it has "password", "token" … in it). */
bool dm_conn_secret_name(struct dm_str name);
/* An extra that must be a text, or NULL where it is not given. */
const char *dm_conn_extra(struct dm_arena *a, const struct dm_connection *c, const char *key);
/* The error of whoever was asked to open a connection of a type that it cannot. */
int dm_conn_wrong_type(const struct dm_connection *c, const char *wanted, struct dm_err *reterr);

#endif
