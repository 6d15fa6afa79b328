/* op/sensor.c: when a sensor looks again, and what becomes of a look. */
#include "op/sensor.h"

#include "base/clock.h"
#include "base/digest.h"
#include "harness.h"

#define SINCE (INT64_C(1704067200) * DM_SEC) /* 2024-01-01 */

static int64_t next_after(const struct dm_sensor_wait *w, int64_t passed)
{
    struct dm_err err;
    int64_t next = 0;
    if (dm_sensor_next(w, w->since + passed, &next, &err) < 0)
        t_fail(__FILE__, __LINE__, "%s", err.message);
    return next - w->since - passed;
}

static void without_backoff_every_wait_is_the_interval(void)
{
    struct dm_sensor_wait w = {.dag_id = "d",
                               .task_id = "t",
                               .since = SINCE,
                               .interval = 90 * DM_SEC,
                               .timeout = 100 * DM_SEC,
                               .max_wait = DM_SEC};
    T_INT(next_after(&w, 0), 90 * DM_SEC);
    T_INT(next_after(&w, 99 * DM_SEC),
          90 * DM_SEC); /* beyond the timeout: that look may still find */
    w.interval = 0;
    T_INT(next_after(&w, 5), 0);
    w.interval = INT64_MAX;
    T_OK(next_after(&w, 0) > 0);
}

/* The n-th wait is b + SHA-1("dag#task#since#n") mod b with b = interval * 2^(n - 2), cut to whole seconds. */
static int64_t wait_of(int n, int64_t interval_s)
{
    struct dm_err err;
    uint64_t jitter = 0;
    char text[128];
    int64_t b = n == 1 ? interval_s / 2 : interval_s << (n - 2);
    if (b <= 1)
        return DM_SEC;
    snprintf(text, sizeof(text), "d#t#2024-01-01 00:00:00+00:00#%d", n);
    if (dm_sha1_modulo(dm_str_c(text), (uint64_t)b, &jitter, &err) < 0)
        t_fail(__FILE__, __LINE__, "%s", err.message);
    return (b + (int64_t)jitter) * DM_SEC;
}

static void backoff_doubles_with_a_jitter(void)
{
    struct dm_sensor_wait w = {.dag_id = "d",
                               .task_id = "t",
                               .since = SINCE,
                               .interval = 60 * DM_SEC,
                               .timeout = DM_DAY,
                               .backoff = true};
    int64_t passed = 0;
    for (int n = 1; n <= 8; n++) {
        int64_t wait = next_after(&w, passed);
        T_INT(wait, wait_of(n, 60));
        T_OK(n == 1 || (wait >= (60 << (n - 2)) * DM_SEC && wait < (60 << (n - 1)) * DM_SEC));
        passed += wait;
    }
    w.max_wait = 100 * DM_SEC;
    T_INT(next_after(&w, passed), 100 * DM_SEC);
    w.max_wait = 0;
    w.timeout = passed + 10 * DM_SEC; /* never waits past its timeout */
    T_INT(next_after(&w, passed), 10 * DM_SEC);
    w.interval = 0;
    T_INT(next_after(&w, 0), DM_SEC);
}

/* ---- looks ---- */

static struct {
    int n, found_at, fails; /* the look that finds; the error of those before, 0 = none */
    bool final;
    int64_t ready_at;
    const char *step;
} script;

static int scripted(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    script.n++;
    if (script.n == script.found_at) {
        ret->value = dm_value_int(at->arena, script.n);
        return 1;
    }
    at->no_retry = script.final;
    if (script.fails)
        return dm_err_set(reterr, (enum dm_code)script.fails, "bad look");
    ret->missing = "nothing is there";
    ret->ready_at = script.ready_at;
    ret->until_step = script.step;
    return 0;
}

static int run_scripted(struct h *h, const char *json, const struct dm_value **ret)
{
    struct dm_value *given, *args = dm_value_map(&h->arena);
    if (dm_value_from_json(&h->arena, dm_str_c(json), &given, &h->err) < 0 ||
        h_fill(h, dm_sensor_fields, given, args) < 0)
        return h->err.code;
    h->at.args = args;
    h->at.reschedule = h->at.no_retry = false;
    h->at.until_step = h->at.waits_for = NULL;
    script.n = 0;
    memset(&h->err, 0, sizeof(h->err));
    return dm_sensor_run(&h->at, scripted, ret, &h->err);
}

