/* A store of an earlier program is brought up to date with everything in it, or left as it is. */
#include "base/file.h"
#include "state/care.h"
#include "state/db.h"
#include "state/record.h"
#include "t.h"
#include "version_1.h"

static struct dm_arena arena;
static char dir[32];
static const char *path;
static struct dm_err err;

/* Runs SQL on the file without the program's own opening; the first column of the last row, as text. */
static const char *raw(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    const char *last = "", *tail = sql;
    T_INT(sqlite3_open(path, &db), SQLITE_OK);
    while (*tail) {
        if (sqlite3_prepare_v2(db, tail, -1, &q, &tail) != SQLITE_OK) {
            t_fail(__FILE__, __LINE__, "%s", sqlite3_errmsg(db));
            break;
        }
        if (!q)
            break;
        while (sqlite3_step(q) == SQLITE_ROW)
            last = dm_arena_strdup(&arena, (const char *)sqlite3_column_text(q, 0));
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    return last;
}

static void make_version_1(void)
{
    snprintf(dir, sizeof(dir), "/tmp/dm-migrate-XXXXXX");
    T_OK(mkdtemp(dir));
    path = dm_arena_printf(&arena, "%s/daymill.db", dir);
    raw(version_1_sql);
    raw(version_1_rows);
}

static void done(void)
{
    T_TRY(dm_remove_tree(dir, &err), err);
    dm_arena_reset(&arena);
}

static void version_1_opens_with_everything_in_it(void)
{
    struct dm_store *s;
    make_version_1();
    T_INT(dm_store_open(path, DM_STORE_READ, &s, &err), DM_E_UNSUPPORTED);
    T_HAS(err.message, "version 1");
    T_HAS(err.hint, "daymill db migrate");
    T_TRY(dm_store_open(path, DM_STORE_WRITE, &s, &err), err);
    struct dm_run_row r;
    T_TRY(dm_store_run_find(s, &arena, "d", DM_STR("2024-01-01"), &r, &err), err);
    T_STR(r.run_id, "backfill__2024-01-01T00:00:00+00:00");
    T_INT(r.state, DM_RUN_SUCCESS);
    T_STR(r.generation, "g1");
    T_STR(r.conf, "{\"a\":1}");
    T_INT(r.ended_at, 400);
    struct dm_str text;
    T_TRY(dm_store_generation(s, &arena, "g1", &text, &err), err);
    T_DMSTR(text, "{\"dag_id\":\"d\",\"tasks\":[]}");
    size_t n;
    struct dm_task_row *tasks;
    T_TRY(dm_store_tasks(s, &arena, r.id, &tasks, &n, &err), err);
    T_INT(n, 1);
    T_STR(tasks[0].task_id, "load");
    T_INT(tasks[0].attempt, 9);
    struct dm_attempt_filter f = {.run = r.id, .map_index = -1};
    struct dm_attempt_row *attempts;
    T_TRY(dm_store_attempts(s, &arena, &f, &attempts, &n, &err), err);
    T_INT(n, 2);
    T_STR(attempts[0].log_path, "logs/d/r/load/-1/9.log");
    T_STR(attempts[1].error, "broke");
    T_STR(attempts[1].step_id, "s-1");
    struct dm_ledger_row *ledger;
    T_TRY(dm_store_ledger(s, &arena, r.id, 0, &ledger, &n, &err), err);
    T_INT(n, 1);
    T_INT(ledger[0].rows, 42);
    struct dm_check_row *checks;
    T_TRY(dm_store_checks(s, &arena, r.id, 0, &checks, &n, &err), err);
    T_INT(n, 1);
    T_STR(checks[0].sql, "select 1");
    T_INT(dm_store_rendered(s, &arena, 9, &text, &err), 1);
    T_DMSTR(text, "{\"sql\":\"select 1\"}");
    T_INT(dm_store_xcom(s, &arena, "d", r.run_id, DM_STR("load"), -1, DM_STR("return_value"), &text,
                        &err),
          1);
    T_DMSTR(text, "[42]");
    struct dm_step_row *steps;
    T_TRY(dm_store_steps(s, &arena, NULL, r.id, false, &steps, &n, &err), err);
    T_INT(n, 1);
    T_STR(steps[0].name, "copy");
    struct dm_object_row *objects;
    T_TRY(dm_store_objects(s, &arena, "d", r.run_id, &objects, &n, &err), err);
    T_INT(n, 1);
    struct dm_landing_row *landings;
    T_TRY(dm_store_landings(s, &arena, "d", "load", 9, &landings, &n, &err), err);
    T_INT(n, 1);
    T_STR(landings[0].source, "data/x.csv");
    T_INT(dm_store_variable_get(s, &arena, DM_STR("colour"), &text, &err), 1);
    T_DMSTR(text, "green");
    struct dm_event_row *events;
    T_TRY(dm_store_events(s, &arena, 0, "d", NULL, 0, &events, &n, &err), err);
    T_INT(n, 1);
    struct dm_pool_row *pools;
    T_TRY(dm_store_pools(s, &arena, &pools, &n, &err), err);
    T_STR(pools[0].name, DM_POOL_DEFAULT);
    struct dm_flaw *flaws;
    T_TRY(dm_store_check(s, &arena, &flaws, &n, &err), err);
    T_INT(n, 0);
    /* Numbers go on where they were. */
    struct dm_attempt_row at = {
        .run = r.id, .task = tasks[0].id, .try_number = 2, .generation = "g1"};
    T_TRY(dm_store_begin(s, false, &err), err);
    T_TRY(dm_record_attempt(s, &arena, &at, "logs/d/r/load/-1", &err), err);
    T_INT(at.number, 11);
    dm_store_rollback(s);
    dm_store_close(s);
    done();
}

static void the_schema_is_that_of_a_new_store(void)
{
    static const char schema[] =
        "SELECT group_concat(sql, char(10)) FROM"
        " (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)";
    struct dm_store *s;
    make_version_1();
    T_TRY(dm_store_open(path, DM_STORE_WRITE, &s, &err), err);
    dm_store_close(s);
    const char *migrated = raw(schema);
    T_TRY(dm_remove_tree(path, &err), err);
    T_TRY(dm_store_open(path, DM_STORE_WRITE, &s, &err), err);
    dm_store_close(s);
    T_STR(migrated, raw(schema));
    done();
}

static void a_newer_store_is_refused_and_kept(void)
{
    struct dm_store *s;
    make_version_1();
    raw("PRAGMA user_version = 999");
    T_INT(dm_store_open(path, DM_STORE_WRITE, &s, &err), DM_E_UNSUPPORTED);
    T_HAS(err.message, "version 999");
    T_HAS(err.hint, "newer program");
    T_INT(dm_store_open(path, DM_STORE_READ, &s, &err), DM_E_UNSUPPORTED);
    T_HAS(err.hint, "newer program");
    T_STR(raw("PRAGMA user_version"), "999");
    T_STR(raw("SELECT count(*) FROM run"), "1");
    done();
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void)
{
    struct dm_store *s;
    make_version_1();
    /* In the way of the fourth version: everything before it has been done by then. */
    raw("CREATE TABLE log_to_remove (x)");
    const char *before = raw("SELECT group_concat(sql) FROM sqlite_schema");
    int rc = dm_store_open(path, DM_STORE_WRITE, &s, &err);
    T_OK(rc < 0);
    T_HAS(err.message, "from version 1 to");
    T_HAS(err.message, "log_to_remove");
    T_STR(raw("PRAGMA user_version"), "1");
    T_STR(raw("SELECT group_concat(sql) FROM sqlite_schema"), before);
    T_STR(raw("SELECT normal FROM generation"), "{\"dag_id\":\"d\",\"tasks\":[]}");
    T_STR(raw("PRAGMA integrity_check"), "ok");
    raw("DROP TABLE log_to_remove");
    T_TRY(dm_store_open(path, DM_STORE_WRITE, &s, &err), err);
    dm_store_close(s);
    done();
}

static void note_line(void *user, const char *line)
{
    dm_strbuf_addf(user, "%s\n", line);
}

static void a_big_store_says_what_is_done_to_it(void)
{
    struct dm_store *s;
    _cleanup_strbuf_ struct dm_strbuf said;
    dm_strbuf_init(&said, DM_BUF_MESSAGE);
    struct dm_store_say say = {note_line, &said};
    make_version_1();
    raw("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70)"
        " INSERT INTO variable SELECT 'v' || i, hex(zeroblob(524288)), 1 FROM n");
    T_TRY(dm_store_open_saying(path, DM_STORE_WRITE, &say, &s, &err), err);
    dm_store_close(s);
    T_HAS(said.p, "GB) to version 2");
    T_HAS(said.p, "to version 4: ");
    dm_strbuf_clear(&said);
    T_TRY(dm_store_open_saying(path, DM_STORE_WRITE, &say, &s, &err), err);
    dm_store_close(s);
    T_INT(said.len, 0);
    done();
}

static void generations_are_kept_compressed(void)
{
    struct dm_store *s;
    struct dm_str text;
    _cleanup_strbuf_ struct dm_strbuf b;
    snprintf(dir, sizeof(dir), "/tmp/dm-migrate-XXXXXX");
    T_OK(mkdtemp(dir));
    path = dm_arena_printf(&arena, "%s/daymill.db", dir);
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (int i = 0; i < 5000; i++)
        dm_strbuf_addf(&b, "select %d from somewhere; ", i);
    T_TRY(dm_store_open(path, DM_STORE_WRITE, &s, &err), err);
    T_TRY(dm_store_begin(s, false, &err), err);
    T_TRY(dm_record_generation(s, "big", "d", dm_strbuf_str(&b), 1, &err), err);
    T_TRY(dm_record_generation(s, "none", "d", DM_STR(""), 1, &err), err);
    T_TRY(dm_record_generation(s, "big", "d", dm_strbuf_str(&b), 5, &err), err);
    T_TRY(dm_store_commit(s, &err), err);
    T_TRY(dm_store_generation(s, &arena, "big", &text, &err), err);
    T_DMSTR(text, b.p);
    T_TRY(dm_store_generation(s, &arena, "none", &text, &err), err);
    T_DMSTR(text, "");
    dm_store_close(s);
    T_STR(raw("SELECT length(packed) * 4 < bytes FROM generation WHERE digest = 'big'"), "1");
    T_STR(raw("SELECT created_at || ' ' || used_at FROM generation WHERE digest = 'big'"), "1 5");
    raw("UPDATE generation SET packed = substr(packed, 1, 100) WHERE digest = 'big'");
    T_TRY(dm_store_open(path, DM_STORE_READ, &s, &err), err);
    T_INT(dm_store_generation(s, &arena, "big", &text, &err), DM_E_DATA);
    struct dm_flaw *flaws;
    size_t n;
    T_TRY(dm_store_check(s, &arena, &flaws, &n, &err), err);
    T_INT(n, 2); /* the empty text is no JSON either */
    T_HAS(flaws[0].what, "generation big of d cannot be read");
    dm_store_close(s);
    done();
}

T_MAIN(T_CASE(version_1_opens_with_everything_in_it), T_CASE(the_schema_is_that_of_a_new_store),
       T_CASE(a_newer_store_is_refused_and_kept),
       T_CASE(a_migration_that_fails_leaves_the_file_as_it_was),
       T_CASE(a_big_store_says_what_is_done_to_it), T_CASE(generations_are_kept_compressed))
