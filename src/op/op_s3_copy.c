/* `s3_copy`: one object of the lake under a second name, counted against its source first. */
#include "op/op.h"

static const char *const aliases[] = {
    "S3CopyObjectOperator", "airflow.providers.amazon.aws.operators.s3.S3CopyObjectOperator",
    "airflow.providers.amazon.aws.operators.s3_copy_object.S3CopyObjectOperator", NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"source_bucket_key", DM_FIELD_STRING, true, true, NULL,
     "Key of the object to copy, or an s3:// address.", NULL},
    {"dest_bucket_key", DM_FIELD_STRING, true, true, NULL, "Key of the copy, or an s3:// address.",
     NULL},
    {"source_bucket_name", DM_FIELD_STRING, false, true, NULL,
     "Bucket of the object; not with an s3:// address.", NULL},
    {"dest_bucket_name", DM_FIELD_STRING, false, true, NULL,
     "Bucket of the copy; not with an s3:// address.", NULL},
    {"aws_conn_id", DM_FIELD_STRING, false, false, "\"lake\"", "Connection of the lake.", NULL},
    {"count_sql", DM_FIELD_STRING, false, true, NULL,
     "A query that gives one number, or the name of a .sql file: the rows that the object, a CSV "
     "file with a header, must have.  Anything else fails and nothing is copied.",
     NULL},
    {"count_conn_id", DM_FIELD_STRING, false, true, NULL, "Connection for count_sql.",
     "sql_conn_id"},
    {NULL},
};

const struct dm_op dm_op_s3_copy = {
    .spec = {.name = "s3_copy",
             .aliases = aliases,
             .doc =
                 "Copies one object inside the lake (a link in a local one).  With count_sql the "
                 "object's rows are counted against their source first.",
             .fields = fields,
             .template_ext = exts},
};
