/*
 * Python functions that a DAG names: callables of PythonOperators and decorated tasks, callbacks, macros.  Nothing is
 * imported: a module is a file below the DAG's folder, the folder of all DAGs or the project, and must define the name
 * at its left margin; of the standard library only the module's name is checked.
 */
#include "base/file.h"
#include "lang/dag_loader.h"

enum { MODULE_MAX_BYTES = 1 << 20 };

const char *const dm_task_callbacks[] = {"on_execute_callback", "on_success_callback",
                                         "on_failure_callback", "on_retry_callback",
                                         "on_skipped_callback", NULL};
const char *const dm_dag_callback_names[] = {"on_success_callback", "on_failure_callback",
                                             "sla_miss_callback", NULL};
const char *const dm_default_callbacks[] = {"on_execute_callback",
                                            "on_success_callback",
                                            "on_failure_callback",
                                            "on_retry_callback",
                                            "on_skipped_callback",
                                            "sla_miss_callback",
                                            NULL};

static const char *const standard_modules[] = {
    "abc",       "ast",     "asyncio",     "base64",      "bisect",    "builtins", "calendar",
    "cmath",     "codecs",  "collections", "copy",        "csv",       "datetime", "decimal",
    "difflib",   "enum",    "fnmatch",     "fractions",   "functools", "glob",     "gzip",
    "hashlib",   "heapq",   "hmac",        "html",        "http",      "inspect",  "io",
    "itertools", "json",    "locale",      "logging",     "math",      "numbers",  "operator",
    "os",        "pathlib", "pickle",      "platform",    "posixpath", "pprint",   "random",
    "re",        "secrets", "shlex",       "shutil",      "socket",    "sqlite3",  "statistics",
    "string",    "struct",  "subprocess",  "sys",         "tempfile",  "textwrap", "time",
    "traceback", "types",   "typing",      "unicodedata", "urllib",    "uuid",     "warnings",
    "xml",       "zipfile", "zlib",        "zoneinfo",    NULL};

bool dm_dag_standard_module(struct dm_str module)
{
    ptrdiff_t dot = dm_str_find(module, DM_STR("."), 0);
    struct dm_str top = dot < 0 ? module : dm_str_sub(module, 0, (size_t)dot);
    for (size_t i = 0; standard_modules[i]; i++)
        if (dm_str_is(top, standard_modules[i]))
            return true;
    return false;
}

/* What a Python text defines under a name. */
enum defined { NOTHING, FUNCTION, CLASS, NOTIFIER, VALUE };

static struct dm_value *callable(struct dm_arena *a, struct dm_str module, struct dm_str name,
                                 enum defined what)
{
    struct dm_value *v = dm_value_map(a);
    /* The name under which Python itself knows it. */
    if (dm_str_is(module, "os.path"))
        module = DM_STR("posixpath");
    dm_map_set(a, v, "__type__", dm_value_cstr(a, "callable"));
    dm_map_set(a, v, "name",
               dm_value_cstr(a, dm_arena_printf(a, "%.*s.%.*s", DM_FMT(module), DM_FMT(name))));
    if (what == CLASS || what == NOTIFIER)
        dm_map_set(a, v, "class", dm_value_cstr(a, what == CLASS ? "plain" : "notifier"));
    else if (what == VALUE)
        dm_map_set(a, v, "value", &dm_true);
    return v;
}

static bool starts_name(struct dm_str line, const char *word, struct dm_str name)
{
    size_t n = strlen(word);
    if (!dm_str_starts(line, dm_str_c(word)))
        return false;
    line = dm_str_trim(dm_str_sub(line, n, line.len));
    if (!dm_str_starts(line, name))
        return false;
    char after = line.len > name.len ? line.p[name.len] : 0;
    return !((after >= '0' && after <= '9') || ((after | 0x20) >= 'a' && (after | 0x20) <= 'z') ||
             after == '_');
}

/* A class whose objects are told of events: it has a method notify, of its own or of a notifier that it extends. */
static bool notifies(struct dm_str head, struct dm_str body)
{
    struct dm_str line;
    if (dm_str_find(head, DM_STR("Notifier)"), 0) >= 0)
        return true;
    while (dm_str_split(&body, '\n', &line)) {
        struct dm_str code = dm_str_trim(line);
        if (code.len && code.p == line.p && code.p[0] != '#')
            return false; /* back at the left margin */
        if (starts_name(code, "def ", DM_STR("notify")) ||
            starts_name(code, "async def ", DM_STR("notify")))
            return true;
    }
    return false;
}

/* What stands behind a name's "=": a number, a text, a list or a map cannot be called, anything else may be. */
static enum defined assigned(struct dm_str line)
{
    ptrdiff_t at = dm_str_find(line, DM_STR("="), 0);
    struct dm_str v = at > 0 ? dm_str_trim(dm_str_sub(line, (size_t)at + 1, line.len)) : line;
    if (at <= 0)
        return NOTHING;
    bool literal = v.len && strchr("0123456789-+\"'[{", v.p[0]);
    return literal || dm_str_is(v, "None") || dm_str_is(v, "True") || dm_str_is(v, "False")
               ? VALUE
               : FUNCTION;
}

