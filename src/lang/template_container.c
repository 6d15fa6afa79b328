/* Methods of lists, tuples and maps in templates.  `do` may change them, so those of the outside are copied first. */
#include "lang/object.h"

/* Values are read-only to everybody but the render that made them. */
static struct dm_value *changeable(const struct dm_call *c)
{
    return (struct dm_value *)c->self;
}

/* A container never holds itself: nothing that walks values has to look for that. */
static int check_cycle(struct dm_eval *e, const struct dm_value *in, const struct dm_value *v)
{
    if (v == in)
        return dm_eval_fail(e, DM_TE_LIMIT, "a container cannot hold itself");
    int rc = dm_eval_enter(e);
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; i < v->list.n && rc == 0; i++)
            rc = check_cycle(e, in, v->list.items[i]);
    else if (v->kind == DM_MAP)
        for (size_t i = 0; i < v->map.n && rc == 0; i++)
            rc = check_cycle(e, in, v->map.pairs[i].value);
    dm_eval_leave(e);
    return rc;
}

static int add(struct dm_eval *e, struct dm_value *list, const struct dm_value *v)
{
    if (list->list.n >= DM_TEMPLATE_ITEMS)
        return dm_eval_fail(e, DM_TE_LIMIT, "a list has more than %d items", DM_TEMPLATE_ITEMS);
    DM_TRY(check_cycle(e, list, v));
    dm_list_add(e->a, list, v);
    return 0;
}

static int put(struct dm_eval *e, struct dm_value *map, const struct dm_value *key,
               const struct dm_value *v)
{
    DM_TRY(dm_eval_defined(e, key));
    if (!dm_is_hashable(key))
        return dm_eval_fail(e, DM_TE_TYPE, "unhashable type: '%s'", dm_type_name(key));
    if (map->map.n >= DM_TEMPLATE_ITEMS)
        return dm_eval_fail(e, DM_TE_LIMIT, "a map has more than %d items", DM_TEMPLATE_ITEMS);
    DM_TRY(check_cycle(e, map, v));
    dm_map_set_value(e->a, map, key, v);
    return 0;
}

static int list_append(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = &dm_null;
    return add(e, changeable(c), c->arg[0]);
}

static int list_extend(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(dm_items(e, c->arg[0], &items));
    for (size_t i = 0; i < items->list.n; i++)
        DM_TRY(add(e, changeable(c), items->list.items[i]));
    *ret = &dm_null;
    return 0;
}

static int list_insert(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *list = changeable(c);
    int64_t at, n = (int64_t)list->list.n;
    DM_TRY(dm_param_int(e, c, 0, 0, &at));
    at = at < 0 ? (at + n < 0 ? 0 : at + n) : at > n ? n : at;
    DM_TRY(add(e, list, c->arg[1]));
    memmove(list->list.items + at + 1, list->list.items + at, (size_t)(n - at) * sizeof(void *));
    list->list.items[at] = c->arg[1];
    *ret = &dm_null;
    return 0;
}

static void cut(struct dm_value *list, size_t at)
{
    memmove(list->list.items + at, list->list.items + at + 1,
            (list->list.n - at - 1) * sizeof(void *));
    list->list.n--;
}

static int list_pop(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *list = changeable(c);
    int64_t at, n = (int64_t)list->list.n;
    DM_TRY(dm_param_int(e, c, 0, -1, &at));
    at += at < 0 ? n : 0;
    if (at < 0 || at >= n)
        return dm_eval_fail(e, DM_TE_INDEX, n ? "pop index out of range" : "pop from empty list");
    *ret = list->list.items[at];
    cut(list, (size_t)at);
    return 0;
}

static int position(struct dm_eval *e, const struct dm_call *c, size_t from, ptrdiff_t *ret)
{
    *ret = -1;
    for (size_t i = from; i < c->self->list.n && *ret < 0; i++) {
        int same = dm_equal(e, c->self->list.items[i], c->arg[0]);
        if (same < 0)
            return same;
        if (same)
            *ret = (ptrdiff_t)i;
    }
    return 0;
}

static int list_remove(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    ptrdiff_t at;
    DM_TRY(position(e, c, 0, &at));
    if (at < 0)
        return dm_eval_fail(e, DM_TE_VALUE, "list.remove(x): x not in list");
    cut(changeable(c), (size_t)at);
    *ret = &dm_null;
    return 0;
}

