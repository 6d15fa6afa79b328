/* Dates in the words of a language, by the patterns of Unicode's locale data: macros.ds_format_locale(). */
#include "lang/template_time.h"

struct locale {
    const char *id;
    int first_day, week_days; /* 0 = Monday; days that the first week of a year has at least */
    const char *months, *months_short, *months_alone, *months_narrow;
    const char *days, *days_short, *days_alone, *days_narrow, *days_two;
    const char *quarters, *quarters_short;
    const char *era, *era_short, *era_narrow;
    const char *half, *half_short, *half_narrow; /* of the day */
    const char *zone, *zone_short, *zone_distance;
    const char *full, *longer, *medium, *shorter;
};

static const struct locale locales[] = {
#define DM_LOCALE(...) {__VA_ARGS__},
#define DM_LOCALE_ALIAS(id, of, first_day, week_days)
#include "lang/locales.def"
#undef DM_LOCALE
#undef DM_LOCALE_ALIAS
};

static const struct {
    const char *id, *of;
    int first_day, week_days;
} aliases[] = {
#define DM_LOCALE(...)
#define DM_LOCALE_ALIAS(id, of, first_day, week_days) {id, of, first_day, week_days},
#include "lang/locales.def"
#undef DM_LOCALE
#undef DM_LOCALE_ALIAS
};

static const struct locale *by_id(const char *id)
{
    for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++)
        if (strcmp(locales[i].id, id) == 0)
            return &locales[i];
    return NULL;
}

static int find_locale(struct dm_eval *e, struct dm_str id, struct locale *ret)
{
    const struct locale *l = by_id(dm_str_cstr(e->a, id));
    if (l) {
        *ret = *l;
        return 0;
    }
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (!dm_str_is(id, aliases[i].id))
            continue;
        *ret = *by_id(aliases[i].of);
        ret->first_day = aliases[i].first_day;
        ret->week_days = aliases[i].week_days;
        return 0;
    }
    bool letters = true;
    for (size_t i = 0; i < id.len; i++)
        letters &= (id.p[i] | 32) >= 'a' && (id.p[i] | 32) <= 'z';
    int code =
        dm_eval_fail(e, letters ? DM_TE_OTHER : DM_TE_VALUE, "unknown locale '%.*s'", DM_FMT(id));
    dm_err_hint(e->err, "Known are en_US, en_GB, de_DE, fr_FR, es_ES, it_IT, pt_BR and nl_NL, and "
                        "these languages without their country.");
    return code;
}

/* The i-th of "a|b|c". */
static void add_word(struct dm_strbuf *b, const char *words, int i)
{
    struct dm_str rest = dm_str_c(words), word = {0};
    for (; i >= 0; i--)
        dm_str_split(&rest, '|', &word);
    dm_strbuf_addstr(b, word);
}

static void add_number(struct dm_strbuf *b, int64_t n, size_t width)
{
    dm_strbuf_addf(b, "%0*lld", (int)width, (long long)n);
}

struct day {
    const struct locale *locale;
    struct dm_civil civil;
    int weekday; /* 0 = Monday */
};

/* Which week of its year or month a day is in; 0 = still the last one of that before. */
static int week_number(const struct day *d, int day_of_period, int weekday)
{
    int first = ((weekday - d->locale->first_day - day_of_period + 1) % 7 + 7) % 7;
    return (day_of_period + first - 1) / 7 + (7 - first >= d->locale->week_days);
}

static int week_of_year(const struct day *d)
{
    int year = d->civil.year, week = week_number(d, dm_day_of_year(&d->civil), d->weekday);
    if (week == 0) {
        struct dm_civil last = {.year = year - 1, .month = 12, .day = 31};
        return week_number(d, dm_day_of_year(&last), dm_weekday_monday(&last));
    }
    if (week > 52) {
        struct dm_civil next = {.year = year + 1, .month = 1, .day = 1};
        int weekday = dm_weekday_monday(&next);
        int back = ((weekday - d->locale->first_day) % 7 + 7) % 7;
        if (week_number(d, 1, weekday) == 1 && 32 - back <= d->civil.day)
            return 1;
    }
    return week;
}

