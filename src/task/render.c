/* Rendering the templated fields of an operator. */
#include "task/render.h"

#include "base/log.h"
#include "task/world.h"

/* Under a name that tells a secret, a text is one, as for Airflow. */
static bool hides(const struct dm_value *key, const struct dm_value *v)
{
    return key->kind == DM_STRING && v->kind == DM_STRING && v->s.len &&
           dm_conn_secret_name(key->s);
}

static const struct dm_value *masked(struct dm_arena *a, const struct dm_value *v)
{
    if (v->kind == DM_STRING) {
        char *text = dm_arena_strndup(a, v->s.p, v->s.len);
        dm_mask_text(text);
        return dm_value_str(a, dm_str_c(text));
    }
    if (v->kind == DM_LIST || v->kind == DM_TUPLE) {
        struct dm_value *list = dm_value_list(a, 0);
        for (size_t i = 0; i < v->list.n; i++)
            dm_list_add(a, list, masked(a, v->list.items[i]));
        return list;
    }
    if (v->kind == DM_MAP) {
        struct dm_value *map = dm_value_map(a);
        for (size_t i = 0; i < v->map.n; i++) {
            const struct dm_pair *p = &v->map.pairs[i];
            dm_map_set_value(a, map, p->key,
                             hides(p->key, p->value) ? dm_value_cstr(a, "***")
                                                     : masked(a, p->value));
        }
        return map;
    }
    return v;
}

int dm_render_fields(struct dm_attempt *at, const struct dm_op_spec *spec,
                     const struct dm_value **ret_args, const struct dm_value **ret_shown,
                     struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    const struct dm_order *o = at->order;
    struct dm_context context;
    DM_TRY(dm_attempt_context(at, &context, reterr));
    struct dm_value *args = dm_value_map(a), *shown = dm_value_map(a);
    for (size_t i = 0; o->args && i < o->args->map.n; i++) {
        const struct dm_pair *p = &o->args->map.pairs[i];
        const struct dm_op_field *f =
            p->key->kind == DM_STRING ? dm_op_field_find(spec, p->key->s) : NULL;
        const struct dm_value *v = p->value;
        if (f && f->templated) {
            struct dm_place place = {o->dag_file, v->line, v->col};
            int rc = dm_render_value(a, v, spec->template_ext, place, &context, o->native_templates,
                                     &v, reterr);
            if (rc < 0)
                return dm_err_wrap(reterr, "could not render \"%s\"", f->name), rc;
            dm_map_set(a, shown, f->name, masked(a, v));
        }
        dm_map_set_value(a, args, p->key, v);
    }
    *ret_args = args;
    *ret_shown = shown;
    return 0;
}
