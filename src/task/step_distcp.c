/*
 * s3-dist-cp: copies a folder of the lake or of the cluster into another, with all that lies below it.
 *
 * As on EMR: relative paths are kept, a file that is there is replaced, others in the destination stay, a _SUCCESS is
 * copied too, and --srcPattern must match the whole address of a file.  Copies are links where they can be.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/log.h"
#include "conn/place.h"
#include "task/pattern.h"
#include "task/step.h"

/* A folder: of the lake (bucket set) or of the cluster (path set). */
struct place {
    const char *text; /* as the step names it, without / at its end */
    const char *bucket, *key;
    const char *path;
};

struct file {
    const char *relative;
    uint64_t bytes;
};

struct copy {
    struct dm_step *step;
    struct place src, dest;
    struct dm_pattern pattern;
    struct file *files;
    size_t n, cap;
};

enum { FILES_MAX = 1000000 };

/* Options that the real one has and this one does not. */
static const char *const refused[] = {"--groupBy",
                                      "--targetSize",
                                      "--appendToLastFile",
                                      "--outputCodec",
                                      "--deleteOnSuccess",
                                      "--numberFiles",
                                      "--startingIndex",
                                      "--outputManifest",
                                      "--previousManifest",
                                      "--copyFromManifest",
                                      "--requirePreviousManifest",
                                      "--srcPrefixesFile",
                                      "--s3Endpoint",
                                      "--storageClass",
                                      "--s3ServerSideEncryption",
                                      "--disableMultipartUpload",
                                      "--multipartUploadChunkSize",
                                      "--filesPerMapper",
                                      "--endpoint",
                                      "--encryptionKey",
                                      NULL};

static int refuse_option(const char *arg, struct dm_err *reterr)
{
    size_t n = strcspn(arg, "=");
    for (const char *const *r = refused; *r; r++)
        if (strlen(*r) == n && strncmp(*r, arg, n) == 0)
            return dm_err_set(reterr, DM_E_UNSUPPORTED,
                              "s3-dist-cp: the embedded cluster does not have the option %s", *r);
    dm_err_set(reterr, DM_E_USAGE, "s3-dist-cp: unknown argument \"%s\"", arg);
    dm_err_hint(reterr, "The embedded cluster knows --src, --dest and --srcPattern.");
    return DM_E_USAGE;
}

static int parse_place(struct dm_step *step, const char *text, struct place *ret,
                       struct dm_err *reterr)
{
    struct dm_arena *a = step->at.arena;
    struct dm_str s = dm_str_c(text);
    while (s.len > 1 && s.p[s.len - 1] == '/')
        s.len--;
    *ret = (struct place){.text = dm_str_cstr(a, s)};
    if (dm_str_starts(s, DM_STR("s3"))) {
        struct dm_object_name name;
        DM_TRY(dm_s3_url_parse(a, s, &name, reterr));
        ret->bucket = name.bucket;
        ret->key = name.key;
        return 0;
    }
    return dm_cluster_path(a, step->root, s, &ret->path, reterr);
}

static int parse_args(struct copy *c, struct dm_err *reterr)
{
    const char *const *argv = c->step->argv, *src = NULL, *dest = NULL, *pattern = NULL;
    for (size_t i = 1; argv[i];) {
        int rc = dm_step_option(argv, &i, "--src", &src, reterr);
        if (rc == 0)
            rc = dm_step_option(argv, &i, "--dest", &dest, reterr);
        if (rc == 0)
            rc = dm_step_option(argv, &i, "--srcPattern", &pattern, reterr);
        if (rc == 0)
            return refuse_option(argv[i], reterr);
        if (rc < 0)
            return rc;
    }
    if (!src || !dest)
        return dm_err_set(reterr, DM_E_USAGE, "s3-dist-cp: the option %s is missing",
                          src ? "--dest" : "--src");
    if (pattern)
        DM_TRY(dm_pattern_init(&c->pattern, pattern, reterr));
    DM_TRY(parse_place(c->step, src, &c->src, reterr));
    return parse_place(c->step, dest, &c->dest, reterr);
}

static int add_file(struct copy *c, const char *relative, uint64_t bytes, struct dm_err *reterr)
{
    struct dm_arena *a = c->step->at.arena;
    if (c->pattern.compiled &&
        !dm_pattern_matches(&c->pattern, dm_arena_printf(a, "%s/%s", c->src.text, relative)))
        return 0;
    if (c->n == FILES_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "s3-dist-cp: more than %d files below %s", FILES_MAX,
                          c->src.text);
    if (c->n == c->cap)
        c->files = dm_realloc(c->files, (c->cap = c->cap ? c->cap * 2 : 64) * sizeof(*c->files));
    c->files[c->n++] = (struct file){dm_arena_strdup(a, relative), bytes};
    return 0;
}

