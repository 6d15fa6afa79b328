/* Paths of users' SQL and tasks, and the lake's objects that they name. */
#include "op/op_paths.h"

#include <sys/stat.h>

enum { BESIDE_MAX = 8 }; /* names of neighbours in an error */

/* The path below whichever folder is meant: "temp/x.csv" for "/temp/x.csv". */
static int inner_path(struct dm_arena *a, struct dm_str path, const char **ret,
                      struct dm_err *reterr)
{
    if (memchr(path.p, 0, path.len) || path.len == 0)
        return dm_err_set(reterr, DM_E_INVALID, "\"%.*s\" is no path of a file", DM_FMT(path));
    struct dm_str rest = path, piece;
    while (dm_str_split(&rest, '/', &piece))
        if (dm_str_is(piece, ".."))
            return dm_err_set(reterr, DM_E_PERMISSION,
                              "the path \"%.*s\" is refused: .. could leave its folder",
                              DM_FMT(path));
    const char *clean = dm_path_clean(a, dm_str_cstr(a, path));
    while (*clean == '/')
        clean++;
    if (!*clean || strcmp(clean, ".") == 0)
        return dm_err_set(reterr, DM_E_INVALID, "\"%.*s\" names a folder, not a file",
                          DM_FMT(path));
    *ret = clean;
    return 0;
}

int dm_op_output_path(struct dm_attempt *at, struct dm_str path, const char **ret,
                      struct dm_err *reterr)
{
    const char *inner, *scratch;
    DM_TRY(inner_path(at->arena, path, &inner, reterr));
    DM_TRY(dm_attempt_scratch(at, &scratch, reterr));
    const char *full = dm_path_join(at->arena, scratch, inner);
    DM_TRY(dm_mkdirs_for(full, reterr));
    *ret = full;
    return 0;
}

