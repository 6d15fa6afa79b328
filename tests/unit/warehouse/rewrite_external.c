/* External tables: the original's set-up and query, under its own names and under others; what a reader sees. */
#include "rewrite_fixture.h"

static const char *const purchases =
    "invoice_number,stock_code,detail,quantity,invoice_date,unit_price,customer_id,country\n"
    "536365,85123A,\"WHITE, \"\"HANGING\"\" HEART\",6,2010-12-01 08:26:00,2.550,17850,United "
    "Kingdom\n"
    "536366,22633,\"two\nlines\",10,2010-12-01 08:28:00,1.100,13047,\n"
    "536367,22634,,3,2010-12-01 08:28:00,1.850,,France\n";

/* Reviews: one id with a trailing blank (matches), one with a leading zero (does not), text that is no number. */
static int write_reviews(const char *key)
{
    const char *path = dm_arena_printf(&fx.arena, "%s/%s", fx.lake, key);
    DM_TRY(dm_mkdirs_for(path, &fx.err));
    return dm_engine_query(
        fx.conn, &fx.arena,
        dm_arena_printf(&fx.arena,
                        "COPY (SELECT * FROM (VALUES ('17850', true, 'd'), ('17850 ', false, 'd'),"
                        " ('013047', true, 'd'), ('13047', false, 'd'), ('abc', true, 'd'),"
                        " (NULL, true, 'd')) AS t(cid, positive_review, insert_date))"
                        " TO '%s' (FORMAT parquet)",
                        path),
        NULL, &fx.err);
}

static void open_it(void)
{
    T_OK(fixture_open());
    if (!fx.rewriter) {
        printf("# %s\n", fx.err.message);
        exit(1);
    }
}

/* The statements of the original design, with names and white space to fill in: schema, purchases table, reviews
   table, metric table, key column, bucket. */
static const char *const setup =
    "CREATE EXTERNAL SCHEMA @1\nFROM DATA CATALOG DATABASE 'spectrumdb' iam_role "
    "'arn:aws:iam::\"x\":role/\"y'"
    " CREATE EXTERNAL DATABASE IF NOT EXISTS;"
    "DROP TABLE IF EXISTS @1.@2;"
    "CREATE EXTERNAL TABLE @1.@2 (InvoiceNo VARCHAR(10), StockCode VARCHAR(20), detail "
    "VARCHAR(1000),"
    " Quantity INTEGER, InvoiceDate TIMESTAMP, UnitPrice DECIMAL(8, 3), @5 INTEGER, Country "
    "VARCHAR(20))"
    " PARTITIONED BY (insert_date DATE) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS "
    "textfile"
    " LOCATION 's3://@6/stage/user_purchase/' TABLE PROPERTIES ('skip.header.line.count' = '1');"
    "CREATE EXTERNAL TABLE @1.@3 (cid VARCHAR(100), positive_review boolean, insert_date "
    "VARCHAR(12))"
    " STORED AS PARQUET LOCATION 's3://@6/stage/movie_review/';"
    "DROP TABLE IF EXISTS public.@4;"
    "CREATE TABLE public.@4 (@5 INTEGER, amount_spent DECIMAL(18, 5), review_score INTEGER,"
    " review_count INTEGER, insert_date DATE);"
    "alter table @1.@2 add partition(insert_date='2010-12-01')"
    "   location 's3://@6/stage/user_purchase/2010-12-01';";
static const char *const load =
    "INSERT INTO public.@4\n(@5, amount_spent, review_score, review_count, insert_date)\n"
    "SELECT ups.@5, cast(sum( ups.Quantity * ups.UnitPrice) as decimal(18, 5)) as amount_spent,"
    " sum(mrcs.positive_review) as review_score, count(mrcs.cid) as review_count, '2010-12-01'"
    " FROM @1.@2 ups JOIN (select cid, case when positive_review is True then 1 else 0 end as "
    "positive_review"
    " from @1.@3) mrcs ON ups.@5 = mrcs.cid WHERE ups.insert_date = '2010-12-01' GROUP BY ups.@5;";

/* @1 … @6 are the names. */
static const char *fill_in(const char *text, const char *const names[6])
{
    struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_TEXT);
    for (; *text; text++)
        if (*text == '@')
            dm_strbuf_adds(&out, names[*++text - '1']);
        else
            dm_strbuf_addc(&out, *text);
    const char *filled = dm_str_cstr(&fx.arena, dm_strbuf_str(&out));
    dm_strbuf_release(&out);
    return filled;
}

