/* Evaluator of templates: scopes and statements. */
#include "lang/object.h"

struct dm_scope *dm_scope_new(struct dm_eval *e, struct dm_scope *up)
{
    struct dm_scope *s = dm_arena_new(e->a, struct dm_scope);
    s->up = up;
    dm_map_init(&s->vars, e->a);
    return s;
}

void dm_scope_set(struct dm_scope *s, struct dm_str name, const struct dm_value *v)
{
    dm_map_put(&s->vars, name, (void *)v);
}

int dm_lookup(struct dm_eval *e, struct dm_scope *s, struct dm_str name,
              const struct dm_value **ret)
{
    bool with_context = true;
    while (s) {
        const struct dm_value *v = dm_map_get(&s->vars, name);
        if (v) {
            *ret = v;
            return 0;
        }
        if (s->module) {
            with_context = s->module->with_context;
            s = s->module->outer;
        } else {
            s = s->up;
        }
    }
    if (with_context) {
        int rc = dm_context_variable(e, name, ret);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    *ret = dm_global(e, name);
    if (!*ret)
        *ret = dm_undefined(e, DM_TE_UNDEFINED, "'%.*s' is undefined", DM_FMT(name));
    return 0;
}

int dm_exec_deeper(struct dm_eval *e)
{
    if (++e->calls > DM_TEMPLATE_DEPTH)
        return dm_eval_fail(e, DM_TE_LIMIT, "calls and includes are nested deeper than %d levels",
                            DM_TEMPLATE_DEPTH);
    return 0;
}

int dm_assign(struct dm_eval *e, struct dm_scope *s, const struct dm_node *target,
              const struct dm_value *v)
{
    if (target->kind == DM_N_NAME) {
        dm_scope_set(s, target->name, v);
        return 0;
    }
    if (target->kind == DM_N_ATTR) {
        const struct dm_value *ns;
        DM_TRY(dm_lookup(e, s, target->a->name, &ns));
        return dm_namespace_set(e, ns, target->name, v);
    }
    struct dm_value *items;
    DM_TRY(dm_items(e, v, &items));
    if (items->list.n < target->n_list)
        return dm_eval_fail(e, DM_TE_VALUE, "not enough values to unpack (expected %zu, got %zu)",
                            target->n_list, items->list.n);
    if (items->list.n > target->n_list)
        return dm_eval_fail(e, DM_TE_VALUE, "too many values to unpack (expected %zu)",
                            target->n_list);
    for (size_t i = 0; i < target->n_list; i++)
        DM_TRY(dm_assign(e, s, target->list[i], items->list.items[i]));
    return 0;
}

void dm_exec_piece(struct dm_eval *e, const struct dm_value *v)
{
    if (e->pieces && e->pieces->n++ == 0)
        e->pieces->first = v;
}

int dm_exec_result(struct dm_eval *e, const struct dm_pieces *pieces, struct dm_strbuf *b,
                   const struct dm_value **ret)
{
    const struct dm_value *literal;
    if (!e->pieces)
        return dm_new_text(e, b, ret);
    if (pieces->n == 0 || (pieces->n == 1 && pieces->first && pieces->first->kind != DM_STRING)) {
        *ret = pieces->n ? pieces->first : &dm_null;
        return 0;
    }
    DM_TRY(dm_new_text(e, b, ret));
    if (dm_literal(e->a, (*ret)->s, &literal))
        *ret = literal;
    return 0;
}

int dm_exec_text(struct dm_eval *e, struct dm_scope *s, const struct dm_node *body,
                 const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    struct dm_pieces pieces = {0}, *around = e->pieces;
    e->pieces = around ? &pieces : NULL;
    int rc = dm_exec(e, s, body, &b);
    e->pieces = around;
    DM_TRY(rc);
    DM_TRY(dm_exec_result(e, &pieces, &b, ret));
    if (e->autoescape && (*ret)->kind == DM_STRING)
        *ret = dm_safe(e, *ret);
    return 0;
}

/* What Python would print with its address in memory was not meant to be printed. */
static int check_printable(struct dm_eval *e, const struct dm_value *v)
{
    bool function = dm_object_data(v, &dm_class_bound);
    if (!function && !dm_object_data(v, &dm_class_generator))
        return 0;
    dm_eval_fail(e, DM_TE_TYPE,
                 function ? "a function has no text of its own"
                          : "what comes item by item has no text of its own");
    dm_err_hint(e->err, function ? "Call it: add (), with its arguments."
                                 : "Add `| list` or `| join(', ')`.");
    return DM_E_TYPE;
}

static int exec_output(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                       struct dm_strbuf *out)
{
    const struct dm_value *v;
    e->constant = n->flag;
    int rc = dm_eval_expr(e, s, n->a, &v);
    e->constant = false;
    DM_TRY(rc);
    DM_TRY(check_printable(e, v));
    /* A constant is written as a text beforehand. */
    dm_exec_piece(e, n->flag || n->a->kind == DM_N_CONST ? NULL : v);
    if (e->autoescape && !(v->kind == DM_STRING && v->safe)) {
        struct dm_str text;
        DM_TRY(dm_text_of(e, v, &text));
        dm_escape_html(out, text);
        return 0;
    }
    return dm_text(e, v, out);
}

static int exec_if(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                   struct dm_strbuf *out)
{
    for (size_t i = 0; i < n->n_list; i++) {
        const struct dm_value *test;
        DM_TRY(dm_eval_expr(e, s, n->list[i]->a, &test));
        int truth = dm_truth(e, test);
        if (truth != 0)
            return truth < 0 ? truth : dm_exec(e, s, n->list[i]->b, out);
    }
    return n->b ? dm_exec(e, s, n->b, out) : 0;
}

static int exec_set(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n)
{
    const struct dm_value *v;
    if (n->kind == DM_N_SET) {
        DM_TRY(dm_eval_expr(e, s, n->b, &v));
    } else {
        DM_TRY(dm_exec_text(e, dm_scope_new(e, s), n->body, &v));
        if (n->b)
            DM_TRY(dm_eval_filtered(e, s, n->b, v, &v));
    }
    return dm_assign(e, s, n->a, v);
}

static int exec_call_block(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                           struct dm_strbuf *out)
{
    const struct dm_value *f, *v;
    struct dm_args args;
    DM_TRY(dm_eval_expr(e, s, n->a->a, &f));
    DM_TRY(dm_eval_args(e, s, n->a, &args));
    struct dm_named_arg *named = dm_arena_array(e->a, struct dm_named_arg, args.n_named + 1);
    if (args.n_named)
        memcpy(named, args.named, args.n_named * sizeof(*named));
    named[args.n_named++] = (struct dm_named_arg){DM_STR("caller"), dm_macro(e, s, n->b)};
    args.named = named;
    DM_TRY(dm_call(e, f, &args, &v));
    dm_exec_piece(e, v);
    return dm_text(e, v, out);
}

static int exec_filter_block(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                             struct dm_strbuf *out)
{
    const struct dm_value *v;
    DM_TRY(dm_exec_text(e, dm_scope_new(e, s), n->body, &v));
    DM_TRY(dm_eval_filtered(e, s, n->a, v, &v));
    /* The pieces of the output are joined, and only texts can be. */
    DM_TRY(dm_eval_defined(e, v));
    dm_exec_piece(e, v);
    if (e->pieces)
        return dm_text(e, v, out);
    if (v->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "sequence item 0: expected str instance, %s found",
                            dm_type_name(v));
    dm_strbuf_addstr(out, v->s);
    return 0;
}

static int exec_with(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     struct dm_strbuf *out)
{
    struct dm_scope *inner = dm_scope_new(e, s);
    for (size_t i = 0; i < n->n_list; i++) {
        const struct dm_value *v;
        DM_TRY(dm_eval_expr(e, s, n->list[i]->b, &v));
        DM_TRY(dm_assign(e, inner, n->list[i]->a, v));
    }
    return dm_exec(e, inner, n->body, out);
}

static int exec_autoescape(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                           struct dm_strbuf *out)
{
    const struct dm_value *v;
    DM_TRY(dm_eval_expr(e, s, n->a, &v));
    int truth = dm_truth(e, v);
    if (truth < 0)
        return truth;
    bool before = e->autoescape;
    e->autoescape = truth;
    int rc = dm_exec(e, dm_scope_new(e, s), n->body, out);
    e->autoescape = before;
    return rc;
}

static int exec_body(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     struct dm_strbuf *out)
{
    for (size_t i = 0; i < n->n_list; i++) {
        const struct dm_node *child = n->list[i];
        if (s->module && s->module->parent &&
            (child->kind == DM_N_DATA || child->kind == DM_N_OUTPUT || child->kind == DM_N_BLOCK))
            continue; /* after `extends` only the parent writes */
        DM_TRY(dm_exec(e, s, child, out));
    }
    return 0;
}

static int exec_node(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                     struct dm_strbuf *out)
{
    const struct dm_value *v;
    switch (n->kind) {
    case DM_N_BODY:
        return exec_body(e, s, n, out);
    case DM_N_DATA:
        dm_strbuf_addstr(out, n->value->s);
        if (n->value->s.len)
            dm_exec_piece(e, NULL);
        return 0;
    case DM_N_OUTPUT:
        return exec_output(e, s, n, out);
    case DM_N_DO:
        return dm_eval_expr(e, s, n->a, &v);
    case DM_N_IF:
        return exec_if(e, s, n, out);
    case DM_N_FOR:
        return dm_exec_for(e, s, n, out);
    case DM_N_SET:
    case DM_N_SET_BLOCK:
        return exec_set(e, s, n);
    case DM_N_MACRO:
        dm_scope_set(s, n->name, dm_macro(e, s, n));
        return 0;
    case DM_N_CALL_BLOCK:
        return exec_call_block(e, s, n, out);
    case DM_N_FILTER_BLOCK:
        return exec_filter_block(e, s, n, out);
    case DM_N_WITH:
        return exec_with(e, s, n, out);
    case DM_N_AUTOESCAPE:
        return exec_autoescape(e, s, n, out);
    case DM_N_BLOCK:
        return dm_exec_block(e, s, n, out);
    case DM_N_EXTENDS:
        return dm_exec_extends(e, s, n);
    case DM_N_INCLUDE:
        return dm_exec_include(e, s, n, out);
    case DM_N_IMPORT:
    case DM_N_FROM:
        return dm_exec_import(e, s, n);
    default:
        DM_BUG("node of kind %d is not a statement", (int)n->kind);
    }
}

int dm_exec(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n, struct dm_strbuf *out)
{
    int rc = dm_eval_enter(e);
    if (rc == 0)
        rc = exec_node(e, s, n, out);
    if (rc == 0 && out->full)
        rc = dm_eval_fail(e, DM_TE_LIMIT, "the output is larger than %zu bytes", out->max);
    dm_eval_leave(e);
    if (rc < 0 && !e->placed) {
        dm_err_at(e->err, e->t->place.file, (int)n->line, (int)n->col);
        e->placed = true;
    }
    return rc;
}
