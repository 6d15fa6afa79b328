/* The PostgreSQL wire protocol 3.0: bytes only. */
#include "warehouse/pgwire.h"

#include <endian.h>

/* Building. */

void dm_pgwire_out_init(struct dm_pgwire_out *o, size_t max)
{
    *o = (struct dm_pgwire_out){0};
    dm_strbuf_init(&o->buf, max);
}

void dm_pgwire_out_release(struct dm_pgwire_out *o)
{
    dm_strbuf_release(&o->buf);
}

static void patch_length(struct dm_pgwire_out *o, size_t at, size_t length)
{
    uint32_t be = htobe32((uint32_t)length);
    if (!o->buf.full)
        memcpy(o->buf.p + at, &be, sizeof(be));
}

void dm_pgwire_begin(struct dm_pgwire_out *o, enum dm_pgwire_letter letter)
{
    o->message_at = o->buf.len;
    dm_strbuf_addc(&o->buf, (char)letter);
    dm_pgwire_add_i32(o, 0);
}

void dm_pgwire_end(struct dm_pgwire_out *o)
{
    patch_length(o, o->message_at + 1, o->buf.len - o->message_at - 1);
}

void dm_pgwire_abandon(struct dm_pgwire_out *o)
{
    dm_strbuf_truncate(&o->buf, o->message_at);
    o->buf.full = false;
}

void dm_pgwire_add_u8(struct dm_pgwire_out *o, unsigned v)
{
    dm_strbuf_addc(&o->buf, (char)v);
}

void dm_pgwire_add_i16(struct dm_pgwire_out *o, int v)
{
    uint16_t be = htobe16((uint16_t)v);
    dm_strbuf_add(&o->buf, &be, sizeof(be));
}

void dm_pgwire_add_i32(struct dm_pgwire_out *o, int32_t v)
{
    uint32_t be = htobe32((uint32_t)v);
    dm_strbuf_add(&o->buf, &be, sizeof(be));
}

void dm_pgwire_add_cstr(struct dm_pgwire_out *o, const char *s)
{
    dm_strbuf_add(&o->buf, s, strlen(s) + 1);
}

void dm_pgwire_add_bytes(struct dm_pgwire_out *o, struct dm_str s)
{
    dm_strbuf_addstr(&o->buf, s);
}

void dm_pgwire_cell_begin(struct dm_pgwire_out *o)
{
    o->cell_at = o->buf.len;
    dm_pgwire_add_i32(o, 0);
}

void dm_pgwire_cell_end(struct dm_pgwire_out *o)
{
    patch_length(o, o->cell_at, o->buf.len - o->cell_at - 4);
}

void dm_pgwire_cell_null(struct dm_pgwire_out *o)
{
    dm_pgwire_add_i32(o, -1);
}

/* Whole messages. */

void dm_pgwire_empty(struct dm_pgwire_out *o, enum dm_pgwire_letter letter)
{
    dm_pgwire_begin(o, letter);
    dm_pgwire_end(o);
}

void dm_pgwire_ready(struct dm_pgwire_out *o, char status)
{
    dm_pgwire_begin(o, DM_WIRE_READY);
    dm_pgwire_add_u8(o, (unsigned char)status);
    dm_pgwire_end(o);
}

void dm_pgwire_command_complete(struct dm_pgwire_out *o, const char *tag)
{
    dm_pgwire_begin(o, DM_WIRE_COMMAND_COMPLETE);
    dm_pgwire_add_cstr(o, tag);
    dm_pgwire_end(o);
}

void dm_pgwire_parameter_status(struct dm_pgwire_out *o, const char *name, const char *value)
{
    dm_pgwire_begin(o, DM_WIRE_PARAMETER_STATUS);
    dm_pgwire_add_cstr(o, name);
    dm_pgwire_add_cstr(o, value);
    dm_pgwire_end(o);
}

static void add_field(struct dm_pgwire_out *o, char field, const char *value)
{
    if (!value || !value[0])
        return;
    dm_pgwire_add_u8(o, (unsigned char)field);
    dm_pgwire_add_cstr(o, value);
}

