/* Attributes and methods of numbers in templates. */
#include <math.h>

#include "lang/big.h"
#include "lang/object.h"

static int bit_length(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = c->self;
    int64_t n = 0;
    if (v->kind == DM_BIG) {
        uint32_t top = v->big->limbs[v->big->n - 1];
        n = (int64_t)v->big->n * 32 - (top ? __builtin_clz(top) : 32);
    } else {
        int64_t i = dm_int_of(v);
        uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
        n = u ? 64 - __builtin_clzll(u) : 0;
    }
    *ret = dm_int_value(e, n);
    return 0;
}

static int bit_count(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = c->self;
    int64_t n = 0;
    if (v->kind == DM_BIG) {
        for (size_t i = 0; i < v->big->n; i++)
            n += __builtin_popcount(v->big->limbs[i]);
    } else {
        int64_t i = dm_int_of(v);
        n = __builtin_popcountll(i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
    }
    *ret = dm_int_value(e, n);
    return 0;
}

static const struct dm_value *as_number(struct dm_eval *e, const struct dm_value *v)
{
    return v->kind == DM_BOOL ? dm_int_value(e, v->b) : v;
}

static int conjugate(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = as_number(e, c->self);
    return 0;
}

static int no_bytes(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_eval_fail(e, DM_TE_TYPE, "%s() gives bytes, and templates have texts only", c->name);
}

static int is_integer(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_bool_value(isfinite(c->self->f) && c->self->f == trunc(c->self->f));
    return 0;
}

static int as_ratio(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = c->self, *tuple = dm_tuple(e, 2), *over = dm_int_value(e, 1);
    const struct dm_value *under = over;
    if (v->kind != DM_FLOAT) {
        over = as_number(e, v);
    } else if (!isfinite(v->f)) {
        return dm_eval_fail(e, isnan(v->f) ? DM_TE_VALUE : DM_TE_OVERFLOW,
                            "cannot convert infinity or NaN to an integer ratio");
    } else {
        int exponent;
        double mantissa = frexp(v->f, &exponent);
        for (int i = 0; i < 300 && mantissa != trunc(mantissa); i++, exponent--)
            mantissa *= 2;
        const struct dm_value *two = dm_int_value(e, 2), *power;
        DM_TRY(dm_binary(e, DM_OP_POW, two, dm_int_value(e, exponent < 0 ? -exponent : exponent),
                         &power));
        over = dm_int_value(e, (int64_t)mantissa);
        if (exponent < 0)
            under = power;
        else
            DM_TRY(dm_binary(e, DM_OP_MUL, over, power, &over));
    }
    dm_tuple_set(tuple, 0, over);
    dm_tuple_set(tuple, 1, under);
    *ret = tuple;
    return 0;
}

/* "0x1.8000000000000p+1": all 13 digits, unlike C's %a. */
static int hex(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    double f = c->self->f;
    char repr[DM_FLOAT_MAX];
    *ret = dm_str_value(e, !isfinite(f) ? dm_str_printf(e->a, "%s", dm_float_repr(f, repr))
                           : f == 0     ? dm_str_c(signbit(f) ? "-0x0.0p+0" : "0x0.0p+0")
                                        : dm_str_printf(e->a, "%.13a", f));
    return 0;
}

static const struct dm_callable int_methods[] = {
    {"as_integer_ratio", "", as_ratio}, {"bit_count", "", bit_count},
    {"bit_length", "", bit_length},     {"conjugate", "", conjugate},
    {"to_bytes", "*", no_bytes},        {NULL},
};
static const struct dm_callable float_methods[] = {
    {"as_integer_ratio", "", as_ratio},
    {"conjugate", "", conjugate},
    {"hex", "", hex},
    {"is_integer", "", is_integer},
    {NULL},
};

int dm_number_attr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                   const struct dm_value **ret)
{
    bool whole = v->kind != DM_FLOAT;
    const struct dm_callable *method = dm_callable_find(whole ? int_methods : float_methods, name);
    if (method)
        *ret = dm_bound(e, method, v);
    else if (dm_str_is(name, "real") || (whole && dm_str_is(name, "numerator")))
        *ret = as_number(e, v);
    else if (dm_str_is(name, "imag"))
        *ret = whole ? dm_int_value(e, 0) : dm_value_float(e->a, 0);
    else if (whole && dm_str_is(name, "denominator"))
        *ret = dm_int_value(e, 1);
    else
        return 0;
    return 1;
}
