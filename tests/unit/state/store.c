/* The store: what is written is read back, one row changes or none, numbers are never used again. */
#include "base/file.h"
#include "state/record.h"
#include "t.h"

static struct dm_arena arena;
static struct dm_store *store;
static char dir[32];
static const char *path;
static struct dm_err err;

#define DAY(n) (INT64_C(1704067200) * DM_SEC + (n)*DM_DAY)

static void open_store(void)
{
    snprintf(dir, sizeof(dir), "/tmp/dm-state-XXXXXX");
    T_OK(mkdtemp(dir));
    path = dm_arena_printf(&arena, "%s/state/daymill.db", dir);
    T_TRY(dm_store_open(path, DM_STORE_WRITE, &store, &err), err);
    T_TRY(dm_store_begin(store, false, &err), err);
    T_TRY(dm_record_generation(store, "g1", "d", DM_STR("{\"one\":1}"), 1, &err), err);
    T_TRY(dm_record_generation(store, "g1", "d", DM_STR("{\"one\":1}"), 2, &err), err);
    T_TRY(dm_record_generation(store, "g2", "d", DM_STR("{\"two\":2}"), 3, &err), err);
    T_TRY(dm_store_commit(store, &err), err);
}

static void close_store(void)
{
    dm_store_close(store);
    T_TRY(dm_remove_tree(dir, &err), err);
    dm_arena_reset(&arena);
}

static struct dm_run_row add_run(int day, const char *type)
{
    char iso[DM_TIME_MAX];
    struct dm_run_row r = {.dag_id = "d",
                           .run_id =
                               dm_arena_printf(&arena, "%s__%s", type, dm_time_iso(DAY(day), iso)),
                           .run_type = type,
                           .state = DM_RUN_RUNNING,
                           .logical_date = DAY(day),
                           .interval_start = DAY(day),
                           .interval_end = DAY(day + 1),
                           .started_at = 5,
                           .ended_at = DM_NEVER,
                           .conf = "{}",
                           .generation = "g1"};
    if (dm_record_run(store, &r, 4, &err) < 0)
        DM_BUG("%s", err.message);
    return r;
}

static struct dm_task_row add_task(int64_t run, const char *task_id)
{
    struct dm_task_row t = {
        .run = run, .task_id = task_id, .map_index = -1, .operator_name = "empty", .max_tries = 1};
    if (dm_record_task(store, &t, &err) < 0)
        DM_BUG("%s", err.message);
    return t;
}

static void runs_are_found_by_day_and_id(void)
{
    struct dm_run_row r, *rows;
    size_t n;
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    for (int i = 0; i < 5; i++)
        add_run(i, i == 3 ? "manual" : "backfill");
    struct dm_run_row again = add_run(7, "backfill");
    T_INT(dm_record_run(store, &again, 4, &err), DM_E_EXISTS);
    T_TRY(dm_store_commit(store, &err), err);
    T_TRY(dm_store_run_find(store, &arena, "d", DM_STR("2024-01-03"), &r, &err), err);
    T_STR(r.run_id, "backfill__2024-01-03T00:00:00+00:00");
    T_INT(r.interval_end, DAY(3));
    T_TRY(dm_store_run_find(store, &arena, "d", DM_STR("manual__2024-01-04T00:00:00+00:00"), &r,
                            &err),
          err);
    T_INT(r.logical_date, DAY(3));
    T_INT(dm_store_run_find(store, &arena, "d", DM_STR("2024-02-03"), &r, &err), DM_E_NOTFOUND);
    T_HAS(err.detail, "6 runs, 2024-01-01 to 2024-01-08");
    T_INT(dm_store_run_before(store, &arena, "d", DAY(4), true, &r, &err), 1);
    T_INT(r.logical_date, DAY(3));
    T_INT(dm_store_run_before(store, &arena, "d", DAY(4), false, &r, &err), 1);
    T_INT(r.logical_date, DAY(2));
    T_INT(dm_store_run_before(store, &arena, "d", DAY(0), true, &r, &err), 0);
    struct dm_run_filter f = DM_RUN_FILTER_ALL;
    f.from = DAY(1);
    f.to = DAY(3);
    f.newest_first = true;
    T_TRY(dm_store_runs(store, &arena, &f, &rows, &n, &err), err);
    T_INT(n, 3);
    T_INT(rows[0].logical_date, DAY(3));
    close_store();
}

