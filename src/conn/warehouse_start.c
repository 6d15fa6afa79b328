/* Starting the embedded warehouse in a session of its own. */
#include "conn/warehouse_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/file.h"
#include "base/time.h"

enum { READY_FD = 3, LOG_TAIL = 2000 };
#define READY_WITHIN_US (20 * DM_SEC)

bool dm_warehouse_listens(const struct dm_project *p)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int n =
        snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", p->socket_dir, DM_WAREHOUSE_SOCKET);
    if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
        return false;
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
}

static int spawn_server(const struct dm_project *p, int ready, pid_t *ret, struct dm_err *reterr)
{
    extern char **environ;
    _cleanup_arena_ struct dm_arena a = {0};
    const char *log = dm_path_join(&a, p->logs_dir, "warehouse.log"), *program = dm_program_path();
    const char *argv[] = {"daymill",      "-C",         p->dir, "warehouse",
                          "--until-idle", "--ready-fd", "3",    NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawn_file_actions_adddup2(&files, ready, READY_FD);
    /* A task's lease is inherited by all that it starts, but the warehouse outlives it. */
    posix_spawn_file_actions_addclosefrom_np(&files, READY_FD + 1);
    posix_spawn_file_actions_addchdir_np(&files, p->dir);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int e = posix_spawn(ret, program, &files, &attr, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return e ? dm_err_errno(reterr, e, "could not start the warehouse (%s)", program) : 0;
}

/* The end of its log: why it did not start. */
static const char *log_tail(struct dm_arena *a, const struct dm_project *p, off_t from)
{
    _cleanup_close_ int fd =
        open(dm_path_join(a, p->logs_dir, "warehouse.log"), O_RDONLY | O_CLOEXEC);
    char *text = dm_arena_alloc(a, LOG_TAIL + 1);
    ssize_t n = fd < 0 ? 0 : pread(fd, text, LOG_TAIL, from);
    return n > 0 ? text : "It wrote no log.";
}

static off_t log_size(struct dm_arena *a, const struct dm_project *p)
{
    _cleanup_close_ int fd =
        open(dm_path_join(a, p->logs_dir, "warehouse.log"), O_RDONLY | O_CLOEXEC);
    off_t n = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    return n < 0 ? 0 : n;
}

/* 1 = it listens, 0 = it ended or closed the pipe, or an error. */
static int wait_ready(int fd, struct dm_err *reterr)
{
    int64_t until = dm_clock_monotonic() + READY_WITHIN_US;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - dm_clock_monotonic();
        int n = left <= 0 ? 0 : poll(&p, 1, (int)(left / 1000 + 1));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not wait for the warehouse");
        if (n == 0)
            return dm_err_set(reterr, DM_E_TIMEOUT, "the warehouse did not listen within %lld s",
                              (long long)(READY_WITHIN_US / DM_SEC));
        char c;
        ssize_t got = read(fd, &c, 1);
        if (got >= 0)
            return (int)got;
        if (errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for the warehouse");
    }
}

static int start_failed(struct dm_arena *a, const struct dm_project *p, int status, off_t log_from,
                        struct dm_err *reterr)
{
    /* Another starter was faster: its server will listen soon. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == dm_code_exit(DM_E_BUSY))
        return 0;
    if (WIFSIGNALED(status))
        dm_err_set(reterr, DM_E_CONNECTION, "the warehouse was ended by signal %d while it started",
                   WTERMSIG(status));
    else
        dm_err_set(reterr, DM_E_CONNECTION, "the warehouse could not start (exit status %d)",
                   WEXITSTATUS(status));
    dm_err_detail(reterr, "%s", log_tail(a, p, log_from));
    dm_err_hint(reterr, "Its log is logs/warehouse.log.");
    return DM_E_CONNECTION;
}

int dm_warehouse_start(const struct dm_project *p, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_close_ int reading = -1, writing = -1;
    int ends[2], status;
    pid_t pid;
    DM_TRY(dm_mkdirs(p->run_dir, 0777, reterr));
    DM_TRY(dm_mkdirs(p->logs_dir, 0777, reterr));
    if (pipe2(ends, O_CLOEXEC) < 0)
        return dm_err_errno(reterr, errno, "could not start the warehouse");
    reading = ends[0];
    writing = ends[1];
    off_t log_from = log_size(&a, p);
    DM_TRY(spawn_server(p, writing, &pid, reterr));
    dm_closep(&writing);
    int rc = wait_ready(reading, reterr);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for the warehouse");
    return start_failed(&a, p, status, log_from, reterr);
}
