/* Files: whole reads, whole-or-nothing writes, paths and trees. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum { RENAME_TRIES = 2000, NAMES_TRIED = 100 };

void dm_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int dm_file_read(struct dm_arena *a, const char *path, size_t max, struct dm_str *ret,
                 struct dm_err *reterr)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return dm_err_errno(reterr, errno, "could not read %s", path);
    if (S_ISDIR(st.st_mode))
        return dm_err_errno(reterr, EISDIR, "could not read %s", path);
    if (st.st_size > 0 && (uint64_t)st.st_size > max)
        return dm_err_set(reterr, DM_E_LIMIT, "%s is larger than %zu bytes", path, max);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, max);
    size_t chunk = st.st_size > 0 ? (size_t)st.st_size : 65536;
    for (;;) {
        if (chunk > max - b.len)
            chunk = max - b.len;
        char extra, *to = chunk ? dm_strbuf_reserve(&b, chunk) : &extra;
        ssize_t n = read(fd, to, chunk ? chunk : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read %s", path);
        if (n == 0)
            break;
        if (to == &extra)
            return dm_err_set(reterr, DM_E_LIMIT, "%s is larger than %zu bytes", path, max);
        b.len += (size_t)n;
        chunk = 65536;
    }
    *ret = dm_str_dup(a, dm_strbuf_str(&b));
    return 0;
}

int dm_write_all(int fd, const void *bytes, size_t n, struct dm_err *reterr)
{
    const char *p = bytes;
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return dm_err_errno(reterr, errno, "could not write");
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

int dm_file_begin(struct dm_pending_file *p, const char *tmp_dir, struct dm_err *reterr)
{
    *p = (struct dm_pending_file){.fd = -1};
    DM_TRY(dm_mkdirs(tmp_dir, 0777, reterr));
    char *path = dm_asprintf("%s/.tmp-XXXXXX", tmp_dir);
    int fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        fd = mkostemp(path, O_CLOEXEC);
        p->has_name = fd >= 0;
    }
    if (fd < 0) {
        int e = errno;
        free(path);
        return dm_err_errno(reterr, e, "could not create a file in %s", tmp_dir);
    }
    p->fd = fd;
    p->tmp_path = path;
    return 0;
}

int dm_file_append(struct dm_pending_file *p, const void *bytes, size_t n, struct dm_err *reterr)
{
    DM_TRY(dm_write_all(p->fd, bytes, n, reterr));
    p->bytes += n;
    return 0;
}

/* Gives a file without a name the one of `path` (1), or, where that is taken, a temporary one to rename (0). */
static int name_at_once(struct dm_pending_file *p, const char *path, struct dm_err *reterr)
{
    static _Atomic unsigned counter;
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", p->fd);
    for (int i = 0; i < RENAME_TRIES; i++) {
        DM_TRY(dm_mkdirs_for(path, reterr));
        if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
            return 1;
        if (errno != ENOENT)
            break;
    }
    if (errno != EEXIST)
        return dm_err_errno(reterr, errno, "could not name %s", path);
    for (int i = 0; i < NAMES_TRIED; i++) {
        char *slash = strrchr(p->tmp_path, '/');
        char *tmp = dm_asprintf("%.*s/.tmp-%d-%u", (int)(slash - p->tmp_path), p->tmp_path,
                                (int)getpid(), atomic_fetch_add(&counter, 1));
        free(p->tmp_path);
        p->tmp_path = tmp;
        if (linkat(AT_FDCWD, self, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) == 0) {
            p->has_name = true;
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    return dm_err_errno(reterr, errno, "could not name %s", path);
}

int dm_file_commit(struct dm_pending_file *p, const char *path, mode_t mode, struct dm_err *reterr)
{
    if (fchmod(p->fd, mode) < 0 || fsync(p->fd) < 0)
        return dm_err_errno(reterr, errno, "could not write %s", path);
    int named = p->has_name ? 0 : name_at_once(p, path, reterr);
    DM_TRY(named);
    if (!named)
        DM_TRY(dm_rename(p->tmp_path, path, reterr));
    dm_closep(&p->fd);
    free(p->tmp_path);
    p->tmp_path = NULL;
    return 0;
}

void dm_file_release(struct dm_pending_file *p)
{
    dm_closep(&p->fd);
    if (p->tmp_path) {
        if (p->has_name)
            unlink(p->tmp_path);
        free(p->tmp_path);
        p->tmp_path = NULL;
    }
}

int dm_file_write(const char *path, struct dm_str bytes, mode_t mode, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_pending_ struct dm_pending_file p = {.fd = -1};
    const char *dir = dm_path_dir(&a, path);
    DM_TRY(dm_file_begin(&p, dir, reterr));
    DM_TRY(dm_file_append(&p, bytes.p, bytes.len, reterr));
    return dm_file_commit(&p, path, mode, reterr);
}

int dm_mkdirs(const char *path, mode_t mode, struct dm_err *reterr)
{
    if (mkdir(path, mode) == 0 || dm_is_dir(path))
        return 0;
    _cleanup_free_ char *p = dm_strdup(path);
    for (char *q = p + 1; *q; q++) {
        if (*q != '/')
            continue;
        *q = '\0';
        if (mkdir(p, mode) < 0 && errno != EEXIST)
            return dm_err_errno(reterr, errno, "could not create the folder %s", p);
        *q = '/';
    }
    if (mkdir(p, mode) < 0 && !(errno == EEXIST && dm_is_dir(p)))
        return dm_err_errno(reterr, errno, "could not create the folder %s", p);
    return 0;
}

int dm_mkdirs_for(const char *path, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    return dm_mkdirs(dm_path_dir(&a, path), 0777, reterr);
}

int dm_rename(const char *from, const char *to, struct dm_err *reterr)
{
    struct dm_err err;
    int rc = 0;
    for (int i = 0; i < RENAME_TRIES; i++) {
        rc = dm_mkdirs_for(to, &err);
        if (rc == 0 && rename(from, to) < 0)
            rc = dm_err_errno(&err, errno, "could not name %s", to);
        if (rc != DM_E_NOTFOUND || !dm_exists(from))
            break;
    }
    if (rc < 0 && reterr)
        *reterr = err;
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

int dm_remove_tree(const char *path, struct dm_err *reterr)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : dm_err_errno(reterr, errno, "could not remove %s", path);
    if (!S_ISDIR(st.st_mode)) {
        if (unlink(path) < 0 && errno != ENOENT)
            return dm_err_errno(reterr, errno, "could not remove %s", path);
        return 0;
    }
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        return dm_err_errno(reterr, errno, "could not remove %s", path);
    return 0;
}

bool dm_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool dm_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool dm_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int dm_list_dir(struct dm_arena *a, const char *path, const char *const **ret_names, size_t *ret_n,
                struct dm_err *reterr)
{
    DIR *d = opendir(path);
    if (!d)
        return dm_err_errno(reterr, errno, "could not list %s", path);
    size_t n = 0, cap = 16;
    const char **names = dm_malloc(cap * sizeof(*names));
    struct dirent *e;
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (n + 1 == cap)
            names = dm_realloc(names, (cap *= 2) * sizeof(*names));
        names[n++] = dm_arena_strdup(a, e->d_name);
    }
    closedir(d);
    names[n] = NULL;
    qsort(names, n, sizeof(*names), by_name);
    *ret_names = dm_arena_dup(a, names, (n + 1) * sizeof(*names));
    *ret_n = n;
    free(names);
    return 0;
}

const char *dm_path_join(struct dm_arena *a, const char *dir, const char *name)
{
    if (name[0] == '/' || dir[0] == '\0')
        return dm_arena_strdup(a, name);
    size_t n = strlen(dir);
    return dm_arena_printf(a, dir[n - 1] == '/' ? "%s%s" : "%s/%s", dir, name);
}

const char *dm_path_dir(struct dm_arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : dm_arena_strndup(a, path, (size_t)(slash - path));
}

const char *dm_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *dm_path_clean(struct dm_arena *a, const char *path)
{
    char *out = dm_arena_alloc(a, strlen(path) + 2);
    size_t n = 0, floor = 0;
    bool absolute = path[0] == '/';
    if (absolute)
        out[n++] = '/', floor = 1;
    struct dm_str rest = dm_str_c(path), piece;
    while (dm_str_split(&rest, '/', &piece)) {
        if (piece.len == 0 || dm_str_is(piece, "."))
            continue;
        if (dm_str_is(piece, "..")) {
            size_t cut = n;
            while (cut > floor && out[cut - 1] != '/')
                cut--;
            bool above = n == floor || (n - cut == 2 && out[cut] == '.' && out[cut + 1] == '.');
            if (!above) {
                n = cut > floor ? cut - 1 : floor;
                continue;
            }
            if (absolute)
                continue;
        }
        if (n > floor)
            out[n++] = '/';
        memcpy(out + n, piece.p, piece.len);
        n += piece.len;
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = '\0';
    return out;
}

bool dm_path_below(struct dm_arena *a, const char *path, const char *dir)
{
    struct dm_str p = dm_str_c(dm_path_clean(a, path)), d = dm_str_c(dm_path_clean(a, dir));
    if (dm_str_is(d, "/"))
        return p.len && p.p[0] == '/';
    return dm_str_eq(p, d) || (dm_str_starts(p, d) && p.p[d.len] == '/');
}