static void add_year(struct dm_strbuf *b, const struct day *d, char field, size_t n)
{
    int year = d->civil.year;
    if (field == 'Y') {
        int week = week_of_year(d);
        if (d->civil.month == 1 && d->civil.day < 7 && week >= 52)
            year--;
        else if (d->civil.month == 12 && d->civil.day > 25 && week <= 2)
            year++;
    }
    if (n == 2)
        year %= 100;
    add_number(b, year, n);
}

static void add_weekday(struct dm_strbuf *b, const struct day *d, char field, size_t n)
{
    const struct locale *l = d->locale;
    if (n < 3 && field != 'E') {
        add_number(b, (7 - l->first_day + d->weekday) % 7 + 1, n);
        return;
    }
    const char *words = n <= 3   ? field == 'c' ? l->days_alone : l->days_short
                        : n == 4 ? l->days
                        : n == 5 ? l->days_narrow
                                 : l->days_two;
    add_word(b, words, d->weekday);
}

static void add_month(struct dm_strbuf *b, const struct day *d, char field, size_t n)
{
    const struct locale *l = d->locale;
    if (n < 3)
        add_number(b, d->civil.month, n);
    else
        add_word(b,
                 n == 3   ? field == 'L' ? l->months_alone : l->months_short
                 : n == 4 ? l->months
                          : l->months_narrow,
                 d->civil.month - 1);
}

static void add_quarter(struct dm_strbuf *b, const struct day *d, size_t n)
{
    int quarter = (d->civil.month - 1) / 3;
    if (n == 3 || n == 4)
        add_word(b, n == 3 ? d->locale->quarters_short : d->locale->quarters, quarter);
    else
        add_number(b, quarter + 1, n == 2 ? 2 : 1);
}

/* The clock is one of UTC: a day in a text has no zone. */
static void add_zone(struct dm_strbuf *b, const struct day *d, char field, size_t n)
{
    const struct locale *l = d->locale;
    if (field == 'X' || (field == 'Z' && n == 5))
        dm_strbuf_addc(b, 'Z');
    else if (field == 'x')
        dm_strbuf_adds(b, n == 1 ? "+00" : n == 2 || n == 4 ? "+0000" : "+00:00");
    else if (field == 'Z' && n < 4)
        dm_strbuf_adds(b, "+0000");
    else if (field == 'Z' || field == 'O')
        dm_strbuf_adds(b, n == 1 ? "None" : l->zone_distance);
    else
        dm_strbuf_adds(b, n == 4 ? l->zone : l->zone_short);
}

static int64_t round_even(double f)
{
    return (int64_t)__builtin_rint(f);
}

