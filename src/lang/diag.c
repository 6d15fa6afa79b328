/* Findings of the loader: collecting them with their place in the file, and showing them to people. */
#include "lang/dag_loader.h"

const char *dm_diag_code_name(enum dm_diag_code code)
{
    static const char *const names[] = {
#define DM_DIAG(name, code, doc) code,
#include "lang/diag.def"
#undef DM_DIAG
    };
    return names[code];
}

const char *dm_did_you_mean(struct dm_arena *a, struct dm_str name, const char *const *names)
{
    const char *near = dm_str_nearest(name, names);
    return near ? dm_arena_printf(a, "Did you mean \"%s\"?", near) : NULL;
}

/* Start of a line in a text. */
static size_t line_start(struct dm_str text, uint32_t line)
{
    size_t i = 0;
    for (uint32_t n = 1; n < line; n++) {
        ptrdiff_t end = dm_str_find(text, DM_STR("\n"), i);
        if (end < 0)
            return text.len;
        i = (size_t)end + 1;
    }
    return i;
}

/* Columns count characters. */
static size_t skip_columns(struct dm_str text, size_t i, uint32_t col)
{
    for (uint32_t n = 1; n < col && i < text.len && text.p[i] != '\n'; n++)
        do
            i++;
        while (i < text.len && ((unsigned char)text.p[i] & 0xC0) == 0x80);
    return i;
}

static struct dm_str line_at(struct dm_str text, uint32_t line)
{
    size_t start = line_start(text, line);
    ptrdiff_t end = dm_str_find(text, DM_STR("\n"), start);
    struct dm_str s = dm_str_sub(text, start, end < 0 ? text.len : (size_t)end);
    while (s.len && s.p[s.len - 1] == '\r')
        s.len--;
    return s;
}

/* YAML counts in the text with environment variables put in; people look at the file. */
static void to_file(const struct dm_dag_source *s, uint32_t *line, uint32_t *col)
{
    if (!s->n_expansions || !*line)
        return;
    size_t at = skip_columns(s->expanded, line_start(s->expanded, *line), *col);
    size_t from = at;
    for (size_t i = 0; i < s->n_expansions && s->expansions[i].at <= at; i++) {
        const struct dm_expansion *e = &s->expansions[i];
        from = at < e->at + e->len ? e->from : at - (e->at + e->len) + e->from + e->from_len;
    }
    *line = *col = 1;
    for (size_t i = 0; i < from && i < s->text.len; i++) {
        if (s->text.p[i] == '\n')
            ++*line, *col = 1;
        else if (((unsigned char)s->text.p[i] & 0xC0) != 0x80)
            ++*col;
    }
}

static void add(struct dm_dag_loader *l, struct dm_diag d)
{
    l->n_errors += !d.warning;
    if (l->n_diags > DM_DAG_DIAGS_MAX)
        return;
    if (l->n_diags == DM_DAG_DIAGS_MAX)
        d = (struct dm_diag){
            .file = d.file,
            .code = dm_diag_code_name(DM_DIAG_LIMIT),
            .message = dm_arena_printf(l->out, "more than %d findings; the rest is not listed",
                                       DM_DAG_DIAGS_MAX)};
    if (l->n_diags == l->cap_diags) {
        struct dm_diag *old = l->diags;
        l->cap_diags = l->cap_diags ? l->cap_diags * 2 : 16;
        l->diags = dm_arena_array(l->out, struct dm_diag, l->cap_diags);
        if (l->n_diags)
            memcpy(l->diags, old, l->n_diags * sizeof(*old));
    }
    l->diags[l->n_diags++] = d;
}

/* A line of a file that may not be UTF-8. */
static const char *printable(struct dm_arena *a, struct dm_str line)
{
    char *s = dm_arena_strndup(a, line.p, line.len);
    size_t bad;
    while (!dm_utf8_valid(dm_str_n(s, line.len), &bad))
        s[bad] = '?';
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)s[i] < 0x20 && s[i] != '\t')
            s[i] = '?';
    return s;
}

static void report(struct dm_dag_loader *l, struct dm_diag_at at, bool warning,
                   enum dm_diag_code code, const char *hint, const char *message)
{
    struct dm_diag d = {.warning = warning,
                        .file = dm_arena_strdup(l->out, at.source->file),
                        .dag_id = at.dag_id ? dm_arena_strdup(l->out, at.dag_id) : NULL,
                        .line = at.line,
                        .col = at.col,
                        .code = dm_diag_code_name(code),
                        .message = dm_arena_strdup(l->out, message),
                        .hint = hint && *hint ? dm_arena_strdup(l->out, hint) : NULL};
    to_file(at.source, &d.line, &d.col);
    if (d.line)
        d.source_line = printable(l->out, line_at(at.source->text, d.line));
    add(l, d);
}

void dm_diag_report(struct dm_dag_loader *l, struct dm_diag_at at, bool warning,
                    enum dm_diag_code code, const char *hint, const char *fmt, ...)
{
    char message[DM_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    report(l, at, warning, code, hint, message);
}

void dm_diag_report_err(struct dm_dag_loader *l, struct dm_diag_at at, enum dm_diag_code code,
                        const struct dm_err *err)
{
    if (err->line > 0) {
        at.line = (uint32_t)err->line;
        at.col = (uint32_t)err->col;
    }
    report(l, at, false, code, err->hint, err->message);
}

enum { LINE_SHOWN = 160 }; /* characters of a source line around the caret */

static void show_line(struct dm_strbuf *b, const struct dm_diag *d)
{
    struct dm_str s = dm_str_c(d->source_line);
    size_t caret = skip_columns(s, 0, d->col ? d->col : 1), from = 0;
    if (caret > LINE_SHOWN / 2)
        from = caret - LINE_SHOWN / 2;
    while (from < s.len && from && ((unsigned char)s.p[from] & 0xC0) == 0x80)
        from++;
    size_t to = from + LINE_SHOWN < s.len ? from + LINE_SHOWN : s.len;
    while (to < s.len && ((unsigned char)s.p[to] & 0xC0) == 0x80)
        to++;
    dm_strbuf_addf(b, "%7u | ", d->line);
    for (size_t i = from; i < to; i++) /* a tab would shift the caret */
        dm_strbuf_addc(b, (unsigned char)s.p[i] < 0x20 ? ' ' : s.p[i]);
    dm_strbuf_adds(b, "\n        | ");
    for (size_t i = from; i < caret; i++)
        if (((unsigned char)s.p[i] & 0xC0) != 0x80)
            dm_strbuf_addc(b, ' ');
    dm_strbuf_adds(b, "^\n");
}

void dm_diag_format(struct dm_strbuf *b, const struct dm_diag *d)
{
    dm_strbuf_adds(b, d->file);
    if (d->line)
        dm_strbuf_addf(b, ":%u:%u", d->line, d->col);
    dm_strbuf_addf(b, ": %s: %s\n", d->warning ? "warning" : "error", d->message);
    if (d->line && d->source_line)
        show_line(b, d);
    if (d->hint)
        dm_strbuf_addf(b, "        hint: %s\n", d->hint);
}
