/*
 * What a plain scalar means in YAML 1.1.  PyYAML tries its patterns in the order bool, float, int, null, timestamp;
 * what matches none is text.
 */
#include "base/time.h"
#include "lang/yaml.h"

#include <math.h>

static bool one_of(struct dm_str s, const char *const *words)
{
    for (; *words; words++)
        if (dm_str_is(s, *words))
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of the run of characters from `set` at `i`. */
static size_t run(struct dm_str s, size_t i, const char *set)
{
    size_t n = 0;
    while (i + n < s.len && s.p[i + n] && strchr(set, s.p[i + n]))
        n++;
    return n;
}

static const char digits_[] = "0123456789_";

/* [+-]?[0-9][0-9_]*(:[0-5]?[0-9])+ up to the end or a dot; returns its length or 0. */
static size_t sexagesimal(struct dm_str s)
{
    size_t i = s.len && (s.p[0] == '+' || s.p[0] == '-') ? 1 : 0, parts = 0;
    if (i >= s.len || !is_digit(s.p[i]))
        return 0;
    i += run(s, i, digits_);
    while (i + 1 < s.len && s.p[i] == ':' && is_digit(s.p[i + 1])) {
        size_t n = run(s, i + 1, "0123456789");
        if (n > 2 || (n == 2 && s.p[i + 1] > '5'))
            return 0;
        i += 1 + n;
        parts++;
    }
    return parts ? i : 0;
}

static bool exponent_to_end(struct dm_str s, size_t i)
{
    if (i == s.len)
        return true;
    if (s.p[i] != 'e' && s.p[i] != 'E')
        return false;
    i++;
    if (i >= s.len || (s.p[i] != '+' && s.p[i] != '-'))
        return false;
    size_t n = run(s, i + 1, "0123456789");
    return n && i + 1 + n == s.len;
}

static bool is_float(struct dm_str s)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    bool sign = s.len && (s.p[0] == '+' || s.p[0] == '-');
    size_t i = sign;
    if (one_of(s, nans) || one_of(dm_str_sub(s, i, s.len), infinities))
        return true;
    if (!sign && i + 1 < s.len && s.p[i] == '.' && is_digit(s.p[i + 1]))
        return exponent_to_end(s, i + 1 + run(s, i + 1, digits_));
    if (i >= s.len || !is_digit(s.p[i]))
        return false;
    size_t base60 = sexagesimal(s);
    if (base60)
        return base60 < s.len && s.p[base60] == '.' &&
               base60 + 1 + run(s, base60 + 1, digits_) == s.len;
    i += run(s, i, digits_);
    if (i >= s.len || s.p[i] != '.')
        return false;
    return exponent_to_end(s, i + 1 + run(s, i + 1, digits_));
}

static bool is_int(struct dm_str s)
{
    size_t i = s.len && (s.p[0] == '+' || s.p[0] == '-') ? 1 : 0;
    if (i >= s.len || !is_digit(s.p[i]))
        return false;
    if (s.p[i] == '0') {
        if (i + 1 == s.len)
            return true;
        if (s.p[i + 1] == 'b')
            return s.len > i + 2 && i + 2 + run(s, i + 2, "01_") == s.len;
        if (s.p[i + 1] == 'x')
            return s.len > i + 2 && i + 2 + run(s, i + 2, "0123456789abcdefABCDEF_") == s.len;
        return i + 1 + run(s, i + 1, "01234567_") == s.len;
    }
    return i + run(s, i, digits_) == s.len || sexagesimal(s) == s.len;
}

static bool take_digits(struct dm_str s, size_t *i, size_t least, size_t most, int *ret)
{
    size_t n = run(s, *i, "0123456789");
    if (n < least || n > most)
        return false;
    *ret = 0;
    for (size_t k = 0; k < n; k++)
        *ret = *ret * 10 + (s.p[*i + k] - '0');
    *i += n;
    return true;
}

static bool take(struct dm_str s, size_t *i, char c)
{
    if (*i >= s.len || s.p[*i] != c)
        return false;
    ++*i;
    return true;
}

struct timestamp {
    struct dm_civil civil;
    bool has_time, has_zone;
    int64_t offset;
};

