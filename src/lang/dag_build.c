/*
 * A DAG from its map: the keys of the DAG itself; its tasks are dag_task.c's.  Goes on after a mistake, so that one
 * load shows them all; a DAG with mistakes is not made.
 */
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
        if (k < N_KEYS && keys[k].effect == WORKS)
            continue;
        if (k < N_KEYS && keys[k].effect == NONE) {
            draft_warning(d, key, NO_EFFECT, NULL, "\"%s\" has no effect (%s)", keys[k].name,
                          keys[k].doc);
        } else if (k < N_KEYS) {
            draft_error(d, key, UNSUPPORTED_KEY, NULL, "\"%s\" is not supported (%s)", keys[k].name,
                        keys[k].doc);
        } else {
            /* dag-factory ignores what it does not know; a name one letter off is a mistake all the same. */
            const char *hint = dm_did_you_mean(d->loader->a, name, names);
            dm_diag_report(d->loader, draft_at(d, key), hint == NULL, DM_DIAG_UNKNOWN_KEY, hint,
                           "a DAG has no key \"%.*s\"%s", DM_FMT(name),
                           hint ? "" : "; it is ignored");
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
    if (v && v->kind != DM_DELTA && v->kind != DM_MAP)
        draft_error(d, v, SCHEMA, "Write {__type__: datetime.timedelta, minutes: 20}.",
                    "dagrun_timeout must be a timedelta, not a %s", dm_kind_name(v->kind));
    else if ((v || (v = sec)) && dm_span_parse(v, &us, &err) < 0)
        draft_error(d, v, SCHEMA, NULL, "dagrun_timeout: %s", err.message);
    if (us < 0)
        draft_error(d, v, SCHEMA, NULL, "dagrun_timeout must not be negative");
    d->dag->dagrun_timeout_us = us;
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
    if (zone && zone->kind != DM_STRING) {
        draft_error(d, zone, BAD_TIMEZONE, NULL, "timezone must be a name such as Europe/London");
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
                                end_zone && end_zone->kind == DM_STRING &&
                                        !dm_str_ieq(end_zone->s, DM_STR("utc"))
                                    ? dm_str_cstr(d->loader->a, end_zone->s)
                                    : "UTC");
    bool scheduled = given(d, "schedule") || given(d, "schedule_interval") || given(d, "timetable");
    if (scheduled && (!start || start->kind == DM_NULL))
        draft_error(d, d->config, MISSING_START_DATE, "Write start_date: 2024-01-31.",
                    "the DAG \"%s\" has no start_date", dag->dag_id);
    if (dag->start_date != DM_NEVER && dag->end_date != DM_NEVER && dag->end_date < dag->start_date)
        draft_warning(d, end, SCHEMA, NULL, "end_date is before start_date: there will be no run");
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

static void schedule(struct dm_dag_draft *d)
{
    struct dm_dag *dag = d->dag;
    struct dm_err err;
    int64_t tick;
    const struct dm_value *v = given(d, "schedule"), *timetable = given(d, "timetable");
    v = v ? v : given(d, "schedule_interval");
    v = v ? v : &dm_null;
    if (timetable && timetable->kind == DM_MAP && v->kind == DM_NULL)
        v = timetable;
    dag->schedule_text = shown(d->loader->a, v);
    if (timetable && timetable->kind == DM_STRING && dm_str_is(timetable->s, "trigger"))
        v = as_trigger(d, v);
    else if (timetable && timetable != v &&
             !(timetable->kind == DM_STRING && dm_str_is(timetable->s, "interval")))
        draft_error(d, timetable, UNSUPPORTED_KEY, NULL, "timetable must be interval or trigger");
    dag->schedule = v;
    if (v->kind == DM_INT || v->kind == DM_FLOAT || v->kind == DM_LIST ||
        (v->kind == DM_MAP && !dm_map_at(v, "__type__"))) {
        draft_error(d, v, BAD_SCHEDULE,
                    v->kind == DM_LIST || v->kind == DM_MAP
                        ? "Schedules by datasets are not there yet."
                        : "Write {__type__: datetime.timedelta, seconds: 30} for a period.",
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

static void tasks(struct dm_dag_draft *d)
{
    const struct dm_value *v = dm_map_at(d->config, "tasks"), *groups = given(d, "task_groups");
    if (groups &&
        (groups->kind == DM_LIST ? groups->list.n : groups->kind != DM_MAP || groups->map.n))
        draft_error(d, groups, UNSUPPORTED_KEY, "Put the tasks side by side under tasks.",
                    "groups of tasks are not there yet");
    if (!v) {
        draft_warning(d, d->config, MISSING_KEY, NULL, "the DAG \"%s\" has no tasks",
                      d->dag->dag_id);
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

const struct dm_value *dm_dag_params(struct dm_dag_draft *d, const struct dm_value *params)
{
    struct dm_arena *a = d->loader->a;
    struct dm_value *out = dm_value_map(a);
    out->line = params->line;
    out->col = params->col;
    for (size_t i = 0; i < params->map.n; i++) {
        const struct dm_value *v = params->map.pairs[i].value, *name = params->map.pairs[i].key;
        if (v->kind == DM_MAP && dm_str_ends(dm_map_str(v, "__type__", ""), DM_STR("Param"))) {
            if (!dm_map_at(v, "default"))
                draft_error(d, v, SCHEMA, "Add default: to it.", "the param \"%.*s\" has no value",
                            DM_FMT(name->kind == DM_STRING ? name->s : DM_STR("")));
            v = dm_map_at(v, "default");
        }
        dm_map_set_value(a, out, name, v ? v : &dm_null);
    }
    return out;
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
    dag->arena = l->a;
    dag->file = source->file;
    dag->line = key->line;
    dag->dag_id = key->kind == DM_STRING ? dm_str_cstr(l->a, key->s) : NULL;
    if (key->kind != DM_STRING || !dm_dag_id_valid(key->s))
        draft_error(&d, key, BAD_ID, "Use letters, digits, -, _ and .; quote a number.",
                    key->kind == DM_STRING ? "\"%s\" is no dag_id" : "a dag_id must be a text",
                    dag->dag_id);
    check_keys(&d);
    dag->description = text_key(&d, "description");
    dag->doc_md = text_key(&d, "doc_md");
    dag->catchup = bool_key(&d, "catchup", true);
    dag->native_templates = bool_key(&d, "render_template_as_native_obj", false);
    dag->fail_stop = bool_key(&d, "fail_stop", bool_key(&d, "fail_fast", false));
    dag->max_active_runs = int_key(&d, "max_active_runs", 16);
    dag->max_active_tasks = int_key(&d, "max_active_tasks", int_key(&d, "concurrency", 16));
    dag->params = dm_dag_params(&d, map_key(&d, "params"));
    dag->tags = tags(&d);
    timeout(&d);
    dates(&d);
    schedule(&d);
    dm_dag_check_defaults(&d);
    tasks(&d);
    dm_dag_link(&d);
    dag->files = d.files;
    return l->n_errors == errors ? dag : NULL;
}
