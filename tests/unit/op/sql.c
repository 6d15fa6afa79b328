/* The operators that speak SQL, against a PostgreSQL server of the test's own (skipped where none is installed). */
#include <spawn.h>
#include <sys/wait.h>

#include "harness.h"
#include "op/staged.h"
#include "state/record.h"

static const char *server; /* folder of the server; NULL = none */
static char folder[] = "/tmp/dm-op-pg-XXXXXX";

static int pg(const char *verb)
{
    extern char **environ;
    char *argv[] = {(char *)"bash", (char *)"../shared/tools/pg.sh", (char *)verb, folder, NULL};
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, "bash", NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return status;
}

static void a_server_starts(void)
{
    if (!dm_exists("../shared/tools/pg.sh") || !dm_exists("/usr/lib/postgresql"))
        T_SKIP("no PostgreSQL server, or no shared tools");
    T_OK(mkdtemp(folder));
    T_INT(pg("start"), 0);
    server = folder;
}

static void begin(struct h *h)
{
    h_begin(h);
    dm_project_release(&h->project);
    h_write(
        h, "connections.yaml",
        dm_arena_printf(&h->arena,
                        "lake: {conn_type: local_lake}\npg: {conn_type: postgres, host: %s, port: "
                        "5432, login: daymill, password: secret, schema: postgres}\n",
                        server));
    if (dm_project_open(&h->project, h->dir, &h->err) < 0)
        t_fail(__FILE__, __LINE__, "%s", h->err.message);
}

#define NEEDS_SERVER                                 \
    do {                                             \
        if (!server)                                 \
            T_SKIP("no PostgreSQL server was made"); \
    } while (0)

static const char *one(struct h *h, const char *sql)
{
    const struct dm_value *v;
    char json[2048];
    snprintf(json, sizeof(json), "{\"conn_id\": \"pg\", \"sql\": \"%s\"}", sql);
    if (h_run(h, "sql", json, &v) < 0) {
        t_fail(__FILE__, __LINE__, "%s: %s", sql, h->err.message);
        return "";
    }
    return v ? dm_str_cstr(&h->arena, dm_value_json(&h->arena, v)) : "";
}

static void statements_are_one_transaction(void)
{
    struct h h;
    const struct dm_value *v;
    NEEDS_SERVER;
    begin(&h);
    one(&h, "create schema a; create table a.t(id int, name text, amount numeric(18,5))");
    T_STR(one(&h,
              "insert into a.t values (1, ';', 2.5), (2, null, 0); select * from a.t order by id"),
          "[[1, \";\", \"2.50000\"], [2, null, \"0.00000\"]]");
    T_INT(
        h_run(
            &h, "sql",
            "{\"conn_id\": \"pg\", \"sql\": [\"delete from a.t\", \"select 1;\\n\\nselect nope\"]}",
            &v),
        DM_E_SQL);
    T_HAS(h.err.message, "statement 3 of 3");
    T_INT(h.err.position, 19);
    T_STR(one(&h, "select count(*) from a.t"), "[[2]]");

    T_INT(
        h_run(
            &h, "sql",
            "{\"conn_id\": \"pg\", \"autocommit\": true, \"sql\": \"delete from a.t where id = 2; "
            "select nope\"}",
            &v),
        DM_E_SQL);
    T_STR(one(&h, "select count(*) from a.t"), "[[1]]");
    T_INT(h_run(&h, "sql", "{\"conn_id\": \"pg\", \"sql\": \"select 1; vacuum\"}", &v), DM_E_SQL);
    T_HAS(h.err.hint, "autocommit: true");
    T_TRY(
        h_run(
            &h, "sql",
            "{\"conn_id\": \"pg\", \"return_last\": false, \"sql\": \"select true; update a.t set "
            "name = 'x'; select 1.5::float8\"}",
            &v),
        h.err);
    T_DMSTR(dm_value_json(&h.arena, v), "[[[true]], 1, [[1.5]]]");
    T_TRY(h_run(&h, "sql",
                "{\"conn_id\": \"pg\", \"sql\": \"select %(a)s, %(b)s || '%%'\", \"parameters\": "
                "{\"a\": "
                "null, \"b\": \"it's\"}}",
                &v),
          h.err);
    T_DMSTR(dm_value_json(&h.arena, v), "[[null, \"it's%\"]]");
    one(&h, "drop schema a cascade");
    h_end(&h);
}

