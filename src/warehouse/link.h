/*
 * A session's socket: messages in, bytes out, both buffered.  The only place of a session that reads or writes a
 * descriptor.
 */
#ifndef DM_LINK_H
#define DM_LINK_H

#include "warehouse/pgwire.h"

/* What is written at once; a row larger than that grows the buffer. */
enum { DM_LINK_FLUSH_AT = 64 << 10, DM_LINK_READ_SIZE = 64 << 10 };

struct dm_link {
    int fd;
    int64_t deadline; /* of reads, dm_clock_monotonic(); 0 = none.  DM_E_TIMEOUT where it passes. */
    char *in;
    size_t in_at, in_len, in_cap;
    struct dm_pgwire_out out;
};

void dm_link_init(struct dm_link *l, int fd); /* the descriptor stays the caller's */
void dm_link_release(struct dm_link *l);
/* 1 and the next message (it lives until the next call), 0 where the peer has gone, or an error. */
int dm_link_next(struct dm_link *l, bool startup, struct dm_pgwire_message *ret,
                 struct dm_err *reterr) dm_nodiscard;
/* The letter of the next message where its first byte has arrived already, else 0. */
char dm_link_peek(const struct dm_link *l);
int dm_link_flush(struct dm_link *l, struct dm_err *reterr) dm_nodiscard;
/* Flushes where enough has gathered; fails where a message passed its maximum. */
int dm_link_flush_some(struct dm_link *l, struct dm_err *reterr) dm_nodiscard;

#endif
