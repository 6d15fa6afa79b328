/* The grammar of Redshift's external DDL. */
#include "warehouse/redshift_parse.h"

#include "t.h"

static struct dm_arena arena;
static struct dm_redshift_stmt s;
static struct dm_err err;

static int parse(const char *sql)
{
    err = (struct dm_err){0};
    return dm_redshift_parse(&arena, dm_str_c(sql), &s, &err);
}

static void schemas(void)
{
    T_TRY(parse("create  external\nschema if not exists Lake2 from data catalog database 'd' "
                "region 'eu-west-1'\n"
                "iam_role 'arn:aws:iam::\"$X\":role/r' create external database if not exists;"),
          err);
    T_INT(s.kind, DM_REDSHIFT_CREATE_SCHEMA);
    T_STR(s.name.name, "lake2");
    T_STR(s.database, "d");
    T_OK(s.if_exists);
    T_INT(parse("CREATE EXTERNAL SCHEMA s FROM HIVE METASTORE DATABASE 'd'"), DM_E_UNSUPPORTED);
    T_INT(err.position, 31);
}

static void tables(void)
{
    T_TRY(parse("CREATE EXTERNAL TABLE \"My Lake\".t (a INT, \"B c\" character varying(10), d "
                "DECIMAL(8, 3),"
                " e double precision, f VARCHAR(MAX), g char)"
                " PARTITIONED BY (p DATE, q int) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' "
                "LINES TERMINATED BY"
                " '\\n' STORED AS TEXTFILE LOCATION 's3://b/k/' TABLE PROPERTIES "
                "('skip.header.line.count'='2', 'x'='y')"),
          err);
    T_INT(s.kind, DM_REDSHIFT_CREATE_TABLE);
    T_STR(s.name.schema, "My Lake");
    T_INT(s.n_columns, 8);
    T_INT(s.n_partition_columns, 2);
    T_STR(s.columns[1].name, "B c");
    T_STR(s.columns[1].shown, "character varying(10)");
    T_INT(s.columns[1].typmod, 14);
    T_STR(s.columns[2].type, "DECIMAL(8,3)");
    T_STR(s.columns[3].type, "DOUBLE");
    T_STR(s.columns[4].shown, "character varying(65535)");
    T_STR(s.columns[5].shown, "character(1)");
    T_STR(s.columns[6].type, "DATE");
    T_STR(s.delimiter, "\t");
    T_INT(s.skip_lines, 2);
    T_STR(s.properties, "{\"skip.header.line.count\":\"2\",\"x\":\"y\"}");

    T_TRY(
        parse("CREATE EXTERNAL TABLE s.t (a int) ROW FORMAT SERDE "
              "'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
              " WITH SERDEPROPERTIES ('separatorChar' = ';', 'quoteChar' = '''') STORED AS TEXTFILE"
              " LOCATION 's3://b/k'"),
        err);
    T_STR(s.delimiter, ";");
    T_STR(s.quote, "'");
}

static void mistakes(void)
{
    T_INT(parse("CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION 's3://b/k'"),
          DM_E_INVALID);
    T_INT(parse("CREATE EXTERNAL TABLE s.t (a int, A int) STORED AS PARQUET LOCATION 's3://b/k'"),
          DM_E_EXISTS);
    T_INT(err.position, 35);
    T_INT(parse("CREATE EXTERNAL TABLE s.t (a money) STORED AS PARQUET LOCATION 's3://b/k'"),
          DM_E_TYPE);
    T_INT(parse("CREATE EXTERNAL TABLE s.t (a int) STORED AS ORC LOCATION 's3://b/k'"),
          DM_E_UNSUPPORTED);
    T_INT(parse("CREATE EXTERNAL TABLE s.t (a int) STORED AS PARQUET"), DM_E_SYNTAX);
    T_INT(
        parse("CREATE EXTERNAL TABLE s.t (a decimal(40,2)) STORED AS PARQUET LOCATION 's3://b/k'"),
        DM_E_INVALID);
    T_INT(parse("ALTER TABLE s.t ADD PARTITION (a='1') LOCATION 's3://b/k' nonsense"), DM_E_SYNTAX);
    T_HAS(err.message, "nonsense");
}

