/* `sql`: runs one or more statements. */
#include "op/op.h"

static const char *const sql_aliases[] = {
    "SQLExecuteQueryOperator", "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator",
    NULL};
static const char *const postgres_aliases[] = {
    "PostgresOperator", "airflow.providers.postgres.operators.postgres.PostgresOperator",
    "airflow.operators.postgres_operator.PostgresOperator", NULL};
static const char *const redshift_aliases[] = {
    "RedshiftSQLOperator",
    "airflow.providers.amazon.aws.operators.redshift_sql.RedshiftSQLOperator", NULL};
static const char *const exts[] = {".sql", ".json", NULL};

#define SQL_FIELD                                                                                  \
    {                                                                                              \
        "sql", DM_FIELD_STRING_OR_LIST, true, true, NULL,                                          \
            "One text with one or more statements, a list of such texts, or names of .sql files.", \
            NULL                                                                                   \
    }
#define COMMON_FIELDS                                                                                \
    {"parameters", DM_FIELD_ANY,                                                                     \
     false,        true,                                                                             \
     NULL,         "Values for %s (a list) or %(name)s (a map) in the text, quoted as literals.",    \
     NULL},                                                                                          \
        {"autocommit",                                                                               \
         DM_FIELD_BOOL,                                                                              \
         false,                                                                                      \
         false,                                                                                      \
         "false",                                                                                    \
         "Commit each statement.  Default: all of them in one transaction.  External DDL "           \
         "(ALTER TABLE … ADD PARTITION) needs true.",                                                \
         NULL},                                                                                      \
        {"split_statements",                                                                         \
         DM_FIELD_BOOL,                                                                              \
         false,                                                                                      \
         false,                                                                                      \
         NULL,                                                                                       \
         "Accepted as in Airflow; statements are always sent one by one.  True makes the result "    \
         "that of every statement where return_last is false.",                                      \
         NULL},                                                                                      \
        {"return_last", DM_FIELD_BOOL,                                                               \
         false,         false,                                                                       \
         "true",        "The XCom value is the last statement's result; false: a list of all.",      \
         NULL},                                                                                      \
        {"handler",                                                                                  \
         DM_FIELD_ANY,                                                                               \
         false,                                                                                      \
         false,                                                                                      \
         NULL,                                                                                       \
         "Accepted and not used: it is Python code.  Rows are always fetched as a list of rows.",    \
         NULL},                                                                                      \
        {"show_return_value_in_logs",           DM_FIELD_BOOL, false, false, "false",                \
         "Print the result to the task's log.", NULL},                                               \
        {"database", DM_FIELD_STRING,                                                                \
         false,      true,                                                                           \
         NULL,       "Database to use instead of the connection's.",                                 \
         "schema"},                                                                                  \
        {"hook_params", DM_FIELD_MAP, false,                                                         \
         true,          NULL,         "Airflow's way to say {database: …}; other keys are refused.", \
         NULL},                                                                                      \
    {                                                                                                \
        NULL                                                                                         \
    }

static const struct dm_op_field sql_fields[] = {
    SQL_FIELD,
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection to send it to.", "postgres_conn_id"},
    COMMON_FIELDS,
};
static const struct dm_op_field postgres_fields[] = {
    SQL_FIELD,
    {"conn_id", DM_FIELD_STRING, false, true, "\"postgres_default\"", "Connection to send it to.",
     "postgres_conn_id"},
    COMMON_FIELDS,
};
static const struct dm_op_field redshift_fields[] = {
    SQL_FIELD,
    {"conn_id", DM_FIELD_STRING, false, true, "\"redshift\"", "Connection to send it to.",
     "redshift_conn_id"},
    COMMON_FIELDS,
};

const struct dm_op dm_op_sql = {
    .spec = {.name = "sql",
             .aliases = sql_aliases,
             .doc = "Sends one or more statements to a database, in one transaction unless "
                    "autocommit is true.  COPY to and from a file path is done on this side.",
             .fields = sql_fields,
             .template_ext = exts},
};
const struct dm_op dm_op_postgres = {
    .spec = {.name = "postgres",
             .aliases = postgres_aliases,
             .doc = "`sql` on the connection postgres_default, as Airflow's PostgresOperator.",
             .fields = postgres_fields,
             .template_ext = exts},
};
const struct dm_op dm_op_redshift_sql = {
    .spec = {.name = "redshift_sql",
             .aliases = redshift_aliases,
             .doc = "`sql` on the connection redshift, as Airflow's RedshiftSQLOperator.",
             .fields = redshift_fields,
             .template_ext = exts},
};
