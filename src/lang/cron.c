/*
 * Cron expressions.  Parsing turns each field into a bit set; searching steps from day to day (whole years and months
 * are passed over where they do not match) as croniter does, and picks the time of day from the sets.
 */
#include "lang/cron.h"

#include "base/time.h"

enum field { MINUTE, HOUR, DAY, MONTH, WEEKDAY, SECOND, YEAR, N_FIELDS };

static const struct {
    int min, max;
    const char *name;
} ranges[N_FIELDS] = {
    [MINUTE] = {0, 59, "minute"},
    [HOUR] = {0, 23, "hour"},
    [DAY] = {1, 31, "day of the month"},
    [MONTH] = {1, 12, "month"},
    [WEEKDAY] = {0, 6, "weekday"},
    [SECOND] = {0, 59, "second"},
    [YEAR] = {DM_CRON_FIRST_YEAR, DM_CRON_LAST_YEAR, "year"},
};

enum { SET_WORDS = 3, NTH_LAST = 1 << 6 };

/* Bit i stands for the value min + i. */
struct set {
    uint64_t bits[SET_WORDS];
    bool star; /* any value: "*" or all of them */
};

struct dm_cron {
    int n_fields;
    struct set fields[N_FIELDS];
    bool last_day;        /* L in the day field */
    unsigned char nth[7]; /* per weekday: bit n for the n-th of the month, NTH_LAST for the last */
    bool any_nth;
};

