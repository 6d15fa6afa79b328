/*
 * Dates, times and intervals in text.
 *
 * A text is cut into words: runs of what belongs together ("12/1/2010", "8:26", "Jan", "+02:00").  Each word fills
 * fields of `struct fields`; what they mean together is decided at the end.
 */
#include "warehouse/datetime.h"

#include <ctype.h>
#include <math.h>

#include "base/time.h"

#define INFINITE_DATE INT32_MAX
#define INFINITE_TIMESTAMP INT64_MAX

enum { UNSET = -1, YEAR_MAX = 294276 };

struct fields {
    int year, month, day;
    bool bc;
    int64_t time; /* microseconds, or UNSET */
    int half;     /* 0 none, 1 AM, 2 PM */
    bool has_zone;
    int zone; /* seconds east */
    int infinite;
};

enum outcome { FINE, NO_DATE, OUT_OF_RANGE, OUT_OF_RANGE_HINT };

struct scan {
    const char *p, *end;
};

static int fail(enum outcome o, const char *what, struct dm_str text, struct dm_err *reterr)
{
    if (o == NO_DATE)
        dm_err_set(reterr, DM_E_DATA, "invalid input syntax for type %s: \"%.*s\"", what,
                   DM_FMT(text));
    else
        dm_err_set(reterr, DM_E_DATA, "date/time field value out of range: \"%.*s\"", DM_FMT(text));
    if (o == OUT_OF_RANGE_HINT)
        dm_err_hint(reterr, "Perhaps you need a different \"datestyle\" setting.");
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), o == NO_DATE ? "22007" : "22008");
    return DM_E_DATA;
}

static bool digit_at(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

/* Digits as a number; how many there were.  More than nine are too many for any field. */
static int number(struct scan *s, int *ret)
{
    int n = 0, v = 0;
    for (; digit_at(s); s->p++, n++)
        if (n < 9)
            v = v * 10 + (*s->p - '0');
    *ret = v;
    return n;
}

static struct dm_str letters(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && isalpha((unsigned char)*s->p))
        s->p++;
    return dm_str_n(from, (size_t)(s->p - from));
}

static bool skip(struct scan *s, char c)
{
    if (s->p >= s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* ".25" as microseconds, rounded. */
static int fraction(struct scan *s)
{
    int us = 0, unit = 100000;
    bool up = false;
    for (int n = 0; digit_at(s); s->p++, n++) {
        us += (*s->p - '0') * unit;
        unit /= 10;
        if (n == 6)
            up = *s->p >= '5';
    }
    return us + up;
}

static int month_of(struct dm_str name)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    for (int i = 0; i < 12; i++) {
        struct dm_str full = dm_str_c(months[i]);
        if (dm_str_ieq(name, full) || dm_str_ieq(name, dm_str_sub(full, 0, 3)))
            return i + 1;
    }
    return dm_str_ieq(name, DM_STR("sept")) ? 9 : 0;
}

static bool is_weekday(struct dm_str name)
{
    static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                       "thursday", "friday", "saturday"};
    for (int i = 0; i < 7; i++) {
        struct dm_str full = dm_str_c(days[i]);
        if (dm_str_ieq(name, full) || dm_str_ieq(name, dm_str_sub(full, 0, 3)))
            return true;
    }
    return false;
}

static int two_digit_year(int year, int digits)
{
    if (digits > 2)
        return year;
    return year < 70 ? year + 2000 : year + 1900;
}

/* What follows the first number of a date: "-12-01", "/1/2010", "-Jan-2010". */
static enum outcome date_word(struct scan *s, int first, int first_digits, struct fields *f)
{
    char separator = *s->p++;
    int second = 0, second_digits = 0, third, month = 0;
    if (digit_at(s))
        second_digits = number(s, &second);
    else if (!(month = month_of(letters(s))))
        return NO_DATE;
    if (f->year != UNSET || f->month != UNSET)
        return NO_DATE;
    if (!skip(s, separator)) {
        return NO_DATE;
    }
    int third_digits = number(s, &third);
    if (!third_digits)
        return NO_DATE;
    if (month) {
        bool year_first = first_digits > 2;
        f->year = year_first ? first : two_digit_year(third, third_digits);
        f->month = month;
        f->day = year_first ? third : first;
        return FINE;
    }
    if (first_digits > 2) {
        f->year = first;
        f->month = second;
        f->day = third;
        return FINE;
    }
    if (second_digits > 2)
        return NO_DATE;
    f->month = first;
    f->day = second;
    f->year = two_digit_year(third, third_digits);
    return f->month > 12 ? OUT_OF_RANGE_HINT : FINE;
}

