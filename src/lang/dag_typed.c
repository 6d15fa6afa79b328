/*
 * Typed objects of dag-factory: maps with __type__ (a Python class, its arguments beside it), __join__, __and__ and
 * __or__, anywhere below a DAG.  What they become is said in dag.h; only the classes that a DAG needs are known.
 */
#include "lang/dag_loader.h"
#include "lang/zone.h"

#include <math.h>

enum object_kind {
    TIMEDELTA,
    RELATIVEDELTA,
    DATETIME,
    DATE,
    TIMEZONE,
    ASSET,
    ASSET_ALL,
    ASSET_ANY,
    ASSET_OR_TIME,
    PARAM,
    CRON_TRIGGER,
    CRON_INTERVAL,
    DELTA_INTERVAL,
    NEVER,
    ONCE,
    CONTINUOUS,
    DICT,
    STR,
    INT,
    FLOAT,
    BOOL,
    LIST,
    TUPLE,
    SET,
};

static const struct {
    const char *path;
    enum object_kind kind;
} classes[] = {
    {"datetime.timedelta", TIMEDELTA},
    {"pendulum.duration", TIMEDELTA},
    {"pendulum.Duration", TIMEDELTA},
    {"dateutil.relativedelta.relativedelta", RELATIVEDELTA},
    {"datetime.datetime", DATETIME},
    {"pendulum.datetime", DATETIME},
    {"datetime.date", DATE},
    {"pendulum.date", DATE},
    {"pendulum.timezone", TIMEZONE},
    {"airflow.datasets.Dataset", ASSET},
    {"airflow.Dataset", ASSET},
    {"airflow.sdk.Asset", ASSET},
    {"airflow.sdk.definitions.asset.Asset", ASSET},
    {"airflow.assets.Asset", ASSET},
    {"airflow.datasets.DatasetAll", ASSET_ALL},
    {"airflow.sdk.AssetAll", ASSET_ALL},
    {"airflow.datasets.DatasetAny", ASSET_ANY},
    {"airflow.sdk.AssetAny", ASSET_ANY},
    {"airflow.timetables.datasets.DatasetOrTimeSchedule", ASSET_OR_TIME},
    {"airflow.timetables.assets.AssetOrTimeSchedule", ASSET_OR_TIME},
    {"airflow.models.param.Param", PARAM},
    {"airflow.models.Param", PARAM},
    {"airflow.sdk.Param", PARAM},
    {"airflow.sdk.definitions.param.Param", PARAM},
    {"airflow.timetables.trigger.CronTriggerTimetable", CRON_TRIGGER},
    {"airflow.sdk.CronTriggerTimetable", CRON_TRIGGER},
    {"airflow.timetables.interval.CronDataIntervalTimetable", CRON_INTERVAL},
    {"airflow.sdk.CronDataIntervalTimetable", CRON_INTERVAL},
    {"airflow.timetables.interval.DeltaDataIntervalTimetable", DELTA_INTERVAL},
    {"airflow.sdk.DeltaDataIntervalTimetable", DELTA_INTERVAL},
    {"airflow.timetables.simple.NullTimetable", NEVER},
    {"airflow.timetables.simple.OnceTimetable", ONCE},
    {"airflow.timetables.simple.ContinuousTimetable", CONTINUOUS},
    {"builtins.dict", DICT},
    {"collections.OrderedDict", DICT},
    {"builtins.str", STR},
    {"builtins.int", INT},
    {"builtins.float", FLOAT},
    {"builtins.bool", BOOL},
    {"builtins.list", LIST},
    {"builtins.tuple", TUPLE},
    {"builtins.set", SET},
};
enum { N_CLASSES = sizeof(classes) / sizeof(classes[0]) };

/* What to write where a class is not here, by a piece of its path. */
static const struct {
    const char *piece, *hint;
} refused[] = {
    {"kubernetes.", "Leave it out: a task is a process of this machine."},
    {"Alias", "Name the assets themselves: which ones a task changes is known before it runs."},
    {"EventsTimetable",
     "Write schedule: null, and trigger the runs from outside: daymill dags trigger."},
    {"ObjectStoragePath", "Write the path as a text."},
    {"pendulum.today", "Write the day, or \"1 days\" before today."},
    {"pendulum.yesterday", "Write the day, or \"1 days\" before today."},
    {"days_ago", "Write the day, or \"1 days\" before today."},
};