static bool take_offset(struct dm_str s, size_t *i, struct timestamp *t)
{
    int h, m = 0;
    *i += run(s, *i, " \t");
    if (take(s, i, 'Z'))
        return t->has_zone = true;
    int sign = take(s, i, '+') ? 1 : take(s, i, '-') ? -1 : 0;
    if (!sign || !take_digits(s, i, 1, 2, &h))
        return false;
    if (take(s, i, ':') && !take_digits(s, i, 2, 2, &m))
        return false;
    t->offset = sign * (h * DM_HOUR + m * DM_MIN);
    return t->has_zone = true;
}

static bool match_timestamp(struct dm_str s, struct timestamp *t)
{
    struct dm_civil *c = &t->civil;
    size_t i = 0;
    *t = (struct timestamp){0};
    if (!take_digits(s, &i, 4, 4, &c->year) || !take(s, &i, '-') ||
        !take_digits(s, &i, 1, 2, &c->month) || !take(s, &i, '-') ||
        !take_digits(s, &i, 1, 2, &c->day))
        return false;
    if (i == s.len)
        return s.len == 10; /* a date alone has all its zeros */
    size_t blank = run(s, i, " \t");
    if (!blank && !take(s, &i, 'T') && !take(s, &i, 't'))
        return false;
    i += blank;
    if (!take_digits(s, &i, 1, 2, &c->hour) || !take(s, &i, ':') ||
        !take_digits(s, &i, 2, 2, &c->minute) || !take(s, &i, ':') ||
        !take_digits(s, &i, 2, 2, &c->second))
        return false;
    t->has_time = true;
    if (take(s, &i, '.')) {
        int scale = 100000;
        for (; i < s.len && is_digit(s.p[i]); i++, scale /= 10)
            c->usec += (s.p[i] - '0') * scale;
    }
    return i == s.len || (take_offset(s, &i, t) && i == s.len);
}

static int make_timestamp(struct dm_arena *a, struct dm_str s, const struct timestamp *t,
                          struct dm_value **ret, struct dm_err *reterr)
{
    if (!dm_civil_valid(&t->civil))
        return dm_err_set(reterr, DM_E_INVALID, "there is no date %.*s", DM_FMT(s));
    int64_t us = dm_us_from_civil(&t->civil);
    if (!t->has_time) {
        *ret = dm_value_int(a, us / DM_DAY - (us % DM_DAY < 0));
        (*ret)->kind = DM_DATE;
        return 0;
    }
    if (t->offset <= -DM_DAY || t->offset >= DM_DAY)
        return dm_err_set(reterr, DM_E_INVALID, "there is no offset as in %.*s", DM_FMT(s));
    const char *zone = NULL;
    if (t->offset) {
        int minutes = (int)((t->offset < 0 ? -t->offset : t->offset) / DM_MIN);
        zone = dm_arena_printf(a, "%c%02d:%02d", t->offset < 0 ? '-' : '+', minutes / 60,
                               minutes % 60);
    }
    *ret = dm_value_time(a, us - t->offset, zone);
    (*ret)->time.naive = !t->has_zone;
    return 0;
}

/* Without underscores, in a buffer of the arena. */
static char *plain_digits(struct dm_arena *a, struct dm_str s)
{
    char *out = dm_arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] != '_')
            out[n++] = s.p[i];
    return out;
}

