/* warehouse/engine.h: databases, statements, streamed results, all with the real DuckDB. */
#include "warehouse/engine.h"

#include "base/dl.h"
#include "base/file.h"
#include "t.h"
#include "warehouse/format.h"

static struct dm_engine *engine;
static char dir[] = "/tmp/dm-engine-XXXXXX";

static bool opened(void)
{
    struct dm_err err;
    struct dm_engine_opts opts = {.dir = dir, .lake_dir = dir};
    if (engine)
        return true;
    if (!strstr(dir, "XXXXXX") || mkdtemp(dir)) {
        int rc = dm_engine_open(&opts, &engine, &err);
        if (rc == 0)
            return true;
        if (rc != DM_E_LIBRARY)
            t_fail(__FILE__, __LINE__, "%s", err.message);
    }
    return false;
}

#define T_ENGINE()                            \
    do {                                      \
        if (!opened())                        \
            T_SKIP("libduckdb is not there"); \
    } while (0)

static void text_is_postgresqls(void)
{
    T_ENGINE();
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_engine_conn *c;
    T_TRY(dm_engine_connect(engine, "warehouse", &c, &err), err);
    static const char *const cases[][2] = {
        {"true", "t"},
        {"1.500::decimal(8,3)", "1.500"},
        {"-0.05::decimal(5,2)", "-0.05"},
        {"0::decimal(5,2)", "0.00"},
        {"(-12345678901234567890.12)::decimal(30,2)", "-12345678901234567890.12"},
        {"'-32768'::smallint", "-32768"},
        {"'-9223372036854775808'::bigint", "-9223372036854775808"},
        {"18446744073709551615::ubigint", "18446744073709551615"},
        {"sum(i) FROM range(3) t(i)", "3"},
        {"0.1::double", "0.1"},
        {"1e20::double", "1e+20"},
        {"1e-5::double", "1e-05"},
        {"0.0001::double", "0.0001"},
        {"123456789012345::double", "123456789012345"},
        {"1234567890123456::double", "1.234567890123456e+15"},
        {"0.1::double + 0.2::double", "0.30000000000000004"},
        {"100::double", "100"},
        {"-0.0::double", "-0"},
        {"'nan'::double", "NaN"},
        {"'-inf'::double", "-Infinity"},
        {"0.1::float", "0.1"},
        {"1e6::float", "1e+06"},
        {"date '2010-12-01'", "2010-12-01"},
        {"date '0044-03-15 (BC)'", "0044-03-15 BC"},
        {"date 'infinity'", "infinity"},
        {"timestamp '2010-12-01 08:26:00'", "2010-12-01 08:26:00"},
        {"timestamp '2010-12-01 08:26:00.250'", "2010-12-01 08:26:00.25"},
        {"timestamp '1969-12-31 23:59:59.999999'", "1969-12-31 23:59:59.999999"},
        {"timestamptz '2010-12-01 08:26:00+02'", "2010-12-01 06:26:00+00"},
        {"time '08:26:01.5'", "08:26:01.5"},
        {"timetz '08:26:01+05:30'", "08:26:01+05:30"},
        {"interval '14 months 3 days 4 hours 5 minutes 6.7 seconds'",
         "1 year 2 mons 3 days 04:05:06.7"},
        {"interval '-1 day' + interval '2 hours'", "-1 days +02:00:00"},
        {"interval '0 days'", "00:00:00"},
        {"interval '1 day'", "1 day"},
        {"interval '-90 minutes'", "-01:30:00"},
        {"interval '123 hours'", "123:00:00"},
        {"'\\x00\\xFF'::blob", "\\x00ff"},
        {"'a \"b\" é'", "a \"b\" é"},
        {"'12345678-1234-5678-9abc-123456789abc'::uuid", "12345678-1234-5678-9abc-123456789abc"},
        {"[1, NULL, 3]", "{1,NULL,3}"},
        {"['a b', 'null', '', 'x', '\"']", "{\"a b\",\"null\",\"\",x,\"\\\"\"}"},
        {"[[1, 2], [3, 4]]", "{{1,2},{3,4}}"},
        {"{'a': 1, 'b': 'x'}", "{\"a\":1,\"b\":\"x\"}"},
        {"map {'k': 1.5}", "{\"k\":1.5}"},
        {"'10101'::bit", "10101"},
        {"'b'::enum('a', 'b')", "b"},
        {"NULL", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_engine_rows rows;
        const char *sql = dm_arena_printf(&a, "SELECT %s", cases[i][0]);
        if (dm_engine_query(c, &a, sql, &rows, &err) < 0) {
            t_fail(__FILE__, __LINE__, "%s: %s", sql, err.message);
            continue;
        }
        T_STR(rows.rows[0][0], cases[i][1]);
    }
    struct dm_engine_rows rows;
    T_INT(dm_engine_query(c, &a, "SELECT 9223372036854775808::hugeint", &rows, &err), DM_E_DATA);
    T_STR(err.sqlstate, "22003");
    dm_engine_disconnect(c);
}

static void each_database_is_its_own(void)
{
    T_ENGINE();
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_engine_conn *w, *o;
    T_TRY(dm_engine_connect(engine, "warehouse", &w, &err), err);
    T_TRY(dm_engine_connect(engine, "oltp", &o, &err), err);
    struct dm_engine_rows rows;
    T_TRY(dm_engine_query(w, &a, "CREATE TABLE own(i int); INSERT INTO own VALUES (7)", NULL, &err),
          err);
    T_TRY(dm_engine_query(w, &a, "SELECT i, current_schema() FROM own", &rows, &err), err);
    T_STR(rows.rows[0][0], "7");
    T_STR(rows.rows[0][1], "public");
    T_INT(dm_engine_query(o, &a, "SELECT i FROM own", &rows, &err), DM_E_SQL);
    T_HAS(err.message, "Catalog Error");
    T_STR(err.sqlstate, "42P01");
    struct dm_engine_conn *none;
    T_INT(dm_engine_connect(engine, "nowhere", &none, &err), DM_E_NOTFOUND);
    T_STR(err.sqlstate, "3D000");
    dm_engine_disconnect(w);
    dm_engine_disconnect(o);
}

static void a_statement_is_described_without_running(void)
{
    T_ENGINE();
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_engine_conn *c;
    T_TRY(dm_engine_connect(engine, "warehouse", &c, &err), err);
    T_TRY(dm_engine_query(c, &a, "CREATE TABLE d(i int, m decimal(8,3), s varchar)", NULL, &err),
          err);
    const char *const *names, *const *types;
    size_t n;
    T_TRY(dm_engine_describe(c, &a, "INSERT INTO d VALUES (1, 2, 'x') RETURNING m AS money, s",
                             &names, &types, &n, &err),
          err);
    T_INT(n, 2);
    T_STR(names[0], "money");
    T_STR(types[0], "DECIMAL(8,3)");
    struct dm_engine_rows rows;
    T_TRY(dm_engine_query(c, &a, "SELECT count(*) FROM d", &rows, &err), err);
    T_STR(rows.rows[0][0], "0");
    dm_engine_disconnect(c);
}

/* DuckDB streams one result per connection; ours go on after another statement. */
static void an_unfinished_result_survives_another_statement(void)
{
    T_ENGINE();
    struct dm_err err;
    struct dm_engine_conn *c;
    struct dm_prepared *p, *q;
    struct dm_result *r, *s;
    struct dm_chunk chunk;
    T_TRY(dm_engine_connect(engine, "warehouse", &c, &err), err);
    T_TRY(dm_engine_prepare(c, "SELECT i FROM range(100000) t(i)", &p, &err), err);
    T_TRY(dm_prepared_run(p, NULL, NULL, &r, &err), err);
    T_INT(dm_result_next(r, &chunk, &err), 1);
    size_t n = chunk.n_rows;
    T_TRY(dm_engine_prepare(c, "SELECT 42", &q, &err), err);
    T_TRY(dm_prepared_run(q, NULL, NULL, &s, &err), err);
    T_INT(dm_result_next(s, &chunk, &err), 1);
    T_INT(((const int32_t *)chunk.cols[0].data)[0], 42);
    T_INT(dm_result_next(s, &chunk, &err), 0);
    dm_result_free(s);
    dm_prepared_free(q);
    int64_t last = -1;
    while (dm_result_next(r, &chunk, &err) > 0) {
        last = ((const int64_t *)chunk.cols[0].data)[chunk.n_rows - 1];
        n += chunk.n_rows;
    }
    T_INT(n, 100000);
    T_INT(last, 99999);
    dm_result_free(r);
    dm_prepared_free(p);
    dm_engine_disconnect(c);
}

static void a_lost_update_is_a_conflict(void)
{
    T_ENGINE();
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_engine_conn *c, *d;
    T_TRY(dm_engine_connect(engine, "warehouse", &c, &err), err);
    T_TRY(dm_engine_connect(engine, "warehouse", &d, &err), err);
    T_TRY(dm_engine_query(c, &a, "CREATE TABLE u AS SELECT 1 AS i", NULL, &err), err);
    T_TRY(dm_engine_query(c, &a, "BEGIN; DELETE FROM u", NULL, &err), err);
    T_INT(dm_engine_query(d, &a, "DELETE FROM u", NULL, &err), DM_E_CONFLICT);
    T_STR(dm_code_sqlstate(err.code), "40001");
    T_TRY(dm_engine_query(c, &a, "COMMIT", NULL, &err), err);
    dm_engine_disconnect(c);
    dm_engine_disconnect(d);
}

static void closing_leaves_whole_files(void)
{
    T_ENGINE();
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_engine_opts opts = {.dir = dir, .lake_dir = dir};
    struct dm_engine_conn *c;
    struct dm_engine_rows rows;
    dm_engine_close(engine);
    T_OK(!dm_exists(dm_path_join(&a, dir, "warehouse.duckdb.wal")));
    T_TRY(dm_engine_open(&opts, &engine, &err), err);
    T_TRY(dm_engine_connect(engine, "warehouse", &c, &err), err);
    T_TRY(dm_engine_query(c, &a, "SELECT count(*) FROM own", &rows, &err), err);
    T_STR(rows.rows[0][0], "1");
    dm_engine_disconnect(c);
    dm_engine_close(engine);
    engine = NULL;
    T_TRY(dm_remove_tree(dir, &err), err);
}

T_MAIN(T_CASE(text_is_postgresqls), T_CASE(each_database_is_its_own),
       T_CASE(a_statement_is_described_without_running),
       T_CASE(an_unfinished_result_survives_another_statement), T_CASE(a_lost_update_is_a_conflict),
       T_CASE(closing_leaves_whole_files))
