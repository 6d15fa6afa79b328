/*
 * Loading DAG files: environment variables, YAML, and the layers of defaults.
 *
 * default_args come from the task, the DAG, the file's `default:`, and the defaults.yml files from the nearest folder up
 * to the root; a DAG's own keys from the DAG, the nearest defaults.yml … the root's, and then `default:`, which is
 * merged map by map while a defaults.yml key is replaced whole (tags of several are united).
 */
#include "base/file.h"
#include "lang/dag_loader.h"
#include "lang/yaml.h"

struct folder_defaults {
    const struct folder_defaults *outer;
    const struct dm_value *map; /* NULL = the folder has none */
    const char *file;           /* as shown, where it has one */
    bool broken;
    enum dm_diag_code why; /* where it is broken */
};

struct load {
    struct dm_dag_loader l;
    struct dm_map dags;    /* dag_id -> struct dm_dag */
    struct dm_map folders; /* path -> struct folder_defaults */
};

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* The name of a variable behind a dollar sign; returns the bytes after the dollar, 0 where there is none. */
static size_t variable_at(struct dm_str text, size_t i, struct dm_str *ret_name)
{
    if (i < text.len && text.p[i] == '{') {
        ptrdiff_t end = dm_str_find(text, DM_STR("}"), i);
        if (end < 0)
            return 0;
        *ret_name = dm_str_sub(text, i + 1, (size_t)end);
        return (size_t)end + 1 - i;
    }
    size_t n = 0;
    while (i + n < text.len && is_word(text.p[i + n]))
        n++;
    *ret_name = dm_str_sub(text, i, i + n);
    return n;
}

static void note_expansion(struct dm_arena *a, struct dm_dag_source *s, struct dm_expansion e)
{
    if ((s->n_expansions & (s->n_expansions - 1)) == 0) { /* full at each power of two */
        struct dm_expansion *old = s->expansions;
        s->expansions =
            dm_arena_array(a, struct dm_expansion, s->n_expansions ? s->n_expansions * 2 : 1);
        if (s->n_expansions)
            memcpy(s->expansions, old, s->n_expansions * sizeof(e));
    }
    s->expansions[s->n_expansions++] = e;
}

/* $NAME and ${NAME} anywhere in the text, comments included; unknown names stay, and what was put in is not looked
   at again. */
static int expand(struct dm_dag_loader *l, struct dm_dag_source *s, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_YAML_BYTES_MAX);
    s->expanded = s->text;
    if (!l->world->env || dm_str_find(s->text, DM_STR("$"), 0) < 0)
        return 0;
    for (size_t i = 0; i < s->text.len;) {
        struct dm_str name;
        size_t n = s->text.p[i] == '$' ? variable_at(s->text, i + 1, &name) : 0;
        const char *value = n ? l->world->env(l->world->user, dm_str_cstr(l->a, name)) : NULL;
        if (!value) {
            dm_strbuf_addc(&b, s->text.p[i++]);
            continue;
        }
        note_expansion(l->a, s, (struct dm_expansion){b.len, strlen(value), i, n + 1});
        dm_strbuf_adds(&b, value);
        i += n + 1;
    }
    DM_TRY(dm_strbuf_check(&b, "the file with its environment variables", reterr));
    s->expanded = dm_str_dup(l->a, dm_strbuf_str(&b));
    return 0;
}

struct warning_to {
    struct dm_dag_loader *l;
    const struct dm_dag_source *source;
};

static void yaml_warning(void *user, uint32_t line, uint32_t col, const char *message)
{
    const struct warning_to *w = user;
    dm_diag_report(w->l, (struct dm_diag_at){w->source, NULL, line, col}, true,
                   DM_DIAG_DUPLICATE_KEY, NULL, "%s", message);
}

