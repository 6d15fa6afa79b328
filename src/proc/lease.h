/*
 * Leases: while any process of an attempt lives, run/attempt-N.lock is locked.
 *
 * The parent takes the lock (flock) and passes the descriptor on; every descendant inherits it, so the kernel keeps the
 * lock exactly as long as one of them is there, whatever became of the parent.  Whoever finds an attempt recorded as
 * running tests its lease before doing that work again.
 */
#ifndef DM_LEASE_H
#define DM_LEASE_H

#include <sys/types.h>

#include "base/str.h"

enum { DM_LEASE_PATH_MAX = 4096 };

/* What stands for the number of an attempt where the process is of a callback: its file is run/callback-N.lock. */
#define DM_LEASE_OF_CALLBACK(id) (-(int64_t)(id))

/*
 * Files of attempts that have ended, kept to be renamed for the next ones.  A file made and removed for each attempt would
 * be slow on ext4: it gives no inode out again for minutes, and walks over all of these for every file that anybody
 * makes there.  {0} = none yet.
 */
enum { DM_LEASES_KEPT_MAX = 64 };
struct dm_leases {
    int64_t kept[DM_LEASES_KEPT_MAX]; /* numbers of their attempts */
    size_t n;
};
/* Removes the files; the pool is empty then. */
void dm_leases_clear(struct dm_leases *l, const char *run_dir);

/* Makes the file, or takes a kept one (`l` NULL = none), and locks it: the descriptor is the caller's (closed-on-exec). */
int dm_lease_take(const char *run_dir, int64_t attempt, struct dm_leases *l, int *ret_fd,
                  struct dm_err *reterr) dm_nodiscard;
/* Whether somebody holds it: 1 or 0 (also where there is no file). */
int dm_lease_held(const char *run_dir, int64_t attempt, struct dm_err *reterr) dm_nodiscard;
/*
 * Ends whatever is left of an attempt: kills the process group of `pid` if its leader still is the process that was
 * started at `pid_start`, then every process that has the lock file open, until nobody holds it; removes the file.
 * pid 0 = not known.  DM_E_BUSY names the file where it is still held after `timeout_us`.  1 = somebody was there.
 */
int dm_lease_end(const char *run_dir, int64_t attempt, pid_t pid, uint64_t pid_start,
                 int64_t timeout_us, struct dm_err *reterr) dm_nodiscard;
/* SIGKILL to every process that has the lock file open; they may not have ended yet when this returns. */
void dm_lease_kill(const char *run_dir, int64_t attempt);
/* The attempt has ended: its file is kept, or removed (`l` NULL, or full). */
void dm_lease_remove(const char *run_dir, int64_t attempt, struct dm_leases *l);
/* Removes files that nobody holds: those that a predecessor kept when it died. */
void dm_lease_sweep(const char *run_dir);

/* Start time of a process in clock ticks since boot (/proc/PID/stat), 0 where there is none. */
uint64_t dm_process_start(pid_t pid);

#endif
