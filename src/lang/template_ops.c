/* Operators of templates with Python's meaning: arithmetic, comparison, membership. */
#include "lang/object.h"

#include <math.h>

#include "lang/big.h"

static int unsupported(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                       const struct dm_value *y)
{
    return dm_eval_fail(e, DM_TE_TYPE, "unsupported operand type(s) for %s: '%s' and '%s'",
                        op == DM_OP_POW ? "** or pow()" : dm_op_text(op), dm_type_name(x),
                        dm_type_name(y));
}

static int new_float(struct dm_eval *e, double f, const struct dm_value **ret)
{
    *ret = dm_value_float(e->a, f);
    return 0;
}

static int zero_division(struct dm_eval *e, const char *what)
{
    return dm_eval_fail(e, DM_TE_ZERO_DIVISION, "%s by zero", what);
}

/* Python's float division: the remainder has the divisor's sign. */
static void float_divmod(double x, double y, double *ret_div, double *ret_mod)
{
    double mod = fmod(x, y);
    double div = (x - mod) / y;
    if (mod != 0) {
        if ((y < 0) != (mod < 0)) {
            mod += y;
            div -= 1;
        }
    } else {
        mod = copysign(0, y);
    }
    double floored = floor(div);
    if (div != 0 && div - floored > 0.5)
        floored += 1;
    *ret_div = div != 0 ? floored : copysign(0, x / y);
    *ret_mod = mod;
}

static int float_pow(struct dm_eval *e, double x, double y, const struct dm_value **ret)
{
    if (x == 0 && y < 0)
        return dm_eval_fail(e, DM_TE_ZERO_DIVISION, "0.0 cannot be raised to a negative power");
    if (x < 0 && y != floor(y) && isfinite(y))
        return dm_eval_fail(e, DM_TE_TYPE, "complex numbers are not supported");
    double f = pow(x, y);
    if (isinf(f) && isfinite(x) && isfinite(y))
        return dm_eval_fail(e, DM_TE_OVERFLOW, "the result of a power is too large");
    return new_float(e, f, ret);
}

static int float_binary(struct dm_eval *e, enum dm_tok_op op, double x, double y,
                        const struct dm_value **ret)
{
    double div, mod;
    switch (op) {
    case DM_OP_ADD:
        return new_float(e, x + y, ret);
    case DM_OP_SUB:
        return new_float(e, x - y, ret);
    case DM_OP_MUL:
        return new_float(e, x * y, ret);
    case DM_OP_DIV:
        if (y == 0)
            return zero_division(e, "float division");
        return new_float(e, x / y, ret);
    case DM_OP_FLOORDIV:
    case DM_OP_MOD:
        if (y == 0)
            return zero_division(e, op == DM_OP_MOD ? "float modulo" : "float floor division");
        float_divmod(x, y, &div, &mod);
        return new_float(e, op == DM_OP_MOD ? mod : div, ret);
    default:
        return float_pow(e, x, y, ret);
    }
}

static bool is_zero(const struct dm_value *v)
{
    return dm_is_int(v) && dm_int_of(v) == 0;
}

/* True division of integers, rounded once. */
static int int_divide(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y,
                      const struct dm_value **ret)
{
    if (is_zero(y))
        return zero_division(e, "division");
    double f = dm_float_of(x) / dm_float_of(y);
    if (!isfinite(f))
        return dm_eval_fail(e, DM_TE_OVERFLOW, "integer division result too large for a float");
    return new_float(e, f, ret);
}

static int int_pow(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y,
                   const struct dm_value **ret)
{
    bool negative = y->kind == DM_BIG ? y->big->negative : dm_int_of(y) < 0;
    if (negative)
        return float_pow(e, dm_float_of(x), dm_float_of(y), ret);
    if (y->kind == DM_BIG && !(dm_is_int(x) && llabs(dm_int_of(x)) <= 1))
        return dm_eval_fail(e, DM_TE_LIMIT, "an integer grew beyond %d bits", DM_BIG_LIMBS * 32);
    uint64_t exponent = y->kind == DM_BIG ? 2 + (y->big->limbs[0] & 1) : (uint64_t)dm_int_of(y);
    DM_TRY(dm_eval_charge(e, 4096));
    return dm_big_pow(e->a, x, exponent, ret, e->err);
}

