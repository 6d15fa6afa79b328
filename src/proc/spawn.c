/* posix_spawn with an exact list of descriptors. */
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/file.h"
#include "proc/lease.h"
#include "proc/wire.h"

/* Sources lie above every number that the child uses, so that no dup2 of the list overwrites a later source. */
enum { FIRST_SOURCE_FD = 16 };

static int move_up(int fd, int *ret, struct dm_err *reterr)
{
    *ret = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SOURCE_FD);
    return *ret < 0 ? dm_err_errno(reterr, errno, "could not copy a descriptor") : 0;
}

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                POSIX_SPAWN_SETSIGMASK);
    rc = rc ? rc : posix_spawnattr_setpgroup(attr, 0);
    rc = rc ? rc : posix_spawnattr_setsigdefault(attr, &all);
    return rc ? rc : posix_spawnattr_setsigmask(attr, &none);
}

static int set_files(posix_spawn_file_actions_t *files, int wire, int out, int lease)
{
    int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(files, wire, DM_WIRE_FD);
    if (rc == 0 && lease >= 0)
        rc = posix_spawn_file_actions_adddup2(files, lease, DM_LEASE_FD);
    /* also what this process inherited itself, from a shell that leaves descriptors open */
    return rc ? rc
              : posix_spawn_file_actions_addclosefrom_np(files, lease >= 0 ? DM_LEASE_FD + 1
                                                                           : DM_LEASE_FD);
}

static int spawn_with(const struct dm_spawn *s, int wire, int out, int lease, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        rc = set_files(&files, wire, out, lease);
        rc = rc ? rc : set_attributes(&attr);
        rc = rc ? rc
                : posix_spawn(ret_pid, s->program, &files, &attr, (char *const *)s->argv, environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

int dm_spawn(const struct dm_spawn *s, struct dm_child *ret, struct dm_err *reterr)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return dm_err_errno(reterr, errno, "could not make a socket pair");
    _cleanup_close_ int ours = pair[0];
    _cleanup_close_ int theirs = pair[1];
    _cleanup_close_ int wire = -1;
    _cleanup_close_ int out = -1;
    _cleanup_close_ int lease = -1;
    DM_TRY(move_up(theirs, &wire, reterr));
    DM_TRY(move_up(s->out_fd, &out, reterr));
    if (s->lease_fd >= 0)
        DM_TRY(move_up(s->lease_fd, &lease, reterr));
    if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
        return dm_err_errno(reterr, errno, "could not prepare a socket");
    pid_t pid = 0;
    int rc = spawn_with(s, wire, out, lease, &pid);
    if (rc != 0)
        return dm_err_errno(reterr, rc, "could not start \"%s\"", s->program);
    int pid_fd = pidfd_open(pid, 0);
    if (pid_fd < 0) {
        rc = errno;
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return dm_err_errno(reterr, rc, "could not watch process %d", (int)pid);
    }
    fcntl(pid_fd, F_SETFD, FD_CLOEXEC);
    *ret =
        (struct dm_child){.pid = pid, .pid_fd = pid_fd, .fd = ours, .start = dm_process_start(pid)};
    ours = -1;
    return 0;
}

int dm_child_reap(struct dm_child *c, struct dm_child_end *ret, struct dm_err *reterr)
{
    int status;
    struct rusage used = {0};
    kill(-c->pid, SIGKILL); /* what the leader left behind; the leader itself has ended */
    pid_t got;
    do
        got = wait4(c->pid, &status, 0, &used);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return dm_err_errno(reterr, errno, "could not wait for process %d", (int)c->pid);
    close(c->pid_fd);
    c->pid_fd = -1;
    ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    ret->exit_status = ret->signal ? 128 + ret->signal : WEXITSTATUS(status);
    ret->cpu_us = (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                  used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    ret->peak_kb = used.ru_maxrss;
    return 0;
}

void dm_child_kill(const struct dm_child *c, int sig)
{
    if (c->pid > 0)
        kill(-c->pid, sig);
}
