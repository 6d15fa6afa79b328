/* Finding and opening a project folder. */
#include "conn/project.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/time.h"
#include "lang/yaml.h"

enum { FILE_BYTES_MAX = 1 << 20 };

enum config_kind { CONFIG_STRING, CONFIG_BOOL, CONFIG_INT, CONFIG_TIME, CONFIG_BYTES };

static const struct config_key {
    const char *key;
    enum config_kind kind;
    int64_t least;
} config_keys[] = {
#define DM_CONFIG(key, kind, least, doc) {key, CONFIG_##kind, least},
#include "conn/config.def"
#undef DM_CONFIG
    {NULL},
};

/* The nearest folder at or above `from` that holds a project file, or NULL. */
static const char *find_above(struct dm_arena *a, const char *from)
{
    for (const char *dir = from;; dir = dm_path_dir(a, dir)) {
        if (dm_exists(dm_path_join(a, dir, DM_PROJECT_FILE)))
            return dm_arena_strdup(a, dir);
        if (strcmp(dir, "/") == 0)
            return NULL;
    }
}

static int find_dir(struct dm_arena *a, const char *dir, const char **ret, struct dm_err *reterr)
{
    char resolved[PATH_MAX];
    const char *home = getenv("DAYMILL_HOME");
    if (!dir && home && *home)
        dir = home;
    if (!realpath(dir ? dir : ".", resolved)) {
        int e = errno;
        int rc = dm_err_errno(reterr, e, "could not open the project folder %s",
                              dir ? dir : "(the working folder)");
        if (dir && e == ENOENT)
            dm_err_hint(reterr, "\"daymill init %s\" makes one.", dir);
        return rc;
    }
    if (!dir) {
        const char *found = find_above(a, resolved);
        if (!found) {
            dm_err_set(reterr, DM_E_NOTFOUND,
                       "no project here: neither %s nor a folder above it has a %s", resolved,
                       DM_PROJECT_FILE);
            dm_err_hint(
                reterr,
                "Name the project with -C DIR or DAYMILL_HOME, or make one with daymill init DIR.");
            return DM_E_NOTFOUND;
        }
        *ret = found;
        return 0;
    }
    if (!dm_exists(dm_path_join(a, resolved, DM_PROJECT_FILE))) {
        dm_err_set(reterr, DM_E_NOTFOUND, "%s is no project folder: it has no %s", dir,
                   DM_PROJECT_FILE);
        dm_err_hint(reterr, "Make one with daymill init %s.", dir);
        return DM_E_NOTFOUND;
    }
    *ret = dm_arena_strdup(a, resolved);
    return 0;
}

/* A document that must be a map; a missing or empty file is an empty one. */
static int read_map(struct dm_arena *a, const char *dir, const char *name,
                    const struct dm_value **ret, struct dm_err *reterr)
{
    const char *path = dm_path_join(a, dir, name);
    struct dm_str text;
    const struct dm_value *v;
    if (!dm_exists(path)) {
        *ret = dm_value_map(a);
        return 0;
    }
    DM_TRY(dm_file_read(a, path, FILE_BYTES_MAX, &text, reterr));
    DM_TRY(dm_yaml_parse(a, text, name, &v, reterr));
    if (v->kind == DM_NULL)
        v = dm_value_map(a);
    if (v->kind != DM_MAP) {
        dm_err_set(reterr, DM_E_TYPE, "%s must be a map, not a %s", name, dm_kind_name(v->kind));
        dm_err_at(reterr, name, (int)v->line, (int)v->col);
        return DM_E_TYPE;
    }
    *ret = v;
    return 0;
}

static int bad_value(const char *path, const struct dm_value *v, enum dm_kind wanted,
                     struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_TYPE, "%s must be a %s, not a %s", path, dm_kind_name(wanted),
               dm_kind_name(v->kind));
    dm_err_at(reterr, DM_PROJECT_FILE, (int)v->line, (int)v->col);
    return DM_E_TYPE;
}

/* A whole number and a unit of the list, which ends with a NULL name; false where it is not that, or too large. */
struct unit {
    const char *name;
    int64_t size;
};

