/* Dates in templates as text and back: strftime, strptime, and Pendulum's format(). */
#include "lang/template_time.h"
#include "lang/utf8.h"

enum { DM_STRFTIME_WIDTH = 1000 }; /* of one directive; more is cut to it */
#define DIRECTIVES "aAbBcCdDeFfgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%"

/* A number with the padding that a flag (- _ 0) or the directive asks for. */
static void put_number(struct dm_strbuf *b, char flag, int width, char fill, int64_t n)
{
    if (flag == '-')
        dm_strbuf_addf(b, "%lld", (long long)n);
    else if (flag == '_' || (fill == ' ' && flag != '0'))
        dm_strbuf_addf(b, "%*lld", width, (long long)n);
    else
        dm_strbuf_addf(b, "%0*lld", width, (long long)n);
}

static void put_text(struct dm_strbuf *b, const char *text, size_t n)
{
    dm_strbuf_add(b, text, strnlen(text, n));
}

static int directive(struct dm_eval *e, const struct dm_value *v, const struct dm_shown *t,
                     char flag, char d, struct dm_strbuf *b)
{
    const struct dm_civil *c = &t->civil;
    int weekday = dm_weekday_monday(c), yday = dm_day_of_year(c), iso_year;
    int week = dm_iso_week(c, &iso_year), hour12 = c->hour % 12 ? c->hour % 12 : 12;
    const char *month = dm_month_names[c->month - 1], *day = dm_day_names[weekday];
    static const struct {
        char directive;
        const char *format;
    } composed[] = {
        {'c', "%a %b %e %H:%M:%S %Y"},
        {'D', "%m/%d/%y"},
        {'F', "%Y-%m-%d"},
        {'r', "%I:%M:%S %p"},
        {'R', "%H:%M"},
        {'T', "%H:%M:%S"},
        {'x', "%m/%d/%y"},
        {'X', "%H:%M:%S"},
    };
    for (size_t i = 0; i < sizeof(composed) / sizeof(composed[0]); i++)
        if (composed[i].directive == d)
            return dm_strftime(e, v, dm_str_c(composed[i].format), b);
    const struct {
        char directive;
        int width;
        char fill;
        int64_t value;
    } numbers[] = {
        {'Y', 0, '0', c->year},
        {'y', 2, '0', c->year % 100},
        {'C', 2, '0', c->year / 100},
        {'G', 0, '0', iso_year},
        {'g', 2, '0', iso_year % 100},
        {'m', 2, '0', c->month},
        {'d', 2, '0', c->day},
        {'e', 2, ' ', c->day},
        {'j', 3, '0', yday},
        {'H', 2, '0', c->hour},
        {'k', 2, ' ', c->hour},
        {'I', 2, '0', hour12},
        {'l', 2, ' ', hour12},
        {'M', 2, '0', c->minute},
        {'S', 2, '0', c->second},
        {'f', 6, '0', c->usec},
        {'u', 0, '0', weekday + 1},
        {'w', 0, '0', (weekday + 1) % 7},
        {'U', 2, '0', (yday + 6 - (weekday + 1) % 7) / 7},
        {'W', 2, '0', (yday + 6 - weekday) / 7},
        {'V', 2, '0', week},
        {'s', 0, '0', t->local / DM_SEC - (t->local % DM_SEC < 0)},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].directive != d)
            continue;
        put_number(b, flag, numbers[i].width, numbers[i].fill, numbers[i].value);
        return 0;
    }
    switch (d) {
    case 'a':
        put_text(b, day, 3);
        return 0;
    case 'A':
        put_text(b, day, 20);
        return 0;
    case 'b':
    case 'h':
        put_text(b, month, 3);
        return 0;
    case 'B':
        put_text(b, month, 20);
        return 0;
    case 'p':
        dm_strbuf_adds(b, c->hour < 12 ? "AM" : "PM");
        return 0;
    case 'P':
        dm_strbuf_adds(b, c->hour < 12 ? "am" : "pm");
        return 0;
    case 'z':
        if (!t->naive)
            dm_strbuf_adds(b, dm_offset_text(e, t->offset, ""));
        return 0;
    case 'Z':
        dm_strbuf_adds(b, t->abbreviation);
        return 0;
    case 'n':
    case 't':
        dm_strbuf_addc(b, d == 'n' ? '\n' : '\t');
        return 0;
    case '%':
        dm_strbuf_addc(b, '%');
        return 0;
    default:
        return 0;
    }
}

