/* Lock files that name their holder. */
#include "proc/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"

enum { HOLDER_MAX = 512 };

static int held(int fd, const char *what, struct dm_err *reterr)
{
    char text[HOLDER_MAX];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    struct dm_str holder = dm_str_trim(dm_str_n(text, n > 0 ? (size_t)n : 0)), pid;
    int64_t number;
    /* It may have the lock and not have written yet. */
    if (!dm_str_split(&holder, ' ', &pid) || !dm_str_to_i64(pid, &number))
        return dm_err_set(reterr, DM_E_BUSY, "%s is held by another process", what);
    return dm_err_set(reterr, DM_E_BUSY, "%s is held by process %lld (%.*s)", what,
                      (long long)number, DM_FMT(holder));
}

int dm_claim_take(const char *path, const char *what, const char *command, int *ret_fd,
                  struct dm_err *reterr)
{
    char line[HOLDER_MAX];
    DM_TRY(dm_mkdirs_for(path, reterr));
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open \"%s\"", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? held(fd, what, reterr)
                                    : dm_err_errno(reterr, errno, "could not lock \"%s\"", path);
    snprintf(line, sizeof(line), "%d %s\n", (int)getpid(), command);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, line, strlen(line), 0) < 0)
        return dm_err_errno(reterr, errno, "could not write \"%s\"", path);
    *ret_fd = fd;
    fd = -1;
    return 0;
}
