/*
 * Kind `trigger_rules`: whether a trigger rule is met and what it decides at once, by the states of the direct upstream
 * tasks, as Airflow gave it (golden/airflow/trigger_rules.jsonl).
 */
#include "golden.h"

#include "sched/rule.h"

static bool list_bool(const struct dm_value *list, size_t i)
{
    return list && list->kind == DM_LIST && i < list->list.n && list->list.items[i]->b;
}

/* Airflow's states that we do not have (deferred, restarting) are unfinished, like running. */
static enum dm_task_state state_named(struct dm_str name)
{
    int state = dm_task_state_parse(name);
    return state < 0 ? DM_TASK_RUNNING : (enum dm_task_state)state;
}

static enum golden_verdict run(struct golden_case *c)
{
    const struct dm_value *v = c->value, *upstream = dm_map_at(v, "upstream");
    struct dm_upstream_counts counts = {0};
    int rule = dm_rule_parse(dm_map_str(v, "rule", ""));
    if (dm_map_at(v, "quirk")) {
        c->got = "a defect of Airflow that is not followed";
        return GOLDEN_SKIP;
    }
    c->expected = dm_arena_printf(c->arena, "met %s, state %.*s",
                                  dm_map_bool(v, "met", false) ? "true" : "false",
                                  DM_FMT(dm_map_str(v, "state", "")));
    if (rule < 0 || !upstream || upstream->kind != DM_LIST) {
        c->got = "an unknown rule, or no list of upstream states";
        return GOLDEN_FAIL;
    }
    for (size_t i = 0; i < upstream->list.n; i++)
        dm_upstream_count(&counts, state_named(upstream->list.items[i]->s),
                          list_bool(dm_map_at(v, "setup"), i));
    struct dm_rule_answer got = dm_rule_eval((enum dm_trigger_rule)rule, &counts);
    c->got = dm_arena_printf(c->arena, "met %s, state %s", got.met ? "true" : "false",
                             dm_task_state_name(got.state));
    return strcmp(c->got, c->expected) == 0 ? GOLDEN_PASS : GOLDEN_FAIL;
}

const struct golden_kind golden_trigger_rules = {"trigger_rules", run};