static bool in_base(const char *p, int base, uint64_t *ret)
{
    uint64_t v = 0;
    for (; *p; p++) {
        int d = is_digit(*p) ? *p - '0' : (*p | 0x20) - 'a' + 10;
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *ret = v;
    return true;
}

static bool in_base60(const char *p, uint64_t *ret)
{
    uint64_t v = 0, part = 0;
    for (;; p++) {
        if (is_digit(*p)) {
            if (__builtin_mul_overflow(part, UINT64_C(10), &part) ||
                __builtin_add_overflow(part, (uint64_t)(*p - '0'), &part))
                return false;
            continue;
        }
        if (__builtin_mul_overflow(v, UINT64_C(60), &v) || __builtin_add_overflow(v, part, &v))
            return false;
        part = 0;
        if (!*p)
            break;
    }
    *ret = v;
    return true;
}

static int make_int(struct dm_arena *a, struct dm_str s, struct dm_value **ret,
                    struct dm_err *reterr)
{
    const char *p = plain_digits(a, s);
    bool negative = *p == '-', ok;
    uint64_t v;
    if (*p == '-' || *p == '+')
        p++;
    if (p[0] == '0' && (p[1] == 'b' || p[1] == 'x')) {
        if (!p[2])
            return dm_err_set(reterr, DM_E_SYNTAX, "the number %.*s has no digits", DM_FMT(s));
        ok = in_base(p + 2, p[1] == 'b' ? 2 : 16, &v);
    } else if (strchr(p, ':')) {
        ok = in_base60(p, &v);
    } else {
        ok = in_base(p, p[0] == '0' ? 8 : 10, &v);
    }
    if (!ok || v > (uint64_t)INT64_MAX + negative) {
        dm_err_set(reterr, DM_E_LIMIT, "the number %.*s does not fit into 64 bits", DM_FMT(s));
        return dm_err_hint(reterr, "Quote it to make it a text.");
    }
    *ret = dm_value_int(a, negative ? (int64_t)(0 - v) : (int64_t)v);
    return 0;
}

static int make_float(struct dm_arena *a, struct dm_str s, struct dm_value **ret)
{
    const char *p = plain_digits(a, s);
    double sign = *p == '-' ? -1 : 1, v = 0;
    if (*p == '-' || *p == '+')
        p++;
    if (p[0] == '.' && (p[1] | 0x20) == 'i')
        v = INFINITY;
    else if (p[0] == '.' && (p[1] | 0x20) == 'n')
        v = NAN;
    else if (strchr(p, ':')) {
        for (const char *colon; (colon = strchr(p, ':')) != NULL; p = colon + 1)
            v = (v + strtod(p, NULL)) * 60;
        v += strtod(p, NULL);
    } else
        v = strtod(p, NULL);
    *ret = dm_value_float(a, sign * v);
    return 0;
}

static const char *const trues[] = {"yes",  "Yes", "YES", "true", "True",
                                    "TRUE", "on",  "On",  "ON",   NULL};
static const char *const falses[] = {"no",    "No",  "NO",  "false", "False",
                                     "FALSE", "off", "Off", "OFF",   NULL};
static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};

int dm_yaml_scalar(struct dm_arena *a, struct dm_str s, struct dm_value **ret,
                   struct dm_err *reterr)
{
    struct timestamp t;
    if (one_of(s, trues) || one_of(s, falses)) {
        *ret = dm_value_bool(a, one_of(s, trues));
        return 0;
    }
    if (is_float(s))
        return make_float(a, s, ret);
    if (is_int(s))
        return make_int(a, s, ret, reterr);
    if (one_of(s, nulls)) {
        *ret = dm_arena_new(a, struct dm_value);
        (*ret)->kind = DM_NULL;
        return 0;
    }
    if (match_timestamp(s, &t))
        return make_timestamp(a, s, &t, ret, reterr);
    *ret = dm_value_str(a, s);
    return 0;
}

int dm_yaml_scalar_as(struct dm_arena *a, const char *kind, struct dm_str s, struct dm_value **ret,
                      struct dm_err *reterr)
{
    struct timestamp t;
    double number;
    if (strcmp(kind, "str") == 0) {
        *ret = dm_value_str(a, s);
        return 0;
    }
    if (strcmp(kind, "null") == 0)
        return dm_yaml_scalar(a, DM_STR(""), ret, reterr);
    if (strcmp(kind, "int") == 0 && is_int(s))
        return make_int(a, s, ret, reterr);
    if (strcmp(kind, "float") == 0 && (is_float(s) || dm_str_to_f64(s, &number)))
        return make_float(a, s, ret);
    if (strcmp(kind, "timestamp") == 0 && match_timestamp(s, &t))
        return make_timestamp(a, s, &t, ret, reterr);
    if (strcmp(kind, "bool") == 0 && (one_of(s, trues) || one_of(s, falses)))
        return dm_yaml_scalar(a, s, ret, reterr);
    return dm_err_set(reterr, DM_E_SYNTAX, "\"%.*s\" is no %s", DM_FMT(s), kind);
}
