/* Values in, from PostgreSQL's text and binary formats. */
#include "warehouse/parse.h"

#include <ctype.h>
#include <endian.h>
#include <math.h>

#include "base/time.h"
#include "warehouse/datetime.h"

enum { PG_EPOCH_DAYS = 10957, LIST_DEPTH_MAX = 6, LIST_ITEMS_MAX = 1 << 20 };

static int data_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
    dm_printf(3, 4);
static int data_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, DM_E_DATA, fmt, ap);
    va_end(ap);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "%s", sqlstate);
    return DM_E_DATA;
}

static const char *type_name(const struct dm_type *t)
{
    return dm_oid_name(dm_type_oid(t));
}

static int bad_syntax(const struct dm_type *t, struct dm_str text, struct dm_err *reterr)
{
    return data_error(reterr, "22P02", "invalid input syntax for type %s: \"%.*s\"", type_name(t),
                      DM_FMT(text));
}

static int out_of_range(const struct dm_type *t, struct dm_str text, struct dm_err *reterr)
{
    return data_error(reterr, "22003", "value \"%.*s\" is out of range for type %s", DM_FMT(text),
                      type_name(t));
}

/* Integers. */

static bool integer_limits(duckdb_type id, __int128 *ret_least, __int128 *ret_most)
{
    static const struct {
        duckdb_type id;
        int64_t least;
        uint64_t most;
    } limits[] = {
        {DUCKDB_TYPE_TINYINT, INT8_MIN, INT8_MAX},   {DUCKDB_TYPE_SMALLINT, INT16_MIN, INT16_MAX},
        {DUCKDB_TYPE_INTEGER, INT32_MIN, INT32_MAX}, {DUCKDB_TYPE_BIGINT, INT64_MIN, INT64_MAX},
        {DUCKDB_TYPE_UTINYINT, 0, UINT8_MAX},        {DUCKDB_TYPE_USMALLINT, 0, UINT16_MAX},
        {DUCKDB_TYPE_UINTEGER, 0, UINT32_MAX},       {DUCKDB_TYPE_UBIGINT, 0, UINT64_MAX},
        {DUCKDB_TYPE_HUGEINT, INT64_MIN, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (limits[i].id == id) {
            *ret_least = limits[i].least;
            *ret_most = limits[i].most;
            return true;
        }
    return false;
}

static void store_integer(duckdb_type id, __int128 v, struct dm_cell *ret)
{
    switch (id) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
        ret->v.i8 = (int8_t)v;
        break;
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT:
        ret->v.i16 = (int16_t)v;
        break;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UINTEGER:
        ret->v.i32 = (int32_t)v;
        break;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UBIGINT:
        ret->v.i64 = (int64_t)v;
        break;
    default:
        ret->v.i128 = v;
        break;
    }
}

static int parse_integer(const struct dm_type *t, struct dm_str text, struct dm_cell *ret,
                         struct dm_err *reterr)
{
    __int128 least, most, v = 0;
    if (!integer_limits(t->id, &least, &most))
        DM_BUG("no integer type: %d", (int)t->id);
    struct dm_str s = dm_str_trim(text);
    size_t i = 0;
    bool negative = s.len && s.p[0] == '-';
    if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
        i++;
    if (i == s.len)
        return bad_syntax(t, text, reterr);
    bool beyond = false;
    for (; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return bad_syntax(t, text, reterr);
        v = v * 10 + (s.p[i] - '0');
        if (v > (__int128)1 << 100) {
            beyond = true;
            v = 0;
        }
    }
    if (negative)
        v = -v;
    if (beyond || v < least || v > most)
        return out_of_range(t, text, reterr);
    store_integer(t->id, v, ret);
    return 0;
}

/* numeric(width, scale). */

static __int128 power_of_ten(int n)
{
    __int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static int overflow(const struct dm_type *t, struct dm_err *reterr)
{
    data_error(reterr, "22003", "numeric field overflow");
    dm_err_detail(reterr,
                  "A field with precision %d, scale %d must round to an absolute value less than "
                  "10^%d.",
                  t->width, t->scale, t->width - t->scale);
    return DM_E_DATA;
}

static void store_decimal(const struct dm_type *t, __int128 v, struct dm_cell *ret)
{
    if (t->width <= 4)
        ret->v.i16 = (int16_t)v;
    else if (t->width <= 9)
        ret->v.i32 = (int32_t)v;
    else if (t->width <= 18)
        ret->v.i64 = (int64_t)v;
    else
        ret->v.i128 = v;
}

/* Digits of a number and where its point stands: value = 0.DIGITS * 10^point. */
struct digits {
    bool negative;
    int point;
    int n;
    char d[80];
};

static bool scan_digits(struct dm_str s, struct digits *ret)
{
    size_t i = 0;
    bool any = false, dot = false;
    *ret = (struct digits){.negative = s.len && s.p[0] == '-'};
    if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
        i++;
    for (; i < s.len; i++) {
        char c = s.p[i];
        if (c == '.' && !dot) {
            dot = true;
        } else if (c >= '0' && c <= '9') {
            any = true;
            if (c == '0' && !ret->n) {
                ret->point -= dot;
                continue;
            }
            if (ret->n < (int)sizeof(ret->d))
                ret->d[ret->n++] = c;
            ret->point += !dot;
        } else {
            break;
        }
    }
    if (!any)
        return false;
    if (i < s.len && (s.p[i] == 'e' || s.p[i] == 'E')) {
        int64_t e;
        struct dm_str rest = dm_str_sub(s, i + 1, s.len);
        if (rest.len > 1 && rest.p[0] == '+')
            rest = dm_str_sub(rest, 1, rest.len);
        if (!dm_str_to_i64(rest, &e) || e > 1000 || e < -1000)
            return false;
        ret->point += (int)e;
        i = s.len;
    }
    return i == s.len;
}

/* Rounds half away from zero, as PostgreSQL does. */
static bool round_digits(const struct digits *n, int scale, __int128 *ret)
{
    int keep = n->point + scale; /* how many digits stay */
    __int128 v = 0;
    if (n->n && keep > 38)
        return false;
    for (int i = 0; i < keep; i++)
        v = v * 10 + (i < n->n ? n->d[i] - '0' : 0);
    if (keep >= 0 && keep < n->n && n->d[keep] >= '5')
        v++;
    *ret = n->negative ? -v : v;
    return true;
}

static int parse_decimal(const struct dm_type *t, struct dm_str text, struct dm_cell *ret,
                         struct dm_err *reterr)
{
    struct digits n;
    struct dm_str s = dm_str_trim(text);
    if (!scan_digits(s, &n)) {
        if (dm_str_ieq(s, DM_STR("nan")))
            return data_error(reterr, "0A000", "cannot store NaN in a numeric column");
        return bad_syntax(t, text, reterr);
    }
    __int128 v;
    if (!round_digits(&n, t->scale, &v) || v >= power_of_ten(t->width) ||
        v <= -power_of_ten(t->width))
        return overflow(t, reterr);
    store_decimal(t, v, ret);
    return 0;
}

static int parse_float(const struct dm_type *t, struct dm_str text, struct dm_cell *ret,
                       struct dm_err *reterr)
{
    struct dm_str s = dm_str_trim(text);
    char buf[512];
    if (!s.len || s.len >= sizeof(buf))
        return bad_syntax(t, text, reterr);
    memcpy(buf, s.p, s.len);
    buf[s.len] = '\0';
    char *end;
    if (t->id == DUCKDB_TYPE_FLOAT)
        ret->v.f32 = strtof(buf, &end);
    else
        ret->v.f64 = strtod(buf, &end);
    if (end != buf + s.len || strpbrk(buf, "xX()"))
        return bad_syntax(t, text, reterr);
    double d = t->id == DUCKDB_TYPE_FLOAT ? (double)ret->v.f32 : ret->v.f64;
    bool is_zero = strspn(buf, "+-0.eE") == s.len || buf[strspn(buf, "+-0.")] == 'e';
    if ((isinf(d) && !strpbrk(buf, "iI")) || (d == 0 && !is_zero))
        return data_error(reterr, "22003", "\"%s\" is out of range for type %s", buf, type_name(t));
    return 0;
}

/* boolean: any beginning of true, false, yes, no, and on, off, 1, 0. */
static int parse_bool(const struct dm_type *t, struct dm_str text, struct dm_cell *ret,
                      struct dm_err *reterr)
{
    static const struct {
        const char *word;
        size_t least;
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    struct dm_str s = dm_str_trim(text);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct dm_str word = dm_str_c(words[i].word);
        if (s.len >= words[i].least && s.len <= word.len &&
            dm_str_ieq(s, dm_str_sub(word, 0, s.len))) {
            ret->v.b = words[i].value;
            return 0;
        }
    }
    return bad_syntax(t, text, reterr);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_uuid(const struct dm_type *t, struct dm_str text, struct dm_cell *ret,
                      struct dm_err *reterr)
{
    struct dm_str s = dm_str_trim(text);
    if (s.len > 1 && s.p[0] == '{' && s.p[s.len - 1] == '}')
        s = dm_str_sub(s, 1, s.len - 1);
    unsigned __int128 v = 0;
    int n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '-' && n && n % 4 == 0)
            continue;
        int h = hex_value(s.p[i]);
        if (h < 0 || n++ == 32)
            return bad_syntax(t, text, reterr);
        v = v << 4 | (unsigned)h;
    }
    if (n != 32)
        return bad_syntax(t, text, reterr);
    ret->v.i128 = (__int128)(v ^ (unsigned __int128)1 << 127);
    return 0;
}

static int parse_bytea(struct dm_arena *a, const struct dm_type *t, struct dm_str text,
                       struct dm_cell *ret, struct dm_err *reterr)
{
    char *out = dm_arena_alloc(a, text.len + 1);
    size_t n = 0;
    if (text.len >= 2 && text.p[0] == '\\' && text.p[1] == 'x') {
        int high = -1;
        for (size_t i = 2; i < text.len; i++) {
            if (isspace((unsigned char)text.p[i]) && high < 0)
                continue;
            int h = hex_value(text.p[i]);
            if (h < 0)
                return data_error(reterr, "22023", "invalid hexadecimal digit: \"%c\"", text.p[i]);
            if (high < 0) {
                high = h;
            } else {
                out[n++] = (char)(high << 4 | h);
                high = -1;
            }
        }
        if (high >= 0)
            return data_error(reterr, "22023", "invalid hexadecimal data: odd number of digits");
        ret->bytes = dm_str_n(out, n);
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\\') {
            out[n++] = text.p[i];
        } else if (i + 1 < text.len && text.p[i + 1] == '\\') {
            out[n++] = '\\';
            i++;
        } else if (i + 3 < text.len && text.p[i + 1] >= '0' && text.p[i + 1] <= '3' &&
                   text.p[i + 2] >= '0' && text.p[i + 2] <= '7' && text.p[i + 3] >= '0' &&
                   text.p[i + 3] <= '7') {
            out[n++] = (char)((text.p[i + 1] - '0') << 6 | (text.p[i + 2] - '0') << 3 |
                              (text.p[i + 3] - '0'));
            i += 3;
        } else {
            return bad_syntax(t, text, reterr);
        }
    }
    ret->bytes = dm_str_n(out, n);
    return 0;
}

