/*
 * Messages between a parent and its task-run or step-run: one socket pair on descriptor 3, frames of
 *   uint32 length (network order, of what follows) | uint8 kind | JSON text
 * at most DM_BUF_FRAME bytes each.  Down goes one ORDER, then replies; up comes what proc/wire.def lists.
 * End of file means that the other side is gone.
 */
#ifndef DM_WIRE_H
#define DM_WIRE_H

#include "base/str.h"

/* Descriptors of a child: the socket, and the lease (proc/lease.h), which every descendant must inherit; a process that
   is to outlive the attempt must be started without it. */
enum { DM_WIRE_FD = 3, DM_LEASE_FD = 4 };

enum dm_wire_kind {
#define DM_WIRE(name, letter, doc) DM_WIRE_##name = letter,
#include "proc/wire.def"
#undef DM_WIRE
};

/* Codec only: bytes in, frames out; fuzzed without a socket. */
struct dm_frame {
    enum dm_wire_kind kind;
    struct dm_str body;
};
void dm_frame_encode(struct dm_strbuf *b, enum dm_wire_kind kind, struct dm_str body);
/* Takes the first whole frame of `bytes`: 1 with *ret (pointing into bytes) and *ret_used, 0 = more is needed,
   or DM_E_DATA / DM_E_LIMIT. */
int dm_frame_decode(struct dm_str bytes, struct dm_frame *ret, size_t *ret_used,
                    struct dm_err *reterr) dm_nodiscard;

/* The child's side, blocking.  A parent that is gone is DM_E_CONNECTION. */
int dm_wire_send(int fd, enum dm_wire_kind kind, struct dm_str body,
                 struct dm_err *reterr) dm_nodiscard;
/* Frames that are encoded already, one after the other. */
int dm_wire_send_frames(int fd, struct dm_str frames, struct dm_err *reterr) dm_nodiscard;
int dm_wire_receive(int fd, struct dm_arena *a, struct dm_frame *ret,
                    struct dm_err *reterr) dm_nodiscard;

#endif
