/*
 * A claim: a lock file that names its holder ("4711 daymill standalone").  The lock (flock) goes with the process,
 * whatever ends it; the file stays and its text means something only while the lock is held.
 */
#ifndef DM_CLAIM_H
#define DM_CLAIM_H

#include "base/err.h"

/* Takes it, or DM_E_BUSY at once with the holder in the message: "WHAT is held by process 4711 (daymill standalone)".
   The descriptor is the caller's (closed-on-exec); closing it gives the claim back. */
int dm_claim_take(const char *path, const char *what, const char *command, int *ret_fd,
                  struct dm_err *reterr) dm_nodiscard;

#endif