static void copy_goes_through_the_scratch_folder(void)
{
    struct h h;
    NEEDS_SERVER;
    begin(&h);
    h_write(&h, "data/in.csv", "id,name\n1,\"a,\nb\"\n2,\n");
    one(&h, "create schema c; create table c.t(id int, name text); create table c.u(like c.t)");
    T_STR(one(&h, "copy c.t from '/data/in.csv' csv header"), "2");
    T_STR(one(&h, "copy (select * from c.t) to '/temp/out.csv' with (format csv, header)"), "2");
    T_STR(one(&h,
              "copy c.u from '/temp/out.csv' with (format csv, header); select count(*) from c.u"),
          "[[2]]");
    T_STR(one(&h, "select count(*) from c.t join c.u using (id, name)"), "[[1]]");
    const struct dm_value *v;
    T_INT(h_run(&h, "sql", "{\"conn_id\": \"pg\", \"sql\": \"copy c.t to '/temp/../../x'\"}", &v),
          DM_E_PERMISSION);
    T_INT(h_run(&h, "sql", "{\"conn_id\": \"pg\", \"sql\": \"copy c.t from '/etc/passwd'\"}", &v),
          DM_E_NOTFOUND);
    one(&h, "drop schema c cascade");
    h_end(&h);
}

static void an_extract_is_counted(void)
{
    struct h h;
    const struct dm_value *v;
    NEEDS_SERVER;
    begin(&h);
    one(&h, "create schema e; create table e.t as select i, 'line' || chr(10) || i as t from "
            "generate_series(1, 1000) i");
    T_TRY(h_run(&h, "sql_to_s3",
                "{\"sql_conn_id\": \"pg\", \"query\": \"select * from e.t where i > 10 -- some\", "
                "\"s3_bucket\": \"b\", \"s3_key\": \"raw/t.csv\"}",
                &v),
          h.err);
    T_INT(dm_map_int(v, "rows", 0), 990);
    const char *copy = "{\"source_bucket_key\": \"s3://b/raw/t.csv\", \"dest_bucket_key\": "
                       "\"s3://b/stage/t.csv\", \"count_conn_id\": \"pg\", \"count_sql\": \"select "
                       "count(*) from e.t where i > 10\"}";
    T_TRY(h_run(&h, "s3_copy", copy, &v), h.err);
    T_INT(dm_map_int(v, "source_rows", 0), 990);
    one(&h, "delete from e.t where i = 500");
    T_INT(h_run(&h, "s3_copy", copy, &v), DM_E_CHECK);
    T_HAS(h.err.message, "has 990 rows, its source 989");

    T_TRY(h_run(&h, "sql_to_s3",
                "{\"sql_conn_id\": \"pg\", \"query\": \"select * from e.t where i < 0;\", "
                "\"s3_bucket\": "
                "\"b\", \"s3_key\": \"raw/none.csv\"}",
                &v),
          h.err);
    T_INT(dm_map_int(v, "rows", -1), 0);
    T_INT(dm_map_int(v, "bytes", -1), 4);
    one(&h, "drop schema e cascade");
    h_end(&h);
}

