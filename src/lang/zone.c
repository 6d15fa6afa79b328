/*
 * Zone files: a table of past changes of the clock and, behind its last entry, a rule in POSIX's TZ notation
 * ("CET-1CEST,M3.5.0,M10.5.0/3").  Everything asked of a zone goes through the span that an instant lies in.
 */
#include "lang/zone.h"

#include "base/time.h"

enum { HEADER = 44, ABBREVIATION_MAX = 16 };

struct local_type {
    int64_t offset;
    bool dst;
    const char *abbreviation;
};

/* When a rule's change happens within a year. */
struct change {
    enum { MONTH_WEEK_DAY, JULIAN_NO_LEAP, ZERO_BASED } form;
    int month, week, day; /* day: weekday, or the day of the year */
    int64_t time; /* microseconds after midnight of that day; may be negative or pass a day */
};

struct rule {
    bool present, has_dst;
    struct local_type standard, daylight;
    struct change to_daylight, to_standard;
};

struct dm_zone {
    const char *name;
    size_t n;          /* changes */
    const int64_t *at; /* their instants */
    const unsigned char *type;
    const struct local_type *types;
    struct rule rule;
};

static const struct local_type utc_type = {0, false, "UTC"};
const struct dm_zone dm_zone_utc = {.name = "UTC", .types = &utc_type};

static uint64_t big_endian(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

struct counts {
    uint32_t utc, std, leap, time, type, chars;
};

static struct counts read_counts(const unsigned char *header)
{
    const unsigned char *p = header + 20;
    return (struct counts){(uint32_t)big_endian(p, 4),      (uint32_t)big_endian(p + 4, 4),
                           (uint32_t)big_endian(p + 8, 4),  (uint32_t)big_endian(p + 12, 4),
                           (uint32_t)big_endian(p + 16, 4), (uint32_t)big_endian(p + 20, 4)};
}

static size_t block_size(const struct counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) + c->std +
           c->utc;
}

static int broken(const char *name, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_DATA, "the file of time zone \"%s\" is damaged", name);
}

/* A piece of the POSIX notation under the reader's hand. */
static bool take(struct dm_str *s, char c)
{
    if (!s->len || s->p[0] != c)
        return false;
    *s = dm_str_sub(*s, 1, s->len);
    return true;
}

static bool take_number(struct dm_str *s, int max, int *ret)
{
    int v = 0;
    size_t i = 0;
    for (; i < s->len && s->p[i] >= '0' && s->p[i] <= '9' && i < 4; i++)
        v = v * 10 + (s->p[i] - '0');
    if (!i || v > max)
        return false;
    *s = dm_str_sub(*s, i, s->len);
    *ret = v;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct dm_str *s, int64_t *ret)
{
    int sign = take(s, '-') ? -1 : 1, h, m = 0, sec = 0;
    take(s, '+');
    if (!take_number(s, 167, &h))
        return false;
    if (take(s, ':') && !take_number(s, 59, &m))
        return false;
    if (take(s, ':') && !take_number(s, 59, &sec))
        return false;
    *ret = sign * (h * DM_HOUR + m * DM_MIN + sec * DM_SEC);
    return true;
}

static bool take_abbreviation(struct dm_arena *a, struct dm_str *s, const char **ret)
{
    bool quoted = take(s, '<');
    size_t i = 0;
    while (i < s->len &&
           (quoted ? s->p[i] != '>' : (s->p[i] | 0x20) >= 'a' && (s->p[i] | 0x20) <= 'z'))
        i++;
    if (!i || i > ABBREVIATION_MAX)
        return false;
    *ret = dm_arena_strndup(a, s->p, i);
    *s = dm_str_sub(*s, i, s->len);
    return !quoted || take(s, '>');
}

