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
    if (dm_object_data(c->self, &dm_class_generator)) {
        int rc = dm_generator_next(e, c->self, ret);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    } else {
        DM_TRY(dm_items(e, c->self, &items));
        if (items->list.n) {
            *ret = items->list.items[0];
            return 0;
        }
    }
    *ret = dm_undefined(e, DM_TE_UNDEFINED, "No first item, sequence was empty.");
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
        *ret = dm_object_data(c->self, &dm_class_generator) ? items : dm_generator(e, items);
        return 0;
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < items->list.n; i++)
        dm_strbuf_addstr(&b, items->list.items[i]->s);
    return dm_new_text(e, &b, ret);
}

/*
 * Filters that give a generator work only when somebody reads it: an error of theirs comes then, behind the items
 * made before it.  A limit is met at once.
 */
static int lazily(struct dm_eval *e, const struct dm_call *c,
                  int (*make)(struct dm_eval *e, const struct dm_call *c, struct dm_value *list),
                  const struct dm_value **ret)
{
    struct dm_value *list = dm_value_list(e->a, 0);
    int rc = make(e, c, list);
    if (rc == DM_E_LIMIT)
        return rc;
    *ret = dm_generator_after(e, rc, list);
    return 0;
}

static int map_pairs(struct dm_eval *e, const struct dm_value *map, struct dm_value **ret)
{
    const struct dm_value *view;
    const struct dm_args none = {0};
    DM_TRY(
        dm_callable_run(e, dm_callable_find(dm_map_methods, DM_STR("items")), map, &none, &view));
    return dm_items(e, view, ret);
}

static int make_items(struct dm_eval *e, const struct dm_call *c, struct dm_value *list)
{
    struct dm_value *pairs;
    if (dm_is_undefined(c->self))
        return 0;
    if (c->self->kind != DM_MAP)
        return dm_eval_fail(e, DM_TE_TYPE, "Can only get item pairs from a mapping.");
    DM_TRY(map_pairs(e, c->self, &pairs));
    for (size_t i = 0; i < pairs->list.n; i++)
        dm_list_add(e->a, list, pairs->list.items[i]);
    return 0;
}