static void checks_tell_what_is_wrong(void)
{
    struct h h;
    const struct dm_value *v;
    NEEDS_SERVER;
    begin(&h);
    one(&h, "create schema q; create table q.t(id int, amount numeric(18,5), d date)");
    const char *columns =
        "{\"conn_id\": \"pg\", \"table\": \"q.t\", \"partition_clause\": \"d = "
        "'2010-12-01'\", \"retry_on_failure\": false, \"column_mapping\": {\"id\": "
        "{\"null_check\": {\"equal_to\": 0}, \"unique_check\": {\"equal_to\": 0}}, "
        "\"amount\": {\"min\": {\"geq_to\": 0}}}}";
    const char *table = "{\"conn_id\": \"pg\", \"table\": \"q.t\", \"checks\": {\"positive\": "
                        "{\"check_statement\": \"amount >= 0\"}}}";
    /* No rows: NULL is 0, and a condition on rows passes. */
    T_TRY(h_run(&h, "sql_column_check", columns, &v), h.err);
    T_TRY(h_run(&h, "sql_table_check", table, &v), h.err);
    T_INT(h_run(&h, "sql_table_check",
                "{\"conn_id\": \"pg\", \"table\": \"q.t\", \"checks\": {\"some\": "
                "{\"check_statement\": "
                "\"COUNT(*) > 0\"}}}",
                &v),
          DM_E_CHECK);
    T_INT(h_run(&h, "sql_check", "{\"conn_id\": \"pg\", \"sql\": \"select 1 where false\"}", &v),
          DM_E_CHECK);

    one(&h,
        "insert into q.t values (1, 0, '2010-12-01'), (2, 5, '2010-12-01'), (2, -3, '2010-12-01'), "
        "(null, 1, '2010-12-02')");
    T_INT(h_run(&h, "sql_column_check", columns, &v), DM_E_CHECK);
    T_STR(h.err.message, "2 of 3 checks failed");
    T_HAS(h.err.detail, "id unique_check: expected 0, got 1");
    T_HAS(h.err.detail, "amount min: expected >= 0, got -3.00000");
    T_HAS(h.err.detail, "-3.00000 | 2010-12-01");
    T_HAS(h.err.detail,
          "found by: SELECT * FROM q.t WHERE (d = '2010-12-01') AND (NOT (amount >= 0))");
    T_OK(h.at.no_retry);
    T_INT(h_run(&h, "sql_table_check", table, &v), DM_E_CHECK);
    T_OK(!h.at.no_retry);
    T_INT(h_run(&h, "sql_check",
                "{\"conn_id\": \"pg\", \"figures\": [\"all_rows\"], \"sql\": \"select count(*) as "
                "all_rows, "
                "count(*) = 3 as three, true as fine from q.t\"}",
                &v),
          DM_E_CHECK);
    T_STR(h.err.message, "check three failed: expected true, got false (all_rows 4)");
    T_TRY(h_run(&h, "sql_value_check",
                "{\"conn_id\": \"pg\", \"pass_value\": 4.1, \"tolerance\": 0.1, \"sql\": \"select "
                "count(*) "
                "from q.t\"}",
                &v),
          h.err);
    one(&h, "drop schema q cascade");
    h_close(&h);
    const struct dm_value *staged = NULL;
    for (size_t i = 0; h_report(&h, 'X', i); i++)
        if (strcmp(h_text(&h, h_report(&h, 'X', i), "key"), DM_STAGED_XCOM) == 0)
            staged = dm_map_at(h_report(&h, 'X', i), "value");
    T_INT(dm_map_int(staged, "rows", -1), 0);
    bool figure = false;
    for (size_t i = 0; h_report(&h, 'L', i); i++)
        figure |= strcmp(h_text(&h, h_report(&h, 'L', i), "dataset"), "all rows") == 0;
    T_OK(figure);
    h_end(&h);
}

static struct dm_staged staged_of(struct h *h, struct dm_pg *session, const char *where)
{
    struct dm_staged s = {0};
    if (dm_staged_read(session, &h->arena, "s.t", dm_str_c(where), &s, &h->err) < 0)
        t_fail(__FILE__, __LINE__, "%s", h->err.message);
    return s;
}

