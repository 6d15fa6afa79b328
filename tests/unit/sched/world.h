/*
 * A world without processes for tests of the scheduler: DAGs made in memory, a store in a scratch folder, time that
 * jumps, and an executor that asks the test what became of each attempt.
 */
#ifndef T_WORLD_H
#define T_WORLD_H

#include "base/file.h"
#include "sched/tick.h"
#include "t.h"

struct t_task {
    const char *id;
    const char *upstream[8];
    enum dm_trigger_rule rule;
    int retries, priority;
    bool depends_on_past, wait_for_downstream;
    bool setup, teardown;
};

struct t_world {
    struct dm_arena arena;
    struct dm_store *store;
    struct dm_tick tick;
    struct dm_dag dag;
    char dir[64];
    int64_t now;
    int jobs;
    /* What becomes of an attempt; `error` is empty unless it is set. */
    struct dm_result (*outcome)(struct t_world *w, const struct dm_job *j);
    /* Which of the n attempts at work ends next; NULL = all of a turn end in the next one. */
    size_t (*next)(struct t_world *w, size_t n);
    /* After each turn, e.g. for invariants. */
    void (*check)(struct t_world *w, struct dm_job *const *running, size_t n);
    void *user;
    size_t attempts;
    bool driven; /* the tick of the last drive is still there, to be looked at */
};

#define T_EPOCH (INT64_C(1704067200) * DM_SEC) /* 2024-01-01 */

static inline size_t t_task_index(const struct dm_dag *dag, const char *id)
{
    for (size_t i = 0; i < dag->n_tasks; i++)
        if (strcmp(dag->tasks[i].task_id, id) == 0)
            return i;
    DM_BUG("no task %s", id);
}

static inline void t_edge(struct dm_dag *dag, struct dm_arena *a, size_t up, size_t down)
{
    struct dm_task *u = &dag->tasks[up], *d = &dag->tasks[down];
    if (!u->downstream)
        u->downstream = dm_arena_array(a, size_t, 64);
    if (!d->upstream)
        d->upstream = dm_arena_array(a, size_t, 64);
    u->downstream[u->n_downstream++] = down;
    d->upstream[d->n_upstream++] = up;
}

/* Tasks in topological order. */
static inline void t_dag(struct t_world *w, const struct t_task *tasks, size_t n)
{
    struct dm_arena *a = &w->arena;
    struct dm_dag *dag = &w->dag;
    struct dm_err err;
    *dag = (struct dm_dag){.arena = a,
                           .dag_id = "d",
                           .file = "d.yaml",
                           .schedule_text = "@daily",
                           .timezone = "UTC",
                           .start_date = T_EPOCH,
                           .end_date = DM_NEVER,
                           .catchup = true,
                           .max_active_runs = 16,
                           .max_active_tasks = 16,
                           .params = dm_value_map(a),
                           .files = dm_value_map(a),
                           .n_tasks = n};
    memset(dag->generation, 'a', 64);
    static const char *no_tags[] = {NULL};
    dag->tags = no_tags;
    dag->schedule = dm_value_cstr(a, "@daily");
    if (dm_timetable_parse(a, dag->schedule, "UTC", &dag->timetable, &err) < 0)
        DM_BUG("%s", err.message);
    dag->tasks = dm_arena_array(a, struct dm_task, n);
    for (size_t i = 0; i < n; i++) {
        dag->tasks[i] = (struct dm_task){
            .task_id = tasks[i].id,
            .operator_name = "empty",
            .args = dm_value_map(a),
            .params = dm_value_map(a),
            .trigger_rule = tasks[i].rule,
            .retries = tasks[i].retries,
            .retry_delay_us = DM_MIN,
            .depends_on_past = tasks[i].depends_on_past,
            .wait_for_downstream = tasks[i].wait_for_downstream,
            .is_setup = tasks[i].setup,
            .is_teardown = tasks[i].teardown,
            .ignore_first_depends_on_past = true,
            .priority_weight = tasks[i].priority ? tasks[i].priority : 1,
            .weight_rule = "downstream",
            .pool = "default_pool",
            .pool_slots = 1,
            .owner = "airflow",
            .start_date = DM_NEVER,
            .end_date = DM_NEVER,
        };
        for (size_t j = 0; j < 8 && tasks[i].upstream[j]; j++)
            t_edge(dag, a, t_task_index(dag, tasks[i].upstream[j]), i);
    }
}

static inline void t_must(int rc, const struct dm_err *err)
{
    if (rc < 0)
        DM_BUG("%s", err->message);
}

/* In a new scratch folder, or in one that is there. */
static inline void t_world_init(struct t_world *w, const char *dir)
{
    struct dm_err err;
    *w = (struct t_world){.now = T_EPOCH + 400 * DM_DAY, .jobs = 4};
    dm_arena_init(&w->arena);
    snprintf(w->dir, sizeof(w->dir), "%s", dir ? dir : "/tmp/dm-sched-XXXXXX");
    if (!dir && !mkdtemp(w->dir))
        DM_BUG("mkdtemp");
    t_must(dm_store_open(dm_arena_printf(&w->arena, "%s/state/daymill.db", w->dir), DM_STORE_WRITE,
                         &w->store, &err),
           &err);
}

