/* PostgreSQL's and Redshift's SQL on the engine: comparisons, names, types, errors, the session's statements. */
#include "rewrite_fixture.h"

static void open_it(void)
{
    T_OK(fixture_open());
    if (!fx.rewriter) {
        printf("# %s\n", fx.err.message);
        exit(1);
    }
    T_TRY(run("create table a(id int, t text); insert into a values (1, 'x'), (2, 'y'), (3, 'z');"
              "create table c(cid varchar(20), n int); insert into c values ('1', 5), ('2 ', 6), "
              "('03', 7), ('no', 8)"),
          fx.err);
}

/* An integer and a character column compare as text, whatever they are called and wherever they come from. */
static void integer_and_text(void)
{
    T_ROWS("select id, cid from a join c on a.id = c.cid order by 1", "1|1\n2|2 \n");
    T_ROWS("select id from a, c where cid = id and id > 1", "2\n");
    T_ROWS("with q as (select cid as k from c) select id from a join q on q.k = a.id order by 1",
           "1\n2\n");
    T_ROWS("select s.m from (select id - 1 as m from a) s join (select trim(cid) u from c) z on "
           "s.m = z.u order by 1",
           "1\n2\n");
    T_ROWS("select id from a where exists (select 1 from c where c.cid = a.id) order by 1",
           "1\n2\n");
    T_ROWS("select id from a where id in (select cid from c) order by 1", "1\n2\n");
    T_ROWS("select id from a where id not in (select cid from c) order by 1", "3\n");
    T_ROWS("select count(*) from a left join c on id = cid", "3\n");
    /* Literals keep their normal binding. */
    T_ROWS("select id from a where id = '03'", "3\n");
    T_FAILS("select id from a where id = 'no'", "22P02",
            "invalid input syntax for type integer: \"no\"");
    T_TRY(run("update a set t = 'hit' from c where a.id = c.cid"), fx.err);
    T_ROWS("select id from a where t = 'hit' order by 1", "1\n2\n");
    T_ROWS("explain select count(*) from a join c on a.id = c.cid", fx.text);
    T_HAS(fx.text, "HASH_JOIN");
}

/* The engine's keywords are not PostgreSQL's: what may stand there without quotes may stand here. */
static void keywords_as_names(void)
{
    T_TRY(
        run("create table qualify(at timestamp, show int, describe text, pivot int, lambda int, "
            "semi int,"
            " \"Mixed \"\"Case\" int);"
            "insert into qualify(at, show, describe, pivot, \"Mixed \"\"Case\") values"
            " ('2010-12-01 10:00', 1, 'd', 3, 5);"
            "update qualify set pivot = 4, at = '2011-01-01' where show = 1;"
            "alter table qualify rename column lambda to unpivot; create index on qualify(pivot)"),
        fx.err);
    T_ROWS("with summarize as (select at, qualify.show from qualify) select summarize.at, show as "
           "pivot"
           " from summarize where at > '2010-01-01' order by at",
           "2011-01-01 00:00:00|1\n");
    T_ROWS("select semi.pivot, semi.\"Mixed \"\"Case\", anti.unpivot from qualify semi join "
           "qualify anti"
           " using (show) group by 1, 2, 3",
           "4|5|~\n");
    T_TRY(run("drop table qualify"), fx.err);
}

