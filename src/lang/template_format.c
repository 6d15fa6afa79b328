/* Formatting in templates: 'x' % y, '{}'.format(y) and format specifications, with Python's meaning. */
#include "lang/template_time.h"

#include <math.h>

#include "lang/big.h"
#include "lang/utf8.h"

/* A wider field or a longer fraction is a mistake of the template. */
enum { WIDTH_MAX = 100000, PRECISION_MAX = 1000 };

struct spec {
    struct dm_str fill;
    char align; /* 0 = by type */
    char sign;  /* '+', ' ' or '-' */
    bool alternate, zero;
    char grouping;            /* ',' or '_' */
    int64_t width, precision; /* -1 = not given */
    char type;                /* 0 = not given */
};

static void pad(struct dm_strbuf *b, struct dm_str fill, int64_t n)
{
    for (; n > 0; n--)
        dm_strbuf_addstr(b, fill);
}

/* `text` is sign (or prefix) and digits; the sign comes before zeros. */
static void put_aligned(struct dm_strbuf *b, const struct spec *s, struct dm_str text, size_t head,
                        char align)
{
    int64_t missing = s->width - (int64_t)dm_utf8_count(text);
    if (missing < 0)
        missing = 0;
    if (align == '=') {
        dm_strbuf_addstr(b, dm_str_sub(text, 0, head));
        pad(b, s->fill, missing);
        dm_strbuf_addstr(b, dm_str_sub(text, head, text.len));
        return;
    }
    int64_t left = align == '>' ? missing : align == '^' ? missing / 2 : 0;
    pad(b, s->fill, left);
    dm_strbuf_addstr(b, text);
    pad(b, s->fill, missing - left);
}

/* Inserts a separator between groups of digits. */
static void put_grouped(struct dm_strbuf *b, struct dm_str digits, char sep, size_t group)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (sep && i && (digits.len - i) % group == 0)
            dm_strbuf_addc(b, sep);
        dm_strbuf_addc(b, digits.p[i]);
    }
}

static int int_digits(struct dm_eval *e, const struct dm_value *v, unsigned base, bool upper,
                      bool *ret_negative, struct dm_str *ret)
{
    static const char lower_digits[] = "0123456789abcdef", upper_digits[] = "0123456789ABCDEF";
    struct dm_str text;
    if (base == 10) {
        struct dm_value plain =
            dm_is_int(v) ? (struct dm_value){.kind = DM_INT, .i = dm_int_of(v)} : *v;
        DM_TRY(dm_text_of(e, &plain, &text));
        *ret_negative = text.p[0] == '-';
        *ret = dm_str_sub(text, *ret_negative, text.len);
        return 0;
    }
    if (v->kind == DM_BIG) {
        /* Bases are powers of two: digits are groups of bits. */
        unsigned bits = base == 16 ? 4 : base == 8 ? 3 : 1;
        size_t total = (size_t)v->big->n * 32, n = (total + bits - 1) / bits;
        char *out = dm_arena_alloc(e->a, n + 1);
        for (size_t k = 0; k < n; k++) {
            unsigned digit = 0;
            for (unsigned j = bits; j-- > 0;) {
                size_t at = k * bits + j;
                digit = digit << 1 | (at < total ? v->big->limbs[at / 32] >> (at % 32) & 1 : 0);
            }
            out[n - 1 - k] = (upper ? upper_digits : lower_digits)[digit];
        }
        size_t zeros = strspn(out, "0");
        *ret_negative = v->big->negative;
        *ret = dm_str_n(out + zeros, n - zeros);
        return 0;
    }
    int64_t i = dm_int_of(v);
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char buf[64];
    size_t n = sizeof(buf);
    do {
        buf[--n] = (upper ? upper_digits : lower_digits)[u % base];
        u /= base;
    } while (u);
    *ret_negative = i < 0;
    *ret = dm_str_dup(e->a, dm_str_n(buf + n, sizeof(buf) - n));
    return 0;
}

static void put_sign(struct dm_strbuf *b, const struct spec *s, bool negative)
{
    if (negative)
        dm_strbuf_addc(b, '-');
    else if (s->sign == '+' || s->sign == ' ')
        dm_strbuf_addc(b, s->sign);
}