static enum outcome clock_word(struct scan *s, int hour, struct fields *f)
{
    int minute, second = 0, us = 0;
    if (f->time != UNSET)
        return NO_DATE;
    s->p++;
    if (!number(s, &minute))
        return NO_DATE;
    if (skip(s, ':') && !number(s, &second))
        return NO_DATE;
    if (skip(s, '.'))
        us = fraction(s);
    if (hour > 24 || minute > 59 || second > 60)
        return OUT_OF_RANGE;
    f->time = hour * DM_HOUR + minute * DM_MIN + second * DM_SEC + us;
    return f->time > DM_DAY ? OUT_OF_RANGE : FINE;
}

/* "20101201", "082600" behind a T, "1999" beside a month's name. */
static enum outcome digits_word(int v, int digits, bool after_t, struct fields *f)
{
    if (after_t && (digits == 6 || digits == 4)) {
        int hms = digits == 6 ? v : v * 100;
        if (hms / 10000 > 24 || hms / 100 % 100 > 59 || hms % 100 > 60)
            return OUT_OF_RANGE;
        f->time = hms / 10000 * DM_HOUR + hms / 100 % 100 * DM_MIN + hms % 100 * DM_SEC;
        return FINE;
    }
    if (f->year == UNSET && f->month == UNSET && (digits == 8 || digits == 6)) {
        f->year = digits == 8 ? v / 10000 : two_digit_year(v / 10000, 2);
        f->month = v / 100 % 100;
        f->day = v % 100;
        return FINE;
    }
    if (f->day == UNSET && f->month != UNSET && digits <= 2) {
        f->day = v;
        return FINE;
    }
    if (f->day == UNSET && f->month == UNSET && f->year == UNSET && digits <= 2) {
        f->day = v;
        return FINE;
    }
    if (f->year == UNSET && digits <= 6) {
        f->year = two_digit_year(v, digits);
        return FINE;
    }
    return NO_DATE;
}

static enum outcome zone_word(struct scan *s, struct fields *f)
{
    int sign = *s->p++ == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;
    int digits = number(s, &hours);
    if (!digits || digits > 4 || f->has_zone)
        return NO_DATE;
    if (digits > 2) {
        minutes = hours % 100;
        hours /= 100;
    } else if (skip(s, ':')) {
        if (!number(s, &minutes))
            return NO_DATE;
        if (skip(s, ':') && !number(s, &seconds))
            return NO_DATE;
    }
    if (hours > 15 || minutes > 59 || seconds > 59)
        return OUT_OF_RANGE;
    f->has_zone = true;
    f->zone = sign * (hours * 3600 + minutes * 60 + seconds);
    return FINE;
}

static enum outcome name_word(struct scan *s, struct fields *f, bool *after_t)
{
    struct dm_str w = letters(s);
    int month = month_of(w);
    if (month) {
        if (f->month != UNSET)
            return NO_DATE;
        f->month = month;
        skip(s, '.');
        return FINE;
    }
    if (is_weekday(w))
        return FINE;
    if (dm_str_ieq(w, DM_STR("t"))) {
        *after_t = true;
        return digit_at(s) ? FINE : NO_DATE;
    }
    if (dm_str_ieq(w, DM_STR("am")) || dm_str_ieq(w, DM_STR("pm"))) {
        if (f->time == UNSET || f->half)
            return NO_DATE;
        f->half = tolower((unsigned char)w.p[0]) == 'a' ? 1 : 2;
        return FINE;
    }
    if (dm_str_ieq(w, DM_STR("bc")) || dm_str_ieq(w, DM_STR("ad"))) {
        f->bc = tolower((unsigned char)w.p[0]) == 'b';
        return FINE;
    }
    if (dm_str_ieq(w, DM_STR("z")) || dm_str_ieq(w, DM_STR("utc")) ||
        dm_str_ieq(w, DM_STR("gmt"))) {
        f->has_zone = true;
        return FINE;
    }
    if (dm_str_ieq(w, DM_STR("epoch")) && f->year == UNSET) {
        f->year = 1970;
        f->month = f->day = 1;
        return FINE;
    }
    if (dm_str_ieq(w, DM_STR("infinity"))) {
        f->infinite = 1;
        return FINE;
    }
    return NO_DATE;
}