static void one_row_changes_or_none(void)
{
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    struct dm_task_row t = add_task(run.id, "a"), stale = t;
    struct dm_task_change c = dm_task_change_of(&t);
    c.try_number = 1;
    T_TRY(dm_task_set_state(store, &t, DM_TASK_SCHEDULED, &c, 9, &err), err);
    T_INT(t.try_number, 1);
    T_INT(dm_task_set_state(store, &stale, DM_TASK_SCHEDULED, &c, 9, &err), DM_E_CONFLICT);
    T_HAS(err.message, "no longer none");
    T_TRY(dm_store_commit(store, &err), err);
    struct dm_event_row *events;
    size_t n;
    T_TRY(dm_store_events(store, &arena, 0, "d", NULL, 0, &events, &n, &err), err);
    T_INT(n, 2);
    T_INT(events[0].kind, DM_EVENT_RUN_CREATED);
    T_STR(events[1].task_id, "a");
    T_STR(events[1].data, "{\"from\":\"none\",\"to\":\"scheduled\",\"try\":1}");
    close_store();
}

static void generations_of_a_run_are_kept(void)
{
    struct dm_run_generation_row *g;
    struct dm_str normal;
    size_t n;
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    T_TRY(dm_record_run_generation(store, &run, "g2", "rerun", 8, &err), err);
    T_TRY(dm_store_commit(store, &err), err);
    T_TRY(dm_store_run_generations(store, &arena, run.id, &g, &n, &err), err);
    T_INT(n, 2);
    T_STR(g[0].generation, "g1");
    T_STR(g[1].generation, "g2");
    T_STR(g[1].why, "rerun");
    T_TRY(dm_store_generation(store, &arena, "g2", &normal, &err), err);
    T_DMSTR(normal, "{\"two\":2}");
    close_store();
}

static struct dm_attempt_row add_attempt(const struct dm_run_row *run, const struct dm_task_row *t)
{
    struct dm_attempt_row a = {
        .run = run->id, .task = t->id, .try_number = 1, .decided_at = 10, .generation = "g1"};
    if (dm_record_attempt(store, &arena, &a, "logs/d/x", &err) < 0)
        DM_BUG("%s", err.message);
    return a;
}

static void an_attempt_ends_once_with_its_error(void)
{
    struct dm_attempt_row got;
    struct dm_err error;
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    struct dm_task_row t = add_task(run.id, "a");
    struct dm_attempt_row a = add_attempt(&run, &t);
    T_HAS(a.log_path, "logs/d/x/");
    T_TRY(dm_record_attempt_process(store, a.number, 42, 4711, &err), err);
    dm_err_set(&error, DM_E_SQL, "column \"x\" does not exist");
    dm_err_hint(&error, "Look at \"y\".");
    dm_err_at(&error, "sql/a.sql", 3, 8);
    struct dm_attempt_end end = {
        .state = DM_ATTEMPT_FAILED, .exit_status = 0, .error = &error, .at = 30, .cpu_us = 5};
    T_TRY(dm_record_attempt_end(store, a.number, &end, &err), err);
    T_INT(dm_record_attempt_end(store, a.number, &end, &err), DM_E_CONFLICT);
    T_TRY(dm_store_commit(store, &err), err);
    T_INT(dm_store_attempt(store, &arena, a.number, &got, &err), 1);
    T_INT(got.state, DM_ATTEMPT_FAILED);
    T_INT(got.pid, 42);
    T_INT(got.pid_start, 4711);
    T_INT(got.error_code, DM_E_SQL);
    T_STR(got.error, "column \"x\" does not exist");
    T_STR(got.error_place, "sql/a.sql:3:8");
    T_STR(got.error_detail, NULL);
    T_INT(got.code_at, DM_NEVER);
    close_store();
}

