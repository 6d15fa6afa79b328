/* `sql_check` and `sql_value_check`: conditions on the first row of a query. */
#include "op/op.h"

static const char *const aliases[] = {"SQLCheckOperator",
                                      "airflow.providers.common.sql.operators.sql.SQLCheckOperator",
                                      "airflow.operators.sql.SQLCheckOperator",
                                      "CheckOperator",
                                      "airflow.operators.check_operator.CheckOperator",
                                      NULL};
static const char *const value_aliases[] = {
    "SQLValueCheckOperator",
    "airflow.providers.common.sql.operators.sql.SQLValueCheckOperator",
    "airflow.operators.sql.SQLValueCheckOperator",
    "ValueCheckOperator",
    "airflow.operators.check_operator.ValueCheckOperator",
    NULL};
static const char *const exts[] = {".sql", NULL};

#define COMMON_FIELDS                                                                           \
    {"sql", DM_FIELD_STRING, true, true, NULL, "The query, or the name of a .sql file.", NULL}, \
        {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection to ask.", NULL},             \
        {"database", DM_FIELD_STRING,                                                           \
         false,      true,                                                                      \
         NULL,       "Database to use instead of the connection's.",                            \
         NULL},                                                                                 \
        {"parameters",                                                                          \
         DM_FIELD_ANY,                                                                          \
         false,                                                                                 \
         true,                                                                                  \
         NULL,                                                                                  \
         "Values for %s (a list) or %(name)s (a map) in the query, quoted as literals.",        \
         NULL},                                                                                 \
        {"figures",                                                                             \
         DM_FIELD_LIST,                                                                         \
         false,                                                                                 \
         false,                                                                                 \
         "[]",                                                                                  \
         "Columns that are figures, not conditions: reported in the ledger under their names, " \
         "with _ shown as a space.",                                                            \
         NULL},                                                                                 \
        {"table",                                                                               \
         DM_FIELD_STRING,                                                                       \
         false,                                                                                 \
         true,                                                                                  \
         NULL,                                                                                  \
         "Staged table whose rows the query is about: their count and digest are recorded for " \
         "`publish`.",                                                                          \
         NULL},                                                                                 \
        {"partition_clause",                                                                    \
         DM_FIELD_STRING,                                                                       \
         false,                                                                                 \
         true,                                                                                  \
         NULL,                                                                                  \
         "Condition on the rows of `table`, without WHERE.",                                    \
         NULL},                                                                                 \
    {                                                                                           \
        "retry_on_failure", DM_FIELD_BOOL, false, false, "true",                                \
            "Let a failed check use another try.", NULL                                         \
    }

static const struct dm_op_field fields[] = {COMMON_FIELDS, {NULL}};
static const struct dm_op_field value_fields[] = {
    COMMON_FIELDS,
    {"pass_value", DM_FIELD_ANY, true, true, NULL, "The value that every column must have.", NULL},
    {"tolerance", DM_FIELD_NUMBER, false, false, NULL,
     "Fraction by which a number may differ: 0.1 is 10 %.", NULL},
    {NULL},
};

const struct dm_op dm_op_sql_check = {
    .spec = {.name = "sql_check",
             .aliases = aliases,
             .doc = "Fails unless every value of the query's first row is true; no row fails too.",
             .fields = fields,
             .template_ext = exts},
};
const struct dm_op dm_op_sql_value_check = {
    .spec = {.name = "sql_value_check",
             .aliases = value_aliases,
             .doc = "Fails unless every value of the query's first row is pass_value.",
             .fields = value_fields,
             .template_ext = exts},
};
