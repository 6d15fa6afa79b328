/* Filters on lists, maps and other things with items. */
#include "lang/template_filters.h"
#include "lang/utf8.h"

int dm_filter_list(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(dm_items(e, c->self, &items));
    *ret = items;
    return 0;
}

int dm_filter_length(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t n;
    DM_TRY(dm_length(e, c->self, &n));
    *ret = dm_int_value(e, n);
    return 0;
}

int dm_filter_first(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(dm_items(e, c->self, &items));
    *ret = items->list.n ? items->list.items[0]
                         : dm_undefined(e, DM_TE_UNDEFINED, "No first item, sequence was empty.");
    return 0;
}

int dm_filter_last(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    if (dm_object_data(c->self, &dm_class_generator))
        return dm_eval_fail(e, DM_TE_TYPE, "'generator' object is not reversible");
    DM_TRY(dm_items(e, c->self, &items));
    *ret = items->list.n ? items->list.items[items->list.n - 1]
                         : dm_undefined(e, DM_TE_UNDEFINED, "No last item, sequence was empty.");
    return 0;
}

int dm_filter_reverse(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(dm_eval_defined(e, c->self));
    if (!dm_is_iterable(c->self))
        return dm_eval_fail(e, DM_TE_TEMPLATE, "argument must be iterable");
    DM_TRY(dm_items(e, c->self, &items));
    for (size_t i = 0, n = items->list.n; i < n / 2; i++) {
        const struct dm_value *v = items->list.items[i];
        items->list.items[i] = items->list.items[n - 1 - i];
        items->list.items[n - 1 - i] = v;
    }
    if (c->self->kind != DM_STRING) {
        *ret = dm_generator(e, items);
        return 0;
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < items->list.n; i++)
        dm_strbuf_addstr(&b, items->list.items[i]->s);
    return dm_new_text(e, &b, ret);
}

int dm_filter_items(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *view;
    struct dm_value *items;
    const struct dm_args none = {0};
    if (dm_is_undefined(c->self)) {
        *ret = dm_generator(e, dm_value_list(e->a, 0));
        return 0;
    }
    if (c->self->kind != DM_MAP)
        return dm_eval_fail(e, DM_TE_TYPE, "Can only get item pairs from a mapping.");
    DM_TRY(dm_callable_run(e, dm_callable_find(dm_map_methods, DM_STR("items")), c->self, &none,
                           &view));
    DM_TRY(dm_items(e, view, &items));
    *ret = dm_generator(e, items);
    return 0;
}

/* "a.0.b" of an item; `fallback` (or NULL) where it is undefined. */
static int attribute_of(struct dm_eval *e, const struct dm_value *v, const struct dm_value *path,
                        const struct dm_value *fallback, const struct dm_value **ret)
{
    *ret = v;
    if (!path || path->kind == DM_NULL)
        return 0;
    if (path->kind != DM_STRING) {
        DM_TRY(dm_getitem(e, v, path, ret));
    } else {
        struct dm_str rest = path->s, part;
        while (dm_str_split(&rest, '.', &part)) {
            int64_t number;
            bool digits = part.len && dm_str_to_i64(part, &number) && number >= 0;
            DM_TRY(
                dm_getitem(e, *ret, digits ? dm_int_value(e, number) : dm_str_value(e, part), ret));
            if (dm_is_undefined(*ret) && fallback)
                break;
        }
    }
    if (dm_is_undefined(*ret) && fallback)
        *ret = fallback;
    return 0;
}

static int folded(struct dm_eval *e, const struct dm_value *v, bool case_sensitive,
                  const struct dm_value **ret)
{
    *ret = v;
    if (case_sensitive || v->kind != DM_STRING)
        return 0;
    struct dm_call call = {.name = "lower"};
    return dm_filter_by_method(e, "lower", v->s, &call, ret);
}

