/* Trigger rules: whether a task may run, judged by the states of its direct upstream tasks (Airflow 2.10's answers). */
#ifndef DM_RULE_H
#define DM_RULE_H

#include "lang/dag.h"
#include "state/states.h"

/* The rule of Airflow's name ("all_done"), or -1. */
int dm_rule_parse(struct dm_str name);

struct dm_upstream_counts {
    int n, success, skipped, failed, upstream_failed, removed, done;
    int n_setup, success_setup, skipped_setup; /* those of them that are setup tasks */
};
void dm_upstream_count(struct dm_upstream_counts *c, enum dm_task_state state, bool setup);

struct dm_rule_answer {
    bool met;
    enum dm_task_state
        state; /* what the task becomes at once: SKIPPED, UPSTREAM_FAILED; NONE = stays */
};
struct dm_rule_answer dm_rule_eval(enum dm_trigger_rule rule, const struct dm_upstream_counts *c);

#endif
