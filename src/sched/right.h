/*
 * The right to decide: the flock on run/scheduler.lock.  Whoever holds it is the only one that plans, starts children
 * and writes the store.  The file names the holder: "PID COMMAND".
 */
#ifndef DM_RIGHT_H
#define DM_RIGHT_H

#include <stdbool.h>

#include "base/err.h"

struct dm_right {
    int fd;
};

/* Called once when another holds the right, with what its file says ("4711 daymill backfill user_behaviour"). */
struct dm_right_wait {
    void (*waiting)(void *user, const char *holder);
    void *user;
    const volatile int
        *stop; /* set by a signal handler: give up with DM_E_CANCELLED; may be NULL */
};

/* `command` is what the file will say about us.  Waits until it is ours. */
int dm_right_take(const char *run_dir, const char *command, const struct dm_right_wait *wait,
                  struct dm_right *ret, struct dm_err *reterr) dm_nodiscard;
/* 1 with *ret set where nobody has it, else 0. */
int dm_right_try(const char *run_dir, const char *command, struct dm_right *ret,
                 struct dm_err *reterr) dm_nodiscard;
/* Tells who has it; nobody, and nothing is told. */
void dm_right_tell(const char *run_dir, const struct dm_right_wait *wait);
/* Whether a scheduler has it: it takes backfills as requests. */
bool dm_right_is_scheduler(const char *run_dir);
#define DM_RIGHT_SCHEDULER "scheduler" /* its command */
/* Whether another process holds it: 1, with what its file says in `holder`, or 0. */
int dm_right_held(const char *run_dir, char *holder, size_t size,
                  struct dm_err *reterr) dm_nodiscard;
void dm_right_release(struct dm_right *r);
#define _cleanup_right_ DM_CLEANUP(dm_right_release)

#endif
