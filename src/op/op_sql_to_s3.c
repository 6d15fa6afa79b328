/* `sql_to_s3`: the rows of a query, as CSV, into one object of the lake. */
#include "op/op.h"

static const char *const aliases[] = {
    "SqlToS3Operator", "airflow.providers.amazon.aws.transfers.sql_to_s3.SqlToS3Operator", NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"query", DM_FIELD_STRING, true, true, NULL, "The SELECT, or the name of a .sql file.", "sql"},
    {"s3_bucket", DM_FIELD_STRING, true, true, NULL, "Bucket of the object.", "dest_bucket"},
    {"s3_key", DM_FIELD_STRING, true, true, NULL, "Key of the object.", "dest_key"},
    {"sql_conn_id", DM_FIELD_STRING, true, true, NULL, "Connection to read from.", "conn_id"},
    {"aws_conn_id", DM_FIELD_STRING, false, false, "\"lake\"", "Connection of the lake.", NULL},
    {"replace", DM_FIELD_BOOL, false, false, "false", "Replace an object that is there.", NULL},
    {"file_format", DM_FIELD_STRING, false, false, "\"csv\"", "Only csv.", NULL},
    {"parameters", DM_FIELD_ANY, false, true, NULL,
     "Values for %s (a list) or %(name)s (a map) in the query, quoted as literals.", NULL},
    {"pd_kwargs", DM_FIELD_MAP, false, false, NULL,
     "Options of pandas that mean something here: header.  There is never an index column.",
     "df_kwargs"},
    {NULL},
};

const struct dm_op dm_op_sql_to_s3 = {
    .spec = {.name = "sql_to_s3",
             .aliases = aliases,
             .doc = "Streams the rows of a query as CSV with a header into the lake, in constant "
                    "memory.  The XCom value has the rows and bytes written.",
             .fields = fields,
             .template_ext = exts},
};
