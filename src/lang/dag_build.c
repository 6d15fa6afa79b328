/*
 * A DAG from its map: the keys of the DAG itself; its tasks are dag_task.c's.  Goes on after a mistake, so that one
 * load shows them all; a DAG with mistakes is not made.
 */
#include "base/file.h"
#include "lang/dag_loader.h"
#include "lang/zone.h"

enum effect { WORKS, NONE, REFUSED };

static const struct {
    const char *name;
    enum effect effect;
    const char *doc;
} keys[] = {
#define DM_DAG_KEY(name, effect, doc) {#name, effect, doc},
#include "lang/dag_keys.def"
#undef DM_DAG_KEY
};
enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };

const char *dm_trigger_rule_name(enum dm_trigger_rule rule)
{
    static const char *const names[] = {
#define DM_TRIGGER_RULE(name, text, doc) text,
#include "lang/trigger_rules.def"
#undef DM_TRIGGER_RULE
    };
    return names[rule];
}

bool dm_dag_id_valid(struct dm_str id)
{
    if (!id.len || id.len > DM_DAG_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80 ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

static void check_keys(struct dm_dag_draft *d)
{
    const char *names[N_KEYS + 1] = {NULL};
    for (size_t i = 0; i < N_KEYS; i++)
        names[i] = keys[i].name;
    for (size_t i = 0; i < d->config->map.n; i++) {
        const struct dm_value *key = d->config->map.pairs[i].key;
        struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
        size_t k = 0;
        while (k < N_KEYS && !dm_str_is(name, keys[k].name))
            k++;
        if (k < N_KEYS && (keys[k].effect == WORKS || d->loader->world->model_only))
            continue;
        if (k < N_KEYS && keys[k].effect == NONE) {
            draft_warning(d, key, NO_EFFECT, NULL, "\"%s\" has no effect (%s)", keys[k].name,
                          keys[k].doc);
        } else if (k < N_KEYS) {
            draft_error(d, key, UNSUPPORTED_KEY, keys[k].doc, "\"%s\" does not work here",
                        keys[k].name);
        } else {
            /* dag-factory ignores what it does not know; a name one letter off is a mistake all the same. */
            const char *hint = dm_did_you_mean(d->loader->a, name, names);
            bool ignored = hint == NULL || d->loader->world->model_only;
            dm_diag_report(d->loader, draft_at(d, key), ignored, DM_DIAG_UNKNOWN_KEY, hint,
                           "a DAG has no key \"%.*s\"%s", DM_FMT(name),
                           ignored ? "; it is ignored" : "");
        }
    }
}

/* A key that is there and not null where null means "not given". */
static const struct dm_value *given(const struct dm_dag_draft *d, const char *key)
{
    const struct dm_value *v = dm_map_at(d->config, key);
    return v && v->kind != DM_NULL ? v : NULL;
}

static const char *text_key(struct dm_dag_draft *d, const char *key)
{
    const struct dm_value *v = given(d, key);
    if (!v)
        return NULL;
    if (v->kind == DM_STRING)
        return dm_str_cstr(d->loader->a, v->s);
    draft_error(d, v, SCHEMA, "Quote it to make it a text.", "%s must be a text, not a %s", key,
                dm_kind_name(v->kind));
    return NULL;
}

static bool bool_key(struct dm_dag_draft *d, const char *key, bool fallback)
{
    const struct dm_value *v = dm_map_at(d->config, key);
    if (!v)
        return fallback;
    if (v->kind == DM_BOOL)
        return v->b;
    draft_error(d, v, SCHEMA, NULL, "%s must be true or false, not a %s", key,
                dm_kind_name(v->kind));
    return fallback;
}

static int int_key(struct dm_dag_draft *d, const char *key, int fallback)
{
    const struct dm_value *v = dm_map_at(d->config, key);
    if (!v)
        return fallback;
    if (v->kind == DM_INT && v->i >= 0 && v->i <= INT32_MAX)
        return (int)v->i;
    draft_error(d, v, SCHEMA, NULL, "%s must be a whole number of at least 0, not %s%s", key,
                v->kind == DM_INT ? "this" : "a ", v->kind == DM_INT ? "" : dm_kind_name(v->kind));
    return fallback;
}

static const struct dm_value *map_key(struct dm_dag_draft *d, const char *key)
{
    const struct dm_value *v = given(d, key);
    if (v && v->kind == DM_MAP)
        return v;
    if (v)
        draft_error(d, v, SCHEMA, NULL, "%s must be a map, not a %s", key, dm_kind_name(v->kind));
    return dm_value_map(d->loader->a);
}

static const char **tags(struct dm_dag_draft *d)
{
    const struct dm_value *v = given(d, "tags");
    size_t n = v && v->kind == DM_LIST ? v->list.n : 0;
    const char **out = dm_arena_array(d->loader->a, const char *, n + 1);
    size_t used = 0;
    if (d->loader->world->model_only) /* dag-factory adds its own to what is given */
        v = dm_map_at(d->config, "tags");
    if (v && v->kind != DM_LIST)
        draft_error(d, v, SCHEMA, "Write tags: [a, b].", "tags must be a list, not a %s",
                    dm_kind_name(v->kind));
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *tag = v->list.items[i];
        if (tag->kind == DM_STRING)
            out[used++] = dm_str_cstr(d->loader->a, tag->s);
        else
            draft_error(d, tag, SCHEMA, "Quote it to make it a text.",
                        "a tag must be a text, not a %s", dm_kind_name(tag->kind));
    }
    return out;
}

static void timeout(struct dm_dag_draft *d)
{
    const struct dm_value *v = given(d, "dagrun_timeout"), *sec = given(d, "dagrun_timeout_sec");
    struct dm_err err;
    int64_t us = 0;
    if (d->loader->world->dialect == DM_DIALECT_V1)
        sec = NULL;
    if (v && v->kind != DM_DELTA)
        draft_error(d, v, SCHEMA, "Write {__type__: datetime.timedelta, minutes: 20}.",
                    "dagrun_timeout must be a timedelta, not a %s", dm_kind_name(v->kind));
    else if ((v || (v = sec)) && dm_span_parse(v, &us, &err) < 0)
        draft_error(d, v, SCHEMA, NULL, "dagrun_timeout: %s", err.message);
    if (us < 0)
        draft_error(d, v, SCHEMA, NULL, "dagrun_timeout must not be negative");
    d->dag->dagrun_timeout_us = us;
}

/* The text "None" is a schedule that is never due. */
static bool never_due(struct dm_dag_draft *d)
{
    const struct dm_value *v = given(d, "schedule");
    v = v ? v : given(d, "schedule_interval");
    return v && v->kind == DM_STRING && dm_str_ieq(v->s, DM_STR("none"));
}

static const char *zone_name_of(struct dm_arena *a, const struct dm_value *zone)
{
    return zone && zone->kind == DM_STRING && !dm_str_ieq(zone->s, DM_STR("utc"))
               ? dm_str_cstr(a, zone->s)
               : "UTC";
}

/* The zone belongs to the level that start_date stands on. */
static void dates(struct dm_dag_draft *d)
{
    struct dm_dag *dag = d->dag;
    bool own = given(d, "start_date") != NULL;
    const struct dm_value *zone = dm_map_at(own ? d->config : d->defaults, "timezone");
    const struct dm_value *start =
        own ? given(d, "start_date") : dm_map_at(d->defaults, "start_date");
    const struct dm_zone *loaded;
    struct dm_err err;
    dag->timezone = "UTC";
    if (zone && (zone->kind != DM_STRING || !zone->s.len)) {
        draft_error(d, zone, BAD_DATE, NULL, "timezone must be a name such as Europe/London");
    } else if (zone && !dm_str_ieq(zone->s, DM_STR("utc"))) {
        dag->timezone = dm_str_cstr(d->loader->a, zone->s);
        if (dm_zone_load(d->loader->a, dag->timezone, &loaded, &err) < 0) {
            dm_diag_report_err(d->loader, draft_at(d, zone), DM_DIAG_BAD_TIMEZONE, &err);
            dag->timezone = "UTC";
        }
    }
    if (!own && given(d, "timezone"))
        draft_warning(d, given(d, "timezone"), NO_EFFECT,
                      "Move start_date out of default_args, or timezone into it.",
                      "timezone has no effect, because start_date stands in default_args");
    dag->start_date = dm_dag_date(d, "start_date", start, dag->timezone);
    const struct dm_value *end = given(d, "end_date");
    const struct dm_value *end_zone = dm_map_at(end ? d->config : d->defaults, "timezone");
    dag->end_date = dm_dag_date(d, "end_date", end ? end : dm_map_at(d->defaults, "end_date"),
                                zone_name_of(d->loader->a, end_zone));
    bool scheduled = given(d, "schedule") || given(d, "schedule_interval") || given(d, "timetable");
    scheduled = scheduled || d->loader->world->dialect == DM_DIALECT_V0;
    if (scheduled && start && start->kind == DM_NULL && !never_due(d))
        draft_warning(d, start, MISSING_START_DATE, "Write start_date: 2024-01-31.",
                      "start_date is null: there will be no scheduled run");
    else if (scheduled && !start && !never_due(d))
        draft_error(d, d->config, MISSING_START_DATE, "Write start_date: 2024-01-31.",
                    "the DAG \"%s\" has no start_date", dag->dag_id);
    if (dag->start_date != DM_NEVER && dag->end_date != DM_NEVER && dag->end_date < dag->start_date)
        draft_warning(d, end, SCHEMA, NULL,
                      "the DAG \"%s\" ends before its start_date: there will be no run",
                      dag->dag_id);
}

static const char *shown(struct dm_arena *a, const struct dm_value *schedule)
{
    if (schedule->kind == DM_NULL)
        return "none";
    return schedule->kind == DM_STRING ? dm_str_cstr(a, schedule->s)
                                       : dm_str_cstr(a, dm_value_json(a, schedule));
}

/* A cron schedule under `timetable: trigger`. */
static const struct dm_value *as_trigger(struct dm_dag_draft *d, const struct dm_value *schedule)
{
    struct dm_arena *a = d->loader->a;
    struct dm_value *map = dm_value_map(a);
    if (schedule->kind != DM_STRING || schedule->s.len == 0 || dm_str_is(schedule->s, "@once") ||
        dm_str_is(schedule->s, "@continuous"))
        return schedule;
    dm_map_set(a, map, "__type__", dm_value_cstr(a, "CronTriggerTimetable"));
    dm_map_set(a, map, "cron", schedule);
    map->line = schedule->line;
    map->col = schedule->col;
    return map;
}

/* {callable: CLASS, params: {…}} is an object of that class. */
static const struct dm_value *timetable_of_v0(struct dm_dag_draft *d, const struct dm_value *v)
{
    const struct dm_value *class = dm_map_at(v, "callable"), *args = dm_map_at(v, "params");
    if (!class || d->loader->world->dialect == DM_DIALECT_V1)
        return v;
    struct dm_value *object = args && args->kind == DM_MAP ? dm_value_copy(d->loader->a, args)
                                                           : dm_value_map(d->loader->a);
    dm_map_set(d->loader->a, object, "__type__", class);
    object->line = v->line;
    object->col = v->col;
    return dm_dag_resolve(d, object);
}

static void schedule(struct dm_dag_draft *d)
{
    struct dm_dag *dag = d->dag;
    struct dm_err err;
    int64_t tick;
    const struct dm_value *v = given(d, "schedule"), *timetable = given(d, "timetable");
    const struct dm_value *older = given(d, "schedule_interval");
    if (older && d->loader->world->dialect == DM_DIALECT_V1)
        draft_error(d, older, UNSUPPORTED_KEY, "Write schedule.", "schedule_interval is gone");
    v = v ? v : older;
    if (v && timetable && timetable->kind == DM_MAP)
        draft_error(d, timetable, SCHEMA, "Keep one of them.",
                    "a DAG has either a schedule or a timetable");
    v = v ? v : &dm_null;
    if (timetable && timetable->kind == DM_MAP && v->kind == DM_NULL)
        v = timetable = timetable_of_v0(d, timetable);
    dag->schedule_text = shown(d->loader->a, v);
    if (timetable && timetable->kind == DM_STRING && dm_str_is(timetable->s, "trigger"))
        v = as_trigger(d, v);
    else if (timetable && timetable != v &&
             !(timetable->kind == DM_STRING && dm_str_is(timetable->s, "interval")))
        draft_error(d, timetable, UNSUPPORTED_KEY, NULL, "timetable must be interval or trigger");
    if (v->kind == DM_LIST || (v->kind == DM_MAP && !dm_map_at(v, "__type__")))
        v = dm_dag_asset_schedule(d, v);
    if (!v)
        return;
    dag->schedule = v;
    if (v->kind != DM_NULL && v->kind != DM_STRING && v->kind != DM_DELTA && v->kind != DM_MAP) {
        draft_error(d, v, SCHEMA, "Write {__type__: datetime.timedelta, seconds: 30} for a period.",
                    "a schedule must be null, a preset, a cron expression or a timedelta, not a %s",
                    dm_kind_name(v->kind));
        return;
    }
    if (dm_timetable_parse(d->loader->a, v, dag->timezone, &dag->timetable, &err) < 0) {
        err.line = 0;
        dm_diag_report_err(d->loader, draft_at(d, v), DM_DIAG_BAD_SCHEDULE, &err);
        return;
    }
    enum dm_timetable_kind kind = dm_timetable_kind(dag->timetable);
    if (kind == DM_TIMETABLE_CONTINUOUS && dag->max_active_runs > 1)
        draft_error(d, v, SCHEMA, "Add max_active_runs: 1.",
                    "@continuous allows one run at a time, max_active_runs is %d",
                    dag->max_active_runs);
    if ((kind == DM_TIMETABLE_CRON || kind == DM_TIMETABLE_CRON_TRIGGER) &&
        dag->start_date != DM_NEVER &&
        dm_timetable_tick_after(dag->timetable, dag->start_date, &tick, &err) < 0)
        draft_warning(d, v, BAD_SCHEDULE, NULL, "the schedule \"%s\" has no time after start_date",
                      dag->schedule_text);
}

/* A DAG whose start_date stands in default_args begins with the first of its tasks: their own dates move it, as in
   Airflow.  So do their end dates, where every task has one.  Without tasks nothing begins. */
static void dates_of_tasks(struct dm_dag_draft *d)
{
    struct dm_dag *dag = d->dag;
    int64_t start = DM_NEVER, end = DM_NEVER, dag_start = dag->start_date, dag_end = dag->end_date;
    bool endless = false, moves = !given(d, "start_date"), ends = !given(d, "end_date");
    for (size_t i = 0; i < dag->n_tasks; i++) {
        int64_t from = dag->tasks[i].start_date, until = dag->tasks[i].end_date;
        from = from == DM_NEVER ? dag_start : from;
        until = until == DM_NEVER ? dag_end : until;
        start = start == DM_NEVER || (from != DM_NEVER && from < start) ? from : start;
        end = end == DM_NEVER || until > end ? until : end;
        endless |= until == DM_NEVER;
    }
    if (moves && (start != DM_NEVER || !dag->n_tasks))
        dag->start_date = start;
    if (ends && dag->n_tasks)
        dag->end_date = endless ? DM_NEVER : end;
    for (size_t i = 0; i < dag->n_tasks; i++) {
        struct dm_task *t = &dag->tasks[i];
        int64_t from = t->start_date == DM_NEVER ? dag_start : t->start_date;
        int64_t until = t->end_date == DM_NEVER ? dag_end : t->end_date;
        t->start_date = from == dag->start_date ? DM_NEVER : from;
        t->end_date = until == dag->end_date ? DM_NEVER : until;
    }
}

static void tasks(struct dm_dag_draft *d)
{
    const struct dm_value *v = dm_map_at(d->config, "tasks"), *groups = given(d, "task_groups");
    if (groups)
        dm_dag_read_groups(d, groups);
    if (!v || v->kind == DM_NULL) {
        draft_warning(d, d->config, MISSING_KEY, NULL, "the DAG \"%s\" has no tasks",
                      d->dag->dag_id);
    } else if (v->kind == DM_LIST && d->loader->world->dialect == DM_DIALECT_V0) {
        draft_error(d, v, SCHEMA, NULL, "tasks of dag-factory 0.x must be a map");
    } else if (v->kind == DM_LIST) {
        for (size_t i = 0; i < v->list.n; i++) {
            const struct dm_value *map = v->list.items[i];
            if (map->kind != DM_MAP || !dm_map_at(map, "task_id"))
                draft_error(d, map, SCHEMA, NULL, "a task in a list must be a map with a task_id");
            else
                dm_dag_add_task(d, dm_map_at(map, "task_id"), map);
        }
    } else if (v->kind == DM_MAP) {
        for (size_t i = 0; i < v->map.n; i++)
            dm_dag_add_task(d, v->map.pairs[i].key, v->map.pairs[i].value);
    } else {
        draft_error(d, v, SCHEMA, NULL, "tasks must be a list or a map, not a %s",
                    dm_kind_name(v->kind));
    }
}

/* Params of default_args are the DAG's, over those that it has itself. */
static void params(struct dm_dag_draft *d)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *own = dm_map_at(d->config, "params");
    const struct dm_value *more = dm_map_at(d->defaults, "params");
    own = own && dm_says_nothing(own) ? dm_value_map(a) : map_key(d, "params");
    struct dm_value *all = dm_value_copy(a, own);
    bool none = more && dm_says_nothing(more) && more->kind != DM_BOOL && more->kind != DM_INT &&
                more->kind != DM_FLOAT; /* which have no items */
    if (more && more->kind != DM_MAP && !none)
        draft_error(d, more, BAD_ARGUMENT, NULL, "params in default_args must be a map, not %s",
                    dm_kind_name(more->kind));
    for (size_t i = 0; more && more->kind == DM_MAP && i < more->map.n; i++)
        dm_map_set_value(a, all, more->map.pairs[i].key, more->map.pairs[i].value);
    d->dag->params = dm_dag_params(d, all, false, &d->dag->param_specs);
}