/* "In data/ there are: a.csv, b.csv" */
static void tell_beside(struct dm_attempt *at, const char *path, struct dm_err *reterr)
{
    const char *dir = dm_path_dir(at->arena, path);
    while (!dm_is_dir(dir) && strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0)
        dir = dm_path_dir(at->arena, dir);
    const char *const *names;
    size_t n;
    if (dm_list_dir(at->arena, dir, &names, &n, NULL) < 0)
        return;
    const char *shown = dm_project_relative(at->project, dir);
    if (n == 0) {
        dm_err_detail(reterr, "The folder %s is empty.", shown);
        return;
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (size_t i = 0; i < n && i < BESIDE_MAX; i++)
        dm_strbuf_addf(&b, "%s%s", i ? ", " : "", names[i]);
    if (n > BESIDE_MAX)
        dm_strbuf_addf(&b, " and %zu more", n - BESIDE_MAX);
    dm_err_detail(reterr, "In %s there are: %s.", shown, b.p);
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

int dm_op_input_places(struct dm_attempt *at, struct dm_str path, bool anywhere,
                       struct dm_op_places *ret, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    const char *inner, *scratch;
    DM_TRY(inner_path(a, path, &inner, reterr));
    DM_TRY(dm_attempt_scratch(at, &scratch, reterr));
    bool data = strncmp(inner, "data/", 5) == 0;
    *ret = (struct dm_op_places){.scratch = scratch};
    ret->paths[ret->n++] = dm_path_join(a, scratch, inner);
    if (data)
        ret->paths[ret->n++] = dm_path_join(a, at->project->data_dir, inner + 5);
    if (anywhere && path.p[0] == '/')
        ret->paths[ret->n++] = dm_str_cstr(a, path);
    else if (anywhere && !data)
        ret->paths[ret->n++] = dm_path_join(a, at->project->dir, inner);
    return 0;
}

int dm_op_input_path(struct dm_attempt *at, struct dm_str path, bool anywhere, const char **ret,
                     struct dm_err *reterr)
{
    struct dm_op_places places;
    DM_TRY(dm_op_input_places(at, path, anywhere, &places, reterr));
    for (size_t i = 0; i < places.n; i++)
        if (is_file(places.paths[i])) {
            *ret = places.paths[i];
            return 0;
        }
    int rc = dm_err_set(reterr, DM_E_NOTFOUND, "there is no file \"%.*s\"", DM_FMT(path));
    /* The place that was most likely meant is the last one. */
    const char *meant = places.paths[places.n - 1];
    tell_beside(at, meant, reterr);
    if (places.n == 1)
        dm_err_hint(reterr, "Files are read from the run's scratch folder (%s) and from /data/….",
                    dm_project_relative(at->project, places.scratch));
    else
        dm_err_hint(reterr, "Put the file at %s.", dm_project_relative(at->project, meant));
    return rc;
}

int dm_op_data_path(struct dm_arena *a, const struct dm_project *p, struct dm_str path,
                    const char **ret, struct dm_err *reterr)
{
    const char *inner;
    DM_TRY(inner_path(a, path, &inner, reterr));
    if (strncmp(inner, "data/", 5) != 0) {
        dm_err_set(reterr, DM_E_PERMISSION, "COPY of the file \"%.*s\" is refused", DM_FMT(path));
        dm_err_hint(reterr, "Outside a run, files are read and written below /data/, which is "
                            "the project's data/ folder.");
        return DM_E_PERMISSION;
    }
    *ret = dm_path_join(a, p->data_dir, inner + 5);
    return 0;
}

int dm_op_lake(struct dm_attempt *at, struct dm_str conn_id, struct dm_lake **ret,
               struct dm_err *reterr)
{
    struct dm_connection c;
    DM_TRY(dm_attempt_conn(at, conn_id, &c, reterr));
    bool cluster = strcmp(c.conn_type, "local_cluster") == 0;
    return dm_attempt_lake(at, cluster ? DM_STR("lake") : conn_id, ret, reterr);
}

int dm_op_object(struct dm_attempt *at, struct dm_str bucket, struct dm_str key, const char *what,
                 struct dm_object_name *ret, struct dm_err *reterr)
{
    if (dm_str_starts(key, DM_STR("s3://"))) {
        if (bucket.len)
            return dm_err_set(reterr, DM_E_INVALID,
                              "%s is an s3:// address and a bucket is given beside it", what);
        return dm_s3_url_parse(at->arena, key, ret, reterr);
    }
    if (!bucket.len)
        return dm_err_set(reterr, DM_E_INVALID,
                          "%s \"%.*s\" has no bucket: give one, or an address like s3://bucket/key",
                          what, DM_FMT(key));
    if (!key.len)
        return dm_err_set(reterr, DM_E_INVALID, "%s is empty", what);
    ret->bucket = dm_str_cstr(at->arena, bucket);
    ret->key = dm_str_cstr(at->arena, key);
    return 0;
}

const char *dm_op_object_url(struct dm_attempt *at, struct dm_object_name name)
{
    return dm_arena_printf(at->arena, "s3://%s/%s", name.bucket, name.key);
}

int dm_op_may_write(struct dm_attempt *at, struct dm_lake *lake, struct dm_object_name name,
                    bool replace, struct dm_err *reterr)
{
    if (replace)
        return 0;
    const struct dm_value *mine = at->order->earlier_objects;
    for (size_t i = 0; mine && mine->kind == DM_LIST && i < mine->list.n; i++)
        if (dm_str_is(dm_map_str(mine->list.items[i], "bucket", ""), name.bucket) &&
            dm_str_is(dm_map_str(mine->list.items[i], "key", ""), name.key))
            return 0;
    struct dm_object_info info;
    struct dm_err err;
    int rc = dm_lake_stat(lake, name, &info, &err);
    if (rc == DM_E_NOTFOUND)
        return 0;
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    dm_err_set(reterr, DM_E_EXISTS, "the object s3://%s/%s is already there", name.bucket,
               name.key);
    dm_err_hint(reterr, "Set replace: true to replace it.");
    return DM_E_EXISTS;
}
