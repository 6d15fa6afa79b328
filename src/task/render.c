/* Rendering the templated fields of an operator. */
#include "task/render.h"

#include "base/log.h"
#include "lang/mapping.h"
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

struct rendering {
    struct dm_attempt *at;
    const struct dm_op_spec *spec;
    struct dm_context context;
    struct dm_value *args, *shown;
};

static bool has_result(const struct dm_value *v)
{
    struct dm_str id, key;
    bool found = dm_xcom_arg(v, &id, &key);
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; !found && i < v->list.n; i++)
            found = has_result(v->list.items[i]);
    else if (v->kind == DM_MAP)
        for (size_t i = 0; !found && i < v->map.n; i++)
            found = has_result(v->map.pairs[i].value);
    return found;
}

static int render_plain(struct rendering *r, const struct dm_value *v, const struct dm_value **ret,
                        struct dm_err *reterr)
{
    struct dm_place place = {r->at->order->dag_file, v->line, v->col};
    return dm_render_value(r->at->arena, v, r->spec->template_ext, place, &r->context,
                           r->at->order->native_templates, ret, reterr);
}

/* Of a result that is not there: null, as in Airflow, unless it is one of several that a task has. */
static int result_of(struct rendering *r, struct dm_str id, struct dm_str key,
                     const struct dm_value **ret, struct dm_err *reterr)
{
    int rc = dm_attempt_result_of(r->at, id, key, ret, reterr);
    if (rc == 0 && !dm_str_is(key, "return_value"))
        return dm_err_set(reterr, DM_E_NOTFOUND, "task \"%.*s\" has no result \"%.*s\"", DM_FMT(id),
                          DM_FMT(key));
    if (rc == 0)
        *ret = &dm_null;
    return rc < 0 ? rc : 0;
}

/* Renders a value; the results of other tasks in it are put in as they are. */
static int render_value(struct rendering *r, const struct dm_value *v, const struct dm_value **ret,
                        struct dm_err *reterr)
{
    struct dm_str id, key;
    if (!has_result(v))
        return render_plain(r, v, ret, reterr);
    if (dm_xcom_arg(v, &id, &key))
        return result_of(r, id, key, ret, reterr);
    struct dm_value *copy = dm_value_copy(r->at->arena, v);
    if (v->kind == DM_MAP)
        for (size_t i = 0; i < v->map.n; i++)
            DM_TRY(render_value(r, v->map.pairs[i].value, &copy->map.pairs[i].value, reterr));
    else
        for (size_t i = 0; i < v->list.n; i++)
            DM_TRY(render_value(r, v->list.items[i], &copy->list.items[i], reterr));
    *ret = copy;
    return 0;
}

static void set_field(struct rendering *r, const struct dm_op_field *f, const struct dm_value *key,
                      const struct dm_value *v)
{
    if (f && f->templated)
        dm_map_set(r->at->arena, r->shown, f->name, masked(r->at->arena, v));
    dm_map_set_value(r->at->arena, r->args, key, v);
}

static int render_args(struct rendering *r, struct dm_err *reterr)
{
    const struct dm_value *args = r->at->order->args;
    for (size_t i = 0; args && i < args->map.n; i++) {
        const struct dm_pair *p = &args->map.pairs[i];
        const struct dm_op_field *f =
            p->key->kind == DM_STRING ? dm_op_field_find(r->spec, p->key->s) : NULL;
        const struct dm_value *v = p->value;
        if (f && f->templated) {
            int rc = render_value(r, p->value, &v, reterr);
            if (rc < 0)
                return dm_err_wrap(reterr, "could not render \"%s\"", f->name), rc;
        }
        set_field(r, f, p->key, v);
    }
    return 0;
}

/* ---- mapped tasks ---- */

/* The lists and maps of a mapping; *ret_literal[i]: it stands in the DAG, so that its items are rendered. */
static int read_mapping(struct rendering *r, const struct dm_value *map,
                        const struct dm_value **sources, int64_t *lengths, bool *literal,
                        struct dm_err *reterr)
{
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *v = map->map.pairs[i].value;
        struct dm_str id, key;
        literal[i] = !dm_xcom_arg(v, &id, &key);
        sources[i] = v;
        if (!literal[i])
            DM_TRY(result_of(r, id, key, &sources[i], reterr));
        lengths[i] = dm_map_length(sources[i]);
        if (lengths[i] < 0)
            return dm_err_set(reterr, DM_E_TYPE, "cannot map \"%.*s\" over a %s",
                              DM_FMT(map->map.pairs[i].key->s), dm_kind_name(sources[i]->kind));
    }
    return 0;
}