static int int_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                      const struct dm_value *y, const struct dm_value **ret)
{
    const struct dm_value *rest;
    switch (op) {
    case DM_OP_ADD:
        return dm_big_add(e->a, x, y, ret, e->err);
    case DM_OP_SUB:
        return dm_big_sub(e->a, x, y, ret, e->err);
    case DM_OP_MUL:
        return dm_big_mul(e->a, x, y, ret, e->err);
    case DM_OP_DIV:
        return int_divide(e, x, y, ret);
    case DM_OP_FLOORDIV:
    case DM_OP_MOD:
        if (is_zero(y))
            return zero_division(e, "integer division or modulo");
        if (x->kind == DM_BIG)
            DM_TRY(dm_eval_charge(e, (uint64_t)x->big->n * x->big->n * 64));
        if (op == DM_OP_MOD)
            return dm_big_divmod(e->a, x, y, &rest, ret, e->err);
        return dm_big_divmod(e->a, x, y, ret, &rest, e->err);
    default:
        return int_pow(e, x, y, ret);
    }
}

static int number_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                         const struct dm_value *y, const struct dm_value **ret)
{
    if (x->kind != DM_FLOAT && y->kind != DM_FLOAT)
        return int_binary(e, op, x, y, ret);
    double fx = dm_float_of(x), fy = dm_float_of(y);
    if ((isinf(fx) && x->kind == DM_BIG) || (isinf(fy) && y->kind == DM_BIG))
        return dm_eval_fail(e, DM_TE_OVERFLOW, "int too large to convert to float");
    return float_binary(e, op, fx, fy, ret);
}

static int repeat(struct dm_eval *e, const struct dm_value *v, const struct dm_value *times,
                  const struct dm_value **ret)
{
    if (times->kind == DM_BIG)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "cannot fit 'int' into an index-sized integer");
    int64_t n = dm_int_of(times) < 0 ? 0 : dm_int_of(times);
    size_t unit = v->kind == DM_STRING ? v->s.len : v->list.n;
    size_t max = v->kind == DM_STRING ? DM_BUF_TEXT : DM_TEMPLATE_ITEMS;
    if (unit && (uint64_t)n > max / unit)
        return dm_eval_fail(e, DM_TE_LIMIT, "a repeated %s is larger than %zu %s", dm_type_name(v),
                            max, v->kind == DM_STRING ? "bytes" : "items");
    size_t total = unit * (size_t)n;
    if (!unit)
        n = 0;
    if (v->kind == DM_STRING) {
        DM_TRY(dm_eval_charge(e, total));
        char *p = dm_arena_alloc(e->a, total + 1);
        for (int64_t i = 0; i < n; i++)
            memcpy(p + (size_t)i * unit, v->s.p, unit);
        *ret = dm_value_str(e->a, dm_str_n(p, total));
        return 0;
    }
    DM_TRY(dm_eval_charge(e, total * sizeof(void *)));
    struct dm_value *list = dm_value_list(e->a, total);
    list->kind = v->kind;
    for (int64_t i = 0; i < n; i++)
        memcpy(list->list.items + (size_t)i * unit, v->list.items, unit * sizeof(void *));
    *ret = list;
    return 0;
}

static int concatenate(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y,
                       const struct dm_value **ret)
{
    if (x->kind != y->kind)
        return dm_eval_fail(e, DM_TE_TYPE, "can only concatenate %s (not \"%s\") to %s",
                            dm_type_name(x), dm_type_name(y), dm_type_name(x));
    if (x->kind == DM_STRING) {
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_TEXT);
        bool safe = x->safe || y->safe; /* Markup escapes what is added to it */
        const struct dm_value *parts[] = {x, y};
        for (size_t i = 0; i < 2; i++) {
            if (safe && !parts[i]->safe)
                dm_escape_html(&b, parts[i]->s);
            else
                dm_strbuf_addstr(&b, parts[i]->s);
        }
        DM_TRY(dm_new_text(e, &b, ret));
        if (safe)
            *ret = dm_safe(e, *ret);
        return 0;
    }
    size_t n = x->list.n + y->list.n;
    if (n > DM_TEMPLATE_ITEMS)
        return dm_eval_fail(e, DM_TE_LIMIT, "a list has more than %d items", DM_TEMPLATE_ITEMS);
    DM_TRY(dm_eval_charge(e, n * sizeof(void *)));
    struct dm_value *list = dm_value_list(e->a, n);
    list->kind = x->kind;
    if (x->list.n)
        memcpy(list->list.items, x->list.items, x->list.n * sizeof(void *));
    if (y->list.n)
        memcpy(list->list.items + x->list.n, y->list.items, y->list.n * sizeof(void *));
    *ret = list;
    return 0;
}

static bool is_sequence(const struct dm_value *v)
{
    return v->kind == DM_STRING || v->kind == DM_LIST || v->kind == DM_TUPLE;
}

static int object_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                         const struct dm_value *y, const struct dm_value **ret)
{
    const struct dm_value *sides[] = {x, y};
    for (size_t i = 0; i < 2; i++) {
        const struct dm_value *v = sides[i];
        if (v->kind == DM_OBJECT && v->object->cls->binary) {
            int rc = v->object->cls->binary(e, op, x, y, ret);
            if (rc != 0)
                return rc;
        }
    }
    return dm_date_binary(e, op, x, y, ret);
}

