/* Waking whoever decides. */
#include "sched/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { PATH_SIZE = 4096 };

static void path_of(const char *run_dir, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/scheduler.wake", run_dir);
}

int dm_wake_open(const char *run_dir, int *ret_fd, struct dm_err *reterr)
{
    char path[PATH_SIZE];
    path_of(run_dir, path);
    DM_TRY(dm_mkdirs(run_dir, 0755, reterr));
    if (mkfifo(path, 0600) < 0 && errno != EEXIST)
        return dm_err_errno(reterr, errno, "could not make the pipe \"%s\"", path);
    /* For writing too: it has no end of file while nobody writes. */
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open the pipe \"%s\"", path);
    *ret_fd = fd;
    return 0;
}

void dm_wake_close(const char *run_dir, int *fd)
{
    char path[PATH_SIZE];
    if (*fd < 0)
        return;
    path_of(run_dir, path);
    unlink(path);
    dm_closep(fd);
}

void dm_wake_drain(int fd)
{
    char bytes[256];
    while (read(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

void dm_wake_send(const char *run_dir)
{
    char path[PATH_SIZE];
    path_of(run_dir, path);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    /* A full pipe has bytes enough to wake it. */
    if (write(fd, "!", 1) < 0) {
        close(fd);
        return;
    }
    close(fd);
}
