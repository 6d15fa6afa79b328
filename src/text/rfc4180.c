/* RFC 4180 records: the exact reader, for headers and for whatever the fast scan does not take. */
#include "text/rfc4180.h"

struct cursor {
    const uint8_t *p, *e;
    bool last;
};

enum ended { AT_COMMA, AT_RECORD_END, NOT_YET };

static void bad(struct dm_rfc4180_record *r, enum dm_text_reason reason)
{
    if (!r->bad)
        r->reason = reason;
    r->bad = true;
}

/* What stands at the cursor, passing it. */
static enum ended pass_end(struct cursor *c)
{
    if (c->p == c->e)
        return c->last ? AT_RECORD_END : NOT_YET;
    return *c->p++ == ',' ? AT_COMMA : AT_RECORD_END;
}

static enum ended plain(struct cursor *c, struct dm_rfc4180_field *f)
{
    f->p = c->p;
    while (c->p < c->e && *c->p != ',' && *c->p != '\n')
        c->p++;
    f->len = (size_t)(c->p - f->p);
    if (c->p < c->e && *c->p == '\n' && f->len && c->p[-1] == '\r')
        f->len--;
    return pass_end(c);
}

static enum ended quoted(struct cursor *c, struct dm_rfc4180_field *f, struct dm_rfc4180_record *r)
{
    f->p = ++c->p;
    for (;; c->p++) {
        if (c->p == c->e) {
            f->len = (size_t)(c->p - f->p);
            bad(r, DM_TEXT_UNTERMINATED_QUOTE);
            return pass_end(c);
        }
        if (*c->p != '"')
            continue;
        if (c->p + 1 == c->e && !c->last)
            return NOT_YET;
        if (c->p + 1 == c->e || c->p[1] != '"')
            break;
        f->doubled = true;
        c->p++;
    }
    f->len = (size_t)(c->p - f->p);
    c->p++;
    if (c->p < c->e && *c->p == '\r') {
        if (c->p + 1 == c->e && !c->last)
            return NOT_YET;
        if (c->p + 1 < c->e && c->p[1] == '\n')
            c->p++;
    }
    if (c->p < c->e && *c->p != ',' && *c->p != '\n') {
        bad(r, DM_TEXT_TEXT_AFTER_QUOTE);
        while (c->p < c->e && *c->p != ',' && *c->p != '\n')
            c->p++;
    }
    return pass_end(c);
}

bool dm_rfc4180_read(const uint8_t *p, size_t n, bool last, struct dm_rfc4180_record *ret)
{
    struct cursor c = {p, p + n, last};
    ret->n = 0;
    ret->bad = false;
    enum ended ended;
    do {
        struct dm_rfc4180_field f = {0};
        ended = c.p < c.e && *c.p == '"' ? quoted(&c, &f, ret) : plain(&c, &f);
        if (ended == NOT_YET)
            return false;
        if (f.len > DM_RFC4180_FIELD_MAX)
            bad(ret, DM_TEXT_FIELD_TOO_LONG);
        if (ret->n == ret->cap) {
            ret->cap = ret->cap * 2 + 16;
            ret->fields = dm_text_realloc(ret->fields, ret->cap * sizeof(*ret->fields));
        }
        ret->fields[ret->n++] = f;
    } while (ended == AT_COMMA);
    ret->len = (size_t)(c.p - p);
    return true;
}

void dm_rfc4180_release(struct dm_rfc4180_record *r)
{
    free(r->fields);
    *r = (struct dm_rfc4180_record){0};
}

void dm_rfc4180_value(const struct dm_rfc4180_field *f, struct dm_text_bytes *out)
{
    if (!f->doubled) {
        dm_text_bytes_add(out, f->p, f->len);
        return;
    }
    for (size_t i = 0; i < f->len; i++) {
        dm_text_bytes_addc(out, f->p[i]);
        if (f->p[i] == '"')
            i++;
    }
}

size_t dm_rfc4180_skip(struct dm_rfc4180_skip *s, const uint8_t *p, size_t n, bool *ret_done)
{
    *ret_done = false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = p[i];
        switch (s->state) {
        case DM_SKIP_QUOTED:
            if (c == '"')
                s->state = DM_SKIP_QUOTE;
            continue;
        case DM_SKIP_QUOTE:
            if (c == '"') {
                s->state = DM_SKIP_QUOTED;
                continue;
            }
            break;
        case DM_SKIP_START:
            if (c == '"') {
                s->state = DM_SKIP_QUOTED;
                continue;
            }
            break;
        case DM_SKIP_PLAIN:
            break;
        }
        if (c == '\n') {
            *ret_done = true;
            return i + 1;
        }
        s->state = c == ',' ? DM_SKIP_START : DM_SKIP_PLAIN;
    }
    return n;
}