/* Zero padding of a grouped number has separators too. */
static void put_number(struct dm_strbuf *b, const struct spec *s, bool negative, const char *prefix,
                       struct dm_str whole, struct dm_str rest, size_t group)
{
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, DM_BUF_TEXT);
    put_sign(&text, s, negative);
    dm_strbuf_adds(&text, prefix);
    size_t head = text.len;
    char align = s->align ? s->align : '>';
    bool zeros = align == '=' && dm_str_is(s->fill, "0");
    if (s->grouping && zeros) {
        int64_t room = s->width - (int64_t)head - (int64_t)rest.len;
        int64_t digits = (int64_t)whole.len;
        while (digits + (digits - 1) / (int64_t)group < room)
            digits++;
        /* A separator never leads: 0,001 and not ,001. */
        for (int64_t i = 0; i < digits; i++) {
            if (i && (digits - i) % (int64_t)group == 0)
                dm_strbuf_addc(&text, s->grouping);
            int64_t at = i - (digits - (int64_t)whole.len);
            dm_strbuf_addc(&text, at < 0 ? '0' : whole.p[at]);
        }
    } else {
        put_grouped(&text, whole, s->grouping, group);
    }
    dm_strbuf_addstr(&text, rest);
    put_aligned(b, s, dm_strbuf_str(&text), head, align);
}

static int format_int(struct dm_eval *e, const struct dm_value *v, const struct spec *s,
                      struct dm_strbuf *b)
{
    unsigned base = s->type == 'b' ? 2 : s->type == 'o' ? 8 : (s->type | 32) == 'x' ? 16 : 10;
    const char *prefix = !s->alternate    ? ""
                         : base == 2      ? "0b"
                         : base == 8      ? "0o"
                         : s->type == 'x' ? "0x"
                         : s->type == 'X' ? "0X"
                                          : "";
    bool negative = false;
    struct dm_str digits;
    DM_TRY(int_digits(e, v, base, s->type == 'X', &negative, &digits));
    if (s->precision > (int64_t)digits.len) /* of '%.3d': so many digits at least */
        digits = dm_str_printf(e->a, "%0*d%.*s", (int)(s->precision - (int64_t)digits.len), 0,
                               DM_FMT(digits));
    put_number(b, s, negative, prefix, digits, DM_STR(""), base == 10 ? 3 : 4);
    return 0;
}

/* The digits of |f| in the way of `type`, without padding. */
static const char *float_text(struct dm_eval *e, double f, const struct spec *s)
{
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    char repr[DM_FLOAT_MAX];
    switch (s->type) {
    case 'e':
    case 'E':
        return dm_arena_printf(e->a, s->alternate ? "%#.*e" : "%.*e", precision, f);
    case 'f':
    case 'F':
        return dm_arena_printf(e->a, s->alternate ? "%#.*f" : "%.*f", precision, f);
    case 'g':
    case 'G':
    case 'n':
        return dm_arena_printf(e->a, s->alternate ? "%#.*g" : "%.*g",
                               precision == 0 ? 1 : precision, f);
    case '%':
        return dm_arena_printf(e->a, "%.*f%%", precision, f * 100);
    default:
        if (s->precision < 0)
            return dm_arena_strdup(e->a, dm_float_repr(f, repr));
        char *text = dm_arena_printf(e->a, "%.*g", precision == 0 ? 1 : precision, f);
        /* Without a type there is always a digit behind the point; a whole number that would lose it becomes 1e+02. */
        if (!strpbrk(text, ".en"))
            return strlen(text) >= (size_t)(precision ? precision : 1)
                       ? dm_arena_printf(e->a, "%.*e", (int)strlen(text) - 1, f)
                       : dm_arena_printf(e->a, "%s.0", text);
        return text;
    }
}

