/* Evaluator of templates: expressions. */
#include <math.h>

#include "lang/object.h"

int dm_eval_fail(struct dm_eval *e, enum dm_template_error why, const char *fmt, ...)
{
    static const struct {
        const char *word;
        int code;
    } classes[] = {
#define DM_TEMPLATE_ERROR(name, word, code) {word, DM_E_##code},
#include "lang/template_errors.def"
#undef DM_TEMPLATE_ERROR
    };
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(e->err, classes[why].code, fmt, ap);
    va_end(ap);
    dm_err_detail(e->err, "%s", classes[why].word);
    e->placed = false;
    return classes[why].code;
}

int dm_eval_charge(struct dm_eval *e, uint64_t bytes)
{
    e->steps += 1 + bytes / 4096;
    if (e->steps > DM_TEMPLATE_STEPS)
        return dm_eval_fail(e, DM_TE_LIMIT, "the template takes more than %d steps",
                            DM_TEMPLATE_STEPS);
    if (e->a->total > DM_TEMPLATE_MEMORY || bytes > DM_TEMPLATE_MEMORY)
        return dm_eval_fail(e, DM_TE_LIMIT, "the template needs more than %d MiB",
                            DM_TEMPLATE_MEMORY >> 20);
    return 0;
}

int dm_eval_enter(struct dm_eval *e)
{
    if (++e->depth > DM_TEMPLATE_EVAL_DEPTH)
        return dm_eval_fail(e, DM_TE_LIMIT, "the template calls itself too deeply (%d levels)",
                            DM_TEMPLATE_EVAL_DEPTH);
    return dm_eval_charge(e, 0);
}

int dm_eval_outside(struct dm_eval *e, int rc)
{
    if (rc < 0 && !e->err->detail[0])
        dm_err_detail(e->err, "other");
    return rc;
}

static int eval_items(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                      enum dm_kind kind, const struct dm_value **ret)
{
    struct dm_value *list = dm_value_list(e->a, n->n_list);
    list->kind = kind;
    for (size_t i = 0; i < n->n_list; i++)
        DM_TRY(dm_eval_expr(e, s, n->list[i], &list->list.items[i]));
    *ret = list;
    return 0;
}

static int eval_dict(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value **ret)
{
    struct dm_value *map = dm_value_map(e->a);
    for (size_t i = 0; i < n->n_list; i++) {
        const struct dm_value *key, *value;
        DM_TRY(dm_eval_expr(e, s, n->list[i]->a, &key));
        DM_TRY(dm_eval_expr(e, s, n->list[i]->b, &value));
        DM_TRY(dm_eval_defined(e, key));
        if (!dm_is_hashable(key))
            return dm_eval_fail(e, DM_TE_TYPE, "unhashable type: '%s'", dm_type_name(key));
        dm_map_set_value(e->a, map, key, value);
    }
    *ret = map;
    return 0;
}

static int eval_concat(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                       const struct dm_value **ret)
{
    const struct dm_value *items;
    DM_TRY(eval_items(e, s, n, DM_LIST, &items));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < items->list.n; i++)
        DM_TRY(dm_text(e, items->list.items[i], &b));
    return dm_new_text(e, &b, ret);
}

static int compare(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                   const struct dm_value *y)
{
    int rc;
    switch (op) {
    case DM_OP_EQ:
        return dm_equal(e, x, y);
    case DM_OP_NE:
        rc = dm_equal(e, x, y);
        return rc < 0 ? rc : !rc;
    case DM_OP_IN:
        return dm_contains(e, y, x);
    case DM_OP_NOT_IN:
        rc = dm_contains(e, y, x);
        return rc < 0 ? rc : !rc;
    default:
        return dm_order(e, op, x, y);
    }
}

/* a < b < c compares both neighbours, and stops at the first that is false. */
static int eval_compare(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                        const struct dm_value **ret)
{
    const struct dm_value *left, *right;
    DM_TRY(dm_eval_expr(e, s, n->a, &left));
    int rc = 1;
    for (size_t i = 0; i < n->n_list && rc; i++) {
        DM_TRY(dm_eval_expr(e, s, n->list[i]->a, &right));
        rc = compare(e, n->list[i]->op, left, right);
        if (rc < 0)
            return rc;
        left = right;
    }
    *ret = dm_bool_value(rc);
    return 0;
}