static void fill_in_and_run(const char *const names[6])
{
    const char *keys[] = {"stage/user_purchase/2010-12-01/user_purchase.csv",
                          "stage/user_purchase/2010-12-01/_SUCCESS",
                          "stage/user_purchase/2010-12-01/.part~"};
    for (size_t i = 0; i < 3; i++)
        lake_file(dm_arena_printf(&fx.arena, "%s/%s", names[5], keys[i]),
                  i ? "not data" : purchases);
    T_TRY(write_reviews(
              dm_arena_printf(&fx.arena, "%s/stage/movie_review/d/part-0.parquet", names[5])),
          fx.err);
    T_TRY(run(fill_in(setup, names)), fx.err);
    T_TRY(run(fill_in(load, names)), fx.err);
    T_ROWS(dm_arena_printf(&fx.arena, "select * from %s order by 1", names[3]),
           "13047|11.00000|0|1|2010-12-01\n17850|30.60000|1|2|2010-12-01\n");
}

static void original_names(void)
{
    fill_in_and_run((const char *const[]){"spectrum", "user_purchase_staging",
                                          "movie_review_clean_stage", "user_behavior_metric",
                                          "customerid", "daymill"});
}

static void other_names(void)
{
    fill_in_and_run(
        (const char *const[]){"\"Ext One\"", "p1", "\"R e v\"", "m", "buyer", "other-bucket"});
}

static void rows_as_declared(void)
{
    T_ROWS("select invoiceno, detail, quantity, invoicedate, unitprice, customerid, country, "
           "insert_date"
           " from spectrum.user_purchase_staging order by 1",
           "536365|WHITE, \"HANGING\" HEART|6|2010-12-01 08:26:00|2.550|17850|United "
           "Kingdom|2010-12-01\n"
           "536366|two\nlines|10|2010-12-01 08:28:00|1.100|13047||2010-12-01\n"
           "536367||3|2010-12-01 08:28:00|1.850|~|France|2010-12-01\n");
    T_ROWS("select \"$path\", \"$size\" > 100 from spectrum.user_purchase_staging limit 1",
           "s3://daymill/stage/user_purchase/2010-12-01/user_purchase.csv|t\n");
}

/* Files are read when a query runs; unregistered partitions and missing folders have no rows. */
static void files_of_the_moment(void)
{
    const char *head =
        "invoice_number,stock_code,detail,quantity,invoice_date,unit_price,customer_id,country\n";
    lake_file("daymill/stage/user_purchase/2010-12-02/a.csv", head);
    T_ROWS("select count(*) from spectrum.user_purchase_staging where insert_date = '2010-12-02'",
           "0\n");
    T_TRY(run("alter table spectrum.user_purchase_staging add if not exists partition "
              "(insert_date='2010-12-01')"
              " location 's3://daymill/x' partition (insert_date='2010-12-02')"
              " location 's3://daymill/stage/user_purchase/2010-12-02/' partition "
              "(insert_date='2010-12-03')"
              " location 's3://daymill/nothing/there'"),
          fx.err);
    T_ROWS("select count(*), sum(quantity) from spectrum.user_purchase_staging where insert_date = "
           "'2010-12-02'",
           "0|~\n");
    lake_file("daymill/stage/user_purchase/2010-12-02/sub/b.csv",
              dm_arena_printf(&fx.arena, "%s1,2,x,7,2010-12-02 00:00:00,1.000,5,F\n", head));
    T_ROWS("select insert_date, sum(quantity) from spectrum.user_purchase_staging group by 1 order "
           "by 1",
           "2010-12-01|19\n2010-12-02|7\n");
    T_ROWS("select count(*) from spectrum.user_purchase_staging where insert_date = '2010-12-03'",
           "0\n");
    T_TRY(
        run("alter table spectrum.user_purchase_staging drop partition (insert_date='2010-12-02')"),
        fx.err);
    T_ROWS("select count(*) from spectrum.user_purchase_staging", "3\n");
    T_FAILS("alter table spectrum.user_purchase_staging add partition (insert_date='2010-12-01') "
            "location 's3://b/k'",
            "42710", "already exists");
    T_FAILS("alter table spectrum.user_purchase_staging add partition (insert_date='tomorrow') "
            "location 's3://b/k'",
            "22007", "tomorrow");
}

/* Which partitions' files does the engine get to read? */
static void pruned(const char *where, const char *days)
{
    struct dm_statement s;
    const char *sql = dm_arena_printf(&fx.arena, "select count(*) from spectrum.days d %s", where);
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena, dm_str_c(sql), &s, &fx.err), fx.err);
    T_OK(s.reads_lake);
    char got[8] = "";
    for (int i = 1, n = 0; i <= 4; i++) {
        char file[32];
        snprintf(file, sizeof(file), "days/%d/f.csv", i);
        if (strstr(s.sql, file))
            got[n++] = (char)('0' + i);
    }
    t_failures += strcmp(got, days) != 0;
    if (strcmp(got, days) != 0)
        printf("# %s: reads %s, want %s\n", where, got, days);
}