/* Below one folder of the lake: with a / behind it, so that raw/a does not take raw/ab. */
static int list_lake(struct copy *c, struct dm_err *reterr)
{
    struct dm_arena *a = c->step->at.arena;
    const char *prefix = *c->src.key ? dm_arena_printf(a, "%s/", c->src.key) : "";
    struct dm_object_info *objects, info;
    size_t n;
    struct dm_object_name name = {c->src.bucket, prefix};
    DM_TRY(dm_lake_list(c->step->lake, a, name, &objects, &n, reterr));
    if (n == 0) {
        name.key = c->src.key;
        if (!*name.key)
            return dm_err_set(reterr, DM_E_NOTFOUND, "s3-dist-cp: the bucket %s is empty",
                              name.bucket);
        /* Its error names what lies beside it. */
        DM_TRY(dm_lake_stat(c->step->lake, name, &info, reterr));
        dm_err_set(reterr, DM_E_INVALID, "s3-dist-cp: --src=%s is one object, not a folder",
                   c->src.text);
        dm_err_hint(reterr, "Name its folder, and the object with --srcPattern.");
        return DM_E_INVALID;
    }
    for (size_t i = 0; i < n; i++)
        DM_TRY(add_file(c, objects[i].key + strlen(prefix), objects[i].size, reterr));
    return 0;
}

static int list_folder(struct copy *c, const char *path, const char *relative,
                       struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *const *names;
    size_t n;
    DM_TRY(dm_list_dir(&a, path, &names, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        const char *file = dm_path_join(&a, path, names[i]);
        const char *below = *relative ? dm_arena_printf(&a, "%s/%s", relative, names[i]) : names[i];
        if (lstat(file, &st) < 0)
            return dm_err_errno(reterr, errno, "could not read %s", file);
        if (S_ISDIR(st.st_mode))
            DM_TRY(list_folder(c, file, below, reterr));
        else if (S_ISREG(st.st_mode))
            DM_TRY(add_file(c, below, (uint64_t)st.st_size, reterr));
    }
    return 0;
}

static int list_cluster(struct copy *c, struct dm_err *reterr)
{
    if (dm_is_dir(c->src.path))
        return list_folder(c, c->src.path, "", reterr);
    if (dm_exists(c->src.path)) {
        dm_err_set(reterr, DM_E_INVALID, "s3-dist-cp: --src=%s is a file, not a folder",
                   c->src.text);
        dm_err_hint(reterr, "Name its folder, and the file with --srcPattern.");
        return DM_E_INVALID;
    }
    dm_err_set(reterr, DM_E_NOTFOUND, "s3-dist-cp: there is no folder %s on the cluster",
               c->src.text);
    dm_err_hint(reterr, "A step before this one must write it; it is %s.",
                dm_project_relative(c->step->at.project, c->src.path));
    return DM_E_NOTFOUND;
}

static const char *dest_path(const struct copy *c, const char *relative)
{
    return dm_path_join(c->step->at.arena, c->dest.path, relative);
}

static struct dm_object_name joined(struct dm_arena *a, const struct place *p, const char *relative)
{
    return (struct dm_object_name){
        p->bucket, *p->key ? dm_arena_printf(a, "%s/%s", p->key, relative) : relative};
}

static struct dm_object_name target(const struct copy *c, const char *relative)
{
    if (c->dest.path)
        return dm_step_file(c->step, dest_path(c, relative));
    return joined(c->step->at.arena, &c->dest, relative);
}

static int copy_one(struct copy *c, const char *relative, struct dm_err *reterr)
{
    struct dm_arena *a = c->step->at.arena;
    struct dm_lake *lake = c->step->lake;
    if (c->src.bucket) {
        struct dm_object_name from = joined(a, &c->src, relative);
        return c->dest.bucket ? dm_lake_copy(lake, from, target(c, relative), reterr)
                              : dm_lake_to_file(lake, from, dest_path(c, relative), reterr);
    }
    const char *from = dm_path_join(a, c->src.path, relative);
    if (c->dest.bucket)
        return dm_lake_from_file(lake, from, target(c, relative), reterr);
    return dm_place(from, dm_path_join(a, c->step->at.project->cluster_dir, ".tmp"),
                    dest_path(c, relative), NULL, reterr);
}

static int copy_all(struct copy *c, struct dm_err *reterr)
{
    struct dm_attempt *at = &c->step->at;
    struct dm_object_name *names = dm_arena_array(at->arena, struct dm_object_name, c->n + 1);
    uint64_t bytes = 0;
    for (size_t i = 0; i < c->n; i++)
        names[i] = target(c, c->files[i].relative);
    DM_TRY(dm_attempt_intend(at, names, c->n, reterr));
    for (size_t i = 0; i < c->n; i++) {
        DM_TRY(copy_one(c, c->files[i].relative, reterr));
        dm_attempt_wrote(at, names[i], c->files[i].bytes);
        bytes += c->files[i].bytes;
        DM_TRY(dm_attempt_progress(at, (int64_t)(i + 1), (int64_t)c->n, "files", reterr));
    }
    dm_log(DM_LOG_INFO, "copied %zu files, %llu bytes from %s to %s", c->n,
           (unsigned long long)bytes, c->src.text, c->dest.text);
    DM_TRY(
        dm_attempt_ledger(at, false, c->src.text, -1, (int64_t)bytes, (int64_t)c->n, NULL, reterr));
    return dm_attempt_ledger(at, true, c->dest.text, -1, (int64_t)bytes, (int64_t)c->n, NULL,
                             reterr);
}

int dm_step_distcp(struct dm_step *step, struct dm_err *reterr)
{
    struct copy c = {.step = step};
    int rc = parse_args(&c, reterr);
    if (rc == 0)
        rc = c.src.bucket ? list_lake(&c, reterr) : list_cluster(&c, reterr);
    if (rc == 0)
        rc = copy_all(&c, reterr);
    dm_pattern_release(&c.pattern);
    free(c.files);
    return rc;
}
