/* What the deciding process asks of the store costs the same however much is in it. */
#include "base/file.h"
#include "state/db.h"
#include "state/purge.h"
#include "state/record.h"
#include "t.h"

static struct dm_arena arena;
static struct dm_store *store;
static char dir[32];
static struct dm_err err;

#define DAY(n) (INT64_C(1704067200) * DM_SEC + (n)*DM_DAY)

enum { FEW = 300, MANY = 6000, LANDINGS = 10 };

/* Runs of two DAGs, "good" and "bad" (which never succeeded), with two tasks, an attempt, a step and an XCom each, and
   one run of each that is not finished. */
static void fill(int runs)
{
    char sql[4096];
    snprintf(dir, sizeof(dir), "/tmp/dm-growth-XXXXXX");
    T_OK(mkdtemp(dir));
    T_TRY(
        dm_store_open(dm_arena_printf(&arena, "%s/daymill.db", dir), DM_STORE_WRITE, &store, &err),
        err);
    snprintf(
        sql, sizeof(sql),
        "INSERT INTO generation (digest, dag_id, created_at) VALUES ('g', 'good', 1);"
        "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < %d) SELECT i FROM n;"
        "INSERT INTO run SELECT i, iif(i %% 2, 'good', 'bad'), 'r' || i, 'scheduled',"
        " iif(i > %d - 2, 'running', iif(i %% 2, 'success', 'failed')), %lld + i * %lld, 0, 0, "
        "'{}',"
        " 1, i, i, iif(i > %d - 2, NULL, i), NULL FROM n;"
        "INSERT INTO run_generation (run, generation, since, why) SELECT i, 1, 1, 'created' FROM n;"
        "INSERT INTO task_instance SELECT 2 * i + t, i, 't' || t, -1, 'bash', 'success', 1, 0,"
        " 2 * i + t, 1, 1, 1, NULL, NULL FROM n, (SELECT 0 AS t UNION SELECT 1);"
        "INSERT INTO step_batch SELECT i, 'j', i, 2 * i, 1, 1 FROM n;"
        "INSERT INTO step SELECT 's' || i, i, i, 0, 'n', 'j', '[]', 'CONTINUE', 'COMPLETED', NULL,"
        " NULL, 1, 1, 1, 2 * i FROM n;"
        "INSERT INTO attempt (number, run, task, step, try_number, state, decided_at, log_path,"
        " generation) SELECT id, run, id, NULL, 1, iif(run > %d - 2, 'running', 'success'), 1,"
        " 'logs/x/' || id, 1 FROM task_instance;"
        "INSERT INTO xcom SELECT id, 'k', '1', id, 1 FROM task_instance;"
        "INSERT INTO event (at, kind, run, data) SELECT i, 'run_created', i, '{}' FROM n;"
        "INSERT INTO landing SELECT 'f' || i, 'good', 't0', 'x', 'b', 'k', i FROM n;",
        runs, runs, (long long)DAY(0), (long long)DM_DAY, runs, runs);
    T_TRY(dm_db_script(store, sql, &err), err);
}

static void close_store(void)
{
    dm_store_close(store);
    T_TRY(dm_remove_tree(dir, &err), err);
    dm_arena_reset(&arena);
}

/* Each asks one thing about the newest days and returns how many rows came. */
static size_t list(const char *dag_id, int state, bool newest, size_t limit)
{
    struct dm_run_filter f = {.dag_id = dag_id,
                              .state = state,
                              .from = DM_NEVER,
                              .to = DM_NEVER,
                              .newest_first = newest,
                              .limit = limit};
    struct dm_run_row *rows;
    size_t n = 0;
    T_OK(dm_store_runs(store, &arena, &f, &rows, &n, &err) == 0);
    return n;
}

