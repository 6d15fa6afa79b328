/* What is old goes with everything that belongs to it; what the next runs look at stays. */
#include "state/purge.h"
#include "base/file.h"
#include "state/care.h"
#include "state/db.h"
#include "state/record.h"
#include "t.h"

static struct dm_arena arena;
static struct dm_store *store;
static char dir[32];
static struct dm_err err;

#define DAY(n) (INT64_C(1704067200) * DM_SEC + (n)*DM_DAY)

static void open_store(void)
{
    snprintf(dir, sizeof(dir), "/tmp/dm-purge-XXXXXX");
    T_OK(mkdtemp(dir));
    T_TRY(dm_store_open(dm_arena_printf(&arena, "%s/state/daymill.db", dir), DM_STORE_WRITE, &store,
                        &err),
          err);
    T_TRY(dm_store_begin(store, false, &err), err);
    T_TRY(dm_record_generation(store, "g1", "d", DM_STR("{}"), DAY(0), &err), err);
    T_TRY(dm_store_commit(store, &err), err);
}

static void close_store(void)
{
    dm_store_close(store);
    T_TRY(dm_remove_tree(dir, &err), err);
    dm_arena_reset(&arena);
}

static int64_t count(const char *table)
{
    sqlite3_stmt *q;
    int64_t n = -1;
    const char *sql = dm_arena_printf(&arena, "SELECT count(*) FROM %s", table);
    if (sqlite3_prepare_v2(store->db, sql, -1, &q, NULL) != SQLITE_OK)
        DM_BUG("%s", sqlite3_errmsg(store->db));
    if (sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

static void script(const char *sql)
{
    T_TRY(dm_db_script(store, sql, &err), err);
}

static void must(int rc)
{
    if (rc < 0)
        DM_BUG("%s", err.message);
}

/* A run of a day with one task and one attempt, its log on the disk; ends the day after. */
static struct dm_run_row add_run(const char *dag_id, int day, const char *type,
                                 enum dm_run_state state)
{
    struct dm_run_row r = {.dag_id = dag_id,
                           .run_id = dm_arena_printf(&arena, "%s__%d", type, day),
                           .run_type = type,
                           .state = DM_RUN_RUNNING,
                           .logical_date = DAY(day),
                           .interval_start = DAY(day),
                           .interval_end = DAY(day + 1),
                           .started_at = DAY(day + 1),
                           .ended_at = DM_NEVER,
                           .conf = "{}",
                           .generation = "g1"};
    struct dm_task_row t = {
        .task_id = "t", .map_index = -1, .operator_name = "empty", .max_tries = 1};
    struct dm_attempt_row at = {.try_number = 1, .decided_at = DAY(day + 1), .generation = "g1"};
    struct dm_attempt_end end = {.state = DM_ATTEMPT_SUCCESS, .at = DAY(day + 1)};
    struct dm_task_change c;
    const char *logs = dm_arena_printf(&arena, "logs/%s/%s/t/-1", dag_id, r.run_id);
    must(dm_store_begin(store, false, &err));
    must(dm_record_run(store, &r, DAY(day + 1), &err));
    t.run = at.run = r.id;
    must(dm_record_task(store, &t, &err));
    at.task = t.id;
    must(dm_record_attempt(store, &arena, &at, logs, &err));
    c = dm_task_change_of(&t);
    c.attempt = at.number;
    must(dm_task_set_state(store, &t, DM_TASK_SCHEDULED, &c, DAY(day + 1), &err));
    must(dm_task_set_state(store, &t, DM_TASK_QUEUED, &c, DAY(day + 1), &err));
    if (dm_run_finished(state)) {
        must(dm_record_attempt_end(store, at.number, &end, &err));
        must(dm_task_set_state(store, &t, DM_TASK_RUNNING, &c, DAY(day + 1), &err));
        must(dm_task_set_state(store, &t, DM_TASK_SUCCESS, &c, DAY(day + 1), &err));
        must(dm_run_set_state(store, &r, state, DAY(day + 1), &err));
    }
    must(dm_record_rendered(store, at.number, DM_STR("{}"), &err));
    must(dm_store_commit(store, &err));
    const char *file = dm_arena_printf(&arena, "%s/%s", dir, at.log_path);
    must(dm_mkdirs_for(file, &err));
    must(dm_file_write(file, DM_STR("a line\n"), 0644, &err));
    return r;
}

/* The days that are left of a DAG: "0 3 4". */
static const char *days_of(const char *dag_id)
{
    struct dm_run_filter f = DM_RUN_FILTER_ALL;
    struct dm_run_row *rows;
    size_t n;
    const char *out = "";
    f.dag_id = dag_id;
    must(dm_store_runs(store, &arena, &f, &rows, &n, &err));
    for (size_t i = 0; i < n; i++)
        out = dm_arena_printf(&arena, "%s%s%lld", out, i ? " " : "",
                              (long long)((rows[i].logical_date - DAY(0)) / DM_DAY));
    return out;
}

static void purge(struct dm_purge p, int64_t chunk, struct dm_purged *sum)
{
    int more;
    do {
        more = dm_purge_runs(store, &p, chunk, sum, &err);
        T_OK(more >= 0);
    } while (more > 0);
    do {
        more = dm_purge_log_files(store, dir, 2, sum, &err);
        T_OK(more >= 0);
    } while (more > 0);
}

static struct dm_purge of(const char *dag_id, int64_t before, int keep_last)
{
    return (struct dm_purge){
        .dag_id = dag_id, .before = before, .ended_before = DM_NEVER, .keep_last = keep_last};
}

static void nothing_is_wrong(void)
{
    struct dm_flaw *flaws;
    size_t n;
    T_TRY(dm_store_check(store, &arena, &flaws, &n, &err), err);
    for (size_t i = 0; i < n; i++)
        t_fail(__FILE__, __LINE__, "%s", flaws[i].what);
}

static void days_before_one_go_in_chunks(void)
{
    struct dm_purged sum = {0};
    open_store();
    for (int i = 0; i < 10; i++) {
        add_run("d", i, "scheduled", DM_RUN_SUCCESS);
        add_run("e", i, "scheduled", DM_RUN_SUCCESS);
    }
    purge(of("d", DAY(7), 1), 3, &sum);
    T_STR(days_of("d"), "7 8 9");
    T_STR(days_of("e"), "0 1 2 3 4 5 6 7 8 9");
    T_INT(sum.runs, 7);
    T_INT(sum.tasks, 7);
    T_INT(sum.attempts, 7);
    T_INT(sum.logs, 7);
    T_INT(sum.events, 7 * 6);
    T_INT(count("rendered"), 13);
    T_INT(count("log_to_remove"), 0);
    T_OK(!dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__6", dir)));
    T_OK(dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__7", dir)));
    purge(of(NULL, DM_NEVER, 2), 100, &sum);
    T_STR(days_of("d"), "8 9");
    T_STR(days_of("e"), "8 9");
    purge(of(NULL, DM_NEVER, 1), 100, &sum);
    T_STR(days_of("e"), "9");
    nothing_is_wrong();
    close_store();
}

static void what_the_next_runs_look_at_stays(void)
{
    struct dm_purged sum = {0};
    open_store();
    add_run("newest", 0, "scheduled", DM_RUN_SUCCESS);
    add_run("manual", 0, "scheduled", DM_RUN_SUCCESS);
    add_run("manual", 1, "scheduled", DM_RUN_SUCCESS);
    add_run("manual", 2, "manual", DM_RUN_SUCCESS);
    add_run("failing", 0, "scheduled", DM_RUN_SUCCESS);
    for (int i = 1; i < 5; i++)
        add_run("failing", i, "scheduled", DM_RUN_FAILED);
    for (int i = 0; i < 9; i++)
        add_run("waiting", i, i == 3 ? "manual" : "scheduled",
                i == 4 ? DM_RUN_QUEUED : DM_RUN_SUCCESS);
    purge(of(NULL, DAY(100), 1), 1, &sum);
    T_STR(days_of("newest"), "0");
    T_STR(days_of("manual"), "1 2");  /* catching up goes on behind 1 */
    T_STR(days_of("failing"), "0 4"); /* prev_…_success */
    T_STR(days_of("waiting"),
          "2 3 4 8"); /* 4 is not finished: 3 is before it, and 2 where manual runs do not count */
    nothing_is_wrong();
    close_store();
}

static void an_interrupted_purge_is_finished_by_the_next(void)
{
    struct dm_purged sum = {0};
    struct dm_purge p = of(NULL, DAY(2), 1);
    open_store();
    for (int i = 0; i < 3; i++)
        add_run("d", i, "scheduled", DM_RUN_SUCCESS);
    /* As far as the commit of the rows, and no farther. */
    T_OK(dm_purge_runs(store, &p, 100, &sum, &err) >= 0);
    nothing_is_wrong();
    T_INT(count("log_to_remove"), 2);
    T_OK(dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__0", dir)));
    purge(of(NULL, DAY(2), 1), 100, &sum);
    T_INT(count("log_to_remove"), 0);
    T_OK(!dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__0", dir)));
    T_OK(dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__2", dir)));
    close_store();
}

static void a_name_that_leads_elsewhere_is_not_removed(void)
{
    struct dm_purged sum = {0};
    open_store();
    const char *file = dm_arena_printf(&arena, "%s/kept", dir);
    T_TRY(dm_file_write(file, DM_STR("x"), 0644, &err), err);
    script("INSERT INTO log_to_remove VALUES ('logs/../kept'), ('kept')");
    T_INT(dm_purge_log_files(store, dir, 10, &sum, &err), 0);
    T_OK(dm_exists(file));
    T_INT(count("log_to_remove"), 0);
    close_store();
}

static void every_table_that_names_a_run_is_known(void)
{
    struct dm_purged sum = {0};
    open_store();
    struct dm_run_row r = add_run("d", 0, "scheduled", DM_RUN_SUCCESS);
    add_run("d", 1, "scheduled", DM_RUN_SUCCESS);
    T_INT(r.id, 1);
    const char *log = dm_arena_printf(&arena, "%s/logs/callback-1.log", dir);
    T_TRY(dm_file_write(log, DM_STR("a line\n"), 0644, &err), err);
    script(
        "INSERT INTO ledger VALUES (1, 1, 1, 'x', 1, 1, 1, NULL);"
        "INSERT INTO data_check VALUES (1, 1, 'c', 1, '1', '1', NULL, NULL, NULL);"
        "INSERT INTO xcom VALUES (1, 'k', '1', 1, 1);"
        "INSERT INTO remote_id VALUES (1, 'emr', 'x', 1);"
        "INSERT INTO object VALUES (1, -1, 'b', 'k', 1, 1);"
        "INSERT INTO input VALUES (1, 'data/x.csv', '1:2');"
        "INSERT INTO step_batch VALUES (1, 'j', 1, 1, 1, 1);"
        "INSERT INTO step VALUES ('s-1', 1, 1, 0, 'n', 'j', '[]', 'CONTINUE', 'COMPLETED', NULL,"
        " NULL, 1, 1, 1, 1);"
        "UPDATE attempt SET step = 's-1' WHERE number = 1;"
        "INSERT INTO callback (run, task, key, position, generation, state, starts, created_at,"
        " log_path) VALUES (1, 1, 'on_failure_callback', 0, 1, 'success', 1, 1,"
        " 'logs/callback-1.log'), (1, NULL, 'on_failure_callback', 0, 1, 'failed', 1, 1, '');"
        "INSERT INTO asset_event VALUES (1, 'u1', 1, 1, 1, '{}', 1), (2, 'u2', 1, 1, 1, '{}', 1),"
        " (3, 'u3', 1, 1, 1, '{}', 1), (4, 'u4', 1, NULL, NULL, '{}', 1),"
        " (5, 'u5', 1, 1, 1, '{}', 0);"
        "INSERT INTO run_asset_event VALUES (1, 1), (2, 3), (1, 4);"
        "INSERT INTO asset_queue VALUES ('x', 'u2', 1);"
        "INSERT INTO active_run VALUES (1, 1, NULL, NULL);");
    purge(of(NULL, DAY(1), 1), 100, &sum);
    T_INT(sum.runs, 1);
    T_INT(count("ledger") + count("data_check") + count("xcom") + count("remote_id") +
              count("object") + count("step_batch") + count("step") + count("callback") +
              count("input") + count("active_run"),
          0);
    T_OK(!dm_exists(log));
    /* Waited for, what a run that stays was made for, not seen yet. */
    T_INT(count("asset_event WHERE run IS NULL AND uri IN ('u2', 'u3', 'u5')"), 3);
    T_INT(count("asset_event"), 3);
    T_INT(count("run_asset_event"), 1);
    nothing_is_wrong();
    /* A new table that names a run, a task or an attempt must be removed with it, too: then add it here. */
    sqlite3_stmt *q;
    const char *sql =
        "SELECT group_concat(name, ' ') FROM (SELECT DISTINCT m.name FROM sqlite_schema m,"
        " pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.\"table\" IN"
        " ('run', 'task_instance', 'attempt', 'step', 'step_batch') ORDER BY m.name)";
    T_INT(sqlite3_prepare_v2(store->db, sql, -1, &q, NULL), SQLITE_OK);
    T_INT(sqlite3_step(q), SQLITE_ROW);
    T_STR(
        (const char *)sqlite3_column_text(q, 0),
        "active_run asset_event attempt callback data_check input ledger object remote_id rendered "
        "run_asset_event run_generation step step_batch task_instance xcom");
    sqlite3_finalize(q);
    close_store();
}

static void retain(const struct dm_retention *keep, int64_t now, struct dm_purged *sum)
{
    struct dm_retain_place place = {0};
    int more;
    do {
        more = dm_retain(store, dir, keep, &place, now, sum, &err);
        T_OK(more >= 0);
    } while (more > 0);
}

static void settings_are_kept_to(void)
{
    struct dm_purged sum = {0};
    open_store();
    for (int i = 0; i < 40; i++)
        add_run("d", i, "scheduled", DM_RUN_SUCCESS);
    add_run("d", 40, "scheduled", DM_RUN_RUNNING);
    struct dm_retention keep = {0};
    retain(&keep, DAY(1000), &sum);
    T_INT(sum.runs + sum.logs + sum.events + sum.rendered, 0);
    keep.rendered = 30;
    retain(&keep, DAY(1000), &sum);
    T_INT(sum.rendered, 11);
    T_INT(count("rendered"), 30);
    keep.logs = 20 * DM_DAY; /* attempts of day N end on N + 1 */
    retain(&keep, DAY(41), &sum);
    T_INT(sum.logs, 20);
    T_INT(count("attempt WHERE log_path = ''"), 20);
    T_OK(!dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__19", dir)));
    T_OK(dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__20", dir)));
    keep.events = 10 * DM_DAY;
    retain(&keep, DAY(41), &sum);
    T_INT(count("event WHERE at < 1704067200000000 + 31 * 86400000000"), 0);
    T_OK(count("event") > 0);
    keep.runs = 5 * DM_DAY;
    retain(&keep, DAY(41), &sum);
    T_STR(days_of("d"), "35 36 37 38 39 40");
    T_INT(count("attempt"), 6);
    /* The log of an attempt that has not ended stays, however old. */
    retain(&keep, DAY(4000), &sum);
    T_STR(days_of("d"), "39 40");
    T_OK(dm_exists(dm_arena_printf(&arena, "%s/logs/d/scheduled__40", dir)));
    nothing_is_wrong();
    close_store();
}

static void generations_go_but_for_the_newest(void)
{
    struct dm_purged sum = {0};
    open_store();
    T_TRY(dm_store_begin(store, false, &err), err);
    T_TRY(dm_record_generation(store, "g2", "d", DM_STR("{}"), DAY(1), &err), err);
    T_TRY(dm_record_generation(store, "g3", "d", DM_STR("{}"), DAY(2), &err), err);
    T_TRY(dm_record_generation(store, "h1", "e", DM_STR("{}"), DAY(2), &err), err);
    T_TRY(dm_record_generation(store, "g2", "d", DM_STR("{}"), DAY(3), &err),
          err); /* edited back */
    T_TRY(dm_store_commit(store, &err), err);
    add_run("d", 0, "scheduled", DM_RUN_SUCCESS);
    T_INT(dm_purge_generations(store, DM_NEVER, 100, &sum, &err), 0);
    T_INT(sum.generations, 1);
    T_INT(count("generation WHERE digest = 'g3'"), 0);
    T_INT(count("generation"), 3);
    close_store();
}

T_MAIN(T_CASE(days_before_one_go_in_chunks), T_CASE(what_the_next_runs_look_at_stays),
       T_CASE(an_interrupted_purge_is_finished_by_the_next),
       T_CASE(a_name_that_leads_elsewhere_is_not_removed),
       T_CASE(every_table_that_names_a_run_is_known), T_CASE(settings_are_kept_to),
       T_CASE(generations_go_but_for_the_newest))
