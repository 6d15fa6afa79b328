/*
 * The size of an attempt's log.
 *
 * The log is the standard output of the task and of everything that it starts: a file that all of them append to, and
 * that anybody reads meanwhile.  So no pipe is in between, which would die with its reader and cost every byte a copy;
 * instead the file is looked at ten times a second, and one that has grown too large loses its middle: the beginning
 * stays, then a line that says how much is left out, then the end.  Who writes notices nothing (O_APPEND).  The file
 * is larger than its limit for as long as it takes to look again.
 */
#ifndef DM_LOG_CAP_H
#define DM_LOG_CAP_H

#include "base/str.h"

#define DM_LOG_BYTES_DEFAULT ((int64_t)64 << 20) /* logs.max_bytes */
enum { DM_LOG_LOOK_MS = 100 };

struct dm_log_cap {
    int fd;           /* -1 = nothing to look after */
    int64_t max;      /* bytes */
    int64_t head;     /* where the beginning that is kept ends; 0 = nothing was left out yet */
    int64_t mark;     /* length of the line behind it */
    int64_t left_out; /* bytes */
};

/* Looks after the file behind `fd`, which stays the caller's.  What is no regular file opened to append is left alone. */
void dm_log_cap_init(struct dm_log_cap *c, int fd, int64_t max);
/* Shortens the file where it is too large.  A failure changes nothing but that. */
void dm_log_cap_look(struct dm_log_cap *c);

#endif