static void a_wait_ends_the_attempt(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    memset(&script, 0, sizeof(script));
    script.ready_at = DM_NEVER;
    int64_t before = dm_clock_now();
    T_INT(run_scripted(&h, "{\"poke_interval\": 30}", &v), 0);
    T_OK(h.at.reschedule && script.n == 1);
    T_OK(h.at.until_time >= before + 30 * DM_SEC);
    T_STR(h.at.waits_for, "nothing is there");
    script.step = "s-1"; /* told when it ends: only the timeout is a time */
    h.order.try_look_at = before;
    T_INT(run_scripted(&h, "{\"timeout\": 1000}", &v), 0);
    T_STR(h.at.until_step, "s-1");
    T_INT(h.at.until_time, before + 1000 * DM_SEC + 1);
    script.step = NULL;
    script.ready_at = before + 500 * DM_SEC; /* no look before it can be there */
    T_INT(run_scripted(&h, "{\"timeout\": 1000}", &v), 0);
    T_INT(h.at.until_time, script.ready_at);
    script.ready_at = before + 5000 * DM_SEC;
    T_INT(run_scripted(&h, "{\"timeout\": 1000}", &v), 0);
    T_OK(h.at.until_time > before + 1000 * DM_SEC && h.at.until_time < script.ready_at);
    script.found_at = 3; /* a short wait in mode poke is sat out */
    script.ready_at = DM_NEVER;
    T_INT(run_scripted(&h, "{\"poke_interval\": 0.001}", &v), 0);
    T_OK(!h.at.reschedule && v && v->i == 3);
    T_INT(run_scripted(&h, "{\"poke_interval\": 0.001, \"mode\": \"reschedule\"}", &v), 0);
    T_OK(h.at.reschedule && script.n == 1);
    h_end(&h);
}

static void time_counts_from_the_look_that_the_mode_says(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    memset(&script, 0, sizeof(script));
    script.ready_at = DM_NEVER;
    h.order.first_look_at = dm_clock_now() - DM_DAY;
    h.order.try_look_at = dm_clock_now();
    T_INT(run_scripted(&h, "{\"timeout\": 3600}", &v), 0);
    T_OK(h.at.reschedule);
    T_INT(run_scripted(&h, "{\"timeout\": 3600, \"mode\": \"reschedule\"}", &v), DM_E_TIMEOUT);
    T_OK(h.at.no_retry);
    T_HAS(h.err.message, "timeout of 1 h");
    T_HAS(h.err.message, "nothing is there");
    T_INT(
        run_scripted(&h, "{\"timeout\": 3600, \"mode\": \"reschedule\", \"soft_fail\": true}", &v),
        DM_E_SKIP);
    T_INT(
        run_scripted(&h, "{\"timeout\": 3600, \"mode\": \"reschedule\", \"never_fail\": true}", &v),
        DM_E_TIMEOUT);
    script.found_at = 1; /* late, but there */
    T_INT(run_scripted(&h, "{\"timeout\": 3600, \"mode\": \"reschedule\"}", &v), 0);
    /* execution_timeout is of the try in mode poke, and of a look in the other */
    script.found_at = 0;
    h.order.first_look_at = h.order.try_look_at = dm_clock_now() - DM_HOUR;
    h.order.execution_timeout_us = DM_MIN;
    T_INT(run_scripted(&h, "{}", &v), DM_E_TIMEOUT);
    T_INT(script.n, 0);
    T_OK(!h.at.no_retry);
    T_INT(run_scripted(&h, "{\"soft_fail\": true}", &v), DM_E_SKIP);
    T_INT(run_scripted(&h, "{\"mode\": \"reschedule\"}", &v), 0);
    h_end(&h);
}