static int format_float(struct dm_eval *e, double f, const struct spec *s, struct dm_strbuf *b)
{
    bool negative = signbit(f) && !isnan(f);
    bool upper = s->type == 'E' || s->type == 'F' || s->type == 'G';
    if (!isfinite(f)) {
        const char *word = isnan(f) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
        struct dm_str text = dm_str_c(s->type == '%' ? dm_arena_printf(e->a, "%s%%", word) : word);
        put_number(b, s, negative, "", DM_STR(""), text, 3);
        return 0;
    }
    char *text = dm_arena_strdup(e->a, float_text(e, fabs(f), s));
    for (char *p = text; *p && upper; p++)
        if (*p == 'e')
            *p = 'E';
    size_t whole = strspn(text, "0123456789");
    put_number(b, s, negative, "", dm_str_n(text, whole), dm_str_c(text + whole), 3);
    return 0;
}

static int format_text(struct dm_eval *e, struct dm_str text, const struct spec *s,
                       struct dm_strbuf *b)
{
    if (s->precision >= 0)
        text = dm_str_sub(text, 0, dm_utf8_offset(text, (size_t)s->precision));
    put_aligned(b, s, text, 0, s->align && s->align != '=' ? s->align : '<');
    return 0;
}

/* {:c}: the character of a number, in its field as a number is. */
static int format_char(struct dm_eval *e, const struct dm_value *v, const struct spec *s,
                       struct dm_strbuf *b)
{
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, DM_BUF_MESSAGE);
    if (s->precision >= 0)
        return dm_eval_fail(e, DM_TE_VALUE, "Precision not allowed in integer format specifier");
    if (s->sign)
        return dm_eval_fail(e, DM_TE_VALUE, "Sign not allowed with integer format specifier 'c'");
    if (s->alternate)
        return dm_eval_fail(e, DM_TE_VALUE,
                            "Alternate form (#) not allowed with integer format specifier 'c'");
    if (s->grouping)
        return dm_eval_fail(e, DM_TE_VALUE, "Cannot specify '%c' with 'c'.", s->grouping);
    if (v->kind == DM_BIG || dm_int_of(v) < 0 || dm_int_of(v) > 0x10FFFF)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "%%c arg not in range(0x110000)");
    dm_utf8_put(&text, (uint32_t)dm_int_of(v));
    put_aligned(b, s, dm_strbuf_str(&text), 0, s->align ? s->align : '>');
    return 0;
}

static bool is_align(char c)
{
    return c == '<' || c == '>' || c == '^' || c == '=';
}

static bool take_number(const char **p, const char *end, int64_t *ret)
{
    if (*p >= end || **p < '0' || **p > '9')
        return false;
    *ret = 0;
    while (*p < end && **p >= '0' && **p <= '9') {
        if (*ret <= WIDTH_MAX)
            *ret = *ret * 10 + (**p - '0');
        (*p)++;
    }
    return true;
}

static int parse_spec(struct dm_eval *e, struct dm_str text, struct spec *s)
{
    *s = (struct spec){.fill = DM_STR(" "), .width = -1, .precision = -1};
    const char *p = text.p, *end = p + text.len;
    uint32_t cp;
    size_t n = p < end ? dm_utf8_get(p, end, &cp) : 0;
    if (p + n < end && n && is_align(p[n])) {
        s->fill = dm_str_n(p, n);
        s->align = p[n];
        p += n + 1;
    } else if (p < end && is_align(*p)) {
        s->align = *p++;
    }
    if (p < end && (*p == '+' || *p == '-' || *p == ' '))
        s->sign = *p++;
    if (p < end && *p == '#') {
        s->alternate = true;
        p++;
    }
    if (p < end && *p == '0') {
        s->zero = true;
        p++;
        if (!s->align) {
            s->align = '=';
            s->fill = DM_STR("0");
        }
    }
    take_number(&p, end, &s->width);
    if (p < end && (*p == ',' || *p == '_'))
        s->grouping = *p++;
    if (p < end && *p == '.') {
        p++;
        if (!take_number(&p, end, &s->precision))
            return dm_eval_fail(e, DM_TE_VALUE, "Format specifier missing precision");
    }
    if (p < end)
        s->type = *p++;
    if (p < end)
        return dm_eval_fail(e, DM_TE_VALUE, "Invalid format specifier");
    if (s->width > WIDTH_MAX || s->precision > PRECISION_MAX)
        return dm_eval_fail(e, DM_TE_VALUE, "Too many decimal digits in format string");
    return 0;
}