/* A directive as the C library has it: flags, a width, E or O, a letter. */
struct directive {
    char flag; /* - _ 0: how it is filled */
    bool upper, swap;
    int width;
    char modifier;
    char letter; /* 0 = the format ends before it */
};

static size_t read_directive(struct dm_str format, size_t i, struct directive *ret)
{
    *ret = (struct directive){0};
    for (; i < format.len && format.p[i] && strchr("-_0^#", format.p[i]); i++) {
        if (format.p[i] == '#')
            ret->swap = true;
        else if (format.p[i] == '^')
            ret->upper = true;
        else
            ret->flag = format.p[i];
    }
    for (; i < format.len && format.p[i] >= '0' && format.p[i] <= '9'; i++)
        if (ret->width < DM_STRFTIME_WIDTH)
            ret->width = ret->width * 10 + (format.p[i] - '0');
    if (ret->width > DM_STRFTIME_WIDTH)
        ret->width = DM_STRFTIME_WIDTH;
    if (i < format.len && (format.p[i] == 'E' || format.p[i] == 'O'))
        ret->modifier = format.p[i++];
    if (i < format.len)
        ret->letter = format.p[i++];
    return i;
}

static bool is_plain(const struct directive *d)
{
    return !d->flag && !d->upper && !d->swap && !d->width && !d->modifier;
}

/* Some letters take no E, others no O; %f is Python's own and takes nothing at all. */
static bool is_known(const struct directive *d)
{
    if (!d->letter || !strchr(DIRECTIVES, d->letter) || (d->letter == 'f' && !is_plain(d)))
        return false;
    return !d->modifier ||
           !strchr(d->modifier == 'E' ? "aAbBdDeFgGhHIjklmMSUVwW" : "aAcDFxXY", d->letter);
}

/* Wider than it is: with zeros where it is a number, else with blanks. */
static void pad(struct dm_strbuf *b, const struct directive *d, bool number, struct dm_str piece)
{
    char fill = d->flag == '0' || (number && d->flag != '_' && d->flag != '-') ? '0' : ' ';
    for (size_t n = piece.len; n < (size_t)d->width; n++)
        dm_strbuf_addc(b, fill);
    for (size_t i = 0; i < piece.len; i++) {
        char ch = piece.p[i];
        bool lower = d->swap && (d->letter == 'Z' || d->letter == 'p') && ch >= 'A' && ch <= 'Z';
        bool upper = (d->upper || (d->swap && d->letter && strchr("aAbBh", d->letter))) &&
                     ch >= 'a' && ch <= 'z';
        dm_strbuf_addc(b, lower ? (char)(ch + 32) : upper ? (char)(ch - 32) : ch);
    }
}

/* A zone with flags is the C library's: its own UTC, each part as wide as is said. */
static void put_zone(struct dm_strbuf *b, const struct directive *d, const struct dm_shown *t)
{
    if (d->letter == 'Z') {
        pad(b, d, false, t->naive ? DM_STR("") : DM_STR("UTC"));
        return;
    }
    if (t->naive)
        return;
    pad(b, d, false, DM_STR("+"));
    pad(b, d, true,
        d->flag == '-'   ? DM_STR("0")
        : d->flag == '_' ? DM_STR("   0")
                         : DM_STR("0000"));
}

/* `format` is the directive's own text. */
static int put_directive(struct dm_eval *e, const struct dm_value *v, const struct dm_shown *t,
                         const struct directive *d, struct dm_str format, struct dm_strbuf *b)
{
    if (!is_known(d)) { /* stays as it is written, in the width that it asks for */
        pad(b, &(struct directive){.flag = d->flag, .upper = d->upper, .width = d->width}, false,
            format);
        return 0;
    }
    if (is_plain(d))
        return directive(e, v, t, '\0', d->letter, b);
    if (d->letter == 'z' || d->letter == 'Z') {
        put_zone(b, d, t);
        return 0;
    }
    _cleanup_strbuf_ struct dm_strbuf piece;
    dm_strbuf_init(&piece, DM_BUF_MESSAGE);
    DM_TRY(directive(e, v, t, d->flag, d->letter, &piece));
    pad(b, d, strchr("YyCGgmdjHIMSuwUWV", d->letter) != NULL, dm_strbuf_str(&piece));
    return 0;
}

