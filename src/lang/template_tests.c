/* Tests of templates: `x is even`. */
#include "lang/object.h"

#define TEST(fn, expr)                                                                            \
    static int test_##fn(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                             \
        const struct dm_value *v = c->self;                                                       \
        *ret = dm_bool_value(expr);                                                               \
        return 0;                                                                                 \
    }

TEST(boolean, v->kind == DM_BOOL)
TEST(callable, dm_is_callable(v))
TEST(defined, !dm_is_undefined(v))
TEST(undefined, dm_is_undefined(v) != NULL)
TEST(escaped, v->kind == DM_STRING && v->safe)
TEST(false, v->kind == DM_BOOL && !v->b)
TEST(true, v->kind == DM_BOOL && v->b)
TEST(float, v->kind == DM_FLOAT)
TEST(integer, v->kind == DM_INT || v->kind == DM_BIG)
TEST(number, dm_is_number(v))
TEST(none, v->kind == DM_NULL)
TEST(string, v->kind == DM_STRING)
TEST(mapping, v->kind == DM_MAP || (v->kind == DM_OBJECT && v->object->cls->is_mapping))
TEST(sequence, v->kind == DM_STRING || v->kind == DM_LIST || v->kind == DM_TUPLE ||
                   v->kind == DM_MAP || (v->kind == DM_OBJECT && v->object->cls->is_sequence))

/* None, the booleans and small integers are one object each in Python. */
TEST(sameas, v == c->arg[0] || (v->kind == c->arg[0]->kind &&
                                (v->kind == DM_NULL || v->kind == DM_BOOL || v->kind == DM_INT ||
                                 v->kind == DM_STRING) &&
                                dm_value_equal(v, c->arg[0])))

static int test_iterable(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, c->self));
    *ret = dm_bool_value(dm_is_iterable(c->self));
    return 0;
}

static int answer(int rc, const struct dm_value **ret)
{
    if (rc < 0)
        return rc;
    *ret = dm_bool_value(rc);
    return 0;
}

/* `'upper' is filter`: asked of a table, so the name must be something that one can ask for. */
static int known_name(struct dm_eval *e, const struct dm_call *c,
                      const struct dm_callable *(*find)(struct dm_str), const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, c->self));
    if (!dm_is_hashable(c->self))
        return dm_eval_fail(e, DM_TE_TYPE, "unhashable type: '%s'", dm_type_name(c->self));
    *ret = dm_bool_value(c->self->kind == DM_STRING && find(c->self->s));
    return 0;
}

static int test_filter(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return known_name(e, c, dm_filter_find, ret);
}

static int test_test(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return known_name(e, c, dm_test_find, ret);
}

#define ORDER(fn, op)                                                                             \
    static int test_##fn(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                             \
        return answer(dm_order(e, op, c->self, c->arg[0]), ret);                                  \
    }

ORDER(lt, DM_OP_LT)
ORDER(le, DM_OP_LE)
ORDER(gt, DM_OP_GT)
ORDER(ge, DM_OP_GE)

static int test_eq(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return answer(dm_equal(e, c->self, c->arg[0]), ret);
}

static int test_ne(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int rc = dm_equal(e, c->self, c->arg[0]);
    return answer(rc < 0 ? rc : !rc, ret);
}

static int test_in(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return answer(dm_contains(e, c->arg[0], c->self), ret);
}

static int remainder_is(struct dm_eval *e, const struct dm_value *v, const struct dm_value *by,
                        int64_t want, const struct dm_value **ret)
{
    const struct dm_value *rest;
    DM_TRY(dm_binary(e, DM_OP_MOD, v, by, &rest));
    return answer(dm_equal(e, rest, dm_int_value(e, want)), ret);
}

static int test_even(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return remainder_is(e, c->self, dm_int_value(e, 2), 0, ret);
}

static int test_odd(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return remainder_is(e, c->self, dm_int_value(e, 2), 1, ret);
}

static int test_divisibleby(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return remainder_is(e, c->self, c->arg[0], 0, ret);
}

static int by_method(struct dm_eval *e, const struct dm_call *c, const char *method,
                     const struct dm_value **ret)
{
    struct dm_str s;
    const struct dm_args none = {0};
    DM_TRY(dm_text_of(e, c->self, &s));
    struct dm_value text = {.kind = DM_STRING, .s = s};
    return dm_callable_run(e, dm_callable_find(dm_str_methods, dm_str_c(method)), &text, &none,
                           ret);
}

static int test_lower(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return by_method(e, c, "islower", ret);
}

static int test_upper(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return by_method(e, c, "isupper", ret);
}

static const struct dm_callable tests[] = {
#define DM_TEST(word, fn, spec) {word, spec, test_##fn},
#include "lang/tests.def"
#undef DM_TEST
    {NULL},
};

static const char *const test_names[] = {
#define DM_TEST(word, fn, spec) word,
#include "lang/tests.def"
#undef DM_TEST
    NULL,
};

const struct dm_callable *dm_test_find(struct dm_str name)
{
    return dm_callable_find(tests, name);
}

const char *dm_test_nearest(struct dm_str name)
{
    return dm_str_nearest(name, test_names);
}