int dm_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
              const struct dm_value *y, const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, x));
    if (op == DM_OP_MOD && x->kind == DM_STRING)
        return dm_percent_format(e, x->s, y, ret);
    DM_TRY(dm_eval_defined(e, y));
    if (dm_is_number(x) && dm_is_number(y))
        return number_binary(e, op, x, y, ret);
    int rc = object_binary(e, op, x, y, ret);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (op == DM_OP_ADD && is_sequence(x))
        return concatenate(e, x, y, ret);
    if (op == DM_OP_MUL && (is_sequence(x) || is_sequence(y))) {
        const struct dm_value *v = is_sequence(x) ? x : y, *times = is_sequence(x) ? y : x;
        if (dm_is_int(times) || times->kind == DM_BIG)
            return repeat(e, v, times, ret);
        return dm_eval_fail(e, DM_TE_TYPE, "can't multiply sequence by non-int of type '%s'",
                            dm_type_name(times));
    }
    return unsupported(e, op, x, y);
}

int dm_negate(struct dm_eval *e, bool minus, const struct dm_value *v, const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind == DM_DELTA) {
        struct dm_value *d = dm_value_int(e->a, minus ? -v->i : v->i);
        d->kind = DM_DELTA;
        *ret = d;
        return 0;
    }
    if (!dm_is_number(v))
        return dm_eval_fail(e, DM_TE_TYPE, "bad operand type for unary %s: '%s'", minus ? "-" : "+",
                            dm_type_name(v));
    if (v->kind == DM_FLOAT)
        return new_float(e, minus ? -v->f : v->f, ret);
    struct dm_value zero = {.kind = DM_INT};
    if (minus)
        return dm_big_sub(e->a, &zero, v, ret, e->err);
    return dm_big_add(e->a, &zero, v, ret, e->err);
}

static int equal_items(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    if (x->list.n != y->list.n)
        return 0;
    for (size_t i = 0; i < x->list.n; i++) {
        int rc = x->list.items[i] == y->list.items[i]
                     ? 1
                     : dm_equal(e, x->list.items[i], y->list.items[i]);
        if (rc != 1)
            return rc;
    }
    return 1;
}

static int equal_maps(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    if (x->map.n != y->map.n)
        return 0;
    for (size_t i = 0; i < x->map.n; i++) {
        const struct dm_value *other = dm_map_get_value(y, x->map.pairs[i].key);
        int rc = other ? dm_equal(e, x->map.pairs[i].value, other) : 0;
        if (rc != 1)
            return rc;
    }
    return 1;
}

const struct dm_value *dm_as_tuple(const struct dm_value *v)
{
    return v->kind == DM_OBJECT && v->object->cls->tuple ? v->object->cls->tuple(v) : v;
}

static int equal(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    x = dm_as_tuple(x);
    y = dm_as_tuple(y);
    const struct dm_undefined *ux = dm_is_undefined(x), *uy = dm_is_undefined(y);
    if ((ux && !ux->lenient) || (uy && !uy->lenient))
        return dm_eval_undefined(e, ux && !ux->lenient ? ux : uy);
    if (ux && uy)
        return 1;
    if (x->kind == y->kind && (x->kind == DM_LIST || x->kind == DM_TUPLE))
        return equal_items(e, x, y);
    if (x->kind == DM_MAP && y->kind == DM_MAP)
        return equal_maps(e, x, y);
    const struct dm_value *sides[] = {x, y};
    for (size_t i = 0; i < 2; i++) {
        if (sides[i]->kind == DM_OBJECT && sides[i]->object->cls->compare) {
            int order = sides[i]->object->cls->compare(e, x, y);
            return order == 0;
        }
    }
    return dm_value_equal(x, y);
}

int dm_equal(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    int rc = dm_eval_enter(e);
    if (rc == 0)
        rc = equal(e, x, y);
    dm_eval_leave(e);
    return rc;
}

static int cmp_numbers(const struct dm_value *x, const struct dm_value *y)
{
    if (x->kind != DM_FLOAT && y->kind != DM_FLOAT)
        return dm_big_compare(x, y);
    if (x->kind == DM_BIG)
        return isnan(y->f) ? DM_UNORDERED : dm_big_cmp_f64(x->big, y->f);
    if (y->kind == DM_BIG)
        return isnan(x->f) ? DM_UNORDERED : -dm_big_cmp_f64(y->big, x->f);
    if (dm_value_equal(x, y))
        return 0;
    double fx = dm_float_of(x), fy = dm_float_of(y);
    return fx < fy ? -1 : fx > fy ? 1 : DM_UNORDERED;
}

static int sign(int c)
{
    return (c > 0) - (c < 0);
}

