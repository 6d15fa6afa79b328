/* Work orders: all that a child needs to know, from the snapshot and the store.  Encoded, ready to be sent. */
#ifndef DM_SCHED_ORDER_H
#define DM_SCHED_ORDER_H

#include "sched/tick.h"

enum {
    DM_ORDER_LANDINGS_MAX = 100
}; /* vendor files of a task that an order tells about, the newest */

/* The ORDER frame of a job (a task's or a step's), added to `out`. */
int dm_order_frame(struct dm_strbuf *out, const struct dm_job *j, const char *project_dir,
                   struct dm_store *s, struct dm_err *reterr) dm_nodiscard;

#endif