static const char *instead(struct dm_arena *a, struct dm_str path, const char *const *names)
{
    const char *hint = NULL;
    for (size_t i = 0; !hint && i < sizeof(refused) / sizeof(refused[0]); i++)
        if (dm_str_find(path, dm_str_c(refused[i].piece), 0) >= 0)
            hint = refused[i].hint;
    hint = hint ? hint : dm_did_you_mean(a, path, names);
    if (!hint && dm_str_find(path, DM_STR("imetable"), 0) >= 0)
        hint = "Write a cron expression, which may hold several times (\"0 6,18 * * 1-5\"), or a "
               "timedelta.";
    return hint ? hint
                : "Typed objects are the classes that dag-factory's examples use: dates, "
                  "timetables, assets, params and Python's own.";
}

/* One object while it is made: its positional and its named arguments, resolved. */
struct object {
    struct dm_dag_draft *d;
    const struct dm_value *at, *args; /* args is a list */
    struct dm_value *kwargs;
    const char *path;
};

static const struct dm_value *bad(const struct object *o, const char *why)
{
    draft_error(o->d, o->at, BAD_TYPED_OBJECT, NULL, "%s: %s", o->path, why);
    return &dm_null;
}

static struct dm_value *placed(struct dm_value *v, const struct dm_value *at)
{
    v->line = at->line;
    v->col = at->col;
    return v;
}

static struct dm_value *made(const struct object *o, enum dm_kind kind, int64_t i)
{
    struct dm_value *v = placed(dm_value_int(o->d->loader->a, i), o->at);
    v->kind = kind;
    return v;
}

/* Gives positional arguments their names; false (with a finding) for too many, twice, or names that are not known. */
static bool bind(struct object *o, const char *const *names, size_t required)
{
    struct dm_arena *a = o->d->loader->a;
    size_t n = 0;
    while (names[n])
        n++;
    if (o->args->list.n > n)
        return bad(o, "too many arguments") == NULL;
    for (size_t i = 0; i < o->args->list.n; i++) {
        if (dm_map_at(o->kwargs, names[i]))
            return bad(o, dm_arena_printf(a, "\"%s\" is given twice", names[i])) == NULL;
        dm_map_set(a, o->kwargs, names[i], o->args->list.items[i]);
    }
    for (size_t i = 0; i < o->kwargs->map.n; i++) {
        const struct dm_value *key = o->kwargs->map.pairs[i].key;
        size_t k = 0;
        while (names[k] && !(key->kind == DM_STRING && dm_str_is(key->s, names[k])))
            k++;
        if (!names[k])
            return bad(o, dm_arena_printf(a, "it takes no \"%.*s\"",
                                          DM_FMT(key->kind == DM_STRING ? key->s : DM_STR("?")))) ==
                   NULL;
    }
    for (size_t i = 0; i < required; i++)
        if (!dm_map_at(o->kwargs, names[i]))
            return bad(o, dm_arena_printf(a, "\"%s\" is missing", names[i])) == NULL;
    return true;
}

static const struct dm_value *timedelta(struct object *o)
{
    static const char *const names[] = {"days",    "seconds", "microseconds", "milliseconds",
                                        "minutes", "hours",   "weeks",        NULL};
    static const double units[] = {86400e6, 1e6, 1, 1e3, 60e6, 3600e6, 7 * 86400e6};
    int64_t whole = 0;
    double sum = 0;
    if (!bind(o, names, 0))
        return &dm_null;
    for (size_t i = 0; names[i]; i++) {
        const struct dm_value *v = dm_map_at(o->kwargs, names[i]);
        int64_t part;
        if (!v)
            continue;
        if (v->kind != DM_INT && v->kind != DM_FLOAT && v->kind != DM_BOOL)
            return bad(o, dm_arena_printf(o->d->loader->a, "%s must be a number, not a %s",
                                          names[i], dm_kind_name(v->kind)));
        if (v->kind == DM_FLOAT)
            sum += v->f * units[i];
        else if (__builtin_mul_overflow(v->kind == DM_BOOL ? v->b : v->i, (int64_t)units[i],
                                        &part) ||
                 __builtin_add_overflow(whole, part, &whole))
            return bad(o, "the span is out of range");
    }
    if (!(fabs(sum) < 8.64e19 / 10) ||
        __builtin_add_overflow(whole, (int64_t)nearbyint(sum), &whole))
        return bad(o, "the span is out of range");
    return made(o, DM_DELTA, whole);
}