static void division(void)
{
    T_TRY(run("create table d(p numeric(10,2), q numeric(8,3), i int, f float8);"
              "insert into d values (10, 4, 3, 2.5), (1, 3, 7, 0.5)"),
          fx.err);
    T_FAILS("select 1 / 0", "22012", "division by zero");
    T_FAILS("select i % (i - 3) from d", "22012", "division by zero");
    T_FAILS("select p / (i - 3) from d", "22012", "division by zero");
    T_FAILS("select f / (f - 2.5) from d", "22012", "division by zero");
    T_ROWS("select case when i <> 3 then 10 / (i - 3) else 0 end, 10 / nullif(i - 3, 0) from d "
           "order by 1",
           "0|~\n2|2\n");
    T_ROWS("select 7 / 2, -7 / 2, 7.0 / 2, 1::numeric / 3, pg_typeof(7.0 / 2)",
           "3|-3|3.5000000000000000|0.3333333333333333|numeric\n");
    T_ROWS("select p / q, p / i, i / q, p / f, pg_typeof(p / f) from d order by p",
           "0.3333333333333333|0.1428571428571429|2.3333333333333333|2|double precision\n"
           "2.5000000000000000|3.3333333333333333|0.7500000000000000|4|double precision\n");
    T_ROWS("select round(sum(p) / count(*), 2), sum(p) / (select max(q) from d), pg_typeof(sum(i)) "
           "from d",
           "5.50|2.7500000000000000|bigint\n");
    T_ROWS("select p / q / 2, count(*) from d group by p / q / 2 order by 1",
           "0.1666666666666666|1\n1.2500000000000000|1\n");
    T_ROWS("select 123456789012345678.99 / 7.1", "17388280142583898.4492957746478873\n");
    T_TRY(run("drop table d"), fx.err);
}

static void using(void)
{
    T_TRY(run("create table u1(id int, n int); create table u2(id varchar(10), m int); create "
              "table u3(id int, k int);"
              "insert into u1 values (1, 10), (2, 20), (3, 30); insert into u3 values (2, 7);"
              "insert into u2 values ('1', 1), ('2 ', 2), ('03', 3), ('x', 4)"),
          fx.err);
    T_ROWS("select * from u1 join u2 using (id) order by id", "1|10|1\n2|20|2\n");
    T_ROWS("select id, u1.n, b.m from u2 b natural join u1 order by id", "1|10|1\n2|20|2\n");
    T_ROWS("select id, m from u1 left join u2 using (id) order by id", "1|1\n2|2\n3|~\n");
    T_ROWS("select id, n, m from u1 right join u2 using (id) order by m",
           "1|10|1\n2 |~|2\n03|~|3\nx|~|4\n");
    T_ROWS("select id, n, m, k from u1 join u2 using (id) left join u3 using (id) order by id",
           "1|10|1|~\n2|20|2|7\n");
    T_TRY(run("drop table u1, u2, u3"), fx.err);
}

static void constraints(void)
{
    T_TRY(run("create table k(id int primary key, v varchar(5) not null, n int check (n > 0), w "
              "int unique);"
              "create table k2(a int, b int, primary key (a, b)); create table k3(x int references "
              "k(id));"
              "insert into k values (1, 'a', 1, 1); insert into k2 values (1, 2); insert into k3 "
              "values (1)"),
          fx.err);
    T_FAILS("insert into k values (1, 'b', 1, 2)", "23505",
            "duplicate key value violates unique constraint \"k_pkey\"");
    T_STR(fx.err.detail, "Key (id)=(1) already exists.");
    T_FAILS("insert into k values (2, 'b', 1, 1)", "23505", "unique constraint \"k_w_key\"");
    T_FAILS("insert into k2 values (1, 2)", "23505", "unique constraint \"k2_pkey\"");
    T_STR(fx.err.detail, "Key (a, b)=(1, 2) already exists.");
    T_FAILS("insert into k values (2, null, 1, 2)", "23502",
            "null value in column \"v\" of relation \"k\" violates not-null constraint");
    T_FAILS("update k set n = 0", "23514",
            "new row for relation \"k\" violates check constraint \"k_n_check\"");
    T_FAILS("insert into k values (2, 'abcdef', 1, 2)", "22001",
            "value too long for type character varying(5)");
    T_FAILS("insert into k3 values (7)", "23503", "foreign key");
    T_STR(fx.err.detail, "Key (id)=(7) is not present in the referenced table.");
    T_TRY(run("drop table k3; drop table k, k2"), fx.err);
}

