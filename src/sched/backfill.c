/* Which days a command does. */
#include "sched/backfill.h"

#include "base/file.h"
#include "base/map.h"
#include "conn/input.h"

const char dm_rerun_choices[] = "missing|failed|stale|all|none|completed";

int dm_rerun_parse(struct dm_str name)
{
    static const struct {
        const char *name;
        enum dm_rerun rerun;
    } names[] = {
        {"missing", DM_RERUN_MISSING}, {"none", DM_RERUN_MISSING}, {"failed", DM_RERUN_FAILED},
        {"stale", DM_RERUN_STALE},     {"all", DM_RERUN_ALL},      {"completed", DM_RERUN_ALL},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (dm_str_is(name, names[i].name))
            return (int)names[i].rerun;
    return -1;
}

const char *dm_rerun_name(enum dm_rerun rerun)
{
    static const char *const names[] = {"missing", "failed", "stale", "all"};
    return names[rerun];
}

static const char *const action_names[] = {"keep", "create", "resume", "rerun"};

const char *dm_day_action_name(enum dm_day_action action)
{
    return action_names[action];
}

int dm_day_action_parse(struct dm_str name)
{
    for (int i = 0; i < (int)(sizeof(action_names) / sizeof(action_names[0])); i++)
        if (dm_str_is(name, action_names[i]))
            return i;
    return -1;
}

const char *dm_day_is_name(enum dm_day_is is)
{
    static const char *const names[] = {"missing", "interrupted", "failed", "stale", "good"};
    return names[is];
}

/* ---- inputs ---- */

/* What the days read, in their order, and what became of these files. */
struct inputs {
    struct dm_arena *arena;
    const char *dir;
    struct dm_input_row *rows;
    size_t n, at;
    struct dm_map now; /* source -> identity; "" = gone */
};

static const char *identity_now(struct inputs *in, const char *source)
{
    const char *known = dm_map_get(&in->now, dm_str_c(source));
    if (!known) {
        known = dm_input_identity(in->arena, dm_path_join(in->arena, in->dir, source), DM_NEVER);
        dm_map_put(&in->now, dm_str_c(source), (void *)(known ? known : ""));
        known = known ? known : "";
    }
    return known;
}

/* "input changed: data/x.csv and 2 more", or NULL.  Days are asked for in their order. */
static const char *changed_input(struct inputs *in, int64_t logical_date)
{
    const char *first = NULL;
    size_t n = 0;
    while (in->at < in->n && in->rows[in->at].logical_date < logical_date)
        in->at++;
    for (; in->at < in->n && in->rows[in->at].logical_date == logical_date; in->at++) {
        const struct dm_input_row *row = &in->rows[in->at];
        const char *now = identity_now(in, row->source);
        if (!*now || strcmp(now, row->identity) == 0)
            continue;
        first = first ? first : row->source;
        n++;
    }
    if (n > 1)
        return dm_arena_printf(in->arena, "input changed: %s and %zu more", first, n - 1);
    return first ? dm_arena_printf(in->arena, "input changed: %s", first) : NULL;
}

/* ---- days ---- */

/* Why a run that succeeded is not what it would be now; NULL = it is. */
static const char *why_stale(const struct dm_drive *d, struct inputs *in,
                             const struct dm_run_row *run)
{
    if (strcmp(run->generation, d->dag->generation) != 0)
        return "generation changed";
    return changed_input(in, run->logical_date);
}

static void choose(struct dm_arena *a, const struct dm_drive *d, struct inputs *in,
                   const struct dm_run_row *run, struct dm_day *day)
{
    char date[DM_TIME_MAX];
    const char *stale = NULL;
    if (!run) {
        day->is = DM_DAY_MISSING;
        day->action = DM_DAY_CREATE;
        day->run_id =
            dm_arena_printf(a, "%s__%s", d->run_type, dm_time_iso(day->logical_date, date));
        day->why = "no run yet";
        return;
    }
    day->run = run->id;
    day->run_id = run->run_id;
    day->state = run->state;
    if (run->state == DM_RUN_SUCCESS)
        stale = why_stale(d, in, run);
    day->is = !dm_run_finished(run->state)  ? DM_DAY_INTERRUPTED
              : run->state == DM_RUN_FAILED ? DM_DAY_FAILED
              : stale                       ? DM_DAY_STALE
                                            : DM_DAY_GOOD;
    if (d->only_task) {
        day->action = DM_DAY_RESUME;
        day->why = "one task";
    } else if (d->rerun == DM_RERUN_ALL) {
        day->action = DM_DAY_RERUN;
        day->why = "every day";
    } else if (!dm_run_finished(run->state)) {
        day->action = DM_DAY_RESUME;
        day->why = run->started_at == DM_NEVER ? "not started" : "interrupted";
    } else if (run->state == DM_RUN_FAILED && d->rerun != DM_RERUN_MISSING) {
        day->action = DM_DAY_RERUN;
        day->why = "failed";
    } else if (stale && d->rerun == DM_RERUN_STALE) {
        day->action = DM_DAY_RERUN;
        day->why = stale;
    } else {
        day->action = DM_DAY_KEEP;
        day->why = stale ? stale : dm_run_state_name(run->state);
    }
}

/* The interval of a logical date that the command names itself: the schedule's where it has that date. */
static int exact_day(struct dm_arena *a, const struct dm_drive *d, struct dm_due **ret,
                     size_t *ret_n, struct dm_err *reterr)
{
    size_t n = 0;
    DM_TRY(dm_timetable_range(a, d->dag->timetable, d->from, d->from, ret, &n, reterr));
    if (n == 0) {
        *ret = dm_arena_new(a, struct dm_due);
        DM_TRY(dm_timetable_manual(d->dag->timetable, d->from, *ret, reterr));
    }
    *ret_n = 1;
    return 0;
}

int dm_drive_days(struct dm_arena *a, struct dm_store *s, const struct dm_drive *d,
                  struct dm_day **ret, size_t *ret_n, size_t *ret_outside, struct dm_err *reterr)
{
    struct dm_due *dues = NULL;
    struct dm_run_row *runs = NULL;
    size_t n_dues = 0, n_runs = 0, n = 0, at = 0, outside = 0;
    if (d->exact)
        DM_TRY(exact_day(a, d, &dues, &n_dues, reterr));
    else
        DM_TRY(dm_timetable_range(a, d->dag->timetable, d->from, d->to, &dues, &n_dues, reterr));
    struct dm_run_filter filter = DM_RUN_FILTER_ALL;
    filter.dag_id = d->dag->dag_id;
    filter.from = d->from;
    filter.to = d->to;
    DM_TRY(dm_store_runs(s, a, &filter, &runs, &n_runs, reterr));
    struct inputs in = {.arena = a, .dir = d->inputs_dir};
    dm_map_init(&in.now, a);
    if (d->inputs_dir)
        DM_TRY(dm_store_inputs(s, a, d->dag->dag_id, d->from, d->to, &in.rows, &in.n, reterr));

    struct dm_day *days = dm_arena_array(a, struct dm_day, n_dues + 1);
    for (size_t i = 0; i < n_dues; i++) {
        int64_t logical = d->exact ? d->from : dues[i].interval_start;
        bool before = d->dag->start_date != DM_NEVER && logical < d->dag->start_date;
        bool after = d->dag->end_date != DM_NEVER && logical > d->dag->end_date;
        if (!d->exact && (before || after)) {
            outside++;
            continue;
        }
        while (at < n_runs && runs[at].logical_date < logical)
            at++;
        struct dm_day *day = &days[n++];
        day->logical_date = logical;
        day->due = dues[i];
        choose(a, d, &in, at < n_runs && runs[at].logical_date == logical ? &runs[at] : NULL, day);
    }
    *ret = days;
    *ret_n = n;
    *ret_outside = outside;
    return 0;
}