int dm_filter_items(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return lazily(e, c, make_items, ret);
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
    struct dm_value *pairs;
    struct dm_sort_item *order;
    size_t n;
    DM_TRY(map_pairs(e, c->self, &pairs));
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

static const struct dm_value *group_tuple(const struct dm_value *self)
{
    return self->object->data;
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
    .tuple = group_tuple,
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

static int make_unique(struct dm_eval *e, const struct dm_call *c, struct dm_value *list)
{
    bool case_sensitive;
    struct dm_value *items, *seen = dm_value_map(e->a);
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
    return 0;
}

int dm_filter_unique(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return lazily(e, c, make_unique, ret);
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

static int make_batch(struct dm_eval *e, const struct dm_call *c, struct dm_value *list)
{
    struct dm_value *items, *row = dm_value_list(e->a, 0);
    const struct dm_value *width = c->arg[0], *fill = c->arg[1];
    DM_TRY(dm_items(e, c->self, &items));
    /* A width of 0 gives one empty list, and one of all items; so does what is no number. */
    for (size_t i = 0; i < items->list.n; i++) {
        struct dm_value n = {.kind = DM_INT, .i = (int64_t)row->list.n};
        int full = dm_equal(e, &n, width);
        if (full < 0)
            return full;
        if (full) {
            dm_list_add(e->a, list, row);
            row = dm_value_list(e->a, 0);
        }
        dm_list_add(e->a, row, items->list.items[i]);
    }
    if (!row->list.n)
        return 0;
    if (fill && fill->kind != DM_NULL) {
        DM_TRY(dm_eval_defined(e, width));
        if (width->kind == DM_FLOAT) {
            struct dm_value n = {.kind = DM_INT, .i = (int64_t)row->list.n};
            int more = dm_order(e, DM_OP_LT, &n, width);
            if (more > 0)
                return dm_eval_fail(e, DM_TE_TYPE,
                                    "can't multiply sequence by non-int of type 'float'");
        } else if (!dm_is_int(width)) {
            return dm_eval_fail(e, DM_TE_TYPE,
                                "'<' not supported between instances of 'int' and '%s'",
                                dm_type_name(width));
        } else {
            if (dm_int_of(width) > DM_TEMPLATE_ITEMS)
                return dm_eval_fail(e, DM_TE_LIMIT, "a list has more than %d items",
                                    DM_TEMPLATE_ITEMS);
            while ((int64_t)row->list.n < dm_int_of(width))
                dm_list_add(e->a, row, fill);
        }
    }
    dm_list_add(e->a, list, row);
    return 0;
}

int dm_filter_batch(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return lazily(e, c, make_batch, ret);
}

static int make_slices(struct dm_eval *e, const struct dm_call *c, struct dm_value *list)
{
    int64_t slices;
    struct dm_value *items;
    DM_TRY(dm_items(e, c->self, &items));
    DM_TRY(dm_param_int(e, c, 0, 1, &slices));
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
    return 0;
}

int dm_filter_slice(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return lazily(e, c, make_slices, ret);
}

/* The arguments behind the first `skip` ones. */
static struct dm_args rest_of(const struct dm_args *args, size_t skip)
{
    struct dm_args rest = *args;
    rest.pos += skip < args->n ? skip : args->n;
    rest.n -= skip < args->n ? skip : args->n;
    return rest;
}

/* What map() does to each item. */
struct mapper {
    const struct dm_callable *filter; /* or NULL: the attribute */
    struct dm_args rest;
    const struct dm_value *attribute, *fallback;
};

static int read_mapper(struct dm_eval *e, const struct dm_call *c, struct mapper *ret)
{
    const struct dm_args *all = c->all;
    *ret = (struct mapper){.rest = rest_of(all, 1)};
    if (!all->n && !dm_named_arg(all, "attribute"))
        return dm_eval_fail(e, DM_TE_TEMPLATE, "map requires a filter argument");
    if (!all->n) {
        for (size_t i = 0; i < all->n_named; i++)
            if (!dm_str_is(all->named[i].name, "attribute") &&
                !dm_str_is(all->named[i].name, "default"))
                return dm_eval_fail(e, DM_TE_TEMPLATE, "Unexpected keyword argument '%.*s'",
                                    DM_FMT(all->named[i].name));
        ret->attribute = dm_named_arg(all, "attribute");
        ret->fallback = dm_named_arg(all, "default");
        return 0;
    }
    const struct dm_value *name = all->pos[0];
    ret->filter = name->kind == DM_STRING ? dm_filter_find(name->s) : NULL;
    return 0;
}

static int make_map(struct dm_eval *e, const struct dm_call *c, struct dm_value *list)
{
    struct dm_value *items;
    struct mapper m;
    int any = dm_truth(e, c->self);
    if (any <= 0)
        return any;
    DM_TRY(read_mapper(e, c, &m));
    DM_TRY(dm_items(e, c->self, &items));
    for (size_t i = 0; i < items->list.n; i++) {
        const struct dm_value *v = items->list.items[i];
        if (!c->all->n) {
            DM_TRY(attribute_of(e, v, m.attribute, m.fallback, &v));
        } else {
            if (!m.filter)
                return dm_eval_fail(e, DM_TE_TEMPLATE, "No filter named '%.*s'.",
                                    c->all->pos[0]->kind == DM_STRING ? (int)c->all->pos[0]->s.len
                                                                      : 0,
                                    c->all->pos[0]->s.p);
            DM_TRY(dm_callable_run(e, m.filter, v, &m.rest, &v));
        }
        dm_list_add(e->a, list, v);
    }
    return 0;
}

int dm_filter_map(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return lazily(e, c, make_map, ret);
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
                  struct dm_value *list)
{
    struct dm_value *items;
    int any = dm_truth(e, c->self);
    if (any <= 0)
        return any;
    if (by_attribute && !c->all->n)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "Missing parameter for attribute name");
    DM_TRY(dm_items(e, c->self, &items));
    for (size_t i = 0; i < items->list.n; i++) {
        const struct dm_value *v = items->list.items[i];
        if (by_attribute)
            DM_TRY(attribute_of(e, v, c->all->pos[0], NULL, &v));
        int yes = passes(e, v, c->all, by_attribute);
        if (yes < 0)
            return yes;
        if (yes == want)
            dm_list_add(e->a, list, items->list.items[i]);
    }
    return 0;
}

#define CHOOSE(name, by_attribute, want)                                                          \
    static int make_##name(struct dm_eval *e, const struct dm_call *c, struct dm_value *list)     \
    {                                                                                             \
        return choose(e, c, by_attribute, want, list);                                            \
    }                                                                                             \
    int dm_filter_##name(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                             \
        return lazily(e, c, make_##name, ret);                                                    \
    }

CHOOSE(select, false, true)
CHOOSE(reject, false, false)
CHOOSE(selectattr, true, true)
CHOOSE(rejectattr, true, false)

/* Keys that cannot be compared are sorted by the names of their types. */
static int sort_keys(struct dm_eval *e, struct dm_sort_item *order, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct dm_sort_item item = order[i];
        size_t k = i;
        for (; k > 0; k--) {
            int less = dm_order(e, DM_OP_LT, item.key, order[k - 1].key);
            if (less < 0 && less != DM_E_TYPE)
                return less;
            if (less < 0)
                less = strcmp(dm_type_name(item.key), dm_type_name(order[k - 1].key)) < 0;
            if (!less)
                break;
            order[k] = order[k - 1];
        }
        order[k] = item;
        DM_TRY(dm_eval_charge(e, (i - k) * 64));
    }
    return 0;
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
        DM_TRY(sort_keys(e, order, v->map.n));
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