static bool take_change(struct dm_str *s, struct change *ret)
{
    *ret = (struct change){.time = 2 * DM_HOUR};
    if (take(s, 'M')) {
        ret->form = MONTH_WEEK_DAY;
        if (!take_number(s, 12, &ret->month) || !take(s, '.') || !take_number(s, 5, &ret->week) ||
            !take(s, '.') || !take_number(s, 6, &ret->day) || !ret->month || !ret->week)
            return false;
    } else if (take(s, 'J')) {
        ret->form = JULIAN_NO_LEAP;
        if (!take_number(s, 365, &ret->day) || !ret->day)
            return false;
    } else {
        ret->form = ZERO_BASED;
        if (!take_number(s, 365, &ret->day))
            return false;
    }
    return !take(s, '/') || take_time(s, &ret->time);
}

static bool parse_rule(struct dm_arena *a, struct dm_str s, struct rule *ret)
{
    int64_t west;
    *ret = (struct rule){.present = true};
    if (!take_abbreviation(a, &s, &ret->standard.abbreviation) || !take_time(&s, &west))
        return false;
    ret->standard.offset = -west;
    if (!s.len)
        return true;
    ret->has_dst = ret->daylight.dst = true;
    ret->daylight.offset = ret->standard.offset + DM_HOUR;
    if (!take_abbreviation(a, &s, &ret->daylight.abbreviation))
        return false;
    if (s.len && s.p[0] != ',') {
        if (!take_time(&s, &west))
            return false;
        ret->daylight.offset = -west;
    }
    return take(&s, ',') && take_change(&s, &ret->to_daylight) && take(&s, ',') &&
           take_change(&s, &ret->to_standard) && !s.len;
}

static bool read_types(struct dm_arena *a, const unsigned char *p, const struct counts *c,
                       const unsigned char *chars, const struct local_type **ret)
{
    struct local_type *types = dm_arena_array(a, struct local_type, c->type);
    for (uint32_t i = 0; i < c->type; i++, p += 6) {
        int32_t offset = (int32_t)(uint32_t)big_endian(p, 4);
        if (p[5] >= c->chars || offset <= -90000 || offset >= 93600)
            return false;
        const char *abbreviation = (const char *)chars + p[5];
        types[i] = (struct local_type){
            offset * DM_SEC, p[4] != 0,
            dm_arena_strndup(a, abbreviation, strnlen(abbreviation, c->chars - p[5]))};
    }
    *ret = types;
    return true;
}

/* Instants beyond what fits are as good as none: they lie outside the years that the program knows. */
static int64_t clamp_instant(int64_t seconds)
{
    const int64_t most = INT64_MAX / DM_SEC - 1;
    return (seconds > most ? most : seconds < -most ? -most : seconds) * DM_SEC;
}

static bool read_block(struct dm_arena *a, const unsigned char *p, const struct counts *c,
                       size_t time_size, struct dm_zone *z)
{
    int64_t *at = dm_arena_array(a, int64_t, c->time + 1);
    const unsigned char *type = p + c->time * time_size;
    const unsigned char *types = type + c->time, *chars = types + c->type * 6;
    for (uint32_t i = 0; i < c->time; i++) {
        uint64_t raw = big_endian(p + i * time_size, (int)time_size);
        at[i] = clamp_instant(time_size == 8 ? (int64_t)raw : (int32_t)(uint32_t)raw);
        if (type[i] >= c->type || (i && at[i] < at[i - 1]))
            return false;
    }
    z->n = c->time;
    z->at = at;
    z->type = dm_arena_dup(a, type, c->time);
    return read_types(a, types, c, chars, &z->types);
}

int dm_zone_parse(struct dm_arena *a, const char *name, struct dm_str bytes,
                  const struct dm_zone **ret, struct dm_err *reterr)
{
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.len;
    struct dm_zone *z = dm_arena_new(a, struct dm_zone);
    size_t time_size = 4;
    z->name = dm_arena_strdup(a, name);
    for (;;) {
        if (end - p < HEADER || memcmp(p, "TZif", 4) != 0)
            return broken(name, reterr);
        struct counts c = read_counts(p);
        bool second_block = p[4] >= '2' && time_size == 4;
        if (c.time > DM_ZONE_TRANSITIONS_MAX || c.type > 256 || c.chars > 4096 || c.leap > 4096 ||
            c.std > 256 || c.utc > 256 || !c.type)
            return broken(name, reterr);
        size_t size = block_size(&c, time_size);
        p += HEADER;
        if ((size_t)(end - p) < size)
            return broken(name, reterr);
        if (second_block) {
            p += size;
            time_size = 8;
            continue;
        }
        if (!read_block(a, p, &c, time_size, z))
            return broken(name, reterr);
        p += size;
        break;
    }
    struct dm_str footer = dm_str_trim(dm_str_n((const char *)p, (size_t)(end - p)));
    if (footer.len && !parse_rule(a, footer, &z->rule))
        return broken(name, reterr);
    *ret = z;
    return 0;
}