static int64_t first_look(const struct dm_task_row *t, int from, int to)
{
    int64_t at = DM_NEVER;
    int rc = dm_store_first_look(store, t->id, from, to, &at, &err);
    return rc == 1 ? at : rc;
}

static void a_first_look_is_of_the_tries_that_are_asked_for(void)
{
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    struct dm_task_row t = add_task(run.id, "a"), other = add_task(run.id, "b");
    static const int tries[] = {1, 1, 2, 3, 3};
    for (int i = 0; i < 5; i++) {
        struct dm_attempt_row a = {.run = run.id,
                                   .task = t.id,
                                   .try_number = tries[i],
                                   .decided_at = 100 + i,
                                   .generation = run.generation};
        T_TRY(dm_record_attempt(store, &arena, &a, "logs/d/x", &err), err);
    }
    T_INT(first_look(&t, 1, 3), 100);
    T_INT(first_look(&t, -1, 3), 100);
    T_INT(first_look(&t, 2, 3), 102);
    T_INT(first_look(&t, 3, 3), 103);
    T_INT(first_look(&t, 4, 4), 0);
    T_INT(first_look(&other, 1, 3), 0);
    close_store();
}

static void a_repeated_batch_has_the_same_ids(void)
{
    static const struct dm_step_new steps[] = {{"one", "j", "CONTINUE", "[\"a\"]"},
                                               {"two", "j", "CANCEL_AND_WAIT", "[]"}};
    const char **ids, **again;
    struct dm_step_row *rows;
    size_t n;
    open_store();
    T_TRY(dm_store_begin(store, true, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    struct dm_task_row t = add_task(run.id, "add");
    t.try_number = 1;
    T_TRY(dm_record_steps(store, &arena, &run, &t, "j-1", steps, 2, 5, &ids, &err), err);
    T_TRY(dm_record_steps(store, &arena, &run, &t, "j-1", steps, 2, 6, &again, &err), err);
    T_STR(again[0], ids[0]);
    T_STR(again[1], ids[1]);
    T_INT(dm_record_steps(store, &arena, &run, &t, "j-1", steps, 1, 6, &again, &err),
          DM_E_CONFLICT);
    t.try_number = 2;
    T_TRY(dm_record_steps(store, &arena, &run, &t, "j-1", steps, 1, 7, &again, &err), err);
    T_OK(strcmp(again[0], ids[0]) != 0);
    T_INT(strspn(ids[0] + 2, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 13);
    T_TRY(dm_store_commit(store, &err), err);
    T_TRY(dm_store_steps(store, &arena, "j-1", 0, true, &rows, &n, &err), err);
    T_INT(n, 3);
    T_STR(rows[1].name, "two");
    T_STR(rows[1].args, "[]");
    T_INT(rows[2].try_number, 2);
    close_store();
}

static void objects_replace_the_record(void)
{
    struct dm_object_row *o;
    size_t n;
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    struct dm_task_row t = add_task(run.id, "a");
    T_TRY(dm_record_intent(store, t.id, -1, DM_STR("b"), DM_STR("k1"), &err), err);
    T_TRY(dm_record_intent(store, t.id, 0, DM_STR("b"), DM_STR("step"), &err), err);
    T_TRY(dm_store_task_objects(store, &arena, t.id, -1, &o, &n, &err), err);
    T_INT(n, 1);
    T_OK(!o[0].complete);
    T_TRY(dm_record_objects_clear(store, t.id, -1, &err), err);
    T_TRY(dm_record_object(store, t.id, -1, DM_STR("b"), DM_STR("k2"), 9, &err), err);
    T_TRY(dm_store_objects(store, &arena, "d", run.run_id, &o, &n, &err), err);
    T_INT(n, 2);
    T_STR(o[0].key, "k2");
    T_INT(o[0].bytes, 9);
    T_OK(o[0].complete);
    T_INT(o[1].step_index, 0);
    T_TRY(dm_store_commit(store, &err), err);
    close_store();
}

static void xcoms_and_variables(void)
{
    struct dm_str v;
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    struct dm_run_row run = add_run(0, "backfill");
    struct dm_task_row t = add_task(run.id, "a");
    T_TRY(dm_record_xcom(store, t.id, 1, DM_STR("return_value"), DM_STR("[1]"), 3, &err), err);
    T_TRY(dm_record_xcom(store, t.id, 2, DM_STR("return_value"), DM_STR("[2]"), 4, &err), err);
    T_TRY(dm_store_commit(store, &err), err);
    T_INT(dm_store_xcom(store, &arena, "d", run.run_id, DM_STR("a"), -1, DM_STR("return_value"), &v,
                        &err),
          1);
    T_DMSTR(v, "[2]");
    T_INT(dm_store_xcom(store, &arena, "d", run.run_id, DM_STR("a"), -1, DM_STR("x"), &v, &err), 0);
    struct dm_xcom_query q = {
        .dag_id = "d", .run_id = run.run_id, .until = DM_NEVER, .map_index = -3};
    struct dm_xcom_newest newest;
    T_TRY(dm_record_xcom(store, t.id, 2, DM_STR("job"), DM_STR("[3]"), 5, &err), err);
    T_INT(dm_store_xcom_newest(store, &arena, &q, &newest, &err), 1);
    T_DMSTR(newest.value, "[3]");
    T_DMSTR(newest.task_id, "a");
    q.key = DM_STR("return_value");
    T_INT(dm_store_xcom_newest(store, &arena, &q, &newest, &err), 1);
    T_DMSTR(newest.value, "[2]");
    q.run_id = "a later run";
    T_INT(dm_store_xcom_newest(store, &arena, &q, &newest, &err), 0);
    q.until = run.logical_date;
    T_INT(dm_store_xcom_newest(store, &arena, &q, &newest, &err), 1);
    q.until = run.logical_date - 1;
    T_INT(dm_store_xcom_newest(store, &arena, &q, &newest, &err), 0);
    T_TRY(dm_store_variable_set(store, DM_STR("k"), DM_STR("v"), 1, &err), err);
    /* Another process reads at the same time. */
    struct dm_store *reader;
    T_TRY(dm_store_open(path, DM_STORE_READ, &reader, &err), err);
    T_INT(dm_store_variable_get(reader, &arena, DM_STR("k"), &v, &err), 1);
    T_DMSTR(v, "v");
    T_OK(dm_store_variable_set(reader, DM_STR("k"), DM_STR("w"), 1, &err) < 0);
    dm_store_close(reader);
    T_INT(dm_store_variable_delete(store, DM_STR("k"), &err), 1);
    T_INT(dm_store_variable_delete(store, DM_STR("k"), &err), 0);
    close_store();
}

static void a_missing_or_newer_store_says_so(void)
{
    struct dm_store *s;
    open_store();
    T_INT(dm_store_open("/tmp/dm-no-such.db", DM_STORE_READ, &s, &err), DM_E_NOTFOUND);
    dm_store_close(store);
    store = NULL;
    T_TRY(dm_file_write(path, DM_STR("this is no database, not at all, never was one"), 0644, &err),
          err);
    T_TRY(dm_remove_tree(dm_arena_printf(&arena, "%s-wal", path), &err), err);
    T_TRY(dm_remove_tree(dm_arena_printf(&arena, "%s-shm", path), &err), err);
    T_INT(dm_store_open(path, DM_STORE_READ, &s, &err), DM_E_DATA);
    T_HAS(err.message, "damaged");
    close_store();
}

T_MAIN(T_CASE(runs_are_found_by_day_and_id), T_CASE(one_row_changes_or_none),
       T_CASE(generations_of_a_run_are_kept), T_CASE(an_attempt_ends_once_with_its_error),
       T_CASE(a_first_look_is_of_the_tries_that_are_asked_for),
       T_CASE(a_repeated_batch_has_the_same_ids), T_CASE(objects_replace_the_record),
       T_CASE(xcoms_and_variables), T_CASE(a_missing_or_newer_store_says_so))