static int order_lists(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                       const struct dm_value *y)
{
    size_t n = x->list.n < y->list.n ? x->list.n : y->list.n;
    for (size_t i = 0; i < n; i++) {
        int same = dm_equal(e, x->list.items[i], y->list.items[i]);
        if (same < 0)
            return same;
        if (!same)
            return dm_order(e, op, x->list.items[i], y->list.items[i]);
    }
    bool less = x->list.n<y->list.n, more = x->list.n> y->list.n;
    return op == DM_OP_LT ? less : op == DM_OP_LE ? !more : op == DM_OP_GT ? more : !less;
}

static int order(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                 const struct dm_value *y)
{
    int c = DM_UNORDERED;
    bool known = true;
    x = dm_as_tuple(x);
    y = dm_as_tuple(y);
    DM_TRY(dm_eval_defined(e, x));
    DM_TRY(dm_eval_defined(e, y));
    if (dm_is_number(x) && dm_is_number(y)) {
        c = cmp_numbers(x, y);
    } else if (x->kind == DM_STRING && y->kind == DM_STRING) {
        c = sign(dm_str_cmp(x->s, y->s)); /* bytes of UTF-8 sort as characters do */
    } else if (x->kind == y->kind && (x->kind == DM_LIST || x->kind == DM_TUPLE)) {
        return order_lists(e, op, x, y);
    } else if (x->kind == DM_OBJECT && x->object->cls->compare) {
        c = x->object->cls->compare(e, x, y);
        known = c != DM_UNORDERED;
    } else {
        int rc = dm_date_compare(e, x, y, &c);
        if (rc < 0)
            return rc;
        known = rc;
    }
    if (!known)
        return dm_eval_fail(e, DM_TE_TYPE, "'%s' not supported between instances of '%s' and '%s'",
                            dm_op_text(op), dm_type_name(x), dm_type_name(y));
    if (c == DM_UNORDERED)
        return 0;
    return op == DM_OP_LT ? c < 0 : op == DM_OP_LE ? c <= 0 : op == DM_OP_GT ? c > 0 : c >= 0;
}

int dm_order(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
             const struct dm_value *y)
{
    int rc = dm_eval_enter(e);
    if (rc == 0)
        rc = order(e, op, x, y);
    dm_eval_leave(e);
    return rc;
}

int dm_contains(struct dm_eval *e, const struct dm_value *in, const struct dm_value *v)
{
    DM_TRY(dm_eval_defined(e, in));
    if (in->kind == DM_STRING) {
        if (v->kind != DM_STRING)
            return dm_eval_fail(e, DM_TE_TYPE,
                                "'in <string>' requires string as left operand, not %s",
                                dm_type_name(v));
        DM_TRY(dm_eval_charge(e, in->s.len));
        return dm_str_find(in->s, v->s, 0) >= 0;
    }
    if (in->kind == DM_MAP) {
        DM_TRY(dm_eval_defined(e, v));
        if (!dm_is_hashable(v))
            return dm_eval_fail(e, DM_TE_TYPE, "unhashable type: '%s'", dm_type_name(v));
        return dm_map_get_value(in, v) != NULL;
    }
    if (!dm_is_iterable(in))
        return dm_eval_fail(e, DM_TE_TYPE, "argument of type '%s' is not iterable",
                            dm_type_name(in));
    struct dm_value *items;
    DM_TRY(dm_items(e, in, &items));
    for (size_t i = 0; i < items->list.n; i++) {
        int same = items->list.items[i] == v ? 1 : dm_equal(e, items->list.items[i], v);
        if (same != 0)
            return same;
    }
    return 0;
}

/* Merge sort: stable, and safe with any answers of the comparison. */
static int merge_sort(struct dm_eval *e, struct dm_sort_item *items, struct dm_sort_item *tmp,
                      size_t n, bool reverse)
{
    if (n < 2)
        return 0;
    size_t half = n / 2, i = 0, j = half, k = 0;
    DM_TRY(merge_sort(e, items, tmp, half, reverse));
    DM_TRY(merge_sort(e, items + half, tmp, n - half, reverse));
    memcpy(tmp, items, n * sizeof(*tmp));
    while (i < half && j < n) {
        int later = reverse ? dm_order(e, DM_OP_LT, tmp[i].key, tmp[j].key)
                            : dm_order(e, DM_OP_LT, tmp[j].key, tmp[i].key);
        if (later < 0)
            return later;
        items[k++] = later ? tmp[j++] : tmp[i++];
    }
    while (i < half)
        items[k++] = tmp[i++];
    while (j < n)
        items[k++] = tmp[j++];
    return 0;
}

int dm_sort(struct dm_eval *e, struct dm_sort_item *items, size_t n, bool reverse)
{
    struct dm_sort_item *tmp = dm_arena_array(e->a, struct dm_sort_item, n + 1);
    return merge_sort(e, items, tmp, n, reverse);
}