void dm_pgwire_report(struct dm_pgwire_out *o, const char *severity, const struct dm_err *err,
                      const char *where)
{
    bool notice = strcmp(severity, "WARNING") == 0 || strcmp(severity, "NOTICE") == 0;
    char position[16] = "";
    if (err->position > 0)
        snprintf(position, sizeof(position), "%d", err->position);
    dm_pgwire_begin(o, notice ? DM_WIRE_NOTICE : DM_WIRE_ERROR);
    add_field(o, 'S', severity);
    add_field(o, 'V', severity);
    add_field(o, 'C', err->sqlstate[0] ? err->sqlstate : dm_code_sqlstate(err->code));
    add_field(o, 'M', err->message[0] ? err->message : dm_code_text(err->code));
    add_field(o, 'D', err->detail);
    add_field(o, 'H', err->hint);
    add_field(o, 'P', position);
    add_field(o, 'W', where);
    dm_pgwire_add_u8(o, 0);
    dm_pgwire_end(o);
}

/* Reading. */

struct dm_str dm_pgwire_bytes(struct dm_pgwire_in *in, size_t n)
{
    if (in->bad || n > in->len - in->at) {
        in->bad = true;
        return (struct dm_str){"", 0};
    }
    struct dm_str s = {in->p + in->at, n};
    in->at += n;
    return s;
}

struct dm_str dm_pgwire_rest(struct dm_pgwire_in *in)
{
    return dm_pgwire_bytes(in, in->bad ? 0 : in->len - in->at);
}

unsigned dm_pgwire_u8(struct dm_pgwire_in *in)
{
    struct dm_str s = dm_pgwire_bytes(in, 1);
    return s.len ? (unsigned char)s.p[0] : 0;
}

int dm_pgwire_i16(struct dm_pgwire_in *in)
{
    struct dm_str s = dm_pgwire_bytes(in, 2);
    uint16_t be = 0;
    memcpy(&be, s.p, s.len);
    return (int16_t)be16toh(be);
}

int32_t dm_pgwire_i32(struct dm_pgwire_in *in)
{
    struct dm_str s = dm_pgwire_bytes(in, 4);
    uint32_t be = 0;
    memcpy(&be, s.p, s.len);
    return (int32_t)be32toh(be);
}

const char *dm_pgwire_cstr(struct dm_pgwire_in *in)
{
    const char *end = in->bad ? NULL : memchr(in->p + in->at, 0, in->len - in->at);
    if (!end) {
        in->bad = true;
        return "";
    }
    const char *s = in->p + in->at;
    in->at = (size_t)(end - in->p) + 1;
    return s;
}

static int violation(struct dm_err *reterr, const char *what)
{
    dm_err_set(reterr, DM_E_SYNTAX, "%s", what);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "08P01");
    return DM_E_SYNTAX;
}

int dm_pgwire_done(const struct dm_pgwire_in *in, struct dm_err *reterr)
{
    if (in->bad)
        return violation(reterr, "insufficient data left in message");
    if (in->at != in->len)
        return violation(reterr, "invalid message format");
    return 0;
}

int dm_pgwire_cut(struct dm_str bytes, bool startup, struct dm_pgwire_message *ret,
                  size_t *ret_size, struct dm_err *reterr)
{
    size_t head = startup ? 4 : 5;
    if (bytes.len < head)
        return 0;
    uint32_t be;
    memcpy(&be, bytes.p + head - 4, sizeof(be));
    size_t length = be32toh(be);
    if (length < 4 || (startup && length < 8))
        return violation(reterr, "invalid message length");
    if (length > (startup ? DM_WIRE_STARTUP_MAX : DM_WIRE_MESSAGE_MAX)) {
        dm_err_set(reterr, DM_E_LIMIT, "a message is larger than %zu bytes",
                   startup ? DM_WIRE_STARTUP_MAX : DM_WIRE_MESSAGE_MAX);
        return DM_E_LIMIT;
    }
    size_t size = head - 4 + length;
    if (bytes.len < size)
        return 0;
    *ret = (struct dm_pgwire_message){.letter = startup ? 0 : bytes.p[0],
                                      .in = {.p = bytes.p + head, .len = length - 4}};
    *ret_size = size;
    return 1;
}