static int unknown_code(struct dm_eval *e, const struct spec *s, const struct dm_value *v)
{
    return dm_eval_fail(e, DM_TE_VALUE, "Unknown format code '%c' for object of type '%s'", s->type,
                        dm_type_name(v));
}

int dm_format_spec(struct dm_eval *e, const struct dm_value *v, struct dm_str text,
                   struct dm_strbuf *b)
{
    struct spec s;
    if (!text.len)
        return dm_text(e, v, b);
    if (dm_is_undefined(v))
        return dm_eval_fail(e, DM_TE_TYPE,
                            "unsupported format string passed to an undefined value: %.*s",
                            DM_FMT(dm_is_undefined(v)->message));
    /* Pendulum's own dates take its tokens, and strftime's where there is a %. */
    if (v->kind == DM_DATETIME || v->kind == DM_DATE)
        return (v->kind == DM_DATETIME && v->time.plain) || dm_str_find(text, DM_STR("%"), 0) >= 0
                   ? dm_strftime(e, v, text, b)
                   : dm_pendulum_format(e, v, text, b);
    if (v->kind != DM_STRING && !dm_is_number(v))
        return dm_eval_fail(e, DM_TE_TYPE, "unsupported format string passed to %s.__format__",
                            dm_type_name(v));
    DM_TRY(parse_spec(e, text, &s));
    if (v->kind == DM_STRING) {
        if (s.type && s.type != 's')
            return unknown_code(e, &s, v);
        if (s.sign || s.align == '=' || s.grouping) {
            if (!s.zero || s.sign || s.grouping)
                return dm_eval_fail(e, DM_TE_VALUE,
                                    "that specifier is not allowed in string format specifier");
        }
        return format_text(e, v->s, &s, b);
    }
    if (s.grouping && s.type && strchr(s.grouping == ',' ? "bcnoxX" : "cn", s.type))
        return dm_eval_fail(e, DM_TE_VALUE, "Cannot specify '%c' with '%c'.", s.grouping, s.type);
    bool float_type = s.type && strchr("eEfFgG%", s.type);
    if (v->kind == DM_FLOAT || float_type) {
        if (s.type && !float_type && s.type != 'n')
            return unknown_code(e, &s, v);
        return format_float(e, dm_float_of(v), &s, b);
    }
    if (s.type == 'c')
        return format_char(e, v, &s, b);
    if (s.type && !strchr("bdoxXn", s.type))
        return unknown_code(e, &s, v);
    if (s.precision >= 0)
        return dm_eval_fail(e, DM_TE_VALUE, "Precision not allowed in integer format specifier");
    return format_int(e, v, &s, b);
}

/* --- '…' % values --- */

struct percent {
    struct dm_eval *e;
    const struct dm_value *args;
    size_t next;
    bool used_map;
};

static int next_arg(struct percent *f, const struct dm_value **ret)
{
    size_t n = f->args->kind == DM_TUPLE ? f->args->list.n : 1;
    if (f->next >= n)
        return dm_eval_fail(f->e, DM_TE_TYPE, "not enough arguments for format string");
    *ret = f->args->kind == DM_TUPLE ? f->args->list.items[f->next] : f->args;
    f->next++;
    return 0;
}

static int star_or_number(struct percent *f, const char **p, const char *end, int64_t *ret)
{
    if (*p >= end || **p != '*') {
        take_number(p, end, ret);
        return 0;
    }
    const struct dm_value *v;
    (*p)++;
    DM_TRY(next_arg(f, &v));
    if (v->kind == DM_BIG)
        return dm_eval_fail(f->e, DM_TE_OVERFLOW, "Python int too large to convert to C int");
    if (!dm_is_int(v))
        return dm_eval_fail(f->e, DM_TE_TYPE, "* wants int");
    *ret = dm_int_of(v);
    return 0;
}

