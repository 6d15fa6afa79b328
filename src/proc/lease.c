/* Leases by flock; ending what a dead parent left. */
#include "proc/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"

enum { POLL_US = 2000, STAT_MAX = 1024 };

static void lease_path(char path[DM_LEASE_PATH_MAX], const char *run_dir, int64_t attempt)
{
    bool callback = attempt < 0;
    snprintf(path, DM_LEASE_PATH_MAX, "%s/%s-%lld.lock", run_dir, callback ? "callback" : "attempt",
             (long long)(callback ? -attempt : attempt));
}

static int open_locked(const char *path, int *ret_fd)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int e = errno;
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return 0;
}

int dm_lease_take(const char *run_dir, int64_t attempt, struct dm_leases *l, int *ret_fd,
                  struct dm_err *reterr)
{
    char path[DM_LEASE_PATH_MAX], kept[DM_LEASE_PATH_MAX];
    lease_path(path, run_dir, attempt);
    if (l && l->n > 0) {
        lease_path(kept, run_dir, l->kept[--l->n]);
        if (rename(kept, path) == 0 && open_locked(path, ret_fd) == 0)
            return 0;
        unlink(path); /* something of the attempt before still holds it */
    }
    int e = open_locked(path, ret_fd);
    return e ? dm_err_errno(reterr, e, "could not make the lease \"%s\"", path) : 0;
}

int dm_lease_held(const char *run_dir, int64_t attempt, struct dm_err *reterr)
{
    char path[DM_LEASE_PATH_MAX];
    lease_path(path, run_dir, attempt);
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open the lease \"%s\"", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return 1;
    return dm_err_errno(reterr, errno, "could not test the lease \"%s\"", path);
}

void dm_lease_remove(const char *run_dir, int64_t attempt, struct dm_leases *l)
{
    char path[DM_LEASE_PATH_MAX];
    if (l && l->n < DM_LEASES_KEPT_MAX) {
        l->kept[l->n++] = attempt;
        return;
    }
    lease_path(path, run_dir, attempt);
    unlink(path);
}

void dm_leases_clear(struct dm_leases *l, const char *run_dir)
{
    while (l->n > 0)
        dm_lease_remove(run_dir, l->kept[--l->n], NULL);
}

/* The attempt of a file of ours, or 0. */
static int64_t attempt_of(const char *name)
{
    static const char prefix[] = "attempt-", suffix[] = ".lock";
    struct dm_str rest = dm_str_c(name);
    int64_t attempt;
    if (!dm_str_starts(rest, dm_str_c(prefix)) || !dm_str_ends(rest, dm_str_c(suffix)))
        return 0;
    rest = dm_str_sub(rest, strlen(prefix), rest.len - strlen(suffix));
    return dm_str_to_i64(rest, &attempt) ? attempt : 0;
}

void dm_lease_sweep(const char *run_dir)
{
    DIR *dir = opendir(run_dir);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        int64_t attempt = attempt_of(e->d_name);
        if (attempt && dm_lease_held(run_dir, attempt, NULL) == 0)
            dm_lease_remove(run_dir, attempt, NULL);
    }
    closedir(dir);
}

uint64_t dm_process_start(pid_t pid)
{
    char path[64], stat[STAT_MAX + 1];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, stat, STAT_MAX);
    if (n <= 0)
        return 0;
    stat[n] = '\0';
    /* The name in parentheses may hold anything: count fields from its end.  Start time is field 22. */
    char *p = strrchr(stat, ')');
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* Whether /proc/PID/fd/NAME is the lock file. */
static bool is_lease(int fds, const char *name, const struct stat *lease)
{
    struct stat st;
    return fstatat(fds, name, &st, 0) == 0 && st.st_dev == lease->st_dev &&
           st.st_ino == lease->st_ino;
}

static bool has_open(const char *pid_name, const struct stat *lease)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%.16s/fd", pid_name);
    DIR *dir = opendir(path);
    if (!dir)
        return false; /* another user's, or gone */
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            found = is_lease(dirfd(dir), e->d_name, lease);
    closedir(dir);
    return found;
}

/* Descendants that left the process group still hold the lock: they are found by their open file. */
void dm_lease_kill(const char *run_dir, int64_t attempt)
{
    char path[DM_LEASE_PATH_MAX];
    struct stat lease;
    DIR *proc = opendir("/proc");
    lease_path(path, run_dir, attempt);
    if (!proc)
        return;
    if (stat(path, &lease) == 0) {
        for (struct dirent *e; (e = readdir(proc));) {
            int64_t pid;
            if (!dm_str_to_i64(dm_str_c(e->d_name), &pid) || pid == getpid())
                continue;
            if (has_open(e->d_name, &lease))
                kill((pid_t)pid, SIGKILL);
        }
    }
    closedir(proc);
}

int dm_lease_end(const char *run_dir, int64_t attempt, pid_t pid, uint64_t pid_start,
                 int64_t timeout_us, struct dm_err *reterr)
{
    char path[DM_LEASE_PATH_MAX];
    lease_path(path, run_dir, attempt);
    int64_t begun = dm_clock_monotonic();
    int found = 0;
    for (;;) {
        int held = dm_lease_held(run_dir, attempt, reterr);
        DM_TRY(held);
        if (!held)
            break;
        if (!found && pid > 0 && pid_start != 0 && dm_process_start(pid) == pid_start)
            kill(-pid, SIGKILL);
        else
            dm_lease_kill(run_dir, attempt);
        found = 1;
        if (dm_clock_monotonic() - begun > timeout_us) {
            dm_err_set(reterr, DM_E_BUSY, "processes of attempt %lld do not end: they hold \"%s\"",
                       (long long)attempt, path);
            return dm_err_hint(reterr, "\"fuser %s\" names them.", path);
        }
        usleep(POLL_US);
    }
    dm_lease_remove(run_dir, attempt, NULL);
    return found;
}