/* A scheduled run has nobody to ask. */
static void required_params(struct dm_dag_draft *d)
{
    const struct dm_value *specs = d->dag->param_specs;
    /* Without the word "none" a DAG of Airflow 2 runs every day. */
    bool scheduled =
        d->dag->timetable && (dm_timetable_kind(d->dag->timetable) != DM_TIMETABLE_NONE ||
                              (d->dag->schedule->kind == DM_NULL && d->loader->world->model_only));
    for (size_t i = 0; specs && i < specs->map.n; i++) {
        const struct dm_value *name = specs->map.pairs[i].key;
        if (scheduled && !dm_map_get_value(d->dag->params, name))
            draft_error(d, name, BAD_PARAM, "Add default: to it.",
                        "the param \"%.*s\" has no value", DM_FMT(name->s));
    }
}

static const struct dm_value *macros(struct dm_dag_draft *d, const struct dm_value *map)
{
    struct dm_value *out = dm_value_map(d->loader->a);
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *v = map->map.pairs[i].value;
        if (v->kind == DM_MAP)
            v = macros(d, v);
        else if (v->kind == DM_STRING && dm_str_find(v->s, DM_STR("."), 0) > 0)
            v = dm_dag_callable(d, v, DM_DIAG_UNKNOWN_CLASS);
        dm_map_set_value(d->loader->a, out, map->map.pairs[i].key, v ? v : &dm_null);
    }
    return out;
}

