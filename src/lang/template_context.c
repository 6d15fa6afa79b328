/* Variables of a run in templates, as Airflow has them: dates, ti, dag_run, params, var, conn … */
#include "lang/template_record.h"
#include "lang/timetable.h"

enum what { DS, TS, DATE, DAY, NEIGHBOUR, TEXT, RECORD, OTHER };

static const struct variable {
    const char *name;
    enum what what;
} variables[] = {
#define DM_VARIABLE(name, what, doc) {name, what},
#include "lang/context.def"
#undef DM_VARIABLE
};

const char *const dm_context_names[] = {
#define DM_VARIABLE(name, what, doc) name,
#include "lang/context.def"
#undef DM_VARIABLE
    NULL,
};

enum { N_VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* --- dates --- */

static int formatted(struct dm_eval *e, int64_t us, const char *format, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_strftime(e, dm_value_time(e->a, us, NULL), dm_str_c(format), &b));
    return dm_new_text(e, &b, ret);
}

static int day_text(struct dm_eval *e, int64_t us, struct dm_str name, const struct dm_value **ret)
{
    return formatted(e, us, dm_str_ends(name, DM_STR("_nodash")) ? "%Y%m%d" : "%Y-%m-%d", ret);
}

static int iso(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    const char *fraction = dm_civil_from_us(e->c->logical_date).usec ? ".%f" : "";
    if (dm_str_is(name, "ts_nodash"))
        return formatted(e, e->c->logical_date, "%Y%m%dT%H%M%S", ret);
    if (dm_str_is(name, "ts"))
        return formatted(e, e->c->logical_date,
                         dm_arena_printf(e->a, "%%Y-%%m-%%dT%%H:%%M:%%S%s+00:00", fraction), ret);
    return formatted(e, e->c->logical_date,
                     dm_arena_printf(e->a, "%%Y%%m%%dT%%H%%M%%S%s+0000", fraction), ret);
}

static int64_t date_of(const struct dm_context *c, struct dm_str name)
{
    const struct {
        const char *name;
        int64_t us;
    } dates[] = {
        {"data_interval_start", c->interval_start},
        {"data_interval_end", c->interval_end},
        {"prev_data_interval_start_success", c->prev_interval_start_success},
        {"prev_data_interval_end_success", c->prev_interval_end_success},
        {"prev_execution_date_success", c->prev_interval_start_success},
        {"prev_start_date_success", c->prev_start_date_success},
        {"prev_end_date_success", c->prev_end_date_success},
    };
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        if (dm_str_is(name, dates[i].name))
            return dates[i].us;
    return c->logical_date;
}

/* The run before this one: the last of those that the schedule has in a window that grows. */
static int previous(struct dm_eval *e, int64_t *ret)
{
    static const int64_t windows[] = {2, 40, 400, 4000};
    const struct dm_context *c = e->c;
    *ret = DM_NEVER;
    if (dm_timetable_kind(c->timetable) == DM_TIMETABLE_DELTA) {
        *ret = c->logical_date - (c->interval_end - c->interval_start);
        return 0;
    }
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]) && *ret == DM_NEVER; i++) {
        struct dm_due *due;
        size_t n;
        DM_TRY(dm_timetable_range(e->a, c->timetable, c->logical_date - windows[i] * DM_DAY,
                                  c->logical_date - 1, &due, &n, e->err));
        if (n)
            *ret = due[n - 1].interval_start;
    }
    return 0;
}

static int following(struct dm_eval *e, int64_t *ret)
{
    const struct dm_context *c = e->c;
    struct dm_due last = {c->interval_start, c->interval_end, c->interval_end}, due;
    int rc = dm_timetable_next(c->timetable, &last, DM_NEVER, DM_NEVER, true, c->now, &due, e->err);
    if (rc < 0)
        return rc;
    *ret = rc ? due.interval_start : DM_NEVER;
    return 0;
}

/* A run that was started by hand has no neighbours: both are itself. */
static int neighbour(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    bool manual = !e->c->timetable || (e->c->run_type && strcmp(e->c->run_type, "manual") == 0);
    int64_t us = e->c->logical_date;
    if (!manual)
        DM_TRY(dm_eval_outside(e, dm_str_starts(name, DM_STR("prev")) ? previous(e, &us)
                                                                      : following(e, &us)));
    if (us == DM_NEVER)
        *ret = &dm_null;
    else if (dm_str_ends(name, DM_STR("execution_date")))
        *ret = dm_instant(e, us);
    else
        return day_text(e, us, name, ret);
    return 0;
}