static int check_text(struct dm_str text, struct dm_err *reterr)
{
    size_t at;
    if (memchr(text.p ? text.p : "", 0, text.len))
        return data_error(reterr, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
    if (dm_utf8_valid(text, &at))
        return 0;
    return data_error(reterr, "22021", "invalid byte sequence for encoding \"UTF8\": 0x%02x",
                      (unsigned char)text.p[at]);
}

/* Arrays: {1,NULL,"a b"}. */

struct array_scan {
    struct dm_arena *arena;
    struct dm_str text;
    size_t at;
    size_t items;
};

static int bad_array(struct dm_str text, const char *detail, struct dm_err *reterr)
{
    data_error(reterr, "22P02", "malformed array literal: \"%.*s\"", DM_FMT(text));
    dm_err_detail(reterr, "%s", detail);
    return DM_E_DATA;
}

static void skip_blanks(struct array_scan *s)
{
    while (s->at < s->text.len && isspace((unsigned char)s->text.p[s->at]))
        s->at++;
}

static int array_element(struct array_scan *s, struct dm_str *ret, bool *ret_quoted,
                         struct dm_err *reterr)
{
    char *out = dm_arena_alloc(s->arena, s->text.len - s->at + 1);
    size_t n = 0, solid = 0;
    bool quoted = s->at < s->text.len && s->text.p[s->at] == '"';
    if (quoted)
        s->at++;
    for (;; s->at++) {
        if (s->at >= s->text.len)
            return bad_array(s->text, "Unexpected end of input.", reterr);
        char c = s->text.p[s->at];
        if (c == '\\') {
            if (++s->at >= s->text.len)
                return bad_array(s->text, "Unexpected end of input.", reterr);
            out[n++] = s->text.p[s->at];
            solid = n;
        } else if (quoted && c == '"') {
            s->at++;
            solid = n;
            break;
        } else if (!quoted && (c == ',' || c == '}')) {
            break;
        } else if (!quoted && (c == '{' || c == '"')) {
            return bad_array(s->text, "Unexpected array element.", reterr);
        } else {
            out[n++] = c;
            if (!isspace((unsigned char)c))
                solid = n;
        }
    }
    if (!quoted && !solid)
        return bad_array(s->text, "Unexpected \"}\" or \",\" character.", reterr);
    *ret = dm_str_n(out, solid);
    *ret_quoted = quoted;
    return 0;
}

static int array_level(struct array_scan *s, const struct dm_type *element, int depth,
                       struct dm_cell *ret, struct dm_err *reterr)
{
    if (depth > LIST_DEPTH_MAX)
        return data_error(reterr, "54000", "number of array dimensions exceeds the maximum of %d",
                          LIST_DEPTH_MAX);
    skip_blanks(s);
    if (s->at >= s->text.len || s->text.p[s->at] != '{')
        return bad_array(s->text, "Array value must start with \"{\".", reterr);
    s->at++;
    size_t cap = 0;
    skip_blanks(s);
    if (s->at < s->text.len && s->text.p[s->at] == '}') {
        s->at++;
        return 0;
    }
    for (;;) {
        if (++s->items > LIST_ITEMS_MAX)
            return data_error(reterr, "54000", "array has more than %d elements", LIST_ITEMS_MAX);
        if (ret->n_items == cap) {
            cap = cap ? cap * 2 : 8;
            struct dm_cell *bigger = dm_arena_array(s->arena, struct dm_cell, cap);
            if (ret->n_items)
                memcpy(bigger, ret->items, ret->n_items * sizeof(*bigger));
            ret->items = bigger;
        }
        struct dm_cell *item = &ret->items[ret->n_items++];
        skip_blanks(s);
        if (element->id == DUCKDB_TYPE_LIST || element->id == DUCKDB_TYPE_ARRAY) {
            DM_TRY(array_level(s, &element->children[0], depth + 1, item, reterr));
        } else {
            struct dm_str text;
            bool quoted;
            DM_TRY(array_element(s, &text, &quoted, reterr));
            if (!quoted && dm_str_ieq(text, DM_STR("null")))
                item->null = true;
            else
                DM_TRY(dm_parse_text(s->arena, element, text, item, reterr));
        }
        skip_blanks(s);
        char c = s->at < s->text.len ? s->text.p[s->at] : '\0';
        s->at++;
        if (c == '}')
            return 0;
        if (c != ',')
            return bad_array(s->text, "Unexpected end of input.", reterr);
    }
}

static int parse_array(struct dm_arena *a, const struct dm_type *t, struct dm_str text,
                       struct dm_cell *ret, struct dm_err *reterr)
{
    struct array_scan s = {.arena = a, .text = text};
    DM_TRY(array_level(&s, &t->children[0], 1, ret, reterr));
    skip_blanks(&s);
    if (s.at != text.len)
        return bad_array(text, "Junk after closing right brace.", reterr);
    if (t->id == DUCKDB_TYPE_ARRAY && ret->n_items != t->array_size)
        return data_error(reterr, "22P02", "array has %zu elements, the column %llu", ret->n_items,
                          (unsigned long long)t->array_size);
    return 0;
}

static int64_t timetz_bits(int64_t us, int offset)
{
    return (int64_t)((uint64_t)us << 24 | (uint64_t)(57599 - offset));
}

int dm_parse_text(struct dm_arena *a, const struct dm_type *t, struct dm_str text,
                  struct dm_cell *ret, struct dm_err *reterr)
{
    int offset;
    int64_t us;
    *ret = (struct dm_cell){0};
    switch (t->id) {
    case DUCKDB_TYPE_BOOLEAN:
        return parse_bool(t, text, ret, reterr);
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
        return parse_integer(t, text, ret, reterr);
    case DUCKDB_TYPE_DECIMAL:
        return parse_decimal(t, text, ret, reterr);
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
        return parse_float(t, text, ret, reterr);
    case DUCKDB_TYPE_DATE:
        return dm_parse_date(text, &ret->v.i32, reterr);
    case DUCKDB_TYPE_TIMESTAMP:
        return dm_parse_timestamp(text, false, &ret->v.i64, reterr);
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return dm_parse_timestamp(text, true, &ret->v.i64, reterr);
    case DUCKDB_TYPE_TIME:
        return dm_parse_time(text, &ret->v.i64, &offset, reterr);
    case DUCKDB_TYPE_TIME_TZ:
        DM_TRY(dm_parse_time(text, &us, &offset, reterr));
        ret->v.i64 = timetz_bits(us, offset);
        return 0;
    case DUCKDB_TYPE_INTERVAL:
        return dm_parse_interval(text, &ret->v.interval, reterr);
    case DUCKDB_TYPE_UUID:
        return parse_uuid(t, text, ret, reterr);
    case DUCKDB_TYPE_BLOB:
        return parse_bytea(a, t, text, ret, reterr);
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
        return parse_array(a, t, text, ret, reterr);
    default: /* text, and what the engine casts from text */
        DM_TRY(check_text(text, reterr));
        ret->bytes = text;
        return 0;
    }
}

/* Binary. */

static int bad_binary(struct dm_err *reterr)
{
    return data_error(reterr, "22P03", "incorrect binary data format");
}

static uint64_t big_endian(struct dm_str b)
{
    uint64_t v = 0;
    for (size_t i = 0; i < b.len && i < 8; i++)
        v = v << 8 | (unsigned char)b.p[i];
    return v;
}

static int64_t sign_extended(struct dm_str b)
{
    uint64_t v = big_endian(b);
    return b.len == 2 ? (int16_t)v : b.len == 4 ? (int32_t)v : (int64_t)v;
}

static unsigned u16_at(struct dm_str b, size_t at)
{
    return (unsigned)((unsigned char)b.p[at] << 8 | (unsigned char)b.p[at + 1]);
}

/* numeric on the wire as text: the text parser then rounds and checks. */
static int numeric_text(struct dm_str b, struct dm_strbuf *out, struct dm_err *reterr)
{
    if (b.len < 8)
        return bad_binary(reterr);
    int n = (int16_t)u16_at(b, 0), weight = (int16_t)u16_at(b, 2);
    unsigned sign = u16_at(b, 4);
    int scale = (int)u16_at(b, 6);
    if (n < 0 || b.len != 8 + (size_t)n * 2 || weight > 32 || weight < -300 || scale > 0x3fff)
        return bad_binary(reterr);
    if (sign == 0xC000) {
        dm_strbuf_adds(out, "NaN");
        return 0;
    }
    if (sign != 0 && sign != 0x4000)
        return bad_binary(reterr);
    if (sign)
        dm_strbuf_addc(out, '-');
    dm_strbuf_adds(out, "0");
    for (int i = 0; i < n || i <= weight; i++) {
        unsigned digit = i < n ? u16_at(b, 8 + (size_t)i * 2) : 0;
        if (digit > 9999)
            return bad_binary(reterr);
        if (i == 0 && weight < 0) {
            dm_strbuf_addc(out, '.');
            for (int z = weight; z < -1; z++)
                dm_strbuf_adds(out, "0000");
        }
        dm_strbuf_addf(out, "%04u", digit);
        if (i == weight)
            dm_strbuf_addc(out, '.');
    }
    return 0;
}

static int binary_array(struct dm_arena *a, const struct dm_type *t, struct dm_str b,
                        struct dm_cell *ret, struct dm_err *reterr)
{
    if (b.len < 12)
        return bad_binary(reterr);
    uint32_t dims = (uint32_t)big_endian(dm_str_sub(b, 0, 4));
    unsigned element = (unsigned)big_endian(dm_str_sub(b, 8, 12));
    if (dims == 0)
        return 0;
    if (dims != 1)
        return data_error(reterr, "0A000", "cannot read a binary array of %u dimensions", dims);
    if (b.len < 20)
        return bad_binary(reterr);
    uint32_t n = (uint32_t)big_endian(dm_str_sub(b, 12, 16));
    size_t at = 20;
    if (n > LIST_ITEMS_MAX)
        return data_error(reterr, "54000", "array has more than %d elements", LIST_ITEMS_MAX);
    ret->items = dm_arena_array(a, struct dm_cell, n + 1);
    ret->n_items = n;
    for (uint32_t i = 0; i < n; i++) {
        if (b.len - at < 4)
            return bad_binary(reterr);
        int32_t len = (int32_t)big_endian(dm_str_sub(b, at, at + 4));
        at += 4;
        if (len < 0) {
            ret->items[i] = (struct dm_cell){.null = true};
            continue;
        }
        if ((size_t)len > b.len - at)
            return bad_binary(reterr);
        DM_TRY(dm_parse_binary(a, &t->children[0], element, dm_str_sub(b, at, at + (size_t)len),
                               &ret->items[i], reterr));
        at += (size_t)len;
    }
    return at == b.len ? 0 : bad_binary(reterr);
}

/* Clients send an integer in the width that they declared, not in the column's. */
static int binary_number(struct dm_arena *a, const struct dm_type *t, unsigned oid,
                         struct dm_str bytes, struct dm_cell *ret, struct dm_err *reterr)
{
    char text[64];
    if (oid == DM_OID_FLOAT4 || oid == DM_OID_FLOAT8) {
        double d;
        uint64_t bits = big_endian(bytes);
        if (bytes.len == 4) {
            float f;
            uint32_t low = (uint32_t)bits;
            memcpy(&f, &low, sizeof(f));
            d = (double)f;
        } else if (bytes.len == 8) {
            memcpy(&d, &bits, sizeof(d));
        } else {
            return bad_binary(reterr);
        }
        if (t->id == DUCKDB_TYPE_FLOAT)
            ret->v.f32 = (float)d;
        else if (t->id == DUCKDB_TYPE_DOUBLE)
            ret->v.f64 = d;
        else
            return bad_binary(reterr);
        return 0;
    }
    if (oid == DM_OID_NUMERIC) {
        _cleanup_strbuf_ struct dm_strbuf digits;
        dm_strbuf_init(&digits, DM_BUF_MESSAGE);
        DM_TRY(numeric_text(bytes, &digits, reterr));
        return dm_parse_text(a, t, dm_strbuf_str(&digits), ret, reterr);
    }
    if (bytes.len != 2 && bytes.len != 4 && bytes.len != 8)
        return bad_binary(reterr);
    int64_t v = oid == DM_OID_OID ? (int64_t)big_endian(bytes) : sign_extended(bytes);
    int n = snprintf(text, sizeof(text), "%lld", (long long)v);
    return dm_parse_text(a, t, dm_str_n(text, (size_t)n), ret, reterr);
}

static int64_t from_pg_timestamp(int64_t us)
{
    if (us == INT64_MAX || us == INT64_MIN)
        return us == INT64_MAX ? INT64_MAX : -INT64_MAX;
    int64_t shifted;
    return __builtin_add_overflow(us, PG_EPOCH_DAYS * DM_DAY, &shifted) ? INT64_MAX : shifted;
}

int dm_parse_binary(struct dm_arena *a, const struct dm_type *t, unsigned oid, struct dm_str bytes,
                    struct dm_cell *ret, struct dm_err *reterr)
{
    __int128 least, most;
    *ret = (struct dm_cell){0};
    if (!oid)
        oid = dm_type_oid(t);
    if (integer_limits(t->id, &least, &most) || t->id == DUCKDB_TYPE_DECIMAL ||
        t->id == DUCKDB_TYPE_FLOAT || t->id == DUCKDB_TYPE_DOUBLE)
        return binary_number(a, t, oid, bytes, ret, reterr);
    switch (t->id) {
    case DUCKDB_TYPE_BOOLEAN:
        if (bytes.len != 1)
            return bad_binary(reterr);
        ret->v.b = bytes.p[0] != 0;
        return 0;
    case DUCKDB_TYPE_DATE: {
        if (bytes.len != 4)
            return bad_binary(reterr);
        int32_t days = (int32_t)big_endian(bytes);
        if (days == INT32_MAX || days == INT32_MIN)
            ret->v.i32 = days == INT32_MAX ? INT32_MAX : -INT32_MAX;
        else if (__builtin_add_overflow(days, PG_EPOCH_DAYS, &ret->v.i32))
            return data_error(reterr, "22008", "date out of range");
        return 0;
    }
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        if (bytes.len != 8)
            return bad_binary(reterr);
        ret->v.i64 = from_pg_timestamp((int64_t)big_endian(bytes));
        return 0;
    case DUCKDB_TYPE_TIME:
        if (bytes.len != 8)
            return bad_binary(reterr);
        ret->v.i64 = (int64_t)big_endian(bytes);
        return ret->v.i64 < 0 || ret->v.i64 > DM_DAY ? bad_binary(reterr) : 0;
    case DUCKDB_TYPE_TIME_TZ: {
        if (bytes.len != 12)
            return bad_binary(reterr);
        int64_t us = (int64_t)big_endian(dm_str_sub(bytes, 0, 8));
        int32_t west = (int32_t)big_endian(dm_str_sub(bytes, 8, 12));
        if (us < 0 || us > DM_DAY || west < -57599 || west > 57599)
            return bad_binary(reterr);
        ret->v.i64 = timetz_bits(us, -west);
        return 0;
    }
    case DUCKDB_TYPE_INTERVAL:
        if (bytes.len != 16)
            return bad_binary(reterr);
        ret->v.interval =
            (duckdb_interval){.micros = (int64_t)big_endian(dm_str_sub(bytes, 0, 8)),
                              .days = (int32_t)big_endian(dm_str_sub(bytes, 8, 12)),
                              .months = (int32_t)big_endian(dm_str_sub(bytes, 12, 16))};
        return 0;
    case DUCKDB_TYPE_UUID: {
        if (bytes.len != 16)
            return bad_binary(reterr);
        unsigned __int128 v = (unsigned __int128)big_endian(dm_str_sub(bytes, 0, 8)) << 64 |
                              big_endian(dm_str_sub(bytes, 8, 16));
        ret->v.i128 = (__int128)(v ^ (unsigned __int128)1 << 127);
        return 0;
    }
    case DUCKDB_TYPE_BLOB:
        ret->bytes = bytes;
        return 0;
    case DUCKDB_TYPE_LIST:
        return binary_array(a, t, bytes, ret, reterr);
    default:
        return dm_parse_text(a, t, bytes, ret, reterr);
    }
}