/* One field: `n` times its letter. */
static int add_field(struct dm_eval *e, const struct day *d, char field, size_t n,
                     struct dm_strbuf *b)
{
    const struct locale *l = d->locale;
    const struct dm_civil *c = &d->civil;
    double scale = 1;
    switch (field) {
    case 'G':
        dm_strbuf_adds(b, n < 4 ? l->era_short : n == 4 ? l->era : l->era_narrow);
        break;
    case 'y':
    case 'Y':
    case 'u':
        add_year(b, d, field, n);
        break;
    case 'Q':
    case 'q':
        add_quarter(b, d, n);
        break;
    case 'M':
    case 'L':
        add_month(b, d, field, n);
        break;
    case 'w':
        add_number(b, week_of_year(d), n);
        break;
    case 'W':
        add_number(b, week_number(d, c->day, d->weekday), 1);
        break;
    case 'd':
        add_number(b, c->day, n);
        break;
    case 'D':
        add_number(b, dm_day_of_year(c), n);
        break;
    case 'F':
        add_number(b, (c->day - 1) / 7 + 1, 1);
        break;
    case 'E':
    case 'e':
    case 'c':
        add_weekday(b, d, field, n);
        break;
    case 'a':
        add_word(b, n < 4 ? l->half_short : n == 4 ? l->half : l->half_narrow, c->hour >= 12);
        break;
    case 'h':
        add_number(b, c->hour % 12 ? c->hour % 12 : 12, n);
        break;
    case 'H':
        add_number(b, c->hour, n);
        break;
    case 'K':
        add_number(b, c->hour % 12, n);
        break;
    case 'k':
        add_number(b, c->hour ? c->hour : 24, n);
        break;
    case 'm':
        add_number(b, c->minute, n);
        break;
    case 's':
        add_number(b, c->second, n);
        break;
    case 'S':
        for (size_t i = 0; i < n && i < 18; i++)
            scale *= 10;
        add_number(b, round_even(c->usec / 1e6 * scale), n);
        break;
    case 'A':
        add_number(
            b, c->usec / 1000 + c->second * 1000 + c->minute * 60000 + c->hour * INT64_C(3600000),
            n);
        break;
    case 'z':
    case 'Z':
    case 'O':
    case 'v':
    case 'x':
    case 'X':
        add_zone(b, d, field, n);
        break;
    default:
        return dm_eval_fail(e, DM_TE_KEY, "ds_format_locale() cannot write the field '%c'", field);
    }
    return 0;
}

/* The lengths that a field may have, as digits; NULL = any, "" = not a field. */
static const char *lengths_of(char c)
{
    static const char *const table[] = {
        "G12345", "Q12345", "q12345",  "M12345",  "L12345", "w12",    "W1",     "d12",
        "D123",   "F1",     "E123456", "e123456", "c13456", "a12345", "b12345", "B12345",
        "h12",    "H12",    "K12",     "k12",     "m12",    "s12",    "z1234",  "Z12345",
        "O14",    "v14",    "V1234",   "x12345",  "X12345"};
    if (c && strchr("yYuSAg", c))
        return NULL;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i][0] == c)
            return table[i] + 1;
    return "";
}

static int add_pattern(struct dm_eval *e, const struct day *d, struct dm_str pattern,
                       struct dm_strbuf *b)
{
    bool quoted = false;
    for (size_t i = 0; i < pattern.len;) {
        char c = pattern.p[i];
        const char *lengths = lengths_of(c);
        size_t n = 1;
        if (c == '\'') {
            bool twice = i + 1 < pattern.len && pattern.p[i + 1] == '\'';
            if (twice)
                dm_strbuf_addc(b, '\'');
            else
                quoted = !quoted;
            i += 1 + twice;
            continue;
        }
        if (quoted || (lengths && !*lengths)) {
            dm_strbuf_addc(b, c);
            i++;
            continue;
        }
        while (i + n < pattern.len && pattern.p[i + n] == c)
            n++;
        if (n > 1000 || (lengths && (n > 9 || !strchr(lengths, (int)('0' + n)))))
            return dm_eval_fail(e, DM_TE_VALUE, "Invalid length for field: '%.*s'", (int)n,
                                pattern.p + i);
        DM_TRY(add_field(e, d, c, n, b));
        i += n;
    }
    return 0;
}

int dm_format_locale(struct dm_eval *e, const struct dm_value *v, struct dm_str pattern,
                     struct dm_str id, struct dm_strbuf *b)
{
    struct locale locale;
    struct dm_shown t;
    DM_TRY(find_locale(e, id, &locale));
    DM_TRY(dm_shown(e, v, &t));
    if (!t.naive && t.offset != 0)
        return dm_eval_fail(e, DM_TE_VALUE, "ds_format_locale() wants a day without a time zone");
    const struct {
        const char *name, *pattern;
    } named[] = {{"full", locale.full},
                 {"long", locale.longer},
                 {"medium", locale.medium},
                 {"short", locale.shorter}};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (dm_str_is(pattern, named[i].name))
            pattern = dm_str_c(named[i].pattern);
    struct day day = {&locale, t.civil, dm_weekday_monday(&t.civil)};
    return add_pattern(e, &day, pattern, b);
}