static int percent_number(struct percent *f, struct spec *s, const struct dm_value *v,
                          struct dm_strbuf *b)
{
    bool integer = strchr("diuxXo", s->type);
    if (!strchr("xXo", s->type)) /* these do not try to make a number of it */
        DM_TRY(dm_eval_defined(f->e, v));
    if (!dm_is_number(v) || (v->kind == DM_FLOAT && strchr("xXo", s->type)))
        return dm_eval_fail(f->e, DM_TE_TYPE, "%%%c format: a %s is required, not %s", s->type,
                            integer ? "real number" : "number", dm_type_name(v));
    if (!integer)
        return format_float(f->e, dm_float_of(v), s, b);
    if (v->kind == DM_FLOAT) {
        if (!isfinite(v->f))
            return dm_eval_fail(f->e, isnan(v->f) ? DM_TE_VALUE : DM_TE_OVERFLOW,
                                "cannot convert float infinity or NaN to integer");
        v = dm_big_from_f64(f->e->a, v->f);
    }
    if (strchr("iu", s->type))
        s->type = 'd';
    return format_int(f->e, v, s, b);
}

/* repr(v), or ascii(v). */
static int put_repr(struct dm_eval *e, const struct dm_value *v, bool ascii, struct dm_strbuf *b)
{
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, DM_BUF_TEXT);
    if (!ascii)
        return dm_repr(e, v, b);
    DM_TRY(dm_repr(e, v, &text));
    for (const char *p = text.p, *end = p + text.len; p < end;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        if (cp < 0x80)
            dm_strbuf_addc(b, (char)cp);
        else
            dm_strbuf_addf(b, cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
    }
    return 0;
}

static int percent_text(struct percent *f, struct spec *s, const struct dm_value *v,
                        struct dm_strbuf *b)
{
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, DM_BUF_TEXT);
    if (s->type == 'c') /* a character is not cut */
        s->precision = -1;
    if (s->type == 'c' && (dm_is_int(v) || v->kind == DM_BIG)) {
        if (v->kind == DM_BIG || dm_int_of(v) < 0 || dm_int_of(v) > 0x10FFFF)
            return dm_eval_fail(f->e, DM_TE_OVERFLOW, "%%c arg not in range(0x110000)");
        dm_utf8_put(&text, (uint32_t)dm_int_of(v));
    } else if (s->type == 'c' && (v->kind != DM_STRING || dm_utf8_count(v->s) != 1)) {
        return dm_eval_fail(f->e, DM_TE_TYPE, "%%c requires int or char");
    } else if (s->type == 's' || s->type == 'c')
        DM_TRY(dm_text(f->e, v, &text));
    else
        DM_TRY(put_repr(f->e, v, s->type == 'a', &text));
    if (s->align != '<')
        s->align = '>';
    s->fill = DM_STR(" ");
    return format_text(f->e, dm_strbuf_str(&text), s, b);
}