static void pruning(void)
{
    T_TRY(run("create external table spectrum.days (a int) partitioned by (ds date, n int) row "
              "format delimited"
              " fields terminated by ',' stored as textfile location 's3://b/days/'"),
          fx.err);
    for (int i = 1; i <= 4; i++) {
        lake_file(dm_arena_printf(&fx.arena, "b/days/%d/f.csv", i), "1\n2\n");
        T_TRY(run(dm_arena_printf(
                  &fx.arena,
                  "alter table spectrum.days add partition (ds='2010-12-0%d', n=%d) location"
                  " 's3://b/days/%d/'",
                  i, i * 5, i)),
              fx.err);
    }
    pruned("", "1234");
    pruned("where ds = '2010-12-02'", "2");
    pruned("where d.ds = date '2010-12-02' and a > 0", "2");
    pruned("where '2010-12-03' <= ds", "34");
    pruned("where ds between '2010-12-02' and '2010-12-03'", "23");
    pruned("where ds in ('2010-12-01', '2010-12-04')", "14");
    pruned("where n > 5 and n < 20", "23");
    pruned("where ds = '2010-12-02' or a = 1", "1234");
    pruned("where not (ds = '2010-12-02')", "1234");
    pruned("where a = 1", "1234");
    pruned("join (select 1 as k) x on d.a = x.k and d.ds = '2010-12-01'", "1");
    pruned("left join (select 1 as k) x on d.a = x.k and d.ds = '2010-12-01'", "1234");
    pruned("right join (select 1 as k) x on d.a = x.k and d.ds = '2010-12-01'", "1");
    T_ROWS("select ds, n, sum(a) from spectrum.days where n in (10, 15) group by 1, 2 order by 1",
           "2010-12-02|10|3\n2010-12-03|15|3\n");
    T_ROWS("select count(*) from spectrum.days where ds = '2011-01-01'", "0\n");
}

static void parquet_types(void)
{
    T_TRY(run("create external table spectrum.bad (CID bigint) stored as parquet location "
              "'s3://daymill/stage/movie_review'"),
          fx.err);
    T_FAILS("select * from spectrum.bad", "42804", "incompatible Parquet schema: column \"cid\"");
    T_TRY(run("create external table spectrum.more (Positive_Review boolean, absent int, cid "
              "varchar(5)) stored as"
              " parquet location 's3://daymill/stage/movie_review'"),
          fx.err);
    T_ROWS("select * from spectrum.more where cid = '13047'", "f|~|13047\n");
    T_TRY(run("create external table spectrum.none (a int, b varchar(3), c date) stored as parquet "
              "location 's3://no/files'"),
          fx.err);
    T_ROWS("select count(*), max(c) from spectrum.none", "0|~\n");
}

static void bad_rows(void)
{
    lake_file("b/bad/x.csv", "1\n2\nthree\n");
    T_TRY(run("create external table spectrum.badtext (a int) row format delimited fields "
              "terminated by ','"
              " stored as textfile location 's3://b/bad/'"),
          fx.err);
    T_FAILS("select sum(a) from spectrum.badtext", "22P04", "line 3 of ");
    T_HAS(fx.err.message, "b/bad/x.csv");
}

static void limits_of_external(void)
{
    struct dm_statement s;
    T_TRY(dm_rewrite(fx.rewriter, &fx.arena, DM_STR("drop table spectrum.none"), &s, &fx.err),
          fx.err);
    T_INT(s.kind, DM_STATEMENT_EXTERNAL);
    T_OK(s.no_transaction);
    T_FAILS("insert into spectrum.days values (1)", "42809", "cannot change external table");
    T_FAILS("create view v as select * from spectrum.days", "0A000", "views over external tables");
    T_FAILS("select * from spectrum.nosuch", "42P01",
            "relation \"spectrum.nosuch\" does not exist");
    T_INT(fx.err.position, 15);
    T_FAILS("create external schema spectrum from data catalog", "42P06", "already exists");
    T_FAILS("create external schema public from data catalog", "42P06", "already exists");
    T_FAILS("create schema spectrum", "42P06", "already exists");
    T_FAILS("drop schema spectrum", "2BP01", "other objects depend on it");
    T_TRY(run("drop schema spectrum cascade"), fx.err);
    T_FAILS("select * from spectrum.days", "42P01", "does not exist");
    fixture_close();
}

T_MAIN(T_CASE(open_it), T_CASE(original_names), T_CASE(other_names), T_CASE(rows_as_declared),
       T_CASE(files_of_the_moment), T_CASE(pruning), T_CASE(parquet_types), T_CASE(bad_rows),
       T_CASE(limits_of_external))
