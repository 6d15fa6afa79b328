/* Kind `retry`: when a failed try may be repeated, as Airflow gave it (golden/airflow/retry.jsonl). */
#include "golden.h"

#include "sched/retry.h"

static int64_t instant(const struct dm_value *v, const char *key)
{
    int64_t us;
    return dm_time_parse(dm_map_str(v, key, ""), &us) ? us : DM_NEVER;
}

/* Seconds, perhaps with a fraction, in microseconds; null is 0. */
static int64_t span(const struct dm_value *v, const char *key)
{
    const struct dm_value *x = dm_map_at(v, key);
    if (x && x->kind == DM_INT)
        return x->i * DM_SEC;
    return x && x->kind == DM_FLOAT ? (int64_t)(x->f * (double)DM_SEC) : 0;
}

static enum golden_verdict run(struct golden_case *c)
{
    const struct dm_value *v = c->value;
    struct dm_task task = {
        .task_id = dm_str_cstr(c->arena, dm_map_str(v, "task_id", "")),
        .retry_delay_us = span(v, "retry_delay_seconds"),
        .max_retry_delay_us = span(v, "max_retry_delay_seconds"),
        .retry_exponential_backoff = dm_map_bool(v, "retry_exponential_backoff", false),
    };
    int64_t at, want = instant(v, "next_retry");
    char text[DM_TIME_MAX];
    struct dm_err err;
    if (dm_map_at(v, "quirk")) {
        c->got = "a defect of Airflow that is not followed";
        return GOLDEN_SKIP;
    }
    if (dm_retry_at(&task, dm_str_cstr(c->arena, dm_map_str(v, "dag_id", "")),
                    instant(v, "logical_date"), (int)dm_map_int(v, "try_number", 0),
                    instant(v, "end_date"), &at, &err) < 0) {
        c->got = dm_arena_strdup(c->arena, err.message);
        return GOLDEN_FAIL;
    }
    if (at == want)
        return GOLDEN_PASS;
    c->expected = dm_str_cstr(c->arena, dm_map_str(v, "next_retry", ""));
    c->got = dm_arena_strdup(c->arena, dm_time_isoz(at, text));
    return GOLDEN_FAIL;
}

const struct golden_kind golden_retry = {"retry", run};
