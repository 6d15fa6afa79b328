/* `s3_copy`: one object of the lake under a second name, counted against its source first. */
#include <errno.h>

#include "op/op.h"
#include "op/op_paths.h"
#include "op/sql_session.h"

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

/* Records of a CSV file behind its header.  A line break inside quotes ends no record, and a doubled quote is two
   changes of side, so that counting quotes is enough. */
static int count_records(int fd, const char *what, int64_t *ret_rows, uint64_t *ret_bytes,
                         struct dm_err *reterr)
{
    char buf[64 << 10];
    int64_t records = 0;
    bool quoted = false, open_record = false;
    uint64_t bytes = 0;
    for (;;) {
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read %s", what);
        if (n == 0)
            break;
        bytes += (uint64_t)n;
        for (ssize_t i = 0; i < n; i++) {
            quoted ^= buf[i] == '"';
            open_record = true;
            if (buf[i] == '\n' && !quoted) {
                records++;
                open_record = false;
            }
        }
    }
    if (quoted)
        return dm_err_set(reterr, DM_E_DATA, "%s ends inside a quoted field", what);
    records += open_record;
    if (records == 0)
        return dm_err_set(reterr, DM_E_DATA, "%s is empty: not even a header", what);
    *ret_rows = records - 1;
    *ret_bytes = bytes;
    return 0;
}

static int count_source(struct dm_attempt *at, struct dm_str conn_id, struct dm_str sql,
                        int64_t *ret, struct dm_err *reterr)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    struct dm_pg_result r;
    if (!conn_id.len)
        return dm_err_set(reterr, DM_E_INVALID, "count_sql is given without count_conn_id");
    DM_TRY(dm_sql_session(at, conn_id, DM_STR(""), &pg, reterr));
    DM_TRY(dm_pg_exec(pg, at->arena, sql, NULL, 0, &r, reterr));
    if (r.n_rows != 1 || r.n_cols != 1 || !r.rows[0][0] ||
        !dm_str_to_i64(dm_str_c(r.rows[0][0]), ret))
        return dm_err_set(reterr, DM_E_INVALID, "count_sql must give one number");
    return 0;
}

/* The object's rows are the source's, or nothing is copied. */
static int check_count(struct dm_attempt *at, struct dm_lake *lake, struct dm_object_name from,
                       int64_t *ret_source, int64_t *ret_rows, struct dm_err *reterr)
{
    struct dm_str sql = dm_map_str(at->args, "count_sql", "");
    struct dm_str conn_id = dm_map_str(at->args, "count_conn_id", "");
    const char *url = dm_op_object_url(at, from);
    int64_t source, rows;
    uint64_t bytes;
    int fd;
    DM_TRY(dm_lake_read_fd(lake, from, &fd, reterr));
    int rc = count_records(fd, url, &rows, &bytes, reterr);
    close(fd);
    if (rc < 0)
        return rc;
    DM_TRY(count_source(at, conn_id, sql, &source, reterr));
    const char *expected = dm_arena_printf(at->arena, "%lld rows", (long long)source);
    const char *got = dm_arena_printf(at->arena, "%lld rows", (long long)rows);
    struct dm_check_report check = {.name = "rows of the source",
                                    .passed = source == rows,
                                    .expected = expected,
                                    .got = got,
                                    .sql = source == rows ? NULL : dm_str_cstr(at->arena, sql)};
    DM_TRY(dm_attempt_check(at, &check, reterr));
    DM_TRY(dm_attempt_ledger(at, false, dm_sql_dataset(at, conn_id, "count"), source, -1, -1,
                             "counted", reterr));
    if (source != rows) {
        dm_err_set(reterr, DM_E_CHECK, "%s has %lld rows, its source %lld", url, (long long)rows,
                   (long long)source);
        dm_err_detail(reterr, "Counted at the source by:\n%.*s", DM_FMT(sql));
        dm_err_hint(reterr, "Run the task that wrote the object again: the source may have changed "
                            "since.");
        return DM_E_CHECK;
    }
    *ret_source = source;
    *ret_rows = rows;
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_object_name from, to;
    struct dm_object_info info;
    struct dm_lake *lake;
    int64_t source_rows = -1, rows = -1;

    DM_TRY(dm_op_object(at, dm_map_str(at->args, "source_bucket_name", ""),
                        dm_map_str(at->args, "source_bucket_key", ""), "source_bucket_key", &from,
                        reterr));
    DM_TRY(dm_op_object(at, dm_map_str(at->args, "dest_bucket_name", ""),
                        dm_map_str(at->args, "dest_bucket_key", ""), "dest_bucket_key", &to,
                        reterr));
    DM_TRY(dm_op_lake(at, dm_map_str(at->args, "aws_conn_id", "lake"), &lake, reterr));
    DM_TRY(dm_lake_stat(lake, from, &info, reterr));
    if (dm_map_str(at->args, "count_sql", "").len)
        DM_TRY(check_count(at, lake, from, &source_rows, &rows, reterr));
    DM_TRY(dm_attempt_intend(at, &to, 1, reterr));
    DM_TRY(dm_lake_copy(lake, from, to, reterr));
    dm_attempt_wrote(at, to, info.size);

    const char *url = dm_op_object_url(at, to);
    DM_TRY(dm_attempt_ledger(at, false, dm_op_object_url(at, from), rows, (int64_t)info.size, 1,
                             NULL, reterr));
    DM_TRY(dm_attempt_ledger(at, true, url, rows, (int64_t)info.size, 1, NULL, reterr));
    struct dm_value *v = dm_value_map(at->arena);
    dm_map_set(at->arena, v, "object", dm_value_cstr(at->arena, url));
    if (rows >= 0) {
        dm_map_set(at->arena, v, "source_rows", dm_value_int(at->arena, source_rows));
        dm_map_set(at->arena, v, "rows", dm_value_int(at->arena, rows));
    }
    *ret = v;
    return 0;
}

const struct dm_op dm_op_s3_copy = {
    .spec = {.name = "s3_copy",
             .aliases = aliases,
             .doc =
                 "Copies one object inside the lake (a link in a local one).  With count_sql the "
                 "object's rows are counted against their source first.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};
