/*
 * The lake as a folder of the project: s3://BUCKET/KEY is the file lake/BUCKET/KEY.
 *
 * Objects are immutable (mode 0444, replaced by rename, never opened for writing), so one file may be several objects:
 * copies are hard links.  A file from outside is never linked: its owner may write to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/time.h"
#include "conn/input.h"
#include "conn/lake_ops.h"
#include "conn/place.h"

enum { OBJECT_MODE = 0444, BESIDE_MAX = 5, CHUNK = 1 << 20, WORD_MAX = 8192 };

/* ---- names ---- */

static int bad_key(struct dm_object_name name, struct dm_err *reterr, const char *why)
{
    dm_err_set(reterr, DM_E_INVALID, "the lake's folder cannot hold s3://%s/%s: %s", name.bucket,
               name.key, why);
    return DM_E_INVALID;
}

static int check_bucket(struct dm_object_name name, struct dm_err *reterr)
{
    if (!*name.bucket)
        return bad_key(name, reterr, "the bucket is empty");
    if (*name.bucket == '.' || strchr(name.bucket, '/'))
        return bad_key(name, reterr, "a bucket has no / and does not begin with .");
    if (strlen(name.bucket) > NAME_MAX)
        return bad_key(name, reterr, "the bucket's name is longer than 255 bytes");
    return 0;
}

static int check_key(struct dm_object_name name, struct dm_err *reterr)
{
    struct dm_str rest = dm_str_c(name.key), piece;
    DM_TRY(check_bucket(name, reterr));
    if (rest.len == 0)
        return bad_key(name, reterr, "the key is empty");
    while (dm_str_split(&rest, '/', &piece)) {
        if (piece.len == 0)
            return bad_key(name, reterr, "the key begins or ends with / or has // in it");
        if (dm_str_is(piece, ".") || dm_str_is(piece, ".."))
            return bad_key(name, reterr, "the key has . or .. between slashes");
        if (piece.len > NAME_MAX)
            return bad_key(name, reterr,
                           "a part of the key between slashes is longer than 255 bytes");
    }
    return 0;
}

static int path_of(struct dm_arena *a, const struct dm_lake *l, struct dm_object_name name,
                   const char **ret, struct dm_err *reterr)
{
    DM_TRY(check_key(name, reterr));
    const char *path = dm_arena_printf(a, "%s/%s/%s", l->dir, name.bucket, name.key);
    if (strlen(path) >= PATH_MAX)
        return bad_key(name, reterr, "its path would be longer than 4095 bytes");
    *ret = path;
    return 0;
}

/* A file system has no object that is a folder at the same time. */
static int check_no_folder(struct dm_arena *a, const struct dm_lake *l, struct dm_object_name name,
                           const char *path, struct dm_err *reterr)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && rmdir(path) < 0)
        return bad_key(name, reterr, "there are objects below that key, as in a folder");
    for (const char *dir = dm_path_dir(a, path); strcmp(dir, l->dir) != 0;
         dir = dm_path_dir(a, dir)) {
        if (lstat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
            return bad_key(
                name, reterr,
                dm_arena_printf(a, "%s is an object itself", dm_project_relative(l->project, dir)));
    }
    return 0;
}

/* ---- errors ---- */

/* Says which object it was; a full or read-only disk also what became of it. */
static int about(struct dm_object_name name, const char *doing, int rc, const struct dm_err *err,
                 struct dm_err *reterr)
{
    if (!reterr)
        return rc;
    *reterr = *err;
    dm_err_wrap(reterr, "%s s3://%s/%s", doing, name.bucket, name.key);
    if (rc == DM_E_DISKFULL)
        dm_err_hint(
            reterr,
            "Nothing of the object was written.  Make room on the disk of the project's lake/, "
            "then run it again.");
    else if (rc == DM_E_PERMISSION)
        dm_err_hint(reterr,
                    "Nothing of the object was written.  Make the project's lake/ writable.");
    return rc;
}

