/* `for` and the object `loop`. */
#include "lang/object.h"

struct loop {
    struct dm_scope *scope; /* around the loop */
    const struct dm_node *node;
    const struct dm_template *t;
    const struct dm_value *items;
    size_t at;
    int64_t depth;
    const struct dm_value *changed; /* arguments of the last call of changed() */
};

static int run(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
               const struct dm_value *over, int64_t depth, struct dm_strbuf *out);

static const struct dm_value *neighbour(struct dm_eval *e, const struct loop *l, bool next)
{
    if (next && l->at + 1 < l->items->list.n)
        return l->items->list.items[l->at + 1];
    if (!next && l->at > 0)
        return l->items->list.items[l->at - 1];
    return dm_undefined(e, DM_TE_UNDEFINED, "there is no %s item", next ? "next" : "previous");
}

static int loop_cycle(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct loop *l = c->self->object->data;
    if (!c->all->n)
        return dm_eval_fail(e, DM_TE_TYPE, "no items for cycling given");
    *ret = c->all->pos[l->at % c->all->n];
    return 0;
}

static int loop_changed(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct loop *l = c->self->object->data;
    const struct dm_value *now = dm_tuple(e, c->all->n);
    for (size_t i = 0; i < c->all->n; i++)
        dm_tuple_set(now, i, c->all->pos[i]);
    int same = l->changed ? dm_equal(e, l->changed, now) : 0;
    if (same < 0)
        return same;
    l->changed = now;
    *ret = dm_bool_value(!same);
    return 0;
}

static const struct dm_callable loop_methods[] = {
    {"cycle", "*", loop_cycle, NULL},
    {"changed", "*", loop_changed, NULL},
    {NULL},
};

static int loop_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                     const struct dm_value **ret)
{
    const struct loop *l = self->object->data;
    int64_t i = (int64_t)l->at, n = (int64_t)l->items->list.n;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"index", i + 1}, {"index0", i},           {"revindex", n - i},  {"revindex0", n - i - 1},
        {"length", n},    {"depth", l->depth + 1}, {"depth0", l->depth},
    };
    for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
        if (!dm_str_is(name, numbers[k].name))
            continue;
        *ret = dm_int_value(e, numbers[k].value);
        return 1;
    }
    const struct dm_callable *method = dm_callable_find(loop_methods, name);
    if (dm_str_is(name, "first"))
        *ret = dm_bool_value(i == 0);
    else if (dm_str_is(name, "last"))
        *ret = dm_bool_value(i + 1 == n);
    else if (dm_str_is(name, "previtem") || dm_str_is(name, "nextitem"))
        *ret = neighbour(e, l, name.p[0] == 'n');
    else if (method)
        *ret = dm_bound(e, method, self);
    else
        return 0;
    return 1;
}

/* loop(items): the same loop again, one level deeper. */
static int loop_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                     const struct dm_value **ret)
{
    const struct loop *l = self->object->data;
    if (!l->node->flag)
        return dm_eval_fail(e, DM_TE_TYPE,
                            "the loop must have the 'recursive' marker to be called recursively");
    if (args->n != 1 || args->n_named)
        return dm_eval_fail(e, DM_TE_TYPE, "loop() takes one argument");
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_exec_deeper(e));
    const struct dm_template *before = e->t;
    e->t = l->t;
    struct dm_pieces pieces = {0}, *around = e->pieces;
    e->pieces = around ? &pieces : NULL;
    int rc = run(e, l->scope, l->node, args->pos[0], l->depth + 1, &b);
    e->pieces = around;
    DM_TRY(rc);
    e->t = before;
    e->calls--;
    return dm_exec_result(e, &pieces, &b, ret);
}

static int loop_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    const struct loop *l = self->object->data;
    dm_strbuf_addf(b, "<LoopContext %zu/%zu>", l->at + 1, l->items->list.n);
    return 0;
}

static const struct dm_class class_loop = {
    .type = "LoopContext", .attr = loop_attr, .call = loop_call, .text = loop_text};

static int keep(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                struct dm_value *items)
{
    size_t kept = 0;
    for (size_t i = 0; i < items->list.n; i++) {
        struct dm_scope *inner = dm_scope_new(e, s);
        const struct dm_value *v;
        DM_TRY(dm_assign(e, inner, n->a, items->list.items[i]));
        DM_TRY(dm_eval_expr(e, inner, n->c, &v));
        int truth = dm_truth(e, v);
        if (truth < 0)
            return truth;
        if (truth)
            items->list.items[kept++] = items->list.items[i];
    }
    items->list.n = kept;
    return 0;
}

static int run(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
               const struct dm_value *over, int64_t depth, struct dm_strbuf *out)
{
    struct dm_value *items;
    DM_TRY(dm_items(e, over, &items));
    if (n->c)
        DM_TRY(keep(e, s, n, items));
    struct loop *l = dm_arena_new(e->a, struct loop);
    *l = (struct loop){.scope = s, .node = n, .t = e->t, .items = items, .depth = depth};
    const struct dm_value *object = dm_object_value(e, &class_loop, l);
    for (; l->at < items->list.n; l->at++) {
        DM_TRY(dm_eval_charge(e, 0));
        struct dm_scope *inner = dm_scope_new(e, s);
        dm_scope_set(inner, DM_STR("loop"), object);
        DM_TRY(dm_assign(e, inner, n->a, items->list.items[l->at]));
        DM_TRY(dm_exec(e, inner, n->body, out));
    }
    if (!items->list.n && n->otherwise)
        return dm_exec(e, dm_scope_new(e, s), n->otherwise, out);
    return 0;
}

int dm_exec_for(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                struct dm_strbuf *out)
{
    const struct dm_value *over;
    DM_TRY(dm_eval_expr(e, s, n->b, &over));
    return run(e, s, n, over, 0, out);
}
