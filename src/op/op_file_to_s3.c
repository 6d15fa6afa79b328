/* `file_to_s3`: a local file into the lake. */
#include "op/op.h"

static const char *const aliases[] = {
    "LocalFilesystemToS3Operator",
    "airflow.providers.amazon.aws.transfers.local_to_s3.LocalFilesystemToS3Operator", NULL};

static const struct dm_op_field fields[] = {
    {"filename", DM_FIELD_STRING, true, true, NULL,
     "Path of the file: looked for in the run's scratch folder, then in the project's data/, then "
     "in the project.",
     "file_name"},
    {"dest_key", DM_FIELD_STRING, true, true, NULL, "Key of the object, or an s3:// address.",
     "key"},
    {"dest_bucket", DM_FIELD_STRING, false, true, NULL,
     "Bucket of the object; not with an s3:// address as key.", "bucket_name"},
    {"aws_conn_id", DM_FIELD_STRING, false, false, "\"lake\"", "Connection of the lake.", NULL},
    {"replace", DM_FIELD_BOOL, false, false, "false", "Replace an object that is there.", NULL},
    {"remove_local", DM_FIELD_BOOL, false, false, "false",
     "Remove the file afterwards; only for files of the run's scratch folder.", NULL},
    {"verify", DM_FIELD_ANY, false, false, NULL, "Means nothing for a local lake.", NULL},
    {"encrypt", DM_FIELD_BOOL, false, false, "false", "Means nothing for a local lake.", NULL},
    {"acl_policy", DM_FIELD_STRING, false, false, NULL, "Means nothing for a local lake.", NULL},
    {"gzip", DM_FIELD_BOOL, false, false, "false", "Not supported.", NULL},
    {NULL},
};

const struct dm_op dm_op_file_to_s3 = {
    .spec = {.name = "file_to_s3",
             .aliases = aliases,
             .doc = "Copies a file into the lake.  A file that has not changed since it was copied "
                    "last becomes a link to the lake's own object.",
             .fields = fields},
};
