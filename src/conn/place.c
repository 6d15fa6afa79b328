/* Links, reflinks and copies. */
#include "conn/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

enum { CHUNK = 1 << 20, NAMES_TRIED = 100 };

bool dm_file_immutable(const struct stat *st)
{
    return S_ISREG(st->st_mode) && (st->st_mode & 0222) == 0;
}

static int copy_by_hand(int from, const char *from_name, struct dm_pending_file *to,
                        struct dm_err *reterr)
{
    _cleanup_free_ char *buf = dm_malloc(CHUNK);
    for (;;) {
        ssize_t n = read(from, buf, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read %s", from_name);
        if (n == 0)
            return 0;
        DM_TRY(dm_file_append(to, buf, (size_t)n, reterr));
    }
}

int dm_copy_bytes(int from, const char *from_name, struct dm_pending_file *to,
                  struct dm_err *reterr)
{
    struct stat st;
    if (fstat(from, &st) < 0)
        return dm_err_errno(reterr, errno, "could not read %s", from_name);
    if (to->bytes == 0 && ioctl(to->fd, FICLONE, from) == 0) {
        to->bytes = (uint64_t)st.st_size;
        return 0;
    }
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to->fd, NULL, (size_t)1 << 30, 0);
        if (n < 0 && errno == EINTR)
            continue;
        /* Not for this pair of files, or its end; reading says which, and says why where it is neither. */
        if (n <= 0)
            return copy_by_hand(from, from_name, to, reterr);
        to->bytes += (uint64_t)n;
    }
}

/* A second name in tmp_dir for an immutable file.  1 = made, 0 = the file system cannot, or it is not immutable. */
static int link_in(struct dm_arena *a, const char *from, const char *tmp_dir, const char **ret_tmp,
                   uint64_t *ret_bytes, struct dm_err *reterr)
{
    static _Atomic unsigned counter;
    for (int i = 0; i < NAMES_TRIED; i++) {
        struct stat st;
        const char *tmp = dm_arena_printf(a, "%s/.tmp-%d-%u", tmp_dir, (int)getpid(),
                                          atomic_fetch_add(&counter, 1));
        if (link(from, tmp) < 0) {
            if (errno == EEXIST)
                continue;
            if (errno == ENOENT || errno == ENOTDIR || errno == ENOSPC || errno == EDQUOT)
                return dm_err_errno(reterr, errno, "could not link %s", from);
            return 0; /* EXDEV, EMLINK, EPERM, EROFS …: a copy may do, or says why not */
        }
        /* Asked of the new name: the old one may have been replaced meanwhile. */
        if (lstat(tmp, &st) < 0 || !dm_file_immutable(&st)) {
            unlink(tmp);
            return 0;
        }
        *ret_tmp = tmp;
        *ret_bytes = (uint64_t)st.st_size;
        return 1;
    }
    return 0;
}

int dm_place(const char *from, const char *tmp_dir, const char *to, uint64_t *ret_bytes,
             struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_pending_ struct dm_pending_file file = {.fd = -1};
    const char *tmp = NULL;
    uint64_t bytes = 0;
    DM_TRY(dm_mkdirs(tmp_dir, 0777, reterr));
    int linked = link_in(&a, from, tmp_dir, &tmp, &bytes, reterr);
    if (linked < 0)
        return linked;
    if (linked) {
        int rc = dm_rename(tmp, to, reterr);
        unlink(tmp); /* renaming one name of a file over another of the same file does nothing */
        if (rc < 0)
            return rc;
    } else {
        _cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return dm_err_errno(reterr, errno, "could not read %s", from);
        DM_TRY(dm_file_begin(&file, tmp_dir, reterr));
        DM_TRY(dm_copy_bytes(fd, from, &file, reterr));
        bytes = file.bytes;
        DM_TRY(dm_file_commit(&file, to, 0444, reterr));
    }
    if (ret_bytes)
        *ret_bytes = bytes;
    return 0;
}
