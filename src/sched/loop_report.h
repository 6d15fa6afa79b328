/* Inside sched/: the report of a loop, gathered while it runs. */
#ifndef DM_LOOP_REPORT_H
#define DM_LOOP_REPORT_H

#include "sched/tick.h"

struct dm_loop_ledger {
    struct dm_arena *arena; /* of the caller: the report lives in it */
    struct dm_loop_report report;
    bool keeps_nothing; /* of a scheduler, which has no end: the store has it all */
    size_t cap_failures, cap_blocked;
};

/* A committed change. */
void dm_report_note(struct dm_loop_ledger *l, const struct dm_note *n);
/* When nothing moves any more: what waits for what. */
void dm_report_rest(struct dm_loop_ledger *l, const struct dm_snapshot *s);

/* The same for one task of a run. */
void dm_report_blocked(struct dm_loop_ledger *l, const struct dm_run_row *run, const char *task_id,
                       const struct dm_past_wait *w);
void dm_report_sort(struct dm_loop_ledger *l);

#endif