/* What a Python text defines under a name at its left margin. */
static enum defined defined(struct dm_str text, struct dm_str name)
{
    struct dm_str line;
    while (dm_str_split(&text, '\n', &line)) {
        if (starts_name(line, "def ", name) || starts_name(line, "async def ", name))
            return FUNCTION;
        if (starts_name(line, "class ", name))
            return notifies(line, text) ? NOTIFIER : CLASS;
        if (starts_name(line, "", name) && assigned(line) != NOTHING)
            return assigned(line);
    }
    return NOTHING;
}

static const char *module_file(struct dm_dag_draft *d, struct dm_str module)
{
    struct dm_arena *a = d->loader->a;
    const char *roots[] = {d->source->dir, d->loader->dags_dir, d->loader->world->project_dir};
    char *name = (char *)dm_str_cstr(a, module); /* a copy of its own */
    for (char *c = name; *c; c++)
        if (*c == '.')
            *c = '/';
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        const char *path = dm_path_join(a, roots[i], dm_arena_printf(a, "%s.py", name));
        if (dm_path_below(a, path, roots[i]) && dm_dag_has_file(d->loader, path))
            return path;
        path = dm_path_join(a, roots[i], dm_arena_printf(a, "%s/__init__.py", name));
        if (dm_path_below(a, path, roots[i]) && dm_dag_has_file(d->loader, path))
            return path;
    }
    return NULL;
}

static const struct dm_value *find_in(struct dm_dag_draft *d, const struct dm_value *at,
                                      const char *path, struct dm_str module, struct dm_str name,
                                      enum dm_diag_code code)
{
    struct dm_diag_at where = draft_at(d, at);
    struct dm_str text;
    struct dm_err err;
    dm_dag_depend(d->loader, path);
    if (!dm_exists(path)) {
        dm_diag_report(d->loader, where, false, code,
                       strchr(path, '$')
                           ? "Set that environment variable for the scheduler and for commands."
                           : "A path that is not absolute is seen from the DAG's file.",
                       "there is no file %s", dm_dag_shown_path(d->loader, path));
        return NULL;
    }
    if (dm_file_read(d->loader->a, path, MODULE_MAX_BYTES, &text, &err) < 0) {
        dm_diag_report(d->loader, where, false, code, err.hint, "%s", err.message);
        return NULL;
    }
    enum defined what = defined(text, name);
    if (what == NOTHING) {
        dm_diag_report(d->loader, where, false, code, NULL, "%s defines no \"%.*s\"",
                       dm_dag_shown_path(d->loader, path), DM_FMT(name));
        return NULL;
    }
    if (what == VALUE && code == DM_DIAG_UNKNOWN_CALLABLE) {
        dm_diag_report(d->loader, where, false, DM_DIAG_BAD_ARGUMENT, NULL,
                       "%s defines \"%.*s\", but it is no function",
                       dm_dag_shown_path(d->loader, path), DM_FMT(name));
        return NULL;
    }
    struct dm_value *v = callable(d->loader->a, module, name, what);
    dm_map_set(d->loader->a, v, "file",
               dm_value_cstr(d->loader->a, dm_dag_shown_path(d->loader, path)));
    return v;
}

const struct dm_value *dm_dag_callable(struct dm_dag_draft *d, const struct dm_value *v,
                                       enum dm_diag_code code)
{
    struct dm_str s = v->s;
    size_t dot = s.len;
    while (dot > 0 && s.p[dot - 1] != '.')
        dot--;
    if (dot < 2 || dot == s.len) {
        dm_diag_report(d->loader, draft_at(d, v), false, code, "Write module.function.",
                       "\"%.*s\" is no path of a Python function", DM_FMT(s));
        return NULL;
    }
    struct dm_str module = dm_str_sub(s, 0, dot - 1), name = dm_str_sub(s, dot, s.len);
    const char *path = module_file(d, module);
    if (path)
        return find_in(d, v, path, module, name, code);
    if (dm_dag_has_notifier(s))
        return callable(d->loader->a, module, name, NOTIFIER);
    if (dm_dag_standard_module(module))
        return callable(d->loader->a, module, name, FUNCTION);
    dm_diag_report(d->loader, draft_at(d, v), false, code,
                   "Put its file beside the DAG, or into the folder of all DAGs.",
                   "there is no Python module \"%.*s\"", DM_FMT(module));
    return NULL;
}