/* Keys for sorting: one attribute, or several ("a,b") as a list. */
static int sort_key(struct dm_eval *e, const struct dm_value *v, const struct dm_value *attribute,
                    bool case_sensitive, const struct dm_value **ret)
{
    if (!attribute || attribute->kind != DM_STRING ||
        !memchr(attribute->s.p, ',', attribute->s.len)) {
        DM_TRY(attribute_of(e, v, attribute, NULL, ret));
        return folded(e, *ret, case_sensitive, ret);
    }
    struct dm_value *keys = dm_value_list(e->a, 0);
    struct dm_str rest = attribute->s, part;
    while (dm_str_split(&rest, ',', &part)) {
        const struct dm_value *key;
        DM_TRY(attribute_of(e, v, dm_str_value(e, part), NULL, &key));
        DM_TRY(folded(e, key, case_sensitive, &key));
        dm_list_add(e->a, keys, key);
    }
    *ret = keys;
    return 0;
}

static int sorted(struct dm_eval *e, const struct dm_value *v, const struct dm_value *attribute,
                  const struct dm_value *fallback, bool case_sensitive, bool reverse,
                  struct dm_sort_item **ret, size_t *ret_n)
{
    struct dm_value *items;
    DM_TRY(dm_items(e, v, &items));
    struct dm_sort_item *order = dm_arena_array(e->a, struct dm_sort_item, items->list.n + 1);
    for (size_t i = 0; i < items->list.n; i++) {
        order[i].value = items->list.items[i];
        if (fallback) {
            DM_TRY(attribute_of(e, order[i].value, attribute, fallback, &order[i].key));
            DM_TRY(folded(e, order[i].key, case_sensitive, &order[i].key));
        } else {
            DM_TRY(sort_key(e, order[i].value, attribute, case_sensitive, &order[i].key));
        }
    }
    DM_TRY(dm_sort(e, order, items->list.n, reverse));
    *ret = order;
    *ret_n = items->list.n;
    return 0;
}

int dm_filter_sort(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool reverse, case_sensitive;
    struct dm_sort_item *order;
    size_t n;
    DM_TRY(dm_param_bool(e, c, 0, false, &reverse));
    DM_TRY(dm_param_bool(e, c, 1, false, &case_sensitive));
    DM_TRY(sorted(e, c->self, c->arg[2], NULL, case_sensitive, reverse, &order, &n));
    struct dm_value *list = dm_value_list(e->a, n);
    for (size_t i = 0; i < n; i++)
        list->list.items[i] = order[i].value;
    *ret = list;
    return 0;
}

int dm_filter_dictsort(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool case_sensitive, reverse;
    struct dm_str by;
    DM_TRY(dm_param_bool(e, c, 0, false, &case_sensitive));
    DM_TRY(dm_param_str(e, c, 1, "key", &by));
    DM_TRY(dm_param_bool(e, c, 2, false, &reverse));
    if (!dm_str_is(by, "key") && !dm_str_is(by, "value"))
        return dm_eval_fail(e, DM_TE_TEMPLATE, "You can only sort by either \"key\" or \"value\"");
    DM_TRY(dm_eval_defined(e, c->self));
    if (c->self->kind != DM_MAP)
        return dm_eval_fail(e, DM_TE_ATTRIBUTE, "'%s' object has no attribute 'items'",
                            dm_type_name(c->self));
    const struct dm_value *pairs;
    struct dm_sort_item *order;
    size_t n;
    DM_TRY(dm_filter_items(e, c, &pairs));
    DM_TRY(sorted(e, pairs, dm_int_value(e, dm_str_is(by, "value")), NULL, case_sensitive, reverse,
                  &order, &n));
    struct dm_value *list = dm_value_list(e->a, n);
    for (size_t i = 0; i < n; i++)
        list->list.items[i] = order[i].value;
    *ret = list;
    return 0;
}