/* The file's map, or NULL with a finding. */
static const struct dm_value *read_yaml(struct dm_dag_loader *l, const char *path,
                                        struct dm_dag_source *s, enum dm_diag_code *ret_why)
{
    struct dm_err err;
    const struct dm_value *root;
    struct dm_diag_at at = {s, NULL, 0, 0};
    s->file = dm_dag_shown_path(l, path);
    s->dir = dm_path_dir(l->a, path);
    dm_dag_depend(l, path);
    if (dm_file_read(l->a, path, DM_YAML_BYTES_MAX, &s->text, &err) < 0) {
        dm_diag_report_err(l, at, *ret_why = DM_DIAG_UNREADABLE, &err);
        return NULL;
    }
    if (expand(l, s, &err) < 0) {
        dm_diag_report_err(l, at, *ret_why = DM_DIAG_LIMIT, &err);
        return NULL;
    }
    if (dm_yaml_parse_dag(l->a, s->expanded, s->file, l->world->dialect != DM_DIALECT_V1,
                          yaml_warning, &(struct warning_to){l, s}, &root, &err) < 0) {
        enum dm_diag_code code = err.code == DM_E_LIMIT     ? DM_DIAG_LIMIT
                                 : err.code == DM_E_DATA    ? DM_DIAG_ENCODING
                                 : err.code == DM_E_INVALID ? DM_DIAG_BAD_DATE
                                                            : DM_DIAG_YAML;
        dm_diag_report_err(l, at, *ret_why = code, &err);
        return NULL;
    }
    if (root->kind == DM_MAP)
        return root;
    at.line = root->line;
    at.col = root->col;
    *ret_why = DM_DIAG_SCHEMA;
    dm_diag_report(l, at, false, DM_DIAG_SCHEMA, "A file maps each dag_id to a DAG.",
                   root->kind == DM_NULL ? "the file is empty"
                                         : "the file must be a map of DAGs, not a %s",
                   dm_kind_name(root->kind));
    return NULL;
}

/* A copy without places: they would be those of another file. */
static const struct dm_value *without_marks(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *copy = dm_value_copy(a, v);
    if (v->kind != DM_LIST && v->kind != DM_TUPLE && v->kind != DM_MAP) {
        copy = dm_arena_new(a, struct dm_value);
        *copy = *v;
    }
    copy->line = copy->col = 0;
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; i < v->list.n; i++)
            copy->list.items[i] = without_marks(a, v->list.items[i]);
    if (v->kind == DM_MAP)
        for (size_t i = 0; i < v->map.n; i++) {
            copy->map.pairs[i].key = without_marks(a, v->map.pairs[i].key);
            copy->map.pairs[i].value = without_marks(a, v->map.pairs[i].value);
        }
    return copy;
}

static void set_all(struct dm_arena *a, struct dm_value *into, const struct dm_value *from)
{
    for (size_t i = 0; from && from->kind == DM_MAP && i < from->map.n; i++)
        dm_map_set_value(a, into, from->map.pairs[i].key, from->map.pairs[i].value);
}

/* Typed objects are made before anything is merged: they take each other's place. */
static bool is_object(const struct dm_value *v)
{
    return dm_map_at(v, "__type__") || dm_map_at(v, "__join__") || dm_map_at(v, "__and__") ||
           dm_map_at(v, "__or__");
}

/* `over` on top of `base`, map by map at any depth; the places are those of `over`. */
static const struct dm_value *merge_deep(struct dm_arena *a, const struct dm_value *base,
                                         const struct dm_value *over)
{
    if (!base || base->kind != DM_MAP || over->kind != DM_MAP || is_object(base) || is_object(over))
        return over;
    struct dm_value *out = dm_value_map(a);
    set_all(a, out, over);
    for (size_t i = 0; i < base->map.n; i++) {
        const struct dm_value *key = base->map.pairs[i].key;
        const struct dm_value *mine = dm_map_get_value(over, key);
        dm_map_set_value(a, out, key,
                         mine ? merge_deep(a, base->map.pairs[i].value, mine)
                              : base->map.pairs[i].value);
    }
    out->line = over->line;
    out->col = over->col;
    return out;
}

static int by_text(const void *x, const void *y)
{
    const struct dm_value *const *a = x, *const *b = y;
    return dm_str_cmp((*a)->s, (*b)->s);
}

