/*
 * A project folder: daymill.yaml, connections.yaml, dags/, data/, lake/, cluster/, warehouse/, state/, logs/, run/.
 * No stored path is absolute; everything here is made from the folder given on the command line.
 */
#ifndef DM_PROJECT_H
#define DM_PROJECT_H

#include "lang/value.h"

struct dm_project {
    struct dm_arena arena;
    const char *dir; /* absolute */
    const char *dags_dir, *data_dir, *lake_dir, *cluster_dir, *warehouse_dir, *state_path,
        *logs_dir, *run_dir;
    const char *
        socket_dir; /* run/, or a 0700 folder below the system's temporary one where that is too long */
    const struct dm_value *config; /* daymill.yaml: map */
    const struct dm_value
        *connections; /* connections.yaml: id -> map, aliases resolved by dm_conn_find */
};

/* `dir` NULL: DAYMILL_HOME, else the nearest parent of the working folder with a daymill.yaml. */
int dm_project_open(struct dm_project *p, const char *dir, struct dm_err *reterr) dm_nodiscard;
void dm_project_release(struct dm_project *p);
/* "lake/daymill/x" for an absolute path below the project: for messages. */
const char *dm_project_relative(const struct dm_project *p, const char *path);

#endif
