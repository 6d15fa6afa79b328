/* `sql_column_check`: conditions on single columns of a table. */
#include "op/op.h"

static const char *const aliases[] = {
    "SQLColumnCheckOperator", "airflow.providers.common.sql.operators.sql.SQLColumnCheckOperator",
    NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"table", DM_FIELD_STRING, true, true, NULL, "Table to check.", NULL},
    {"column_mapping", DM_FIELD_MAP, true, true, NULL,
     "Column -> check (null_check, distinct_check, unique_check, min, max) -> condition "
     "(equal_to, greater_than, geq_to, less_than, leq_to, tolerance, partition_clause).",
     NULL},
    {"partition_clause", DM_FIELD_STRING, false, true, NULL,
     "Condition on the rows to check, without WHERE.", NULL},
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection of the table.", NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {"accept_none", DM_FIELD_BOOL, false, false, "true",
     "Take the NULL that MIN or MAX gives over no rows as 0.", NULL},
    {"retry_on_failure", DM_FIELD_BOOL, false, false, "true", "Let a failed check use another try.",
     NULL},
    {NULL},
};

const struct dm_op dm_op_sql_column_check = {
    .spec = {.name = "sql_column_check",
             .aliases = aliases,
             .doc = "Checks columns of a table.  Records the count and digest of the rows that it "
                    "saw, which `publish` asks for.",
             .fields = fields,
             .template_ext = exts},
};