static int eval_slice_part(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                           const struct dm_value **ret)
{
    *ret = &dm_null;
    return n ? dm_eval_expr(e, s, n, ret) : 0;
}

static int eval_item(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value **ret)
{
    const struct dm_value *v, *key;
    DM_TRY(dm_eval_expr(e, s, n->a, &v));
    if (n->b->kind == DM_N_SLICE) {
        const struct dm_value *from, *to, *step;
        DM_TRY(eval_slice_part(e, s, n->b->a, &from));
        DM_TRY(eval_slice_part(e, s, n->b->b, &to));
        DM_TRY(eval_slice_part(e, s, n->b->c, &step));
        int rc = dm_slice(e, v, from, to, step, ret);
        if (rc != DM_E_TYPE || !e->constant)
            return rc;
        *ret = dm_undefined(e, DM_TE_UNDEFINED, "%s object has no such element", dm_type_name(v));
        return 0;
    }
    DM_TRY(dm_eval_expr(e, s, n->b, &key));
    return dm_getitem(e, v, key, ret);
}

static int add_stars(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     struct dm_args *args)
{
    const struct dm_value *v;
    if (n->b) {
        struct dm_value *more;
        DM_TRY(dm_eval_expr(e, s, n->b, &v));
        DM_TRY(dm_items(e, v, &more));
        const struct dm_value **pos =
            dm_arena_array(e->a, const struct dm_value *, args->n + more->list.n + 1);
        if (args->n)
            memcpy(pos, args->pos, args->n * sizeof(*pos));
        if (more->list.n)
            memcpy(pos + args->n, more->list.items, more->list.n * sizeof(*pos));
        args->pos = pos;
        args->n += more->list.n;
    }
    if (n->c) {
        DM_TRY(dm_eval_expr(e, s, n->c, &v));
        DM_TRY(dm_eval_defined(e, v));
        if (v->kind != DM_MAP)
            return dm_eval_fail(e, DM_TE_TYPE, "argument after ** must be a mapping, not %s",
                                dm_type_name(v));
        struct dm_named_arg *named =
            dm_arena_array(e->a, struct dm_named_arg, args->n_named + v->map.n + 1);
        if (args->n_named)
            memcpy(named, args->named, args->n_named * sizeof(*named));
        for (size_t i = 0; i < v->map.n; i++) {
            if (v->map.pairs[i].key->kind != DM_STRING)
                return dm_eval_fail(e, DM_TE_TYPE, "keywords must be strings");
            named[args->n_named++] =
                (struct dm_named_arg){v->map.pairs[i].key->s, v->map.pairs[i].value};
        }
        args->named = named;
    }
    return 0;
}

int dm_eval_args(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                 struct dm_args *ret)
{
    struct dm_args args = {.n = n->n_list, .n_named = n->n_named};
    args.pos = dm_arena_array(e->a, const struct dm_value *, args.n + 1);
    args.named = dm_arena_array(e->a, struct dm_named_arg, args.n_named + 1);
    for (size_t i = 0; i < args.n; i++)
        DM_TRY(dm_eval_expr(e, s, n->list[i], &args.pos[i]));
    for (size_t i = 0; i < args.n_named; i++) {
        args.named[i].name = n->named[i]->name;
        for (size_t j = 0; j < i; j++)
            if (dm_str_eq(args.named[j].name, args.named[i].name))
                return dm_eval_fail(e, DM_TE_SYNTAX, "keyword argument repeated: %.*s",
                                    DM_FMT(args.named[i].name));
        DM_TRY(dm_eval_expr(e, s, n->named[i]->a, &args.named[i].value));
    }
    DM_TRY(add_stars(e, s, n, &args));
    *ret = args;
    return 0;
}

static int eval_call(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value **ret)
{
    const struct dm_value *f;
    struct dm_args args;
    DM_TRY(dm_eval_expr(e, s, n->a, &f));
    DM_TRY(dm_eval_args(e, s, n, &args));
    return dm_call(e, f, &args, ret);
}

static int run_named(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value *subject, const struct dm_value **ret)
{
    struct dm_args args;
    DM_TRY(dm_eval_args(e, s, n, &args));
    if (!n->callable)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "no %s named \"%.*s\"",
                            n->kind == DM_N_FILTER ? "filter" : "test", DM_FMT(n->name));
    return dm_callable_run(e, n->callable, subject, &args, ret);
}