static void choice(struct dm_dag_draft *d, const char *key, const char *const *choices)
{
    const struct dm_value *v = dm_map_at(d->config, key);
    if (!v)
        return;
    for (size_t i = 0; v->kind == DM_STRING && choices[i]; i++)
        if (dm_str_is(v->s, choices[i]))
            return;
    draft_error(d, v, SCHEMA,
                v->kind == DM_STRING ? dm_did_you_mean(d->loader->a, v->s, choices) : NULL,
                "that is no %s", key);
}

/* Documentation from a file, over the text beside it. */
static void doc_file(struct dm_dag_draft *d)
{
    const struct dm_value *path = given(d, "doc_md_file_path");
    struct dm_str text;
    struct dm_err err;
    if (!path)
        return;
    const char *name = dm_dag_beside(d, path);
    if (!name) {
        draft_error(d, path, SCHEMA, "Write it absolute, or seen from this file.",
                    "doc_md_file_path must be %s",
                    d->loader->world->model_only ? "an absolute path" : "a path");
    } else {
        dm_dag_depend(d->loader, name);
        if (dm_file_read(d->loader->a, name, DM_DAG_TEXT_MAX, &text, &err) < 0)
            draft_error(d, path, FILE_NOT_FOUND, err.hint, "%s", err.message);
        else
            d->dag->doc_md = dm_str_cstr(d->loader->a, text);
    }
}

