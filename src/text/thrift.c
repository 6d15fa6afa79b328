/* Thrift's compact protocol. */
#include "text/thrift.h"

void dm_thrift_varint(struct dm_text_bytes *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        dm_text_bytes_addc(out, (uint8_t)(v | 0x80));
    dm_text_bytes_addc(out, (uint8_t)v);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

void dm_thrift_field(struct dm_thrift *t, int id, enum dm_thrift_type type)
{
    /* Every id here lies within 15 of the one before: the short form. */
    dm_text_bytes_addc(&t->out, (uint8_t)((id - t->last[t->depth]) << 4 | (int)type));
    t->last[t->depth] = id;
}

void dm_thrift_int(struct dm_thrift *t, int id, enum dm_thrift_type type, int64_t v)
{
    dm_thrift_field(t, id, type);
    dm_thrift_varint(&t->out, zigzag(v));
}

void dm_thrift_bytes(struct dm_thrift *t, int id, const void *p, size_t n)
{
    dm_thrift_field(t, id, DM_THRIFT_BINARY);
    dm_thrift_varint(&t->out, n);
    dm_text_bytes_add(&t->out, p, n);
}

void dm_thrift_string(struct dm_thrift *t, int id, const char *s)
{
    dm_thrift_bytes(t, id, s, strlen(s));
}

void dm_thrift_list(struct dm_thrift *t, int id, enum dm_thrift_type of, size_t n)
{
    dm_thrift_field(t, id, DM_THRIFT_LIST);
    if (n < 15) {
        dm_text_bytes_addc(&t->out, (uint8_t)(n << 4 | of));
    } else {
        dm_text_bytes_addc(&t->out, (uint8_t)(0xF0 | of));
        dm_thrift_varint(&t->out, n);
    }
}

void dm_thrift_element(struct dm_thrift *t, int64_t v)
{
    dm_thrift_varint(&t->out, zigzag(v));
}

void dm_thrift_element_string(struct dm_thrift *t, const char *s)
{
    dm_thrift_varint(&t->out, strlen(s));
    dm_text_bytes_add(&t->out, s, strlen(s));
}

void dm_thrift_open(struct dm_thrift *t, int id)
{
    if (id)
        dm_thrift_field(t, id, DM_THRIFT_STRUCT);
    if (t->depth + 1 == DM_THRIFT_DEPTH_MAX)
        abort();
    t->last[++t->depth] = 0;
}

void dm_thrift_close(struct dm_thrift *t)
{
    dm_text_bytes_addc(&t->out, 0);
    t->depth--;
}