static enum outcome scan_fields(struct dm_str text, struct fields *f)
{
    struct dm_str t = dm_str_trim(text);
    struct scan s = {t.p, t.p + t.len};
    *f = (struct fields){.year = UNSET, .month = UNSET, .day = UNSET, .time = UNSET};
    if (t.len > 0 && t.p[0] == '-' && dm_str_ieq(dm_str_sub(t, 1, t.len), DM_STR("infinity"))) {
        f->infinite = -1;
        return FINE;
    }
    bool after_t = false;
    while (s.p < s.end) {
        enum outcome o;
        char c = *s.p;
        if (isspace((unsigned char)c) || c == ',') {
            s.p++;
            continue;
        }
        if (digit_at(&s)) {
            int v, digits = number(&s, &v);
            char next = s.p < s.end ? *s.p : '\0';
            if (digits > 8)
                return NO_DATE;
            if (next == ':')
                o = clock_word(&s, v, f);
            else if ((next == '-' || next == '/' || next == '.') && f->time == UNSET && !after_t)
                o = date_word(&s, v, digits, f);
            else
                o = digits_word(v, digits, after_t, f);
        } else if (c == '+' || c == '-') {
            o = zone_word(&s, f);
        } else if (isalpha((unsigned char)c)) {
            o = name_word(&s, f, &after_t);
        } else {
            return NO_DATE;
        }
        if (o != FINE)
            return o;
    }
    if (f->half) {
        int64_t hour = f->time / DM_HOUR;
        if (hour > 12)
            return OUT_OF_RANGE;
        if (f->half == 1 && hour == 12)
            f->time -= 12 * DM_HOUR;
        if (f->half == 2 && hour < 12)
            f->time += 12 * DM_HOUR;
    }
    return FINE;
}

/* Days since 1970, of any year of PostgreSQL's. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static enum outcome date_of(const struct fields *f, int64_t *ret_days)
{
    if (f->year == UNSET || f->month == UNSET || f->day == UNSET)
        return NO_DATE;
    if (f->year > YEAR_MAX || (f->year == 0))
        return OUT_OF_RANGE;
    if (f->month < 1 || f->month > 12)
        return OUT_OF_RANGE_HINT;
    int year = f->bc ? 1 - f->year : f->year;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int days = f->month == 2 && leap ? 29 : dm_month_days(2001, f->month);
    if (f->day < 1 || f->day > days)
        return f->day > 31 ? OUT_OF_RANGE_HINT : OUT_OF_RANGE;
    *ret_days = days_of(year, f->month, f->day);
    return FINE;
}

int dm_parse_timestamp(struct dm_str text, bool zoned, int64_t *ret_us, struct dm_err *reterr)
{
    const char *what = zoned ? "timestamp with time zone" : "timestamp";
    struct fields f;
    int64_t days;
    enum outcome o = scan_fields(text, &f);
    if (o == FINE && f.infinite) {
        *ret_us = f.infinite * INFINITE_TIMESTAMP;
        return 0;
    }
    if (o == FINE)
        o = date_of(&f, &days);
    if (o != FINE)
        return fail(o, what, text, reterr);
    *ret_us = days * DM_DAY + (f.time == UNSET ? 0 : f.time) - (zoned ? f.zone * DM_SEC : 0);
    return 0;
}

int dm_parse_date(struct dm_str text, int32_t *ret_days, struct dm_err *reterr)
{
    struct fields f;
    int64_t days;
    enum outcome o = scan_fields(text, &f);
    if (o == FINE && f.infinite) {
        *ret_days = f.infinite * INFINITE_DATE;
        return 0;
    }
    if (o == FINE)
        o = date_of(&f, &days);
    if (o != FINE)
        return fail(o, "date", text, reterr);
    *ret_days = (int32_t)days;
    return 0;
}

int dm_parse_time(struct dm_str text, int64_t *ret_us, int *ret_offset, struct dm_err *reterr)
{
    struct fields f;
    enum outcome o = scan_fields(text, &f);
    if (o == FINE && (f.time == UNSET || f.infinite))
        o = NO_DATE;
    if (o != FINE)
        return fail(o, "time", text, reterr);
    *ret_us = f.time;
    *ret_offset = f.zone;
    return 0;
}

/* Intervals. */

struct interval_sum {
    double months, days, micros;
};

static bool add_unit(struct interval_sum *sum, struct dm_str unit, double n)
{
    static const struct {
        const char *name;
        double months, days, micros;
    } units[] = {
        {"microsecond", 0, 0, 1}, {"us", 0, 0, 1},
        {"usec", 0, 0, 1},        {"millisecond", 0, 0, 1e3},
        {"ms", 0, 0, 1e3},        {"msec", 0, 0, 1e3},
        {"second", 0, 0, 1e6},    {"sec", 0, 0, 1e6},
        {"s", 0, 0, 1e6},         {"minute", 0, 0, 6e7},
        {"min", 0, 0, 6e7},       {"m", 0, 0, 6e7},
        {"hour", 0, 0, 3.6e9},    {"hr", 0, 0, 3.6e9},
        {"h", 0, 0, 3.6e9},       {"day", 0, 1, 0},
        {"d", 0, 1, 0},           {"week", 0, 7, 0},
        {"w", 0, 7, 0},           {"month", 1, 0, 0},
        {"mon", 1, 0, 0},         {"year", 12, 0, 0},
        {"yr", 12, 0, 0},         {"y", 12, 0, 0},
        {"decade", 120, 0, 0},    {"century", 1200, 0, 0},
        {"centurie", 1200, 0, 0}, {"millennium", 12000, 0, 0},
    };
    struct dm_str singular = unit;
    if (unit.len > 2 && tolower((unsigned char)unit.p[unit.len - 1]) == 's')
        singular.len--;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct dm_str name = dm_str_c(units[i].name);
        if (!dm_str_ieq(unit, name) && !dm_str_ieq(singular, name))
            continue;
        /* Parts of a month become days of 30, parts of a day become time. */
        double months = trunc(n * units[i].months);
        double days = n * units[i].days + (n * units[i].months - months) * 30;
        sum->months += months;
        sum->days += trunc(days);
        sum->micros += n * units[i].micros + (days - trunc(days)) * (double)DM_DAY;
        return true;
    }
    return false;
}

