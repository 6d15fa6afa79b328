/* Functions that every template has: range, dict, namespace, cycler, joiner, lipsum. */
#include "lang/object.h"

struct range {
    int64_t from, to, step, n;
};

static int range_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    *ret = ((const struct range *)self->object->data)->n;
    return 0;
}

static int range_iter(struct dm_eval *e, const struct dm_value *self, const struct dm_value **ret)
{
    const struct range *r = self->object->data;
    DM_TRY(dm_eval_charge(e, (uint64_t)r->n * sizeof(struct dm_value)));
    struct dm_value *list = dm_value_list(e->a, (size_t)r->n);
    for (int64_t i = 0; i < r->n; i++)
        list->list.items[i] = dm_int_value(e, r->from + i * r->step);
    *ret = list;
    return 0;
}

static int range_item(struct dm_eval *e, const struct dm_value *self, const struct dm_value *key,
                      const struct dm_value **ret)
{
    const struct range *r = self->object->data;
    if (!dm_is_int(key))
        return 0;
    int64_t i = dm_int_of(key);
    i += i < 0 ? r->n : 0;
    if (i < 0 || i >= r->n)
        return 0;
    *ret = dm_int_value(e, r->from + i * r->step);
    return 1;
}

static int range_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                      struct dm_strbuf *b)
{
    const struct range *r = self->object->data;
    dm_strbuf_addf(b, "range(%lld, %lld", (long long)r->from, (long long)r->to);
    if (r->step != 1)
        dm_strbuf_addf(b, ", %lld", (long long)r->step);
    dm_strbuf_addc(b, ')');
    return 0;
}

static const struct dm_class class_range;

static int range_slice(struct dm_eval *e, const struct dm_value *self, int64_t first, int64_t step,
                       int64_t n, const struct dm_value **ret)
{
    const struct range *r = self->object->data;
    struct range part = {.from = r->from + first * r->step, .step = r->step * step, .n = n};
    part.to = part.from + n * part.step;
    *ret = dm_object_value(e, &class_range, dm_arena_dup(e->a, &part, sizeof(part)));
    return 0;
}

static int range_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                      const struct dm_value **ret)
{
    const struct range *r = self->object->data;
    if (dm_str_is(name, "start"))
        *ret = dm_int_value(e, r->from);
    else if (dm_str_is(name, "stop"))
        *ret = dm_int_value(e, r->to);
    else if (dm_str_is(name, "step"))
        *ret = dm_int_value(e, r->step);
    else
        return 0;
    return 1;
}

static const struct dm_class class_range = {
    .type = "range",
    .attr = range_attr,
    .item = range_item,
    .text = range_text,
    .iter = range_iter,
    .length = range_length,
    .slice = range_slice,
    .is_sequence = true,
};

static int global_range(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct range r = {0};
    DM_TRY(dm_param_int(e, c, 0, 0, &r.to));
    DM_TRY(dm_param_int(e, c, 2, 1, &r.step));
    if (c->arg[1]) {
        r.from = r.to;
        DM_TRY(dm_param_int(e, c, 1, 0, &r.to));
    }
    if (r.step == 0)
        return dm_eval_fail(e, DM_TE_VALUE, "range() arg 3 must not be zero");
    const int64_t far = INT64_MAX / 4;
    if (r.from > far || r.from < -far || r.to > far || r.to < -far || r.step > far || r.step < -far)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "range() is too large");
    r.n =
        r.step > 0 ? (r.to - r.from + r.step - 1) / r.step : (r.from - r.to - r.step - 1) / -r.step;
    if (r.n < 0)
        r.n = 0;
    if (r.n > DM_TEMPLATE_RANGE)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "range too big: the limit is %d items",
                            DM_TEMPLATE_RANGE);
    *ret = dm_object_value(e, &class_range, dm_arena_dup(e->a, &r, sizeof(r)));
    return 0;
}

static int global_dict(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *map = dm_value_map(e->a);
    const struct dm_value *done;
    *ret = map;
    return dm_callable_run(e, dm_callable_find(dm_map_methods, DM_STR("update")), map, c->all,
                           &done);
}