static int group_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                      const struct dm_value **ret)
{
    const struct dm_value *tuple = self->object->data;
    if (!dm_str_is(name, "grouper") && !dm_str_is(name, "list"))
        return 0;
    *ret = tuple->list.items[dm_str_is(name, "list")];
    return 1;
}

static int group_item(struct dm_eval *e, const struct dm_value *self, const struct dm_value *key,
                      const struct dm_value **ret)
{
    const struct dm_value *tuple = self->object->data;
    if (!dm_is_int(key) || dm_int_of(key) < -2 || dm_int_of(key) > 1)
        return 0;
    *ret = tuple->list.items[(dm_int_of(key) + 2) % 2];
    return 1;
}

static int group_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                      struct dm_strbuf *b)
{
    return dm_repr(e, self->object->data, b);
}

static int group_iter(struct dm_eval *e, const struct dm_value *self, const struct dm_value **ret)
{
    *ret = self->object->data;
    return 0;
}

static int group_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    *ret = 2;
    return 0;
}

static int group_slice(struct dm_eval *e, const struct dm_value *self, int64_t first, int64_t step,
                       int64_t n, const struct dm_value **ret)
{
    const struct dm_value *tuple = self->object->data;
    *ret = dm_tuple(e, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        dm_tuple_set(*ret, (size_t)i, tuple->list.items[first + i * step]);
    return 0;
}

/* A pair that also has names: `grouper` and `list`. */
static const struct dm_class class_group = {
    .type = "_GroupTuple",
    .attr = group_attr,
    .item = group_item,
    .text = group_text,
    .iter = group_iter,
    .length = group_length,
    .slice = group_slice,
    .is_sequence = true,
};

int dm_filter_groupby(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool case_sensitive;
    struct dm_sort_item *order;
    size_t n;
    const struct dm_value *fallback = c->arg[1] && c->arg[1]->kind != DM_NULL ? c->arg[1] : NULL;
    DM_TRY(dm_param_bool(e, c, 2, false, &case_sensitive));
    DM_TRY(sorted(e, c->self, c->arg[0], fallback, case_sensitive, false, &order, &n));
    struct dm_value *groups = dm_value_list(e->a, 0), *group = NULL;
    for (size_t i = 0; i < n; i++) {
        int same = i ? dm_equal(e, order[i - 1].key, order[i].key) : 0;
        if (same < 0)
            return same;
        if (!same) {
            const struct dm_value *tuple = dm_tuple(e, 2), *grouper;
            /* The group is named by its first item's value, before the case was dropped. */
            DM_TRY(attribute_of(e, order[i].value, c->arg[0], fallback, &grouper));
            group = dm_value_list(e->a, 0);
            dm_tuple_set(tuple, 0, grouper);
            dm_tuple_set(tuple, 1, group);
            dm_list_add(e->a, groups, dm_object_value(e, &class_group, (void *)tuple));
        }
        dm_list_add(e->a, group, order[i].value);
    }
    *ret = groups;
    return 0;
}

int dm_filter_unique(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool case_sensitive;
    struct dm_value *items, *seen = dm_value_map(e->a), *list = dm_value_list(e->a, 0);
    DM_TRY(dm_param_bool(e, c, 0, false, &case_sensitive));
    DM_TRY(dm_items(e, c->self, &items));
    for (size_t i = 0; i < items->list.n; i++) {
        const struct dm_value *key;
        DM_TRY(attribute_of(e, items->list.items[i], c->arg[1], NULL, &key));
        DM_TRY(dm_eval_defined(e, key));
        DM_TRY(folded(e, key, case_sensitive, &key));
        if (!dm_is_hashable(key))
            return dm_eval_fail(e, DM_TE_TYPE, "unhashable type: '%s'", dm_type_name(key));
        if (dm_map_get_value(seen, key))
            continue;
        dm_map_set_value(e->a, seen, key, key);
        dm_list_add(e->a, list, items->list.items[i]);
    }
    *ret = dm_generator(e, list);
    return 0;
}

static int extreme(struct dm_eval *e, const struct dm_call *c, enum dm_tok_op better,
                   const struct dm_value **ret)
{
    bool case_sensitive;
    struct dm_value *items;
    const struct dm_value *best = NULL, *best_key = NULL, *key;
    DM_TRY(dm_param_bool(e, c, 0, false, &case_sensitive));
    DM_TRY(dm_items(e, c->self, &items));
    for (size_t i = 0; i < items->list.n; i++) {
        DM_TRY(attribute_of(e, items->list.items[i], c->arg[1], NULL, &key));
        DM_TRY(folded(e, key, case_sensitive, &key));
        int wins = best ? dm_order(e, better, key, best_key) : 1;
        if (wins < 0)
            return wins;
        if (wins) {
            best = items->list.items[i];
            best_key = key;
        }
    }
    *ret =
        best ? best : dm_undefined(e, DM_TE_UNDEFINED, "No aggregated item, sequence was empty.");
    return 0;
}

int dm_filter_min(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return extreme(e, c, DM_OP_LT, ret);
}

int dm_filter_max(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return extreme(e, c, DM_OP_GT, ret);
}

int dm_filter_sum(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(dm_items(e, c->self, &items));
    const struct dm_value *sum = c->arg[1] ? c->arg[1] : dm_int_value(e, 0), *v;
    if (sum->kind == DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "sum() can't sum strings [use ''.join(seq) instead]");
    for (size_t i = 0; i < items->list.n; i++) {
        DM_TRY(attribute_of(e, items->list.items[i], c->arg[0], NULL, &v));
        DM_TRY(dm_binary(e, DM_OP_ADD, sum, v, &sum));
    }
    *ret = sum;
    return 0;
}

int dm_filter_join(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    struct dm_str sep = DM_STR("");
    DM_TRY(dm_items(e, c->self, &items));
    if (c->arg[0])
        DM_TRY(dm_text_of(e, c->arg[0], &sep));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < items->list.n; i++) {
        const struct dm_value *v;
        DM_TRY(attribute_of(e, items->list.items[i], c->arg[1], NULL, &v));
        if (i)
            dm_strbuf_addstr(&b, sep);
        DM_TRY(dm_text(e, v, &b));
    }
    return dm_new_text(e, &b, ret);
}