/* A map with the class's short name, for what stays an object. */
static const struct dm_value *kept(struct object *o, const char *type)
{
    struct dm_arena *a = o->d->loader->a;
    struct dm_value *out = placed(dm_value_map(a), o->at);
    dm_map_set(a, out, "__type__", dm_value_cstr(a, type));
    for (size_t i = 0; i < o->kwargs->map.n; i++)
        dm_map_set_value(a, out, o->kwargs->map.pairs[i].key, o->kwargs->map.pairs[i].value);
    return out;
}

static const struct dm_value *relativedelta(struct object *o)
{
    static const char *const names[] = {"dt1",          "dt2",       "years", "months",  "days",
                                        "leapdays",     "weeks",     "hours", "minutes", "seconds",
                                        "microseconds", "year",      "month", "day",     "weekday",
                                        "yearday",      "nlyearday", "hour",  "minute",  "second",
                                        "microsecond",  NULL};
    return bind(o, names, 0) ? kept(o, "relativedelta") : &dm_null;
}

static const char timezone_class[] = "pendulum.tz.timezone.Timezone";

static const struct dm_value *time_zone(struct object *o)
{
    static const char *const names[] = {"name", NULL};
    const struct dm_zone *zone;
    struct dm_err err;
    if (!bind(o, names, 1))
        return &dm_null;
    const struct dm_value *name = dm_map_at(o->kwargs, "name");
    if (name->kind != DM_STRING)
        return bad(o, "name must be a text such as Europe/London");
    if (dm_zone_load(o->d->loader->a, dm_str_cstr(o->d->loader->a, name->s), &zone, &err) < 0)
        return bad(o, err.message);
    return kept(o, timezone_class);
}

/* The zone of a moment: its name, or an object made of it. */
static int zone_of(struct object *o, const struct dm_value *v, const char **ret_zone)
{
    const struct dm_zone *zone;
    struct dm_err err;
    if (v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), timezone_class))
        v = dm_map_at(v, "name");
    if (v->kind != DM_STRING) {
        bad(o, "its zone must be a name such as Europe/London");
        return -1;
    }
    const char *name = dm_str_cstr(o->d->loader->a, v->s);
    if (dm_zone_load(o->d->loader->a, name, &zone, &err) < 0) {
        bad(o, err.message);
        return -1;
    }
    *ret_zone = dm_str_ieq(v->s, DM_STR("utc")) ? "UTC" : name;
    return 0;
}

static const struct dm_value *moment(struct object *o, bool date)
{
    bool pendulum = dm_str_starts(dm_str_c(o->path), DM_STR("pendulum."));
    const char *const names[] = {"year",   "month",  "day",         "hour",
                                 "minute", "second", "microsecond", pendulum ? "tz" : "tzinfo",
                                 NULL};
    static const char *const date_names[] = {"year", "month", "day", NULL};
    int64_t part[7] = {0};
    if (!bind(o, date ? date_names : names, 3))
        return &dm_null;
    for (size_t i = 0; i < 7; i++) {
        const struct dm_value *v = dm_map_at(o->kwargs, names[i]);
        if (v && v->kind != DM_INT)
            return bad(o, dm_arena_printf(o->d->loader->a, "%s must be a whole number", names[i]));
        part[i] = v ? v->i : 0;
        if (part[i] < 0 || part[i] > 999999)
            return bad(o, dm_arena_printf(o->d->loader->a, "%s is out of range", names[i]));
    }
    struct dm_civil c = {(int)part[0], (int)part[1], (int)part[2], (int)part[3],
                         (int)part[4], (int)part[5], (int)part[6]};
    if (!dm_civil_valid(&c))
        return bad(o, "there is no such date");
    if (date)
        return made(o, DM_DATE, dm_days_from_civil(c.year, c.month, c.day));
    struct dm_value *v = placed(dm_value_time(o->d->loader->a, dm_us_from_civil(&c), NULL), o->at);
    const struct dm_value *tz = dm_map_at(o->kwargs, names[7]);
    const struct dm_zone *zone;
    v->time.naive = !pendulum && (!tz || tz->kind == DM_NULL);
    if (v->time.naive)
        return v;
    v->time.zone = "UTC";
    if (tz && tz->kind != DM_NULL && zone_of(o, tz, &v->time.zone) < 0)
        return &dm_null;
    if (dm_zone_load(o->d->loader->a, v->time.zone, &zone, NULL) == 0)
        v->time.us = dm_zone_instant(zone, v->time.us, false);
    return v;
}