static void the_digest_knows_rows_not_their_order(void)
{
    struct h h;
    NEEDS_SERVER;
    begin(&h);
    _cleanup_pg_ struct dm_pg *session = NULL;
    T_TRY(dm_attempt_sql(&h.at, DM_STR("pg"), &session, &h.err), h.err);
    one(&h, "create schema s; create table s.t(a text, b text, c int)");
    T_INT(staged_of(&h, session, "").rows, 0);
    one(&h, "insert into s.t select i::text, null, i % 7 from generate_series(1, 5000) i");
    struct dm_staged all = staged_of(&h, session, "");
    T_INT(all.rows, 5000);
    one(&h,
        "create table s.u as select * from s.t order by a desc; delete from s.t; insert into s.t "
        "select * from s.u");
    T_STR(staged_of(&h, session, "").digest, all.digest);
    one(&h, "update s.t set c = c + 1 where a = '77'");
    T_OK(strcmp(staged_of(&h, session, "").digest, all.digest) != 0);
    T_STR(staged_of(&h, session, "a = '78'").digest, staged_of(&h, session, "a = '78'").digest);
    /* Neither the border between two columns nor NULL can be mistaken. */
    one(&h, "delete from s.t; insert into s.t values ('a', 'bc', 0)");
    struct dm_staged first = staged_of(&h, session, "");
    one(&h, "delete from s.t; insert into s.t values ('ab', 'c', 0)");
    T_OK(strcmp(staged_of(&h, session, "").digest, first.digest) != 0);
    one(&h, "delete from s.t; insert into s.t values ('', null, 0)");
    first = staged_of(&h, session, "");
    one(&h, "delete from s.t; insert into s.t values (null, '', 0)");
    T_OK(strcmp(staged_of(&h, session, "").digest, first.digest) != 0);
    one(&h, "drop schema s cascade");
    h_end(&h);
}

/* What the parent does with XCom values: into the store, for the next task of the run to read. */
static void store_xcom_of(struct h *h, const char *task_id, int map_index, const char *key,
                          const char *json)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_run_row run = {.dag_id = "d",
                             .run_id = "r1",
                             .run_type = "manual",
                             .state = DM_RUN_RUNNING,
                             .conf = "{}",
                             .generation = "g"};
    struct dm_task_row task = {
        .task_id = task_id, .map_index = map_index, .operator_name = "sql_check"};
    int rc = dm_store_open(h->project.state_path, DM_STORE_WRITE, &store, &h->err);
    if (rc >= 0)
        rc = dm_store_begin(store, false, &h->err);
    if (rc >= 0)
        rc = dm_record_generation(store, "g", "d", DM_STR("{}"), 1, &h->err);
    if (rc >= 0 && dm_store_run_at(store, &h->arena, "d", 0, &run, &h->err) == 0)
        rc = dm_record_run(store, &run, 1, &h->err);
    task.run = run.id;
    if (rc >= 0)
        rc = dm_record_task(store, &task, &h->err);
    if (rc >= 0)
        rc = dm_record_xcom(store, task.id, 1, dm_str_c(key), dm_str_c(json), 1, &h->err);
    if (rc >= 0)
        rc = dm_store_commit(store, &h->err);
    if (rc < 0)
        t_fail(__FILE__, __LINE__, "%s", h->err.message);
}

static void store_xcom(struct h *h, const char *task_id, const char *key, const char *json)
{
    store_xcom_of(h, task_id, -1, key, json);
}

static const char *staged_json(struct h *h)
{
    _cleanup_pg_ struct dm_pg *session = NULL;
    struct dm_staged s = {0};
    if (dm_attempt_sql(&h->at, DM_STR("pg"), &session, &h->err) < 0 ||
        dm_staged_read(session, &h->arena, "p.staged", DM_STR("day = '2010-12-01'"), &s, &h->err) <
            0)
        t_fail(__FILE__, __LINE__, "%s", h->err.message);
    const struct dm_value *v =
        dm_staged_value(&h->arena, "p.staged", DM_STR("day = '2010-12-01'"), &s);
    return dm_str_cstr(&h->arena, dm_value_json(&h->arena, v));
}

