/* What several commands need: the project's DAGs, a DAY, the store. */
#ifndef DM_CMD_COMMON_H
#define DM_CMD_COMMON_H

#include "cmd/cmd.h"
#include "cmd/print.h"
#include "lang/dag.h"
#include "sched/ask.h"
#include "state/store.h"

/* Every DAG of the project, with what is wrong with the files. */
int dm_cmd_dags(struct dm_args *args, struct dm_dag_set *ret, struct dm_err *reterr) dm_nodiscard;
/* How the project's DAG files are loaded. */
int dm_cmd_load_world(struct dm_args *args, struct dm_load_world *ret,
                      struct dm_err *reterr) dm_nodiscard;
/* The DAGs of another folder or file (for `check DIR`). */
int dm_cmd_dags_at(struct dm_args *args, const char *path, struct dm_dag_set *ret,
                   struct dm_err *reterr) dm_nodiscard;
/* One DAG; where its file has errors they are printed and the DAG is refused. */
int dm_cmd_dag(struct dm_args *args, const char *dag_id, const struct dm_dag **ret,
               struct dm_err *reterr) dm_nodiscard;
int dm_cmd_task(const struct dm_dag *dag, const char *task_id, const struct dm_task **ret,
                struct dm_err *reterr) dm_nodiscard;

/* The option --conf: a JSON object that fits the DAG's params; NULL where it is not given and none is needed. */
int dm_cmd_conf(struct dm_args *args, const struct dm_dag *dag, const struct dm_value **ret,
                struct dm_err *reterr) dm_nodiscard;

/* A DAY: "2010-12-05", an instant, or a run id that ends in one. */
int dm_cmd_day(const char *text, int64_t *ret, struct dm_err *reterr) dm_nodiscard;

/* Opens the store; with DM_STORE_READ a project that never ran anything gives *ret = NULL. */
int dm_cmd_store(struct dm_args *args, enum dm_store_mode mode, struct dm_store **ret,
                 struct dm_err *reterr) dm_nodiscard;
/* Opens the store for reading and finds the run of a DAY. */
int dm_cmd_run(struct dm_args *args, const char *dag_id, const char *day,
               struct dm_store **ret_store, struct dm_run_row *ret,
               struct dm_err *reterr) dm_nodiscard;

/* Asks whoever decides (sched/request.h); `dag` NULL = the request is about none.  Waits for the answer, and says for whom. */
int dm_cmd_ask(struct dm_args *args, struct dm_store *store, const struct dm_dag *dag,
               const char *kind, const struct dm_value *body, const struct dm_value **ret_answer,
               struct dm_err *reterr) dm_nodiscard;
/* What people read of a check that failed: expected, got, the failing rows, and the SQL that finds them (or, where that
   has several lines, the command that shows it). */
void dm_cmd_print_check(FILE *to, const struct dm_args *args, const struct dm_run_row *run,
                        const struct dm_check_row *check);

/* Cells of tables. */
const char *dm_cell_int(struct dm_arena *a, int64_t n);   /* NULL for a negative number */
const char *dm_cell_time(struct dm_arena *a, int64_t us); /* NULL for DM_NEVER */
const char *dm_cell_day(struct dm_arena *a, int64_t us);
const char *dm_cell_span(struct dm_arena *a, int64_t from,
                         int64_t to); /* NULL unless both are there */
/* An instant for JSON: ISO with Z. */
const char *dm_cell_iso(struct dm_arena *a, int64_t us);

#endif
