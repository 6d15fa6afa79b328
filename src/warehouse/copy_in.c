/* COPY FROM STDIN: the client's bytes through the reader and the parsers into the engine. */
#include "warehouse/bulk.h"
#include "warehouse/copy_read.h"
#include "warehouse/parse.h"
#include "warehouse/session_parts.h"

struct column {
    const char *name;
    const struct dm_type *type;
    const char *declared; /* "character varying(10)", for messages */
    int64_t limit;        /* characters; 0 = none */
    bool is_char;         /* of fixed length */
    bool force_null, force_not_null;
    bool not_null; /* told here, because the engine looks at thousands of rows at once */
};

struct load {
    struct dm_session *session;
    const struct dm_statement *st;
    struct dm_arena arena; /* of the load */
    struct dm_arena row;   /* values that need memory; reset now and then */
    struct dm_copy_reader reader;
    struct dm_bulk *bulk;
    struct column *cols;
    bool header_done;
    int failed_col; /* where the error lies, or -1 */
    bool in_engine; /* it is about a row that went before, no matter where we read */
};

static int load_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
    dm_printf(3, 4);
static int load_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, DM_E_DATA, fmt, ap);
    va_end(ap);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "%s", sqlstate);
    return DM_E_DATA;
}

static bool listed(const char *const *names, const char *name)
{
    for (size_t i = 0; names && names[i]; i++)
        if (strcmp(names[i], "*") == 0 || strcmp(names[i], name) == 0)
            return true;
    return false;
}

static int open_columns(struct load *l, struct dm_err *reterr)
{
    const struct dm_copy_options *o = &l->st->copy;
    struct dm_column_type *declared;
    size_t n_declared;
    DM_TRY(dm_rewrite_columns(l->session->rewriter, &l->arena, o->table, &declared, &n_declared,
                              reterr));
    l->cols = dm_arena_array(&l->arena, struct column, l->bulk->n_cols + 1);
    for (size_t i = 0; i < l->bulk->n_cols; i++) {
        struct column *c = &l->cols[i];
        c->name = l->bulk->cols[i].name;
        c->type = l->bulk->cols[i].type;
        c->force_null = listed(o->force_null, c->name);
        c->force_not_null = listed(o->force_not_null, c->name);
        for (size_t j = 0; j < n_declared; j++)
            if (strcmp(declared[j].name, c->name) == 0) {
                c->declared = declared[j].type;
                c->limit = declared[j].limit;
                c->not_null = declared[j].not_null;
                c->is_char = dm_str_starts(dm_str_c(c->declared), DM_STR("character(")) ||
                             strcmp(c->declared, "character") == 0;
            }
    }
    return 0;
}

/* varchar(n): too many characters are an error, but for blanks at the end, which are cut. */
static int enforce_limit(const struct column *c, struct dm_cell *cell, struct dm_err *reterr)
{
    struct dm_str s = cell->bytes;
    if ((int64_t)s.len <= c->limit)
        return 0;
    int64_t chars = 0;
    size_t cut = s.len;
    for (size_t i = 0; i < s.len; i++) {
        if (((unsigned char)s.p[i] & 0xc0) == 0x80)
            continue;
        if (chars++ == c->limit)
            cut = i;
    }
    for (size_t i = cut; i < s.len; i++)
        if (s.p[i] != ' ')
            return load_error(reterr, "22001", "value too long for type %s", c->declared);
    cell->bytes.len = cut;
    return 0;
}

static int put_field(struct load *l, size_t i, struct dm_copy_field *f, struct dm_err *reterr)
{
    const struct column *c = &l->cols[i];
    struct dm_cell cell = {0};
    if (f->null && c->force_not_null)
        f->null = false;
    else if (f->quoted && c->force_null)
        f->null = dm_str_eq(f->text, l->reader.null_text);
    if (f->null)
        cell.null = true;
    else if (l->st->copy.binary)
        DM_TRY(dm_parse_binary(&l->row, c->type, 0, f->text, &cell, reterr));
    else
        DM_TRY(dm_parse_text(&l->row, c->type, f->text, &cell, reterr));
    if (cell.null && c->not_null)
        return load_error(reterr, "23502",
                          "null value in column \"%s\" of relation \"%s\" violates not-null "
                          "constraint",
                          c->name, l->st->table);
    if (c->limit && !cell.null)
        DM_TRY(enforce_limit(c, &cell, reterr));
    dm_bulk_put(l->bulk, i, &cell);
    return 0;
}

static int check_header(struct load *l, struct dm_err *reterr)
{
    const struct dm_copy_reader *r = &l->reader;
    if (r->n_fields != l->bulk->n_cols)
        return load_error(reterr, "22P04",
                          "wrong number of fields in header line: got %zu, expected %zu",
                          r->n_fields, l->bulk->n_cols);
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].null || !dm_str_is(r->fields[i].text, l->cols[i].name))
            return load_error(reterr, "22P04",
                              "column name mismatch in header line field %zu: got \"%.*s\", "
                              "expected \"%s\"",
                              i + 1, DM_FMT(r->fields[i].text), l->cols[i].name);
    return 0;
}

static int put_row(struct load *l, struct dm_err *reterr)
{
    struct dm_copy_reader *r = &l->reader;
    if (l->st->copy.header && !l->header_done) {
        l->header_done = true;
        return l->st->copy.header_match ? check_header(l, reterr) : 0;
    }
    if (l->st->copy.binary && r->n_fields != l->bulk->n_cols)
        return load_error(reterr, "22P04", "row field count is %zu, expected %zu", r->n_fields,
                          l->bulk->n_cols);
    for (size_t i = 0; i < l->bulk->n_cols; i++) {
        if (i >= r->n_fields)
            return load_error(reterr, "22P04", "missing data for column \"%s\"", l->cols[i].name);
        l->failed_col = (int)i;
        DM_TRY(put_field(l, i, &r->fields[i], reterr));
    }
    l->failed_col = -1;
    if (r->n_fields > l->bulk->n_cols)
        return load_error(reterr, "22P04", "extra data after last expected column");
    if (l->row.total)
        dm_arena_reset(&l->row);
    int rc = dm_bulk_end_row(l->bulk, reterr);
    l->in_engine = rc < 0;
    return rc;
}

