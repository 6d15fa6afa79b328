/* The header of an RFC 4180 file. */
#include "text/rfc4180_header.h"

enum { BOM_LEN = 3, NAMES_SHOWN = 600 };

static bool named(const struct dm_text_bytes *value, const char *name)
{
    return value->len == strlen(name) && memcmp(value->p, name, value->len) == 0;
}

static int find_columns(const struct dm_rfc4180_record *r, struct dm_text_plan *ret,
                        struct dm_text_err *reterr)
{
    struct dm_text_bytes value = {0}, names = {0};
    size_t cids = 0, reviews = 0;
    struct dm_text_plan plan = {.columns = r->n, .cid = SIZE_MAX, .review = SIZE_MAX};
    for (size_t i = 0; i < r->n; i++) {
        value.len = 0;
        dm_text_bytes_room(&value, 1);
        dm_rfc4180_value(&r->fields[i], &value);
        if (named(&value, "cid")) {
            plan.cid = i;
            cids++;
        } else if (named(&value, "review_str")) {
            plan.review = i;
            reviews++;
        }
        if (names.len < NAMES_SHOWN) {
            dm_text_bytes_add(&names, ", ", i ? 2 : 0);
            dm_text_bytes_add(&names, value.p, value.len < NAMES_SHOWN ? value.len : NAMES_SHOWN);
        }
    }
    int rc = 0;
    const char *missing = !cids ? "cid" : "review_str";
    if (r->n > DM_RFC4180_COLUMNS_MAX)
        rc = dm_text_fail(reterr, DM_TEXT_E_TOO_MANY_COLUMNS,
                          "the header has more than %d columns (DM_RFC4180_COLUMNS_MAX)",
                          DM_RFC4180_COLUMNS_MAX);
    else if (!cids || !reviews)
        rc = dm_text_fail(reterr, DM_TEXT_E_COLUMNS,
                          "the header has no column \"%s\"; its columns are: %.*s", missing,
                          (int)names.len, names.p ? (const char *)names.p : "");
    else if (cids > 1 || reviews > 1)
        rc = dm_text_fail(reterr, DM_TEXT_E_AMBIGUOUS, "the header names the column \"%s\" twice",
                          cids > 1 ? "cid" : "review_str");
    else
        *ret = plan;
    dm_text_bytes_release(&value);
    dm_text_bytes_release(&names);
    return rc;
}

int dm_rfc4180_header(const uint8_t *p, size_t n, bool last, struct dm_text_plan *ret_plan,
                      size_t *ret_used, uint64_t *ret_lines, struct dm_text_err *reterr)
{
    if (n < BOM_LEN && !last)
        return 0;
    size_t bom = n >= BOM_LEN && memcmp(p, "\xEF\xBB\xBF", BOM_LEN) == 0 ? BOM_LEN : 0;
    if (n == bom)
        return last ? dm_text_fail(reterr, DM_TEXT_E_NO_INPUT, "the input is empty: no header") : 0;
    struct dm_rfc4180_record r = {0};
    int rc = 0;
    if (dm_rfc4180_read(p + bom, n - bom, last, &r)) {
        rc = r.bad ? dm_text_fail(reterr, DM_TEXT_E_COLUMNS, "the header is no RFC 4180 record: %s",
                                  dm_text_reason_text(r.reason))
                   : find_columns(&r, ret_plan, reterr);
        *ret_used = bom + r.len;
        *ret_lines = 0;
        for (size_t i = 0; i < *ret_used; i++)
            *ret_lines += p[i] == '\n';
        rc = rc < 0 ? rc : 1;
    } else if (n > DM_RFC4180_RECORD_MAX) {
        rc = dm_text_fail(reterr, DM_TEXT_E_LIMIT,
                          "the header is larger than %zu bytes (DM_RFC4180_RECORD_MAX)",
                          DM_RFC4180_RECORD_MAX);
    }
    dm_rfc4180_release(&r);
    return rc;
}