static int conversion(struct percent *f, const char **p, const char *end, struct dm_strbuf *b)
{
    struct spec s = {.fill = DM_STR(" "), .width = -1, .precision = -1};
    const struct dm_value *v = NULL;
    const char *start = *p;
    if (*p < end && **p == '(') {
        const char *close = memchr(*p, ')', (size_t)(end - *p));
        if (!close)
            return dm_eval_fail(f->e, DM_TE_VALUE, "incomplete format key");
        if (f->args->kind != DM_MAP)
            return dm_eval_fail(f->e, DM_TE_TYPE, "format requires a mapping");
        struct dm_str key = dm_str_n(*p + 1, (size_t)(close - *p - 1));
        v = dm_map_get_str(f->args, key);
        if (!v)
            return dm_eval_fail(f->e, DM_TE_KEY, "'%.*s'", DM_FMT(key));
        f->used_map = true;
        *p = close + 1;
    }
    bool minus = false, zero = false;
    for (; *p < end && strchr("-+ #0", **p) && **p; (*p)++) {
        minus |= **p == '-';
        zero |= **p == '0';
        s.alternate |= **p == '#';
        if (**p == '+' || (**p == ' ' && !s.sign))
            s.sign = **p;
    }
    DM_TRY(star_or_number(f, p, end, &s.width));
    if (*p < end && **p == '.') {
        (*p)++;
        s.precision = 0;
        DM_TRY(star_or_number(f, p, end, &s.precision));
    }
    if (s.width < -1) {
        minus = true;
        s.width = -s.width;
    }
    while (*p < end && (**p == 'l' || **p == 'h' || **p == 'L'))
        (*p)++;
    if (*p >= end)
        return dm_eval_fail(f->e, DM_TE_VALUE, "incomplete format");
    bool bare = *p == start;
    s.type = *(*p)++;
    if (s.type == '%' && bare) {
        dm_strbuf_addc(b, '%');
        return 0;
    }
    if (!v)
        DM_TRY(next_arg(f, &v));
    if (!s.type || !strchr("diuxXoeEfFgGcrsa", s.type))
        return dm_eval_fail(f->e, DM_TE_VALUE, "unsupported format character '%c'", s.type);
    if (s.width > WIDTH_MAX || s.precision > PRECISION_MAX)
        return dm_eval_fail(f->e, DM_TE_VALUE, "width too big");
    if (minus)
        s.align = '<';
    else if (zero)
        s.align = '=', s.fill = DM_STR("0");
    if (strchr("crsa", s.type))
        return percent_text(f, &s, v, b);
    return percent_number(f, &s, v, b);
}

int dm_percent_format(struct dm_eval *e, struct dm_str format, const struct dm_value *args,
                      const struct dm_value **ret)
{
    struct percent f = {.e = e, .args = args};
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (const char *p = format.p, *end = p + format.len; p < end;) {
        if (*p != '%') {
            dm_strbuf_addc(&b, *p++);
            continue;
        }
        p++;
        DM_TRY(conversion(&f, &p, end, &b));
    }
    /* Maps and lists may be there for their keys only; anything else must be used up. */
    size_t n = args->kind == DM_TUPLE ? args->list.n
               : args->kind == DM_MAP || args->kind == DM_LIST || args->kind == DM_OBJECT ? 0
                                                                                          : 1;
    if (f.next < n)
        return dm_eval_fail(e, DM_TE_TYPE, "not all arguments converted during string formatting");
    return dm_new_text(e, &b, ret);
}

/* --- '{}'.format(…) --- */

struct braces {
    struct dm_eval *e;
    const struct dm_args *args;
    size_t next;
    bool manual, automatic;
};

static int brace_text(struct braces *f, struct dm_str text, unsigned depth, struct dm_strbuf *b);

static bool all_digits(struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.len > 0;
}

static int first_value(struct braces *f, struct dm_str name, const struct dm_value **ret)
{
    int64_t i;
    if (all_digits(name)) {
        if (!dm_str_to_i64(name, &i) || (size_t)i >= f->args->n)
            return dm_eval_fail(f->e, DM_TE_INDEX,
                                "Replacement index %.*s out of range for positional args tuple",
                                DM_FMT(name));
        *ret = f->args->pos[i];
        return 0;
    }
    for (size_t k = 0; k < f->args->n_named; k++) {
        if (dm_str_eq(f->args->named[k].name, name)) {
            *ret = f->args->named[k].value;
            return 0;
        }
    }
    return dm_eval_fail(f->e, DM_TE_KEY, "'%.*s'", DM_FMT(name));
}

/* An empty field is the next one; the two ways do not go together. */
static int number_field(struct braces *f, struct dm_str *field)
{
    if (!field->len) {
        f->automatic = true;
        *field = dm_str_printf(f->e->a, "%zu", f->next++);
    } else if (all_digits(*field)) {
        f->manual = true;
    }
    if (f->manual && f->automatic)
        return dm_eval_fail(f->e, DM_TE_VALUE,
                            "cannot switch between manual and automatic field numbering");
    return 0;
}

