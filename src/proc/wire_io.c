/* Frames: the child's side, blocking. */
#include <errno.h>
#include <sys/socket.h>

#include "base/file.h"
#include "proc/wire.h"

static int parent_gone(struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_CONNECTION, "the process that started this one is gone");
}

/* Without SIGPIPE: a parent that is gone is an error, not a death. */
static int send_all(int fd, const char *p, size_t n, struct dm_err *reterr)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return parent_gone(reterr);
        if (sent < 0)
            return dm_err_errno(reterr, errno, "could not send a message to the parent");
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

int dm_wire_send(int fd, enum dm_wire_kind kind, struct dm_str body, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_frame_encode(&b, kind, body);
    DM_TRY(dm_strbuf_check(&b, "a message to the parent", reterr));
    return send_all(fd, b.p, b.len, reterr);
}

int dm_wire_send_frames(int fd, struct dm_str frames, struct dm_err *reterr)
{
    return send_all(fd, frames.p, frames.len, reterr);
}

static int receive_all(int fd, char *p, size_t n, struct dm_err *reterr)
{
    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return parent_gone(reterr);
        if (got < 0)
            return dm_err_errno(reterr, errno, "could not receive from the parent");
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

int dm_wire_receive(int fd, struct dm_arena *a, struct dm_frame *ret, struct dm_err *reterr)
{
    enum { HEADER = 5 };
    char header[HEADER + 1] = "";
    size_t used = 0;
    DM_TRY(receive_all(fd, header, HEADER, reterr));
    const unsigned char *h = (const unsigned char *)header;
    size_t rest = ((size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3]) - 1;
    /* Decoding the header alone finds a bad length or kind before anything is allocated. */
    int whole = dm_frame_decode(dm_str_n(header, HEADER), ret, &used, reterr);
    DM_TRY(whole);
    char *bytes = dm_arena_alloc(a, HEADER + rest + 1);
    memcpy(bytes, header, HEADER);
    DM_TRY(receive_all(fd, bytes + HEADER, rest, reterr));
    DM_TRY(dm_frame_decode(dm_str_n(bytes, HEADER + rest), ret, &used, reterr));
    return 0;
}