static int put_rows(struct load *l, struct dm_err *reterr)
{
    int rc;
    while ((rc = dm_copy_next(&l->reader, reterr)) > 0)
        DM_TRY(put_row(l, reterr));
    return rc;
}

static void respond(struct load *l)
{
    struct dm_pgwire_out *out = &l->session->link.out;
    int format = l->st->copy.binary;
    dm_pgwire_begin(out, DM_WIRE_COPY_IN_RESPONSE);
    dm_pgwire_add_u8(out, (unsigned)format);
    dm_pgwire_add_i16(out, (int)l->bulk->n_cols);
    for (size_t i = 0; i < l->bulk->n_cols; i++)
        dm_pgwire_add_i16(out, format);
    dm_pgwire_end(out);
}

/* Reads the client's messages until it says that all was sent. */
static int receive(struct load *l, struct dm_err *reterr)
{
    struct dm_session *s = l->session;
    respond(l);
    if (dm_link_flush(&s->link, reterr) < 0) {
        s->gone = true;
        return DM_E_IO;
    }
    for (;;) {
        struct dm_pgwire_message m;
        int rc = dm_link_next(&s->link, false, &m, reterr);
        if (rc <= 0) {
            s->gone = true;
            return rc < 0 ? rc : dm_err_set(reterr, DM_E_CONNECTION, "the client left during COPY");
        }
        switch (m.letter) {
        case DM_WIRE_COPY_DATA:
            if (l->reader.finished)
                break;
            DM_TRY(dm_copy_feed(&l->reader, dm_pgwire_rest(&m.in), reterr));
            DM_TRY(put_rows(l, reterr));
            break;
        case DM_WIRE_COPY_DONE:
            dm_copy_feed_end(&l->reader);
            return put_rows(l, reterr);
        case DM_WIRE_COPY_FAIL:
            return load_error(reterr, "57014", "COPY from stdin failed: %s", dm_pgwire_cstr(&m.in));
        case DM_WIRE_FLUSH:
        case DM_WIRE_SYNC:
            break;
        default:
            return load_error(reterr, "08P01",
                              "unexpected message type 0x%02X during COPY from stdin",
                              (unsigned char)m.letter);
        }
    }
}

/* "COPY purchase, line 7, column quantity: "many"", as PostgreSQL's context lines. */
static void describe_place(const struct load *l, char *where, size_t size)
{
    const struct dm_copy_reader *r = &l->reader;
    enum { SHOWN = 100 };
    if (!r->line)
        return;
    if (l->in_engine) {
        snprintf(where, size, "COPY %s, line %lld or before", l->st->table, (long long)r->line);
        return;
    }
    int n = snprintf(where, size, "COPY %s, line %lld", l->st->table, (long long)r->line);
    if (l->failed_col < 0 || n < 0 || (size_t)n >= size || (size_t)l->failed_col >= r->n_fields)
        return;
    const struct dm_copy_field *f = &r->fields[l->failed_col];
    n += snprintf(where + n, size - (size_t)n, ", column %s", l->cols[l->failed_col].name);
    if ((size_t)n >= size || l->st->copy.binary)
        return;
    if (f->null) { /* PostgreSQL's words */
        snprintf(where + n, size - (size_t)n, ": null input");
        return;
    }
    snprintf(where + n, size - (size_t)n, ": \"%.*s%s\"",
             (int)(f->text.len > SHOWN ? SHOWN : f->text.len), f->text.p,
             f->text.len > SHOWN ? "..." : "");
}

static int load_all(struct load *l, char *where, size_t where_size, struct dm_err *reterr)
{
    const struct dm_copy_options *o = &l->st->copy;
    DM_TRY(dm_bulk_open(l->session->conn, o->table, o->columns, &l->bulk, reterr));
    DM_TRY(open_columns(l, reterr));
    int rc = receive(l, reterr);
    if (rc < 0) {
        describe_place(l, where, where_size);
        return rc;
    }
    rc = dm_bulk_finish(l->bulk, reterr);
    if (rc < 0) {
        l->in_engine = true;
        describe_place(l, where, where_size);
    }
    return rc;
}

int dm_session_copy_in(struct dm_session *s, const struct dm_statement *st, char *where,
                       size_t where_size, struct dm_err *reterr)
{
    struct load l = {.session = s, .st = st, .failed_col = -1};
    bool own = s->tx == 'I';
    if (own)
        DM_TRY(dm_session_begin(s, true, reterr));
    dm_copy_reader_init(&l.reader, &st->copy);
    int rc = load_all(&l, where, where_size, reterr);
    int64_t n = l.bulk ? l.bulk->n_rows : 0;
    dm_bulk_free(l.bulk);
    dm_copy_reader_release(&l.reader);
    dm_arena_release(&l.row);
    dm_arena_release(&l.arena);
    if (own && rc == 0)
        rc = dm_session_commit(s, reterr);
    else if (own)
        dm_session_rollback(s);
    if (rc < 0)
        return rc;
    char tag[64];
    snprintf(tag, sizeof(tag), "COPY %lld", (long long)n);
    dm_pgwire_command_complete(&s->link.out, tag);
    return 0;
}
