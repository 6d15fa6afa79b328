/* Which files of a folder hold DAGs, and on which files a load depends. */
#include "base/file.h"
#include "lang/dag_loader.h"

enum { FOLDER_DEPTH_MAX = 32 };

struct names {
    const char **items;
    size_t n, cap;
};

struct walk {
    struct dm_arena *a;
    const struct dm_load_world *world;
    const char *root;
    struct names files, folders;
};

static void add(struct dm_arena *a, struct names *to, const char *name)
{
    if (to->n + 1 >= to->cap) {
        const char **old = to->items;
        to->cap = to->cap ? to->cap * 2 : 16;
        to->items = dm_arena_array(a, const char *, to->cap);
        if (to->n)
            memcpy(to->items, old, to->n * sizeof(*old));
    }
    to->items[to->n++] = name;
}

static bool is_yaml(const char *name)
{
    struct dm_str s = dm_str_c(name);
    return dm_str_ends(s, DM_STR(".yaml")) || dm_str_ends(s, DM_STR(".yml"));
}

static bool is_defaults(const char *name)
{
    return strcmp(name, "defaults.yml") == 0 || strcmp(name, "defaults.yaml") == 0;
}

/* setup/load.yaml lists files for `daymill setup`; it is the one YAML file below dags/ that holds no DAGs. */
static bool is_setup_list(const char *dir, const char *name)
{
    return strcmp(name, "load.yaml") == 0 && strcmp(dm_path_base(dir), "setup") == 0;
}

static int walk(struct walk *w, const char *dir, const struct dm_ignore_rule *rules, unsigned depth,
                struct dm_err *reterr)
{
    const char *const *names;
    size_t n;
    if (depth > FOLDER_DEPTH_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "folders below %s are nested deeper than %d levels",
                          w->root, FOLDER_DEPTH_MAX);
    bool hidden = w->world->model_only; /* as dag-factory does; here they are an editor's */
    DM_TRY(dm_list_dir(w->a, dir, &names, &n, reterr));
    DM_TRY(dm_ignore_read(w->a, dir, w->root, w->world->ignore_regexp, rules, &rules, reterr));
    add(w->a, &w->folders, dir);
    for (size_t i = 0; i < n; i++) {
        const char *path = dm_path_join(w->a, dir, names[i]);
        if ((names[i][0] == '.' && !hidden) || !is_yaml(names[i]) || is_defaults(names[i]) ||
            is_setup_list(dir, names[i]) || dm_is_dir(path) || dm_ignored(w->a, rules, path, false))
            continue;
        if (w->files.n == DM_DAG_FILES_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "%s has more than %d DAG files", w->root,
                              DM_DAG_FILES_MAX);
        add(w->a, &w->files, path);
    }
    for (size_t i = 0; i < n; i++) {
        const char *path = dm_path_join(w->a, dir, names[i]);
        if ((names[i][0] != '.' || hidden) && dm_is_dir(path) &&
            !dm_ignored(w->a, rules, path, true))
            DM_TRY(walk(w, path, rules, depth + 1, reterr));
    }
    return 0;
}

/* Patterns of the folders between that of all DAGs and this one. */
static int rules_above(struct walk *w, const char *dir, const struct dm_ignore_rule **ret,
                       struct dm_err *reterr)
{
    const struct dm_ignore_rule *outer = NULL;
    if (strcmp(dir, w->root) == 0)
        return 0;
    const char *up = dm_path_dir(w->a, dir);
    DM_TRY(rules_above(w, up, &outer, reterr));
    return dm_ignore_read(w->a, up, w->root, w->world->ignore_regexp, outer, ret, reterr);
}

int dm_dags_scan(struct dm_arena *a, const char *folder, const struct dm_load_world *world,
                 struct dm_dag_scan *ret, struct dm_err *reterr)
{
    struct walk w = {.a = a, .world = world};
    const struct dm_ignore_rule *rules = NULL;
    folder = dm_path_clean(a, folder);
    const char *all = world->dags_dir ? dm_path_clean(a, world->dags_dir) : folder;
    w.root = dm_path_below(a, folder, all) ? all : folder;
    DM_TRY(rules_above(&w, folder, &rules, reterr));
    DM_TRY(walk(&w, folder, rules, 0, reterr));
    *ret = (struct dm_dag_scan){.files = w.files.items,
                                .n_files = w.files.n,
                                .folders = w.folders.items,
                                .n_folders = w.folders.n};
    return 0;
}

void dm_dag_depend(struct dm_dag_loader *l, const char *path)
{
    const char *shown = dm_dag_shown_path(l, path);
    if (!dm_map_has(&l->depends, dm_str_c(shown))) {
        char *kept = dm_arena_strdup(l->keep, shown);
        dm_map_put(&l->depends, dm_str_c(kept), kept);
    }
}

bool dm_dag_has_file(struct dm_dag_loader *l, const char *path)
{
    dm_dag_depend(l, path);
    return dm_is_file(path);
}

const char *dm_dag_beside(const struct dm_dag_draft *d, const struct dm_value *path)
{
    if (path->kind != DM_STRING || !path->s.len)
        return NULL;
    const char *name = dm_str_cstr(d->loader->a, path->s);
    if (*name == '/')
        return name;
    return d->loader->world->model_only
               ? NULL
               : dm_path_clean(d->loader->a, dm_path_join(d->loader->a, d->source->dir, name));
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

const char **dm_dag_depends(const struct dm_dag_loader *l, struct dm_arena *a)
{
    size_t n = l->depends.len;
    const char **out = dm_arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = dm_arena_strdup(a, l->depends.entries[i].value);
    if (n)
        qsort(out, n, sizeof(*out), by_name);
    return out;
}
