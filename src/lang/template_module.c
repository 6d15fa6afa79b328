/* Templates within templates: include, import, extends and blocks. */
#include "lang/object.h"

static int load(struct dm_eval *e, struct dm_str name, const struct dm_template **ret)
{
    const struct dm_template *t = dm_map_get(&e->templates, name);
    if (t) {
        *ret = t;
        return 0;
    }
    struct dm_str text;
    int rc = e->c->file ? e->c->file(e->c->user, name, &text, e->err) : 0;
    if (rc < 0)
        return dm_eval_outside(e, rc);
    if (rc == 0)
        return dm_eval_fail(e, DM_TE_NOT_FOUND, "there is no file \"%.*s\"", DM_FMT(name));
    name = dm_str_dup(e->a, name);
    struct dm_place place = {.file = name.p, .line = 1, .col = 1};
    rc = dm_template_parse(e->a, text, place, &t, e->err);
    if (rc < 0) {
        e->placed = true;
        return rc;
    }
    dm_map_put(&e->templates, name, (void *)t);
    *ret = t;
    return 0;
}

static int load_value(struct dm_eval *e, const struct dm_value *name,
                      const struct dm_template **ret)
{
    DM_TRY(dm_eval_defined(e, name));
    if (name->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "a template's name must be a text, not %s",
                            dm_type_name(name));
    return load(e, name->s, ret);
}

static struct dm_module *module_of(struct dm_scope *s)
{
    while (!s->module)
        s = s->up;
    return s->module;
}

static void add_blocks(struct dm_eval *e, struct dm_module *m, const struct dm_template *t)
{
    for (size_t i = 0; i < t->blocks.len; i++) {
        struct dm_block *block = dm_arena_new(e->a, struct dm_block);
        *block = (struct dm_block){.node = t->blocks.entries[i].value, .t = t};
        struct dm_block *last = dm_map_get(&m->blocks, t->blocks.entries[i].key);
        while (last && last->next)
            last = last->next;
        if (last)
            last->next = block;
        else
            dm_map_put(&m->blocks, t->blocks.entries[i].key, block);
    }
}

struct block_ref {
    struct dm_module *module;
    struct dm_scope *scope; /* above the block's own */
    const struct dm_block *block;
};

static const struct dm_class class_block_ref, class_self;

static const struct dm_value *block_value(struct dm_eval *e, struct dm_module *m,
                                          struct dm_scope *s, const struct dm_block *block)
{
    if (!block)
        return dm_undefined(e, DM_TE_UNDEFINED, "there is no parent block");
    struct block_ref *ref = dm_arena_new(e->a, struct block_ref);
    *ref = (struct block_ref){m, s, block};
    return dm_object_value(e, &class_block_ref, ref);
}

static int run_block(struct dm_eval *e, struct dm_module *m, struct dm_scope *above,
                     const struct dm_block *block, struct dm_strbuf *out)
{
    struct dm_scope *s = dm_scope_new(e, above);
    s->block = true;
    dm_scope_set(s, DM_STR("super"), block_value(e, m, above, block->next));
    const struct dm_template *before = e->t;
    DM_TRY(dm_exec_deeper(e));
    e->t = block->t;
    DM_TRY(dm_exec(e, s, block->node->body, out));
    e->t = before;
    e->calls--;
    return 0;
}

static int block_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                      const struct dm_value **ret)
{
    const struct block_ref *ref = self->object->data;
    if (args->n || args->n_named)
        return dm_eval_fail(e, DM_TE_TYPE, "a block takes no arguments");
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    struct dm_pieces pieces = {0}, *around = e->pieces;
    e->pieces = around ? &pieces : NULL;
    int rc = run_block(e, ref->module, ref->scope, ref->block, &b);
    e->pieces = around;
    DM_TRY(rc);
    return dm_exec_result(e, &pieces, &b, ret);
}

static int block_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                      const struct dm_value **ret)
{
    const struct block_ref *ref = self->object->data;
    if (!dm_str_is(name, "super"))
        return 0;
    *ret = block_value(e, ref->module, ref->scope, ref->block->next);
    return 1;
}

static const struct dm_class class_block_ref = {
    .type = "BlockReference", .attr = block_attr, .call = block_call};

static int self_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                     const struct dm_value **ret)
{
    struct dm_module *m = self->object->data;
    struct dm_block *block = dm_map_get(&m->blocks, name);
    if (!block)
        return 0;
    *ret = block_value(e, m, &m->root, block);
    return 1;
}

static int self_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    dm_strbuf_adds(b, "<TemplateReference None>");
    return 0;
}

static const struct dm_class class_self = {
    .type = "TemplateReference", .attr = self_attr, .text = self_text};

int dm_exec_block(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                  struct dm_strbuf *out)
{
    struct dm_module *m = module_of(s);
    const struct dm_block *block = dm_map_get(&m->blocks, n->name);
    if (block->node->context)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "required block '%.*s' not found", DM_FMT(n->name));
    return run_block(e, m, n->flag ? s : &m->root, block, out);
}

