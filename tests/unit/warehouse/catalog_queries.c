/* What psql asks of PostgreSQL's catalog: every recorded query runs, and a table is described as PostgreSQL does. */
#include "rewrite_fixture.h"

static void open_it(void)
{
    T_OK(fixture_open());
    if (!fx.rewriter) {
        printf("# %s\n", fx.err.message);
        exit(1);
    }
}

static const char *const describe =
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),"
    " (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d"
    "  WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull"
    " FROM pg_catalog.pg_attribute a WHERE a.attrelid = '%s'::regclass AND a.attnum > 0 AND NOT "
    "a.attisdropped"
    " ORDER BY a.attnum";

static const char *described(const char *table)
{
    const char *at = strstr(describe, "%s");
    return dm_arena_printf(&fx.arena, "%.*s%s%s", (int)(at - describe), describe, table, at + 2);
}

static void columns_as_declared(void)
{
    T_TRY(run("create schema shop; create table shop.orders(a integer not null, b varchar(12) "
              "default 'x', c numeric(9,4),"
              " d timestamp without time zone not null, e boolean default false, f text, g "
              "char(3), h bigint, i smallint,"
              " j date, k double precision, l real, m varchar, n timestamptz, \"Odd Name\" "
              "varchar(7), o uuid, p bytea, q numeric)"),
          fx.err);
    T_ROWS(
        described("shop.orders"),
        "a|integer|~|t\nb|character varying(12)|'x'::character varying|f\nc|numeric(9,4)|~|f\n"
        "d|timestamp without time "
        "zone|~|t\ne|boolean|false|f\nf|text|~|f\ng|character(3)|~|f\nh|bigint|~|f\n"
        "i|smallint|~|f\nj|date|~|f\nk|double precision|~|f\nl|real|~|f\nm|character varying|~|f\n"
        "n|timestamp with time zone|~|f\nOdd Name|character "
        "varying(7)|~|f\no|uuid|~|f\np|bytea|~|f\nq|numeric|~|f\n");
    T_ROWS("select n.nspname, c.relname, c.relkind, c.relchecks from pg_class c join pg_namespace "
           "n on n.oid = c.relnamespace"
           " where c.relname ~ '^(orders)$'",
           "shop|orders|r|0\n");
    /* The constraints that keep the lengths are not the user's; theirs are shown. */
    T_TRY(
        run("create table shop.checked(a int check (a > 0), b varchar(5) unique, primary key (a))"),
        fx.err);
    T_ROWS("select contype, pg_get_constraintdef(oid, true) from pg_constraint where conrelid = "
           "'shop.checked'::regclass"
           " order by 1",
           "c|CHECK (a > 0)\np|PRIMARY KEY (a)\nu|UNIQUE (b)\n");
}

static void follows_changes(void)
{
    T_TRY(run("alter table shop.orders rename to bills; alter table shop.bills drop column c;"
              "alter table shop.bills rename column b to label"),
          fx.err);
    T_TRY(run(described("shop.bills")), fx.err);
    T_HAS(fx.text, "label|character varying(12)|");
    T_OK(!strstr(fx.text, "numeric(9,4)"));
    T_TRY(run("begin; create table gone(a varchar(4)); rollback"), fx.err);
    T_FAILS(described("gone"), "22023", "relation \"gone\" does not exist");
}

static void object_identifiers(void)
{
    T_ROWS("select 'shop.bills'::regclass::text, 23::regtype, 'int8'::regtype::oid, "
           "1043::oid::regtype",
           "shop.bills|integer|20|character varying\n");
    T_ROWS("select c.oid::regclass from pg_class c where c.relname = 'bills'", "shop.bills\n");
    T_ROWS("select pg_get_userbyid(10), current_database(), "
           "pg_table_is_visible('shop.bills'::regclass)",
           "daymill|warehouse|f\n");
}

