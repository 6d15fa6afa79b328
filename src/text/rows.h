/* What a scan of a stretch of bytes finds: rows in input order, and what stood in the way. */
#ifndef DM_TEXT_ROWS_H
#define DM_TEXT_ROWS_H

#include "text/bytes.h"

#include <stdbool.h>

#define DM_TEXT_NULL UINT32_MAX

struct dm_text_row {
    uint32_t cid_len; /* DM_TEXT_NULL = no cid */
    uint32_t positive;
};

/* Why a record is no row (rfc4180). */
enum dm_text_reason {
    DM_TEXT_FIELD_COUNT,
    DM_TEXT_UNTERMINATED_QUOTE,
    DM_TEXT_TEXT_AFTER_QUOTE,
    DM_TEXT_FIELD_TOO_LONG,
};

/* "text after a closing quote" */
const char *dm_text_reason_text(enum dm_text_reason reason);

struct dm_text_reject {
    size_t at, len; /* the record in the scanned bytes */
    uint64_t line;  /* line breaks before it in the scanned bytes */
    uint32_t fields;
    enum dm_text_reason reason;
};

struct dm_text_rows {
    struct dm_text_row *items;
    size_t n, cap;
    struct dm_text_bytes cids; /* one after another, valid UTF-8 */
    struct dm_text_reject *rejects;
    size_t n_rejects, cap_rejects;
    uint64_t positive, null_cids, invalid_utf8;
    uint64_t lines;       /* line breaks in what was consumed */
    int code;             /* negative: the row behind the last one fails the whole job */
    uint64_t failed_line; /* line breaks before that row */
};

static inline struct dm_text_row *dm_text_rows_add(struct dm_text_rows *r)
{
    if (r->n == r->cap) {
        r->cap = r->cap * 2 + 256;
        r->items = (struct dm_text_row *)dm_text_realloc(r->items, r->cap * sizeof(*r->items));
    }
    return &r->items[r->n++];
}

void dm_text_rows_clear(struct dm_text_rows *r);
void dm_text_rows_release(struct dm_text_rows *r);
/* Adds one row.  The cid is repaired where it is no valid UTF-8; NULL where it is empty. */
void dm_text_rows_put(struct dm_text_rows *r, const uint8_t *cid, size_t cid_len, bool positive);
void dm_text_rows_reject(struct dm_text_rows *r, struct dm_text_reject reject);

#endif