static void errors_of_a_look_go_by_the_fields(void)
{
    static const struct {
        int fails;
        bool final;
        const char *fields;
        int want;
    } rows[] = {
        {DM_E_TASK, false, "{}", DM_E_TASK},
        {DM_E_TASK, false, "{\"soft_fail\": true}", DM_E_TASK},
        {DM_E_TASK, false, "{\"never_fail\": true}", DM_E_SKIP},
        {DM_E_TASK, false, "{\"silent_fail\": true}", 0},
        {DM_E_TASK, false, "{\"silent_fail\": true, \"never_fail\": true}", 0},
        {DM_E_TASK, true, "{}", DM_E_TASK},
        {DM_E_TASK, true, "{\"soft_fail\": true}", DM_E_SKIP},
        {DM_E_TASK, true, "{\"never_fail\": true}", DM_E_SKIP},
        {DM_E_TASK, true, "{\"silent_fail\": true}", DM_E_TASK},
        {DM_E_SKIP, false, "{\"silent_fail\": true}", DM_E_SKIP},
    };
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(&script, 0, sizeof(script));
        script.fails = rows[i].fails;
        script.final = rows[i].final;
        T_INT(run_scripted(&h, rows[i].fields, &v), rows[i].want);
        T_OK(h.at.reschedule == (rows[i].want == 0));
    }
    h_end(&h);
}

/* ---- the sensors that need no process ---- */

static const struct {
    const char *fields;
    bool found;
} files[] = {
    {"{\"filepath\": \"data/a/b/c.csv\"}", true},
    {"{\"filepath\": \"/data/a/b/c.csv\"}", true},
    {"{\"filepath\": \"data/a\"}", true},
    {"{\"filepath\": \"data/a/b/\"}", true},
    {"{\"filepath\": \"data/empty\"}", false},
    {"{\"filepath\": \"data/a/*/c.csv\"}", true},
    {"{\"filepath\": \"data/?/b/[!d].csv\"}", true},
    {"{\"filepath\": \"data/*.csv\"}", false},
    {"{\"filepath\": \"data/*\"}", true},
    {"{\"filepath\": \"data/a/b/*\"}", true},
    {"{\"filepath\": \"data/h/*\"}", false},
    {"{\"filepath\": \"data/h/.*\"}", true},
    {"{\"filepath\": \"data/**/c.csv\"}", false},
    {"{\"filepath\": \"data/**/c.csv\", \"recursive\": true}", true},
    {"{\"filepath\": \"data/a/b/**/c.csv\", \"recursive\": true}", true},
    {"{\"filepath\": \"data/**\", \"recursive\": true}", true},
    {"{\"filepath\": \"data/**/d.csv\", \"recursive\": true}", false},
    {"{\"filepath\": \"top.txt\"}", true},
    {"{\"filepath\": \"c.csv\", \"fs_conn_id\": \"inbox\"}", true},
    {"{\"filepath\": \"d.csv\", \"fs_conn_id\": \"inbox\"}", false},
};

static void a_file_is_found_as_python_s_glob_finds_it(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    h_write(&h, "data/a/b/c.csv", "x");
    h_write(&h, "data/h/.hidden", "x");
    h_write(&h, "top.txt", "x");
    T_OK(dm_mkdirs(dm_path_join(&h.arena, h.dir, "data/empty/er"), 0777, &h.err) == 0);
    T_OK(setenv("AIRFLOW_CONN_INBOX",
                "{\"conn_type\": \"fs\", \"extra\": {\"path\": \"data/a/b\"}}", 1) == 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        int rc = h_run(&h, "file", files[i].fields, &v);
        if (rc != 0 || h.at.reschedule == files[i].found)
            t_fail(__FILE__, __LINE__, "%s: %d %d %s", files[i].fields, rc, h.at.reschedule,
                   h.err.message);
    }
    T_INT(h_run(&h, "file", "{\"filepath\": \"x\", \"fs_conn_id\": \"lake\"}", &v), DM_E_TYPE);
    T_INT(h_run(&h, "file", "{\"filepath\": \"x\", \"fs_conn_id\": \"nowhere\"}", &v),
          DM_E_NOTFOUND);
    T_INT(h_run(&h, "file", "{\"filepath\": \"../x\"}", &v), DM_E_PERMISSION);
    h_end(&h);
}