/* Documentation that a Python function writes; kept under the name doc_md among the callbacks. */
static void doc_function(struct dm_dag_draft *d)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *name = given(d, "doc_md_python_callable_name");
    const struct dm_value *file = given(d, "doc_md_python_callable_file");
    const struct dm_value *found =
        name && file ? dm_dag_callable_in(d, name, file, DM_DIAG_UNKNOWN_CALLABLE) : NULL;
    if (!found)
        return;
    struct dm_value *all =
        d->dag->callables ? dm_value_copy(a, d->dag->callables) : dm_value_map(a);
    dm_map_set(a, all, "doc_md", found);
    d->dag->callables = all;
}

/* Folders to look for templates in: a list, or one text; dag-factory wants them absolute and there. */
static const struct dm_value *search_path(struct dm_dag_draft *d)
{
    const struct dm_value *v = given(d, "template_searchpath");
    struct dm_value *list = dm_value_list(d->loader->a, 0);
    if (!v)
        return NULL;
    if (v->kind == DM_STRING)
        dm_list_add(d->loader->a, list, v);
    else if (v->kind != DM_LIST)
        draft_error(d, v, SCHEMA, "Write template_searchpath: [sql].",
                    "template_searchpath must be a list, not a %s", dm_kind_name(v->kind));
    for (size_t i = 0; v->kind == DM_LIST && i < v->list.n; i++)
        dm_list_add(d->loader->a, list, v->list.items[i]);
    for (size_t i = 0; i < list->list.n && d->loader->world->model_only; i++) {
        const struct dm_value *path = list->list.items[i];
        const char *name = path->kind == DM_STRING ? dm_str_cstr(d->loader->a, path->s) : "";
        if (*name != '/' || !dm_is_dir(name))
            draft_error(d, path, SCHEMA, NULL, "\"%s\" is no absolute path of a folder", name);
    }
    return list;
}

