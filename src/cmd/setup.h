/*
 * Setting a project up: each DAG's dags/NAME/setup/.
 *   CONN.sql           statements for the connection CONN, each by itself; can be repeated
 *   recreate/CONN.sql  run before it with --recreate only
 *   load.yaml          files to load into tables that are still empty
 */
#ifndef DM_CMD_SETUP_H
#define DM_CMD_SETUP_H

#include "cmd/cmd.h"

struct dm_setup {
    bool dry_run;  /* print what would be done */
    bool recreate; /* drop and make anew: what is published is lost */
    bool quiet;
};

/* Where a project remembers that a file of that name has been loaded into a table. */
const char *dm_setup_stamp(struct dm_arena *a, const char *state_dir, const char *file);

int dm_setup_project(const struct dm_project *p, const struct dm_setup *s,
                     struct dm_err *reterr) dm_nodiscard;

#endif