int dm_eval_filtered(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value *hole, const struct dm_value **ret)
{
    const struct dm_value *subject = hole;
    if (n->a)
        DM_TRY(dm_eval_filtered(e, s, n->a, hole, &subject));
    return run_named(e, s, n, subject, ret);
}

static int eval_named(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                      const struct dm_value **ret)
{
    const struct dm_value *subject;
    DM_TRY(dm_eval_expr(e, s, n->a, &subject));
    return run_named(e, s, n, subject, ret);
}

static int eval_choice(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                       const struct dm_value **ret)
{
    const struct dm_value *test;
    DM_TRY(dm_eval_expr(e, s, n->a, &test));
    int truth = dm_truth(e, test);
    if (truth < 0)
        return truth;
    if (n->kind == DM_N_AND || n->kind == DM_N_OR) {
        if (truth == (n->kind == DM_N_AND))
            return dm_eval_expr(e, s, n->b, ret);
        *ret = test;
        return 0;
    }
    if (n->kind == DM_N_NOT) {
        *ret = dm_bool_value(!truth);
        return 0;
    }
    if (truth)
        return dm_eval_expr(e, s, n->b, ret);
    if (n->c)
        return dm_eval_expr(e, s, n->c, ret);
    struct dm_undefined *u = dm_arena_new(e->a, struct dm_undefined);
    *u = (struct dm_undefined){
        .message = DM_STR("the inline if-expression was false and has no else"),
        .lenient = true,
        .why = DM_TE_UNDEFINED,
    };
    *ret = dm_object_value(e, &dm_class_undefined, u);
    return 0;
}

/* Python writes constants as text, and there is no name for these. */
static int check_named(struct dm_eval *e, const struct dm_value *v)
{
    return e->constant
               ? 0
               : dm_eval_fail(e, DM_TE_OTHER, "name '%s' is not defined: the number has no end",
                              isnan(v->f) ? "nan" : "inf");
}

static int eval_node(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     const struct dm_value **ret)
{
    const struct dm_value *x, *y;
    switch (n->kind) {
    case DM_N_CONST:
        *ret = n->value;
        return n->value->kind == DM_FLOAT && !isfinite(n->value->f) ? check_named(e, n->value) : 0;
    case DM_N_NAME:
        return dm_lookup(e, s, n->name, ret);
    case DM_N_TUPLE:
        return eval_items(e, s, n, DM_TUPLE, ret);
    case DM_N_LIST:
        return eval_items(e, s, n, DM_LIST, ret);
    case DM_N_DICT:
        return eval_dict(e, s, n, ret);
    case DM_N_BINARY:
        DM_TRY(dm_eval_expr(e, s, n->a, &x));
        DM_TRY(dm_eval_expr(e, s, n->b, &y));
        return dm_binary(e, n->op, x, y, ret);
    case DM_N_NEG:
    case DM_N_POS:
        DM_TRY(dm_eval_expr(e, s, n->a, &x));
        return dm_negate(e, n->kind == DM_N_NEG, x, ret);
    case DM_N_NOT:
    case DM_N_AND:
    case DM_N_OR:
    case DM_N_COND:
        return eval_choice(e, s, n, ret);
    case DM_N_CONCAT:
        return eval_concat(e, s, n, ret);
    case DM_N_COMPARE:
        return eval_compare(e, s, n, ret);
    case DM_N_ATTR:
        DM_TRY(dm_eval_expr(e, s, n->a, &x));
        return dm_getattr(e, x, n->name, ret);
    case DM_N_ITEM:
        return eval_item(e, s, n, ret);
    case DM_N_CALL:
        return eval_call(e, s, n, ret);
    case DM_N_FILTER:
    case DM_N_TEST:
        return eval_named(e, s, n, ret);
    case DM_N_SLICE:
        return dm_eval_fail(e, DM_TE_OTHER, "a slice cannot be part of a tuple index");
    default:
        DM_BUG("node of kind %d is not an expression", (int)n->kind);
    }
}

int dm_eval_expr(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                 const struct dm_value **ret)
{
    int rc = dm_eval_enter(e);
    if (rc == 0)
        rc = eval_node(e, s, n, ret);
    dm_eval_leave(e);
    if (rc < 0 && !e->placed) {
        dm_err_at(e->err, e->t->place.file, (int)n->line, (int)n->col);
        e->placed = true;
    }
    return rc;
}