static void external_tables_are_listed(void)
{
    T_TRY(run("create external schema lake from data catalog database 'd';"
              "create external table lake.t (a int, b varchar(9)) partitioned by (ds date) stored "
              "as parquet"
              " location 's3://b/t'; alter table lake.t add partition (ds='2010-12-01') location "
              "'s3://b/t/1'"),
          fx.err);
    T_ROWS("select c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace where "
           "nspname = 'lake'",
           "f\n");
    T_ROWS(described("lake.t"), "a|integer|~|f\nb|character varying(9)|~|f\nds|date|~|f\n");
    T_ROWS("select schemaname, tablename, location from svv_external_tables", "lake|t|s3://b/t\n");
    T_ROWS("select values, location from svv_external_partitions", "[\"2010-12-01\"]|s3://b/t/1\n");
    T_ROWS(
        "select columnname, external_type, part_key from svv_external_columns order by columnnum",
        "a|integer|0\nb|varchar(9)|0\nds|date|1\n");
    T_ROWS("select schemaname, databasename from svv_external_schemas", "lake|d\n");
}

/* The hidden schema is PostgreSQL's catalog to a client. */
static void schemas(void)
{
    T_ROWS("SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND "
           "n.nspname <> 'information_schema'"
           " ORDER BY 1",
           "lake\npublic\nshop\n");
}

/* Every query that psql sent to PostgreSQL 15, with our numbers in place of its own. */
static void recorded_queries(void)
{
    struct dm_str text, rest, line;
    if (dm_file_read(&fx.arena, "../shared/reference/catalog-queries/psql.sql", 1 << 20, &text,
                     NULL) < 0)
        T_SKIP("../shared/reference/catalog-queries/psql.sql is not here");
    struct dm_strbuf query;
    dm_strbuf_init(&query, DM_BUF_TEXT);
    bool inside = false;
    int n = 0, failed = 0;
    rest = text;
    while (dm_str_split(&rest, '\n', &line)) {
        if (!dm_str_starts(line, DM_STR("-- "))) {
            if (inside) {
                dm_strbuf_addstr(&query, line);
                dm_strbuf_addc(&query, '\n');
            }
            continue;
        }
        if (inside && query.len) {
            struct dm_str sql = dm_str_trim(dm_strbuf_str(&query));
            while (dm_str_ends(sql, DM_STR(";")))
                sql.len--;
            n++;
            /* 'v' is a view of the recorded database. */
            if (dm_str_find(sql, DM_STR("'v'::"), 0) < 0 && run_one(sql) < 0) {
                failed++;
                printf("# %.*s\n# %s\n", DM_FMT(sql), fx.err.message);
            }
        }
        dm_strbuf_clear(&query);
        inside = dm_str_is(line, "-- Q");
    }
    dm_strbuf_release(&query);
    T_OK(n > 40);
    T_INT(failed, 0);
}

/* A second session of the process and a second opening of the file see the same definitions. */
static void opened_again(void)
{
    struct dm_engine_conn *conn;
    struct dm_rewriter *other;
    T_TRY(dm_engine_connect(fx.engine, "warehouse", &conn, &fx.err), fx.err);
    T_TRY(dm_rewriter_open(conn, "warehouse", fx.lake, &other, &fx.err), fx.err);
    T_TRY(run("alter table lake.t add partition (ds='2010-12-02') location 's3://b/t/2'"), fx.err);
    struct dm_statement s;
    T_TRY(dm_rewrite(other, &fx.arena, DM_STR("select a from lake.t"), &s, &fx.err), fx.err);
    dm_rewriter_close(other);
    dm_engine_disconnect(conn);
    dm_rewriter_close(fx.rewriter);
    fx.rewriter = NULL;
    T_TRY(dm_catalog_install(fx.conn, "warehouse", &fx.err), fx.err);
    T_TRY(dm_rewriter_open(fx.conn, "warehouse", fx.lake, &fx.rewriter, &fx.err), fx.err);
    T_ROWS("select count(*) from svv_external_partitions", "2\n");
    T_ROWS("select count(*) from lake.t", "0\n");
    fixture_close();
}

T_MAIN(T_CASE(open_it), T_CASE(columns_as_declared), T_CASE(follows_changes),
       T_CASE(object_identifiers), T_CASE(external_tables_are_listed), T_CASE(schemas),
       T_CASE(recorded_queries), T_CASE(opened_again))