/* What lies beside a path that is not there, as detail: the first names of the nearest folder that is. */
static void add_beside(struct dm_arena *a, const struct dm_project *p, const char *path,
                       struct dm_err *reterr)
{
    const char *dir = dm_path_dir(a, path);
    while (!dm_is_dir(dir) && strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0)
        dir = dm_path_dir(a, dir);
    const char *const *names, *shown = dm_project_relative(p, dir);
    size_t n;
    if (dm_list_dir(a, dir, &names, &n, NULL) < 0)
        return;
    if (n == 0) {
        dm_err_detail(reterr, "The folder %s is empty.", shown);
        return;
    }
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (size_t i = 0; i < n && i < BESIDE_MAX; i++)
        dm_strbuf_addf(&b, "%s%s", i ? ", " : "", names[i]);
    if (n > BESIDE_MAX)
        dm_strbuf_addf(&b, " and %zu more", n - BESIDE_MAX);
    dm_err_detail(reterr, "The folder %s has %s.", shown, b.p);
    const char *near = dm_str_nearest(dm_str_c(dm_path_base(path)), names);
    if (near)
        dm_err_hint(reterr, "Did you mean \"%s\"?", near);
}

static int no_object(struct dm_arena *a, const struct dm_lake *l, struct dm_object_name name,
                     const char *path, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_NOTFOUND, "there is no object s3://%s/%s", name.bucket, name.key);
    add_beside(a, l->project, path, reterr);
    return DM_E_NOTFOUND;
}

/* ---- one object ---- */

static int local_begin(struct dm_lake_write *w, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path;
    struct dm_err err;
    DM_TRY(path_of(&a, w->lake, w->name, &path, reterr));
    DM_TRY(check_no_folder(&a, w->lake, w->name, path, reterr));
    int rc = dm_file_begin(&w->file, w->lake->tmp_dir, &err);
    return rc < 0 ? about(w->name, "writing", rc, &err, reterr) : 0;
}

static int local_append(struct dm_lake_write *w, const void *bytes, size_t n, struct dm_err *reterr)
{
    struct dm_err err;
    int rc = dm_file_append(&w->file, bytes, n, &err);
    return rc < 0 ? about(w->name, "writing", rc, &err, reterr) : 0;
}

static int commit_at(struct dm_lake_write *w, const char *path, struct dm_err *reterr)
{
    struct dm_err err;
    int rc = dm_file_commit(&w->file, path, OBJECT_MODE, &err);
    return rc < 0 ? about(w->name, "writing", rc, &err, reterr) : 0;
}

static int local_commit(struct dm_lake_write *w, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path;
    DM_TRY(path_of(&a, w->lake, w->name, &path, reterr));
    return commit_at(w, path, reterr);
}

static void local_write_release(struct dm_lake_write *w)
{
    dm_file_release(&w->file);
}

static int64_t us_of(struct timespec t)
{
    return (int64_t)t.tv_sec * DM_SEC + t.tv_nsec / 1000;
}

static int local_stat(struct dm_lake *l, struct dm_object_name name, struct dm_object_info *ret,
                      struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path;
    struct stat st;
    DM_TRY(path_of(&a, l, name, &path, reterr));
    if (stat(path, &st) < 0 && errno != ENOENT && errno != ENOTDIR)
        return dm_err_errno(reterr, errno, "could not look at s3://%s/%s", name.bucket, name.key);
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return no_object(&a, l, name, path, reterr);
    *ret = (struct dm_object_info){name.key, (uint64_t)st.st_size, us_of(st.st_mtim)};
    return 0;
}

static int local_read_fd(struct dm_lake *l, struct dm_object_name name, int *ret_fd,
                         struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_object_info info;
    const char *path;
    DM_TRY(local_stat(l, name, &info, reterr));
    DM_TRY(path_of(&a, l, name, &path, reterr));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not read s3://%s/%s", name.bucket, name.key);
    *ret_fd = fd;
    return 0;
}

