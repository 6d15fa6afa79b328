/* One statement on a connection, with COPY of the project's data files done on this side. */
#include "cmd/sql_run.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "op/op_paths.h"
#include "op/sql_copy.h"

int dm_sql_read_fd(void *user, char *buf, size_t cap, size_t *ret_n, struct dm_err *reterr)
{
    const int *fd = user;
    ssize_t n;
    do
        n = read(*fd, buf, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return dm_err_errno(reterr, errno, "could not read the file");
    *ret_n = (size_t)n;
    return 0;
}

static int append(void *user, const char *bytes, size_t n, struct dm_err *reterr)
{
    return dm_file_append(user, bytes, n, reterr);
}

static int copy_out(struct dm_pg *pg, struct dm_arena *a, const struct dm_sql_copy *copy,
                    const char *path, int64_t *ret_rows, struct dm_err *reterr)
{
    _cleanup_pending_ struct dm_pending_file file = {.fd = -1};
    int64_t rows;
    DM_TRY(dm_mkdirs_for(path, reterr));
    DM_TRY(dm_file_begin(&file, dm_path_dir(a, path), reterr));
    DM_TRY(dm_pg_copy_out(pg, copy->sql, copy->header, append, &file, &rows, reterr));
    DM_TRY(dm_file_commit(&file, path, 0644, reterr));
    *ret_rows = rows;
    return 0;
}

static int copy_in(struct dm_pg *pg, const struct dm_project *p, const struct dm_sql_copy *copy,
                   const char *path, int64_t *ret_rows, struct dm_err *reterr)
{
    const char *name = dm_project_relative(p, path);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        dm_err_set(reterr, DM_E_NOTFOUND, "there is no file %s", name);
        dm_err_hint(reterr, "Put it there, or name another file below /data/.");
        return DM_E_NOTFOUND;
    }
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open %s", name);
    int rc = dm_pg_copy_in(pg, copy->sql, dm_sql_read_fd, &fd, ret_rows, reterr);
    if (rc < 0)
        dm_err_wrap(reterr, "loading %s", name);
    return rc;
}

int dm_sql_run(struct dm_pg *pg, struct dm_arena *a, const struct dm_project *p, struct dm_str sql,
               struct dm_pg_result *ret, struct dm_err *reterr)
{
    struct dm_sql_copy copy;
    const char *path;
    int64_t rows;
    int is_copy = dm_sql_copy_parse(a, sql, &copy, reterr);
    if (is_copy < 0)
        return is_copy;
    if (!is_copy)
        return dm_pg_exec(pg, a, sql, NULL, 0, ret, reterr);
    DM_TRY(dm_op_data_path(a, p, copy.path, &path, reterr));
    if (copy.out)
        DM_TRY(copy_out(pg, a, &copy, path, &rows, reterr));
    else
        DM_TRY(copy_in(pg, p, &copy, path, &rows, reterr));
    *ret = (struct dm_pg_result){.affected = rows,
                                 .tag = dm_arena_printf(a, "COPY %lld", (long long)rows)};
    return 0;
}
