/* dateutil's parser: dates as people write them. */
#include "lang/template_dateutil.h"

struct reading {
    struct dm_str s;
    size_t at;
    struct {
        int64_t value;
        size_t digits;
    } number[3]; /* of the date, in order */
    size_t n;
    int month;                      /* by name; 0 = none */
    size_t month_at;                /* numbers before it */
    int hour, minute, second, usec; /* hour -1 = no time */
    bool has_offset, behind_time;   /* an offset may come now */
    int64_t offset;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static char peek(const struct reading *r, size_t ahead)
{
    return r->at + ahead < r->s.len ? r->s.p[r->at + ahead] : '\0';
}

static int64_t digits(struct reading *r, size_t max, size_t *ret_n)
{
    int64_t value = 0;
    size_t n = 0;
    while (n < max && is_digit(peek(r, 0))) {
        value = value * 10 + (r->s.p[r->at++] - '0');
        n++;
    }
    *ret_n = n;
    return value;
}

static void read_fraction(struct reading *r)
{
    int64_t scale = 100000, usec = 0;
    if ((peek(r, 0) != '.' && peek(r, 0) != ',') || !is_digit(peek(r, 1)))
        return;
    for (r->at++; is_digit(peek(r, 0)); r->at++, scale /= 10)
        usec += (r->s.p[r->at] - '0') * scale;
    r->usec = (int)usec;
}

/* 10:30, 10:30:15.25 after the hour. */
static bool read_time(struct reading *r, int64_t hour)
{
    size_t n;
    r->hour = (int)hour;
    r->at++;
    r->minute = (int)digits(r, 2, &n);
    if (n == 0)
        return false;
    if (peek(r, 0) == ':') {
        r->at++;
        r->second = (int)digits(r, 2, &n);
        read_fraction(r);
    }
    return n > 0;
}

static bool read_offset(struct reading *r)
{
    size_t n;
    int64_t sign = peek(r, 0) == '-' ? -1 : 1, minutes = 0;
    r->at++;
    int64_t hours = digits(r, 2, &n);
    if (n == 0)
        return false;
    r->at += peek(r, 0) == ':';
    minutes = digits(r, 2, &n);
    r->has_offset = true;
    r->offset = sign * (hours * DM_HOUR + minutes * DM_MIN);
    return hours < 24 && minutes < 60;
}

/* A number without separators: 20200519, 20200519103000, and after T 1030, 103000. */
static bool read_packed(struct reading *r, struct dm_str number)
{
    bool date = r->n == 0 && !r->month && (number.len == 8 || number.len == 12 || number.len == 14);
    if (!date && (r->hour >= 0 || r->n < 3 || (number.len != 4 && number.len != 6)))
        return false;
    struct reading part = {.s = number};
    size_t n;
    if (date) {
        static const size_t widths[] = {4, 2, 2};
        for (r->n = 0; r->n < 3; r->n++) {
            r->number[r->n].value = digits(&part, widths[r->n], &n);
            r->number[r->n].digits = n;
        }
    }
    if (part.at < number.len) {
        r->hour = (int)digits(&part, 2, &n);
        r->minute = (int)digits(&part, 2, &n);
        r->second = (int)digits(&part, 2, &n);
    }
    return true;
}

static bool half_of_day(struct reading *r, bool *ret_pm)
{
    size_t at = r->at;
    while (at < r->s.len && r->s.p[at] == ' ')
        at++;
    size_t end = at;
    while (end < r->s.len && is_letter(r->s.p[end]))
        end++;
    struct dm_str word = dm_str_sub(r->s, at, end);
    *ret_pm = dm_str_ieq(word, DM_STR("pm")) || dm_str_ieq(word, DM_STR("p"));
    if (!*ret_pm && !dm_str_ieq(word, DM_STR("am")) && !dm_str_ieq(word, DM_STR("a")))
        return false;
    r->at = end;
    return true;
}

static bool read_number(struct reading *r)
{
    size_t from = r->at, n;
    int64_t value = digits(r, 15, &n);
    bool pm;
    struct dm_str number = dm_str_sub(r->s, from, r->at);
    if (n > 14)
        return false;
    if (peek(r, 0) == ':' && r->hour < 0) {
        if (n > 2 || !read_time(r, value))
            return false;
    } else if (read_packed(r, number)) {
        read_fraction(r);
        return true;
    } else if (r->hour < 0 && r->n == 3 && n <= 2) { /* an hour alone behind the day */
        r->hour = (int)value;
    } else if (r->hour >= 0 || !half_of_day(r, &pm)) {
        if (r->n == 3)
            return false;
        r->number[r->n].value = value;
        r->number[r->n++].digits = n;
        return true;
    } else {
        r->hour = (int)value;
        r->at = from + n; /* read again below */
    }
    if (half_of_day(r, &pm)) {
        if (r->hour < 1 || r->hour > 12)
            return false;
        r->hour = r->hour % 12 + (pm ? 12 : 0);
    }
    return true;
}

/* How many letters of the word a name of the list has, from three on, or all; its index or -1. */
static int name_of(struct dm_str word, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        struct dm_str name = dm_str_c(names[i]);
        if (dm_str_ieq(word, name) || (word.len == 3 && dm_str_ieq(word, dm_str_sub(name, 0, 3))))
            return i;
    }
    return dm_str_ieq(word, DM_STR("sept")) && n == 12 ? 8 : -1;
}