static int local_remove(struct dm_lake *l, struct dm_object_name name, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path, *bucket;
    DM_TRY(path_of(&a, l, name, &path, reterr));
    bucket = dm_path_join(&a, l->dir, name.bucket);
    if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR && errno != EISDIR)
        return dm_err_errno(reterr, errno, "could not delete s3://%s/%s", name.bucket, name.key);
    for (const char *dir = dm_path_dir(&a, path); strcmp(dir, bucket) != 0;
         dir = dm_path_dir(&a, dir))
        if (rmdir(dir) < 0)
            break;
    return 0;
}

/* ---- copies ---- */

static int place_object(struct dm_lake *l, const char *from, struct dm_object_name to,
                        uint64_t *ret_bytes, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path;
    struct dm_err err;
    DM_TRY(path_of(&a, l, to, &path, reterr));
    DM_TRY(check_no_folder(&a, l, to, path, reterr));
    int rc = dm_place(from, l->tmp_dir, path, ret_bytes, &err);
    return rc < 0 ? about(to, "writing", rc, &err, reterr) : 0;
}

static int local_copy(struct dm_lake *l, struct dm_object_name from, struct dm_object_name to,
                      struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *source;
    struct dm_object_info info;
    DM_TRY(local_stat(l, from, &info, reterr));
    DM_TRY(path_of(&a, l, from, &source, reterr));
    return place_object(l, source, to, NULL, reterr);
}

static int local_to_file(struct dm_lake *l, struct dm_object_name from, const char *path,
                         struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *source;
    struct dm_object_info info;
    DM_TRY(local_stat(l, from, &info, reterr));
    DM_TRY(path_of(&a, l, from, &source, reterr));
    /* Nobody who reads a folder of the cluster shall meet a temporary name in it. */
    const char *cluster = l->project->cluster_dir;
    const char *tmp_dir = dm_path_below(&a, path, cluster) ? dm_path_join(&a, cluster, ".tmp")
                                                           : dm_path_dir(&a, path);
    return dm_place(source, tmp_dir, path, NULL, reterr);
}

static int open_source(struct dm_lake *l, const char *path, int *ret_fd, struct stat *ret,
                       struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *shown = dm_project_relative(l->project, path);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        dm_err_set(reterr, DM_E_NOTFOUND, "there is no file %s", shown);
        add_beside(&a, l->project, path, reterr);
        return DM_E_NOTFOUND;
    }
    if (fd < 0 || fstat(fd, ret) < 0)
        return dm_err_errno(reterr, errno, "could not read %s", shown);
    if (!S_ISREG(ret->st_mode))
        return dm_err_set(reterr, DM_E_INVALID, "%s is no file", shown);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

static int local_from_file(struct dm_lake *l, const char *path, struct dm_object_name to,
                           struct dm_err *reterr)
{
    _cleanup_close_ int fd = -1;
    struct stat st;
    DM_TRY(open_source(l, path, &fd, &st, reterr));
    return place_object(l, path, to, NULL, reterr);
}

/* ---- a vendor's file ---- */

