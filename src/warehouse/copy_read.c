/* COPY's input formats cut into rows. */
#include "warehouse/copy_read.h"

#include <endian.h>

enum scan { COMPLETE, NEED_MORE, BROKEN };

static int bad_copy(struct dm_err *reterr, const char *fmt, ...) dm_printf(2, 3);
static int bad_copy(struct dm_err *reterr, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, DM_E_DATA, fmt, ap);
    va_end(ap);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "22P04");
    return DM_E_DATA;
}

void dm_copy_reader_init(struct dm_copy_reader *r, const struct dm_copy_options *opts)
{
    *r = (struct dm_copy_reader){.opts = opts, .null_text = dm_str_c(opts->null_text)};
    dm_strbuf_init(&r->in, DM_COPY_ROW_MAX * 2);
    dm_strbuf_init(&r->scratch, DM_COPY_ROW_MAX);
}

void dm_copy_reader_release(struct dm_copy_reader *r)
{
    dm_strbuf_release(&r->in);
    dm_strbuf_release(&r->scratch);
    free(r->fields);
    free(r->scratch_at);
}

int dm_copy_feed(struct dm_copy_reader *r, struct dm_str bytes, struct dm_err *reterr)
{
    if (r->at) {
        memmove(r->in.p, r->in.p + r->at, r->in.len - r->at);
        dm_strbuf_truncate(&r->in, r->in.len - r->at);
        r->at = 0;
    }
    dm_strbuf_addstr(&r->in, bytes);
    return dm_strbuf_check(&r->in, "a row of COPY", reterr);
}

void dm_copy_feed_end(struct dm_copy_reader *r)
{
    r->eof = true;
}

/* Fields of the row that is being read.  Text in scratch moves while it grows, so pointers are set at the end. */

static struct dm_copy_field *new_field(struct dm_copy_reader *r, struct dm_err *reterr)
{
    if (r->n_fields == DM_COPY_FIELDS_MAX) {
        dm_err_set(reterr, DM_E_LIMIT, "a row has more than %d fields", DM_COPY_FIELDS_MAX);
        return NULL;
    }
    if (r->n_fields == r->cap_fields) {
        r->cap_fields = r->cap_fields ? r->cap_fields * 2 : 16;
        r->fields = dm_realloc(r->fields, r->cap_fields * sizeof(*r->fields));
        r->scratch_at = dm_realloc(r->scratch_at, r->cap_fields * sizeof(*r->scratch_at));
    }
    r->scratch_at[r->n_fields] = SIZE_MAX;
    r->fields[r->n_fields] = (struct dm_copy_field){0};
    return &r->fields[r->n_fields++];
}

static void settle_fields(struct dm_copy_reader *r)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->scratch_at[i] != SIZE_MAX)
            r->fields[i].text.p = r->scratch.p ? r->scratch.p + r->scratch_at[i] : "";
}

/* The end of a line at `at`: its length, 0 for none, -1 where the next byte must be seen first. */
static int eol_at(struct dm_copy_reader *r, size_t at)
{
    const char *p = r->in.p + at;
    if (*p == '\n')
        return 1;
    if (r->eol == DM_COPY_EOL_CR)
        return 1;
    if (at + 1 == r->in.len)
        return r->eof ? 1 : -1;
    return p[1] == '\n' ? 2 : 1;
}

/* All lines of an input end alike; another kind of end is taken for a mistake, as by PostgreSQL. */
static int check_eol(struct dm_copy_reader *r, size_t at, int length, struct dm_err *reterr)
{
    enum dm_copy_eol kind = length == 2           ? DM_COPY_EOL_CRNL
                            : r->in.p[at] == '\n' ? DM_COPY_EOL_NL
                                                  : DM_COPY_EOL_CR;
    if (r->eol == DM_COPY_EOL_UNKNOWN)
        r->eol = kind;
    if (r->eol == kind)
        return 0;
    const char *word = r->opts->csv ? "unquoted" : "literal";
    const char *what = r->in.p[at] == '\n' ? "newline" : "carriage return";
    bad_copy(reterr, "%s %s found in data", word, what);
    if (r->opts->csv)
        dm_err_hint(reterr, "Use quoted CSV field to represent %s.", what);
    else
        dm_err_hint(reterr, "Use \"\\%c\" to represent %s.", r->in.p[at] == '\n' ? 'n' : 'r', what);
    return DM_E_DATA;
}

/* "\." alone on a line. */
static bool is_end_marker(const struct dm_copy_reader *r, size_t from, size_t to)
{
    return to - from == 2 && r->in.p[from] == '\\' && r->in.p[from + 1] == '.';
}

/* CSV. */

