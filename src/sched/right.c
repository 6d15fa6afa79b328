/* The right to decide: a lock file. */
#include "sched/right.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"

enum { POLL_US = 50000, PATH_SIZE = 4096, HOLDER_MAX = 512 };

static void read_holder(int fd, char holder[HOLDER_MAX])
{
    ssize_t n = pread(fd, holder, HOLDER_MAX - 1, 0);
    while (n > 0 && (holder[n - 1] == '\n' || holder[n - 1] == '\0'))
        n--;
    holder[n > 0 ? n : 0] = '\0';
}

static void write_holder(int fd, const char *command)
{
    char line[HOLDER_MAX];
    int n = snprintf(line, sizeof(line), "%d daymill %s\n", (int)getpid(), command ? command : "");
    if (n >= (int)sizeof(line))
        n = (int)sizeof(line) - 1;
    /* For people only: a failure changes nothing. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t)n, 0) < 0)
        return;
}

static int wait_for_lock(int fd, const char *path, const struct dm_right_wait *wait,
                         struct dm_err *reterr)
{
    char holder[HOLDER_MAX];
    bool told = false;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return dm_err_errno(reterr, errno, "could not lock \"%s\"", path);
        if (wait && wait->stop && *wait->stop)
            return dm_err_set(reterr, DM_E_CANCELLED, "interrupted while another command works");
        read_holder(fd, holder);
        if (!told && wait && wait->waiting)
            wait->waiting(wait->user, holder);
        told = true;
        usleep(POLL_US);
    }
    return 0;
}

static int open_lock(const char *run_dir, char path[PATH_SIZE], int *ret_fd, struct dm_err *reterr)
{
    snprintf(path, PATH_SIZE, "%s/scheduler.lock", run_dir);
    DM_TRY(dm_mkdirs(run_dir, 0755, reterr));
    *ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*ret_fd < 0)
        return dm_err_errno(reterr, errno, "could not open \"%s\"", path);
    return 0;
}

int dm_right_take(const char *run_dir, const char *command, const struct dm_right_wait *wait,
                  struct dm_right *ret, struct dm_err *reterr)
{
    char path[PATH_SIZE];
    _cleanup_close_ int fd = -1;
    DM_TRY(open_lock(run_dir, path, &fd, reterr));
    DM_TRY(wait_for_lock(fd, path, wait, reterr));
    write_holder(fd, command);
    ret->fd = fd;
    fd = -1;
    return 0;
}

int dm_right_try(const char *run_dir, const char *command, struct dm_right *ret,
                 struct dm_err *reterr)
{
    char path[PATH_SIZE];
    _cleanup_close_ int fd = -1;
    DM_TRY(open_lock(run_dir, path, &fd, reterr));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK || errno == EINTR
                   ? 0
                   : dm_err_errno(reterr, errno, "could not lock \"%s\"", path);
    write_holder(fd, command);
    ret->fd = fd;
    fd = -1;
    return 1;
}

int dm_right_held(const char *run_dir, char *holder, size_t size, struct dm_err *reterr)
{
    char path[PATH_SIZE], text[HOLDER_MAX];
    snprintf(path, sizeof(path), "%s/scheduler.lock", run_dir);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open \"%s\"", path);
    /* A shared lock, for a moment: it does not stop anybody who only asks. */
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return dm_err_errno(reterr, errno, "could not lock \"%s\"", path);
    read_holder(fd, text);
    snprintf(holder, size, "%s", text);
    return 1;
}

void dm_right_tell(const char *run_dir, const struct dm_right_wait *wait)
{
    char holder[HOLDER_MAX];
    if (dm_right_held(run_dir, holder, sizeof(holder), NULL) == 1)
        wait->waiting(wait->user, holder);
}

bool dm_right_is_scheduler(const char *run_dir)
{
    char holder[HOLDER_MAX];
    return dm_right_held(run_dir, holder, sizeof(holder), NULL) == 1 &&
           strstr(holder, " daymill " DM_RIGHT_SCHEDULER) != NULL;
}

void dm_right_release(struct dm_right *r)
{
    dm_closep(&r->fd);
}
