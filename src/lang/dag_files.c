/*
 * The files that a DAG's fields name, and its templates.  The text of such a file belongs to the DAG (and to its
 * generation): it is read here, once, and never again by a task.
 */
#include "base/file.h"
#include "lang/dag_loader.h"
#include "lang/mapping.h"
#include "lang/template.h"

const char *dm_dag_shown_path(const struct dm_dag_loader *l, const char *path)
{
    const char *clean = dm_path_clean(l->a, path);
    size_t n = strlen(l->project);
    if (strncmp(clean, l->project, n) == 0 && clean[n] == '/')
        return clean + n + 1;
    return clean;
}

static bool names_file(struct dm_str s, const char *const *exts)
{
    for (; exts && *exts; exts++)
        if (dm_str_ends(s, dm_str_c(*exts)))
            return true;
    return false;
}

static const char *in_folder(struct dm_dag_loader *l, const char *dir, const char *name)
{
    const char *path = dm_path_join(l->a, dir, name);
    return dm_path_below(l->a, path, dir) && dm_dag_has_file(l, path) ? path : NULL;
}

static const char *in_search_path(struct dm_dag_draft *d, const char *name)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *v = dm_map_at(d->config, "template_searchpath");
    size_t n = !v ? 0 : v->kind == DM_LIST ? v->list.n : v->kind == DM_STRING;
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *dir = v->kind == DM_LIST ? v->list.items[i] : v;
        if (dir->kind != DM_STRING)
            continue;
        const char *path =
            in_folder(d->loader,
                      dm_path_join(a, d->loader->world->project_dir, dm_str_cstr(a, dir->s)), name);
        if (path)
            return path;
    }
    return NULL;
}

/* The DAG file's folder, then template_searchpath, then the folder of all DAGs. */
static const char *find_file(struct dm_dag_draft *d, const char *name)
{
    const char *path = in_folder(d->loader, d->source->dir, name);
    path = path ? path : in_search_path(d, name);
    return path ? path : in_folder(d->loader, d->loader->dags_dir, name);
}

/* What lies in the folder that the name points to, nearest first. */
static const char *nearest_file(struct dm_dag_draft *d, const char *name)
{
    struct dm_arena *a = d->loader->a;
    const char *base = dm_path_base(name), *const * names;
    const char *dir = dm_path_dir(a, dm_path_join(a, d->source->dir, name));
    size_t n;
    if (!dm_is_dir(dir) || dm_list_dir(a, dir, &names, &n, NULL) < 0)
        return NULL;
    const char *near = dm_str_nearest(dm_str_c(base), names);
    return near ? dm_arena_printf(a, "Did you mean \"%.*s%s\"?", (int)(base - name), name, near)
                : NULL;
}

struct found {
    struct dm_dag_draft *d;
    const struct dm_dag_source *source;
    const struct dm_value *field; /* where the error has no line of its own */
};

static void template_error(void *user, const struct dm_err *err)
{
    const struct found *f = user;
    struct dm_diag_at at = draft_at(f->d, f->field);
    at.source = f->source;
    if (err->line > 0)
        at.line = (uint32_t)err->line, at.col = (uint32_t)err->col;
    dm_diag_report_err(f->d->loader, at, DM_DIAG_TEMPLATE, err);
}

static void read_included(struct dm_dag_draft *d, const struct dm_value *named_by,
                          struct dm_str text);

static void check_text(struct dm_dag_draft *d, const char *path, struct dm_str text,
                       const struct dm_value *named_by)
{
    struct dm_arena *a = d->loader->a;
    struct dm_dag_source *s = dm_arena_new(a, struct dm_dag_source);
    *s = (struct dm_dag_source){
        .file = dm_dag_shown_path(d->loader, path), .text = text, .expanded = text};
    struct dm_value *v = dm_value_str(a, text);
    v->line = v->col = 1;
    dm_check_templates(v, (struct dm_place){s->file, 1, 1}, template_error,
                       &(struct found){d, s, named_by});
    read_included(d, named_by, text);
}

/* Reads one named file into the DAG's files; false where it was there already or something is wrong. */
static bool read_file(struct dm_dag_draft *d, const struct dm_value *v, const char *name,
                      const char *path, struct dm_str *ret)
{
    struct dm_err err;
    size_t bad;
    if (dm_map_at(d->files, name))
        return false;
    if (d->files->map.n == DM_DAG_TEXT_COUNT_MAX) {
        draft_error(d, v, LIMIT, NULL, "the DAG names more than %d files", DM_DAG_TEXT_COUNT_MAX);
        return false;
    }
    if (dm_file_read(d->loader->a, path, DM_DAG_TEXT_MAX, ret, &err) < 0) {
        draft_error(d, v, UNREADABLE, err.hint, "%s", err.message);
        return false;
    }
    d->files_size += ret->len;
    if (d->files_size > DM_DAG_TEXTS_MAX) {
        draft_error(d, v, LIMIT, NULL, "the files of the DAG have more than %d bytes together",
                    DM_DAG_TEXTS_MAX);
        return false;
    }
    if (!dm_utf8_valid(*ret, &bad)) {
        draft_error(d, v, ENCODING, NULL, "%s is not UTF-8: byte 0x%02x at offset %zu",
                    dm_dag_shown_path(d->loader, path), (unsigned char)ret->p[bad], bad);
        return false;
    }
    dm_map_set(d->loader->a, d->files, name, dm_value_str(d->loader->a, *ret));
    return true;
}

