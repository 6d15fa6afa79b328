/* COPY's output formats. */
#include "warehouse/copy_write.h"

#include <endian.h>

#include "warehouse/format.h"
#include "warehouse/pgwire.h"

void dm_copy_writer_init(struct dm_copy_writer *w, const struct dm_copy_options *opts,
                         const struct dm_column *cols, size_t n_cols)
{
    *w = (struct dm_copy_writer){.opts = opts, .cols = cols, .n_cols = n_cols};
    dm_strbuf_init(&w->cell, DM_WIRE_OUT_MAX);
    w->forced = dm_calloc(n_cols + 1, sizeof(*w->forced));
    for (size_t i = 0; i < n_cols; i++)
        for (size_t j = 0; opts->force_quote && opts->force_quote[j]; j++)
            w->forced[i] |= strcmp(opts->force_quote[j], "*") == 0 ||
                            strcmp(opts->force_quote[j], cols[i].name) == 0;
}

void dm_copy_writer_release(struct dm_copy_writer *w)
{
    dm_strbuf_release(&w->cell);
    free(w->forced);
}

static bool needs_quotes(const struct dm_copy_writer *w, struct dm_str s)
{
    if (dm_str_is(s, w->opts->null_text) || (w->n_cols == 1 && dm_str_is(s, "\\.")))
        return true;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == w->opts->delimiter || s.p[i] == w->opts->quote || s.p[i] == '\n' ||
            s.p[i] == '\r')
            return true;
    return false;
}

static void add_csv(const struct dm_copy_writer *w, struct dm_str s, bool forced,
                    struct dm_strbuf *out)
{
    if (!forced && !needs_quotes(w, s)) {
        dm_strbuf_addstr(out, s);
        return;
    }
    dm_strbuf_addc(out, w->opts->quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == w->opts->quote || s.p[i] == w->opts->escape)
            dm_strbuf_addc(out, w->opts->escape);
        dm_strbuf_addc(out, s.p[i]);
    }
    dm_strbuf_addc(out, w->opts->quote);
}

static void add_text(const struct dm_copy_writer *w, struct dm_str s, struct dm_strbuf *out)
{
    static const char from[] = "\b\f\n\r\t\v", to[] = "bfnrtv";
    size_t plain = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *known = s.p[i] ? strchr(from, s.p[i]) : NULL;
        char shown = known ? to[known - from] : s.p[i];
        if (!known && s.p[i] != '\\' && s.p[i] != w->opts->delimiter)
            continue;
        if (s.p[i] == w->opts->delimiter)
            shown = s.p[i];
        dm_strbuf_add(out, s.p + plain, i - plain);
        dm_strbuf_addc(out, '\\');
        dm_strbuf_addc(out, shown);
        plain = i + 1;
    }
    if (s.len > plain)
        dm_strbuf_add(out, s.p + plain, s.len - plain);
}

static void add_i32(struct dm_strbuf *out, int32_t v)
{
    uint32_t be = htobe32((uint32_t)v);
    dm_strbuf_add(out, &be, sizeof(be));
}

static void add_i16(struct dm_strbuf *out, int v)
{
    uint16_t be = htobe16((uint16_t)v);
    dm_strbuf_add(out, &be, sizeof(be));
}

void dm_copy_write_start(struct dm_copy_writer *w, struct dm_strbuf *out)
{
    if (w->opts->binary) {
        dm_strbuf_add(out, "PGCOPY\n\377\r\n", 11);
        add_i32(out, 0);
        add_i32(out, 0);
        return;
    }
    if (!w->opts->header)
        return;
    for (size_t i = 0; i < w->n_cols; i++) {
        if (i)
            dm_strbuf_addc(out, w->opts->delimiter);
        if (w->opts->csv)
            add_csv(w, dm_str_c(w->cols[i].name), false, out);
        else
            add_text(w, dm_str_c(w->cols[i].name), out);
    }
    dm_strbuf_addc(out, '\n');
}

static int binary_row(const struct dm_chunk *chunk, size_t n_cols, size_t row,
                      struct dm_strbuf *out, struct dm_err *reterr)
{
    add_i16(out, (int)n_cols);
    for (size_t i = 0; i < n_cols; i++) {
        if (dm_vector_is_null(&chunk->cols[i], row)) {
            add_i32(out, -1);
            continue;
        }
        size_t at = out->len;
        add_i32(out, 0);
        DM_TRY(dm_format_binary(&chunk->cols[i], row, out, reterr));
        if (!out->full) {
            uint32_t be = htobe32((uint32_t)(out->len - at - 4));
            memcpy(out->p + at, &be, sizeof(be));
        }
    }
    return 0;
}

int dm_copy_write_row(struct dm_copy_writer *w, const struct dm_chunk *chunk, size_t row,
                      struct dm_strbuf *out, struct dm_err *reterr)
{
    if (w->opts->binary)
        return binary_row(chunk, w->n_cols, row, out, reterr);
    for (size_t i = 0; i < w->n_cols; i++) {
        if (i)
            dm_strbuf_addc(out, w->opts->delimiter);
        if (dm_vector_is_null(&chunk->cols[i], row)) {
            dm_strbuf_adds(out, w->opts->null_text);
            continue;
        }
        dm_strbuf_clear(&w->cell);
        DM_TRY(dm_format_text(&chunk->cols[i], row, &w->cell, reterr));
        DM_TRY(dm_strbuf_check(&w->cell, "a value", reterr));
        if (w->opts->csv)
            add_csv(w, dm_strbuf_str(&w->cell), w->forced[i], out);
        else
            add_text(w, dm_strbuf_str(&w->cell), out);
    }
    dm_strbuf_addc(out, '\n');
    return 0;
}

void dm_copy_write_end(struct dm_copy_writer *w, struct dm_strbuf *out)
{
    if (w->opts->binary)
        add_i16(out, -1);
}
