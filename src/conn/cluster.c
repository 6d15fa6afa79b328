/* The embedded cluster's files. */
#include "conn/cluster.h"

#include <errno.h>
#include <limits.h>

#include "base/file.h"

static const char success_marker[] = "_SUCCESS";

int dm_cluster_check(const struct dm_connection *c, struct dm_err *reterr)
{
    return strcmp(c->conn_type, "local_cluster") == 0
               ? 0
               : dm_conn_wrong_type(c, "local_cluster", reterr);
}

int dm_cluster_root(struct dm_arena *a, const struct dm_project *p, const char *cluster_id,
                    const char **ret, struct dm_err *reterr)
{
    if (!*cluster_id || *cluster_id == '.' || strchr(cluster_id, '/') ||
        strlen(cluster_id) > NAME_MAX)
        return dm_err_set(reterr, DM_E_INVALID, "\"%s\" cannot be the id of an embedded cluster",
                          cluster_id);
    *ret = dm_path_join(a, p->cluster_dir, cluster_id);
    return 0;
}

int dm_cluster_path(struct dm_arena *a, const char *root, struct dm_str path, const char **ret,
                    struct dm_err *reterr)
{
    struct dm_str rest = path;
    if (dm_str_starts(rest, DM_STR("hdfs://"))) {
        ptrdiff_t slash = dm_str_find(rest, DM_STR("/"), 7);
        rest = slash < 0 ? DM_STR("") : dm_str_sub(rest, (size_t)slash, rest.len);
    }
    if (dm_str_find(rest, DM_STR("://"), 0) >= 0 || memchr(rest.p, '\0', rest.len)) {
        dm_err_set(reterr, DM_E_UNSUPPORTED, "\"%.*s\" is no path of the cluster", DM_FMT(path));
        dm_err_hint(reterr, "Write /path, hdfs:///path or s3://bucket/key.");
        return DM_E_UNSUPPORTED;
    }
    while (rest.len && rest.p[0] == '/')
        rest = dm_str_sub(rest, 1, rest.len);
    const char *clean = dm_path_clean(a, dm_arena_printf(a, "%s/%.*s", root, DM_FMT(rest)));
    if (!dm_path_below(a, clean, root))
        return dm_err_set(reterr, DM_E_PERMISSION, "\"%.*s\" leaves the cluster", DM_FMT(path));
    *ret = clean;
    return 0;
}

/* Goes up from a folder and removes what is empty; a _SUCCESS alone counts as empty. */
static int remove_empty(struct dm_arena *a, const char *dir, const char *top, struct dm_err *reterr)
{
    for (; strcmp(dir, top) != 0 && dm_path_below(a, dir, top); dir = dm_path_dir(a, dir)) {
        const char *const *names;
        size_t n;
        if (!dm_is_dir(dir))
            continue;
        DM_TRY(dm_list_dir(a, dir, &names, &n, reterr));
        if (n == 1 && strcmp(names[0], success_marker) == 0)
            unlink(dm_path_join(a, dir, success_marker));
        else if (n > 0)
            return 0;
        if (rmdir(dir) < 0)
            return errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT
                       ? 0
                       : dm_err_errno(reterr, errno, "could not remove the folder %s", dir);
    }
    return 0;
}

int dm_cluster_remove(const struct dm_project *p, const char *const *paths, size_t n,
                      struct dm_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        const char *path = dm_path_clean(&a, dm_path_join(&a, p->dir, paths[i]));
        if (!dm_path_below(&a, path, p->cluster_dir))
            return dm_err_set(reterr, DM_E_PERMISSION, "%s is no file of the cluster", paths[i]);
        if (unlink(path) < 0) {
            if (errno == ENOENT || errno == ENOTDIR)
                continue;
            return dm_err_errno(reterr, errno, "could not remove %s", paths[i]);
        }
        DM_TRY(remove_empty(&a, dm_path_dir(&a, path), p->cluster_dir, reterr));
    }
    return 0;
}