int dm_strftime(struct dm_eval *e, const struct dm_value *v, struct dm_str format,
                struct dm_strbuf *b)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, v, &t));
    for (size_t i = 0; i < format.len;) {
        struct directive d;
        if (format.p[i] != '%') {
            dm_strbuf_addc(b, format.p[i++]);
            continue;
        }
        size_t end = read_directive(format, i + 1, &d);
        DM_TRY(put_directive(e, v, &t, &d, dm_str_sub(format, i, end), b));
        i = end;
    }
    return 0;
}

struct parse {
    struct dm_str text;
    size_t at;
    struct dm_civil c;
    int yday, hour12, pm; /* 0, -1 = not given */
    bool has_offset;
    int64_t offset;
};

/* Up to `max` digits whose value lies in a range; fewer where more would leave it. */
static bool take(struct parse *p, int min, int max, int low, int high, int *ret)
{
    int best = -1, value = 0;
    size_t end = p->at;
    for (int n = 1; n <= max && p->at + (size_t)n <= p->text.len; n++) {
        char d = p->text.p[p->at + (size_t)n - 1];
        if (d < '0' || d > '9')
            break;
        value = value * 10 + (d - '0');
        if (n >= min && value >= low && value <= high) {
            best = value;
            end = p->at + (size_t)n;
        }
    }
    if (best < 0)
        return false;
    p->at = end;
    *ret = best;
    return true;
}

static bool take_name(struct parse *p, const char *const *names, int count, bool whole, int *ret)
{
    for (int i = 0; i < count; i++) {
        size_t n = whole ? strlen(names[i]) : 3;
        if (p->at + n > p->text.len ||
            !dm_str_ieq(dm_str_sub(p->text, p->at, p->at + n), dm_str_n(names[i], n)))
            continue;
        p->at += n;
        *ret = i;
        return true;
    }
    return false;
}

static bool take_offset(struct parse *p)
{
    if (p->at < p->text.len && p->text.p[p->at] == 'Z') {
        p->at++;
        p->has_offset = true;
        return true;
    }
    int h, m;
    char sign = p->at < p->text.len ? p->text.p[p->at] : '\0';
    if (sign != '+' && sign != '-')
        return false;
    p->at++;
    if (!take(p, 2, 2, 0, 23, &h))
        return false;
    p->at += p->at < p->text.len && p->text.p[p->at] == ':';
    if (!take(p, 2, 2, 0, 59, &m))
        return false;
    p->has_offset = true;
    p->offset = (h * DM_HOUR + m * DM_MIN) * (sign == '-' ? -1 : 1);
    return true;
}

static bool take_fraction(struct parse *p)
{
    int64_t value = 0;
    int n = 0;
    while (n < 6 && p->at < p->text.len && dm_utf8_is_digit((unsigned char)p->text.p[p->at])) {
        value = value * 10 + (p->text.p[p->at++] - '0');
        n++;
    }
    for (int i = n; i < 6; i++)
        value *= 10;
    p->c.usec = (int)value;
    return n > 0;
}

static bool parse_text(struct parse *p, struct dm_str format);

static bool parse_directive(struct parse *p, char d)
{
    int n;
    switch (d) {
    case 'Y':
        return take(p, 4, 4, 1, 9999, &p->c.year);
    case 'y':
        if (!take(p, 2, 2, 0, 99, &n))
            return false;
        p->c.year = n < 69 ? 2000 + n : 1900 + n;
        return true;
    case 'm':
        return take(p, 1, 2, 1, 12, &p->c.month);
    case 'd':
    case 'e':
        return take(p, 1, 2, 1, 31, &p->c.day);
    case 'H':
        return take(p, 1, 2, 0, 23, &p->c.hour);
    case 'I':
        return take(p, 1, 2, 1, 12, &p->hour12);
    case 'M':
        return take(p, 1, 2, 0, 59, &p->c.minute);
    case 'S':
        return take(p, 1, 2, 0, 59, &p->c.second);
    case 'j':
        return take(p, 1, 3, 1, 366, &p->yday);
    case 'f':
        return take_fraction(p);
    case 'z':
        return take_offset(p);
    case 'B':
    case 'b':
        if (!take_name(p, dm_month_names, 12, d == 'B', &n))
            return false;
        p->c.month = n + 1;
        return true;
    case 'A':
    case 'a':
        return take_name(p, dm_day_names, 7, d == 'A', &n);
    case 'p': {
        static const char *const halves[] = {"AM", "PM"};
        return take_name(p, halves, 2, true, &p->pm);
    }
    case 'Z': {
        static const char *const zones[] = {"UTC", "GMT"};
        return take_name(p, zones, 2, true, &n);
    }
    case 'T':
        return parse_text(p, DM_STR("%H:%M:%S"));
    case 'F':
        return parse_text(p, DM_STR("%Y-%m-%d"));
    case '%':
        return p->at < p->text.len && p->text.p[p->at++] == '%';
    default:
        return false;
    }
}

