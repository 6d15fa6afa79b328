/*
 * A growing run of bytes.  Always padded: DM_TEXT_PAD bytes behind the end may be read (not used), so that
 * vector code need not stop short.  Out of memory aborts, as everywhere in the program.
 */
#ifndef DM_TEXT_BYTES_H
#define DM_TEXT_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DM_TEXT_PAD = 64 };

struct dm_text_bytes {
    uint8_t *p;
    size_t len, cap;
};

static inline void *dm_text_realloc(void *p, size_t size)
{
    void *q = realloc(p, size);
    if (!q)
        abort();
    return q;
}

/* Room for n more bytes at p + len. */
static inline uint8_t *dm_text_bytes_room(struct dm_text_bytes *b, size_t n)
{
    if (b->cap - b->len < n || !b->p) {
        b->cap = (b->len + n) + (b->len + n) / 2 + 256;
        b->p = dm_text_realloc(b->p, b->cap + DM_TEXT_PAD);
        memset(b->p + b->cap, 0, DM_TEXT_PAD);
    }
    return b->p + b->len;
}

static inline void dm_text_bytes_add(struct dm_text_bytes *b, const void *p, size_t n)
{
    uint8_t *to = dm_text_bytes_room(b, n);
    if (n)
        memcpy(to, p, n);
    b->len += n;
}

static inline void dm_text_bytes_addc(struct dm_text_bytes *b, uint8_t c)
{
    *dm_text_bytes_room(b, 1) = c;
    b->len++;
}

/* Forgets the first n bytes. */
static inline void dm_text_bytes_drop(struct dm_text_bytes *b, size_t n)
{
    if (n)
        memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

static inline void dm_text_bytes_release(struct dm_text_bytes *b)
{
    free(b->p);
    *b = (struct dm_text_bytes){0};
}

#endif