static void a_moment_comes_once(void)
{
    struct h h;
    const struct dm_value *v;
    h_begin(&h);
    h.order.interval_end = dm_clock_now() - 10 * DM_SEC;
    T_INT(h_run(&h, "time_delta", "{\"delta\": 5}", &v), 0);
    T_OK(!h.at.reschedule);
    T_INT(h_run(&h, "time_delta", "{\"delta\": 3600}", &v), 0);
    T_OK(h.at.reschedule);
    T_INT(h.at.until_time, h.order.interval_end + DM_HOUR + 1);
    T_INT(h_run(&h, "date_time", "{\"target_time\": \"2024-01-01 10:00:00+01:00\"}", &v), 0);
    T_OK(!h.at.reschedule);
    T_INT(h_run(&h, "date_time", "{\"target_time\": \"tomorrow\"}", &v), DM_E_INVALID);
    T_INT(h_run(&h, "time_of_day", "{\"target_time\": \"00:00\"}", &v), 0);
    T_OK(!h.at.reschedule);
    h.order.timezone = "Asia/Tokyo"; /* always +09:00 */
    T_INT(h_run(&h, "time_of_day", "{\"target_time\": \"23:59:59.999999\"}", &v), 0);
    T_OK(h.at.reschedule);
    T_INT((h.at.until_time + 9 * DM_HOUR) % DM_DAY, 0);
    h_end(&h);
}

static int checked(struct h *h, const char *name, const char *json)
{
    struct dm_value *args;
    if (dm_value_from_json(&h->arena, dm_str_c(json), &args, &h->err) < 0)
        return DM_E_FAILED;
    return dm_op_find(name)->spec.check(args, &h->err);
}

static void what_cannot_run_is_refused_at_load(void)
{
    struct h h;
    h_begin(&h);
    T_INT(checked(&h, "time_of_day", "{\"target_time\": \"24:00\"}"), DM_E_INVALID);
    T_INT(checked(&h, "time_of_day", "{\"target_time\": \"9:00\"}"), DM_E_INVALID);
    T_INT(checked(&h, "time_of_day", "{\"target_time\": \"09:00Z\"}"), DM_E_INVALID);
    T_INT(checked(&h, "date_time", "{\"target_time\": \"{{ ds }}\"}"), 0);
    T_INT(checked(&h, "date_time", "{\"target_time\": 5}"), DM_E_TYPE);
    T_INT(checked(&h, "s3_key", "{\"check_fn\": {\"__type__\": \"callable\"}}"), DM_E_UNSUPPORTED);
    T_INT(checked(&h, "sql_sensor", "{\"success\": {\"at_least\": 1}}"), DM_E_INVALID);
    T_INT(checked(&h, "sql_sensor", "{\"success\": {\"geq_to\": 1}, \"failure\": \"no\"}"), 0);
    T_INT(checked(&h, "external_task",
                  "{\"external_task_id\": \"a\", \"external_task_group_id\": \"g\"}"),
          DM_E_INVALID);
    T_INT(checked(&h, "external_task", "{\"external_task_id\": \"a\", \"external_task_ids\": []}"),
          0);
    T_INT(checked(&h, "external_task",
                  "{\"allowed_states\": [\"success\"], \"failed_states\": [\"success\"]}"),
          DM_E_INVALID);
    T_INT(checked(&h, "external_task",
                  "{\"external_task_id\": \"a\", \"failed_states\": [\"upstream_failed\"]}"),
          0);
    h_end(&h);
}

T_MAIN(T_CASE(without_backoff_every_wait_is_the_interval), T_CASE(backoff_doubles_with_a_jitter),
       T_CASE(a_wait_ends_the_attempt), T_CASE(time_counts_from_the_look_that_the_mode_says),
       T_CASE(errors_of_a_look_go_by_the_fields), T_CASE(a_file_is_found_as_python_s_glob_finds_it),
       T_CASE(a_moment_comes_once), T_CASE(what_cannot_run_is_refused_at_load))
