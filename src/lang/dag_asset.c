/*
 * Schedules by assets (datasets): {datasets: [uri, uri]}, {datasets: "(a & b) | c"}, with {file: names.yaml} the names
 * of that file instead of URIs, asset objects combined by __and__ and __or__, and lists.  All become one expression of
 * Asset, AssetAll and AssetAny.
 */
#include "base/file.h"
#include "lang/dag_loader.h"
#include "lang/yaml.h"

struct parser {
    struct dm_dag_draft *d;
    const struct dm_value *at;    /* for errors */
    const struct dm_value *names; /* name -> uri, or NULL: the words are URIs themselves */
    struct dm_str text;
    size_t i;
    unsigned depth;
};

enum { EXPRESSION_DEPTH_MAX = 100 };

static const struct dm_value *wrong(struct parser *p, const char *why)
{
    draft_error(p->d, p->at, BAD_DATASET_EXPRESSION, "Write datasets: [a, b], or \"(a & b) | c\".",
                "a schedule by datasets: %s", why);
    return NULL;
}

static char peek(struct parser *p)
{
    while (p->i < p->text.len && p->text.p[p->i] == ' ')
        p->i++;
    return p->i < p->text.len ? p->text.p[p->i] : 0;
}

static const struct dm_value *named(struct parser *p, struct dm_str word)
{
    struct dm_arena *a = p->d->loader->a;
    if (!p->names)
        return dm_dag_asset(a, word, p->at);
    const struct dm_value *uri = dm_map_get_str(p->names, word);
    if (!uri)
        return wrong(p, dm_arena_printf(a, "there is no dataset \"%.*s\"", DM_FMT(word)));
    return dm_dag_asset(a, uri->s, p->at);
}

static const struct dm_value *any_of(struct parser *p);

static const struct dm_value *operand(struct parser *p)
{
    char c = peek(p);
    if (c == '(') {
        if (++p->depth > EXPRESSION_DEPTH_MAX)
            return wrong(p, "the brackets are nested too deep");
        p->i++;
        const struct dm_value *v = any_of(p);
        if (v && peek(p) != ')')
            return wrong(p, "a bracket is not closed");
        p->i++;
        p->depth--;
        return v;
    }
    size_t from = p->i;
    while (p->i < p->text.len && !strchr(" ()&|", p->text.p[p->i]))
        p->i++;
    return p->i == from ? wrong(p, "a name is missing") : named(p, dm_str_sub(p->text, from, p->i));
}

static const struct dm_value *all_of(struct parser *p)
{
    const struct dm_value *v = operand(p);
    while (v && peek(p) == '&') {
        p->i++;
        const struct dm_value *next = operand(p);
        v = next ? dm_dag_combine_assets(p->d->loader->a, true, v, next) : NULL;
    }
    return v;
}

static const struct dm_value *any_of(struct parser *p)
{
    const struct dm_value *v = all_of(p);
    while (v && peek(p) == '|') {
        p->i++;
        const struct dm_value *next = all_of(p);
        v = next ? dm_dag_combine_assets(p->d->loader->a, false, v, next) : NULL;
    }
    return v;
}

static const struct dm_value *parse(struct parser *p, struct dm_str text)
{
    p->text = text;
    const struct dm_value *v = any_of(p);
    return v && peek(p) ? wrong(p, "a mark is missing between two names") : v;
}

static const struct dm_value *list_of(struct parser *p, const struct dm_value *list)
{
    struct dm_arena *a = p->d->loader->a;
    struct dm_value *all = dm_dag_assets(a, true, p->at);
    for (size_t i = 0; i < list->list.n; i++) {
        const struct dm_value *v = list->list.items[i];
        if (v->kind == DM_STRING)
            v = named(p, v->s);
        else if (!dm_dag_is_asset_expression(v))
            v = wrong(p, "an item is neither a text nor a dataset");
        if (!v)
            return NULL;
        dm_list_add(a, (struct dm_value *)dm_map_at(all, "objects"), v);
    }
    return all;
}

/* Of a list under `datasets`, one alone is not wrapped. */
static const struct dm_value *alone_or_all(const struct dm_value *all)
{
    const struct dm_value *objects = all ? dm_map_at(all, "objects") : NULL;
    return objects && objects->list.n == 1 ? objects->list.items[0] : all;
}

