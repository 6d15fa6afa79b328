/* Time arithmetic on the proleptic Gregorian calendar. */
#include "base/time.h"

bool dm_is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int dm_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && dm_is_leap(year) ? 29 : days[month - 1];
}

/* Counts years from 1 March, so that the leap day is the last of its year, and eras of 400 years. */
int64_t dm_days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct dm_civil dm_civil_from_us(int64_t us)
{
    int64_t days = floor_div(us, DM_DAY);
    int64_t rest = us - days * DM_DAY;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct dm_civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / DM_HOUR),
        .minute = (int)(rest / DM_MIN % 60),
        .second = (int)(rest / DM_SEC % 60),
        .usec = (int)(rest % DM_SEC),
    };
}

int64_t dm_us_from_civil(const struct dm_civil *c)
{
    return dm_days_from_civil(c->year, c->month, c->day) * DM_DAY + c->hour * DM_HOUR +
           c->minute * DM_MIN + c->second * DM_SEC + c->usec;
}

int dm_weekday(int year, int month, int day)
{
    int64_t d = (dm_days_from_civil(year, month, day) + 4) % 7; /* 1970-01-01 was a Thursday */
    return (int)(d < 0 ? d + 7 : d);
}

bool dm_civil_valid(const struct dm_civil *c)
{
    return c->year >= 1 && c->year <= 9999 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= dm_month_days(c->year, c->month) && c->hour >= 0 && c->hour < 24 &&
           c->minute >= 0 && c->minute < 60 && c->second >= 0 && c->second < 60 && c->usec >= 0 &&
           c->usec < 1000000;
}

static const char *iso(int64_t us, char *buf, const char *zone)
{
    struct dm_civil c = dm_civil_from_us(us);
    int n = snprintf(buf, DM_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day,
                     c.hour, c.minute, c.second);
    if (c.usec)
        n += snprintf(buf + n, DM_TIME_MAX - (size_t)n, ".%06d", c.usec);
    snprintf(buf + n, DM_TIME_MAX - (size_t)n, "%s", zone);
    return buf;
}

const char *dm_time_iso(int64_t us, char buf[DM_TIME_MAX])
{
    return iso(us, buf, "+00:00");
}

const char *dm_time_isoz(int64_t us, char buf[DM_TIME_MAX])
{
    return iso(us, buf, "Z");
}

const char *dm_time_python(int64_t us, char buf[DM_TIME_MAX])
{
    iso(us, buf, "+00:00");
    char *t = strchr(buf, 'T');
    if (t)
        *t = ' ';
    return buf;
}

const char *dm_time_date(int64_t us, char buf[DM_TIME_MAX])
{
    struct dm_civil c = dm_civil_from_us(us);
    snprintf(buf, DM_TIME_MAX, "%04d-%02d-%02d", c.year, c.month, c.day);
    return buf;
}

const char *dm_time_human(int64_t us, char buf[DM_TIME_MAX])
{
    struct dm_civil c = dm_civil_from_us(us);
    snprintf(buf, DM_TIME_MAX, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour,
             c.minute, c.second);
    return buf;
}

const char *dm_duration_human(int64_t us, char buf[DM_TIME_MAX])
{
    if (us < 0)
        us = 0;
    if (us < DM_SEC)
        snprintf(buf, DM_TIME_MAX, "%lld ms", (long long)(us / DM_MS));
    else if (us < DM_MIN)
        snprintf(buf, DM_TIME_MAX, "%.1f s", (double)us / DM_SEC);
    else if (us < DM_HOUR)
        snprintf(buf, DM_TIME_MAX, "%lld min %lld s", (long long)(us / DM_MIN),
                 (long long)(us / DM_SEC % 60));
    else
        snprintf(buf, DM_TIME_MAX, "%lld h %lld min", (long long)(us / DM_HOUR),
                 (long long)(us / DM_MIN % 60));
    return buf;
}

/* Reads exactly n digits. */
static bool digits(struct dm_str *s, int n, int *ret)
{
    int v = 0;
    if (s->len < (size_t)n)
        return false;
    for (int i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    s->p += n;
    s->len -= (size_t)n;
    *ret = v;
    return true;
}

static bool take(struct dm_str *s, char c)
{
    if (!s->len || s->p[0] != c)
        return false;
    s->p++;
    s->len--;
    return true;
}

static bool parse_date(struct dm_str *s, struct dm_civil *c)
{
    return digits(s, 4, &c->year) && take(s, '-') && digits(s, 2, &c->month) && take(s, '-') &&
           digits(s, 2, &c->day);
}

static bool parse_clock(struct dm_str *s, struct dm_civil *c)
{
    if (!digits(s, 2, &c->hour) || !take(s, ':') || !digits(s, 2, &c->minute))
        return false;
    if (!take(s, ':'))
        return true;
    if (!digits(s, 2, &c->second))
        return false;
    if (take(s, '.')) {
        int scale = 100000, n = 0;
        while (s->len && s->p[0] >= '0' && s->p[0] <= '9' && n++ < 6) {
            c->usec += (s->p[0] - '0') * scale;
            scale /= 10;
            s->p++, s->len--;
        }
        if (!n)
            return false;
    }
    return true;
}

static bool parse_offset(struct dm_str *s, int64_t *ret_us)
{
    *ret_us = 0;
    if (!s->len || take(s, 'Z'))
        return true;
    int sign = take(s, '+') ? 1 : take(s, '-') ? -1 : 0, h, m = 0;
    if (!sign || !digits(s, 2, &h))
        return false;
    if (s->len) {
        take(s, ':');
        if (!digits(s, 2, &m))
            return false;
    }
    *ret_us = sign * (h * DM_HOUR + m * DM_MIN);
    return true;
}

bool dm_date_parse(struct dm_str text, int64_t *ret_us)
{
    struct dm_civil c = {0};
    if (!parse_date(&text, &c) || text.len || !dm_civil_valid(&c))
        return false;
    *ret_us = dm_us_from_civil(&c);
    return true;
}

bool dm_time_parse(struct dm_str text, int64_t *ret_us)
{
    struct dm_civil c = {0};
    int64_t offset = 0;
    if (!parse_date(&text, &c))
        return false;
    if (text.len) {
        if (!take(&text, 'T') && !take(&text, ' '))
            return false;
        if (!parse_clock(&text, &c) || !parse_offset(&text, &offset) || text.len)
            return false;
    }
    if (!dm_civil_valid(&c))
        return false;
    *ret_us = dm_us_from_civil(&c) - offset;
    return true;
}