static inline void t_end_drive(struct t_world *w)
{
    if (w->driven)
        dm_tick_release(&w->tick);
    w->driven = false;
}

static inline void t_world_close(struct t_world *w)
{
    t_end_drive(w);
    dm_store_close(w->store);
    dm_arena_release(&w->arena);
}

static inline void t_world_release(struct t_world *w)
{
    if (dm_remove_tree(w->dir, NULL) < 0)
        printf("# %s is left\n", w->dir);
    t_world_close(w);
}

/* Nothing more may be planned without new facts. */
static inline void t_check_quiet(struct t_world *w)
{
    _cleanup_arena_ struct dm_arena a = {0};
    for (int stage = 0; stage < DM_STAGE_COUNT; stage++) {
        struct dm_plan again =
            dm_plan(&a, w->now, &w->tick.snap, &w->tick.limits, (enum dm_stage)stage);
        T_INT(again.n_actions, 0);
    }
}

static inline void t_turn(struct t_world *w, struct dm_job **running, size_t *n, size_t n_end)
{
    struct dm_err err;
    t_must(dm_tick_begin(&w->tick, w->now, false, &err), &err);
    for (size_t i = 0; i < n_end; i++) {
        size_t at = w->next ? w->next(w, *n) : 0;
        struct dm_job *j = running[at];
        memmove(&running[at], &running[at + 1], (*n - at - 1) * sizeof(*running));
        (*n)--;
        struct dm_job_end end = {.result = w->outcome(w, j)};
        t_must(dm_tick_ended(&w->tick, j, &end, &err), &err);
    }
    t_must(dm_tick_plan(&w->tick, &err), &err);
    t_must(dm_tick_commit(&w->tick, &err), &err);
    t_check_quiet(w);
}

/* New jobs have their process at once. */
static inline void t_start(struct t_world *w, struct dm_job **running, size_t *n)
{
    struct dm_err err;
    size_t n_jobs = w->tick.n_jobs;
    struct dm_job *jobs[256];
    if (n_jobs == 0)
        return;
    memcpy(jobs, w->tick.jobs, n_jobs * sizeof(*jobs));
    t_must(dm_tick_begin(&w->tick, w->now, false, &err), &err);
    for (size_t i = 0; i < n_jobs; i++) {
        t_must(dm_tick_started(&w->tick, jobs[i], 1, 1, &err), &err);
        running[(*n)++] = jobs[i];
        w->attempts++;
    }
    t_must(dm_tick_commit(&w->tick, &err), &err);
}

/* Drives until nothing can move any more. */
static inline void t_drive(struct t_world *w, const struct dm_drive *d)
{
    struct dm_job *running[256];
    struct dm_day *days;
    size_t n = 0, n_days = 0, outside;
    struct dm_err err;
    int64_t backfill;
    t_end_drive(w);
    dm_tick_init(&w->tick, w->store, w->jobs);
    w->driven = true;
    t_must(dm_drive_days(&w->arena, w->store, d, &days, &n_days, &outside, &err), &err);
    t_must(dm_tick_begin(&w->tick, w->now, false, &err), &err);
    t_must(dm_tick_take_drive(&w->tick, d, days, n_days, &backfill, &err), &err);
    t_must(dm_tick_commit(&w->tick, &err), &err);
    for (int turns = 0; turns < 100000; turns++) {
        t_turn(w, running, &n, w->next ? n > 0 : n);
        t_start(w, running, &n);
        if (w->check)
            w->check(w, running, n);
        if (n == 0 && w->tick.wake_at == DM_NEVER)
            break;
        w->now = n == 0 ? w->tick.wake_at : w->now + DM_SEC;
    }
    t_must(dm_tick_begin(&w->tick, w->now, false, &err), &err);
    t_must(dm_tick_park(&w->tick, &err), &err);
    t_must(dm_tick_commit(&w->tick, &err), &err);
}

/* State of a task on a day (counted from 0), and its tries. */
static inline enum dm_task_state t_state(struct t_world *w, int day, const char *task, int *ret_try)
{
    struct dm_run_row run;
    struct dm_task_row *rows;
    size_t n;
    struct dm_err err;
    int found =
        dm_store_run_at(w->store, &w->arena, w->dag.dag_id, T_EPOCH + day * DM_DAY, &run, &err);
    t_must(found, &err);
    *ret_try = 0;
    if (!found)
        return DM_TASK_NONE;
    t_must(dm_store_tasks(w->store, &w->arena, run.id, &rows, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].task_id, task) == 0) {
            *ret_try = rows[i].try_number;
            return rows[i].state;
        }
    return DM_TASK_NONE;
}

/* "queued", "success" …; "" where the day has no run. */
static inline const char *t_run_state(struct t_world *w, int day)
{
    struct dm_run_row run;
    struct dm_err err;
    int found =
        dm_store_run_at(w->store, &w->arena, w->dag.dag_id, T_EPOCH + day * DM_DAY, &run, &err);
    t_must(found, &err);
    return found ? dm_run_state_name(run.state) : "";
}

#endif
