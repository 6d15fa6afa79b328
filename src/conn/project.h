/*
 * A project folder: daymill.yaml, connections.yaml, dags/, data/, lake/, cluster/, warehouse/, state/, logs/, run/.
 * No stored path is absolute; everything here is made from the folder given on the command line, so that a project
 * that was moved or copied works.  Opening one writes nothing below it.
 */
#ifndef DM_PROJECT_H
#define DM_PROJECT_H

#include "lang/value.h"

#define DM_PROJECT_FILE "daymill.yaml"
#define DM_CONNECTIONS_FILE "connections.yaml"
#define DM_WAREHOUSE_SOCKET ".s.PGSQL.5439" /* in socket_dir, as libpq names it */

enum {
    DM_WAREHOUSE_PORT = 5439,
    DM_SOCKET_PATH_MAX = 107, /* sun_path without its end */
};

struct dm_project {
    struct dm_arena arena;
    const char *dir; /* absolute, links resolved */
    const char *dags_dir, *data_dir, *lake_dir, *cluster_dir, *warehouse_dir, *state_path,
        *logs_dir, *run_dir;
    /* run/, or, where the socket's path would be longer than DM_SOCKET_PATH_MAX or has a comma, a folder of the user's
       alone (0700) below /tmp whose name comes from the device and inode of the project.  It is there as long as
       the warehouse listens. */
    const char *socket_dir;
    const struct dm_value *config; /* daymill.yaml: map, checked against conn/config.def */
    /* connections.yaml: id -> map or URI, as written; dm_conn_find reads one and knows the aliases. */
    const struct dm_value *connections;
};

/* `dir` NULL: DAYMILL_HOME, else the nearest parent of the working folder with a daymill.yaml.
   DM_E_NOTFOUND where there is none; an unknown key or a value of the wrong kind is an error with its line. */
int dm_project_open(struct dm_project *p, const char *dir, struct dm_err *reterr) dm_nodiscard;
/* For the warehouse: the folder of its socket. */
int dm_project_make_socket_dir(const struct dm_project *p, struct dm_err *reterr) dm_nodiscard;
void dm_project_remove_socket_dir(const struct dm_project *p);
void dm_project_release(struct dm_project *p);
/* "lake/daymill/x" for an absolute path below the project, other paths as they are: for messages and for the
   store. */
const char *dm_project_relative(const struct dm_project *p, const char *path);

/* The value of a key of conn/config.def ("warehouse.threads"), or NULL where it is not given. */
const struct dm_value *dm_project_config(const struct dm_project *p, const char *key);
/* Those of a kind; `fallback` where it is not given. */
int64_t dm_project_config_int(const struct dm_project *p, const char *key, int64_t fallback);
int64_t dm_project_config_time(const struct dm_project *p, const char *key,
                               int64_t fallback); /* µs */
int64_t dm_project_config_bytes(const struct dm_project *p, const char *key, int64_t fallback);

#endif
