/*
 * A child that outlives its parent would work beside its successor.  So task-run, step-run and the services of a
 * supervisor end with their parent, with all that they started, even while they are blocked in a library.
 */
#ifndef DM_GUARD_H
#define DM_GUARD_H

#include "base/str.h"

/*
 * From here on the end of the parent ends this process, and its process group where it leads one, within a second:
 * by the parent-death signal and by a thread that watches for the end of file on `fd` (SIGUSR1 is taken for that).
 */
int dm_guard_start(int fd, struct dm_err *reterr) dm_nodiscard;
/* After timeout_us: calls `late` once, in the watching thread, then ends the group as TERM would and this process with
   the status that `late` returns. */
void dm_guard_timeout(int64_t timeout_us, int (*late)(void *user), void *user);
/* From here on the log behind `fd` is kept within `max_bytes` (task/log_cap.h), by the watching thread. */
void dm_guard_log(int fd, int64_t max_bytes);
/* The same once more, now: for the end of the task, when nothing is written any more. */
void dm_guard_log_end(void);

#endif