/* What only some DAGs have. */
static void rare(struct dm_dag_draft *d)
{
    static const char *const orientations[] = {"LR", "TB", "RL", "BT", NULL};
    static const char *const views[] = {"grid",          "graph", "duration", "gantt",
                                        "landing_times", "tree",  NULL};
    struct dm_dag *dag = d->dag;
    dag->display_name = text_key(d, "dag_display_name");
    dag->paused_upon_creation =
        given(d, "is_paused_upon_creation") ? bool_key(d, "is_paused_upon_creation", false) : -1;
    dag->template_searchpath = search_path(d);
    dag->access_control = given(d, "access_control") ? map_key(d, "access_control") : NULL;
    if (d->loader->world->model_only) {
        static const char *const checked[] = {"on_execute_callback", NULL}; /* no DAG has one */
        dm_dag_callbacks(d, d->config, checked);
        dag->callables = dm_dag_callbacks(d, d->config, dm_dag_callback_names);
    } else
        dag->callbacks = dm_dag_read_callbacks(d, &d->config, 1, true, &dag->n_callbacks);
    doc_file(d);
    doc_function(d);
    if (d->loader->world->model_only) { /* here they have no effect */
        choice(d, "orientation", orientations);
        choice(d, "default_view", views);
    }
    if (given(d, "user_defined_macros")) {
        const struct dm_value *map = map_key(d, "user_defined_macros");
        dag->user_defined_macros = map->kind == DM_MAP ? macros(d, map) : NULL;
    }
}