static int list_index(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    ptrdiff_t at;
    int64_t from;
    DM_TRY(dm_param_int(e, c, 1, 0, &from));
    if (from < 0)
        from = from + (int64_t)c->self->list.n < 0 ? 0 : from + (int64_t)c->self->list.n;
    DM_TRY(position(e, c, (size_t)from, &at));
    if (at < 0)
        return dm_eval_fail(e, DM_TE_VALUE, "the value is not in the %s", dm_type_name(c->self));
    *ret = dm_int_value(e, at);
    return 0;
}

static int list_count(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t n = 0;
    for (size_t i = 0; i < c->self->list.n; i++) {
        int same = dm_equal(e, c->self->list.items[i], c->arg[0]);
        if (same < 0)
            return same;
        n += same;
    }
    *ret = dm_int_value(e, n);
    return 0;
}

static int list_reverse(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *list = changeable(c);
    for (size_t i = 0, n = list->list.n; i < n / 2; i++) {
        const struct dm_value *v = list->list.items[i];
        list->list.items[i] = list->list.items[n - 1 - i];
        list->list.items[n - 1 - i] = v;
    }
    *ret = &dm_null;
    return 0;
}

static int list_sort(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *list = changeable(c);
    bool reverse;
    DM_TRY(dm_param_bool(e, c, 0, false, &reverse));
    struct dm_sort_item *items = dm_arena_array(e->a, struct dm_sort_item, list->list.n + 1);
    for (size_t i = 0; i < list->list.n; i++)
        items[i].key = items[i].value = list->list.items[i];
    DM_TRY(dm_sort(e, items, list->list.n, reverse));
    for (size_t i = 0; i < list->list.n; i++)
        list->list.items[i] = items[i].value;
    *ret = &dm_null;
    return 0;
}

static int container_clear(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *v = changeable(c);
    if (v->kind == DM_MAP)
        v->map = (struct dm_value){.kind = DM_MAP}.map;
    else
        v->list.n = 0;
    *ret = &dm_null;
    return 0;
}

static int container_copy(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_value_copy(e->a, c->self);
    return dm_eval_charge(e, c->self->list.n * sizeof(void *));
}

const struct dm_callable dm_list_methods[] = {
    {"append", "object", list_append},
    {"clear", "", container_clear},
    {"copy", "", container_copy},
    {"count", "value", list_count},
    {"extend", "iterable", list_extend},
    {"index", "value start?", list_index},
    {"insert", "index object", list_insert},
    {"pop", "index?", list_pop},
    {"remove", "value", list_remove},
    {"reverse", "", list_reverse},
    {"sort", "reverse?", list_sort},
    {NULL},
};

const struct dm_callable dm_tuple_methods[] = {
    {"count", "value", list_count},
    {"index", "value start?", list_index},
    {NULL},
};

enum view { KEYS, VALUES, ITEMS };

static const struct dm_value *view_list(struct dm_eval *e, const struct dm_value *map,
                                        enum view which)
{
    struct dm_value *list = dm_value_list(e->a, map->map.n);
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_pair *pair = &map->map.pairs[i];
        list->list.items[i] = which == KEYS ? pair->key : pair->value;
        if (which == ITEMS) {
            const struct dm_value *tuple = dm_tuple(e, 2);
            dm_tuple_set(tuple, 0, pair->key);
            dm_tuple_set(tuple, 1, pair->value);
            list->list.items[i] = tuple;
        }
    }
    return list;
}

static int view_text(struct dm_eval *e, const struct dm_value *self, const char *name,
                     enum view which, struct dm_strbuf *b)
{
    dm_strbuf_addf(b, "%s(", name);
    DM_TRY(dm_repr(e, view_list(e, self->object->data, which), b));
    dm_strbuf_addc(b, ')');
    return 0;
}

static int view_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    *ret = (int64_t)((const struct dm_value *)self->object->data)->map.n;
    return 0;
}