static void only_what_was_checked_is_published(void)
{
    struct h h;
    const struct dm_value *v;
    NEEDS_SERVER;
    begin(&h);
    const char *json = "{\"conn_id\": \"pg\", \"staging_table\": \"p.staged\", \"table\": \"p.t\", "
                       "\"day_column\": \"day\", \"day\": \"2010-12-01\", \"checks\": [\"c1\"]}";
    one(&h,
        "create schema p; create table p.staged(id int, x numeric(9,2), day date); create table "
        "p.t(day date, id int, x numeric(9,2))");
    one(&h, "insert into p.staged values (1, 1, '2010-12-01'), (2, 2, '2010-12-01'), (3, 3, "
            "'2010-12-02'); insert into p.t values ('2010-12-01', 9, 9), ('2010-12-02', 8, 8)");
    store_xcom(&h, "other", "x", "1");
    T_INT(h_run(&h, "publish", json, &v), DM_E_CHECK);
    T_HAS(h.err.message, "c1 recorded no checked rows");

    store_xcom(&h, "c1", DM_STAGED_XCOM, staged_json(&h));
    one(&h, "update p.staged set x = 5 where id = 2");
    T_INT(h_run(&h, "publish", json, &v), DM_E_CHECK);
    T_HAS(h.err.message, "not those that c1 checked");
    T_STR(one(&h, "select id from p.t order by id"), "[[8], [9]]");

    one(&h, "update p.staged set x = 2 where id = 2");
    T_TRY(h_run(&h, "publish", json, &v), h.err);
    T_INT(dm_map_int(v, "rows", 0), 2);
    T_STR(one(&h, "select id, x from p.t order by id"),
          "[[1, \"1.00\"], [2, \"2.00\"], [8, \"8.00\"]]");
    T_TRY(h_run(&h, "publish", json, &v), h.err);
    T_STR(one(&h, "select count(*) from p.t"), "[[3]]");

    /* A mapped check: each instance that saw this table must have seen these rows. */
    json = "{\"conn_id\": \"pg\", \"staging_table\": \"p.staged\", \"table\": \"p.t\", "
           "\"day_column\": \"day\", \"day\": \"2010-12-01\", \"checks\": [\"m\"]}";
    store_xcom_of(&h, "m", 0, DM_STAGED_XCOM,
                  "{\"table\": \"p.elsewhere\", \"rows\": 7, \"digest\": \"x\"}");
    T_INT(h_run(&h, "publish", json, &v), DM_E_CHECK);
    T_HAS(h.err.message, "m checked p.elsewhere, not p.staged");
    store_xcom_of(&h, "m", 1, DM_STAGED_XCOM, staged_json(&h));
    T_TRY(h_run(&h, "publish", json, &v), h.err);
    store_xcom_of(&h, "m", 2, DM_STAGED_XCOM,
                  "{\"table\": \"p.staged\", \"rows\": 7, \"digest\": \"x\"}");
    T_INT(h_run(&h, "publish", json, &v), DM_E_CHECK);
    T_HAS(h.err.message, "7 rows then, 2 now");
    one(&h, "drop schema p cascade");
    h_end(&h);
}

static void the_server_stops(void)
{
    struct dm_err err;
    NEEDS_SERVER;
    T_INT(pg("stop"), 0);
    T_TRY(dm_remove_tree(folder, &err), err);
}

T_MAIN(T_CASE(a_server_starts), T_CASE(statements_are_one_transaction),
       T_CASE(copy_goes_through_the_scratch_folder), T_CASE(an_extract_is_counted),
       T_CASE(checks_tell_what_is_wrong), T_CASE(the_digest_knows_rows_not_their_order),
       T_CASE(only_what_was_checked_is_published), T_CASE(the_server_stops))