static void dates(void)
{
    T_TRY(run("create table ts(t timestamp, d date, x text);"
              "insert into ts values ('12/1/2010 8:26', '12/25/2010', '12/1/2010'), ('2011-01-02', "
              "null, null);"
              "insert into ts(d, t) select '1/2/2011', '1/2/2011'; update ts set d = '3/4/2011', x "
              "= '1/1/2011' "
              "where d = '1/2/2011'"),
          fx.err);
    T_ROWS("select t, d, x from ts order by t, d nulls last",
           "2010-12-01 08:26:00|2010-12-25|12/1/2010\n2011-01-02 00:00:00|2011-03-04|1/1/2011\n"
           "2011-01-02 00:00:00|~|~\n");
    T_ROWS("select count(*) from ts where t > '12/1/2010 8:00' and '12/25/2010' = d and x = "
           "'12/1/2010'",
           "1\n");
    T_ROWS("select count(*) from ts where t between '12/1/2010' and '12/2/2010' or d in "
           "('3/4/2011', '2000-01-01')",
           "2\n");
    T_FAILS("insert into ts(d) values ('13/1/2010')", "22008",
            "date/time field value out of range");
    T_FAILS("insert into ts(d) values ('1/2/xx')", "22007",
            "invalid input syntax for type date: \"1/2/xx\"");
    T_TRY(run("drop table ts"), fx.err);
}

static void arrays(void)
{
    T_ROWS("select id from a where id = any('{1, 3}') order by 1", "1\n3\n");
    T_ROWS("select id from a where id <> all('{1,3}'::int[])", "2\n");
    T_ROWS("select id from a where id = any(array[1, 2]) and id = any(array(select id from a)) "
           "order by 1",
           "1\n2\n");
    T_ROWS("select ('{\"a, \\\"b\",NULL,c}'::text[])[1], ('{4,5}'::int[])[2]", "a, \"b|5\n");
}

static void names(const char *sql, const char *want)
{
    struct dm_statement s;
    const char *const *n, *const *types;
    size_t count;
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena, dm_str_c(sql), &s, &fx.err), fx.err);
    T_TRY(dm_engine_describe(fx.conn, &fx.arena, s.sql, &n, &types, &count, &fx.err), fx.err);
    const char *got = "";
    for (size_t i = 0; i < count; i++)
        got = dm_arena_printf(&fx.arena, "%s%s%s", got, i ? "," : "", n[i]);
    T_STR(got, want);
}

static void output_names(void)
{
    names("select 1+1, 'x'::text, case when true then 1 end, coalesce(1, 2), a.id, id as \"Id\", "
          "nvl(1, 2),"
          " date '2010-12-01', (select max(id) from a), exists(select 1), array[1], now()::date "
          "from a",
          "?column?,text,case,coalesce,id,Id,nvl,date,max,exists,array,now");
    names("SELECT ID, T FROM A", "id,t");
    names("select count(*), sum(id), max(t) as m from a", "count,sum,m");
    T_ROWS("select count from (select count(*) from a) x", "3\n");
}

static void dialect(void)
{
    T_ROWS("select 5/2, nvl(null, 3), nvl2(1, 'a', 'b'), len('abc'), getdate() is not null",
           "2|3|a|3|t\n");
    T_ROWS("select dateadd(day, 2, date '2010-12-01'), datediff(day, date '2010-12-01', date "
           "'2010-12-05')",
           "2010-12-03 00:00:00|4\n");
    T_ROWS("select '2010-12-01'::date + 1, interval '1' day, extract(year from date '2010-12-01'),"
           " to_char(date '2010-12-01', 'DD/MM/YYYY')",
           "2010-12-02|1 day|2010|01/12/2010\n");
    T_ROWS("select '12/1/2010 8:26'::timestamp, cast('12/25/2010' as date), 'abcdef'::varchar(3)",
           "2010-12-01 08:26:00|2010-12-25|abc\n");
    T_ROWS("select 'abc' ~ 'b', 'abc' !~ '^b', 'ABC' ~* 'b', 'x' collate \"C\" "
           "operator(pg_catalog.=) 'x'",
           "t|t|t|t\n");
    T_ROWS("select 1.23456::numeric = 1.23456", "t\n");
    T_ROWS("select i from generate_series(1, 2) i", "1\n2\n");
    T_ROWS("select a.id from \"warehouse\".\"public\".\"a\" where id = 1", "1\n");
    T_FAILS("select * from other.public.a", "0A000", "cross-database");
    T_TRY(run("create table ds(a int encode az64 distkey, b varchar(10) sortkey, distkey int) "
              "diststyle key"
              " compound sortkey(a, b); insert into ds(a, b, distkey) values (1, 'x', 2)"),
          fx.err);
    T_ROWS("from ds select distkey", "2\n"); /* the engine's own syntax */
    T_TRY(run("create table k(id int primary key, v int); insert into k values (1, 1);"
              "insert into k values (1, 2) on conflict (id) do update set v = excluded.v;"
              "merge into k using (select 2 as id) s on k.id = s.id when not matched then insert "
              "(id, v) values (s.id, 9)"),
          fx.err);
    T_ROWS("select * from k order by 1", "1|2\n2|9\n");
}