static bool parse_text(struct parse *p, struct dm_str format)
{
    for (size_t i = 0; i < format.len; i++) {
        if (format.p[i] == '%' && i + 1 < format.len) {
            if (!parse_directive(p, format.p[++i]))
                return false;
        } else if (dm_utf8_is_space((unsigned char)format.p[i])) {
            size_t before = p->at;
            while (p->at < p->text.len && dm_utf8_is_space((unsigned char)p->text.p[p->at]))
                p->at++;
            if (p->at == before)
                return false;
        } else if (p->at >= p->text.len || p->text.p[p->at++] != format.p[i]) {
            return false;
        }
    }
    return true;
}

int dm_strptime(struct dm_eval *e, struct dm_str text, struct dm_str format,
                const struct dm_value **ret)
{
    struct parse p = {.text = text, .c = {.year = 1900, .month = 1, .day = 1}, .pm = -1};
    if (!parse_text(&p, format))
        return dm_eval_fail(e, DM_TE_VALUE, "time data '%.*s' does not match format '%.*s'",
                            DM_FMT(text), DM_FMT(format));
    if (p.at < text.len)
        return dm_eval_fail(e, DM_TE_VALUE, "unconverted data remains: %.*s",
                            DM_FMT(dm_str_sub(text, p.at, text.len)));
    if (p.hour12)
        p.c.hour = p.hour12 % 12 + (p.pm == 1 ? 12 : 0);
    if (p.yday) {
        p.c.month = 1;
        p.c.day = 1;
    }
    if (!dm_civil_valid(&p.c))
        return dm_eval_fail(e, DM_TE_VALUE, "day is out of range for month");
    int64_t us = dm_us_from_civil(&p.c) + (p.yday ? (p.yday - 1) * DM_DAY : 0);
    const char *zone = p.has_offset && p.offset ? dm_offset_text(e, p.offset, ":") : NULL;
    struct dm_value *v = dm_value_time(e->a, us - p.offset, zone);
    v->time.naive = !p.has_offset;
    v->time.plain = true;
    *ret = v;
    return 0;
}

static const char *ordinal(int64_t n)
{
    int64_t last = n % 10, tens = n % 100 / 10;
    return tens == 1 ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}

/* Tokens of Pendulum, longer ones first.  Those that it knows but has no meaning for (EE, ww) stay as they are. */
static const char *const tokens[] = {
    "YYYY",      "YY",       "Y",       "Qo",     "Q",     "MMMM", "MMM",  "MM",  "Mo", "M",
    "DDDD",      "DDDo",     "DDD",     "DD",     "Do",    "D",    "dddd", "ddd", "dd", "do",
    "d",         "EEEE",     "EEE",     "EE",     "E",     "eo",   "e",    "wo",  "ww", "HH",
    "H",         "hh",       "h",       "mm",     "m",     "ss",   "s",    "A",   "X",  "x",
    "ZZ",        "Z",        "zz",      "z",      "LTS",   "LT",   "LLLL", "LLL", "LL", "L",
    "SSSSSSSSS", "SSSSSSSS", "SSSSSSS", "SSSSSS", "SSSSS", "SSSS", "SSS",  "SS",  "S"};

