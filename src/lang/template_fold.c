/*
 * Constant folding: as Jinja's optimizer does it, what knows no variables is computed when a template is parsed.
 *
 * It is seen from outside in two ways.  A constant that is undefined fails where its truth or text is asked for,
 * in a branch that is never taken too.  And infinity and NaN, which Python's own text for them cannot name, can be
 * computed with and printed by a constant expression, and by no other one.
 */
#include <math.h>

#include "lang/object.h"

/* What a constant expression may take; what takes more is left as it is. */
enum { FOLD_STEPS = 10000, FOLD_TEXT = 1024 };

struct folder {
    struct dm_arena *a; /* of the template */
    const struct dm_template *t;
    struct dm_err *err;
    bool endless; /* an infinity or NaN was met */
};

static bool is_static(const struct dm_node *n);

static bool all_static(const struct dm_node *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_static(list[i]))
            return false;
    return true;
}

/* Filters that see the variables, or give another value each time. */
static bool is_pure(const struct dm_node *n)
{
    static const char *const not_pure[] = {"map",        "select",     "reject",
                                           "selectattr", "rejectattr", "random"};
    for (size_t i = 0; n->kind == DM_N_FILTER && i < sizeof(not_pure) / sizeof(not_pure[0]); i++)
        if (dm_str_is(n->name, not_pure[i]))
            return false;
    return n->callable && !n->b && !n->c;
}

static bool is_static(const struct dm_node *n)
{
    switch (n->kind) {
    case DM_N_CONST:
        return true;
    case DM_N_TUPLE:
    case DM_N_LIST:
    case DM_N_DICT:
    case DM_N_CONCAT:
        return all_static(n->list, n->n_list);
    case DM_N_NEG:
    case DM_N_POS:
    case DM_N_NOT:
    case DM_N_ATTR:
    case DM_N_OPERAND:
    case DM_N_KEYWORD:
        return is_static(n->a);
    case DM_N_PAIR:
    case DM_N_BINARY:
    case DM_N_AND:
    case DM_N_OR:
    case DM_N_ITEM:
        return is_static(n->a) && is_static(n->b);
    case DM_N_COMPARE:
        return is_static(n->a) && all_static(n->list, n->n_list);
    case DM_N_COND:
        return is_static(n->a) && is_static(n->b) && n->c && is_static(n->c);
    case DM_N_SLICE:
        return (!n->a || is_static(n->a)) && (!n->b || is_static(n->b)) &&
               (!n->c || is_static(n->c));
    case DM_N_FILTER:
    case DM_N_TEST:
        return n->a && is_pure(n) && is_static(n->a) && all_static(n->list, n->n_list) &&
               all_static(n->named, n->n_named);
    default:
        return false;
    }
}

/* Computes n: 1 with its value, in scratch; 0 where it cannot be. */
static int compute(struct folder *f, struct dm_arena *scratch, const struct dm_node *n,
                   struct dm_eval *e, const struct dm_value **ret)
{
    static const struct dm_context nothing;
    *e = (struct dm_eval){.a = scratch,
                          .c = &nothing,
                          .t = f->t,
                          .err = dm_arena_new(scratch, struct dm_err),
                          .steps = DM_TEMPLATE_STEPS - FOLD_STEPS,
                          .constant = true};
    dm_map_init(&e->variables, scratch);
    dm_map_init(&e->templates, scratch);
    dm_map_init(&e->zones, scratch);
    struct dm_scope *s = dm_scope_new(e, NULL);
    return is_static(n) && dm_eval_expr(e, s, n, ret) == 0;
}

/* The operand whose truth or text is asked for fails now where it is undefined. */
static int check_operand(struct folder *f, const struct dm_node *n, bool *ret_known)
{
    _cleanup_arena_ struct dm_arena scratch;
    dm_arena_init(&scratch);
    struct dm_eval e;
    const struct dm_value *v;
    *ret_known = compute(f, &scratch, n, &e, &v);
    const struct dm_undefined *u = *ret_known ? dm_is_undefined(v) : NULL;
    if (!u || u->lenient)
        return 0;
    int rc = dm_eval_undefined(&e, u);
    if (f->err)
        *f->err = *e.err;
    dm_err_at(f->err, f->t->place.file, (int)n->line, (int)n->col);
    return rc;
}