static void lengths(void)
{
    T_TRY(run("create table v(a varchar(3), b char(2), c text, d varchar, \"E f\" varchar(2));"
              "insert into v values ('äöü', 'x ', repeat('x', 500), repeat('y', 500), 'zz')"),
          fx.err);
    T_FAILS("insert into v(a) values ('1234')", "22001",
            "value too long for type character varying(3)");
    T_FAILS("insert into v(b) values ('123')", "22001", "value too long for type character(2)");
    T_FAILS("update v set \"E f\" = 'abc'", "22001",
            "value too long for type character varying(2)");
    struct dm_column_type *columns;
    size_t n;
    T_TRY(dm_rewrite_columns(fx.rewriter, &fx.arena, "\"warehouse\".\"public\".\"v\"", &columns, &n,
                             &fx.err),
          fx.err);
    T_INT(n, 5);
    T_STR(columns[0].type, "character varying(3)");
    T_INT(columns[0].limit, 3);
    T_STR(columns[1].type, "character(2)");
    T_STR(columns[2].type, "text");
    T_STR(columns[3].type, "character varying");
    T_INT(columns[3].limit, 0);
    T_STR(columns[4].name, "E f");
    T_STR(columns[4].type, "character varying(2)");
}

static void errors(void)
{
    T_FAILS("select nosuch from a", "42703", "column \"nosuch\" does not exist");
    T_INT(fx.err.position, 8);
    T_FAILS("select id\n  from a,\n       nowhere", "42P01", "relation \"nowhere\" does not exist");
    T_INT(fx.err.position, 28);
    T_FAILS("select 'ä', a.id, b.nosuch from a join (select 1 as id) b using (id)", "42703",
            "does not exist");
    T_INT(fx.err.position, 19);
    T_FAILS("select nofunc(1)", "42883", "function nofunc does not exist");
    T_FAILS("selec 1", "42601", "syntax error at or near \"selec\"");
    T_INT(fx.err.position, 1);
    T_FAILS("create table a(x int)", "42P07", "relation \"a\" already exists");
    T_FAILS("insert into k values (1, 1)", "23505", "duplicate key");
    T_TRY(run("create table nn(a int not null)"), fx.err);
    T_FAILS("insert into nn values (null)", "23502",
            "null value in column \"a\" of relation \"nn\"");
    T_FAILS("insert into nn values ('x')", "22P02", "invalid input syntax for type integer: \"x\"");
}

