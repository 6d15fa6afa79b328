/* Names that a template reads without setting them; and the checks at load. */
#include "lang/object.h"

struct walk {
    struct dm_arena *a;
    void (*found)(void *user, const struct dm_node *name);
    void *user;
};

/* Names that are set, innermost first. */
struct names {
    struct names *up;
    struct dm_map set;
};

static void walk(struct walk *w, struct names *s, const struct dm_node *n);

static void open_names(struct walk *w, struct names *inner, struct names *up)
{
    inner->up = up;
    dm_map_init(&inner->set, w->a);
}

static void set_name(struct names *s, struct dm_str name)
{
    dm_map_put(&s->set, name, (void *)1);
}

static void set_target(struct walk *w, struct names *s, const struct dm_node *target)
{
    if (target->kind == DM_N_NAME)
        set_name(s, target->name);
    else if (target->kind == DM_N_ATTR)
        walk(w, s, target->a);
    else
        for (size_t i = 0; i < target->n_list; i++)
            set_target(w, s, target->list[i]);
}

static void read_name(struct walk *w, const struct names *s, const struct dm_node *n)
{
    for (; s; s = s->up)
        if (dm_map_has(&s->set, n->name))
            return;
    w->found(w->user, n);
}

static void walk_list(struct walk *w, struct names *s, const struct dm_node **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        walk(w, s, list[i]);
}

static void walk_for(struct walk *w, struct names *s, const struct dm_node *n)
{
    struct names inner;
    walk(w, s, n->b);
    open_names(w, &inner, s);
    set_target(w, &inner, n->a);
    walk(w, &inner, n->c);
    set_name(&inner, DM_STR("loop"));
    walk(w, &inner, n->body);
    open_names(w, &inner, s);
    walk(w, &inner, n->otherwise);
}

static void walk_macro(struct walk *w, struct names *s, const struct dm_node *n)
{
    struct names inner;
    open_names(w, &inner, s);
    set_name(&inner, DM_STR("caller"));
    set_name(&inner, DM_STR("varargs"));
    set_name(&inner, DM_STR("kwargs"));
    for (size_t i = 0; i < n->n_list; i++)
        set_name(&inner, n->list[i]->name);
    walk_list(w, &inner, n->named, n->n_named);
    walk(w, &inner, n->body);
}

static void walk_inner(struct walk *w, struct names *s, const struct dm_node *body,
                       const char *name)
{
    struct names inner;
    open_names(w, &inner, s);
    if (name)
        set_name(&inner, dm_str_c(name));
    walk(w, &inner, body);
}

static void walk_with(struct walk *w, struct names *s, const struct dm_node *n)
{
    struct names inner;
    open_names(w, &inner, s);
    for (size_t i = 0; i < n->n_list; i++) {
        walk(w, s, n->list[i]->b);
        set_target(w, &inner, n->list[i]->a);
    }
    walk(w, &inner, n->body);
}

/* `x is defined` and `x | default(…)` ask whether there is such a name. */
static bool asks(const struct dm_node *n)
{
    if (n->a == NULL || n->a->kind != DM_N_NAME)
        return false;
    if (n->kind == DM_N_TEST)
        return dm_str_is(n->name, "defined") || dm_str_is(n->name, "undefined");
    return n->kind == DM_N_FILTER && (dm_str_is(n->name, "default") || dm_str_is(n->name, "d"));
}

static void walk(struct walk *w, struct names *s, const struct dm_node *n)
{
    if (!n)
        return;
    switch (n->kind) {
    case DM_N_NAME:
        read_name(w, s, n);
        return;
    case DM_N_FOR:
        walk_for(w, s, n);
        return;
    case DM_N_SET:
        walk(w, s, n->b);
        set_target(w, s, n->a);
        return;
    case DM_N_SET_BLOCK:
    case DM_N_FILTER_BLOCK:
        walk_inner(w, s, n->body, NULL);
        walk(w, s, n->kind == DM_N_SET_BLOCK ? n->b : n->a);
        if (n->kind == DM_N_SET_BLOCK)
            set_target(w, s, n->a);
        return;
    case DM_N_MACRO:
        set_name(s, n->name);
        walk_macro(w, s, n);
        return;
    case DM_N_CALL_BLOCK:
        walk(w, s, n->a);
        walk_macro(w, s, n->b);
        return;
    case DM_N_WITH:
        walk_with(w, s, n);
        return;
    case DM_N_BLOCK:
        walk_inner(w, s, n->body, "super");
        return;
    case DM_N_IMPORT:
        walk(w, s, n->a);
        set_name(s, n->name);
        return;
    case DM_N_FROM:
        walk(w, s, n->a);
        for (size_t i = 0; i < n->n_named; i++)
            set_name(s, n->named[i]->text);
        return;
    default:
        break;
    }
    if (!asks(n))
        walk(w, s, n->a);
    walk(w, s, n->b);
    walk(w, s, n->c);
    walk_list(w, s, n->list, n->n_list);
    walk_list(w, s, n->named, n->n_named);
    walk(w, s, n->body);
}