/* What keys(), values() and items() give: they follow the map, and print as Python's views. */
#define VIEW(word, which)                                                                          \
    static int word##_text(struct dm_eval *e, const struct dm_value *self, bool repr,              \
                           struct dm_strbuf *b)                                                    \
    {                                                                                              \
        return view_text(e, self, "dict_" #word, which, b);                                        \
    }                                                                                              \
    static int word##_iter(struct dm_eval *e, const struct dm_value *self,                         \
                           const struct dm_value **ret)                                            \
    {                                                                                              \
        *ret = view_list(e, self->object->data, which);                                            \
        return 0;                                                                                  \
    }                                                                                              \
    static const struct dm_class class_##word = {                                                  \
        .type = "dict_" #word, .text = word##_text, .iter = word##_iter, .length = view_length};   \
    static int map_##word(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                              \
        *ret = dm_object_value(e, &class_##word, changeable(c));                                   \
        return 0;                                                                                  \
    }

VIEW(keys, KEYS)
VIEW(values, VALUES)
VIEW(items, ITEMS)

static int map_get(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    if (!dm_is_hashable(c->arg[0]))
        return dm_eval_fail(e, DM_TE_TYPE, "unhashable type: '%s'", dm_type_name(c->arg[0]));
    const struct dm_value *v = dm_map_get_value(c->self, c->arg[0]);
    *ret = v ? v : c->arg[1] ? c->arg[1] : &dm_null;
    return 0;
}

static int map_setdefault(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = dm_map_get_value(c->self, c->arg[0]);
    *ret = v ? v : c->arg[1] ? c->arg[1] : &dm_null;
    return v ? 0 : put(e, changeable(c), c->arg[0], *ret);
}

static int map_update(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *map = changeable(c);
    if (c->arg[0]) {
        const struct dm_value *from = c->arg[0];
        DM_TRY(dm_eval_defined(e, from));
        if (from->kind == DM_MAP) {
            for (size_t i = 0; i < from->map.n; i++)
                DM_TRY(put(e, map, from->map.pairs[i].key, from->map.pairs[i].value));
        } else {
            struct dm_value *pairs, *pair;
            DM_TRY(dm_items(e, from, &pairs));
            for (size_t i = 0; i < pairs->list.n; i++) {
                DM_TRY(dm_items(e, pairs->list.items[i], &pair));
                if (pair->list.n != 2)
                    return dm_eval_fail(e, DM_TE_VALUE, "an item of update() is not a pair");
                DM_TRY(put(e, map, pair->list.items[0], pair->list.items[1]));
            }
        }
    }
    for (size_t i = 0; i < c->all->n_named; i++)
        DM_TRY(put(e, map, dm_str_value(e, c->all->named[i].name), c->all->named[i].value));
    *ret = &dm_null;
    return 0;
}

static void map_cut(struct dm_eval *e, struct dm_value *map, const struct dm_value *key)
{
    struct dm_value *rest = dm_value_map(e->a);
    const struct dm_value *gone = dm_map_get_value(map, key);
    for (size_t i = 0; i < map->map.n; i++)
        if (map->map.pairs[i].value != gone || !dm_value_equal(map->map.pairs[i].key, key))
            dm_map_set_value(e->a, rest, map->map.pairs[i].key, map->map.pairs[i].value);
    map->map = rest->map;
}

static int map_pop(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = dm_map_get_value(c->self, c->arg[0]);
    if (v) {
        DM_TRY(dm_eval_charge(e, c->self->map.n * 64));
        map_cut(e, changeable(c), c->arg[0]);
    } else if (!c->arg[1]) {
        struct dm_str key;
        DM_TRY(dm_text_of(e, c->arg[0], &key));
        return dm_eval_fail(e, DM_TE_KEY, "there is no key %.*s", DM_FMT(key));
    }
    *ret = v ? v : c->arg[1];
    return 0;
}

static int map_popitem(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *map = changeable(c);
    if (!map->map.n)
        return dm_eval_fail(e, DM_TE_KEY, "popitem(): dictionary is empty");
    struct dm_pair last = map->map.pairs[map->map.n - 1];
    DM_TRY(dm_eval_charge(e, map->map.n * 64));
    map_cut(e, map, last.key);
    *ret = dm_tuple(e, 2);
    dm_tuple_set(*ret, 0, last.key);
    dm_tuple_set(*ret, 1, last.value);
    return 0;
}

const struct dm_callable dm_map_methods[] = {
    {"clear", "", container_clear},
    {"copy", "", container_copy},
    {"get", "key default?", map_get},
    {"items", "", map_items},
    {"keys", "", map_keys},
    {"pop", "key default?", map_pop},
    {"popitem", "", map_popitem},
    {"setdefault", "key default?", map_setdefault},
    {"update", "other? *", map_update},
    {"values", "", map_values},
    {NULL},
};