/* Tags of several defaults files: each once, sorted. */
static const struct dm_value *unite_tags(struct dm_arena *a, const struct dm_value *x,
                                         const struct dm_value *y)
{
    if (!x || x->kind != DM_LIST || y->kind != DM_LIST)
        return y;
    struct dm_value *all = dm_value_list(a, 0), *out = dm_value_list(a, 0);
    for (size_t i = 0; i < x->list.n + y->list.n; i++) {
        const struct dm_value *tag =
            i < x->list.n ? x->list.items[i] : y->list.items[i - x->list.n];
        if (tag->kind != DM_STRING)
            return y;
        dm_list_add(a, all, tag);
    }
    if (all->list.n)
        qsort(all->list.items, all->list.n, sizeof(all->list.items[0]), by_text);
    for (size_t i = 0; i < all->list.n; i++)
        if (!i || !dm_str_eq(all->list.items[i]->s, all->list.items[i - 1]->s))
            dm_list_add(a, out, all->list.items[i]);
    return out;
}

/* Keys of all defaults files from the root down; default_args are collected apart. */
static void collect(const struct dm_dag_loader *l, const struct folder_defaults *f,
                    struct dm_value *config, struct dm_value *args)
{
    struct dm_arena *a = l->a;
    if (!f)
        return;
    collect(l, f->outer, config, args);
    for (size_t i = 0; f->map && i < f->map->map.n; i++) {
        const struct dm_value *key = f->map->map.pairs[i].key, *v = f->map->map.pairs[i].value;
        if (key->kind == DM_STRING && dm_str_is(key->s, "default_args"))
            set_all(a, args, v);
        else if (l->world->dialect == DM_DIALECT_V0)
            continue; /* takes the default_args only */
        else if (key->kind == DM_STRING && dm_str_is(key->s, "tags"))
            dm_map_set_value(a, config, key, unite_tags(a, dm_map_at(config, "tags"), v));
        else
            dm_map_set_value(a, config, key, v);
    }
}

static const struct dm_value *layered_config(const struct dm_dag_loader *l,
                                             const struct folder_defaults *f,
                                             const struct dm_value *file_default,
                                             const struct dm_value *dag,
                                             const struct dm_value **ret_args)
{
    struct dm_arena *a = l->a;
    struct dm_value *config = dm_value_map(a), *args = dm_value_map(a);
    struct dm_value *folder = dm_value_map(a), *base = dm_value_map(a);
    const struct dm_value *of_file = file_default ? dm_map_at(file_default, "default_args") : NULL;
    const struct dm_value *own = dm_map_at(dag, "default_args");
    collect(l, f, folder, base);
    set_all(a, base, of_file);
    set_all(a, config, merge_deep(a, file_default, dag));
    set_all(a, args, own ? merge_deep(a, base, own) : base);
    for (size_t i = 0; i < folder->map.n; i++)
        if (!dm_map_get_value(dag, folder->map.pairs[i].key))
            dm_map_set_value(
                a, config, folder->map.pairs[i].key,
                merge_deep(a,
                           file_default ? dm_map_get_value(file_default, folder->map.pairs[i].key)
                                        : NULL,
                           folder->map.pairs[i].value));
    config->line = dag->line;
    config->col = dag->col;
    args->line = dag->line;
    args->col = dag->col;
    *ret_args = args;
    return config;
}

/* What is handed out was read back from its normal form: nobody can meet a DAG that a stored run would not. */
static void finish(struct load *load, const struct dm_dag *built)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    struct dm_err err;
    struct dm_dag *dag;
    struct dm_dag_source source = {.file = built->file};
    struct dm_diag_at at = {&source, built->dag_id, 0, 0};
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_dag_to_json(&b, built);
    if (dm_strbuf_check(&b, "the normal form of the DAG", &err) < 0 ||
        dm_dag_from_json(load->l.out, dm_strbuf_str(&b), &dag, &err) < 0) {
        dm_diag_report_err(&load->l, at, DM_DIAG_LIMIT, &err);
        return;
    }
    dm_map_put(&load->dags, dm_str_c(dag->dag_id), dag);
}

