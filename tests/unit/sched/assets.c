/* Runs by assets: plan, tick and store together, without processes. */
#include "sched/trigger.h"
#include "state/asset.h"
#include "state/memory.h"
#include "world.h"

/* Two DAGs that change `a` and `b`, and one that waits. */
struct scene {
    struct t_world w;
    struct dm_dag makers[2], waits;
    struct dm_job *running[256];
    size_t n;
    int triggered;
};

static const struct dm_value *parse(struct scene *s, const char *json)
{
    struct dm_value *v;
    struct dm_err err;
    t_must(dm_value_from_json(&s->w.arena, dm_str_c(json), &v, &err), &err);
    return v;
}

static struct dm_result success(struct t_world *w, const struct dm_job *j)
{
    return (struct dm_result){.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
}

static void make_dag(struct scene *s, struct dm_dag *ret, const char *id, const char *schedule,
                     const char *outlets, char generation)
{
    struct t_task task = {.id = "t"};
    struct dm_err err;
    t_dag(&s->w, &task, 1);
    *ret = s->w.dag;
    ret->dag_id = id;
    ret->schedule = parse(s, schedule);
    ret->tasks[0].outlets = outlets ? parse(s, outlets) : NULL;
    memset(ret->generation, generation, 64);
    t_must(dm_timetable_parse(&s->w.arena, ret->schedule, "UTC", &ret->timetable, &err), &err);
}

static void begin(struct scene *s)
{
    struct dm_err err;
    t_must(dm_tick_begin(&s->w.tick, s->w.now, false, &err), &err);
}

static void commit(struct scene *s)
{
    struct dm_err err;
    t_must(dm_tick_commit(&s->w.tick, &err), &err);
}

static void set(struct scene *s, const struct dm_dag *dag)
{
    struct dm_err err;
    struct dm_dag_ref *ref = dm_dag_ref_new(dag);
    t_must(dm_tick_set_dag(&s->w.tick, dag->dag_id, ref, false, &err), &err);
    dm_dag_ref_unref(ref);
}

/* A scheduler starts. */
static void start(struct scene *s)
{
    struct dm_err err;
    dm_tick_init(&s->w.tick, s->w.store, 8);
    s->w.tick.limits.schedules = true;
    s->w.driven = true;
    s->n = 0;
    begin(s);
    set(s, &s->makers[0]);
    set(s, &s->makers[1]);
    set(s, &s->waits);
    t_must(dm_tick_load_runs(&s->w.tick, &err), &err);
    t_must(dm_tick_load_assets(&s->w.tick, &err), &err);
    commit(s);
}

static void open_scene(struct scene *s, const char *schedule)
{
    memset(s, 0, sizeof(*s));
    t_world_init(&s->w, NULL);
    s->w.outcome = success;
    make_dag(s, &s->makers[0], "make_a", "null", "[\"a\"]", 'a');
    make_dag(s, &s->makers[1], "make_b", "null", "[{\"__type__\": \"Asset\", \"uri\": \"b\"}]",
             'b');
    make_dag(s, &s->waits, "waits", schedule, NULL, 'c');
    s->waits.catchup = false;
    start(s);
}

/* Everything that can happen now happens; each turn is a second. */
static void settle(struct scene *s)
{
    do {
        t_turn(&s->w, s->running, &s->n, s->n);
        t_start(&s->w, s->running, &s->n);
        s->w.now += DM_SEC;
    } while (s->n > 0);
}

static void change(struct scene *s, int maker)
{
    struct dm_trigger what = {.dag_id = s->makers[maker].dag_id,
                              .logical_date = T_EPOCH + s->triggered++ * DM_HOUR};
    struct dm_trigger_answer answer;
    struct dm_err err;
    begin(s);
    t_must(dm_tick_trigger(&s->w.tick, &what, &answer, &err), &err);
    commit(s);
    settle(s);
}

static size_t runs(struct scene *s, struct dm_run_row **ret)
{
    struct dm_run_filter f = DM_RUN_FILTER_ALL;
    struct dm_err err;
    size_t n;
    f.dag_id = "waits";
    t_must(dm_store_runs(s->w.store, &s->w.arena, &f, ret, &n, &err), &err);
    return n;
}

static size_t queued(struct scene *s)
{
    struct dm_asset_queue_row *rows;
    struct dm_err err;
    size_t n;
    t_must(dm_store_asset_queue(s->w.store, &s->w.arena, "waits", &rows, &n, &err), &err);
    return n;
}

static void pause_it(struct scene *s, bool paused)
{
    struct dm_err err;
    begin(s);
    t_must(dm_tick_pause_dag(&s->w.tick, "waits", paused, &err), &err);
    commit(s);
    settle(s);
}

#define A "{\"__type__\": \"Asset\", \"uri\": \"a\"}"
#define B "{\"__type__\": \"Asset\", \"uri\": \"b\"}"
static const char both[] = "{\"__type__\": \"AssetAll\", \"objects\": [" A ", " B "]}";

static void a_run_is_made_when_the_condition_holds(void)
{
    struct scene s;
    struct dm_run_row *rows;
    struct dm_asset_event_row *events;
    struct dm_err err;
    size_t n;
    open_scene(&s, both);
    change(&s, 0);
    change(&s, 0);
    T_INT(runs(&s, &rows), 0);
    T_INT(queued(&s), 1);
    int64_t before = s.w.now;
    change(&s, 1);
    T_INT(runs(&s, &rows), 1);
    T_INT(queued(&s), 0);
    T_STR(rows[0].run_type, "dataset_triggered");
    T_HAS(rows[0].run_id, "dataset_triggered__2025-");
    T_OK(rows[0].logical_date >= before); /* the time of the last that was missing */
    T_INT(rows[0].interval_start, T_EPOCH);
    T_INT(rows[0].interval_end, T_EPOCH + 2 * DM_HOUR);
    T_INT(rows[0].state, DM_RUN_SUCCESS);
    t_must(dm_store_run_asset_events(s.w.store, &s.w.arena, rows[0].id, 0, &events, &n, &err),
           &err);
    T_INT(n, 3);
    T_STR(events[2].uri, "b");
    T_STR(events[2].dag_id, "make_b");
    /* What was used up does not count again. */
    change(&s, 1);
    T_INT(runs(&s, &rows), 1);
    change(&s, 0);
    T_INT(runs(&s, &rows), 2);
    t_must(dm_store_run_asset_events(s.w.store, &s.w.arena, rows[1].id, 0, &events, &n, &err),
           &err);
    T_INT(n, 2);
    T_INT(rows[1].interval_start, T_EPOCH + 3 * DM_HOUR);
    t_world_release(&s.w);
}

static void a_paused_dag_is_not_queued(void)
{
    struct scene s;
    struct dm_run_row *rows;
    open_scene(&s, A);
    pause_it(&s, true);
    change(&s, 0);
    T_INT(queued(&s), 0);
    pause_it(&s, false);
    T_INT(runs(&s, &rows), 0);
    change(&s, 0);
    T_INT(runs(&s, &rows), 1);
    t_world_release(&s.w);
}

static void runs_wait_for_room(void)
{
    struct scene s;
    struct dm_run_row *rows;
    struct dm_err err;
    open_scene(&s, A);
    s.waits.max_active_runs = 1;
    pause_it(&s, false);
    struct dm_trigger what = {.dag_id = "waits", .logical_date = T_EPOCH};
    struct dm_trigger_answer answer;
    begin(&s);
    t_must(dm_tick_trigger(&s.w.tick, &what, &answer, &err), &err);
    commit(&s);
    t_turn(&s.w, s.running, &s.n, 0);
    t_start(&s.w, s.running, &s.n);
    T_INT(s.n, 1); /* the manual run is at work, and stays there */
    what.dag_id = "make_a";
    begin(&s);
    t_must(dm_tick_trigger(&s.w.tick, &what, &answer, &err), &err);
    commit(&s);
    t_turn(&s.w, s.running, &s.n, 0);
    t_start(&s.w, s.running, &s.n);
    struct dm_job *first = s.running[0];
    s.running[0] = s.running[1];
    s.running[1] = first;
    t_turn(&s.w, s.running, &s.n, 1); /* `a` has changed */
    T_INT(queued(&s), 1);
    T_INT(runs(&s, &rows), 1);
    settle(&s);
    T_INT(runs(&s, &rows), 2);
    T_INT(queued(&s), 0);
    t_world_release(&s.w);
}

static void a_restart_forgets_nothing(void)
{
    struct scene s;
    struct dm_run_row *rows;
    struct dm_err err;
    open_scene(&s, both);
    change(&s, 0);
    t_end_drive(&s.w);
    /* A command: it knows no DAG that waits. */
    t_must(dm_store_begin(s.w.store, false, &err), &err);
    t_must(dm_record_asset_event(s.w.store, "b", 1, 1, false, s.w.now, &err), &err);
    t_must(dm_store_commit(s.w.store, &err), &err);
    start(&s);
    settle(&s);
    T_INT(runs(&s, &rows), 1);
    t_end_drive(&s.w);
    start(&s);
    settle(&s);
    T_INT(runs(&s, &rows), 1);
    /* Another schedule: what it no longer waits for is forgotten. */
    change(&s, 1);
    T_INT(queued(&s), 1);
    make_dag(&s, &s.waits, "waits", A, NULL, 'd');
    begin(&s);
    set(&s, &s.waits);
    commit(&s);
    T_INT(queued(&s), 0);
    change(&s, 0);
    T_INT(runs(&s, &rows), 2);
    t_world_release(&s.w);
}

static void time_and_assets_both_make_runs(void)
{
    struct scene s;
    struct dm_run_row *rows;
    open_scene(&s, "{\"__type__\": \"AssetOrTimeSchedule\", \"timetable\": \"@daily\","
                   " \"assets\": {\"__type__\": \"AssetAll\", \"objects\": [" A "]}}");
    settle(&s);
    T_INT(runs(&s, &rows), 1);
    T_STR(rows[0].run_type, "scheduled");
    change(&s, 0);
    T_INT(runs(&s, &rows), 2);
    T_STR(rows[1].run_type, "dataset_triggered");
    s.w.now += DM_DAY;
    settle(&s);
    T_INT(runs(&s, &rows), 3);
    T_INT(rows[1].logical_date, rows[0].logical_date + DM_DAY); /* the dates of time go on */
    t_world_release(&s.w);
}

T_MAIN(T_CASE(a_run_is_made_when_the_condition_holds), T_CASE(a_paused_dag_is_not_queued),
       T_CASE(runs_wait_for_room), T_CASE(a_restart_forgets_nothing),
       T_CASE(time_and_assets_both_make_runs))