int dm_exec_extends(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n)
{
    struct dm_module *m = module_of(s);
    const struct dm_value *name;
    if (m->parent)
        return dm_eval_fail(e, DM_TE_TEMPLATE, "extended multiple times");
    if (++m->parents > DM_TEMPLATE_DEPTH)
        return dm_eval_fail(e, DM_TE_LIMIT, "templates extend each other more than %d times",
                            DM_TEMPLATE_DEPTH);
    DM_TRY(dm_eval_expr(e, s, n->a, &name));
    DM_TRY(load_value(e, name, &m->parent));
    add_blocks(e, m, m->parent);
    return 0;
}

static int run_module(struct dm_eval *e, struct dm_module *m, const struct dm_template *t,
                      struct dm_strbuf *out)
{
    dm_map_init(&m->root.vars, e->a);
    dm_map_init(&m->blocks, e->a);
    m->root.module = m;
    dm_scope_set(&m->root, DM_STR("self"), dm_object_value(e, &class_self, m));
    add_blocks(e, m, t);
    const struct dm_template *before = e->t;
    for (; t; t = m->parent, m->parent = NULL) {
        e->t = m->t = t;
        m->parent = NULL;
        DM_TRY(dm_exec(e, &m->root, t->body, out));
        if (!m->parent)
            break;
    }
    e->t = before;
    return 0;
}

int dm_exec_template(struct dm_eval *e, const struct dm_template *t, struct dm_strbuf *out)
{
    struct dm_module *m = dm_arena_new(e->a, struct dm_module);
    m->with_context = true;
    return run_module(e, m, t, out);
}

static struct dm_module *module_new(struct dm_eval *e, struct dm_scope *s, bool with_context)
{
    struct dm_module *m = dm_arena_new(e->a, struct dm_module);
    m->with_context = with_context;
    m->outer = with_context ? s : NULL;
    return m;
}

/* The first of several names that there is. */
static int load_first(struct dm_eval *e, const struct dm_value *names,
                      const struct dm_template **ret)
{
    if (names->kind == DM_NULL)
        return dm_eval_fail(e, DM_TE_NOT_FOUND, "the file to include is none: it has no name");
    if (names->kind != DM_LIST && names->kind != DM_TUPLE)
        return load_value(e, names, ret);
    for (size_t i = 0; i < names->list.n; i++) {
        int rc = load_value(e, names->list.items[i], ret);
        if (rc == 0 || strcmp(e->err->detail, "not_found") != 0)
            return rc;
    }
    return dm_eval_fail(e, DM_TE_NOT_FOUND, "none of the %zu files is there", names->list.n);
}

int dm_exec_include(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n,
                    struct dm_strbuf *out)
{
    const struct dm_value *name;
    const struct dm_template *t;
    DM_TRY(dm_eval_expr(e, s, n->a, &name));
    int rc = load_first(e, name, &t);
    if (rc < 0 && n->flag && strcmp(e->err->detail, "not_found") == 0)
        return 0;
    DM_TRY(rc);
    DM_TRY(dm_exec_deeper(e));
    DM_TRY(run_module(e, module_new(e, s, n->context), t, out));
    e->calls--;
    return 0;
}

struct import {
    struct dm_module *module;
    struct dm_str text, name;
};

static bool is_exported(struct dm_str name)
{
    return name.len && name.p[0] != '_' && !dm_str_is(name, "self");
}

static int import_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                       const struct dm_value **ret)
{
    const struct import *import = self->object->data;
    const struct dm_value *v =
        is_exported(name) ? dm_map_get(&import->module->root.vars, name) : NULL;
    if (v)
        *ret = v;
    return v != NULL;
}

static int import_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                       struct dm_strbuf *b)
{
    const struct import *import = self->object->data;
    if (repr)
        dm_strbuf_addf(b, "<TemplateModule '%.*s'>", DM_FMT(import->name));
    else
        dm_strbuf_addstr(b, import->text);
    return 0;
}

static const struct dm_class class_import = {
    .type = "TemplateModule", .attr = import_attr, .text = import_text};

int dm_exec_import(struct dm_eval *e, struct dm_scope *s, const struct dm_node *n)
{
    const struct dm_value *name, *text;
    const struct dm_template *t;
    DM_TRY(dm_eval_expr(e, s, n->a, &name));
    DM_TRY(load_value(e, name, &t));
    struct import *import = dm_arena_new(e->a, struct import);
    import->module = module_new(e, s, n->context);
    import->name = name->s;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_exec_deeper(e));
    DM_TRY(run_module(e, import->module, t, &b));
    e->calls--;
    DM_TRY(dm_new_text(e, &b, &text));
    import->text = text->s;
    const struct dm_value *module = dm_object_value(e, &class_import, import);
    if (n->kind == DM_N_IMPORT) {
        dm_scope_set(s, n->name, module);
        return 0;
    }
    for (size_t i = 0; i < n->n_named; i++) {
        struct dm_str there = n->named[i]->name;
        const struct dm_value *v;
        int rc = import_attr(e, module, there, &v);
        if (rc == 0)
            v = dm_undefined(e, DM_TE_UNDEFINED,
                             "the template '%.*s' does not export the requested name '%.*s'",
                             DM_FMT(import->name), DM_FMT(there));
        dm_scope_set(s, n->named[i]->text, v);
    }
    return 0;
}