static void load_dag(struct load *load, const struct dm_dag_source *s,
                     const struct folder_defaults *f, const struct dm_value *file_default,
                     const struct dm_value *key, const struct dm_value *map)
{
    struct dm_diag_at at = {s, key->kind == DM_STRING ? dm_str_cstr(load->l.a, key->s) : NULL,
                            key->line, key->col};
    const struct dm_value *args;
    if (map->kind != DM_MAP) {
        dm_diag_report(&load->l, at, false, DM_DIAG_SCHEMA, NULL, "a DAG must be a map, not a %s",
                       dm_kind_name(map->kind));
        return;
    }
    const struct dm_value *own = dm_map_at(map, "default_args");
    if (own && own->kind != DM_MAP) {
        at.line = own->line, at.col = own->col;
        dm_diag_report(&load->l, at, false, DM_DIAG_SCHEMA, NULL,
                       "default_args must be a map, not a %s", dm_kind_name(own->kind));
        return;
    }
    const struct dm_dag *other = at.dag_id ? dm_map_get(&load->dags, key->s) : NULL;
    const struct dm_value *config = layered_config(&load->l, f, file_default, map, &args);
    struct dm_dag *dag = dm_dag_build(&load->l, s, key, config, args);
    if (other && dag) /* as in Airflow, the file that is read last has it */
        dm_diag_report(&load->l, at, true, DM_DIAG_DUPLICATE_ID, "Rename one of them.",
                       "this \"%s\" takes the place of the one in %s, line %u", at.dag_id,
                       other->file, other->line);
    if (dag)
        finish(load, dag);
}

static void load_file(struct load *load, const char *path, const struct folder_defaults *here)
{
    const struct folder_defaults *f = here;
    struct dm_dag_loader *l = &load->l;
    struct dm_dag_source *s = dm_arena_new(l->a, struct dm_dag_source);
    enum dm_diag_code why;
    const struct dm_value *root = read_yaml(l, path, s, &why);
    const struct dm_value *file_default = dm_map_at(root, "default");
    if (!root)
        return;
    /* Without the defaults its DAGs would be others. */
    for (; f; f = f->outer)
        if (f->broken) {
            dm_diag_report(l, (struct dm_diag_at){s, NULL, 0, 0}, false, f->why, NULL,
                           "%s, which holds its defaults, cannot be used", f->file);
            return;
        }
    f = here;
    const struct dm_value *args = dm_map_at(file_default, "default_args");
    const struct dm_value *bad = file_default && file_default->kind != DM_MAP ? file_default
                                 : args && args->kind != DM_MAP               ? args
                                                                              : NULL;
    if (bad) {
        dm_diag_report(l, (struct dm_diag_at){s, NULL, bad->line, bad->col}, false, DM_DIAG_SCHEMA,
                       NULL, "%s must be a map, not a %s", bad == args ? "default_args" : "default",
                       dm_kind_name(bad->kind));
        return;
    }
    for (size_t i = 0; i < root->map.n; i++) {
        const struct dm_value *key = root->map.pairs[i].key;
        bool reserved = key->kind == DM_STRING &&
                        (dm_str_is(key->s, "default") || dm_str_is(key->s, "task_groups"));
        if (!reserved)
            load_dag(load, s, f, file_default, key, root->map.pairs[i].value);
    }
}

/* 0.x knows one such file, in the root. */
static struct folder_defaults read_defaults(struct dm_dag_loader *l, const char *dir,
                                            const struct folder_defaults *outer)
{
    struct folder_defaults f = {.outer = outer};
    static const char *const names[] = {"defaults.yml", "defaults.yaml"};
    for (size_t i = 0; i < 2; i++) {
        const char *path = dm_path_join(l->a, dir, names[i]);
        if (outer && l->world->dialect == DM_DIALECT_V0)
            break;
        if (!dm_dag_has_file(l, path))
            continue;
        struct dm_dag_source *s = dm_arena_new(l->a, struct dm_dag_source);
        const struct dm_value *map = read_yaml(l, path, s, &f.why);
        f.broken = !map;
        f.file = s->file;
        f.map = map ? without_marks(l->a, map) : NULL;
        break;
    }
    return f;
}

/* The defaults of a folder and of those around it up to the folder of all DAGs, each read once. */
static const struct folder_defaults *defaults_of(struct load *load, const char *dir)
{
    struct dm_dag_loader *l = &load->l;
    struct folder_defaults *f = dm_map_get(&load->folders, dm_str_c(dir));
    if (f)
        return f;
    bool inner = strcmp(dir, l->dags_dir) != 0 && dm_path_below(l->keep, dir, l->dags_dir);
    const struct folder_defaults *outer =
        inner ? defaults_of(load, dm_path_dir(l->keep, dir)) : NULL;
    struct dm_arena *of_file = l->a;
    f = dm_arena_new(l->keep, struct folder_defaults);
    l->a = l->keep; /* they outlive the file that asks for them */
    *f = read_defaults(l, dir, outer);
    l->a = of_file;
    dm_map_put(&load->folders, dm_str_c(dm_arena_strdup(l->keep, dir)), f);
    return f;
}

