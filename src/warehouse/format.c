/* Values out, in PostgreSQL's text and binary formats. */
#include "warehouse/format.h"

#include <endian.h>
#include <math.h>

#include "base/time.h"

/* PostgreSQL counts from 2000-01-01. */
enum { PG_EPOCH_DAYS = 10957 };
#define PG_EPOCH_US (PG_EPOCH_DAYS * DM_DAY)
#define DATE_INFINITY INT32_MAX /* DuckDB's; minus infinity is its negative */
#define TIMESTAMP_INFINITY INT64_MAX

static __int128 int128_at(const struct dm_vector *v, size_t row)
{
    const duckdb_hugeint *h = (const duckdb_hugeint *)v->data + row;
    return (__int128)((unsigned __int128)(uint64_t)h->upper << 64 | h->lower);
}

static __int128 decimal_at(const struct dm_vector *v, size_t row)
{
    if (v->type->width <= 4)
        return ((const int16_t *)v->data)[row];
    if (v->type->width <= 9)
        return ((const int32_t *)v->data)[row];
    if (v->type->width <= 18)
        return ((const int64_t *)v->data)[row];
    return int128_at(v, row);
}

/* Integers of every width as one; false for what is no integer. */
static bool integer_at(const struct dm_vector *v, size_t row, __int128 *ret)
{
    switch (v->type->id) {
    case DUCKDB_TYPE_TINYINT:
        *ret = ((const int8_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_SMALLINT:
        *ret = ((const int16_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_INTEGER:
        *ret = ((const int32_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_BIGINT:
        *ret = ((const int64_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_UTINYINT:
        *ret = ((const uint8_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_USMALLINT:
        *ret = ((const uint16_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_UINTEGER:
        *ret = ((const uint32_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_UBIGINT:
        *ret = ((const uint64_t *)v->data)[row];
        return true;
    case DUCKDB_TYPE_HUGEINT:
        *ret = int128_at(v, row);
        return true;
    default:
        return false;
    }
}

/* Microseconds since 1970 of every kind of timestamp. */
static int64_t timestamp_at(const struct dm_vector *v, size_t row)
{
    int64_t t = ((const int64_t *)v->data)[row];
    if (t == TIMESTAMP_INFINITY || t == -TIMESTAMP_INFINITY)
        return t;
    switch (v->type->id) {
    case DUCKDB_TYPE_TIMESTAMP_S:
        return t * DM_SEC;
    case DUCKDB_TYPE_TIMESTAMP_MS:
        return t * DM_MS;
    case DUCKDB_TYPE_TIMESTAMP_NS:
        return t / 1000 - (t % 1000 < 0);
    default:
        return t;
    }
}

static const char *label_at(const struct dm_vector *v, size_t row)
{
    size_t i = v->type->n_names <= UINT8_MAX    ? ((const uint8_t *)v->data)[row]
               : v->type->n_names <= UINT16_MAX ? ((const uint16_t *)v->data)[row]
                                                : ((const uint32_t *)v->data)[row];
    return i < v->type->n_names ? v->type->names[i] : "";
}

/* Text. */

/* The digits of |v|, written backwards from `end`. */
static char *digits_before(char *end, unsigned __int128 v)
{
    while (v > UINT64_MAX) {
        *--end = (char)('0' + (int)(v % 10));
        v /= 10;
    }
    for (uint64_t u = (uint64_t)v; u || *end == '\0'; u /= 10) {
        *--end = (char)('0' + (int)(u % 10));
        if (u < 10)
            break;
    }
    return end;
}

static void add_integer(__int128 v, struct dm_strbuf *out)
{
    char buf[48];
    char *end = buf + sizeof(buf) - 1;
    *end = '\0';
    char *p = digits_before(end, v < 0 ? -(unsigned __int128)v : (unsigned __int128)v);
    if (v < 0)
        *--p = '-';
    dm_strbuf_add(out, p, (size_t)(end - p));
}

static void add_decimal(__int128 v, int scale, struct dm_strbuf *out)
{
    char buf[96];
    char *end = buf + sizeof(buf) - 1;
    *end = '\0';
    char *p = digits_before(end, v < 0 ? -(unsigned __int128)v : (unsigned __int128)v);
    while (end - p <= scale)
        *--p = '0';
    if (v < 0)
        dm_strbuf_addc(out, '-');
    dm_strbuf_add(out, p, (size_t)(end - p) - (size_t)scale);
    if (scale) {
        dm_strbuf_addc(out, '.');
        dm_strbuf_add(out, end - scale, (size_t)scale);
    }
}

/* The shortest digits that read back as the same number, laid out as PostgreSQL does: plain where the exponent is
   at least -4 and below `plain_below`. */
static void add_float(double d, bool single, struct dm_strbuf *out)
{
    if (isnan(d)) {
        dm_strbuf_adds(out, "NaN");
        return;
    }
    if (isinf(d)) {
        dm_strbuf_adds(out, d < 0 ? "-Infinity" : "Infinity");
        return;
    }
    char text[40];
    int least = single ? 6 : 15, most = single ? 9 : 17, plain_below = single ? 6 : 15;
    for (int digits = least; digits <= most; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, d);
        if (single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
            break;
    }
    char *e = strchr(text, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10);
    char digits[24];
    int n = 0;
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (signbit(d))
        dm_strbuf_addc(out, '-');
    if (exponent < -4 || exponent >= plain_below) {
        dm_strbuf_addc(out, digits[0]);
        if (n > 1)
            dm_strbuf_addf(out, ".%.*s", n - 1, digits + 1);
        dm_strbuf_addf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) {
        dm_strbuf_addf(out, "0.%.*s%.*s", -exponent - 1, "000", n, digits);
        return;
    }
    for (int i = 0; i <= exponent; i++)
        dm_strbuf_addc(out, i < n ? digits[i] : '0');
    if (n > exponent + 1)
        dm_strbuf_addf(out, ".%.*s", n - exponent - 1, digits + exponent + 1);
}

void dm_format_float8(double d, struct dm_strbuf *out)
{
    add_float(d, false, out);
}

static void add_two(char *p, int v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
}

/* "2010-12-01"; returns whether the year is before Christ. */
static bool add_day(int64_t days, struct dm_strbuf *out)
{
    /* Civil from days (proleptic Gregorian), for years beyond those of base/time. */
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int day = (int)(doy - (153 * mp + 2) / 5 + 1);
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int64_t year = yoe + era * 400 + (month <= 2);
    bool bc = year <= 0;
    int64_t shown = bc ? 1 - year : year;
    char buf[12];
    if (shown <= 9999) {
        add_two(buf, (int)(shown / 100));
        add_two(buf + 2, (int)(shown % 100));
        buf[4] = '-';
        add_two(buf + 5, month);
        buf[7] = '-';
        add_two(buf + 8, day);
        dm_strbuf_add(out, buf, 10);
    } else {
        dm_strbuf_addf(out, "%lld-%02d-%02d", (long long)shown, month, day);
    }
    return bc;
}

void dm_format_date(int32_t days, struct dm_strbuf *out)
{
    if (days == DATE_INFINITY || days == -DATE_INFINITY) {
        dm_strbuf_adds(out, days < 0 ? "-infinity" : "infinity");
        return;
    }
    if (add_day(days, out))
        dm_strbuf_adds(out, " BC");
}

/* "08:26:00", with a fraction only where there is one and without its last zeros. */
static void add_clock(int64_t us, struct dm_strbuf *out)
{
    char buf[16];
    int64_t s = us / DM_SEC;
    int fraction = (int)(us % DM_SEC), n = 8;
    add_two(buf, (int)(s / 3600));
    buf[2] = ':';
    add_two(buf + 3, (int)(s / 60 % 60));
    buf[5] = ':';
    add_two(buf + 6, (int)(s % 60));
    if (fraction) {
        buf[n++] = '.';
        for (int unit = 100000; fraction; unit /= 10) {
            buf[n++] = (char)('0' + fraction / unit);
            fraction %= unit;
        }
    }
    dm_strbuf_add(out, buf, (size_t)n);
}

void dm_format_timestamp(int64_t us, bool utc_suffix, struct dm_strbuf *out)
{
    if (us == TIMESTAMP_INFINITY || us == -TIMESTAMP_INFINITY) {
        dm_strbuf_adds(out, us < 0 ? "-infinity" : "infinity");
        return;
    }
    int64_t days = us / DM_DAY - (us % DM_DAY < 0);
    bool bc = add_day(days, out);
    dm_strbuf_addc(out, ' ');
    add_clock(us - days * DM_DAY, out);
    if (utc_suffix)
        dm_strbuf_adds(out, "+00");
    if (bc)
        dm_strbuf_adds(out, " BC");
}

/* DuckDB's 40 bits of microseconds and 24 bits of an offset that is stored so that the order is by instant. */
static int64_t timetz_us(uint64_t bits)
{
    return (int64_t)(bits >> 24);
}

static int timetz_offset(uint64_t bits) /* seconds east */
{
    return 57599 - (int)(bits & 0xffffff);
}

static void add_offset(int seconds, struct dm_strbuf *out)
{
    int n = abs(seconds);
    dm_strbuf_addf(out, "%c%02d", seconds < 0 ? '-' : '+', n / 3600);
    if (n % 3600)
        dm_strbuf_addf(out, ":%02d", n / 60 % 60);
    if (n % 60)
        dm_strbuf_addf(out, ":%02d", n % 60);
}

static void add_unit(int64_t n, const char *unit, bool *first, bool *negative,
                     struct dm_strbuf *out)
{
    if (!n)
        return;
    dm_strbuf_addf(out, "%s%s%lld %s%s", *first ? "" : " ", *negative && n > 0 ? "+" : "",
                   (long long)n, unit, n == 1 ? "" : "s");
    *negative = n < 0;
    *first = false;
}

/* "1 year 2 mons -3 days +04:05:06.7" */
static void add_interval(const duckdb_interval *iv, struct dm_strbuf *out)
{
    bool first = true, negative = false;
    add_unit(iv->months / 12, "year", &first, &negative, out);
    add_unit(iv->months % 12, "mon", &first, &negative, out);
    add_unit(iv->days, "day", &first, &negative, out);
    if (!iv->micros && !first)
        return;
    if (!first)
        dm_strbuf_addc(out, ' ');
    if (iv->micros < 0)
        dm_strbuf_addc(out, '-');
    else if (negative)
        dm_strbuf_addc(out, '+');
    uint64_t us = iv->micros < 0 ? -(uint64_t)iv->micros : (uint64_t)iv->micros;
    if (us / DM_HOUR < 100) {
        add_clock((int64_t)us, out);
    } else {
        uint64_t hours = us / DM_HOUR;
        dm_strbuf_addf(out, "%llu", (unsigned long long)hours);
        struct dm_strbuf rest;
        dm_strbuf_init(&rest, 32);
        add_clock((int64_t)(us % DM_HOUR), &rest);
        dm_strbuf_add(out, rest.p + 2, rest.len - 2); /* without its hours */
        dm_strbuf_release(&rest);
    }
}

static void add_uuid(unsigned __int128 v, struct dm_strbuf *out)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        unsigned byte = (unsigned)(v >> (8 * (15 - i))) & 0xff;
        if (i == 4 || i == 6 || i == 8 || i == 10)
            dm_strbuf_addc(out, '-');
        dm_strbuf_addc(out, hex[byte >> 4]);
        dm_strbuf_addc(out, hex[byte & 15]);
    }
}

static unsigned __int128 uuid_at(const struct dm_vector *v, size_t row)
{
    return (unsigned __int128)int128_at(v, row) ^ (unsigned __int128)1 << 127;
}

static void add_hex(struct dm_str s, struct dm_strbuf *out)
{
    static const char hex[] = "0123456789abcdef";
    dm_strbuf_adds(out, "\\x");
    for (size_t i = 0; i < s.len; i++) {
        dm_strbuf_addc(out, hex[(unsigned char)s.p[i] >> 4]);
        dm_strbuf_addc(out, hex[s.p[i] & 15]);
    }
}

/* DuckDB's BIT: the number of padding bits, then the bits with the padding first. */
static void add_bits(struct dm_str s, struct dm_strbuf *out)
{
    size_t padding = s.len ? (unsigned char)s.p[0] : 0;
    for (size_t i = padding; s.len && i < (s.len - 1) * 8; i++)
        dm_strbuf_addc(out, (unsigned char)s.p[1 + i / 8] >> (7 - i % 8) & 1 ? '1' : '0');
}

static bool array_element_needs_quotes(struct dm_str s)
{
    if (s.len == 0 || dm_str_ieq(s, DM_STR("null")))
        return true;
    for (size_t i = 0; i < s.len; i++)
        if (strchr("{},\"\\ \t\n\r\v\f", s.p[i]) && s.p[i])
            return true;
    return false;
}

static void add_quoted(struct dm_str s, struct dm_strbuf *out)
{
    dm_strbuf_addc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            dm_strbuf_addc(out, '\\');
        dm_strbuf_addc(out, s.p[i]);
    }
    dm_strbuf_addc(out, '"');
}

static bool is_list(const struct dm_type *t)
{
    return t->id == DUCKDB_TYPE_LIST || t->id == DUCKDB_TYPE_ARRAY;
}

static void list_range(const struct dm_vector *v, size_t row, size_t *ret_from, size_t *ret_n)
{
    if (v->type->id == DUCKDB_TYPE_ARRAY) {
        *ret_from = row * v->type->array_size;
        *ret_n = v->type->array_size;
        return;
    }
    const duckdb_list_entry *e = (const duckdb_list_entry *)v->data + row;
    *ret_from = e->offset;
    *ret_n = e->length;
}

/* {1,NULL,"a b"}; a list in a list is another dimension. */
static int add_array(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                     struct dm_err *reterr)
{
    size_t from, n;
    list_range(v, row, &from, &n);
    const struct dm_vector *child = &v->children[0];
    _cleanup_strbuf_ struct dm_strbuf element;
    dm_strbuf_init(&element, out->max);
    dm_strbuf_addc(out, '{');
    for (size_t i = from; i < from + n; i++) {
        if (i > from)
            dm_strbuf_addc(out, ',');
        if (dm_vector_is_null(child, i)) {
            dm_strbuf_adds(out, "NULL");
            continue;
        }
        dm_strbuf_clear(&element);
        DM_TRY(dm_format_text(child, i, &element, reterr));
        DM_TRY(dm_strbuf_check(&element, "an array element", reterr));
        if (!is_list(child->type) && array_element_needs_quotes(dm_strbuf_str(&element)))
            add_quoted(dm_strbuf_str(&element), out);
        else
            dm_strbuf_addstr(out, dm_strbuf_str(&element));
    }
    dm_strbuf_addc(out, '}');
    return 0;
}

/* A JSON value, for STRUCT and MAP, which PostgreSQL has no simple type for. */
static int add_json(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                    struct dm_err *reterr)
{
    if (dm_vector_is_null(v, row)) {
        dm_strbuf_adds(out, "null");
        return 0;
    }
    __int128 integer;
    if (v->type->id == DUCKDB_TYPE_STRUCT) {
        dm_strbuf_addc(out, '{');
        for (size_t i = 0; i < v->type->n_children; i++) {
            if (i)
                dm_strbuf_addc(out, ',');
            dm_strbuf_add_json(out, dm_str_c(v->type->names[i]));
            dm_strbuf_addc(out, ':');
            DM_TRY(add_json(&v->children[i], row, out, reterr));
        }
        dm_strbuf_addc(out, '}');
        return 0;
    }
    if (is_list(v->type)) {
        size_t from, n;
        list_range(v, row, &from, &n);
        dm_strbuf_addc(out, '[');
        for (size_t i = from; i < from + n; i++) {
            if (i > from)
                dm_strbuf_addc(out, ',');
            DM_TRY(add_json(&v->children[0], i, out, reterr));
        }
        dm_strbuf_addc(out, ']');
        return 0;
    }
    if (v->type->id == DUCKDB_TYPE_BOOLEAN) {
        dm_strbuf_adds(out, ((const bool *)v->data)[row] ? "true" : "false");
        return 0;
    }
    if (integer_at(v, row, &integer) || v->type->id == DUCKDB_TYPE_DECIMAL || v->type->json)
        return dm_format_text(v, row, out, reterr);
    if (v->type->id == DUCKDB_TYPE_MAP)
        return dm_format_text(v, row, out, reterr);
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, out->max);
    DM_TRY(dm_format_text(v, row, &text, reterr));
    DM_TRY(dm_strbuf_check(&text, "a field", reterr));
    dm_strbuf_add_json(out, dm_strbuf_str(&text));
    return 0;
}

static int add_map(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                   struct dm_err *reterr)
{
    const duckdb_list_entry *e = (const duckdb_list_entry *)v->data + row;
    _cleanup_strbuf_ struct dm_strbuf key;
    dm_strbuf_init(&key, out->max);
    dm_strbuf_addc(out, '{');
    for (size_t i = e->offset; i < e->offset + e->length; i++) {
        if (i > e->offset)
            dm_strbuf_addc(out, ',');
        dm_strbuf_clear(&key);
        DM_TRY(dm_format_text(&v->children[0], i, &key, reterr));
        DM_TRY(dm_strbuf_check(&key, "a map's key", reterr));
        dm_strbuf_add_json(out, dm_strbuf_str(&key));
        dm_strbuf_addc(out, ':');
        DM_TRY(add_json(&v->children[1], i, out, reterr));
    }
    dm_strbuf_addc(out, '}');
    return 0;
}

static int beyond_bigint(struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_DATA, "bigint out of range");
    dm_err_hint(reterr, "Cast the expression to numeric.");
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "22003");
    return DM_E_DATA;
}

static int unsupported(const char *what, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_UNSUPPORTED, "cannot send values of the type %s", what);
    dm_err_hint(reterr, "Cast the column to text.");
    return DM_E_UNSUPPORTED;
}

int dm_format_text(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                   struct dm_err *reterr)
{
    __int128 integer;
    if (integer_at(v, row, &integer)) {
        if (v->type->id == DUCKDB_TYPE_HUGEINT && (integer < INT64_MIN || integer > INT64_MAX))
            return beyond_bigint(reterr);
        add_integer(integer, out);
        return 0;
    }
    switch (v->type->id) {
    case DUCKDB_TYPE_BOOLEAN:
        dm_strbuf_addc(out, ((const bool *)v->data)[row] ? 't' : 'f');
        return 0;
    case DUCKDB_TYPE_DECIMAL:
        add_decimal(decimal_at(v, row), v->type->scale, out);
        return 0;
    case DUCKDB_TYPE_UHUGEINT: {
        char buf[48];
        char *end = buf + sizeof(buf) - 1;
        *end = '\0';
        char *p = digits_before(end, (unsigned __int128)int128_at(v, row));
        dm_strbuf_add(out, p, (size_t)(end - p));
        return 0;
    }
    case DUCKDB_TYPE_FLOAT:
        add_float((double)((const float *)v->data)[row], true, out);
        return 0;
    case DUCKDB_TYPE_DOUBLE:
        add_float(((const double *)v->data)[row], false, out);
        return 0;
    case DUCKDB_TYPE_DATE:
        dm_format_date(((const int32_t *)v->data)[row], out);
        return 0;
    case DUCKDB_TYPE_TIME:
        add_clock(((const int64_t *)v->data)[row], out);
        return 0;
    case DUCKDB_TYPE_TIME_NS:
        add_clock(((const int64_t *)v->data)[row] / 1000, out);
        return 0;
    case DUCKDB_TYPE_TIME_TZ: {
        uint64_t bits = ((const uint64_t *)v->data)[row];
        add_clock(timetz_us(bits), out);
        add_offset(timetz_offset(bits), out);
        return 0;
    }
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
        dm_format_timestamp(timestamp_at(v, row), false, out);
        return 0;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        dm_format_timestamp(timestamp_at(v, row), true, out);
        return 0;
    case DUCKDB_TYPE_INTERVAL:
        add_interval((const duckdb_interval *)v->data + row, out);
        return 0;
    case DUCKDB_TYPE_UUID:
        add_uuid(uuid_at(v, row), out);
        return 0;
    case DUCKDB_TYPE_VARCHAR:
        dm_strbuf_addstr(out, dm_string_t((const duckdb_string_t *)v->data + row));
        return 0;
    case DUCKDB_TYPE_BLOB:
        add_hex(dm_string_t((const duckdb_string_t *)v->data + row), out);
        return 0;
    case DUCKDB_TYPE_BIT:
        add_bits(dm_string_t((const duckdb_string_t *)v->data + row), out);
        return 0;
    case DUCKDB_TYPE_ENUM:
        dm_strbuf_adds(out, label_at(v, row));
        return 0;
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
        return add_array(v, row, out, reterr);
    case DUCKDB_TYPE_STRUCT:
        return add_json(v, row, out, reterr);
    case DUCKDB_TYPE_MAP:
        return add_map(v, row, out, reterr);
    case DUCKDB_TYPE_UNION:
        return unsupported("union", reterr);
    case DUCKDB_TYPE_BIGNUM:
        return unsupported("bignum", reterr);
    default:
        return unsupported("unknown", reterr);
    }
}

/* Binary. */

static void add16(struct dm_strbuf *out, uint16_t v)
{
    v = htobe16(v);
    dm_strbuf_add(out, &v, sizeof(v));
}

static void add32(struct dm_strbuf *out, uint32_t v)
{
    v = htobe32(v);
    dm_strbuf_add(out, &v, sizeof(v));
}

static void add64(struct dm_strbuf *out, uint64_t v)
{
    v = htobe64(v);
    dm_strbuf_add(out, &v, sizeof(v));
}

static unsigned __int128 power_of_ten(int n)
{
    unsigned __int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

/* numeric on the wire: digits in base 10000, the weight of the first, sign and display scale. */
static void add_numeric(bool negative, unsigned __int128 v, int scale, struct dm_strbuf *out)
{
    uint16_t digits[24];
    int n = 0;
    unsigned __int128 unit = power_of_ten(scale);
    unsigned __int128 whole = v / unit, fraction = v % unit;
    uint16_t reversed[12];
    int n_whole = 0;
    for (; whole; whole /= 10000)
        reversed[n_whole++] = (uint16_t)(whole % 10000);
    for (int i = n_whole; i > 0; i--)
        digits[n++] = reversed[i - 1];
    int weight = n_whole - 1;
    for (int left = scale; left > 0; left -= 4) {
        if (left >= 4) {
            unsigned __int128 group = power_of_ten(left - 4);
            digits[n++] = (uint16_t)(fraction / group);
            fraction %= group;
        } else {
            digits[n++] = (uint16_t)(fraction * power_of_ten(4 - left));
        }
    }
    int first = 0;
    while (first < n && digits[first] == 0) {
        first++;
        weight--;
    }
    while (n > first && digits[n - 1] == 0)
        n--;
    if (first == n)
        weight = 0;
    add16(out, (uint16_t)(n - first));
    add16(out, (uint16_t)weight);
    add16(out, negative && first < n ? 0x4000 : 0);
    add16(out, (uint16_t)scale);
    for (int i = first; i < n; i++)
        add16(out, digits[i]);
}

static void array_dims(const struct dm_vector *v, size_t row, int *n_dims, size_t dims[6])
{
    size_t from, n;
    list_range(v, row, &from, &n);
    dims[(*n_dims)++] = n;
    if (is_list(v->children[0].type) && n && *n_dims < 6 && !dm_vector_is_null(v->children, from))
        array_dims(&v->children[0], from, n_dims, dims);
}

static int add_array_items(const struct dm_vector *v, size_t row, int depth, int n_dims,
                           const size_t *dims, bool *has_null, struct dm_strbuf *out,
                           struct dm_err *reterr)
{
    size_t from, n;
    list_range(v, row, &from, &n);
    if (n != dims[depth]) {
        dm_err_set(reterr, DM_E_DATA, "nested lists of different lengths are no array");
        return DM_E_DATA;
    }
    const struct dm_vector *child = &v->children[0];
    for (size_t i = from; i < from + n; i++) {
        if (depth + 1 < n_dims) {
            DM_TRY(add_array_items(child, i, depth + 1, n_dims, dims, has_null, out, reterr));
            continue;
        }
        if (dm_vector_is_null(child, i)) {
            *has_null = true;
            add32(out, UINT32_MAX);
            continue;
        }
        size_t at = out->len;
        add32(out, 0);
        DM_TRY(dm_format_binary(child, i, out, reterr));
        if (!out->full) {
            uint32_t len = htobe32((uint32_t)(out->len - at - 4));
            memcpy(out->p + at, &len, sizeof(len));
        }
    }
    return 0;
}

static int add_binary_array(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                            struct dm_err *reterr)
{
    int n_dims = 0;
    size_t dims[6];
    array_dims(v, row, &n_dims, dims);
    if (dims[0] == 0)
        n_dims = 0;
    bool has_null = false;
    size_t flags_at = out->len + 4;
    add32(out, (uint32_t)n_dims);
    add32(out, 0);
    add32(out, dm_oid_element(dm_type_oid(v->type)));
    for (int i = 0; i < n_dims; i++) {
        add32(out, (uint32_t)dims[i]);
        add32(out, 1);
    }
    if (n_dims)
        DM_TRY(add_array_items(v, row, 0, n_dims, dims, &has_null, out, reterr));
    if (has_null && !out->full)
        out->p[flags_at + 3] = 1;
    return 0;
}

static int64_t pg_timestamp(int64_t us)
{
    if (us == TIMESTAMP_INFINITY)
        return INT64_MAX;
    if (us == -TIMESTAMP_INFINITY)
        return INT64_MIN;
    return us - PG_EPOCH_US;
}

static int add_binary_integer(__int128 v, unsigned oid, struct dm_strbuf *out,
                              struct dm_err *reterr)
{
    switch (oid) {
    case DM_OID_INT2:
        add16(out, (uint16_t)v);
        return 0;
    case DM_OID_INT4:
    case DM_OID_OID:
        add32(out, (uint32_t)v);
        return 0;
    case DM_OID_INT8:
        if (v < INT64_MIN || v > INT64_MAX)
            return beyond_bigint(reterr);
        add64(out, (uint64_t)v);
        return 0;
    default: /* UBIGINT is a numeric */
        add_numeric(false, (unsigned __int128)v, 0, out);
        return 0;
    }
}

int dm_format_binary(const struct dm_vector *v, size_t row, struct dm_strbuf *out,
                     struct dm_err *reterr)
{
    __int128 integer;
    if (integer_at(v, row, &integer))
        return add_binary_integer(integer, dm_type_oid(v->type), out, reterr);
    switch (v->type->id) {
    case DUCKDB_TYPE_BOOLEAN:
        dm_strbuf_addc(out, ((const bool *)v->data)[row] ? 1 : 0);
        return 0;
    case DUCKDB_TYPE_DECIMAL: {
        __int128 d = decimal_at(v, row);
        add_numeric(d < 0, d < 0 ? -(unsigned __int128)d : (unsigned __int128)d, v->type->scale,
                    out);
        return 0;
    }
    case DUCKDB_TYPE_UHUGEINT:
        add_numeric(false, (unsigned __int128)int128_at(v, row), 0, out);
        return 0;
    case DUCKDB_TYPE_FLOAT: {
        uint32_t bits;
        memcpy(&bits, (const float *)v->data + row, sizeof(bits));
        add32(out, bits);
        return 0;
    }
    case DUCKDB_TYPE_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, (const double *)v->data + row, sizeof(bits));
        add64(out, bits);
        return 0;
    }
    case DUCKDB_TYPE_DATE: {
        int32_t days = ((const int32_t *)v->data)[row];
        add32(out, days == DATE_INFINITY    ? (uint32_t)INT32_MAX
                   : days == -DATE_INFINITY ? (uint32_t)INT32_MIN
                                            : (uint32_t)(days - PG_EPOCH_DAYS));
        return 0;
    }
    case DUCKDB_TYPE_TIME:
        add64(out, (uint64_t)((const int64_t *)v->data)[row]);
        return 0;
    case DUCKDB_TYPE_TIME_TZ: {
        uint64_t bits = ((const uint64_t *)v->data)[row];
        add64(out, (uint64_t)timetz_us(bits));
        add32(out, (uint32_t)-timetz_offset(bits)); /* PostgreSQL counts seconds west */
        return 0;
    }
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        add64(out, (uint64_t)pg_timestamp(timestamp_at(v, row)));
        return 0;
    case DUCKDB_TYPE_INTERVAL: {
        const duckdb_interval *iv = (const duckdb_interval *)v->data + row;
        add64(out, (uint64_t)iv->micros);
        add32(out, (uint32_t)iv->days);
        add32(out, (uint32_t)iv->months);
        return 0;
    }
    case DUCKDB_TYPE_UUID: {
        unsigned __int128 u = uuid_at(v, row);
        add64(out, (uint64_t)(u >> 64));
        add64(out, (uint64_t)u);
        return 0;
    }
    case DUCKDB_TYPE_BLOB:
        dm_strbuf_addstr(out, dm_string_t((const duckdb_string_t *)v->data + row));
        return 0;
    case DUCKDB_TYPE_BIT: {
        struct dm_str bits = dm_string_t((const duckdb_string_t *)v->data + row);
        size_t padding = (unsigned char)bits.p[0], n = (bits.len - 1) * 8 - padding;
        add32(out, (uint32_t)n);
        for (size_t i = 0; i < n; i += 8) {
            unsigned byte = 0;
            for (size_t j = i; j < i + 8 && j < n; j++)
                if ((unsigned char)bits.p[1 + (padding + j) / 8] >> (7 - (padding + j) % 8) & 1)
                    byte |= 0x80u >> (j - i);
            dm_strbuf_addc(out, (char)byte);
        }
        return 0;
    }
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
        return add_binary_array(v, row, out, reterr);
    default: /* described as text */
        return dm_format_text(v, row, out, reterr);
    }
}