static bool is_object(const struct dm_value *v, const char *type)
{
    return v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), type);
}

bool dm_dag_is_asset_expression(const struct dm_value *v)
{
    return is_object(v, "Asset") || is_object(v, "AssetAll") || is_object(v, "AssetAny");
}

struct dm_value *dm_dag_asset(struct dm_arena *a, struct dm_str uri, const struct dm_value *at)
{
    struct dm_value *v = placed(dm_value_map(a), at);
    dm_map_set(a, v, "__type__", dm_value_cstr(a, "Asset"));
    dm_map_set(a, v, "uri", dm_value_str(a, uri));
    return v;
}

struct dm_value *dm_dag_assets(struct dm_arena *a, bool all, const struct dm_value *at)
{
    struct dm_value *v = placed(dm_value_map(a), at);
    dm_map_set(a, v, "__type__", dm_value_cstr(a, all ? "AssetAll" : "AssetAny"));
    dm_map_set(a, v, "objects", dm_value_list(a, 0));
    return v;
}

const struct dm_value *dm_dag_combine_assets(struct dm_arena *a, bool all, const struct dm_value *x,
                                             const struct dm_value *y)
{
    struct dm_value *v = dm_dag_assets(a, all, x);
    struct dm_value *objects = (struct dm_value *)dm_map_at(v, "objects"); /* made just now */
    if (is_object(x, all ? "AssetAll" : "AssetAny"))
        for (size_t i = 0; i < dm_map_at(x, "objects")->list.n; i++)
            dm_list_add(a, objects, dm_map_at(x, "objects")->list.items[i]);
    else
        dm_list_add(a, objects, x);
    dm_list_add(a, objects, y);
    return v;
}

static const struct dm_value *asset(struct object *o)
{
    static const char *const names[] = {"uri", "name", "group", "extra", "watchers", NULL};
    if (!bind(o, names, 0))
        return &dm_null;
    const struct dm_value *uri = dm_map_at(o->kwargs, "uri"), *name = dm_map_at(o->kwargs, "name");
    uri = uri ? uri : name;
    if (!uri || uri->kind != DM_STRING || !dm_str_trim(uri->s).len)
        return bad(o, "it needs a uri or a name, which is a text");
    if (dm_str_starts(uri->s, DM_STR("airflow:")))
        return bad(o, "the scheme airflow: is Airflow's own");
    for (size_t i = 0; i < uri->s.len; i++)
        if ((unsigned char)uri->s.p[i] >= 0x80)
            return bad(o, "its uri must be of ASCII characters: write others as %C3%BC");
    dm_map_set(o->d->loader->a, o->kwargs, "uri", uri);
    return kept(o, "Asset");
}

static const struct dm_value *asset_list(struct object *o, bool all)
{
    struct dm_value *v = dm_dag_assets(o->d->loader->a, all, o->at);
    if (o->kwargs->map.n)
        return bad(o, "it takes assets in __args__");
    for (size_t i = 0; i < o->args->list.n; i++) {
        if (!dm_dag_is_asset_expression(o->args->list.items[i]))
            return bad(o, "it takes assets");
        dm_list_add(o->d->loader->a, (struct dm_value *)dm_map_at(v, "objects"),
                    o->args->list.items[i]);
    }
    return v;
}