struct parser {
    struct dm_str text; /* of the expression, for messages */
    struct dm_str words[N_FIELDS];
    struct dm_cron *cron;
    struct dm_err *reterr;
};

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct {
    const char *name, *text;
} presets[] = {{"@hourly", "0 * * * *"},      {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
               {"@weekly", "0 0 * * 0"},      {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
               {"@quarterly", "0 0 1 */3 *"}, {"@annually", "0 0 1 1 *"}};

static int width(enum field f)
{
    return ranges[f].max - ranges[f].min + 1;
}

static bool has(const struct set *s, enum field f, int value)
{
    unsigned i = (unsigned)(value - ranges[f].min);
    return s->star || (s->bits[i / 64] >> (i % 64) & 1);
}

static bool listed(const struct set *s, enum field f, int value)
{
    unsigned i = (unsigned)(value - ranges[f].min);
    return s->bits[i / 64] >> (i % 64) & 1;
}

static void set_add(struct set *s, enum field f, int value)
{
    unsigned i = (unsigned)(value - ranges[f].min);
    s->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static int set_count(const struct set *s)
{
    int n = 0;
    for (int i = 0; i < SET_WORDS; i++)
        n += __builtin_popcountll(s->bits[i]);
    return n;
}

static int refuse(const struct parser *p, enum field f, struct dm_str item, const char *why)
{
    return dm_err_set(p->reterr, DM_E_INVALID, "\"%.*s\" is no cron expression: %s \"%.*s\" %s",
                      DM_FMT(p->text), ranges[f].name, DM_FMT(item), why);
}

static bool is_digits(struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.len > 0;
}

static int number_of(struct dm_str s)
{
    int64_t v;
    return s.len < 10 && dm_str_to_i64(s, &v) ? (int)v : 999999999;
}

static int name_in(const char *const *names, struct dm_str s)
{
    for (int i = 0; names[i]; i++)
        if (dm_str_ieq(s, dm_str_c(names[i])))
            return i;
    return -1;
}

/* One end of a range or a single value.  With five fields 7 is Sunday; with six fields, day 0 is day 1. */
static int value_of(const struct parser *p, enum field f, struct dm_str s, int *ret)
{
    int v = -1;
    if (is_digits(s))
        v = number_of(s);
    else if (f == MONTH && name_in(months, s) >= 0)
        v = name_in(months, s) + 1;
    else if (f == WEEKDAY)
        v = name_in(weekdays, s);
    if (v < 0)
        return refuse(p, f, s, s.len && s.p[0] == '-' ? "must not be negative" : "is not known");
    if (f == WEEKDAY && v == 7 && p->cron->n_fields == 5)
        v = 0;
    if (f == DAY && v == 0 && p->cron->n_fields == 6)
        v = 1;
    if (v < ranges[f].min || v > ranges[f].max) {
        char why[64];
        snprintf(why, sizeof(why), "is not within %d-%d", ranges[f].min, ranges[f].max);
        return refuse(p, f, s, why);
    }
    *ret = v;
    return 0;
}

static void add_one(struct dm_cron *c, enum field f, int v, int nth)
{
    set_add(&c->fields[f], f, v);
    if (nth) {
        c->nth[v] |= (unsigned char)nth;
        c->any_nth = true;
    }
}

/*
 * A range that runs backward goes on at the start of the cycle.  Where the step does not fit the cycle's end,
 * Airflow counts the way across it from the last value hit, with that value's distance to the end left out once.
 */
static void add_range(struct dm_cron *c, enum field f, int low, int high, int step, int nth)
{
    int min = ranges[f].min, max = ranges[f].max;
    if (low == high)
        low = min, high = max;
    if (low <= high) {
        for (int v = low; v <= high; v += step)
            add_one(c, f, v, nth);
        return;
    }
    int hit = low;
    for (int v = low; v <= max; v += step)
        add_one(c, f, hit = v, nth);
    int left = max - hit;
    int skip = hit - min + step > width(f) && left < step ? step - left : 0;
    for (int v = min + skip; v <= high; v += step)
        add_one(c, f, v, nth);
}

/* "a-b", "a-b/s", "a/s", "* /s". */
static int parse_range(const struct parser *p, enum field f, struct dm_str item, int nth)
{
    struct dm_str low_text = item, high_text = {NULL, 0}, step_text = DM_STR("1");
    ptrdiff_t slash = dm_str_find(item, DM_STR("/"), 0);
    if (slash >= 0) {
        step_text = dm_str_sub(item, (size_t)slash + 1, item.len);
        low_text = dm_str_sub(item, 0, (size_t)slash);
        if (!is_digits(step_text) || number_of(step_text) == 0)
            return refuse(p, f, item, "needs a number of at least 1 behind the slash");
    }
    int low, high = ranges[f].max, step = number_of(step_text);
    ptrdiff_t dash = dm_str_find(low_text, DM_STR("-"), 0);
    if (dash == 0)
        return refuse(p, f, item, "must not be negative");
    if (dash > 0) {
        high_text = dm_str_sub(low_text, (size_t)dash + 1, low_text.len);
        low_text = dm_str_sub(low_text, 0, (size_t)dash);
    }
    if (dm_str_is(low_text, "*") && !high_text.p)
        low = ranges[f].min;
    else
        DM_TRY(value_of(p, f, low_text, &low));
    if (high_text.p && !(f == DAY && dm_str_ieq(high_text, DM_STR("l"))))
        DM_TRY(value_of(p, f, high_text, &high));
    /* A step beyond the cycle hits the first value only; kept small so that adding it cannot overflow. */
    add_range(p->cron, f, low, high, step < 1000 ? step : 1000, nth);
    return 0;
}

/* "fri#2", "5#2", "L5": which of the month's; cut off *item. */
static int parse_nth(const struct parser *p, struct dm_str *item, int *ret)
{
    ptrdiff_t hash = dm_str_find(*item, DM_STR("#"), 0);
    *ret = 0;
    if (hash > 0) {
        struct dm_str n = dm_str_sub(*item, (size_t)hash + 1, item->len);
        struct dm_str days = dm_str_sub(*item, 0, (size_t)hash);
        bool range_of_numbers = dm_str_find(days, DM_STR("-"), 0) >= 0 && days.p[0] <= '9';
        if (!is_digits(n) || number_of(n) < 1 || number_of(n) > 5)
            return refuse(p, WEEKDAY, *item, "needs 1 to 5 behind the #");
        if (range_of_numbers || dm_str_find(days, DM_STR("/"), 0) >= 0)
            return refuse(p, WEEKDAY, *item, "must name one weekday before the #");
        *ret = 1 << number_of(n);
        *item = days;
    } else if (item->len > 1 && (item->p[0] | 0x20) == 'l' &&
               is_digits(dm_str_sub(*item, 1, item->len))) {
        *ret = NTH_LAST;
        *item = dm_str_sub(*item, 1, item->len);
    }
    return 0;
}

static int parse_item(const struct parser *p, enum field f, struct dm_str item)
{
    int nth = 0, v;
    if (!item.len)
        return refuse(p, f, p->words[f], "has an empty item");
    if (f == WEEKDAY)
        DM_TRY(parse_nth(p, &item, &nth));
    if (dm_str_is(item, "*")) {
        p->cron->fields[f].star = true;
        return 0;
    }
    if (f == DAY && dm_str_ieq(item, DM_STR("l"))) {
        p->cron->last_day = true;
        return 0;
    }
    if (dm_str_find(item, DM_STR("-"), 0) >= 0 || dm_str_find(item, DM_STR("/"), 0) >= 0)
        return parse_range(p, f, item, nth);
    DM_TRY(value_of(p, f, item, &v));
    add_one(p->cron, f, v, nth);
    return 0;
}

static int parse_field(const struct parser *p, enum field f)
{
    struct set *set = &p->cron->fields[f];
    struct dm_str rest = p->words[f], item;
    if (dm_str_is(rest, "?") && (f == DAY || f == WEEKDAY)) {
        set->star = true;
        return 0;
    }
    while (dm_str_split(&rest, ',', &item))
        DM_TRY(parse_item(p, f, item));
    /* All values mean "*", but for day and weekday only beside a star: else the two would be joined by "and". */
    bool joined = f == DAY || f == WEEKDAY;
    struct dm_str other = p->words[f == DAY ? WEEKDAY : DAY];
    if (set_count(set) == width(f) && !(f == DAY && p->cron->last_day) &&
        (!joined || dm_str_find(other, DM_STR("*"), 0) >= 0))
        set->star = true;
    return 0;
}

static int check_nth(const struct parser *p)
{
    const struct dm_cron *c = p->cron;
    if (!c->any_nth || c->fields[WEEKDAY].star || set_count(&c->fields[WEEKDAY]) == 7)
        return 0;
    for (int d = 0; d < 7; d++)
        if (listed(&c->fields[WEEKDAY], WEEKDAY, d) && !c->nth[d])
            return refuse(p, WEEKDAY, p->words[WEEKDAY], "mixes plain weekdays and # or L");
    return 0;
}

static int split_words(struct parser *p, struct dm_str text)
{
    int n = 0;
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        while (i < text.len && text.p[i] != ' ' && !(text.p[i] >= '\t' && text.p[i] <= '\r'))
            i++;
        if (i == start) {
            i++;
            continue;
        }
        if (n < N_FIELDS)
            p->words[n] = dm_str_sub(text, start, i);
        n++;
    }
    return n;
}

int dm_cron_parse(struct dm_arena *a, struct dm_str text, const struct dm_cron **ret,
                  struct dm_err *reterr)
{
    struct dm_cron *c = dm_arena_new(a, struct dm_cron);
    struct parser p = {.text = text, .cron = c, .reterr = reterr};
    if (text.len > DM_CRON_TEXT_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a cron expression is longer than %d bytes",
                          DM_CRON_TEXT_MAX);
    struct dm_str body = text;
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
        if (dm_str_ieq(text, dm_str_c(presets[i].name)))
            body = dm_str_c(presets[i].text);
    c->n_fields = split_words(&p, body);
    if (c->n_fields < 5 || c->n_fields > N_FIELDS) {
        const char *names[sizeof(presets) / sizeof(presets[0]) + 1] = {NULL};
        for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
            names[i] = presets[i].name;
        int rc =
            dm_err_set(reterr, DM_E_INVALID,
                       "\"%.*s\" is no cron expression: it has %d field%s instead of 5, 6 or 7",
                       DM_FMT(text), c->n_fields, c->n_fields == 1 ? "" : "s");
        const char *near = text.len && text.p[0] == '@' ? dm_str_nearest(text, names) : NULL;
        if (near)
            dm_err_hint(reterr, "Did you mean \"%s\"?", near);
        return rc;
    }
    for (int f = c->n_fields; f < N_FIELDS; f++)
        c->fields[f].star = f == YEAR;
    if (c->n_fields == 5)
        set_add(&c->fields[SECOND], SECOND, 0);
    for (int f = 0; f < c->n_fields; f++)
        DM_TRY(parse_field(&p, (enum field)f));
    DM_TRY(check_nth(&p));
    *ret = c;
    return 0;
}

bool dm_cron_every_hour(const struct dm_cron *c)
{
    return c->fields[HOUR].star;
}

/* The time of day that a search starts from, or its limit. */
struct clock {
    int hour, minute, second;
};

static int nearest_up(const struct set *s, enum field f, int from)
{
    for (int v = from; v <= ranges[f].max; v++)
        if (has(s, f, v))
            return v;
    return -1;
}

static int nearest_down(const struct set *s, enum field f, int from)
{
    for (int v = from; v >= ranges[f].min; v--)
        if (has(s, f, v))
            return v;
    return -1;
}

/* The first time of day at or after `t`. */
static bool clock_up(const struct dm_cron *c, struct clock *t)
{
    const struct set *s = c->fields;
    for (int h = t->hour; (h = nearest_up(&s[HOUR], HOUR, h)) >= 0; h++) {
        int m = h == t->hour ? t->minute : 0;
        for (; (m = nearest_up(&s[MINUTE], MINUTE, m)) >= 0; m++) {
            int from = h == t->hour && m == t->minute ? t->second : 0;
            int sec = nearest_up(&s[SECOND], SECOND, from);
            if (sec >= 0) {
                *t = (struct clock){h, m, sec};
                return true;
            }
        }
    }
    return false;
}

static bool clock_down(const struct dm_cron *c, struct clock *t)
{
    const struct set *s = c->fields;
    for (int h = t->hour; (h = nearest_down(&s[HOUR], HOUR, h)) >= 0; h--) {
        int m = h == t->hour ? t->minute : 59;
        for (; (m = nearest_down(&s[MINUTE], MINUTE, m)) >= 0; m--) {
            int from = h == t->hour && m == t->minute ? t->second : 59;
            int sec = nearest_down(&s[SECOND], SECOND, from);
            if (sec >= 0) {
                *t = (struct clock){h, m, sec};
                return true;
            }
        }
    }
    return false;
}

static int64_t local_of(int64_t day, const struct clock *t)
{
    return day * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
}

static int64_t day_of(int64_t local)
{
    return local / 86400 - (local % 86400 < 0);
}

/* Which of the day fields a search heeds. */
struct heed {
    bool days, weekdays;
};

/* The nearest listed value of a cycle of `range` values, as a distance; 0 = this one. */
static int cycle_away(const struct set *s, enum field f, int value, int range, int sign)
{
    int to = sign > 0 ? nearest_up(s, f, value) : nearest_down(s, f, value);
    if (to >= 0)
        return to - value;
    to = sign > 0 ? nearest_up(s, f, ranges[f].min) : nearest_down(s, f, ranges[f].max);
    return to - value + sign * range;
}

/*
 * Days from this one to the next that the day field lists.  The way is counted before it is asked whether the month
 * has that day, as in Airflow: a step to the 31st of February ends on 3 March and passes over the 1st, and a search
 * backward takes February for 28 days.
 */
static int day_up(const struct dm_cron *c, const struct dm_civil *d)
{
    const struct set *s = &c->fields[DAY];
    int days = dm_month_days(d->year, d->month);
    if (c->last_day && d->day == days)
        return 0;
    int to = nearest_up(s, DAY, d->day);
    if (to >= 0)
        return to - d->day;
    return c->last_day ? days - d->day : nearest_up(s, DAY, 1) - d->day + days;
}

static int day_down(const struct dm_cron *c, const struct dm_civil *d)
{
    const struct set *s = &c->fields[DAY];
    if (c->last_day && d->day == dm_month_days(d->year, d->month))
        return 0;
    int to = nearest_down(s, DAY, d->day);
    if (to >= 0)
        return to - d->day;
    if (c->last_day)
        return -d->day;
    enum { NO_LEAP_YEAR = 2023 };
    int days = dm_month_days(NO_LEAP_YEAR, d->month == 1 ? 12 : d->month - 1);
    to = nearest_down(s, DAY, days);
    return to < 0 ? -days : to - d->day - days;
}

/* Days to the next "fri#2" or "L5" of this month, or to the next month where there is none left. */
static int nth_away(const struct dm_cron *c, const struct dm_civil *d, int sign)
{
    int last = dm_month_days(d->year, d->month);
    for (int day = d->day; day >= 1 && day <= last; day += sign) {
        unsigned nth = c->nth[dm_weekday(d->year, d->month, day)];
        if ((nth >> ((day - 1) / 7 + 1) & 1) || ((nth & NTH_LAST) && day + 7 > last))
            return day - d->day;
    }
    return sign > 0 ? last - d->day + 1 : -d->day;
}

static int days_away(const struct dm_cron *c, const struct dm_civil *d, struct heed heed, int sign)
{
    const struct set *days = &c->fields[DAY], *week = &c->fields[WEEKDAY];
    int away = 0;
    if (heed.days && !days->star)
        away = sign > 0 ? day_up(c, d) : day_down(c, d);
    if (away)
        return away;
    if (c->any_nth)
        return nth_away(c, d, sign);
    if (heed.weekdays && !week->star)
        away = cycle_away(week, WEEKDAY, dm_weekday(d->year, d->month, d->day), 7, sign);
    return away;
}

/* The day from which to look on where the year or the month does not match. */
static int64_t month_away(const struct dm_cron *c, const struct dm_civil *d, int sign)
{
    int year = d->year, month = sign > 0 ? 1 : 12;
    if (has(&c->fields[YEAR], YEAR, year)) {
        int at = d->month - 1 + cycle_away(&c->fields[MONTH], MONTH, d->month, 12, sign);
        year += at < 0 ? -1 : at / 12;
        month = (at + 12) % 12 + 1;
    } else {
        year += sign;
    }
    return dm_days_from_civil(year, month, sign > 0 ? 1 : dm_month_days(year, month));
}

/* `sign` is the direction; `local` the first second that may be a tick. */
static bool seek(const struct dm_cron *c, int64_t local, int sign, struct heed heed, int64_t *ret)
{
    int64_t day = day_of(local), to;
    int rest = (int)(local - day * 86400);
    struct clock t = {rest / 3600, rest / 60 % 60, rest % 60};
    struct dm_civil from = dm_civil_from_us(day * DM_DAY), d = from;
    while (d.year >= 1 && d.year <= 9999 &&
           (sign > 0 ? d.year - from.year : from.year - d.year) <= DM_CRON_YEARS_SOUGHT) {
        const struct set *years = &c->fields[YEAR];
        if (!years->star && (d.year < DM_CRON_FIRST_YEAR || d.year > DM_CRON_LAST_YEAR))
            return false;
        if (!has(years, YEAR, d.year) || !has(&c->fields[MONTH], MONTH, d.month))
            to = month_away(c, &d, sign);
        else
            to = day + days_away(c, &d, heed, sign);
        if (to == day) {
            if (sign > 0 ? clock_up(c, &t) : clock_down(c, &t)) {
                *ret = local_of(day, &t);
                return true;
            }
            to = day + sign;
        }
        day = to;
        d = dm_civil_from_us(day * DM_DAY);
        t = sign > 0 ? (struct clock){0, 0, 0} : (struct clock){23, 59, 59};
    }
    return false;
}

/*
 * Day of the month OR weekday: each is sought alone and the nearer one taken.  "fri#2" is heeded in both searches, so
 * that beside it the day of the month decides only whether there is a tick at all: "0 0 13 * L5" has none.
 */
static bool tick(const struct dm_cron *c, int64_t local, int sign, int64_t *ret)
{
    int64_t by_day, by_week;
    if (c->fields[DAY].star || c->fields[WEEKDAY].star)
        return seek(c, local, sign, (struct heed){true, true}, ret);
    if (!seek(c, local, sign, (struct heed){true, false}, &by_day) ||
        !seek(c, local, sign, (struct heed){false, true}, &by_week))
        return false;
    *ret = (by_day < by_week) == (sign > 0) ? by_day : by_week;
    return true;
}

bool dm_cron_next(const struct dm_cron *c, int64_t local, int64_t *ret)
{
    return tick(c, local + 1, 1, ret);
}

bool dm_cron_prev(const struct dm_cron *c, int64_t local, int64_t *ret)
{
    return tick(c, local - 1, -1, ret);
}

bool dm_cron_matches(const struct dm_cron *c, int64_t local)
{
    int64_t next;
    return dm_cron_next(c, local - 1, &next) && next == local;
}

static void print_weekdays(struct dm_strbuf *b, const struct dm_cron *c, const char **sep)
{
    for (int d = 0; d < 7; d++) {
        for (int n = 1; n <= 5; n++)
            if (c->nth[d] >> n & 1) {
                dm_strbuf_addf(b, "%s%d#%d", *sep, d, n);
                *sep = ",";
            }
        if (c->nth[d] & NTH_LAST) {
            dm_strbuf_addf(b, "%sL%d", *sep, d);
            *sep = ",";
        }
    }
}

void dm_cron_print(struct dm_strbuf *b, const struct dm_cron *c)
{
    for (int i = 0; i < c->n_fields; i++) {
        enum field f = (enum field)i;
        const struct set *s = &c->fields[i];
        const char *sep = "";
        if (i)
            dm_strbuf_addc(b, ' ');
        if (s->star) {
            dm_strbuf_addc(b, '*');
            sep = ",";
        }
        for (int v = ranges[i].min; v <= ranges[i].max && !s->star; v++)
            if (listed(s, f, v) && !(f == WEEKDAY && c->nth[v])) {
                dm_strbuf_addf(b, "%s%d", sep, v);
                sep = ",";
            }
        if (f == WEEKDAY)
            print_weekdays(b, c, &sep);
        if (f == DAY && c->last_day)
            dm_strbuf_addf(b, "%sL", sep);
    }
}
