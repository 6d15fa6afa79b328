/* Calls of templates: binding arguments to parameters, and reading them with the type that is wanted. */
#include "lang/object.h"

#include "lang/big.h"

struct parameter {
    struct dm_str name;
    bool optional;
};

/* Cuts the next parameter off a spec. */
static bool next_parameter(struct dm_str *rest, struct parameter *ret)
{
    struct dm_str piece;
    while (dm_str_split(rest, ' ', &piece)) {
        if (!piece.len || dm_str_is(piece, "*"))
            continue;
        ret->optional = piece.p[piece.len - 1] == '?';
        ret->name = dm_str_sub(piece, 0, piece.len - ret->optional);
        return true;
    }
    return false;
}

static int check_named(struct dm_eval *e, const struct dm_callable *f, const struct dm_args *args,
                       const bool *used)
{
    for (size_t k = 0; k < args->n_named; k++)
        if (!used[k])
            return dm_eval_fail(e, DM_TE_TYPE, "%s() got an unexpected keyword argument '%.*s'",
                                f->name, DM_FMT(args->named[k].name));
    return 0;
}

int dm_callable_run(struct dm_eval *e, const struct dm_callable *f, const struct dm_value *self,
                    const struct dm_args *args, const struct dm_value **ret)
{
    struct dm_call c = {.name = f->name, .self = self, .all = args};
    struct dm_str rest = dm_str_c(f->spec);
    struct parameter param;
    bool open = rest.len && rest.p[rest.len - 1] == '*';
    bool *used = dm_arena_array(e->a, bool, args->n_named + 1);
    size_t n = 0;
    for (; next_parameter(&rest, &param); n++) {
        if (n < args->n)
            c.arg[n] = args->pos[n];
        for (size_t k = 0; k < args->n_named; k++) {
            if (!dm_str_eq(args->named[k].name, param.name))
                continue;
            if (c.arg[n])
                return dm_eval_fail(e, DM_TE_TYPE, "%s() got multiple values for argument '%.*s'",
                                    f->name, DM_FMT(param.name));
            c.arg[n] = args->named[k].value;
            used[k] = true;
        }
        if (!c.arg[n] && !param.optional)
            return dm_eval_fail(e, DM_TE_TYPE,
                                "%s() missing 1 required positional argument: '%.*s'", f->name,
                                DM_FMT(param.name));
    }
    if (!open) {
        if (args->n > n)
            return dm_eval_fail(e, DM_TE_TYPE, "%s() takes %zu arguments but %zu were given",
                                f->name, n, args->n);
        DM_TRY(check_named(e, f, args, used));
    }
    return f->fn(e, &c, ret);
}

const struct dm_value *dm_named_arg(const struct dm_args *args, const char *name)
{
    for (size_t i = 0; i < args->n_named; i++)
        if (dm_str_is(args->named[i].name, name))
            return args->named[i].value;
    return NULL;
}

const struct dm_callable *dm_callable_find(const struct dm_callable *table, struct dm_str name)
{
    for (; table->name; table++)
        if (dm_str_is(name, table->name))
            return table;
    return NULL;
}

int dm_call(struct dm_eval *e, const struct dm_value *f, const struct dm_args *args,
            const struct dm_value **ret)
{
    if (!dm_is_callable(f))
        return dm_eval_fail(e, DM_TE_TYPE, "'%s' object is not callable", dm_type_name(f));
    int rc = dm_eval_enter(e);
    if (rc == 0)
        rc = f->object->cls->call(e, f, args, ret);
    dm_eval_leave(e);
    return rc;
}

bool dm_is_int(const struct dm_value *v)
{
    return v->kind == DM_INT || v->kind == DM_BOOL;
}

bool dm_is_number(const struct dm_value *v)
{
    return dm_is_int(v) || v->kind == DM_FLOAT || v->kind == DM_BIG;
}

int64_t dm_int_of(const struct dm_value *v)
{
    return v->kind == DM_BOOL ? v->b : v->i;
}

double dm_float_of(const struct dm_value *v)
{
    if (v->kind == DM_FLOAT)
        return v->f;
    return v->kind == DM_BIG ? dm_big_to_f64(v->big) : (double)dm_int_of(v);
}

int dm_param_int(struct dm_eval *e, const struct dm_call *c, size_t i, int64_t fallback,
                 int64_t *ret)
{
    const struct dm_value *v = c->arg[i];
    if (!v) {
        *ret = fallback;
        return 0;
    }
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind == DM_BIG)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "%s(): integer is too large", c->name);
    if (!dm_is_int(v))
        return dm_eval_fail(e, DM_TE_TYPE, "%s(): '%s' object cannot be interpreted as an integer",
                            c->name, dm_type_name(v));
    *ret = dm_int_of(v);
    return 0;
}

int dm_param_float(struct dm_eval *e, const struct dm_call *c, size_t i, double fallback,
                   double *ret)
{
    const struct dm_value *v = c->arg[i];
    if (!v) {
        *ret = fallback;
        return 0;
    }
    DM_TRY(dm_eval_defined(e, v));
    if (!dm_is_number(v))
        return dm_eval_fail(e, DM_TE_TYPE, "%s(): must be real number, not %s", c->name,
                            dm_type_name(v));
    *ret = dm_float_of(v);
    return 0;
}

int dm_param_bool(struct dm_eval *e, const struct dm_call *c, size_t i, bool fallback, bool *ret)
{
    int truth = c->arg[i] ? dm_truth(e, c->arg[i]) : fallback;
    if (truth < 0)
        return truth;
    *ret = truth;
    return 0;
}

int dm_param_str(struct dm_eval *e, const struct dm_call *c, size_t i, const char *fallback,
                 struct dm_str *ret)
{
    const struct dm_value *v = c->arg[i];
    if (!v) {
        *ret = dm_str_c(fallback);
        return 0;
    }
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "%s(): argument must be str, not %s", c->name,
                            dm_type_name(v));
    *ret = v->s;
    return 0;
}
