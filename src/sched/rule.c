/* Trigger rules. */
#include "sched/rule.h"

int dm_rule_parse(struct dm_str name)
{
    for (int i = 0; i < DM_RULE_COUNT; i++)
        if (dm_str_is(name, dm_trigger_rule_name((enum dm_trigger_rule)i)))
            return i;
    return -1;
}

void dm_upstream_count(struct dm_upstream_counts *c, enum dm_task_state state, bool setup)
{
    c->n++;
    c->n_setup += setup;
    c->done += dm_task_finished(state);
    switch (state) {
    case DM_TASK_SUCCESS:
        c->success++;
        c->success_setup += setup;
        break;
    case DM_TASK_SKIPPED:
        c->skipped++;
        c->skipped_setup += setup;
        break;
    case DM_TASK_FAILED:
        c->failed++;
        break;
    case DM_TASK_UPSTREAM_FAILED:
        c->upstream_failed++;
        break;
    case DM_TASK_REMOVED:
        c->removed++;
        break;
    default:
        break;
    }
}

/* The state that the rule already decides. */
static enum dm_task_state decided(enum dm_trigger_rule rule, const struct dm_upstream_counts *c)
{
    bool done = c->done >= c->n;
    bool bad = c->failed || c->upstream_failed;
    switch (rule) {
    case DM_RULE_ALL_SUCCESS:
        return bad ? DM_TASK_UPSTREAM_FAILED : c->skipped ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_ALL_FAILED:
        return c->success || c->skipped ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_ALL_SKIPPED:
        return c->success || bad ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_ONE_SUCCESS:
        if (done && c->done == c->skipped)
            return DM_TASK_SKIPPED;
        return done && !c->success ? DM_TASK_UPSTREAM_FAILED : DM_TASK_NONE;
    case DM_RULE_ONE_FAILED:
        return done && !bad ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_ONE_DONE:
        return done && !c->success && !c->failed ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_NONE_FAILED:
        return bad ? DM_TASK_UPSTREAM_FAILED : DM_TASK_NONE;
    case DM_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        if (bad)
            return DM_TASK_UPSTREAM_FAILED;
        return c->skipped == c->n ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_NONE_SKIPPED:
        return c->skipped ? DM_TASK_SKIPPED : DM_TASK_NONE;
    case DM_RULE_ALL_DONE_SETUP_SUCCESS:
        if (!done || !c->n_setup)
            return DM_TASK_NONE;
        if (c->skipped_setup >= c->n_setup)
            return DM_TASK_SKIPPED;
        return !c->success_setup ? DM_TASK_UPSTREAM_FAILED : DM_TASK_NONE;
    case DM_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        if (c->skipped)
            return DM_TASK_SKIPPED;
        return done && !c->success ? DM_TASK_UPSTREAM_FAILED : DM_TASK_NONE;
    case DM_RULE_ALL_DONE:
    case DM_RULE_ALWAYS:
    case DM_RULE_COUNT:
        break;
    }
    return DM_TASK_NONE;
}

static bool is_met(enum dm_trigger_rule rule, const struct dm_upstream_counts *c)
{
    bool done = c->done >= c->n;
    switch (rule) {
    case DM_RULE_ALL_SUCCESS:
        return c->success == c->n;
    case DM_RULE_ALL_FAILED:
        return c->failed + c->upstream_failed == c->n;
    case DM_RULE_ALL_DONE:
        return done;
    case DM_RULE_ALL_SKIPPED:
        return c->skipped == c->n;
    case DM_RULE_ONE_SUCCESS:
        return c->success > 0;
    case DM_RULE_ONE_FAILED:
        return c->failed || c->upstream_failed;
    case DM_RULE_ONE_DONE:
        return c->success || c->failed;
    case DM_RULE_NONE_FAILED:
    case DM_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return c->success + c->skipped == c->n;
    case DM_RULE_NONE_SKIPPED:
        return done && !c->skipped;
    case DM_RULE_ALL_DONE_SETUP_SUCCESS:
        return done && (!c->n_setup || c->success_setup);
    case DM_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        return done && !c->skipped && c->success;
    case DM_RULE_ALWAYS:
    case DM_RULE_COUNT:
        break;
    }
    return true;
}

struct dm_rule_answer dm_rule_eval(enum dm_trigger_rule rule, const struct dm_upstream_counts *c)
{
    if (c->n == 0 || rule == DM_RULE_ALWAYS)
        return (struct dm_rule_answer){.met = true, .state = DM_TASK_NONE};
    return (struct dm_rule_answer){.met = is_met(rule, c), .state = decided(rule, c)};
}
