/*
 * `file`: waits until a file is there, or a folder with a file in it.
 *
 * The path may be a pattern as Python's glob has it: *, ? and [set] within a name, and, with `recursive`, ** for any
 * number of folders.  Names that begin with a dot are matched by a pattern only where that begins with one.
 */
#include <fnmatch.h>
#include <sys/stat.h>

#include "op/op.h"
#include "op/op_paths.h"
#include "op/sensor.h"

#define DEFAULT_CONN "fs_default"

enum { FOLDERS_MAX = 64 }; /* how deep a pattern and a search in a folder go */

static const char *const aliases[] = {"FileSensor", "airflow.sensors.filesystem.FileSensor",
                                      "airflow.providers.standard.sensors.filesystem.FileSensor",
                                      "airflow.contrib.sensors.file_sensor.FileSensor", NULL};

static const struct dm_op_field fields[] = {
    {"filepath", DM_FIELD_STRING, true, true, NULL,
     "A file, a folder in which a file must be, or a pattern (`data/*.csv`).  Looked for in the "
     "run's scratch folder, in data/ (where it begins with data/), and then as it is; a relative "
     "path is below the project.",
     NULL},
    {"fs_conn_id", DM_FIELD_STRING, false, false, "\"" DEFAULT_CONN "\"",
     "Connection of the type `fs` whose extra `path` is the folder that filepath is below; "
     "without such a connection the places above.",
     NULL},
    {"recursive", DM_FIELD_BOOL, false, false, "false",
     "In a pattern, ** stands for any number of folders.", NULL},
    {"deferrable", DM_FIELD_BOOL, false, false, "false",
     "Accepted as in Airflow; a wait never holds a slot here.", NULL},
    {NULL},
};

/* ---- what is there ---- */

/* Lists a folder; one that cannot be read is as an empty one, as for Python's glob. */
static const char *const *names_in(struct dm_arena *a, const char *dir, size_t *ret_n)
{
    const char *const *names;
    struct dm_err ignored;
    if (dm_list_dir(a, dir, &names, ret_n, &ignored) < 0)
        *ret_n = 0;
    return names;
}

static int too_deep(const char *path, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_LIMIT, "the search goes through more than %d folders: %s", FOLDERS_MAX,
               path);
    return dm_err_hint(reterr, "Name the folder in filepath.");
}

/* 1 = a file, or a folder with a file somewhere in it; links to folders are not followed. */
static int holds_file(struct dm_arena *a, const char *path, int depth, const char **ret,
                      struct dm_err *reterr)
{
    struct stat st;
    if (depth > FOLDERS_MAX)
        return too_deep(path, reterr);
    if ((depth == 0 ? stat(path, &st) : lstat(path, &st)) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode)) {
        *ret = path;
        return depth > 0 || S_ISREG(st.st_mode);
    }
    size_t n;
    const char *const *names = names_in(a, path, &n);
    for (size_t i = 0; i < n; i++) {
        int rc = holds_file(a, dm_path_join(a, path, names[i]), depth + 1, ret, reterr);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool is_real_dir(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

struct search {
    struct dm_arena *arena;
    bool recursive;
    const char *found;
};

static int search(struct search *s, const char *dir, struct dm_str rest, int depth,
                  struct dm_err *reterr);

/* ** stands for no folder, or for each of those below and again **. */
static int search_below(struct search *s, const char *dir, struct dm_str pattern,
                        struct dm_str rest, int depth, struct dm_err *reterr)
{
    int rc = search(s, dir, rest, depth + 1, reterr);
    size_t n;
    const char *const *names = names_in(s->arena, dir, &n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *path = dm_path_join(s->arena, dir, names[i]);
        if (names[i][0] != '.' && is_real_dir(path))
            rc = search_below(s, path, pattern, rest, depth + 1, reterr);
    }
    return rc;
}

/* 1 = something below `dir` matches what is left of the pattern, and is or holds a file. */
static int search(struct search *s, const char *dir, struct dm_str rest, int depth,
                  struct dm_err *reterr)
{
    struct dm_str piece = {NULL, 0}, pattern = rest;
    if (depth > FOLDERS_MAX)
        return too_deep(dir, reterr);
    while (piece.len == 0)
        if (!dm_str_split(&rest, '/', &piece))
            return holds_file(s->arena, dir, 0, &s->found, reterr);
    const char *name = dm_str_cstr(s->arena, piece);
    if (s->recursive && strcmp(name, "**") == 0)
        return search_below(s, dir, pattern, rest, depth, reterr);
    if (!strpbrk(name, "*?["))
        return search(s, dm_path_join(s->arena, dir, name), rest, depth + 1, reterr);
    size_t n;
    const char *const *names = names_in(s->arena, dir, &n);
    for (size_t i = 0; i < n; i++) {
        if (fnmatch(name, names[i], FNM_NOESCAPE | FNM_PERIOD) != 0)
            continue;
        int rc = search(s, dm_path_join(s->arena, dir, names[i]), rest, depth + 1, reterr);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- the sensor ---- */

/* Below the folder of a connection, where there is one; else the places that any path may mean. */
static int find_places(struct dm_attempt *at, struct dm_str path, struct dm_op_places *ret,
                       struct dm_err *reterr)
{
    struct dm_str id = dm_map_str(at->args, "fs_conn_id", DEFAULT_CONN);
    struct dm_connection c;
    struct dm_err err;
    int rc = dm_attempt_conn(at, id, &c, &err);
    if (rc == DM_E_NOTFOUND && dm_str_is(id, DEFAULT_CONN))
        return dm_op_input_places(at, path, true, ret, reterr);
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    if (strcmp(c.conn_type, "fs") != 0)
        return dm_conn_wrong_type(&c, "fs", reterr);
    const char *base = dm_conn_extra(at->arena, &c, "path");
    base = dm_path_join(at->arena, at->project->dir, base ? base : "");
    *ret = (struct dm_op_places){.n = 1};
    ret->paths[0] = dm_path_join(at->arena, base, dm_str_cstr(at->arena, path));
    return 0;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    struct dm_str path = dm_map_str(at->args, "filepath", "");
    struct search s = {.arena = at->arena, .recursive = dm_map_bool(at->args, "recursive", false)};
    struct dm_op_places places;
    DM_TRY(find_places(at, path, &places, reterr));
    for (size_t i = 0; i < places.n; i++) {
        int rc = search(&s, "/", dm_str_c(places.paths[i]), 0, reterr);
        DM_TRY(rc);
        if (rc == 1) {
            printf("found %s\n", dm_project_relative(at->project, s.found));
            return 1;
        }
    }
    ret->missing = dm_arena_printf(at->arena, "there is no file %s",
                                   dm_project_relative(at->project, places.paths[places.n - 1]));
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_file = {
    .spec = {.name = "file",
             .aliases = aliases,
             .doc = "Waits until a file is there, or a folder with a file in it.",
             .fields = fields,
             .sensor = true},
    .execute = execute,
};