static const char *source_identity(struct dm_arena *a, const struct stat *st)
{
    return dm_arena_printf(a, "%llx:%llx:%lld:%lld.%09ld:%lld.%09ld",
                           (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
                           (long long)st->st_size, (long long)st->st_mtim.tv_sec,
                           st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

/* Of an object: its change time moves with every link that is made to it. */
static const char *object_identity(struct dm_arena *a, const struct stat *st)
{
    return dm_arena_printf(a, "%llx:%llx:%lld:%lld.%09ld", (unsigned long long)st->st_dev,
                           (unsigned long long)st->st_ino, (long long)st->st_size,
                           (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

/* What is recorded for a source changed just before it was read: a name for no state of any file. */
static const char racy[] = "racily clean";

/* Whether two open files have the same bytes. */
static int same_bytes(int a, int b, bool *ret, struct dm_err *reterr)
{
    _cleanup_free_ char *x = dm_malloc(CHUNK), *y = dm_malloc(CHUNK);
    for (off_t at = 0;;) {
        ssize_t n = pread(a, x, CHUNK, at), m = pread(b, y, CHUNK, at);
        if (n < 0 || m < 0)
            return dm_err_errno(reterr, errno, "could not compare a file with its landed copy");
        ssize_t less = n < m ? n : m;
        *ret = memcmp(x, y, (size_t)less) == 0 && (less > 0 || n == m);
        if (!*ret || n + m == 0)
            return 0;
        at += less;
    }
}

/* The path of the object that the source became before, where that is still what a copy would give; else NULL.  The
   records of both files answer that, and where they do not, the bytes do. */
static int landed_before(struct dm_arena *a, const struct dm_lake *l, int source,
                         const char *identity, const struct dm_landing *known, const char **ret,
                         struct dm_err *reterr)
{
    const char *path;
    struct stat st, now;
    bool same = false;
    *ret = NULL;
    if (!known || !known->identity || path_of(a, l, known->object, &path, NULL) < 0)
        return 0;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0 || !dm_file_immutable(&st))
        return 0;
    const char *whole = dm_arena_printf(a, "%s|%s", identity, object_identity(a, &st));
    if (strcmp(whole, known->identity) != 0) {
        if (fstat(source, &now) < 0 || now.st_size != st.st_size)
            return 0;
        DM_TRY(same_bytes(source, fd, &same, reterr));
        if (!same || fstat(source, &now) < 0 || strcmp(source_identity(a, &now), identity) != 0)
            return 0;
    }
    *ret = path;
    return 0;
}

static bool racily_clean(const struct stat *st, int64_t now)
{
    int64_t mtime = us_of(st->st_mtim), ctime = us_of(st->st_ctim);
    return now - (mtime > ctime ? mtime : ctime) < DM_RACILY_CLEAN_US;
}

static const char *landing_identity(struct dm_arena *a, const struct stat *source,
                                    const struct stat *object, int64_t now)
{
    if (racily_clean(source, now))
        return racy;
    return dm_arena_printf(a, "%s|%s", source_identity(a, source), object_identity(a, object));
}

static int land_copy(struct dm_lake *l, struct dm_arena *a, const char *source_path, int fd,
                     const char *identity, struct dm_object_name to, const char **ret_identity,
                     uint64_t *ret_bytes, struct dm_err *reterr)
{
    struct dm_lake_write w = {.lake = l, .name = to, .file = {.fd = -1}};
    struct dm_err err;
    struct stat after, object;
    const char *path;
    int64_t now = dm_clock_now();
    DM_TRY(path_of(a, l, to, &path, reterr));
    DM_TRY(local_begin(&w, reterr));
    int rc = dm_copy_bytes(fd, dm_project_relative(l->project, source_path), &w.file, &err);
    if (rc < 0)
        rc = about(to, "writing", rc, &err, reterr);
    else if (fstat(fd, &after) < 0 || fstat(w.file.fd, &object) < 0)
        rc = dm_err_errno(reterr, errno, "could not read %s", source_path);
    else if (strcmp(source_identity(a, &after), identity) != 0) {
        rc = dm_err_set(reterr, DM_E_CONFLICT, "%s changed while it was read",
                        dm_project_relative(l->project, source_path));
        dm_err_hint(reterr,
                    "Whoever writes it should write another name and rename it when it is whole.");
    } else {
        rc = commit_at(&w, path, reterr);
    }
    uint64_t bytes = w.file.bytes;
    dm_file_release(&w.file);
    if (rc < 0)
        return rc;
    *ret_identity = landing_identity(a, &after, &object, now);
    *ret_bytes = bytes;
    return 0;
}

/*
 * Copies of one source are made one after the other, and each leaves word of what it made: tasks that start together,
 * before any landing is recorded, make one copy.
 */
static int lock_landing(struct dm_lake *l, struct dm_arena *a, const char *source_path, int *ret_fd,
                        struct dm_err *reterr)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *p = dm_project_relative(l->project, source_path); *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    DM_TRY(dm_mkdirs(l->project->run_dir, 0755, reterr));
    const char *path = dm_arena_printf(a, "%s/landing-%016llx.lock", l->project->run_dir,
                                       (unsigned long long)hash);
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not create %s", path);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return dm_err_errno(reterr, errno, "could not lock %s", path);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

static bool read_word(int fd, struct dm_arena *a, struct dm_landing *ret)
{
    char buf[WORD_MAX];
    ssize_t n = pread(fd, buf, sizeof(buf), 0);
    struct dm_str rest = dm_str_n(buf, n > 0 ? (size_t)n : 0), line[3];
    for (int i = 0; i < 3; i++)
        if (!dm_str_split(&rest, '\n', &line[i]))
            return false;
    *ret = (struct dm_landing){dm_str_cstr(a, line[0]),
                               {dm_str_cstr(a, line[1]), dm_str_cstr(a, line[2])}};
    return true;
}

/* Word that is lost costs a copy. */
static void leave_word(int fd, struct dm_arena *a, const char *identity, struct dm_object_name to)
{
    const char *text = dm_arena_printf(a, "%s\n%s\n%s\n", identity, to.bucket, to.key);
    if (strlen(text) > WORD_MAX || ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
        return;
}

static int land_first(struct dm_lake *l, struct dm_arena *a, const char *source_path, int fd,
                      const char *identity, struct dm_object_name to, const char **ret_before,
                      const char **ret_identity, uint64_t *ret_bytes, struct dm_err *reterr)
{
    _cleanup_close_ int lock = -1;
    struct dm_landing word;
    const char *made;
    DM_TRY(lock_landing(l, a, source_path, &lock, reterr));
    if (read_word(lock, a, &word)) {
        DM_TRY(landed_before(a, l, fd, identity, &word, ret_before, reterr));
        if (*ret_before)
            return 0;
    }
    DM_TRY(land_copy(l, a, source_path, fd, identity, to, &made, ret_bytes, reterr));
    leave_word(lock, a, made, to);
    *ret_identity = made;
    return 0;
}

static int local_land(struct dm_lake *l, struct dm_arena *a, const char *source_path,
                      const struct dm_landing *known, struct dm_object_name to,
                      const char **ret_identity, bool *ret_linked, uint64_t *ret_bytes,
                      struct dm_err *reterr)
{
    _cleanup_close_ int fd = -1;
    struct stat st, object;
    const char *before, *path;
    int64_t now = dm_clock_now();
    DM_TRY(open_source(l, source_path, &fd, &st, reterr));
    const char *identity = source_identity(a, &st);
    DM_TRY(landed_before(a, l, fd, identity, known, &before, reterr));
    if (!before)
        DM_TRY(land_first(l, a, source_path, fd, identity, to, &before, ret_identity, ret_bytes,
                          reterr));
    *ret_linked = before != NULL;
    if (!before)
        return 0;
    DM_TRY(path_of(a, l, to, &path, reterr));
    DM_TRY(place_object(l, before, to, ret_bytes, reterr));
    if (lstat(path, &object) < 0)
        return dm_err_errno(reterr, errno, "could not read s3://%s/%s", to.bucket, to.key);
    *ret_identity = landing_identity(a, &st, &object, now);
    return 0;
}

/* ---- listing ---- */

struct listing {
    struct dm_arena *arena;
    const char *prefix;
    struct dm_object_info *items;
    size_t n, cap;
};

static int add_object(struct listing *ls, const char *key, const struct stat *st,
                      struct dm_err *reterr)
{
    if (ls->n == DM_LAKE_LIST_MAX)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "more than %d objects begin with \"%s\" (DM_LAKE_LIST_MAX)",
                          DM_LAKE_LIST_MAX, ls->prefix);
    if (ls->n == ls->cap)
        ls->items =
            dm_realloc(ls->items, (ls->cap = ls->cap ? ls->cap * 2 : 64) * sizeof(*ls->items));
    ls->items[ls->n++] = (struct dm_object_info){dm_arena_strdup(ls->arena, key),
                                                 (uint64_t)st->st_size, us_of(st->st_mtim)};
    return 0;
}

/* `key` is that of the folder, with a / at its end, or "". */
static int list_folder(struct listing *ls, const char *path, const char *key, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *const *names;
    size_t n, prefix_len = strlen(ls->prefix);
    DM_TRY(dm_list_dir(&a, path, &names, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        const char *below = dm_arena_printf(&a, "%s%s", key, names[i]),
                   *file = dm_path_join(&a, path, names[i]);
        size_t len = strlen(below);
        if (strncmp(below, ls->prefix, len < prefix_len ? len : prefix_len) != 0)
            continue;
        if (lstat(file, &st) < 0) {
            if (errno == ENOENT) /* deleted meanwhile */
                continue;
            return dm_err_errno(reterr, errno, "could not list %s", path);
        }
        int rc = 0;
        if (S_ISDIR(st.st_mode))
            rc = list_folder(ls, file, dm_arena_printf(&a, "%s/", below), reterr);
        else if (S_ISREG(st.st_mode) && len >= prefix_len)
            rc = add_object(ls, below, &st, reterr);
        /* A folder that is deleted while it is listed holds nothing. */
        if (rc < 0 && !(rc == DM_E_NOTFOUND && !dm_exists(file)))
            return rc;
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct dm_object_info *)a)->key, ((const struct dm_object_info *)b)->key);
}

static int local_list(struct dm_lake *l, struct dm_arena *a, struct dm_object_name prefix,
                      struct dm_object_info **ret, size_t *ret_n, struct dm_err *reterr)
{
    DM_TRY(check_bucket(prefix, reterr));
    /* Begins in the deepest folder that the prefix names: a day's listing does not read the other days. */
    const char *bucket = dm_path_join(a, l->dir, prefix.bucket), *slash = strrchr(prefix.key, '/');
    const char *folder = slash ? dm_arena_strndup(a, prefix.key, (size_t)(slash - prefix.key)) : "";
    const char *path = *folder ? dm_path_join(a, bucket, folder) : bucket;
    struct listing ls = {.arena = a, .prefix = prefix.key};
    int rc = 0;
    if (!dm_path_below(a, path, bucket))
        return bad_key(prefix, reterr, "the key has .. between slashes");
    if (dm_is_dir(path))
        rc = list_folder(&ls, path, *folder ? dm_arena_printf(a, "%s/", folder) : "", reterr);
    if (rc == 0) {
        if (ls.n)
            qsort(ls.items, ls.n, sizeof(*ls.items), by_key);
        *ret = dm_arena_array(a, struct dm_object_info, ls.n + 1);
        if (ls.n)
            memcpy(*ret, ls.items, ls.n * sizeof(*ls.items));
        *ret_n = ls.n;
    }
    free(ls.items);
    return rc;
}

const struct dm_lake_ops dm_lake_local = {
    .conn_type = "local_lake",
    .begin = local_begin,
    .append = local_append,
    .commit = local_commit,
    .write_release = local_write_release,
    .stat = local_stat,
    .list = local_list,
    .copy = local_copy,
    .remove = local_remove,
    .read_fd = local_read_fd,
    .to_file = local_to_file,
    .from_file = local_from_file,
    .land = local_land,
};