/* The statement of a template block ("include 'x.sql'"), or an empty string where it takes no file. */
static struct dm_str file_statement(struct dm_str block)
{
    static const char *const words[] = {"include", "import", "extends", "from", NULL};
    while (block.len && (block.p[0] == '-' || block.p[0] == '+'))
        block = dm_str_sub(block, 1, block.len);
    block = dm_str_trim(block);
    for (size_t i = 0; words[i]; i++)
        if (dm_str_starts(block, dm_str_c(words[i])))
            return dm_str_sub(block, strlen(words[i]), block.len);
    return DM_STR("");
}

/* Files that a template includes, imports or extends by a name in quotes.  One that is not there is no mistake yet:
   the statement may stand in a branch that is never taken, or say "ignore missing". */
static void read_included(struct dm_dag_draft *d, const struct dm_value *named_by,
                          struct dm_str text)
{
    ptrdiff_t at = 0, end;
    while ((at = dm_str_find(text, DM_STR("{%"), (size_t)at)) >= 0 &&
           (end = dm_str_find(text, DM_STR("%}"), (size_t)at)) >= 0) {
        struct dm_str rest = file_statement(dm_str_sub(text, (size_t)at + 2, (size_t)end));
        for (size_t i = 0; i < rest.len; i++) {
            const char *close = rest.p[i] == '\'' || rest.p[i] == '"'
                                    ? memchr(rest.p + i + 1, rest.p[i], rest.len - i - 1)
                                    : NULL;
            if (!close)
                continue;
            size_t j = (size_t)(close - rest.p);
            const char *name = dm_str_cstr(d->loader->a, dm_str_sub(rest, i + 1, j));
            const char *path = find_file(d, name);
            struct dm_str included;
            if (path && read_file(d, named_by, name, path, &included))
                check_text(d, path, included, named_by);
            i = j;
        }
        at = end;
    }
}

static void read_template_file(struct dm_dag_draft *d, const struct dm_value *v)
{
    const char *name = dm_str_cstr(d->loader->a, v->s);
    const char *path = find_file(d, name);
    struct dm_str text;
    if (!path)
        draft_error(d, v, FILE_NOT_FOUND, nearest_file(d, name), "there is no file \"%s\" in %s",
                    name, dm_dag_shown_path(d->loader, d->source->dir));
    else if (read_file(d, v, name, path, &text))
        check_text(d, path, text, v);
}

/* A script or the like that a task lands: read where it lies among the DAGs, because then it is part of them; what
   lies elsewhere is data, and may not even exist yet. */
static void read_landed_file(struct dm_dag_draft *d, const struct dm_value *v)
{
    struct dm_arena *a = d->loader->a;
    const char *name = dm_str_cstr(a, v->s);
    struct dm_str text;
    if (v->s.len == 0 || dm_str_find(v->s, DM_STR("{{"), 0) >= 0 ||
        dm_str_find(v->s, DM_STR("{%"), 0) >= 0)
        return;
    const char *path = dm_path_join(a, d->loader->world->project_dir, name);
    if (dm_path_below(a, path, d->loader->dags_dir) && dm_dag_has_file(d->loader, path))
        read_file(d, v, name, path, &text);
}

/* The file of a Python function: a task runs the text that the DAG had, as with all files that it names. */
static void read_callable(struct dm_dag_draft *d, const struct dm_value *v)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *file = dm_map_at(v, "file");
    struct dm_str text;
    if (file && dm_str_is(dm_map_str(v, "__type__", ""), "callable"))
        read_file(d, v, dm_str_cstr(a, file->s),
                  dm_path_join(a, d->loader->world->project_dir, dm_str_cstr(a, file->s)), &text);
}

static void walk(struct dm_dag_draft *d, const struct dm_value *v, const char *const *exts)
{
    if (v->kind == DM_STRING && names_file(v->s, exts))
        read_template_file(d, v);
    else if (v->kind == DM_STRING)
        read_included(d, v, v->s);
    else if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; i < v->list.n; i++)
            walk(d, v->list.items[i], exts);
    else if (v->kind == DM_MAP) {
        read_callable(d, v);
        for (size_t i = 0; i < v->map.n; i++)
            walk(d, v->map.pairs[i].value, exts);
    }
}

static void read_field(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                       const struct dm_op_field *f, const struct dm_value *v)
{
    if (f->names_file && v->kind == DM_STRING)
        read_landed_file(d, v);
    if (!f->templated && v->kind == DM_MAP)
        read_callable(d, v);
    if (!f->templated)
        return;
    walk(d, v, spec->template_ext);
    dm_check_templates(v, (struct dm_place){d->source->file, v->line, v->col}, template_error,
                       &(struct found){d, d->source, v});
}

void dm_dag_read_files(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                       const struct dm_task *task)
{
    for (size_t i = 0; spec->fields[i].name; i++) {
        const struct dm_value *v = dm_map_at(task->args, spec->fields[i].name);
        if (v)
            read_field(d, spec, &spec->fields[i], v);
    }
}

void dm_dag_read_mapped(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                        const struct dm_task *task)
{
    const struct dm_value *map = dm_task_mapping(task);
    const struct dm_op_field *kwargs =
        task->expand_kwargs ? dm_op_field_find(spec, DM_STR("op_kwargs")) : NULL;
    for (size_t i = 0; map && i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key, *v = map->map.pairs[i].value;
        const struct dm_op_field *f = kwargs ? kwargs : dm_op_field_find(spec, key->s);
        for (int64_t k = 0; f && v->kind == DM_LIST && k < dm_map_length(v); k++) {
            const struct dm_value *item = v->list.items[k];
            read_field(d, spec, f, item);
            if (!kwargs && !dm_op_field_fits(f, item))
                draft_error(d, item, BAD_ARGUMENT, NULL,
                            "what task \"%s\" gets for %s must be %s, not a %s", task->task_id,
                            f->name, dm_field_type_name(f->type), dm_kind_name(item->kind));
        }
    }
}
