/* A vendor's CSV before it is loaded: header and dates. */
#include "cmd/load_file.h"

#include <errno.h>

#include "base/file.h"

enum { HEADER_MAX = 64 << 10, DATE_MAX = 32, BLOCK = 256 << 10 };

/* ---- the header ---- */

static int split_header(struct dm_arena *a, struct dm_load_header *h, struct dm_err *reterr)
{
    struct dm_str head = h->text;
    size_t i = dm_str_starts(head, DM_STR("\xEF\xBB\xBF")) ? 3 : 0;
    h->names = dm_arena_array(a, const char *, DM_LOAD_COLUMNS_MAX);
    for (;;) {
        char *name = dm_arena_alloc(a, head.len + 1);
        size_t len = 0;
        bool quoted = i < head.len && head.p[i] == '"';
        for (i += quoted; i < head.len; i++) {
            if (quoted && head.p[i] == '"') {
                if (i + 1 < head.len && head.p[i + 1] == '"') {
                    i++;
                } else {
                    quoted = false;
                    continue;
                }
            } else if (!quoted && (head.p[i] == ',' || head.p[i] == '\r' || head.p[i] == '\n')) {
                break;
            }
            name[len++] = head.p[i];
        }
        if (h->n == DM_LOAD_COLUMNS_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "more than %d columns", DM_LOAD_COLUMNS_MAX);
        h->names[h->n++] = name;
        if (i >= head.len || head.p[i] != ',')
            return 0;
        i++;
    }
}

int dm_load_header_read(struct dm_arena *a, int fd, struct dm_load_header *ret,
                        struct dm_err *reterr)
{
    struct dm_load_header h = {0};
    char *buf = dm_arena_alloc(a, HEADER_MAX);
    ssize_t n = pread(fd, buf, HEADER_MAX, 0);
    if (n < 0)
        return dm_err_errno(reterr, errno, "could not read the file");
    char *end = n ? memchr(buf, '\n', (size_t)n) : NULL;
    if (!end && n == HEADER_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "the header is longer than %d bytes", HEADER_MAX);
    h.text = dm_str_n(buf, end ? (size_t)(end - buf) : (size_t)n);
    DM_TRY(split_header(a, &h, reterr));
    *ret = h;
    return 0;
}

/* ---- the dates ---- */

/* Where the reader of the file stands, and what the dates so far say. */
struct look {
    const struct dm_load_dates *d;
    const char *name;
    char field[DATE_MAX];
    size_t len, column;
    int64_t line, record_line;
    bool quoted, after_header;
    bool month_first;             /* a day above 12 in second place, or a date that fits only so */
    int64_t first_line;           /* of the first date that could be either, or 0 */
    char first[DATE_MAX];         /* that date */
    bool all_inside, any_outside; /* month first: all expected; day first: one that is not */
};

static bool inside(const struct dm_load_dates *d, int year, int month, int day)
{
    int64_t at = dm_days_from_civil(year, month, day) * DM_DAY;
    return at >= d->from && at <= d->to;
}

/* "12/1/2010 8:26" -> 12, 1, 2010. */
static bool slash_date(const char *s, int *ret_first, int *ret_second, int *ret_year)
{
    int part[3] = {0};
    for (int i = 0; i < 3; i++) {
        int digits = 0;
        for (; *s >= '0' && *s <= '9'; s++, digits++)
            part[i] = part[i] * 10 + (*s - '0');
        if (digits < 1 || digits > (i < 2 ? 2 : 4) || (i < 2 && *s++ != '/'))
            return false;
    }
    if (*s && *s != ' ' && *s != 'T')
        return false;
    *ret_first = part[0];
    *ret_second = part[1];
    *ret_year = part[2];
    return true;
}

static int look_at_date(struct look *k, struct dm_err *reterr)
{
    int first, second, year;
    k->field[k->len] = '\0';
    if (!slash_date(k->field, &first, &second, &year) || first < 1 || second < 1 || first == second)
        return 0;
    if (first > 12 && second <= 12) {
        dm_err_set(reterr, DM_E_DATA, "%s, line %lld: \"%s\" is no date: there is no month %d",
                   k->name, (long long)k->record_line, k->field, first);
        dm_err_at(reterr, k->name, (int)k->record_line, 1);
        return dm_err_hint(reterr, "Dates are ISO (2010-12-31) or month first (12/31/2010); this "
                                   "file seems to have the day first.");
    }
    if (second > 12) {
        k->month_first = true;
        return 0;
    }
    if (!k->first_line) {
        k->first_line = k->record_line;
        memcpy(k->first, k->field, k->len + 1);
    }
    if (k->d->from != DM_NEVER && k->d->to != DM_NEVER) {
        k->all_inside &= inside(k->d, year, first, second);
        k->any_outside |= !inside(k->d, year, second, first);
    }
    return 0;
}

static int end_field(struct look *k, struct dm_err *reterr)
{
    bool date = k->after_header && k->column < k->d->n_cols && k->d->is_date[k->column];
    if (date && k->len < DATE_MAX)
        DM_TRY(look_at_date(k, reterr));
    k->len = 0;
    k->column++;
    return 0;
}

/* Quotes only matter for where fields and records end: a doubled one closes and opens again. */
static int look_at_block(struct look *k, const char *p, size_t n, struct dm_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        k->line += c == '\n';
        if (c == '"') {
            k->quoted = !k->quoted;
        } else if (!k->quoted && c == ',') {
            DM_TRY(end_field(k, reterr));
        } else if (!k->quoted && c == '\n') {
            DM_TRY(end_field(k, reterr));
            k->column = 0;
            k->after_header = true;
            k->record_line = k->line;
        } else if (c != '\r' && k->len < DATE_MAX) {
            k->field[k->len++] = c;
        }
    }
    return 0;
}

int dm_load_dates_check(int fd, const char *name, const struct dm_load_dates *d,
                        struct dm_err *reterr)
{
    struct look k = {.d = d, .name = name, .line = 1, .record_line = 1, .all_inside = true};
    _cleanup_free_ char *buf = dm_malloc(BLOCK);
    for (off_t at = 0;;) {
        ssize_t n = pread(fd, buf, BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read %s", name);
        if (n == 0)
            break;
        DM_TRY(look_at_block(&k, buf, (size_t)n, reterr));
        at += n;
    }
    DM_TRY(end_field(&k, reterr)); /* the last line may have no end */
    if (k.month_first || !k.first_line || (k.all_inside && k.any_outside))
        return 0;
    dm_err_set(reterr, DM_E_DATA,
               "%s, line %lld: \"%s\" has two meanings, and no other date tells which", name,
               (long long)k.first_line, k.first);
    dm_err_at(reterr, name, (int)k.first_line, 1);
    return dm_err_hint(reterr,
                       "Is the month or the day first?  Write ISO dates (2010-12-31), or, "
                       "if the month is, \"dates: mdy\" for this file in %s.",
                       d->yaml);
}