/* "name.attribute[key]…". */
static int field_value(struct braces *f, struct dm_str field, const struct dm_value **ret)
{
    size_t i = 0;
    DM_TRY(number_field(f, &field));
    while (i < field.len && field.p[i] != '.' && field.p[i] != '[')
        i++;
    DM_TRY(first_value(f, dm_str_sub(field, 0, i), ret));
    while (i < field.len) {
        bool item = field.p[i] == '[';
        size_t from = ++i;
        while (i < field.len && (item ? field.p[i] != ']' : field.p[i] != '.' && field.p[i] != '['))
            i++;
        struct dm_str name = dm_str_sub(field, from, i);
        int64_t number;
        if (!name.len || (item && i >= field.len))
            return dm_eval_fail(f->e, DM_TE_VALUE, "Empty attribute in format string");
        if (!item)
            DM_TRY(dm_getattr(f->e, *ret, name, ret));
        else if (all_digits(name) && dm_str_to_i64(name, &number))
            DM_TRY(dm_getitem(f->e, *ret, dm_int_value(f->e, number), ret));
        else
            DM_TRY(dm_getitem(f->e, *ret, dm_str_value(f->e, name), ret));
        i += item;
    }
    return 0;
}

static int brace_field(struct braces *f, struct dm_str field, unsigned depth, struct dm_strbuf *b)
{
    size_t name_end = 0;
    while (name_end < field.len && field.p[name_end] != '!' && field.p[name_end] != ':')
        name_end++;
    const struct dm_value *v;
    DM_TRY(field_value(f, dm_str_sub(field, 0, name_end), &v));
    size_t i = name_end;
    if (i < field.len && field.p[i] == '!') {
        char how = i + 1 < field.len ? field.p[i + 1] : '\0';
        _cleanup_strbuf_ struct dm_strbuf text;
        dm_strbuf_init(&text, DM_BUF_TEXT);
        if (how != 'r' && how != 's' && how != 'a')
            return dm_eval_fail(f->e, DM_TE_VALUE, "Unknown conversion specifier");
        if (how == 's')
            DM_TRY(dm_text(f->e, v, &text));
        else
            DM_TRY(put_repr(f->e, v, how == 'a', &text));
        DM_TRY(dm_new_text(f->e, &text, &v));
        i += 2;
        if (i < field.len && field.p[i] != ':')
            return dm_eval_fail(f->e, DM_TE_VALUE, "expected ':' after conversion specifier");
    }
    _cleanup_strbuf_ struct dm_strbuf spec;
    dm_strbuf_init(&spec, DM_BUF_MESSAGE);
    if (i < field.len)
        DM_TRY(brace_text(f, dm_str_sub(field, i + 1, field.len), depth + 1, &spec));
    return dm_format_spec(f->e, v, dm_strbuf_str(&spec), b);
}

static int brace_text(struct braces *f, struct dm_str text, unsigned depth, struct dm_strbuf *b)
{
    if (depth > 1)
        return dm_eval_fail(f->e, DM_TE_VALUE, "Max string recursion exceeded");
    for (size_t i = 0; i < text.len;) {
        char c = text.p[i];
        bool twice = i + 1 < text.len && text.p[i + 1] == c;
        if ((c == '{' || c == '}') && twice && depth == 0) {
            dm_strbuf_addc(b, c);
            i += 2;
        } else if (c == '}') {
            return dm_eval_fail(f->e, DM_TE_VALUE, "Single '}' encountered in format string");
        } else if (c != '{') {
            dm_strbuf_addc(b, c);
            i++;
        } else {
            size_t from = ++i;
            for (int open = 1; i < text.len; i++) {
                open += text.p[i] == '{' ? 1 : text.p[i] == '}' ? -1 : 0;
                if (!open)
                    break;
            }
            if (i >= text.len)
                return dm_eval_fail(f->e, DM_TE_VALUE, "expected '}' before end of string");
            DM_TRY(brace_field(f, dm_str_sub(text, from, i), depth, b));
            i++;
        }
    }
    return 0;
}

int dm_brace_format(struct dm_eval *e, struct dm_str format, const struct dm_args *args,
                    const struct dm_value **ret)
{
    struct braces f = {.e = e, .args = args};
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(brace_text(&f, format, 0, &b));
    return dm_new_text(e, &b, ret);
}