static void partitions(void)
{
    T_TRY(parse("alter table lake.T add if not exists partition(d='2010-12-01', n = -3) location "
                "'s3://b/1'"
                " partition (d = date '2010-12-02', n=4) location 's3://b/2'"),
          err);
    T_INT(s.kind, DM_REDSHIFT_ADD_PARTITION);
    T_INT(s.n_partitions, 2);
    T_STR(s.partitions[0].values[1], "-3");
    T_STR(s.partitions[1].values[0], "2010-12-02");
    T_STR(s.partitions[1].location, "s3://b/2");
    T_TRY(parse("ALTER TABLE s.t DROP PARTITION (d='x')"), err);
    T_INT(s.kind, DM_REDSHIFT_DROP_PARTITION);
    T_TRY(parse("ALTER TABLE s.t PARTITION (d='x') SET LOCATION 's3://b/3'"), err);
    T_INT(s.kind, DM_REDSHIFT_PARTITION_LOCATION);
    T_TRY(parse("ALTER TABLE s.t SET LOCATION 's3://b/3'"), err);
    T_INT(s.kind, DM_REDSHIFT_TABLE_LOCATION);
}

static void others(void)
{
    static const char *const texts[] = {"SELECT 1",
                                        "ALTER TABLE t ADD COLUMN partition int",
                                        "ALTER TABLE t ADD COLUMN IF NOT EXISTS x int",
                                        "ALTER TABLE t RENAME TO u",
                                        "CREATE TABLE external (a int)",
                                        "DROP TABLE t nonsense",
                                        "-- nothing"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        T_TRY(parse(texts[i]), err);
        T_INT(s.kind, DM_REDSHIFT_NONE);
    }
    T_TRY(parse("DROP TABLE IF EXISTS a.b, c CASCADE"), err);
    T_INT(s.kind, DM_REDSHIFT_DROP_TABLE);
    T_INT(s.n_names, 2);
    T_TRY(parse("drop schema s drop external database restrict"), err);
    T_INT(s.kind, DM_REDSHIFT_DROP_SCHEMA);
}

/* Physical clauses go, names like them stay, and so does every position. */
static void physical_clauses(void)
{
    const char *sql = "CREATE TABLE t (a int ENCODE az64 DISTKEY NOT NULL, sortkey int, b "
                      "numeric(8, 3) ENCODE raw)\n"
                      "DISTSTYLE KEY COMPOUND SORTKEY (a, b)";
    struct dm_str stripped = dm_redshift_strip(&arena, dm_str_c(sql));
    T_INT(stripped.len, strlen(sql));
    const char *text = dm_str_cstr(&arena, stripped);
    T_OK(!strstr(text, "ENCODE") && !strstr(text, "DIST") && !strstr(text, "SORTKEY"));
    T_HAS(text, "NOT NULL, sortkey int, b numeric(8, 3)");
    T_INT(strstr(text, "NOT NULL") - text, strstr(sql, "NOT NULL") - sql);
    const char *plain = "CREATE TABLE t (encode int, distkey int)";
    T_DMSTR(dm_redshift_strip(&arena, dm_str_c(plain)), plain);
}

static void locations(void)
{
    const char *path;
    T_TRY(dm_redshift_location(&arena, "s3://bucket//a/b/", &path, &err), err);
    T_STR(path, "bucket/a/b");
    T_INT(dm_redshift_location(&arena, "s3://bucket/../x", &path, &err), DM_E_INVALID);
    T_INT(dm_redshift_location(&arena, "/etc", &path, &err), DM_E_INVALID);
    T_INT(dm_redshift_location(&arena, "s3://", &path, &err), DM_E_INVALID);
    dm_arena_release(&arena);
}

T_MAIN(T_CASE(schemas), T_CASE(tables), T_CASE(mistakes), T_CASE(partitions), T_CASE(others),
       T_CASE(physical_clauses), T_CASE(locations))