static void settings(void)
{
    T_ROWS("show datestyle", "ISO, MDY\n");
    T_TRY(run("set application_name to 'me'"), fx.err);
    T_ROWS("select current_setting('application_name'), current_setting('server_version_num')::int "
           "/ 10000",
           "me|15\n");
    T_TRY(run("set local application_name to 'you'"), fx.err);
    T_STR(dm_rewriter_setting(fx.rewriter, "application_name"), "you");
    dm_rewrite_transaction_end(fx.rewriter);
    T_STR(dm_rewriter_setting(fx.rewriter, "application_name"), "me");
    T_TRY(run("create schema other; create table other.o(x int); set search_path to other, "
              "\"$user\", public"),
          fx.err);
    T_ROWS("select current_schema(), current_schemas(false), count(*) from o, a",
           "other|{other,public}|0\n");
    T_TRY(run("reset all"), fx.err);
    T_FAILS("select * from o", "42P01", "relation \"o\" does not exist");
    T_FAILS("set nonsense to 1", "42704", "unrecognized configuration parameter \"nonsense\"");
    T_FAILS("declare c cursor for select 1", "0A000", "cursors");
}

static void kind(const char *sql, enum dm_statement_kind want, const char *tag)
{
    struct dm_statement s;
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena, dm_str_c(sql), &s, &fx.err), fx.err);
    T_INT(s.kind, want);
    T_STR(s.tag, tag);
}

static void statements(void)
{
    kind("BEGIN ISOLATION LEVEL READ COMMITTED", DM_STATEMENT_BEGIN, "BEGIN");
    kind("end", DM_STATEMENT_COMMIT, "COMMIT");
    kind("abort", DM_STATEMENT_ROLLBACK, "ROLLBACK");
    kind("savepoint x", DM_STATEMENT_SAVEPOINT, "SAVEPOINT");
    kind("release x", DM_STATEMENT_SAVEPOINT, "RELEASE");
    kind("set session characteristics as transaction isolation level read committed",
         DM_STATEMENT_NOTHING, "SET");
    kind("deallocate all", DM_STATEMENT_NOTHING, "DEALLOCATE ALL");
    kind("vacuum a", DM_STATEMENT_NOTHING, "VACUUM");
    kind("insert into a values (1)", DM_STATEMENT_QUERY, "INSERT 0");
    kind("create table n as select 1", DM_STATEMENT_QUERY, "SELECT");
    kind("drop view if exists n", DM_STATEMENT_QUERY, "DROP VIEW");
    kind("-- nothing", DM_STATEMENT_NOTHING, "");
}

static void copy(void)
{
    struct dm_statement s;
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena,
                     DM_STR("COPY a(id,\nt) FROM STDIN DELIMITER ';'  CSV HEADER NULL 'x'"), &s,
                     &fx.err),
          fx.err);
    T_INT(s.kind, DM_STATEMENT_COPY_IN);
    T_STR(s.copy.table, "\"a\"");
    T_STR(s.copy.columns[1], "\"t\"");
    T_OK(s.copy.csv && s.copy.header && s.copy.delimiter == ';' && s.copy.quote == '"');
    T_STR(s.copy.null_text, "x");
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena,
                     DM_STR("copy (select id from a where id = 2) to stdout (format text)"), &s,
                     &fx.err),
          fx.err);
    T_INT(s.kind, DM_STATEMENT_COPY_OUT);
    T_OK(!s.copy.csv && s.copy.delimiter == '\t');
    T_STR(s.copy.null_text, "\\N");
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena,
                     DM_STR("copy public.a (t) to stdout with (format csv, force_quote *)"), &s,
                     &fx.err),
          fx.err);
    T_STR(s.sql, "SELECT \"t\" FROM \"public\".\"a\"");
    T_STR(s.copy.force_quote[0], "*");
    T_FAILS("copy a from '/etc/passwd'", "42501", "COPY cannot read a file of the server");
    T_HAS(fx.err.hint, "FROM STDIN");
    T_FAILS("copy a to stdout (format xml)", "22023", "\"xml\"");
    fixture_close();
}

T_MAIN(T_CASE(open_it), T_CASE(integer_and_text), T_CASE(keywords_as_names), T_CASE(division),
       T_CASE(arrays), T_CASE(dates), T_CASE(constraints), T_CASE(using), T_CASE(output_names),
       T_CASE(dialect), T_CASE(lengths), T_CASE(errors), T_CASE(settings), T_CASE(statements),
       T_CASE(copy))
