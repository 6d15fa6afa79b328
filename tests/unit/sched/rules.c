/* Trigger rules and retry delays against Airflow's own answers. */
#include "base/file.h"
#include "sched/retry.h"
#include "sched/rule.h"
#include "t.h"

static struct dm_str read_golden(struct dm_arena *a, const char *name)
{
    const char *paths[] = {"../shared/golden/airflow", "../../shared/golden/airflow"};
    struct dm_str text = {0};
    for (size_t i = 0; i < 2; i++)
        if (dm_file_read(a, dm_path_join(a, paths[i], name), DM_BUF_FRAME, &text, NULL) == 0)
            break;
    return text;
}

static enum dm_trigger_rule rule_named(struct dm_str name)
{
    static const char *const names[] = {
#define DM_TRIGGER_RULE(rule, text, doc) text,
#include "lang/trigger_rules.def"
#undef DM_TRIGGER_RULE
    };
    for (int i = 0; i < DM_RULE_COUNT; i++)
        if (dm_str_is(name, names[i]))
            return (enum dm_trigger_rule)i;
    return DM_RULE_COUNT;
}

static bool list_bool(const struct dm_value *list, size_t i)
{
    return list && list->kind == DM_LIST && i < list->list.n && list->list.items[i]->b;
}

static void rules(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str rest = read_golden(&a, "trigger_rules.jsonl"), line;
    if (!rest.len)
        T_SKIP("../shared is absent");
    int cases = 0;
    while (dm_str_split(&rest, '\n', &line)) {
        struct dm_value *c;
        struct dm_err err;
        if (!line.len)
            continue;
        T_TRY(dm_value_from_json(&a, line, &c, &err), err);
        enum dm_trigger_rule rule = rule_named(dm_map_str(c, "rule", ""));
        T_OK(rule != DM_RULE_COUNT);
        const struct dm_value *up = dm_map_at(c, "upstream");
        struct dm_upstream_counts counts = {0};
        for (size_t i = 0; i < up->list.n; i++) {
            int state = dm_task_state_parse(up->list.items[i]->s);
            /* "restarting" and "deferred", which we do not have, are unfinished like running */
            dm_upstream_count(&counts, state < 0 ? DM_TASK_RUNNING : (enum dm_task_state)state,
                              list_bool(dm_map_at(c, "setup"), i));
        }
        struct dm_rule_answer got = dm_rule_eval(rule, &counts);
        if (got.met != dm_map_bool(c, "met", false) ||
            !dm_str_is(dm_map_str(c, "state", ""), dm_task_state_name(got.state)))
            t_fail(__FILE__, __LINE__, "%.*s: got met %d, state %s", DM_FMT(line), got.met,
                   dm_task_state_name(got.state));
        cases++;
    }
    printf("# %d cases\n", cases);
}

static void retries(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str rest = read_golden(&a, "retry.jsonl"), line;
    if (!rest.len)
        T_SKIP("../shared is absent");
    while (dm_str_split(&rest, '\n', &line)) {
        struct dm_value *c;
        struct dm_err err;
        int64_t logical, end, want, got = 0;
        if (!line.len)
            continue;
        T_TRY(dm_value_from_json(&a, line, &c, &err), err);
        dm_time_parse(dm_map_str(c, "logical_date", ""), &logical);
        dm_time_parse(dm_map_str(c, "end_date", ""), &end);
        dm_time_parse(dm_map_str(c, "next_retry", ""), &want);
        const struct dm_value *delay = dm_map_at(c, "retry_delay_seconds");
        const struct dm_value *most = dm_map_at(c, "max_retry_delay_seconds");
        double seconds = delay->kind == DM_INT ? (double)delay->i : delay->f;
        double limit = !most || most->kind == DM_NULL ? 0
                       : most->kind == DM_INT         ? (double)most->i
                                                      : most->f;
        struct dm_task task = {.task_id = dm_str_cstr(&a, dm_map_str(c, "task_id", "")),
                               .retry_delay_us = (int64_t)(seconds * (double)DM_SEC),
                               .max_retry_delay_us = (int64_t)(limit * (double)DM_SEC),
                               .retry_exponential_backoff =
                                   dm_map_bool(c, "retry_exponential_backoff", false)};
        T_TRY(dm_retry_at(&task, dm_str_cstr(&a, dm_map_str(c, "dag_id", "")), logical,
                          (int)dm_map_int(c, "try_number", 0), end, &got, &err),
              err);
        if (got != want)
            t_fail(__FILE__, __LINE__, "%.*s: got %lld", DM_FMT(line), (long long)got);
    }
}

T_MAIN(T_CASE(rules), T_CASE(retries))
