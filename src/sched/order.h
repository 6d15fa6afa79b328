/* Work orders: all that a child needs to know, from the snapshot and the store.  Encoded, ready to be sent. */
#ifndef DM_SCHED_ORDER_H
#define DM_SCHED_ORDER_H

#include "sched/tick.h"
#include "task/order.h"

enum {
    DM_ORDER_LANDINGS_MAX = 100
}; /* vendor files of a task that an order tells about, the newest */

/* What the DAG and the run say of a task's first try; the rest of an order is the attempt's.  `s` NULL = nothing has
   run yet. */
int dm_order_describe(struct dm_arena *a, struct dm_store *s, const struct dm_run_row *run,
                      const struct dm_dag *dag, const struct dm_task *def, struct dm_order *ret,
                      struct dm_err *reterr) dm_nodiscard;

/* Attributes for templates (order_attrs.c). */
const struct dm_value *dm_order_task_attrs(struct dm_arena *a, const struct dm_dag *dag,
                                           const struct dm_task *t);
const struct dm_value *dm_order_dag_attrs(struct dm_arena *a, const struct dm_dag *dag);

/* The ORDER frame of a job (a task's, a step's or a callback's), added to `out`. */
int dm_order_frame(struct dm_strbuf *out, const struct dm_job *j, const char *project_dir,
                   struct dm_store *s, struct dm_err *reterr) dm_nodiscard;

#endif