static int namespace_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                          const struct dm_value **ret)
{
    const struct dm_value *v = dm_map_get_str(self->object->data, name);
    if (v)
        *ret = v;
    return v != NULL;
}

static int namespace_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                          struct dm_strbuf *b)
{
    dm_strbuf_adds(b, "<Namespace ");
    DM_TRY(dm_repr(e, self->object->data, b));
    dm_strbuf_addc(b, '>');
    return 0;
}

const struct dm_class dm_class_namespace = {
    .type = "Namespace", .attr = namespace_attr, .text = namespace_text};

static int global_namespace(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *map;
    DM_TRY(global_dict(e, c, &map));
    *ret = dm_object_value(e, &dm_class_namespace, (void *)map);
    return 0;
}

int dm_namespace_set(struct dm_eval *e, const struct dm_value *ns, struct dm_str name,
                     const struct dm_value *v)
{
    struct dm_value *map = dm_object_data(ns, &dm_class_namespace);
    if (!map)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "cannot assign attribute on non-namespace object");
    dm_map_set_value(e->a, map, dm_str_value(e, name), v);
    return 0;
}

struct cycler {
    const struct dm_value *items;
    size_t at;
};

static int cycler_next(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct cycler *cycler = c->self->object->data;
    *ret = cycler->items->list.items[cycler->at];
    cycler->at = (cycler->at + 1) % cycler->items->list.n;
    return 0;
}

static int cycler_reset(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    ((struct cycler *)c->self->object->data)->at = 0;
    *ret = &dm_null;
    return 0;
}

static const struct dm_callable cycler_methods[] = {
    {"next", "", cycler_next},
    {"reset", "", cycler_reset},
    {NULL},
};

static int cycler_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                       const struct dm_value **ret)
{
    const struct cycler *cycler = self->object->data;
    const struct dm_callable *method = dm_callable_find(cycler_methods, name);
    if (method)
        *ret = dm_bound(e, method, self);
    else if (dm_str_is(name, "current"))
        *ret = cycler->items->list.items[cycler->at];
    else if (dm_str_is(name, "items"))
        *ret = cycler->items;
    else
        return 0;
    return 1;
}

static const struct dm_class class_cycler = {.type = "Cycler", .attr = cycler_attr};

static int global_cycler(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    if (!c->all->n)
        return dm_eval_fail(e, DM_TE_OTHER, "at least one item has to be provided");
    struct cycler *cycler = dm_arena_new(e->a, struct cycler);
    cycler->items = dm_tuple(e, c->all->n);
    for (size_t i = 0; i < c->all->n; i++)
        dm_tuple_set(cycler->items, i, c->all->pos[i]);
    *ret = dm_object_value(e, &class_cycler, cycler);
    return 0;
}

struct joiner {
    const struct dm_value *sep;
    bool used;
};

static int joiner_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                       const struct dm_value **ret)
{
    struct joiner *j = self->object->data;
    *ret = j->used ? j->sep : dm_str_value(e, DM_STR(""));
    j->used = true;
    return 0;
}

static const struct dm_class class_joiner = {.type = "Joiner", .call = joiner_call};

static int global_joiner(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct joiner *j = dm_arena_new(e->a, struct joiner);
    j->sep = c->arg[0] ? c->arg[0] : dm_str_value(e, DM_STR(", "));
    *ret = dm_object_value(e, &class_joiner, j);
    return 0;
}

static int global_lipsum(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_eval_fail(e, DM_TE_SECURITY,
                        "lipsum() is refused: a rerun would render another text");
}

const struct dm_callable dm_globals[] = {
    {"range", "start stop? step?", global_range},
    {"dict", "other? *", global_dict},
    {"namespace", "other? *", global_namespace},
    {"cycler", "*", global_cycler},
    {"joiner", "sep?", global_joiner},
    {"lipsum", "*", global_lipsum},
    {NULL},
};

const struct dm_value *dm_global(struct dm_eval *e, struct dm_str name)
{
    const struct dm_callable *f = dm_callable_find(dm_globals, name);
    return f ? dm_bound(e, f, NULL) : NULL;
}