/* {datasets: [{name, uri} …]} in a file of its own. */
static const struct dm_value *read_names(struct parser *p, const struct dm_value *file)
{
    struct dm_dag_loader *l = p->d->loader;
    struct dm_value *names = dm_value_map(l->a);
    const struct dm_value *root, *list;
    struct dm_str text;
    struct dm_err err;
    const char *path = dm_path_join(l->a, p->d->source->dir, dm_str_cstr(l->a, file->s));
    dm_dag_depend(l, path);
    if (dm_file_read(l->a, path, DM_YAML_BYTES_MAX, &text, &err) < 0) {
        draft_error(p->d, file, FILE_NOT_FOUND, err.hint, "%s", err.message);
        return NULL;
    }
    if (dm_yaml_parse(l->a, text, dm_dag_shown_path(l, path), &root, &err) < 0 ||
        !(list = dm_map_at(root, "datasets")) || list->kind != DM_LIST)
        return wrong(p, "its file has no list `datasets`");
    for (size_t i = 0; i < list->list.n; i++) {
        const struct dm_value *name = dm_map_at(list->list.items[i], "name");
        const struct dm_value *uri = dm_map_at(list->list.items[i], "uri");
        if (name && uri && name->kind == DM_STRING && uri->kind == DM_STRING)
            dm_map_set_value(l->a, names, name, uri);
    }
    return names;
}

const struct dm_value *dm_dag_assets_of_file(struct dm_dag_draft *d, const struct dm_value *v)
{
    struct dm_arena *a = d->loader->a;
    struct parser p = {.d = d, .at = v};
    const struct dm_value *file = dm_map_at(v, "file"), *wanted = dm_map_at(v, "datasets");
    struct dm_value *out = dm_value_list(a, 0);
    if (!file || file->kind != DM_STRING || !wanted || wanted->kind != DM_LIST || v->map.n != 2) {
        wrong(&p, "a map must have `file` and the list `datasets`");
        return out;
    }
    p.names = read_names(&p, file);
    for (size_t i = 0; p.names && i < wanted->list.n; i++) {
        const struct dm_value *name = wanted->list.items[i];
        const struct dm_value *asset = name->kind == DM_STRING ? named(&p, name->s) : NULL;
        if (asset)
            dm_list_add(a, out, dm_map_at(asset, "uri"));
        else if (name->kind != DM_STRING)
            wrong(&p, "a name must be a text");
    }
    return out;
}

const struct dm_value *dm_dag_asset_schedule(struct dm_dag_draft *d, const struct dm_value *v)
{
    struct parser p = {.d = d, .at = v};
    const struct dm_value *expr = v, *file = NULL;
    bool v1 = d->loader->world->dialect == DM_DIALECT_V1;
    if (v->kind == DM_MAP) {
        file = dm_map_at(v, "file");
        expr = dm_map_at(v, "datasets");
        if (!expr && v->map.n) {
            draft_error(d, v, SCHEMA, "Write schedule: {datasets: [uri]}.",
                        "a schedule that is a map needs __type__ or datasets");
            return NULL;
        }
    } else if (v1 && v->list.n) {
        draft_error(d, v, SCHEMA, "Write schedule: {datasets: [uri]}.",
                    "a schedule cannot be a list");
        return NULL;
    }
    if (file && file->kind == DM_STRING && !(p.names = read_names(&p, file)))
        return NULL;
    if (!expr)
        return dm_dag_assets(d->loader->a, true, v); /* schedule: {} */
    if (expr->kind == DM_STRING)
        return parse(&p, expr->s);
    if (expr->kind == DM_LIST && (expr->list.n || expr == v))
        return expr == v ? list_of(&p, expr) : alone_or_all(list_of(&p, expr));
    if (dm_dag_is_asset_expression(expr))
        return expr;
    if (expr->kind == DM_MAP) {
        draft_error(d, expr, BAD_ARGUMENT, "Write __and__ or __or__.",
                    "datasets must be a list or a text, not a map");
        return NULL;
    }
    return wrong(&p, expr->kind == DM_LIST ? "the list is empty" : "datasets is no list or text");
}