void dm_template_free_names(struct dm_arena *a, const struct dm_node *body,
                            void (*found)(void *user, const struct dm_node *name), void *user)
{
    struct walk w = {a, found, user};
    struct names root;
    open_names(&w, &root, NULL);
    set_name(&root, DM_STR("self"));
    walk(&w, &root, body);
}

/* --- checks at load --- */

struct check {
    const struct dm_template *t;
    void (*found)(void *user, const struct dm_err *err);
    void *user;
    struct dm_err *err;
    bool opaque; /* files that only a render reads may set names */
};

static void check_name(void *user, const struct dm_node *name)
{
    struct check *check = user;
    if (dm_context_has(name->name) || dm_callable_find(dm_globals, name->name) || check->opaque)
        return;
    dm_err_set(check->err, DM_E_UNDEFINED, "no variable named \"%.*s\"", DM_FMT(name->name));
    dm_err_detail(check->err, "undefined");
    dm_err_at(check->err, check->t->place.file, (int)name->line, (int)name->col);
    const char *near = dm_str_nearest(name->name, dm_context_names);
    if (near)
        dm_err_hint(check->err, "Did you mean \"%s\"?", near);
    check->found(check->user, check->err);
}

/* Filters whose items come one by one: as a text they are a Python object, never what was meant. */
static bool is_lazy(struct dm_str filter)
{
    static const char *const names[] = {"batch",  "items",      "map",   "reject", "rejectattr",
                                        "select", "selectattr", "slice", "unique"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (dm_str_is(filter, names[i]))
            return true;
    return false;
}

static void check_outputs(struct check *check, const struct dm_node *n)
{
    if (!n)
        return;
    const struct dm_node *last = n->kind == DM_N_OUTPUT ? n->a : NULL;
    if (last && last->kind == DM_N_FILTER && is_lazy(last->name)) {
        dm_err_set(check->err, DM_E_TYPE, "what \"%.*s\" gives has no text of its own",
                   DM_FMT(last->name));
        dm_err_detail(check->err, "type");
        dm_err_at(check->err, check->t->place.file, (int)last->line, (int)last->col);
        dm_err_hint(check->err, "Add `| list` or `| join(', ')`.");
        check->found(check->user, check->err);
    }
    check_outputs(check, n->a);
    check_outputs(check, n->b);
    check_outputs(check, n->c);
    for (size_t i = 0; i < n->n_list; i++)
        check_outputs(check, n->list[i]);
    check_outputs(check, n->body);
    check_outputs(check, n->otherwise);
}

static bool extends(const struct dm_node *body)
{
    for (size_t i = 0; i < body->n_list; i++)
        if (body->list[i]->kind == DM_N_EXTENDS)
            return true;
    return false;
}

static void check_text(const struct dm_value *v, struct dm_place place, struct check *check)
{
    _cleanup_arena_ struct dm_arena a;
    dm_arena_init(&a);
    if (v->line) {
        place.line = v->line;
        place.col = v->col;
    }
    if (dm_template_parse(&a, v->s, place, &check->t, check->err) < 0) {
        check->found(check->user, check->err);
        return;
    }
    check->opaque = extends(check->t->body);
    dm_template_free_names(&a, check->t->body, check_name, check);
    check_outputs(check, check->t->body);
}

static void check_value(const struct dm_value *v, struct dm_place place, struct check *check)
{
    if (v->kind == DM_STRING)
        check_text(v, place, check);
    else if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; i < v->list.n; i++)
            check_value(v->list.items[i], place, check);
    else if (v->kind == DM_MAP)
        for (size_t i = 0; i < v->map.n; i++)
            check_value(v->map.pairs[i].value, place, check);
}

void dm_check_templates(const struct dm_value *v, struct dm_place place,
                        void (*found)(void *user, const struct dm_err *err), void *user)
{
    _cleanup_free_ struct dm_err *err = dm_calloc(1, sizeof(*err));
    struct check check = {.found = found, .user = user, .err = err};
    check_value(v, place, &check);
}