/* --- the table --- */

static int other(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    if (dm_str_is(name, "params")) {
        *ret = e->c->params ? dm_own_copy(e, e->c->params) : dm_value_map(e->a);
    } else if (dm_str_is(name, "var")) {
        *ret = dm_variables(e);
    } else if (dm_str_is(name, "conn")) {
        *ret = dm_connections(e);
    } else if (dm_str_is(name, "macros")) {
        *ret = dm_macros_module(e);
    } else if (dm_str_is(name, "test_mode")) {
        *ret = &dm_false;
    } else if (dm_str_is(name, "inlets") || dm_str_is(name, "outlets")) {
        *ret = dm_value_list(e->a, 0);
    } else if (dm_str_starts(name, DM_STR("triggering_"))) {
        *ret = e->c->triggering ? dm_own_copy(e, e->c->triggering) : dm_value_map(e->a);
    } else if (dm_str_is(name, "conf")) {
        dm_eval_fail(e, DM_TE_SECURITY,
                     "conf is refused: there is no configuration of an Airflow installation");
        dm_err_hint(e->err, "The run's own configuration is dag_run.conf, or params.");
        return DM_E_PERMISSION;
    } else {
        *ret = &dm_null;
    }
    return 0;
}

static const char *of_callback(const struct dm_context *c, struct dm_str name)
{
    return dm_str_is(name, "exception") ? c->exception
           : dm_str_is(name, "reason")  ? c->reason
                                        : NULL;
}

static int make_text(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    if (dm_str_is(name, "run_id")) {
        *ret = dm_text_or_none(e, e->c->run_id);
        return 0;
    }
    const char *why = of_callback(e->c, name);
    if (why) {
        *ret = dm_text_or_none(e, why);
        return 0;
    }
    const struct dm_value *day;
    DM_TRY(formatted(e, e->c->logical_date, "%Y%m%d", &day));
    *ret = dm_str_value(
        e, dm_str_printf(e->a, "%s__%s__%.*s", e->c->dag_id, e->c->task_id, DM_FMT(day->s)));
    return 0;
}

static int make(struct dm_eval *e, const struct variable *v, const struct dm_value **ret)
{
    struct dm_str name = dm_str_c(v->name);
    int64_t step = dm_str_starts(name, DM_STR("tomorrow")) ? DM_DAY : -DM_DAY;
    switch (v->what) {
    case DS:
        return day_text(e, e->c->logical_date, name, ret);
    case TS:
        return iso(e, name, ret);
    case DATE:
        *ret = dm_instant(e, date_of(e->c, name));
        return 0;
    case DAY:
        return day_text(e, e->c->logical_date + step, name, ret);
    case NEIGHBOUR:
        return neighbour(e, name, ret);
    case TEXT:
        return make_text(e, name, ret);
    case RECORD:
        return dm_run_record(e, name, ret);
    case OTHER:
        return other(e, name, ret);
    }
    return 0;
}

static const struct variable *find(struct dm_str name)
{
    for (size_t i = 0; i < N_VARIABLES; i++)
        if (dm_str_is(name, variables[i].name))
            return &variables[i];
    return NULL;
}

bool dm_context_has(struct dm_str name)
{
    return find(name) != NULL;
}

int dm_context_variable(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    const struct dm_value *made = dm_map_get(&e->variables, name);
    if (made) {
        *ret = made;
        return 1;
    }
    const struct dm_value *more = e->c->more ? dm_map_get_str(e->c->more, name) : NULL;
    if (more) {
        *ret = dm_own_copy(e, more);
        return 1;
    }
    const struct variable *v = find(name);
    bool only_callbacks = dm_str_is(name, "exception") || dm_str_is(name, "reason");
    if (!v || (only_callbacks && !of_callback(e->c, name)))
        return 0;
    DM_TRY(make(e, v, ret));
    dm_map_put(&e->variables, dm_str_c(v->name), (void *)*ret);
    return 1;
}
