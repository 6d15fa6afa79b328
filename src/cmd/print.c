/* What commands print: tables, errors, progress. */
#include "cmd/print.h"

#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/time.h"

void dm_table_init(struct dm_table *t, struct dm_arena *a, const char *columns)
{
    *t = (struct dm_table){.arena = a};
    size_t max = strlen(columns) + 1;
    t->cols = dm_arena_array(a, const char *, max);
    t->numeric = dm_arena_array(a, bool, max);
    t->boolean = dm_arena_array(a, bool, max);
    struct dm_str rest = dm_str_c(columns), name;
    while (dm_str_split(&rest, ' ', &name)) {
        if (!name.len)
            continue;
        t->numeric[t->n_cols] = name.p[name.len - 1] == '#';
        t->boolean[t->n_cols] = name.p[name.len - 1] == '?';
        if (t->numeric[t->n_cols] || t->boolean[t->n_cols])
            name.len--;
        t->cols[t->n_cols++] = dm_str_cstr(a, name);
    }
}

void dm_table_add(struct dm_table *t, const char *const *cells)
{
    if (t->n_rows == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        const char ***rows = dm_arena_array(t->arena, const char **, cap);
        if (t->n_rows)
            memcpy(rows, t->rows, t->n_rows * sizeof(*rows));
        t->rows = rows;
        t->cap = cap;
    }
    const char **row = dm_arena_array(t->arena, const char *, t->n_cols);
    for (size_t c = 0; c < t->n_cols; c++)
        row[c] = cells[c] ? dm_arena_strdup(t->arena, cells[c]) : NULL;
    t->rows[t->n_rows++] = row;
}

/* Columns on a terminal that a UTF-8 text takes; wide characters count as one. */
static size_t width(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static void print_padded(FILE *to, const char *cell, size_t wide, bool right, bool last)
{
    size_t n = width(cell);
    size_t pad = wide > n ? wide - n : 0;
    if (right)
        fprintf(to, "%*s%s", (int)pad, "", cell);
    else if (last)
        fputs(cell, to);
    else
        fprintf(to, "%s%*s", cell, (int)pad, "");
}

static void print_aligned(const struct dm_table *t, FILE *to)
{
    size_t *wide = dm_arena_array(t->arena, size_t, t->n_cols + 1);
    for (size_t c = 0; c < t->n_cols; c++) {
        wide[c] = width(t->cols[c]);
        for (size_t r = 0; r < t->n_rows; r++)
            if (t->rows[r][c] && width(t->rows[r][c]) > wide[c])
                wide[c] = width(t->rows[r][c]);
    }
    for (size_t r = 0; r <= t->n_rows; r++) {
        for (size_t c = 0; c < t->n_cols; c++) {
            const char *cell = r == 0 ? t->cols[c] : t->rows[r - 1][c];
            if (c)
                fputs("  ", to);
            print_padded(to, cell ? cell : "", wide[c], t->numeric[c], c + 1 == t->n_cols);
        }
        fputc('\n', to);
    }
}

static void print_csv_cell(FILE *to, const char *cell)
{
    if (!cell)
        return;
    if (*cell && !strpbrk(cell, ",\"\r\n")) {
        fputs(cell, to);
        return;
    }
    fputc('"', to);
    for (; *cell; cell++) {
        if (*cell == '"')
            fputc('"', to);
        fputc(*cell, to);
    }
    fputc('"', to);
}

static void print_csv(const struct dm_table *t, FILE *to)
{
    for (size_t r = 0; r <= t->n_rows; r++) {
        for (size_t c = 0; c < t->n_cols; c++) {
            if (c)
                fputc(',', to);
            print_csv_cell(to, r == 0 ? t->cols[c] : t->rows[r - 1][c]);
        }
        fputc('\n', to);
    }
}

static void print_json(const struct dm_table *t, FILE *to)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, SIZE_MAX / 2);
    dm_strbuf_adds(&b, "[");
    for (size_t r = 0; r < t->n_rows; r++) {
        dm_strbuf_adds(&b, r ? ",\n {" : "{");
        for (size_t c = 0; c < t->n_cols; c++) {
            const char *cell = t->rows[r][c];
            if (c)
                dm_strbuf_adds(&b, ", ");
            dm_strbuf_add_json(&b, dm_str_c(t->cols[c]));
            dm_strbuf_adds(&b, ": ");
            if (!cell)
                dm_strbuf_adds(&b, "null");
            else if (t->boolean[c] || (t->numeric[c] && !strpbrk(cell, "NIni")))
                dm_strbuf_adds(&b, cell); /* NaN and Infinity are no JSON numbers */
            else
                dm_strbuf_add_json(&b, dm_str_c(cell));
        }
        dm_strbuf_addc(&b, '}');
    }
    dm_strbuf_adds(&b, "]\n");
    fwrite(b.p, 1, b.len, to);
}

