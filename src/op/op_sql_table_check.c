/* `sql_table_check`: conditions on the rows of a table, or on the table as a whole. */
#include "op/op.h"

static const char *const aliases[] = {
    "SQLTableCheckOperator", "airflow.providers.common.sql.operators.sql.SQLTableCheckOperator",
    NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"table", DM_FIELD_STRING, true, true, NULL, "Table to check.", NULL},
    {"checks", DM_FIELD_MAP, true, true, NULL,
     "Name -> {check_statement, partition_clause}: a condition that every row must meet, or one "
     "with aggregate functions (COUNT(*) > 0) that the table must meet.",
     NULL},
    {"partition_clause", DM_FIELD_STRING, false, true, NULL,
     "Condition on the rows to check, without WHERE.", NULL},
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection of the table.", NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {"retry_on_failure", DM_FIELD_BOOL, false, false, "true", "Let a failed check use another try.",
     NULL},
    {NULL},
};

const struct dm_op dm_op_sql_table_check = {
    .spec = {.name = "sql_table_check",
             .aliases = aliases,
             .doc =
                 "Checks every row of a table, or the table as a whole.  A row condition over no "
                 "rows passes as `no rows`.  Records what `publish` asks for.",
             .fields = fields,
             .template_ext = exts},
};