/* default_args as tasks get them: dates read, callbacks found, params taken out. */
static void default_args(struct dm_dag_draft *d)
{
    struct dm_arena *a = d->loader->a;
    struct dm_value *out = dm_value_map(a);
    if (d->loader->world->model_only)
        d->defaults = dm_dag_with_callbacks(d, d->defaults, dm_default_callbacks);
    const struct dm_value *zone = dm_map_at(d->defaults, "timezone");
    const char *zone_name = zone_name_of(a, zone);
    out->line = d->defaults->line;
    out->col = d->defaults->col;
    for (size_t i = 0; i < d->defaults->map.n; i++) {
        const struct dm_value *key = d->defaults->map.pairs[i].key;
        const struct dm_value *v = d->defaults->map.pairs[i].value;
        bool date = key->kind == DM_STRING &&
                    (dm_str_is(key->s, "start_date") || dm_str_is(key->s, "end_date"));
        if (key->kind == DM_STRING && dm_str_is(key->s, "params"))
            continue;
        if (date && v->kind != DM_NULL) {
            int64_t us = dm_dag_date(d, dm_str_cstr(a, key->s), v, zone_name);
            struct dm_value *t = dm_value_time(a, us, NULL); /* its instant, as Airflow keeps it */
            t->line = v->line;
            t->col = v->col;
            v = us == DM_NEVER ? &dm_null : t;
        }
        dm_map_set_value(a, out, key, v);
    }
    d->defaults = out;
    if (d->loader->world->model_only && out->map.n)
        d->dag->default_args = out;
}