int dm_filter_batch(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t width;
    struct dm_value *items, *list = dm_value_list(e->a, 0), *row = dm_value_list(e->a, 0);
    DM_TRY(dm_param_int(e, c, 0, 1, &width));
    DM_TRY(dm_items(e, c->self, &items));
    /* A width of 0 gives one empty list, and one of all items. */
    for (size_t i = 0; i < items->list.n; i++) {
        if ((int64_t)row->list.n == width) {
            dm_list_add(e->a, list, row);
            row = dm_value_list(e->a, 0);
        }
        dm_list_add(e->a, row, items->list.items[i]);
    }
    if (row->list.n)
        dm_list_add(e->a, list, row);
    if (width > DM_TEMPLATE_ITEMS)
        return dm_eval_fail(e, DM_TE_LIMIT, "a list has more than %d items", DM_TEMPLATE_ITEMS);
    while (row->list.n && c->arg[1] && c->arg[1]->kind != DM_NULL && (int64_t)row->list.n < width)
        dm_list_add(e->a, row, c->arg[1]);
    *ret = dm_generator(e, list);
    return 0;
}

int dm_filter_slice(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t slices;
    struct dm_value *items, *list = dm_value_list(e->a, 0);
    DM_TRY(dm_param_int(e, c, 0, 1, &slices));
    DM_TRY(dm_items(e, c->self, &items));
    if (slices == 0)
        return dm_eval_fail(e, DM_TE_ZERO_DIVISION, "integer division or modulo by zero");
    if (slices > DM_TEMPLATE_ITEMS)
        return dm_eval_fail(e, DM_TE_LIMIT, "a list has more than %d items", DM_TEMPLATE_ITEMS);
    int64_t n = (int64_t)items->list.n, at = 0;
    for (int64_t i = 0; i < slices; i++) {
        bool longer = i < n % slices;
        struct dm_value *row = dm_value_list(e->a, 0);
        for (int64_t k = n / slices + longer; k > 0; k--)
            dm_list_add(e->a, row, items->list.items[at++]);
        if (c->arg[1] && c->arg[1]->kind != DM_NULL && !longer)
            dm_list_add(e->a, row, c->arg[1]);
        dm_list_add(e->a, list, row);
    }
    *ret = dm_generator(e, list);
    return 0;
}

