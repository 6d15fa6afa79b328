/*
 * Redshift's statements about external tables (Spectrum), which PostgreSQL's grammar does not know: recursive descent
 * over lang/sql_lex.  Pure: text in, a description out; nothing is looked up.
 *
 *   CREATE EXTERNAL SCHEMA [IF NOT EXISTS] s FROM DATA CATALOG [DATABASE 'd'] [REGION 'r'] [IAM_ROLE 'a'|DEFAULT]
 *          [CATALOG_ROLE 'a'] [CATALOG_ID 'i'] [CREATE EXTERNAL DATABASE IF NOT EXISTS]
 *   CREATE EXTERNAL TABLE s.t (column type, …) [PARTITIONED BY (column type, …)]
 *          [ROW FORMAT DELIMITED [FIELDS TERMINATED BY 'c'] [ESCAPED BY 'c'] [LINES TERMINATED BY 'c']
 *           | ROW FORMAT SERDE 'class' [WITH SERDEPROPERTIES ('k' = 'v', …)]]
 *          STORED AS {TEXTFILE | PARQUET} LOCATION 's3://…' [TABLE PROPERTIES ('k' = 'v', …)]
 *   ALTER TABLE s.t ADD [IF NOT EXISTS] PARTITION (column = value, …) LOCATION 's3://…' …
 *   ALTER TABLE s.t DROP PARTITION (column = value, …)
 *   ALTER TABLE s.t PARTITION (column = value, …) SET LOCATION 's3://…'
 *   ALTER TABLE s.t SET LOCATION 's3://…'
 *   DROP TABLE [IF EXISTS] t, … [CASCADE | RESTRICT]
 *   DROP SCHEMA [IF EXISTS] s, … [DROP EXTERNAL DATABASE] [CASCADE | RESTRICT]
 *
 * The two DROPs are also PostgreSQL's: whoever asks must see whether the name is that of something external.
 * Unquoted names are folded to lower case.
 */
#ifndef DM_REDSHIFT_PARSE_H
#define DM_REDSHIFT_PARSE_H

#include "base/str.h"

enum {
    DM_REDSHIFT_COLUMNS_MAX = 1600,   /* columns of one external table */
    DM_REDSHIFT_PARTITIONS_MAX = 100, /* partitions in one ALTER TABLE, as with AWS Glue */
};

enum dm_redshift_kind {
    DM_REDSHIFT_NONE, /* not one of these statements */
    DM_REDSHIFT_CREATE_SCHEMA,
    DM_REDSHIFT_CREATE_TABLE,
    DM_REDSHIFT_ADD_PARTITION,
    DM_REDSHIFT_DROP_PARTITION,
    DM_REDSHIFT_PARTITION_LOCATION,
    DM_REDSHIFT_TABLE_LOCATION,
    DM_REDSHIFT_DROP_TABLE,
    DM_REDSHIFT_DROP_SCHEMA,
};

enum dm_redshift_format { DM_REDSHIFT_TEXT, DM_REDSHIFT_PARQUET };

struct dm_redshift_name {
    const char *schema; /* NULL where the name has one part */
    const char *name;
    size_t at; /* byte offset in the text */
};

struct dm_redshift_column {
    const char *name;
    const char *type; /* the engine's type: "DECIMAL(8,3)" */
    const char
        *shown; /* the type as it is declared, as format_type writes it: "character varying(10)" */
    bool character; /* char or varchar: an empty field is an empty text */
    uint32_t oid;   /* PostgreSQL's type */
    int32_t typmod; /* and modifier, -1 = none */
};

struct dm_redshift_partition {
    const char *const *columns, *const *values; /* n_values of each; a NULL value is SQL NULL */
    size_t n_values;
    const char *location; /* NULL for DROP */
    size_t at;
};

struct dm_redshift_stmt {
    enum dm_redshift_kind kind;
    bool if_exists; /* IF EXISTS, IF NOT EXISTS */
    bool cascade;
    const char *tag; /* "CREATE EXTERNAL TABLE" as Redshift answers: "CREATE TABLE" … */

    struct dm_redshift_name name;         /* the one name of most statements */
    const struct dm_redshift_name *names; /* of a DROP */
    size_t n_names;

    const char *database, *iam_role; /* CREATE EXTERNAL SCHEMA; "" = not given */

    const struct dm_redshift_column
        *columns; /* CREATE EXTERNAL TABLE: those of the files first, then the partition's */
    size_t n_columns, n_partition_columns; /* n_columns counts both */
    enum dm_redshift_format format;
    const char *delimiter, *quote, *escape,
        *null_text;    /* one character each; null_text NULL = none */
    const char *serde; /* the class, "" = none */
    const char *location;
    size_t location_at;
    int64_t skip_lines;
    const char *properties; /* TABLE PROPERTIES as given: {"k":"v"} JSON */

    const struct dm_redshift_partition *partitions;
    size_t n_partitions;
};

/* Kind NONE (and success) for any other statement.  DM_E_SYNTAX and DM_E_UNSUPPORTED with position. */
int dm_redshift_parse(struct dm_arena *a, struct dm_str sql, struct dm_redshift_stmt *ret,
                      struct dm_err *reterr) dm_nodiscard;

/* A CREATE TABLE without Redshift's physical clauses (DISTSTYLE, DISTKEY, SORTKEY, ENCODE, BACKUP): they are replaced
   by blanks, so that positions stay.  Any other text comes back as it is. */
struct dm_str dm_redshift_strip(struct dm_arena *a, struct dm_str sql);

/* "s3://bucket/key" -> "bucket/key"; an error for other schemes and for parts that a folder cannot hold. */
int dm_redshift_location(struct dm_arena *a, const char *location, const char **ret_path,
                         struct dm_err *reterr) dm_nodiscard;

/* Position in characters, from 1, of a byte offset. */
int dm_sql_position(struct dm_str sql, size_t at);

#endif
