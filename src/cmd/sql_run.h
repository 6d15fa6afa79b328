/*
 * One statement for a person's connection.  COPY of a file is done on this side, as in a task (op/sql_copy.h); outside a
 * run there is one place for files: "/data/x.csv" is data/x.csv of the project, to read and to write.
 */
#ifndef DM_CMD_SQL_RUN_H
#define DM_CMD_SQL_RUN_H

#include "conn/pg.h"

/* Like dm_pg_exec; a COPY of a file gives the tag "COPY n". */
int dm_sql_run(struct dm_pg *pg, struct dm_arena *a, const struct dm_project *p, struct dm_str sql,
               struct dm_pg_result *ret, struct dm_err *reterr) dm_nodiscard;

/* The source of dm_pg_copy_in that reads a descriptor; user points to it. */
int dm_sql_read_fd(void *user, char *buf, size_t cap, size_t *ret_n, struct dm_err *reterr);

#endif