/* The items of a subject that is true; of anything else none, even where it has no items at all. */
static int items_if_any(struct dm_eval *e, const struct dm_value *v, struct dm_value **ret)
{
    int any = dm_truth(e, v);
    if (any < 0)
        return any;
    if (any)
        return dm_items(e, v, ret);
    *ret = dm_value_list(e->a, 0);
    return 0;
}

/* The arguments behind the first `skip` ones. */
static struct dm_args rest_of(const struct dm_args *args, size_t skip)
{
    struct dm_args rest = *args;
    rest.pos += skip < args->n ? skip : args->n;
    rest.n -= skip < args->n ? skip : args->n;
    return rest;
}

static int map_attribute(struct dm_eval *e, const struct dm_call *c, struct dm_value *items)
{
    const struct dm_value *attribute = NULL, *fallback = NULL;
    for (size_t i = 0; i < c->all->n_named; i++) {
        if (dm_str_is(c->all->named[i].name, "attribute"))
            attribute = c->all->named[i].value;
        else if (dm_str_is(c->all->named[i].name, "default"))
            fallback = c->all->named[i].value;
        else
            return dm_eval_fail(e, DM_TE_TEMPLATE, "Unexpected keyword argument '%.*s'",
                                DM_FMT(c->all->named[i].name));
    }
    if (!attribute)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "map requires a filter argument");
    for (size_t i = 0; i < items->list.n; i++)
        DM_TRY(attribute_of(e, items->list.items[i], attribute, fallback, &items->list.items[i]));
    return 0;
}

int dm_filter_map(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(items_if_any(e, c->self, &items));
    if (!c->all->n) {
        if (items->list.n || !c->all->n_named)
            DM_TRY(map_attribute(e, c, items));
    } else {
        struct dm_args rest = rest_of(c->all, 1);
        const struct dm_value *name = c->all->pos[0];
        const struct dm_callable *f = name->kind == DM_STRING ? dm_filter_find(name->s) : NULL;
        for (size_t i = 0; i < items->list.n; i++) {
            if (!f)
                return dm_eval_fail(e, DM_TE_TEMPLATE, "No filter named '%.*s'.",
                                    name->kind == DM_STRING ? (int)name->s.len : 0,
                                    name->kind == DM_STRING ? name->s.p : "");
            DM_TRY(dm_callable_run(e, f, items->list.items[i], &rest, &items->list.items[i]));
        }
    }
    *ret = dm_generator(e, items);
    return 0;
}

static int passes(struct dm_eval *e, const struct dm_value *v, const struct dm_args *args,
                  size_t skip)
{
    if (args->n <= skip)
        return dm_truth(e, v);
    const struct dm_value *name = args->pos[skip], *answer;
    const struct dm_callable *f = name->kind == DM_STRING ? dm_test_find(name->s) : NULL;
    if (!f)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "No test named '%.*s'.",
                            name->kind == DM_STRING ? (int)name->s.len : 0,
                            name->kind == DM_STRING ? name->s.p : "");
    struct dm_args rest = rest_of(args, skip + 1);
    DM_TRY(dm_callable_run(e, f, v, &rest, &answer));
    return dm_truth(e, answer);
}