static int csv_row(struct dm_copy_reader *r, struct dm_err *reterr)
{
    const char *p = r->in.p;
    const size_t len = r->in.len, start = r->at;
    const char delimiter = r->opts->delimiter, quote = r->opts->quote, escape = r->opts->escape;
    size_t i = start;
    int64_t lines = 1;
    r->n_fields = 0;
    dm_strbuf_clear(&r->scratch);
    for (;;) { /* one field */
        struct dm_copy_field *f = new_field(r, reterr);
        if (!f)
            return DM_E_LIMIT;
        size_t field = r->n_fields - 1, from = i;
        while (i < len && p[i] != delimiter && p[i] != quote && p[i] != '\n' && p[i] != '\r')
            i++;
        f->text = dm_str_n(p + from, i - from);
        if (i < len && p[i] == quote) {
            f->quoted = true;
            r->scratch_at[field] = r->scratch.len;
            dm_strbuf_add(&r->scratch, p + from, i - from);
        }
        while (i < len && p[i] == quote) { /* a quoted part, and what follows it */
            i++;
            for (;;) {
                size_t run = i;
                while (i < len && p[i] != quote && p[i] != escape) {
                    lines += p[i] == '\n';
                    i++;
                }
                dm_strbuf_add(&r->scratch, p + run, i - run);
                if (i == len)
                    break;
                if (p[i] == escape && i + 1 < len && (p[i + 1] == escape || p[i + 1] == quote)) {
                    dm_strbuf_addc(&r->scratch, p[i + 1]);
                    i += 2;
                } else if (p[i] == escape && i + 1 == len && !r->eof) {
                    return 0;
                } else if (p[i] == quote) {
                    break;
                } else {
                    dm_strbuf_addc(&r->scratch, p[i++]);
                }
            }
            if (i == len) {
                if (!r->eof)
                    return 0;
                r->line += lines;
                return bad_copy(reterr, "unterminated CSV quoted field");
            }
            i++;
            size_t run = i;
            while (i < len && p[i] != delimiter && p[i] != quote && p[i] != '\n' && p[i] != '\r')
                i++;
            dm_strbuf_add(&r->scratch, p + run, i - run);
        }
        if (f->quoted)
            f->text.len = r->scratch.len - r->scratch_at[field];
        else
            f->null = dm_str_eq(f->text, r->null_text);
        if (i < len && p[i] == delimiter) {
            i++;
            continue;
        }
        break;
    }
    int eol = 0;
    if (i < len) {
        eol = eol_at(r, i);
        if (eol < 0)
            return 0;
        r->line += lines;
        DM_TRY(check_eol(r, i, eol, reterr));
    } else if (!r->eof) {
        return 0;
    } else {
        r->line += lines;
    }
    r->at = i + (size_t)eol;
    if (is_end_marker(r, start, i)) {
        r->finished = true;
        return 0;
    }
    DM_TRY(dm_strbuf_check(&r->scratch, "a row of COPY", reterr));
    settle_fields(r);
    return 1;
}

/* Text. */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The character behind a backslash at `i`; the number of bytes that it took. */
static size_t unescape(struct dm_copy_reader *r, size_t i, size_t end)
{
    const char *p = r->in.p;
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *known = p[i] ? strchr(from, p[i]) : NULL;
    if (known) {
        dm_strbuf_addc(&r->scratch, to[known - from]);
        return 1;
    }
    if (p[i] >= '0' && p[i] <= '7') {
        unsigned v = 0;
        size_t n = 0;
        for (; n < 3 && i + n < end && p[i + n] >= '0' && p[i + n] <= '7'; n++)
            v = v * 8 + (unsigned)(p[i + n] - '0');
        dm_strbuf_addc(&r->scratch, (char)v);
        return n;
    }
    if (p[i] == 'x' && i + 1 < end && hex_digit(p[i + 1]) >= 0) {
        int v = hex_digit(p[i + 1]);
        size_t n = 2;
        if (i + 2 < end && hex_digit(p[i + 2]) >= 0) {
            v = v * 16 + hex_digit(p[i + 2]);
            n = 3;
        }
        dm_strbuf_addc(&r->scratch, (char)v);
        return n;
    }
    dm_strbuf_addc(&r->scratch, p[i]);
    return 1;
}

/* Where the line ends that begins at `at`, with `lines` physical lines in it; NEED_MORE where it is not there yet. */
static enum scan text_line(struct dm_copy_reader *r, size_t *ret_end, int *ret_eol,
                           int64_t *ret_lines)
{
    const char *p = r->in.p;
    size_t i = r->at, len = r->in.len;
    *ret_lines = 1;
    for (; i < len; i++) {
        if (p[i] == '\\') {
            if (i + 1 == len)
                break;
            *ret_lines += p[i + 1] == '\n';
            i++;
        } else if (p[i] == '\n' || p[i] == '\r') {
            *ret_eol = eol_at(r, i);
            if (*ret_eol < 0)
                return NEED_MORE;
            *ret_end = i;
            return COMPLETE;
        }
    }
    if (!r->eof)
        return NEED_MORE;
    *ret_end = len;
    *ret_eol = 0;
    return COMPLETE;
}

