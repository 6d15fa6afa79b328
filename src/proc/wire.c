/* Frames: the codec.  Bytes in, frames out. */
#include "proc/wire.h"

enum { HEADER = 5 }; /* length and kind; the length counts the kind */

static bool known(uint8_t kind)
{
    switch (kind) {
#define DM_WIRE(name, letter, doc) case letter:
#include "proc/wire.def"
#undef DM_WIRE
        return true;
    default:
        return false;
    }
}

void dm_frame_encode(struct dm_strbuf *b, enum dm_wire_kind kind, struct dm_str body)
{
    uint32_t n = (uint32_t)(body.len + 1);
    unsigned char header[HEADER] = {n >> 24 & 0xff, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff,
                                    (unsigned char)kind};
    /* A frame that does not fit whole must not leave half of itself. */
    size_t before = b->len;
    dm_strbuf_add(b, header, HEADER);
    dm_strbuf_addstr(b, body);
    if (b->full)
        dm_strbuf_truncate(b, before);
}

int dm_frame_decode(struct dm_str bytes, struct dm_frame *ret, size_t *ret_used,
                    struct dm_err *reterr)
{
    if (bytes.len < HEADER)
        return 0;
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (n == 0)
        return dm_err_set(reterr, DM_E_DATA, "a message of length 0");
    if (n + HEADER - 1 > DM_BUF_FRAME)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "a message of %zu bytes is larger than %zu (DM_BUF_FRAME)", n,
                          DM_BUF_FRAME);
    if (!known(p[4]))
        return dm_err_set(reterr, DM_E_DATA, "a message of unknown kind 0x%02x", p[4]);
    if (bytes.len < n + HEADER - 1)
        return 0;
    ret->kind = (enum dm_wire_kind)p[4];
    ret->body = dm_str_n(bytes.p + HEADER, n - 1);
    *ret_used = n + HEADER - 1;
    return 1;
}