/* A map that stays one: `__type__` may make anything of it.  Null is what a failure left, which was reported. */
static const struct dm_value *resolve_map(struct dm_dag_draft *d, const struct dm_value *map,
                                          const char *what)
{
    const struct dm_value *v = dm_dag_resolve(d, map);
    if (v->kind == DM_MAP)
        return v;
    if (v->kind != DM_NULL)
        draft_error(d, map, SCHEMA, NULL, "%s must be a map, not a %s", what,
                    dm_kind_name(v->kind));
    struct dm_value *empty = dm_value_map(d->loader->a);
    empty->line = map->line;
    empty->col = map->col;
    return empty;
}

struct dm_dag *dm_dag_build(struct dm_dag_loader *l, const struct dm_dag_source *source,
                            const struct dm_value *key, const struct dm_value *config,
                            const struct dm_value *defaults)
{
    struct dm_dag *dag = dm_arena_new(l->a, struct dm_dag);
    struct dm_dag_draft d = {.loader = l,
                             .source = source,
                             .dag = dag,
                             .config = config,
                             .defaults = defaults,
                             .files = dm_value_map(l->a)};
    size_t errors = l->n_errors;
    dm_map_init(&d.tasks, l->a);
    dm_map_init(&d.groups, l->a);
    dag->arena = l->a;
    dag->file = source->file;
    dag->line = key->line;
    dag->dag_id = key->kind == DM_STRING ? dm_str_cstr(l->a, key->s) : NULL;
    if (key->kind != DM_STRING || !dm_dag_id_valid(key->s))
        draft_error(&d, key, BAD_ID, "Use letters, digits, -, _ and .; quote a number.",
                    key->kind == DM_STRING ? "\"%s\" is no dag_id" : "a dag_id must be a text",
                    dag->dag_id);
    d.config = resolve_map(&d, config, "a DAG");
    d.defaults = dm_dag_spans_of_v0(&d, resolve_map(&d, defaults, "default_args"), true);
    check_keys(&d);
    dag->description = text_key(&d, "description");
    dag->doc_md = text_key(&d, "doc_md");
    dag->catchup = bool_key(&d, "catchup", true);
    dag->native_templates = bool_key(&d, "render_template_as_native_obj", false);
    dag->fail_stop = bool_key(&d, "fail_stop", bool_key(&d, "fail_fast", false));
    dag->max_active_runs = int_key(&d, "max_active_runs", 16);
    dag->max_active_tasks = int_key(&d, "concurrency", int_key(&d, "max_active_tasks", 16));
    dag->max_consecutive_failed_dag_runs = int_key(&d, "max_consecutive_failed_dag_runs", 0);
    params(&d);
    rare(&d);
    dag->tags = tags(&d);
    timeout(&d);
    default_args(&d);
    dates(&d);
    schedule(&d);
    required_params(&d);
    dm_dag_check_defaults(&d);
    tasks(&d);
    dm_dag_map_tasks(&d);
    dm_dag_link(&d);
    dates_of_tasks(&d);
    dm_dag_finish_groups(&d);
    dag->files = d.files;
    return l->n_errors == errors ? dag : NULL;
}
