/* Rows found by a scan. */
#include "text/rows.h"
#include "text/utf8.h"

const char *dm_text_reason_text(enum dm_text_reason reason)
{
    switch (reason) {
    case DM_TEXT_FIELD_COUNT:
        return "wrong number of fields";
    case DM_TEXT_UNTERMINATED_QUOTE:
        return "unterminated quote";
    case DM_TEXT_TEXT_AFTER_QUOTE:
        return "text after a closing quote";
    case DM_TEXT_FIELD_TOO_LONG:
        return "field over 16 MiB";
    }
    return "";
}

void dm_text_rows_clear(struct dm_text_rows *r)
{
    r->n = r->n_rejects = r->cids.len = 0;
    r->positive = r->null_cids = r->invalid_utf8 = r->lines = r->failed_line = 0;
    r->code = 0;
}

void dm_text_rows_release(struct dm_text_rows *r)
{
    free(r->items);
    free(r->rejects);
    dm_text_bytes_release(&r->cids);
    *r = (struct dm_text_rows){0};
}

void dm_text_rows_put(struct dm_text_rows *r, const uint8_t *cid, size_t cid_len, bool positive)
{
    size_t before = r->cids.len;
    if (dm_text_utf8_valid(cid, cid_len))
        dm_text_bytes_add(&r->cids, cid, cid_len);
    else
        dm_text_utf8_repair(&r->cids, cid, cid_len);
    struct dm_text_row *row = dm_text_rows_add(r);
    row->cid_len = cid_len ? (uint32_t)(r->cids.len - before) : DM_TEXT_NULL;
    row->positive = positive;
    r->positive += positive;
    r->null_cids += !cid_len;
}

void dm_text_rows_reject(struct dm_text_rows *r, struct dm_text_reject reject)
{
    if (r->n_rejects == r->cap_rejects) {
        r->cap_rejects = r->cap_rejects * 2 + 16;
        r->rejects = dm_text_realloc(r->rejects, r->cap_rejects * sizeof(*r->rejects));
    }
    r->rejects[r->n_rejects++] = reject;
}