static bool read_word(struct reading *r)
{
    static const char *const ignored[] = {"t",  "st", "nd",  "rd", "th", "of",
                                          "at", "on", "and", "m",  "ad"};
    size_t from = r->at;
    while (is_letter(peek(r, 0)))
        r->at++;
    struct dm_str word = dm_str_sub(r->s, from, r->at);
    int month = name_of(word, dm_month_names, 12);
    if (month >= 0 && !r->month) {
        r->month = month + 1;
        r->month_at = r->n;
        return true;
    }
    if (name_of(word, dm_day_names, 7) >= 0)
        return true;
    if (dm_str_ieq(word, DM_STR("utc")) || dm_str_ieq(word, DM_STR("gmt")) ||
        dm_str_ieq(word, DM_STR("z"))) {
        r->has_offset = true;
        return true;
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        if (dm_str_ieq(word, dm_str_c(ignored[i])))
            return true;
    return false;
}

static bool read_all(struct reading *r)
{
    while (r->at < r->s.len) {
        char c = peek(r, 0);
        bool ok = true;
        size_t numbers = r->n;
        if (is_digit(c))
            ok = read_number(r);
        else if (is_letter(c))
            ok = read_word(r);
        else if ((c == '+' || c == '-') && r->behind_time && !r->has_offset)
            ok = read_offset(r);
        else if (c && strchr(" -/.,;'\t", c))
            r->at++;
        else
            ok = false;
        if (!ok)
            return false;
        r->behind_time = r->hour >= 0 && (is_digit(c) ? r->n == numbers || r->n == numbers + 3
                                                      : r->behind_time && !is_letter(c));
    }
    return r->n > 0 || r->month || r->hour >= 0;
}

/* Which number is the year, the month and the day; indices, -1 = none. */
static void resolve(const struct reading *r, bool day_first, bool year_first, int *year, int *month,
                    int *day)
{
    int first[3] = {0, 1, 2};
    bool big[3] = {false};
    *year = *month = *day = -1;
    for (size_t i = 0; i < r->n; i++)
        big[i] = r->number[i].value > 31 || r->number[i].digits > 2;
    if (r->month) {
        bool year_leads =
            r->n > 0 && (big[0] || (r->n == 2 && r->month_at == 1 && year_first && !big[1]) ||
                         (r->n == 2 && r->month_at == 2 && !big[1]));
        *year = r->n == 2 ? first[!year_leads] : r->n == 1 && year_leads ? 0 : -1;
        *day = r->n == 2 ? first[year_leads] : r->n == 1 && !year_leads ? 0 : -1;
    } else if (r->n == 3) {
        bool year_leads = big[0] || (year_first && r->number[1].value <= 12 && !big[2]);
        bool day_leads =
            !year_leads && (r->number[0].value > 12 || (day_first && r->number[1].value <= 12));
        *year = year_leads ? 0 : 2;
        *month = year_leads ? (day_first && r->number[2].value <= 12 ? 2 : 1) : day_leads;
        *day = 3 - *year - *month;
    } else if (r->n == 2) {
        bool swap = !big[0] && !big[1] && day_first && r->number[1].value <= 12;
        *year = big[0] ? 0 : big[1] ? 1 : -1;
        *month = big[0] || swap ? 1 : 0;
        *day = *year < 0 ? 1 - *month : -1;
    } else if (r->n == 1) {
        *(big[0] ? year : day) = 0;
    }
}

/* Two digits mean the year within 50 years of the run. */
static int64_t full_year(int64_t year, size_t digits, int now)
{
    if (digits > 2 || year >= 100)
        return year;
    year += now / 100 * 100;
    return year >= now + 50 ? year - 100 : year < now - 50 ? year + 100 : year;
}

int dm_parse_date_text(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct reading r = {.hour = -1};
    bool day_first, year_first;
    int year, month, day;
    DM_TRY(dm_param_str(e, c, 0, "", &r.s));
    DM_TRY(dm_param_bool(e, c, 1, false, &day_first));
    DM_TRY(dm_param_bool(e, c, 2, false, &year_first));
    if (!read_all(&r))
        return dm_eval_fail(e, DM_TE_VALUE, "Unknown string format: %.*s", DM_FMT(r.s));
    struct dm_civil today = dm_civil_from_us(e->c->now), d = {.year = today.year};
    resolve(&r, day_first, year_first, &year, &month, &day);
    int64_t y =
        year < 0 ? today.year : full_year(r.number[year].value, r.number[year].digits, today.year);
    int64_t m = r.month ? r.month : month < 0 ? today.month : r.number[month].value;
    int64_t n = day < 0 ? today.day : r.number[day].value;
    if (y < 1 || y > 9999 || m < 1 || m > 12 || n < 1 || n > 31)
        return dm_eval_fail(e, DM_TE_VALUE, "a part of the date is out of range: %.*s",
                            DM_FMT(r.s));
    d.year = (int)y;
    d.month = (int)m;
    int days = dm_month_days(d.year, d.month);
    d.day = day < 0 && n > days ? days : (int)n;
    d.hour = r.hour < 0 ? 0 : r.hour;
    d.minute = r.minute;
    d.second = r.second;
    d.usec = r.usec;
    if (!dm_civil_valid(&d))
        return dm_eval_fail(e, DM_TE_VALUE, "day is out of range for month: %.*s", DM_FMT(r.s));
    const char *zone = r.offset ? dm_offset_text(e, r.offset, ":") : NULL;
    struct dm_value *v = dm_value_time(e->a, dm_us_from_civil(&d) - r.offset, zone);
    v->time.plain = true;
    v->time.naive = !r.has_offset;
    *ret = v;
    return 0;
}