static bool decimal(struct scan *s, double *ret)
{
    char buf[64];
    size_t n = 0;
    while (s->p < s->end && n < sizeof(buf) - 1 &&
           (isdigit((unsigned char)*s->p) || *s->p == '.' ||
            ((*s->p == '-' || *s->p == '+') && n == 0)))
        buf[n++] = *s->p++;
    return dm_str_to_f64(dm_str_n(buf, n), ret);
}

/* "04:05:06.7" behind its hours. */
static bool interval_clock(struct scan *s, double hours, bool negative, struct interval_sum *sum)
{
    double minutes, seconds = 0;
    s->p++;
    if (!decimal(s, &minutes))
        return false;
    if (skip(s, ':') && !decimal(s, &seconds))
        return false;
    double micros = fabs(hours) * 3.6e9 + minutes * 6e7 + rint(seconds * 1e6);
    sum->micros += negative ? -micros : micros;
    return true;
}

static bool iso_interval(struct scan *s, struct interval_sum *sum)
{
    bool in_time = false;
    while (s->p < s->end) {
        if (skip(s, 'T') || skip(s, 't')) {
            in_time = true;
            continue;
        }
        double n;
        if (!decimal(s, &n) || s->p == s->end)
            return false;
        struct dm_str unit = dm_str_n(s->p++, 1);
        if (!in_time && dm_str_ieq(unit, DM_STR("m")))
            unit = DM_STR("mon");
        if (!add_unit(sum, unit, n))
            return false;
    }
    return true;
}

static bool interval_words(struct scan *s, struct interval_sum *sum)
{
    bool any = false;
    while (s->p < s->end) {
        if (isspace((unsigned char)*s->p) || *s->p == '@') {
            s->p++;
            continue;
        }
        if (isalpha((unsigned char)*s->p)) {
            if (!dm_str_ieq(letters(s), DM_STR("ago")) || !any)
                return false;
            *sum = (struct interval_sum){-sum->months, -sum->days, -sum->micros};
            continue;
        }
        bool negative = *s->p == '-';
        double n;
        if (!decimal(s, &n))
            return false;
        any = true;
        if (s->p < s->end && *s->p == ':') {
            if (!interval_clock(s, n, negative, sum))
                return false;
            continue;
        }
        if (s->p < s->end && *s->p == '-') { /* years-months */
            int months;
            s->p++;
            if (!number(s, &months))
                return false;
            sum->months += n * 12 + (negative ? -months : months);
            continue;
        }
        while (s->p < s->end && isspace((unsigned char)*s->p))
            s->p++;
        struct dm_str unit = letters(s);
        if (!add_unit(sum, unit.len ? unit : DM_STR("second"), n))
            return false;
    }
    return any;
}

int dm_parse_interval(struct dm_str text, duckdb_interval *ret, struct dm_err *reterr)
{
    struct dm_str t = dm_str_trim(text);
    struct scan s = {t.p, t.p + t.len};
    struct interval_sum sum = {0};
    bool ok = skip(&s, 'P') || skip(&s, 'p') ? t.len > 1 && iso_interval(&s, &sum)
                                             : interval_words(&s, &sum);
    if (!ok)
        return fail(NO_DATE, "interval", text, reterr);
    if (fabs(sum.months) > INT32_MAX || fabs(sum.days) > INT32_MAX || fabs(sum.micros) > 9.2e18) {
        dm_err_set(reterr, DM_E_DATA, "interval field value out of range: \"%.*s\"", DM_FMT(text));
        if (reterr)
            snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "22015");
        return DM_E_DATA;
    }
    *ret = (duckdb_interval){.months = (int32_t)sum.months,
                             .days = (int32_t)sum.days,
                             .micros = (int64_t)rint(sum.micros)};
    return 0;
}