static bool read_amount(struct dm_str text, const struct unit *units, int64_t *ret)
{
    size_t digits = 0;
    int64_t n;
    while (digits < text.len && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    struct dm_str unit = dm_str_trim(dm_str_sub(text, digits, text.len));
    if (!dm_str_to_i64(dm_str_sub(text, 0, digits), &n))
        return false;
    for (; units->name; units++)
        if (dm_str_ieq(unit, dm_str_c(units->name)))
            return !__builtin_mul_overflow(n, units->size, ret);
    return false;
}

static bool read_time(const struct dm_value *v, int64_t *ret)
{
    static const struct unit units[] = {
        {"s", DM_SEC},         {"m", DM_MIN},        {"min", DM_MIN},  {"h", DM_HOUR},
        {"d", DM_DAY},         {"day", DM_DAY},      {"days", DM_DAY}, {"w", 7 * DM_DAY},
        {"weeks", 7 * DM_DAY}, {"week", 7 * DM_DAY}, {NULL, 0}};
    return v->kind == DM_STRING && read_amount(v->s, units, ret);
}

static bool read_bytes(const struct dm_value *v, int64_t *ret)
{
    static const struct unit units[] = {{"", 1},          {"B", 1},           {"kB", 1000},
                                        {"MB", 1000000},  {"GB", 1000000000}, {"KiB", 1 << 10},
                                        {"MiB", 1 << 20}, {"GiB", 1 << 30},   {NULL, 0}};
    if (v->kind != DM_INT)
        return v->kind == DM_STRING && read_amount(v->s, units, ret);
    *ret = v->i;
    return true;
}

static int invalid(const struct dm_value *v, struct dm_err *reterr, const char *hint)
{
    dm_err_at(reterr, DM_PROJECT_FILE, (int)v->line, (int)v->col);
    if (hint)
        dm_err_hint(reterr, "%s", hint);
    return DM_E_INVALID;
}

static int check_known(const struct config_key *k, const struct dm_value *v, struct dm_err *reterr)
{
    int64_t n = 0;
    switch (k->kind) {
    case CONFIG_STRING:
        return v->kind == DM_STRING ? 0 : bad_value(k->key, v, DM_STRING, reterr);
    case CONFIG_BOOL:
        return v->kind == DM_BOOL ? 0 : bad_value(k->key, v, DM_BOOL, reterr);
    case CONFIG_INT:
        if (v->kind != DM_INT)
            return bad_value(k->key, v, DM_INT, reterr);
        n = v->i;
        break;
    case CONFIG_TIME:
        if (!read_time(v, &n)) {
            dm_err_set(reterr, DM_E_INVALID, "%s is no length of time", k->key);
            return invalid(
                v, reterr,
                "Write a whole number and a unit: 90d, 36h or 8w; leave the key out for ever.");
        }
        n /= DM_SEC;
        break;
    case CONFIG_BYTES:
        if (!read_bytes(v, &n)) {
            dm_err_set(reterr, DM_E_INVALID, "%s is no number of bytes", k->key);
            return invalid(v, reterr, "Write a number and a unit: 64MiB, 1GB; or bytes alone.");
        }
        break;
    }
    if (n >= k->least)
        return 0;
    dm_err_set(reterr, DM_E_INVALID, "%s must be at least %lld%s, not %lld", k->key,
               (long long)k->least, k->kind == CONFIG_TIME ? "s" : "", (long long)n);
    return invalid(v, reterr, NULL);
}

static int unknown_key(const char *path, const struct dm_value *key, struct dm_err *reterr)
{
    const char *names[sizeof(config_keys) / sizeof(*config_keys)];
    size_t n = 0;
    for (const struct config_key *k = config_keys; k->key; k++)
        names[n++] = k->key;
    names[n] = NULL;
    const char *near = dm_str_nearest(dm_str_c(path), names);
    dm_err_set(reterr, DM_E_UNDEFINED, "unknown key \"%s\"", path);
    dm_err_at(reterr, DM_PROJECT_FILE, (int)key->line, (int)key->col);
    if (near)
        dm_err_hint(reterr, "Did you mean \"%s\"?", near);
    return DM_E_UNDEFINED;
}

static int check_map(struct dm_arena *a, const char *outer, const struct dm_value *map,
                     struct dm_err *reterr);

static int check_pair(struct dm_arena *a, const char *outer, const struct dm_pair *pair,
                      struct dm_err *reterr)
{
    struct dm_str key = pair->key->kind == DM_STRING ? pair->key->s : DM_STR("");
    const char *path = dm_arena_printf(a, "%s%.*s", outer, DM_FMT(key));
    const char *inside = dm_arena_printf(a, "%s.", path);
    for (const struct config_key *k = config_keys; k->key; k++) {
        if (strcmp(k->key, path) == 0)
            return check_known(k, pair->value, reterr);
        if (dm_str_starts(dm_str_c(k->key), dm_str_c(inside)))
            return pair->value->kind == DM_MAP ? check_map(a, inside, pair->value, reterr)
                                               : bad_value(path, pair->value, DM_MAP, reterr);
    }
    return unknown_key(path, pair->key, reterr);
}

static int check_map(struct dm_arena *a, const char *outer, const struct dm_value *map,
                     struct dm_err *reterr)
{
    for (size_t i = 0; i < map->map.n; i++)
        DM_TRY(check_pair(a, outer, &map->map.pairs[i], reterr));
    return 0;
}

/* A folder that belongs to this user alone, or none yet: anybody may write below /tmp. */
static int check_private(const char *path, struct dm_err *reterr)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0
                               : dm_err_errno(reterr, errno, "could not open the folder %s", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        dm_err_set(reterr, DM_E_PERMISSION, "%s is not a folder of yours alone", path);
        dm_err_hint(reterr,
                    "The warehouse's socket would lie there; remove it, or move the project to a "
                    "shorter path without a comma.");
        return DM_E_PERMISSION;
    }
    return 0;
}

