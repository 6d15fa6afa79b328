/* `file_to_s3`: a local file into the lake. */
#include <errno.h>
#include <unistd.h>

#include "op/op.h"
#include "op/op_paths.h"

static const char *const aliases[] = {
    "LocalFilesystemToS3Operator",
    "airflow.providers.amazon.aws.transfers.local_to_s3.LocalFilesystemToS3Operator", NULL};

static const struct dm_op_field fields[] = {
    {"filename", DM_FIELD_STRING, true, true, NULL,
     "Path of the file: looked for in the run's scratch folder, then in the project's data/, then "
     "in the project.",
     "file_name", true},
    {"dest_key", DM_FIELD_STRING, true, true, NULL, "Key of the object, or an s3:// address.",
     "key"},
    {"dest_bucket", DM_FIELD_STRING, false, true, NULL,
     "Bucket of the object; not with an s3:// address as key.", "bucket_name"},
    {"aws_conn_id", DM_FIELD_STRING, false, false, "\"lake\"", "Connection of the lake.", NULL},
    {"replace", DM_FIELD_BOOL, false, false, "false", "Replace an object that is there.", NULL},
    {"remove_local", DM_FIELD_BOOL, false, false, "false",
     "Remove the file once it is in the lake.", NULL},
    {"verify", DM_FIELD_ANY, false, false, NULL, "Means nothing for a local lake.", NULL},
    {"encrypt", DM_FIELD_BOOL, false, false, "false", "Means nothing for a local lake.", NULL},
    {"acl_policy", DM_FIELD_STRING, false, false, NULL, "Means nothing for a local lake.", NULL},
    {"gzip", DM_FIELD_BOOL, false, false, "false", "Not supported.", NULL},
    {NULL},
};

/* A file of the DAG (its text is part of the run's generation): what the run knows goes, not what lies there now. */
static int put_text(struct dm_lake *lake, struct dm_object_name to, struct dm_str text,
                    struct dm_err *reterr)
{
    struct dm_lake_write object;
    DM_TRY(dm_lake_begin(lake, to, &object, reterr));
    int rc = dm_lake_append(&object, text.p, text.len, reterr);
    if (rc >= 0)
        rc = dm_lake_commit(&object, reterr);
    dm_lake_write_release(&object);
    return rc;
}

static int put_file(struct dm_attempt *at, struct dm_lake *lake, const char *path,
                    struct dm_object_name to, uint64_t *ret_bytes, bool *ret_linked,
                    struct dm_err *reterr)
{
    struct dm_landing landing;
    const char *source = dm_project_relative(at->project, path), *identity;
    bool known = dm_attempt_landing(at, source, &landing);
    DM_TRY(dm_attempt_input(at, path, reterr));
    DM_TRY(dm_lake_land(lake, at->arena, path, known ? &landing : NULL, to, &identity, ret_linked,
                        ret_bytes, reterr));
    return dm_attempt_landed(at, source, identity, to, reterr);
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str filename = dm_map_str(at->args, "filename", "");
    bool remove_local = dm_map_bool(at->args, "remove_local", false), linked = false;
    struct dm_object_name to;
    struct dm_lake *lake;

    if (dm_map_bool(at->args, "gzip", false)) {
        at->no_retry = true;
        return dm_err_set(reterr, DM_E_UNSUPPORTED, "gzip: true is not supported");
    }
    DM_TRY(dm_op_object(at, dm_map_str(at->args, "dest_bucket", ""),
                        dm_map_str(at->args, "dest_key", ""), "dest_key", &to, reterr));
    const struct dm_value *text = dm_map_at(at->order->files, dm_str_cstr(at->arena, filename));
    const char *path = NULL, *source = dm_str_cstr(at->arena, filename);
    if (!text || text->kind != DM_STRING) {
        text = NULL;
        DM_TRY(dm_op_input_path(at, filename, true, &path, reterr));
        source = dm_project_relative(at->project, path);
    }
    DM_TRY(dm_op_lake(at, dm_map_str(at->args, "aws_conn_id", "lake"), &lake, reterr));
    DM_TRY(dm_op_may_write(at, lake, to, dm_map_bool(at->args, "replace", false), reterr));
    DM_TRY(dm_attempt_intend(at, &to, 1, reterr));

    uint64_t bytes = text ? text->s.len : 0;
    if (text)
        DM_TRY(put_text(lake, to, text->s, reterr));
    else
        DM_TRY(put_file(at, lake, path, to, &bytes, &linked, reterr));
    dm_attempt_wrote(at, to, bytes);

    const char *url = dm_op_object_url(at, to);
    DM_TRY(dm_attempt_ledger(at, false, source, -1, (int64_t)bytes, 1,
                             linked ? "unchanged since it was copied last" : NULL, reterr));
    DM_TRY(
        dm_attempt_ledger(at, true, url, -1, (int64_t)bytes, 1, linked ? "a link" : NULL, reterr));
    if (remove_local && path && unlink(path) < 0 && errno != ENOENT)
        return dm_err_errno(reterr, errno, "could not remove %s", source);
    *ret = dm_value_cstr(at->arena, url);
    return 0;
}

const struct dm_op dm_op_file_to_s3 = {
    .spec = {.name = "file_to_s3",
             .aliases = aliases,
             .doc = "Copies a file into the lake.  A file that has not changed since it was copied "
                    "last becomes a link to the lake's own object.",
             .fields = fields},
    .execute = execute,
};