static int choose(struct dm_eval *e, const struct dm_call *c, bool by_attribute, bool want,
                  const struct dm_value **ret)
{
    struct dm_value *items;
    size_t kept = 0;
    DM_TRY(items_if_any(e, c->self, &items));
    if (by_attribute && !c->all->n && items->list.n)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "Missing parameter for attribute name");
    for (size_t i = 0; i < items->list.n; i++) {
        const struct dm_value *v = items->list.items[i];
        if (by_attribute)
            DM_TRY(attribute_of(e, v, c->all->pos[0], NULL, &v));
        int yes = passes(e, v, c->all, by_attribute);
        if (yes < 0)
            return yes;
        if (yes == want)
            items->list.items[kept++] = items->list.items[i];
    }
    items->list.n = kept;
    *ret = dm_generator(e, items);
    return 0;
}

int dm_filter_select(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return choose(e, c, false, true, ret);
}

int dm_filter_reject(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return choose(e, c, false, false, ret);
}

int dm_filter_selectattr(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return choose(e, c, true, true, ret);
}

int dm_filter_rejectattr(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return choose(e, c, true, false, ret);
}

/* pprint: keys sorted; what does not fit 80 columns has one item per line. */
static int pretty(struct dm_eval *e, const struct dm_value *v, size_t indent, size_t after,
                  struct dm_strbuf *b)
{
    bool map = v->kind == DM_MAP, list = v->kind == DM_LIST || v->kind == DM_TUPLE;
    if (map) { /* print with sorted keys, even on one line */
        struct dm_sort_item *order = dm_arena_array(e->a, struct dm_sort_item, v->map.n + 1);
        for (size_t i = 0; i < v->map.n; i++)
            order[i] = (struct dm_sort_item){v->map.pairs[i].key, v->map.pairs[i].value};
        bool texts = true;
        for (size_t i = 0; i < v->map.n; i++)
            texts &= v->map.pairs[i].key->kind == DM_STRING;
        if (texts)
            DM_TRY(dm_sort(e, order, v->map.n, false));
        struct dm_value *sorted_map = dm_value_map(e->a);
        for (size_t i = 0; i < v->map.n; i++)
            dm_map_set_value(e->a, sorted_map, order[i].key, order[i].value);
        v = sorted_map;
    }
    _cleanup_strbuf_ struct dm_strbuf flat;
    dm_strbuf_init(&flat, DM_BUF_TEXT);
    DM_TRY(dm_repr(e, v, &flat));
    size_t n = map ? v->map.n : list ? v->list.n : 0;
    if (n == 0 || indent + dm_utf8_count(dm_strbuf_str(&flat)) + after <= 80) {
        dm_strbuf_addstr(b, dm_strbuf_str(&flat));
        return 0;
    }
    dm_strbuf_addc(b, map ? '{' : v->kind == DM_TUPLE ? '(' : '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            dm_strbuf_addf(b, ",\n%*s", (int)indent + 1, "");
        size_t used = indent + 1;
        size_t before = b->len;
        if (map) {
            DM_TRY(dm_repr(e, v->map.pairs[i].key, b));
            dm_strbuf_adds(b, ": ");
            used += b->len - before;
        }
        int rc = dm_eval_enter(e);
        if (rc == 0)
            rc = pretty(e, map ? v->map.pairs[i].value : v->list.items[i], used,
                        i + 1 == n ? after + 1 : 1, b);
        dm_eval_leave(e);
        DM_TRY(rc);
    }
    if (v->kind == DM_TUPLE && n == 1)
        dm_strbuf_addc(b, ',');
    dm_strbuf_addc(b, map ? '}' : v->kind == DM_TUPLE ? ')' : ']');
    return 0;
}

int dm_filter_pprint(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(pretty(e, c->self, 0, 0, &b));
    return dm_new_text(e, &b, ret);
}