/* The fields of this instance, added to `into`. */
static int add_items(struct rendering *r, const struct dm_value *map, struct dm_value *into,
                     struct dm_err *reterr)
{
    struct dm_arena *a = r->at->arena;
    size_t n = map->map.n, index = (size_t)r->at->order->map_index;
    const struct dm_value **sources = dm_arena_array(a, const struct dm_value *, n + 1);
    int64_t *lengths = dm_arena_array(a, int64_t, n + 1);
    bool *literal = dm_arena_array(a, bool, n + 1);
    DM_TRY(read_mapping(r, map, sources, lengths, literal, reterr));
    int64_t instances = dm_map_instances(lengths, n);
    if (r->at->order->map_index < 0 || r->at->order->map_index >= instances)
        return dm_err_set(reterr, DM_E_NOTFOUND,
                          "the instance %d is none of the %lld that the task is mapped to",
                          r->at->order->map_index, (long long)instances);
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *key = map->map.pairs[i].key;
        const struct dm_op_field *f = into == r->args ? dm_op_field_find(r->spec, key->s) : NULL;
        const struct dm_value *v =
            dm_map_item(a, sources[i], dm_map_item_index(lengths, n, i, index));
        int rc = 0;
        if (literal[i] && (!f || f->templated))
            rc = render_value(r, v, &v, reterr);
        if (rc < 0)
            return dm_err_wrap(reterr, "could not render \"%.*s\"", DM_FMT(key->s)), rc;
        if (f && !dm_op_field_fits(f, v))
            return dm_err_set(reterr, DM_E_TYPE, "%s must be %s, not a %s", f->name,
                              dm_field_type_name(f->type), dm_kind_name(v->kind));
        if (into == r->args)
            set_field(r, f, key, v);
        else
            dm_map_set_value(a, into, key, v);
    }
    return 0;
}

/* What the loader does for any other task: the defaults of fields that nobody gave. */
static int add_defaults(struct rendering *r, const struct dm_op_field *fields,
                        struct dm_err *reterr)
{
    for (const struct dm_op_field *f = fields; f && f->name; f++) {
        struct dm_value *v;
        if (!f->fallback || dm_map_at(r->args, f->name))
            continue;
        DM_TRY(dm_value_from_json(r->at->arena, dm_str_c(f->fallback), &v, reterr));
        dm_map_set(r->at->arena, r->args, f->name, v);
    }
    return 0;
}

static int render_mapped(struct rendering *r, struct dm_err *reterr)
{
    const struct dm_order *o = r->at->order;
    if (o->expand_kwargs) {
        const struct dm_value *same = dm_map_at(r->args, "op_kwargs");
        struct dm_value *all =
            same ? dm_value_copy(r->at->arena, same) : dm_value_map(r->at->arena);
        DM_TRY(add_items(r, o->expand_kwargs, all, reterr));
        set_field(r, dm_op_field_find(r->spec, DM_STR("op_kwargs")),
                  dm_value_cstr(r->at->arena, "op_kwargs"), all);
    } else {
        DM_TRY(add_items(r, o->expand, r->args, reterr));
    }
    DM_TRY(add_defaults(r, r->spec->fields, reterr));
    DM_TRY(add_defaults(r, r->spec->sensor ? dm_sensor_fields : NULL, reterr));
    return r->spec->check ? r->spec->check(r->args, reterr) : 0;
}

/* Its first name that is no path: templates print it. */
static const char *class_name(const struct dm_op_spec *spec)
{
    for (const char *const *alias = spec->aliases; alias && *alias; alias++)
        if (!strchr(*alias, '.'))
            return *alias;
    return spec->name;
}

int dm_render_fields(struct dm_attempt *at, const struct dm_op_spec *spec,
                     const struct dm_value **ret_args, const struct dm_value **ret_shown,
                     struct dm_err *reterr)
{
    struct rendering r = {
        .at = at, .spec = spec, .args = dm_value_map(at->arena), .shown = dm_value_map(at->arena)};
    at->operator_class = class_name(spec);
    DM_TRY(dm_attempt_context(at, &r.context, reterr));
    DM_TRY(render_args(&r, reterr));
    if (at->order->expand || at->order->expand_kwargs)
        DM_TRY(render_mapped(&r, reterr));
    *ret_args = r.args;
    *ret_shown = r.shown;
    return 0;
}