static void load_one(struct load *load, const char *path)
{
    _cleanup_arena_ struct dm_arena of_file = {0};
    load->l.a = &of_file;
    load_file(load, path, defaults_of(load, dm_path_dir(&of_file, path)));
    load->l.a = load->l.keep;
}

static int by_id(const void *x, const void *y)
{
    const struct dm_dag *const *a = x, *const *b = y;
    return strcmp((*a)->dag_id, (*b)->dag_id);
}

static int by_place(const void *x, const void *y)
{
    const struct dm_diag *a = x, *b = y;
    int c = strcmp(a->file, b->file);
    if (c)
        return c;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    c = strcmp(a->message, b->message);
    return c ? c : strcmp(a->dag_id ? a->dag_id : "", b->dag_id ? b->dag_id : "");
}

/* What stands in `default:` is found once for each DAG of the file, and said once. */
static void unite_findings(struct dm_dag_set *set)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n_diags; i++) {
        const struct dm_diag *d = &set->diags[i], *last = n ? &set->diags[n - 1] : NULL;
        bool again = last && d->line == last->line && d->col == last->col &&
                     strcmp(d->file, last->file) == 0 && strcmp(d->message, last->message) == 0;
        if (!again)
            set->diags[n++] = *d;
        else
            set->n_errors -= !d->warning;
    }
    set->n_diags = n;
}

static int load_path(struct load *load, const char *path, struct dm_err *reterr)
{
    struct dm_dag_loader *l = &load->l;
    struct dm_dag_scan scan;
    bool folder = dm_is_dir(path);
    path = dm_path_clean(l->keep, path);
    const char *dir = folder ? path : dm_path_dir(l->keep, path);
    const char *all = l->world->dags_dir ? dm_path_clean(l->keep, l->world->dags_dir) : dir;
    l->dags_dir = dm_path_below(l->keep, dir, all) ? all : dir;
    l->project = dm_path_clean(l->keep, l->world->project_dir);
    if (!folder && !dm_exists(path))
        return dm_err_set(reterr, DM_E_NOTFOUND, "there is no file or folder %s", path);
    if (!folder) {
        load_one(load, path);
        return 0;
    }
    DM_TRY(dm_dags_scan(l->keep, path, l->world, &scan, reterr));
    for (size_t i = 0; i < scan.n_folders; i++)
        defaults_of(load, scan.folders[i]);
    for (size_t i = 0; i < scan.n_files; i++)
        load_one(load, scan.files[i]);
    return 0;
}

int dm_dags_load(struct dm_arena *a, const char *path, const struct dm_load_world *world,
                 struct dm_dag_set *ret, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena keep = {0};
    struct load load = {.l = {.a = &keep, .keep = &keep, .out = a, .world = world}};
    dm_map_init(&load.dags, &keep);
    dm_map_init(&load.folders, &keep);
    dm_map_init(&load.l.depends, &keep);
    DM_TRY(load_path(&load, path, reterr));
    struct dm_dag_set set = {.n_dags = load.dags.len,
                             .diags = load.l.diags,
                             .n_diags = load.l.n_diags,
                             .n_errors = load.l.n_errors,
                             .depends = dm_dag_depends(&load.l, a),
                             .n_depends = load.l.depends.len};
    set.dags = dm_arena_array(a, struct dm_dag *, set.n_dags + 1);
    for (size_t i = 0; i < set.n_dags; i++)
        set.dags[i] = load.dags.entries[i].value;
    if (set.n_dags)
        qsort(set.dags, set.n_dags, sizeof(*set.dags), by_id);
    if (set.n_diags)
        qsort(set.diags, set.n_diags, sizeof(*set.diags), by_place);
    if (!world->model_only)
        unite_findings(&set);
    *ret = set;
    return 0;
}

const struct dm_dag *dm_dag_find(const struct dm_dag_set *set, struct dm_str dag_id)
{
    for (size_t i = 0; i < set->n_dags; i++)
        if (dm_str_is(dag_id, set->dags[i]->dag_id))
            return set->dags[i];
    return NULL;
}
