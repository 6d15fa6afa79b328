/* Rendering: one template, or all strings of a value. */
#include "lang/object.h"

static void eval_init(struct dm_eval *e, struct dm_arena *a, const struct dm_context *c,
                      const struct dm_template *t, struct dm_err *err)
{
    *e = (struct dm_eval){.a = a, .c = c, .t = t, .err = err};
    dm_map_init(&e->variables, a);
    dm_map_init(&e->templates, a);
    dm_map_init(&e->zones, a);
}

static int run(struct dm_arena *scratch, const struct dm_template *t, const struct dm_context *c,
               struct dm_strbuf *out, struct dm_err *reterr)
{
    struct dm_eval e;
    struct dm_err *err = dm_arena_new(scratch, struct dm_err);
    eval_init(&e, scratch, c, t, err);
    int rc = dm_exec_template(&e, t, out);
    if (rc < 0 && reterr)
        *reterr = *err;
    return rc;
}

int dm_template_render(struct dm_arena *a, const struct dm_template *t, const struct dm_context *c,
                       struct dm_str *ret, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena scratch;
    _cleanup_strbuf_ struct dm_strbuf out;
    dm_arena_init(&scratch);
    dm_strbuf_init(&out, DM_BUF_TEXT);
    DM_TRY(run(&scratch, t, c, &out, reterr));
    *ret = dm_str_dup(a, dm_strbuf_str(&out));
    return 0;
}

/* A copy without anything of the render: several XComs become a list, other objects their text. */
static int export_value(struct dm_eval *e, struct dm_arena *a, const struct dm_value *v,
                        const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, v));
    switch (v->kind) {
    case DM_OBJECT:
        if (dm_object_data(v, &dm_class_xcoms))
            return export_value(e, a, dm_object_data(v, &dm_class_xcoms), ret);
        __attribute__((fallthrough));
    case DM_BIG: {
        struct dm_str s;
        DM_TRY(dm_text_of(e, v, &s));
        *ret = dm_value_str(a, dm_str_dup(a, s));
        return 0;
    }
    case DM_STRING:
        *ret = dm_value_str(a, dm_str_dup(a, v->s));
        return 0;
    case DM_LIST:
    case DM_TUPLE: {
        struct dm_value *list = dm_value_list(a, v->list.n);
        list->kind = v->kind;
        for (size_t i = 0; i < v->list.n; i++)
            DM_TRY(export_value(e, a, v->list.items[i], &list->list.items[i]));
        *ret = list;
        return 0;
    }
    case DM_MAP: {
        struct dm_value *map = dm_value_map(a);
        for (size_t i = 0; i < v->map.n; i++) {
            const struct dm_value *key, *value;
            DM_TRY(export_value(e, a, v->map.pairs[i].key, &key));
            DM_TRY(export_value(e, a, v->map.pairs[i].value, &value));
            dm_map_set_value(a, map, key, value);
        }
        *ret = map;
        return 0;
    }
    case DM_DATETIME: {
        struct dm_value *copy = dm_arena_dup(a, v, sizeof(*v));
        copy->time.zone = v->time.zone ? dm_arena_strdup(a, v->time.zone) : NULL;
        *ret = copy;
        return 0;
    }
    default:
        *ret = dm_arena_dup(a, v, sizeof(*v));
        return 0;
    }
}

static int native(struct dm_eval *e, struct dm_arena *a, const struct dm_template *t,
                  const struct dm_value **ret)
{
    const struct dm_value *v;
    struct dm_pieces pieces = {0};
    _cleanup_strbuf_ struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_TEXT);
    e->pieces = &pieces;
    DM_TRY(dm_exec_template(e, t, &out));
    DM_TRY(dm_exec_result(e, &pieces, &out, &v));
    return export_value(e, a, v, ret);
}

int dm_template_render_native(struct dm_arena *a, const struct dm_template *t,
                              const struct dm_context *c, const struct dm_value **ret,
                              struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena scratch;
    dm_arena_init(&scratch);
    struct dm_eval e;
    struct dm_err *err = dm_arena_new(&scratch, struct dm_err);
    eval_init(&e, &scratch, c, t, err);
    int rc = native(&e, a, t, ret);
    if (rc < 0 && !e.placed) { /* the value was made, and cannot be handed out */
        const struct dm_node *n = t->body->n_list ? t->body->list[0] : t->body;
        dm_err_at(err, t->place.file, (int)n->line, (int)n->col);
    }
    if (rc < 0 && reterr)
        *reterr = *err;
    return rc;
}

static int render_text(struct dm_arena *a, const struct dm_value *v, const char *const *exts,
                       struct dm_place place, const struct dm_context *c, bool want_native,
                       const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str text = v->s;
    for (; exts && *exts; exts++) {
        if (!dm_str_ends(v->s, dm_str_c(*exts)))
            continue;
        int rc = c->file ? c->file(c->user, v->s, &text, reterr) : 0;
        if (rc < 0)
            return rc;
        if (rc == 0) {
            dm_err_set(reterr, DM_E_NOTFOUND, "there is no file \"%.*s\"", DM_FMT(v->s));
            dm_err_detail(reterr, "not_found");
            dm_err_at(reterr, place.file, (int)v->line, (int)v->col);
            return DM_E_NOTFOUND;
        }
        place = (struct dm_place){.file = dm_str_cstr(a, v->s), .line = 1, .col = 1};
        break;
    }
    if (text.p == v->s.p && v->line) {
        place.line = v->line;
        place.col = v->col;
    }
    const struct dm_template *t;
    _cleanup_arena_ struct dm_arena parsed;
    dm_arena_init(&parsed);
    DM_TRY(dm_template_parse(&parsed, text, place, &t, reterr));
    if (want_native)
        return dm_template_render_native(a, t, c, ret, reterr);
    struct dm_str rendered;
    DM_TRY(dm_template_render(a, t, c, &rendered, reterr));
    struct dm_value *copy = dm_value_str(a, rendered);
    copy->line = v->line;
    copy->col = v->col;
    *ret = copy;
    return 0;
}

int dm_render_value(struct dm_arena *a, const struct dm_value *v, const char *const *exts,
                    struct dm_place place, const struct dm_context *c, bool want_native,
                    const struct dm_value **ret, struct dm_err *reterr)
{
    if (v->kind == DM_STRING)
        return render_text(a, v, exts, place, c, want_native, ret, reterr);
    if (v->kind == DM_LIST || v->kind == DM_TUPLE) {
        struct dm_value *list = dm_value_copy(a, v);
        for (size_t i = 0; i < list->list.n; i++)
            DM_TRY(dm_render_value(a, v->list.items[i], exts, place, c, want_native,
                                   &list->list.items[i], reterr));
        *ret = list;
        return 0;
    }
    if (v->kind == DM_MAP) {
        struct dm_value *map = dm_value_copy(a, v);
        for (size_t i = 0; i < map->map.n; i++)
            DM_TRY(dm_render_value(a, v->map.pairs[i].value, exts, place, c, want_native,
                                   &map->map.pairs[i].value, reterr));
        *ret = map;
        return 0;
    }
    *ret = v;
    return 0;
}