void dm_table_print(const struct dm_table *t, enum dm_print_form form, FILE *to)
{
    if (form == DM_PRINT_JSON)
        print_json(t, to);
    else if (form == DM_PRINT_CSV)
        print_csv(t, to);
    else
        print_aligned(t, to);
}

void dm_args_print(const struct dm_args *args, const struct dm_table *t)
{
    dm_table_print(t, args->json ? DM_PRINT_JSON : DM_PRINT_ALIGNED, stdout);
}

void dm_print_err(const struct dm_err *err)
{
    struct dm_err shown = *err;
    dm_mask_text(shown.message);
    dm_mask_text(shown.detail);
    dm_mask_text(shown.hint);
    fflush(stdout);
    fprintf(stderr, "daymill: %s\n", shown.message);
    if (shown.file[0] && shown.line > 0 && shown.col > 0)
        fprintf(stderr, "  at %s:%d:%d\n", shown.file, shown.line, shown.col);
    else if (shown.file[0] && shown.line > 0)
        fprintf(stderr, "  at %s:%d\n", shown.file, shown.line);
    else if (shown.file[0])
        fprintf(stderr, "  in %s\n", shown.file);
    if (shown.detail[0])
        fprintf(stderr, "%s\n", shown.detail);
    if (shown.hint[0])
        fprintf(stderr, "hint: %s\n", shown.hint);
}

/* ---- progress ---- */

enum { BAR_WIDTH = 24 };

void dm_progress_begin(struct dm_progress *p, const struct dm_args *args, const char *what,
                       const char *unit, int64_t total)
{
    *p = (struct dm_progress){
        .what = what,
        .unit = unit,
        .total = total,
        .started = dm_clock_monotonic(),
        .terminal = isatty(2),
        .quiet = args->quiet,
    };
    p->last_shown = p->started;
}

static void amount(char *buf, size_t size, int64_t n, const char *unit)
{
    if (strcmp(unit, "bytes") == 0)
        snprintf(buf, size, "%.1f MB", (double)n / 1e6);
    else
        snprintf(buf, size, "%lld %s", (long long)n, unit);
}

static void show(struct dm_progress *p, int64_t now)
{
    char done[48], total[48], rate[48], left[DM_TIME_MAX] = "";
    int64_t elapsed = now - p->started;
    double per_second = elapsed > 0 ? (double)p->done * DM_SEC / (double)elapsed : 0;
    amount(done, sizeof(done), p->done, p->unit);
    amount(total, sizeof(total), p->total, p->unit);
    if (strcmp(p->unit, "bytes") == 0)
        snprintf(rate, sizeof(rate), "%.0f MB/s", per_second / 1e6);
    else
        snprintf(rate, sizeof(rate), "%.1f %s/s", per_second, p->unit);
    if (p->total > 0 && per_second > 0)
        dm_duration_human((int64_t)((double)(p->total - p->done) / per_second * DM_SEC), left);
    if (!p->terminal) {
        fprintf(stderr, "%s: %s%s%s, %s%s%s\n", p->what, done, p->total ? " of " : "",
                p->total ? total : "", rate, *left ? ", left " : "", left);
        return;
    }
    char bar[BAR_WIDTH + 1];
    int filled = p->total > 0 ? (int)(p->done * BAR_WIDTH / p->total) : 0;
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '=', (size_t)(filled > BAR_WIDTH ? BAR_WIDTH : filled));
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %s%s%s  %s%s%s\033[K", p->what, bar, done, p->total ? " of " : "",
            p->total ? total : "", rate, *left ? "  left " : "", left);
    p->drawn = true;
}

void dm_progress_set(struct dm_progress *p, int64_t done)
{
    p->done = done;
    if (p->quiet)
        return;
    int64_t now = dm_clock_monotonic();
    if (now - p->last_shown < (p->terminal ? DM_SEC / 10 : 5 * DM_SEC))
        return;
    p->last_shown = now;
    show(p, now);
}

void dm_progress_hide(struct dm_progress *p)
{
    if (p->drawn)
        fprintf(stderr, "\r\033[K");
    p->drawn = false;
}

void dm_progress_end(struct dm_progress *p)
{
    dm_progress_hide(p);
}

const char *dm_cell_instance(struct dm_arena *a, const char *task_id, int map_index)
{
    return map_index < 0 ? task_id : dm_arena_printf(a, "%s[%d]", task_id, map_index);
}