static size_t running_runs(int runs)
{
    return list(NULL, DM_RUN_RUNNING, false, 0);
}
static size_t running_runs_of_a_dag(int runs)
{
    return list("good", DM_RUN_RUNNING, false, 0);
}
static size_t newest_runs(int runs)
{
    return list(NULL, -1, true, 5);
}
static size_t newest_runs_of_a_dag(int runs)
{
    return list("good", -1, true, 5);
}
static size_t run_before(int runs)
{
    struct dm_run_row r;
    return (size_t)dm_store_run_before(store, &arena, "good", DAY(runs), true, &r, &err);
}
static size_t no_success_before(int runs)
{
    struct dm_run_row r;
    return (size_t)dm_store_success_before(store, &arena, "bad", DAY(runs), &r, &err) + 1;
}
static size_t tasks_of_a_run(int runs)
{
    struct dm_task_row *rows;
    size_t n = 0;
    T_OK(dm_store_tasks(store, &arena, runs - 3, &rows, &n, &err) == 0);
    return n;
}
static size_t running_attempts(int runs)
{
    struct dm_attempt_filter f = {.map_index = -1, .running = true};
    struct dm_attempt_row *rows;
    size_t n = 0;
    T_OK(dm_store_attempts(store, &arena, &f, &rows, &n, &err) == 0);
    return n;
}
static size_t steps_of_a_run(int runs)
{
    struct dm_step_row *rows;
    size_t n = 0;
    T_OK(dm_store_steps(store, &arena, NULL, runs - 3, false, &rows, &n, &err) == 0);
    return n;
}
static size_t unfinished_steps(int runs)
{
    struct dm_step_row *rows;
    size_t n = 0;
    T_OK(dm_store_steps(store, &arena, NULL, 0, true, &rows, &n, &err) == 0);
    return n + 1;
}
static size_t xcoms_of_a_run(int runs)
{
    struct dm_xcom_of_key *rows;
    size_t n = 0;
    T_OK(dm_store_xcoms_of_key(store, &arena, runs - 3, "k", &rows, &n, &err) == 0);
    return n;
}
static size_t task_in_past(int runs)
{
    return (size_t)dm_store_task_in_past(store, "good", DAY(runs), "t0", &err);
}
static size_t newest_landings(int runs)
{
    struct dm_landing_row *rows;
    size_t n = 0;
    T_OK(dm_store_landings(store, &arena, "good", "t0", LANDINGS, &rows, &n, &err) == 0);
    return n;
}
static size_t oldest_run_to_purge(int runs)
{
    struct dm_purge p = {.before = DM_NEVER, .ended_before = DM_NEVER, .keep_last = 1};
    struct dm_purge_run r;
    return (size_t)dm_purge_next(store, &arena, &p, &r, &err);
}
static size_t purge_of_a_run(int runs)
{
    struct dm_purge p = {.before = DM_NEVER, .ended_before = DM_NEVER, .keep_last = 1};
    struct dm_purged sum = {0};
    return (size_t)dm_purge_runs(store, &p, 1, &sum, &err);
}
static size_t piece_of_retention(int runs)
{
    struct dm_retention keep = {.runs = 1, .logs = 1, .events = 1, .rendered = 30};
    struct dm_retain_place place = {0};
    struct dm_purged sum = {0};
    return (size_t)dm_retain(store, dir, &keep, &place, 2, &sum, &err) +
           1; /* nothing is that old */
}

static const struct question {
    const char *name;
    size_t (*ask)(int runs);
} questions[] = {
    {"running runs", running_runs},       {"running runs of a DAG", running_runs_of_a_dag},
    {"newest runs", newest_runs},         {"newest runs of a DAG", newest_runs_of_a_dag},
    {"run before", run_before},           {"no success before", no_success_before},
    {"tasks of a run", tasks_of_a_run},   {"running attempts", running_attempts},
    {"steps of a run", steps_of_a_run},   {"unfinished steps", unfinished_steps},
    {"XComs of a run", xcoms_of_a_run},   {"task in past", task_in_past},
    {"newest landings", newest_landings}, {"oldest run to purge", oldest_run_to_purge},
    {"purge of a run", purge_of_a_run},   {"piece of retention", piece_of_retention},
};
enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

/* Steps of SQLite's machine since the last call. */
static int64_t steps(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < DM_DB_STATEMENTS_MAX; i++)
        if (store->slots[i].stmt)
            sum += sqlite3_stmt_status(store->slots[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    return sum;
}

static void nothing_reads_a_whole_table(void)
{
    int64_t few[QUESTIONS];
    fill(FEW);
    for (size_t i = 0; i < QUESTIONS; i++) {
        T_OK(questions[i].ask(FEW) > 0);
        few[i] = steps();
    }
    close_store();
    fill(MANY);
    for (size_t i = 0; i < QUESTIONS; i++) {
        T_OK(questions[i].ask(MANY) > 0);
        int64_t many = steps();
        if (many > 2 * few[i])
            t_fail(__FILE__, __LINE__, "%s: %lld steps in a store of %d runs, %lld in one of %d",
                   questions[i].name, (long long)few[i], FEW, (long long)many, MANY);
    }
    close_store();
}

T_MAIN(T_CASE(nothing_reads_a_whole_table))