static const struct dm_value *asset_or_time(struct object *o)
{
    struct dm_arena *a = o->d->loader->a;
    struct dm_value *all = dm_dag_assets(a, true, o->at), *out = placed(dm_value_map(a), o->at);
    const struct dm_value *time = dm_map_at(o->kwargs, "timetable");
    const struct dm_value *list = dm_map_at(o->kwargs, "datasets");
    list = list ? list : dm_map_at(o->kwargs, "assets");
    if (!time || !list || o->kwargs->map.n != 2 || o->args->list.n)
        return bad(o, "it takes a timetable and assets");
    /* __and__ and __or__ are not looked for among the arguments of an object. */
    const struct dm_value *written =
        dm_map_at(o->at, dm_map_at(o->at, "datasets") ? "datasets" : "assets");
    if (dm_map_at(written, "__type__") && dm_dag_is_asset_expression(list)) {
        all = (struct dm_value *)list;
    } else if (list->kind != DM_LIST) {
        return bad(o, "its assets must be a list");
    }
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++) {
        if (!dm_dag_is_asset_expression(list->list.items[i]))
            return bad(o, "its assets must be assets");
        dm_list_add(a, (struct dm_value *)dm_map_at(all, "objects"), list->list.items[i]);
    }
    dm_map_set(a, out, "__type__", dm_value_cstr(a, "AssetOrTimeSchedule"));
    dm_map_set(a, out, "timetable", time);
    dm_map_set(a, out, "assets", all);
    return out;
}

static const struct dm_value *timetable(struct object *o, enum object_kind kind)
{
    static const char *const trigger[] = {"cron", "timezone", "interval", NULL};
    static const char *const interval[] = {"cron", "timezone", NULL};
    static const char *const delta[] = {"delta", NULL};
    if (kind == CRON_TRIGGER) {
        if (!bind(o, trigger, 2))
            return &dm_null;
        const struct dm_value *span = dm_map_at(o->kwargs, "interval");
        if (span && span->kind != DM_NULL && span->kind != DM_DELTA &&
            !is_object(span, "relativedelta"))
            return bad(o, "interval must be a timedelta or a relativedelta");
        return kept(o, "CronTriggerTimetable");
    }
    if (kind == CRON_INTERVAL)
        return bind(o, interval, 2) ? kept(o, "CronDataIntervalTimetable") : &dm_null;
    if (kind == DELTA_INTERVAL)
        return bind(o, delta, 1) ? kept(o, "DeltaDataIntervalTimetable") : &dm_null;
    if (!bind(o, delta + 1, 0))
        return &dm_null;
    struct dm_arena *a = o->d->loader->a;
    return placed(dm_value_cstr(a, kind == NEVER  ? "None"
                                   : kind == ONCE ? "@once"
                                                  : "@continuous"),
                  o->at);
}

static const struct dm_value *param(struct object *o)
{
    if (o->args->list.n > 2)
        return bad(o, "too many arguments");
    if (o->args->list.n > 0)
        dm_map_set(o->d->loader->a, o->kwargs, "default", o->args->list.items[0]);
    if (o->args->list.n > 1)
        dm_map_set(o->d->loader->a, o->kwargs, "description", o->args->list.items[1]);
    return kept(o, "Param");
}

/* The text that Python's str() gives, for the kinds that need one. */
static struct dm_str python_text(struct dm_arena *a, const struct dm_value *v)
{
    if (v->kind == DM_STRING)
        return v->s;
    if (v->kind == DM_BOOL)
        return v->b ? DM_STR("True") : DM_STR("False");
    if (v->kind == DM_NULL)
        return DM_STR("None");
    return dm_value_json(a, v);
}

static const struct dm_value *scalar(struct object *o, enum object_kind kind)
{
    struct dm_arena *a = o->d->loader->a;
    const struct dm_value *v = o->args->list.n == 1 ? o->args->list.items[0] : NULL;
    int64_t i;
    double f;
    if (o->args->list.n > 1 || o->kwargs->map.n)
        return bad(o, "it takes one argument in __args__");
    if (kind == STR)
        return placed(dm_value_str(a, v ? python_text(a, v) : DM_STR("")), o->at);
    if (kind == BOOL)
        return placed(dm_value_bool(a, v && v->kind == DM_BOOL ? v->b : v && v->i), o->at);
    if (!v)
        return kind == INT ? placed(dm_value_int(a, 0), o->at)
                           : placed(dm_value_float(a, 0), o->at);
    if (v->kind == DM_INT || v->kind == DM_FLOAT) {
        f = v->kind == DM_INT ? (double)v->i : v->f;
        i = v->kind == DM_INT ? v->i : fabs(f) < 9e18 ? (int64_t)f : 0;
    } else if (v->kind != DM_STRING || !dm_str_to_f64(dm_str_trim(v->s), &f) ||
               (kind == INT && !dm_str_to_i64(dm_str_trim(v->s), &i))) {
        return bad(o, "that is no number");
    }
    return kind == INT ? placed(dm_value_int(a, i), o->at) : placed(dm_value_float(a, f), o->at);
}