static int text_row(struct dm_copy_reader *r, struct dm_err *reterr)
{
    size_t end;
    int eol;
    int64_t lines;
    if (text_line(r, &end, &eol, &lines) == NEED_MORE)
        return 0;
    const char *p = r->in.p;
    size_t i = r->at;
    r->line += lines;
    if (eol)
        DM_TRY(check_eol(r, end, eol, reterr));
    r->n_fields = 0;
    dm_strbuf_clear(&r->scratch);
    if (is_end_marker(r, i, end)) {
        r->finished = true;
        r->at = end + (size_t)eol;
        return 0;
    }
    for (;;) {
        struct dm_copy_field *f = new_field(r, reterr);
        if (!f)
            return DM_E_LIMIT;
        size_t field = r->n_fields - 1, from = i;
        bool escaped = false;
        while (i < end && p[i] != r->opts->delimiter) {
            if (p[i] == '\\' && i + 1 < end) {
                escaped = true;
                i++;
            }
            i++;
        }
        f->text = dm_str_n(p + from, i - from);
        f->null = dm_str_eq(f->text, r->null_text);
        if (escaped && !f->null) {
            r->scratch_at[field] = r->scratch.len;
            for (size_t j = from; j < i;) {
                if (p[j] == '\\' && j + 1 < i)
                    j += 1 + unescape(r, j + 1, i);
                else
                    dm_strbuf_addc(&r->scratch, p[j++]);
            }
            f->text.len = r->scratch.len - r->scratch_at[field];
        }
        if (i == end)
            break;
        i++;
    }
    r->at = end + (size_t)eol;
    DM_TRY(dm_strbuf_check(&r->scratch, "a row of COPY", reterr));
    settle_fields(r);
    return 1;
}

/* Binary. */

static int32_t i32_at(const struct dm_copy_reader *r, size_t at)
{
    uint32_t be;
    memcpy(&be, r->in.p + at, sizeof(be));
    return (int32_t)be32toh(be);
}

static int binary_header(struct dm_copy_reader *r, struct dm_err *reterr)
{
    static const char signature[11] = "PGCOPY\n\377\r\n";
    enum { HEADER = 19, CRITICAL_FLAGS = (int)0xffff0000 };
    if (r->in.len - r->at < HEADER)
        return r->eof ? bad_copy(reterr, "COPY file signature not recognized") : 0;
    if (memcmp(r->in.p + r->at, signature, sizeof(signature)) != 0)
        return bad_copy(reterr, "COPY file signature not recognized");
    int32_t flags = i32_at(r, r->at + 11), extension = i32_at(r, r->at + 15);
    if (flags & CRITICAL_FLAGS)
        return bad_copy(reterr, "unrecognized critical flags in COPY file header");
    if (extension < 0)
        return bad_copy(reterr, "invalid COPY file header (missing length)");
    if (r->in.len - r->at - HEADER < (size_t)extension)
        return r->eof ? bad_copy(reterr, "invalid COPY file header (wrong length)") : 0;
    r->at += HEADER + (size_t)extension;
    r->started = true;
    return 1;
}

static int binary_row(struct dm_copy_reader *r, struct dm_err *reterr)
{
    if (!r->started) {
        int rc = binary_header(r, reterr);
        if (rc <= 0)
            return rc;
    }
    size_t at = r->at, left = r->in.len - r->at;
    if (left < 2)
        return r->eof && left ? bad_copy(reterr, "unexpected EOF in COPY data") : 0;
    int n = (int16_t)((unsigned char)r->in.p[at] << 8 | (unsigned char)r->in.p[at + 1]);
    at += 2;
    if (n < 0) {
        r->finished = true;
        r->at = at;
        return 0;
    }
    r->n_fields = 0;
    for (int i = 0; i < n; i++) {
        if (r->in.len - at < 4)
            return r->eof ? bad_copy(reterr, "unexpected EOF in COPY data") : 0;
        int32_t size = i32_at(r, at);
        at += 4;
        if (size < -1)
            return bad_copy(reterr, "invalid field size");
        struct dm_copy_field *f = new_field(r, reterr);
        if (!f)
            return DM_E_LIMIT;
        f->null = size == -1;
        if (f->null)
            continue;
        if (r->in.len - at < (size_t)size)
            return r->eof ? bad_copy(reterr, "unexpected EOF in COPY data") : 0;
        f->text = dm_str_n(r->in.p + at, (size_t)size);
        at += (size_t)size;
    }
    r->at = at;
    r->line++;
    return 1;
}

int dm_copy_next(struct dm_copy_reader *r, struct dm_err *reterr)
{
    if (r->finished || (r->at == r->in.len && !(r->opts->binary && !r->started)))
        return 0;
    if (r->opts->binary)
        return binary_row(r, reterr);
    return r->opts->csv ? csv_row(r, reterr) : text_row(r, reterr);
}
