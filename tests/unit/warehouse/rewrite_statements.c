/* Statements that the engine takes in another form than PostgreSQL: what they do is the same. */
#include "rewrite_fixture.h"

static void open_it(void)
{
    T_OK(fixture_open());
    if (!fx.rewriter) {
        printf("# %s\n", fx.err.message);
        exit(1);
    }
    T_TRY(run("create table a(id int, n int); insert into a values (1, 10), (2, 20), (3, 30)"),
          fx.err);
}

static void values(void)
{
    T_ROWS("select column1, v.column2 from (values (1, 'x'), (2, 'y')) v order by column1",
           "1|x\n2|y\n");
    T_ROWS("select k, column2 from (values (1, 'x')) v(k)", "1|x\n");
    T_ROWS("with c as (values (1, 2)) select column2 from c", "2\n");
    T_ROWS("values (1, 'x'), (2, 'y') order by column1 desc limit 1", "2|y\n");
    T_TRY(run("create table v as values (7)"), fx.err);
    T_ROWS("select column1 from v", "7\n");
    T_TRY(run("drop table v"), fx.err);
}

static void several_objects(void)
{
    T_TRY(run("create table t1(x int); create table t2(x int); insert into t1 values (1);"
              "insert into t2 values (2); truncate t1, only t2 restart identity cascade"),
          fx.err);
    T_ROWS("select (select count(*) from t1) + (select count(*) from t2)", "0\n");
    T_TRY(run("alter table t1 add column y int default 5, add column z text, drop column x;"
              "insert into t1(z) values ('q')"),
          fx.err);
    T_ROWS("select * from t1", "5|q\n");
    T_TRY(run("drop table t1, t2; drop table if exists t1, nothing_such"), fx.err);
    T_FAILS("drop table a, nothing_such", "42P01", "does not exist");
    T_TRY(run("create table if not exists a(id int, n int); delete from a;"
              "insert into a values (1, 10), (2, 20), (3, 30)"),
          fx.err);
    struct dm_statement s;
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena, DM_STR("drop table x, y, z"), &s, &fx.err), fx.err);
    T_INT(s.n_more, 2); /* a session runs all of them in one transaction */
}

static void select_into(void)
{
    T_TRY(run("select id, n * 2 as twice into b from a where id > 1"), fx.err);
    T_ROWS("select id, twice from b order by id", "2|40\n3|60\n");
    T_TRY(run("select 1 as x into temp b2; drop table b, b2"), fx.err);
}

static void like(void)
{
    T_TRY(run("create table l1(a int primary key, \"B b\" varchar(5) not null default 'x', c "
              "numeric(5,2),"
              " check (a > 0)); create table l2 (like l1); create table l3 (like public.l1 "
              "including all, d int)"),
          fx.err);
    T_ROWS("select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where "
           "attrelid = 'l2'::regclass and attnum > 0 order by attnum",
           "a|integer|t\nB b|character varying(5)|t\nc|numeric(5,2)|f\n");
    T_FAILS("insert into l2 values (-1, 'abcdefg', 1)", "22001",
            "value too long for type character varying(5)");
    T_TRY(run("insert into l2 values (-1, 'abc', 1); insert into l3(a, d) values (1, 2)"), fx.err);
    T_ROWS("select * from l3", "1|x|~|2\n");
    T_FAILS("insert into l3(a) values (1)", "23505", "duplicate key");
    T_FAILS("insert into l3(a) values (-1)", "23514", "check constraint");
    T_FAILS("create table l4 (like nothing_such)", "42P01",
            "relation \"nothing_such\" does not exist");
    T_TRY(run("drop table l1, l2, l3"), fx.err);
}

static void temporary(void)
{
    T_TRY(run("create temp table t(v varchar(3)); create table pg_temp.t2(x int); insert into t2 "
              "values (4)"),
          fx.err);
    T_FAILS("insert into t values ('abcd')", "22001", "character varying(3)");
    T_ROWS("select x from pg_temp.t2", "4\n");
    T_TRY(run("drop table t, t2"), fx.err);
}

static void set_config(void)
{
    T_ROWS("select set_config('my.var', 'hello', false), current_setting('my.var')",
           "hello|hello\n");
    T_ROWS("show my.var", "hello\n");
    T_ROWS("select set_config('application_name', 'me', true)", "me\n");
    T_ROWS("show application_name", "me\n");
    dm_rewrite_transaction_end(fx.rewriter);
    T_ROWS("show application_name", "\n");
    T_FAILS("select set_config('nothing', 'x', false)", "42704", "nothing");
    T_TRY(run("create schema other; create table other.deep(x int)"), fx.err);
    T_ROWS("select set_config('search_path', 'other', false)", "other\n");
    T_ROWS("select count(*) from deep", "0\n");
    T_TRY(run("set search_path = public; drop table other.deep; drop schema other"), fx.err);
}

/* MERGE, DELETE … USING, ON CONFLICT, views. */
static void changes(void)
{
    T_TRY(run("create table m(id int primary key, v int); insert into m values (1, 1), (2, 2);"
              "merge into m using a on m.id = a.id when matched then update set v = a.n"
              " when not matched then insert (id, v) values (a.id, a.n)"),
          fx.err);
    T_ROWS("select id, v from m order by id", "1|10\n2|20\n3|30\n");
    T_TRY(run("delete from m using a where m.id = a.id and a.n = 20;"
              "insert into m values (3, 99) on conflict do nothing;"
              "insert into m values (3, 5), (4, 1) on conflict (id) do update set v = m.v + "
              "excluded.v"),
          fx.err);
    T_ROWS("select id, v from m order by id", "1|10\n3|35\n4|1\n");
    T_TRY(run("create view w(k) as select id from m; create or replace view w as select id + 1 as "
              "k from m"),
          fx.err);
    T_ROWS("select k from w order by 1", "2\n4\n5\n");
    T_TRY(run("drop view w; drop table m"), fx.err);
}

static void close_it(void)
{
    fixture_close();
}

T_MAIN(T_CASE(open_it), T_CASE(values), T_CASE(several_objects), T_CASE(select_into), T_CASE(like),
       T_CASE(temporary), T_CASE(set_config), T_CASE(changes), T_CASE(close_it))