static const struct dm_value *collection(struct object *o, enum object_kind kind)
{
    struct dm_arena *a = o->d->loader->a;
    const struct dm_value *v = o->args->list.n == 1 ? o->args->list.items[0] : NULL;
    const struct dm_value *items = dm_map_at(o->kwargs, "items");
    if (kind == LIST && items && items->kind == DM_LIST) /* dag-factory's own form */
        return items;
    if (o->args->list.n > 1 || o->kwargs->map.n || (v && v->kind != DM_LIST && v->kind != DM_TUPLE))
        return bad(o,
                   kind == LIST ? "it takes one list in items" : "it takes one list in __args__");
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; v && i < v->list.n; i++)
        dm_list_add(a, list, v->list.items[i]);
    if (kind == TUPLE)
        list->kind = DM_TUPLE;
    if (kind != SET)
        return placed(list, o->at);
    o->kwargs = dm_value_map(a);
    dm_map_set(a, o->kwargs, "items", list);
    return kept(o, "set");
}

static const struct dm_value *dict(struct object *o)
{
    struct dm_arena *a = o->d->loader->a;
    struct dm_value *out = placed(dm_value_map(a), o->at);
    if (o->args->list.n > 1 || (o->args->list.n && o->args->list.items[0]->kind != DM_MAP))
        return bad(o, "it takes one map in __args__");
    for (size_t k = 0; k < o->args->list.n + 1; k++) {
        const struct dm_value *from = k < o->args->list.n ? o->args->list.items[k] : o->kwargs;
        for (size_t i = 0; i < from->map.n; i++)
            dm_map_set_value(a, out, from->map.pairs[i].key, from->map.pairs[i].value);
    }
    return out;
}

static const struct dm_value *make(struct object *o, enum object_kind kind)
{
    switch (kind) {
    case TIMEDELTA:
        return timedelta(o);
    case RELATIVEDELTA:
        return relativedelta(o);
    case DATETIME:
    case DATE:
        return moment(o, kind == DATE);
    case TIMEZONE:
        return time_zone(o);
    case ASSET:
        return asset(o);
    case ASSET_ALL:
    case ASSET_ANY:
        return asset_list(o, kind == ASSET_ALL);
    case ASSET_OR_TIME:
        return asset_or_time(o);
    case PARAM:
        return param(o);
    case CRON_TRIGGER:
    case CRON_INTERVAL:
    case DELTA_INTERVAL:
    case NEVER:
    case ONCE:
    case CONTINUOUS:
        return timetable(o, kind);
    case DICT:
        return dict(o);
    case LIST:
    case TUPLE:
    case SET:
        return collection(o, kind);
    default:
        return scalar(o, kind);
    }
}

static const struct dm_value *typed(struct dm_dag_draft *d, const struct dm_value *v)
{
    static const struct dm_value none = {.kind = DM_LIST};
    struct dm_arena *a = d->loader->a;
    const struct dm_value *type = dm_map_at(v, "__type__"), *args = dm_map_at(v, "__args__");
    struct object o = {.d = d, .at = v, .args = &none, .kwargs = dm_value_map(a)};
    const char *names[N_CLASSES + 1] = {NULL};
    /* YAML's !!binary: no operator here takes bytes. */
    if (d->loader->world->model_only && type->kind == DM_STRING && dm_str_is(type->s, "bytes") &&
        dm_map_at(v, "base64"))
        return v;
    for (size_t i = 0; i < N_CLASSES; i++)
        names[i] = classes[i].path;
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (type->kind != DM_STRING || !dm_str_is(type->s, classes[i].path))
            continue;
        o.path = classes[i].path;
        if (args && (args = dm_dag_resolve(d, args))->kind != DM_LIST)
            return bad(&o, "__args__ must be a list");
        o.args = args ? args : &none;
        for (size_t k = 0; k < v->map.n; k++) {
            const struct dm_value *key = v->map.pairs[k].key;
            if (key->kind != DM_STRING ||
                (!dm_str_is(key->s, "__type__") && !dm_str_is(key->s, "__args__")))
                dm_map_set_value(a, o.kwargs, key, dm_dag_resolve(d, v->map.pairs[k].value));
        }
        return make(&o, classes[i].kind);
    }
    draft_error(d, type, UNKNOWN_TYPE, type->kind == DM_STRING ? instead(a, type->s, names) : NULL,
                "there is no class \"%.*s\" here",
                DM_FMT(type->kind == DM_STRING ? type->s : dm_value_json(a, type)));
    return &dm_null;
}