const char *dm_zone_name(const struct dm_zone *z)
{
    return z->name;
}

/* Midnight of the day that a change falls on, in local time. */
static int64_t change_in(const struct change *c, int year)
{
    int64_t first = dm_days_from_civil(year, 1, 1);
    if (c->form == MONTH_WEEK_DAY) {
        int day = 1 + (c->day - dm_weekday(year, c->month, 1) + 7) % 7 + (c->week - 1) * 7;
        if (day > dm_month_days(year, c->month))
            day -= 7;
        return dm_days_from_civil(year, c->month, day) * DM_DAY + c->time;
    }
    int64_t day = c->day;
    if (c->form == JULIAN_NO_LEAP)
        day -= !(dm_is_leap(year) && c->day >= 60);
    return (first + day) * DM_DAY + c->time;
}

static struct dm_zone_span span_of(int64_t start, int64_t end, const struct local_type *t)
{
    return (struct dm_zone_span){start, end, t->offset, t->dst, t->abbreviation};
}

/* The span of the rule around `utc`, which lies at or after `from`, the last change of the table. */
static struct dm_zone_span rule_span(const struct rule *r, int64_t from, int64_t utc)
{
    struct dm_zone_span s = span_of(from, INT64_MAX, &r->standard);
    if (!r->has_dst)
        return s;
    int year = dm_civil_from_us(utc).year;
    int64_t start = INT64_MIN, end = INT64_MAX;
    const struct local_type *type = &r->standard;
    for (int y = year - 1; y <= year + 1; y++) {
        for (int k = 0; k < 2; k++) {
            bool forward = k == 0;
            int64_t at = change_in(forward ? &r->to_daylight : &r->to_standard, y) -
                         (forward ? r->standard.offset : r->daylight.offset);
            if (at <= utc && at > start) {
                start = at;
                type = forward ? &r->daylight : &r->standard;
            } else if (at > utc && at < end) {
                end = at;
            }
        }
    }
    return span_of(start > from ? start : from, end, type);
}

struct dm_zone_span dm_zone_span_at(const struct dm_zone *z, int64_t utc)
{
    size_t low = 0, high = z->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (z->at[mid] <= utc)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == z->n && z->rule.present)
        return rule_span(&z->rule, z->n ? z->at[z->n - 1] : INT64_MIN, utc);
    return span_of(low ? z->at[low - 1] : INT64_MIN, low < z->n ? z->at[low] : INT64_MAX,
                   &z->types[low ? z->type[low - 1] : 0]);
}

int64_t dm_zone_local(const struct dm_zone *z, int64_t utc)
{
    return utc + dm_zone_span_at(z, utc).offset;
}

int64_t dm_zone_instant(const struct dm_zone *z, int64_t local, bool second)
{
    /* No zone is further from UTC than 26 hours, so what the wall clock meant lies in these spans. */
    const int64_t reach = 26 * DM_HOUR;
    bool found = false;
    int64_t best = 0, before = 0;
    struct dm_zone_span s = dm_zone_span_at(z, local - reach);
    for (;;) {
        int64_t utc = local - s.offset;
        if (utc >= s.start && utc < s.end && (!found || second)) {
            best = utc;
            found = true;
        }
        /* The last span that ended before this local time was reached: its offset moves a gap forward. */
        if (utc >= s.end)
            before = utc;
        if (s.end == INT64_MAX || s.end > local + reach)
            return found ? best : before;
        s = dm_zone_span_at(z, s.end);
    }
}