static int check_operands(struct folder *f, const struct dm_node *n)
{
    bool known = true;
    if (n->kind == DM_N_AND || n->kind == DM_N_OR || n->kind == DM_N_COND)
        return n->a->kind == DM_N_CONST ? 0 : check_operand(f, n->a, &known);
    for (size_t i = 0; n->kind == DM_N_CONCAT && i < n->n_list && known; i++)
        if (n->list[i]->kind != DM_N_CONST)
            DM_TRY(check_operand(f, n->list[i], &known));
    return 0;
}

static bool worth_folding(enum dm_node_kind kind)
{
    switch (kind) {
    case DM_N_BINARY:
    case DM_N_NEG:
    case DM_N_POS:
    case DM_N_NOT:
    case DM_N_AND:
    case DM_N_OR:
    case DM_N_CONCAT:
    case DM_N_COMPARE:
    case DM_N_COND:
    case DM_N_ATTR:
    case DM_N_ITEM:
    case DM_N_FILTER:
    case DM_N_TEST:
        return true;
    default:
        return false;
    }
}

/* Lists and maps stay as they are written: each time they are a new one. */
static void replace(struct folder *f, const struct dm_node **slot)
{
    const struct dm_node *n = *slot;
    if (!worth_folding(n->kind) || !is_static(n))
        return;
    _cleanup_arena_ struct dm_arena scratch;
    dm_arena_init(&scratch);
    struct dm_eval e;
    const struct dm_value *v;
    if (!compute(f, &scratch, n, &e, &v))
        return;
    bool plain = v->kind == DM_NULL || v->kind == DM_BOOL || v->kind == DM_INT ||
                 v->kind == DM_FLOAT || (v->kind == DM_STRING && v->s.len <= FOLD_TEXT);
    if (!plain)
        return;
    struct dm_value *copy = dm_arena_dup(f->a, v, sizeof(*v));
    if (v->kind == DM_STRING)
        copy->s = dm_str_dup(f->a, v->s);
    struct dm_node *constant = dm_arena_dup(f->a, n, sizeof(*n));
    *constant = (struct dm_node){.kind = DM_N_CONST, .line = n->line, .col = n->col, .value = copy};
    *slot = constant;
}

static int fold(struct folder *f, const struct dm_node **slot);

static int fold_list(struct folder *f, const struct dm_node **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        DM_TRY(fold(f, &list[i]));
    return 0;
}

static int fold(struct folder *f, const struct dm_node **slot)
{
    struct dm_node *n = (struct dm_node *)*slot;
    if (!n || n->kind == DM_N_AUTOESCAPE) /* what is constant there depends on the escaping */
        return 0;
    DM_TRY(fold(f, &n->a));
    DM_TRY(fold(f, &n->b));
    DM_TRY(fold(f, &n->c));
    DM_TRY(fold_list(f, n->list, n->n_list));
    DM_TRY(fold_list(f, n->named, n->n_named));
    DM_TRY(fold(f, &n->body));
    DM_TRY(fold(f, &n->otherwise));
    DM_TRY(check_operands(f, n));
    replace(f, slot);
    const struct dm_node *now = *slot;
    f->endless |=
        now->kind == DM_N_CONST && now->value->kind == DM_FLOAT && !isfinite(now->value->f);
    if (n->kind == DM_N_OUTPUT && f->endless) {
        _cleanup_arena_ struct dm_arena scratch;
        dm_arena_init(&scratch);
        struct dm_eval e;
        const struct dm_value *v;
        n->flag = compute(f, &scratch, n->a, &e, &v);
    }
    return 0;
}

int dm_template_fold(struct dm_arena *a, const struct dm_template *t, struct dm_err *reterr)
{
    struct folder f = {.a = a, .t = t, .err = reterr};
    const struct dm_node *body = t->body;
    return fold(&f, &body);
}