/* Python's & and | over a list, and a text in brackets where the items are no assets. */
static const struct dm_value *combined(struct dm_dag_draft *d, const struct dm_value *list,
                                       bool all)
{
    struct dm_arena *a = d->loader->a;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    list = dm_dag_resolve(d, list);
    if (list->kind != DM_LIST) {
        draft_error(d, list, BAD_TYPED_OBJECT, NULL, "%s takes a list", all ? "__and__" : "__or__");
        return &dm_null;
    }
    bool assets = list->list.n > 0;
    for (size_t i = 0; i < list->list.n; i++)
        assets = assets && dm_dag_is_asset_expression(list->list.items[i]);
    if (assets) {
        const struct dm_value *v = list->list.items[0];
        for (size_t i = 1; i < list->list.n; i++)
            v = dm_dag_combine_assets(a, all, v, list->list.items[i]);
        return v;
    }
    dm_strbuf_addc(&b, '(');
    for (size_t i = 0; i < list->list.n; i++) {
        dm_strbuf_adds(&b, i == 0 ? "" : all ? " & " : " | ");
        dm_strbuf_addstr(&b, python_text(a, list->list.items[i]));
    }
    dm_strbuf_addc(&b, ')');
    return placed(dm_value_str(a, dm_str_dup(a, dm_strbuf_str(&b))), list);
}

static const struct dm_value *joined(struct dm_dag_draft *d, const struct dm_value *list)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    list = dm_dag_resolve(d, list);
    if (list->kind != DM_LIST) {
        draft_error(d, list, BAD_TYPED_OBJECT, NULL, "__join__ takes a list");
        return &dm_null;
    }
    for (size_t i = 0; i < list->list.n; i++)
        dm_strbuf_addstr(&b, python_text(d->loader->a, list->list.items[i]));
    return placed(dm_value_str(d->loader->a, dm_str_dup(d->loader->a, dm_strbuf_str(&b))), list);
}

/* Values without objects are given back as they are: most are. */
static bool has_objects(const struct dm_value *v)
{
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; i < v->list.n; i++)
            if (has_objects(v->list.items[i]))
                return true;
    if (v->kind == DM_MAP)
        for (size_t i = 0; i < v->map.n; i++) {
            const struct dm_value *key = v->map.pairs[i].key;
            if ((key->kind == DM_STRING && dm_str_starts(key->s, DM_STR("__"))) ||
                has_objects(v->map.pairs[i].value))
                return true;
        }
    return false;
}

const struct dm_value *dm_dag_resolve(struct dm_dag_draft *d, const struct dm_value *v)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *x;
    struct dm_value *out;
    if (!has_objects(v))
        return v;
    if (v->kind != DM_MAP) {
        out = placed(dm_value_list(a, v->list.n), v);
        out->kind = v->kind;
        for (size_t i = 0; i < v->list.n; i++)
            out->list.items[i] = dm_dag_resolve(d, v->list.items[i]);
        return out;
    }
    if (dm_map_at(v, "__type__"))
        return typed(d, v);
    bool v0 = d->loader->world->dialect == DM_DIALECT_V0;
    if (!v0 && (x = dm_map_at(v, "__join__")))
        return joined(d, x);
    if ((x = dm_map_at(v, "__and__")))
        return combined(d, x, true);
    if ((x = dm_map_at(v, "__or__")))
        return combined(d, x, false);
    out = placed(dm_value_map(a), v);
    for (size_t i = 0; i < v->map.n; i++)
        dm_map_set_value(a, out, v->map.pairs[i].key, dm_dag_resolve(d, v->map.pairs[i].value));
    return out;
}
