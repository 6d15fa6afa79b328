/* A session's socket. */
#include "warehouse/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/time.h"

void dm_link_init(struct dm_link *l, int fd)
{
    *l = (struct dm_link){.fd = fd};
    dm_pgwire_out_init(&l->out, DM_WIRE_OUT_MAX);
}

void dm_link_release(struct dm_link *l)
{
    free(l->in);
    dm_pgwire_out_release(&l->out);
}

/* Room for at least `n` bytes behind what is there; what was used up goes first. */
static void make_room(struct dm_link *l, size_t n)
{
    if (l->in_at) {
        memmove(l->in, l->in + l->in_at, l->in_len - l->in_at);
        l->in_len -= l->in_at;
        l->in_at = 0;
    }
    if (l->in_cap - l->in_len >= n)
        return;
    l->in_cap = l->in_cap ? l->in_cap * 2 : DM_LINK_READ_SIZE;
    l->in = dm_realloc(l->in, l->in_cap);
}

/* Until there is something to read, or the peer has gone. */
static int wait_for_input(const struct dm_link *l, struct dm_err *reterr)
{
    while (l->deadline) {
        int64_t left = l->deadline - dm_clock_monotonic();
        if (left <= 0)
            return dm_err_set(reterr, DM_E_TIMEOUT, "the client sent nothing in time");
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        int n = poll(&p, 1, left / DM_MS < INT_MAX ? (int)(left / DM_MS) + 1 : INT_MAX);
        if (n < 0 && errno != EINTR)
            return dm_err_errno(reterr, errno, "could not wait for the client");
        if (n > 0)
            break;
    }
    return 0;
}

int dm_link_next(struct dm_link *l, bool startup, struct dm_pgwire_message *ret,
                 struct dm_err *reterr)
{
    for (;;) {
        size_t size;
        int rc = dm_pgwire_cut(dm_str_n(l->in ? l->in + l->in_at : "", l->in_len - l->in_at),
                               startup, ret, &size, reterr);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            l->in_at += size;
            return 1;
        }
        make_room(l, DM_LINK_READ_SIZE / 2);
        DM_TRY(wait_for_input(l, reterr));
        ssize_t n = recv(l->fd, l->in + l->in_len, l->in_cap - l->in_len, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read from the client");
        l->in_len += (size_t)n;
    }
}

char dm_link_peek(const struct dm_link *l)
{
    return l->in_at < l->in_len ? l->in[l->in_at] : 0;
}

int dm_link_flush(struct dm_link *l, struct dm_err *reterr)
{
    DM_TRY(dm_strbuf_check(&l->out.buf, "a row", reterr));
    for (size_t at = 0; at < l->out.buf.len;) {
        ssize_t n = send(l->fd, l->out.buf.p + at, l->out.buf.len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int sys = errno;
            dm_strbuf_clear(&l->out.buf);
            return dm_err_errno(reterr, sys, "could not write to the client");
        }
        at += (size_t)n;
    }
    dm_strbuf_clear(&l->out.buf);
    return 0;
}

int dm_link_flush_some(struct dm_link *l, struct dm_err *reterr)
{
    if (l->out.buf.full)
        return dm_strbuf_check(&l->out.buf, "a row", reterr);
    return l->out.buf.len >= DM_LINK_FLUSH_AT ? dm_link_flush(l, reterr) : 0;
}