static int put_token(struct dm_eval *e, const struct dm_value *v, const struct dm_shown *t,
                     const char *token, struct dm_strbuf *b)
{
    const struct dm_civil *c = &t->civil;
    size_t n = strlen(token);
    int weekday = dm_weekday_monday(c), iso_year, hour12 = c->hour % 12 ? c->hour % 12 : 12;
    int quarter = (c->month - 1) / 3 + 1;
    static const char *const locale[] = {"MM/DD/YYYY", "MMMM D, YYYY", "MMMM D, YYYY h:mm A",
                                         "dddd, MMMM D, YYYY h:mm A"};
    static const char divisor_digits[] = "SSSSSS";
    bool suffix = n > 1 && token[n - 1] == 'o';
    int64_t number = -1;
    int width = 0;
    if (v->kind == DM_DATE && strchr("HhmsSAaXxZz", token[0]))
        return dm_eval_fail(e, DM_TE_ATTRIBUTE, "'Date' object has no time of day for '%s'", token);
    switch (token[0]) {
    case 'Y':
        number = n == 2 ? c->year % 100 : c->year;
        width = n == 2 ? 2 : 0;
        break;
    case 'Q':
        number = quarter;
        break;
    case 'M':
        if (n >= 3)
            put_text(b, dm_month_names[c->month - 1], n == 3 ? 3 : 20);
        else
            number = c->month, width = n == 2 && !suffix ? 2 : 0;
        break;
    case 'D':
        number = n >= 3 ? dm_day_of_year(c) : c->day;
        width = suffix ? 0 : n == 4 ? 3 : n == 2 ? 2 : 0;
        break;
    case 'd':
        if (n >= 2 && !suffix)
            put_text(b, dm_day_names[weekday], n == 2 ? 2 : n == 3 ? 3 : 20);
        else
            number = (weekday + 1) % 7;
        break;
    case 'E':
    case 'w':
        if (n > 1 && !suffix)
            dm_strbuf_adds(b, token);
        else
            number = suffix ? dm_iso_week(c, &iso_year) : weekday + 1;
        break;
    case 'e': /* the week begins on Sunday */
        number = (weekday + 1) % 7 + suffix;
        break;
    case 'H':
    case 'h':
        number = token[0] == 'H' ? c->hour : hour12;
        width = n == 2 ? 2 : 0;
        break;
    case 'm':
    case 's':
        number = token[0] == 'm' ? c->minute : c->second;
        width = n == 2 ? 2 : 0;
        break;
    case 'S':
        if (n > sizeof(divisor_digits) - 1) {
            dm_strbuf_adds(b, token);
            break;
        }
        number = c->usec;
        for (size_t i = n; i < sizeof(divisor_digits) - 1; i++)
            number /= 10;
        width = (int)n;
        break;
    case 'A':
        dm_strbuf_adds(b, c->hour < 12 ? "AM" : "PM");
        break;
    case 'X':
    case 'x':
        dm_strbuf_addf(b, "%lld",
                       (long long)(dm_instant_of(v) / (token[0] == 'X' ? DM_SEC : DM_MS)));
        break;
    case 'Z':
        if (!t->naive)
            dm_strbuf_adds(b, dm_offset_text(e, t->offset, n == 1 ? ":" : ""));
        break;
    case 'z':
        if (!t->naive)
            dm_strbuf_adds(b, n == 2 ? t->abbreviation : v->time.zone ? v->time.zone : "UTC");
        break;
    default:
        if (strcmp(token, "LT") == 0 || strcmp(token, "LTS") == 0)
            return dm_pendulum_format(e, v, dm_str_c(n == 2 ? "h:mm A" : "h:mm:ss A"), b);
        return dm_pendulum_format(e, v, dm_str_c(locale[n - 1]), b);
    }
    if (number >= 0)
        dm_strbuf_addf(b, "%0*lld%s", width ? width : 1, (long long)number,
                       suffix ? ordinal(number) : "");
    return 0;
}

/* Text in brackets is taken as it is: where its last bracket stands before another one opens; 0 = none. */
static size_t quoted(struct dm_str s)
{
    size_t close = 0;
    if (s.p[0] != '[')
        return 0;
    for (size_t i = 1; i < s.len && s.p[i] != '['; i++)
        if (s.p[i] == ']')
            close = i;
    return close;
}

int dm_pendulum_format(struct dm_eval *e, const struct dm_value *v, struct dm_str format,
                       struct dm_strbuf *b)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, v, &t));
    for (size_t i = 0; i < format.len;) {
        struct dm_str rest = dm_str_sub(format, i, format.len);
        size_t close = quoted(rest);
        if (close) {
            dm_strbuf_add(b, rest.p + 1, close - 1);
            i += close + 1;
            continue;
        }
        if (rest.p[0] == '\\' && rest.len > 1 && rest.p[1] != '\n') {
            dm_strbuf_addc(b, rest.p[1]);
            i += 2;
            continue;
        }
        size_t k = 0, count = sizeof(tokens) / sizeof(tokens[0]);
        while (k < count && !dm_str_starts(rest, dm_str_c(tokens[k])))
            k++;
        if (k == count) {
            dm_strbuf_addc(b, rest.p[0]);
            i++;
            continue;
        }
        DM_TRY(put_token(e, v, &t, tokens[k], b));
        i += strlen(tokens[k]);
    }
    return 0;
}
