/* Macros of templates: values that render their body. */
#include "lang/object.h"

struct macro {
    const struct dm_node *node;
    struct dm_scope *scope; /* where it was defined */
    const struct dm_template *t;
};

static int bind_parameters(struct dm_eval *e, const struct macro *m, struct dm_scope *s,
                           const struct dm_args *args, bool *used)
{
    const struct dm_node *n = m->node;
    size_t first_default = n->n_list - n->n_named;
    for (size_t i = 0; i < n->n_list; i++) {
        struct dm_str name = n->list[i]->name;
        const struct dm_value *v = i < args->n ? args->pos[i] : NULL;
        for (size_t k = 0; k < args->n_named && !v; k++) {
            if (dm_str_eq(args->named[k].name, name)) {
                v = args->named[k].value;
                used[k] = true;
            }
        }
        if (!v && i >= first_default)
            DM_TRY(dm_eval_expr(e, s, n->named[i - first_default], &v));
        if (!v)
            v = dm_undefined(e, DM_TE_UNDEFINED, "parameter '%.*s' was not provided", DM_FMT(name));
        dm_scope_set(s, name, v);
    }
    return 0;
}

/* What no parameter took: caller, varargs and kwargs where the body mentions them, otherwise a mistake. */
static int bind_rest(struct dm_eval *e, const struct macro *m, struct dm_scope *s,
                     const struct dm_args *args, const bool *used)
{
    const struct dm_node *n = m->node;
    struct dm_value *kwargs = dm_value_map(e->a);
    const struct dm_value *caller = NULL;
    for (size_t k = 0; k < args->n_named; k++) {
        struct dm_str name = args->named[k].name;
        if (used[k])
            continue;
        if (dm_str_is(name, "caller") && n->uses & DM_USES_CALLER)
            caller = args->named[k].value;
        else if (n->uses & DM_USES_KWARGS)
            dm_map_set_value(e->a, kwargs, dm_str_value(e, name), args->named[k].value);
        else
            return dm_eval_fail(e, DM_TE_TYPE, "macro '%.*s' takes no keyword argument '%.*s'",
                                DM_FMT(n->name), DM_FMT(name));
    }
    size_t extra = args->n > n->n_list ? args->n - n->n_list : 0;
    if (extra && !(n->uses & DM_USES_VARARGS))
        return dm_eval_fail(e, DM_TE_TYPE, "macro '%.*s' takes not more than %zu argument(s)",
                            DM_FMT(n->name), n->n_list);
    if (n->uses & DM_USES_VARARGS) {
        const struct dm_value *varargs = dm_tuple(e, extra);
        for (size_t i = 0; i < extra; i++)
            dm_tuple_set(varargs, i, args->pos[n->n_list + i]);
        dm_scope_set(s, DM_STR("varargs"), varargs);
    }
    if (n->uses & DM_USES_KWARGS)
        dm_scope_set(s, DM_STR("kwargs"), kwargs);
    if (n->uses & DM_USES_CALLER)
        dm_scope_set(s, DM_STR("caller"),
                     caller ? caller : dm_undefined(e, DM_TE_UNDEFINED, "no caller defined"));
    return 0;
}

static int macro_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                      const struct dm_value **ret)
{
    const struct macro *m = self->object->data;
    struct dm_scope *s = dm_scope_new(e, m->scope);
    bool *used = dm_arena_array(e->a, bool, args->n_named + 1);
    const struct dm_template *before = e->t;
    DM_TRY(dm_exec_deeper(e));
    e->t = m->t;
    DM_TRY(bind_parameters(e, m, s, args, used));
    DM_TRY(bind_rest(e, m, s, args, used));
    DM_TRY(dm_exec_text(e, s, m->node->body, ret));
    e->t = before;
    e->calls--;
    return 0;
}

static int macro_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                      const struct dm_value **ret)
{
    const struct dm_node *n = ((const struct macro *)self->object->data)->node;
    if (dm_str_is(name, "name")) {
        *ret = n->flag ? &dm_null : dm_str_value(e, n->name);
    } else if (dm_str_is(name, "arguments")) {
        *ret = dm_tuple(e, n->n_list);
        for (size_t i = 0; i < n->n_list; i++)
            dm_tuple_set(*ret, i, dm_str_value(e, n->list[i]->name));
    } else if (dm_str_is(name, "catch_varargs")) {
        *ret = dm_bool_value(n->uses & DM_USES_VARARGS);
    } else if (dm_str_is(name, "catch_kwargs")) {
        *ret = dm_bool_value(n->uses & DM_USES_KWARGS);
    } else if (dm_str_is(name, "explicit_caller")) {
        bool given = false;
        for (size_t i = 0; i < n->n_list; i++)
            given |= dm_str_is(n->list[i]->name, "caller");
        *ret = dm_bool_value(given);
    } else if (dm_str_is(name, "caller")) {
        *ret = dm_bool_value(n->uses & DM_USES_CALLER);
    } else {
        return 0;
    }
    return 1;
}

static int macro_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                      struct dm_strbuf *b)
{
    const struct macro *m = self->object->data;
    if (m->node->flag)
        dm_strbuf_adds(b, "<Macro anonymous>");
    else
        dm_strbuf_addf(b, "<Macro '%.*s'>", DM_FMT(m->node->name));
    return 0;
}

static const struct dm_class class_macro = {
    .type = "Macro", .attr = macro_attr, .call = macro_call, .text = macro_text};

const struct dm_value *dm_macro(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n)
{
    struct macro *m = dm_arena_new(e->a, struct macro);
    *m = (struct macro){.node = n, .scope = s, .t = e->t};
    return dm_object_value(e, &class_macro, m);
}