const struct dm_value *dm_dag_callable_in(struct dm_dag_draft *d, const struct dm_value *name,
                                          const struct dm_value *file, enum dm_diag_code code)
{
    if (name->kind != DM_STRING) {
        draft_error(d, name, BAD_ARGUMENT, NULL, "the name of a Python function must be a text");
        return NULL;
    }
    const char *path = dm_dag_beside(d, file);
    if (!path) {
        draft_error(d, file, BAD_ARGUMENT, "Write its path: absolute, or seen from this file.",
                    "the file of a Python function must be %s",
                    d->loader->world->model_only ? "an absolute path" : "a path");
        return NULL;
    }
    struct dm_str module = dm_str_c(dm_path_base(path));
    if (dm_str_ends(module, DM_STR(".py")))
        module.len -= 3;
    return find_in(d, file, path, module, name->s, code);
}

const struct dm_value *dm_dag_callback(struct dm_dag_draft *d, const char *name,
                                       const struct dm_value *v)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *path = v->kind == DM_MAP ? dm_map_at(v, "callback") : v;
    if (v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), "callable"))
        return v; /* of defaults that were read before */
    if (!path || path->kind != DM_STRING) {
        draft_error(
            d, v, BAD_CALLBACK,
            "Write module.function, {callback: module.function}, {operator: …} or {webhook: URL}.",
            "%s must be a name or a map with callback", name);
        return NULL;
    }
    const struct dm_value *found = dm_dag_callable(d, path, DM_DIAG_UNKNOWN_CALLBACK);
    if (!found || v->kind != DM_MAP)
        return found;
    if (dm_map_at(found, "value")) {
        draft_error(d, path, BAD_CALLBACK, "Name a function.",
                    "%s: \"%.*s\" is a value, which cannot be called", name, DM_FMT(path->s));
        return NULL;
    }
    struct dm_value *out = dm_value_copy(a, found), *kwargs = dm_value_map(a);
    /* Of a notifier an object is made now, from the arguments; another class is called with them later. */
    struct dm_str class = dm_map_str(found, "class", "");
    if (class.len)
        dm_map_set(a, out, dm_str_is(class, "notifier") ? "object" : "partial", &dm_true);
    for (size_t i = 0; i < v->map.n; i++)
        if (v->map.pairs[i].value != path)
            dm_map_set_value(a, kwargs, v->map.pairs[i].key, v->map.pairs[i].value);
    if (kwargs->map.n)
        dm_map_set(a, out, "kwargs", kwargs);
    return out;
}

/* One callback of a map.  A function by name and file is taken rather than the other form. */
static const struct dm_value *callback_in(struct dm_dag_draft *d, const struct dm_value *map,
                                          const char *key, bool *ret_given)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *v = dm_map_at(map, key), *found = NULL;
    const struct dm_value *name = dm_map_at(map, dm_arena_printf(a, "%s_name", key));
    const struct dm_value *file = dm_map_at(map, dm_arena_printf(a, "%s_file", key));
    bool halves = name && file && name->kind != DM_NULL && file->kind != DM_NULL;
    *ret_given = halves || (v && v->kind != DM_NULL);
    if (v && v->kind != DM_NULL)
        found = dm_dag_callback(d, key, v);
    if (halves)
        found = dm_dag_callable_in(d, name, file, DM_DIAG_UNKNOWN_CALLBACK);
    return found;
}

const struct dm_value *dm_dag_callbacks(struct dm_dag_draft *d, const struct dm_value *map,
                                        const char *const *names)
{
    struct dm_value *out = dm_value_map(d->loader->a);
    for (bool given; *names; names++) {
        const struct dm_value *found = callback_in(d, map, *names, &given);
        if (found)
            dm_map_set(d->loader->a, out, *names, found);
    }
    return out->map.n ? out : NULL;
}

static bool is_half_of(const struct dm_value *key, const char *callback)
{
    size_t n = strlen(callback);
    return key->kind == DM_STRING && dm_str_starts(key->s, dm_str_c(callback)) &&
           (dm_str_is(dm_str_sub(key->s, n, key->s.len), "_name") ||
            dm_str_is(dm_str_sub(key->s, n, key->s.len), "_file"));
}

const struct dm_value *dm_dag_with_callbacks(struct dm_dag_draft *d, const struct dm_value *map,
                                             const char *const *names)
{
    struct dm_arena *a = d->loader->a;
    for (bool given; *names; names++) {
        const struct dm_value *found = callback_in(d, map, *names, &given);
        if (!given)
            continue;
        bool halves = !dm_map_at(map, *names) || dm_map_at(map, *names)->kind == DM_NULL ||
                      (dm_map_at(map, dm_arena_printf(a, "%s_name", *names)) &&
                       dm_map_at(map, dm_arena_printf(a, "%s_file", *names)));
        struct dm_value *out = dm_value_map(a);
        out->line = map->line;
        out->col = map->col;
        for (size_t i = 0; i < map->map.n; i++)
            if (!halves || !is_half_of(map->map.pairs[i].key, *names))
                dm_map_set_value(a, out, map->map.pairs[i].key, map->map.pairs[i].value);
        dm_map_set(a, out, *names, found ? found : &dm_null); /* not reported again by each task */
        map = out;
    }
    return map;
}