int dm_project_make_socket_dir(const struct dm_project *p, struct dm_err *reterr)
{
    if (strcmp(p->socket_dir, p->run_dir) == 0)
        return dm_mkdirs(p->run_dir, 0777, reterr);
    if (mkdir(p->socket_dir, 0700) < 0 && errno != EEXIST)
        return dm_err_errno(reterr, errno, "could not create the folder %s", p->socket_dir);
    return check_private(p->socket_dir, reterr);
}

void dm_project_remove_socket_dir(const struct dm_project *p)
{
    if (strcmp(p->socket_dir, p->run_dir) != 0)
        rmdir(p->socket_dir);
}

static int find_socket_dir(struct dm_project *p, struct dm_err *reterr)
{
    struct stat st;
    /* libpq takes a comma for the end of a host's name. */
    if (strlen(p->run_dir) + 1 + strlen(DM_WAREHOUSE_SOCKET) <= DM_SOCKET_PATH_MAX &&
        !strchr(p->run_dir, ',')) {
        p->socket_dir = p->run_dir;
        return 0;
    }
    if (stat(p->dir, &st) < 0)
        return dm_err_errno(reterr, errno, "could not open the project folder %s", p->dir);
    p->socket_dir = dm_arena_printf(&p->arena, "/tmp/daymill-%u-%llx-%llx", geteuid(),
                                    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    return check_private(p->socket_dir, reterr);
}

static int open_dir(struct dm_project *p, const char *dir, struct dm_err *reterr)
{
    struct dm_arena *a = &p->arena;
    DM_TRY(find_dir(a, dir, &p->dir, reterr));
    p->dags_dir = dm_path_join(a, p->dir, "dags");
    p->data_dir = dm_path_join(a, p->dir, "data");
    p->lake_dir = dm_path_join(a, p->dir, "lake");
    p->cluster_dir = dm_path_join(a, p->dir, "cluster");
    p->warehouse_dir = dm_path_join(a, p->dir, "warehouse");
    p->state_path = dm_path_join(a, p->dir, "state/daymill.db");
    p->logs_dir = dm_path_join(a, p->dir, "logs");
    p->run_dir = dm_path_join(a, p->dir, "run");
    DM_TRY(find_socket_dir(p, reterr));
    DM_TRY(read_map(a, p->dir, DM_PROJECT_FILE, &p->config, reterr));
    DM_TRY(check_map(a, "", p->config, reterr));
    return read_map(a, p->dir, DM_CONNECTIONS_FILE, &p->connections, reterr);
}

int dm_project_open(struct dm_project *p, const char *dir, struct dm_err *reterr)
{
    *p = (struct dm_project){0};
    dm_arena_init(&p->arena);
    int rc = open_dir(p, dir, reterr);
    if (rc < 0)
        dm_project_release(p);
    return rc;
}

void dm_project_release(struct dm_project *p)
{
    dm_arena_release(&p->arena);
    *p = (struct dm_project){0};
}

const char *dm_project_relative(const struct dm_project *p, const char *path)
{
    size_t n = strlen(p->dir);
    if (strncmp(path, p->dir, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return path;
    while (path[n] == '/')
        n++;
    return path[n] ? path + n : ".";
}

const struct dm_value *dm_project_config(const struct dm_project *p, const char *key)
{
    const struct dm_value *v = p->config;
    char name[64];
    for (struct dm_str rest = dm_str_c(key), piece; v && dm_str_split(&rest, '.', &piece);) {
        snprintf(name, sizeof(name), "%.*s", DM_FMT(piece));
        v = dm_map_at(v, name);
    }
    return v;
}

int64_t dm_project_config_int(const struct dm_project *p, const char *key, int64_t fallback)
{
    const struct dm_value *v = dm_project_config(p, key);
    return v && v->kind == DM_INT ? v->i : fallback;
}

int64_t dm_project_config_time(const struct dm_project *p, const char *key, int64_t fallback)
{
    const struct dm_value *v = dm_project_config(p, key);
    int64_t us;
    return v && read_time(v, &us) ? us : fallback;
}

int64_t dm_project_config_bytes(const struct dm_project *p, const char *key, int64_t fallback)
{
    const struct dm_value *v = dm_project_config(p, key);
    int64_t n;
    return v && read_bytes(v, &n) ? n : fallback;
}
