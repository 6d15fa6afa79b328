/*
 * The plan and the store together, without processes: random DAGs with random outcomes in a random order of endings.
 * (Airflow's own runs: tests/golden/runs.c.)
 */
#include "base/rng.h"
#include "sched/callback.h"
#include "world.h"

/* ---- random worlds ---- */

/* Any task may decide what of the tasks behind it goes on. */
static const struct dm_value *random_decision(struct t_world *w, const struct dm_job *j)
{
    struct dm_rng *r = w->user;
    struct dm_arena *a = &w->arena;
    const struct dm_task *def = j->task->def;
    struct dm_value *map = dm_value_map(a), *ids = dm_value_list(a, 0);
    if (dm_rng_chance(r, 400)) {
        dm_map_set(a, map, "skip", dm_value_cstr(a, dm_rng_chance(r, 500) ? "all" : "direct"));
        return map;
    }
    for (size_t i = 0; i < def->n_downstream; i++)
        if (dm_rng_chance(r, 500))
            dm_list_add(a, ids, dm_value_cstr(a, w->dag.tasks[def->downstream[i]].task_id));
    dm_map_set(a, map, "follow", ids);
    return map;
}

static struct dm_result random_outcome(struct t_world *w, const struct dm_job *j)
{
    struct dm_rng *r = w->user;
    struct dm_result result = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    if (j->callback) {
        if (dm_rng_chance(r, 300))
            result.state = DM_RESULT_FAILED;
        return result;
    }
    if (dm_rng_chance(r, 150))
        result.decision = random_decision(w, j);
    if (dm_rng_chance(r, 900)) {
        static const char *const values[] = {"[]", "[1]", "[1, 2, 3]", "{\"a\": 1, \"b\": 2}"};
        struct dm_err err;
        t_must(dm_record_xcom(w->store, j->task->row.id, j->attempt, DM_STR("return_value"),
                              dm_str_c(values[dm_rng_below(r, 4)]), w->now, &err),
               &err);
    }
    uint64_t dice = dm_rng_below(r, 20);
    if (dice < 3) {
        result.state = DM_RESULT_FAILED;
        result.retry = dm_rng_chance(r, 700);
        dm_err_set(&result.error, DM_E_TASK, "it failed");
    } else if (dice == 3) {
        result.state = DM_RESULT_SKIPPED;
    } else if (dice == 4) {
        result.state = DM_RESULT_RESCHEDULE;
        result.until_time = w->now + DM_MIN;
    }
    return result;
}

static size_t random_next(struct t_world *w, size_t n)
{
    return dm_rng_below(w->user, n);
}

/* Callbacks of one task instance, or of one run. */
static bool same_subject(const struct dm_job *a, const struct dm_job *b)
{
    return a->callback && b->callback && a->callback->row.run == b->callback->row.run &&
           a->callback->row.task == b->callback->row.task;
}

static void check_slots(struct t_world *w, struct dm_job *const *running, size_t n)
{
    int slots = 0;
    size_t callbacks = 0;
    for (size_t i = 0; i < n; i++) {
        callbacks += running[i]->callback != NULL;
        slots += !running[i]->callback && strcmp(running[i]->task->def->pool, "narrow") == 0
                     ? running[i]->task->def->pool_slots
                     : 0;
    }
    T_OK(slots <= 2);
    T_OK(n - callbacks <= (size_t)w->jobs);
    T_OK(callbacks <= DM_CALLBACKS_AT_ONCE);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            T_OK(running[i]->task != running[j]->task && !same_subject(running[i], running[j]));
}

/* Over a list, or over the result of a task before it, or over both. */
static const struct dm_value *random_mapping(struct t_world *w, struct dm_rng *r,
                                             const struct dm_task *t)
{
    struct dm_arena *a = &w->arena;
    struct dm_value *map = dm_value_map(a), *list = dm_value_list(a, 0);
    bool result = t->n_upstream && dm_rng_chance(r, 600);
    for (uint64_t n = dm_rng_below(r, 4); n > 0; n--)
        dm_list_add(a, list, &dm_true);
    if (result) {
        struct dm_value *x = dm_value_map(a);
        size_t of = t->upstream[dm_rng_below(r, t->n_upstream)];
        dm_map_set(a, x, "__type__", dm_value_cstr(a, "XComArg"));
        dm_map_set(a, x, "task_id", dm_value_cstr(a, w->dag.tasks[of].task_id));
        dm_map_set(a, map, "result", x);
    }
    if (!result || dm_rng_chance(r, 300))
        dm_map_set(a, map, "list", list);
    return map;
}

static struct dm_callback *random_callbacks(struct t_world *w, struct dm_rng *r, bool of_dag,
                                            size_t *ret_n)
{
    struct dm_callback *list = dm_arena_array(&w->arena, struct dm_callback, 2 * DM_ON_COUNT);
    *ret_n = 0;
    for (int on = 0; on < DM_ON_COUNT; on++)
        for (uint64_t n = dm_rng_below(r, 3); n > 0; n--)
            if (!of_dag || on == DM_ON_SUCCESS || on == DM_ON_FAILURE)
                list[(*ret_n)++] = (struct dm_callback){
                    .on = (enum dm_callback_on)on, .operator_name = "empty", .args = w->dag.params};
    return list;
}

static void random_dag(struct t_world *w, struct dm_rng *r)
{
    static const char *const names[] = {"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"};
    struct t_task tasks[8] = {0};
    size_t n = 1 + dm_rng_below(r, 8);
    for (size_t i = 0; i < n; i++) {
        size_t n_up = 0;
        tasks[i].id = names[i];
        for (size_t j = 0; j < i; j++)
            if (dm_rng_chance(r, 350))
                tasks[i].upstream[n_up++] = names[j];
        if (dm_rng_chance(r, 300))
            tasks[i].rule = (enum dm_trigger_rule)dm_rng_below(r, DM_RULE_COUNT);
        tasks[i].retries = (int)dm_rng_below(r, 3);
        tasks[i].depends_on_past = dm_rng_chance(r, 250);
        tasks[i].wait_for_downstream = dm_rng_chance(r, 100);
        tasks[i].setup = dm_rng_chance(r, 150);
        tasks[i].teardown = !tasks[i].setup && n_up > 0 && dm_rng_chance(r, 150);
        if (tasks[i].teardown)
            tasks[i].rule = DM_RULE_ALL_DONE_SETUP_SUCCESS;
    }
    t_dag(w, tasks, n);
    for (size_t i = 0; i < n; i++)
        if (dm_rng_chance(r, 250))
            w->dag.tasks[i].expand = random_mapping(w, r, &w->dag.tasks[i]);
    for (size_t i = 0; i < n; i++)
        if (dm_rng_chance(r, 200))
            w->dag.tasks[i].callbacks = random_callbacks(w, r, false, &w->dag.tasks[i].n_callbacks);
    if (dm_rng_chance(r, 400))
        w->dag.callbacks = random_callbacks(w, r, true, &w->dag.n_callbacks);
    w->dag.max_active_runs = 1 + (int)dm_rng_below(r, 5);
    w->jobs = 1 + (int)dm_rng_below(r, 6);
    w->dag.fail_stop = dm_rng_chance(r, 100);
    struct dm_pool_row pool = {.name = "narrow", .slots = 2};
    struct dm_err err;
    t_must(dm_store_pool_set(w->store, &pool, &err), &err);
    for (size_t i = 0; i < n; i++)
        if (dm_rng_chance(r, 300)) {
            w->dag.tasks[i].pool = "narrow";
            w->dag.tasks[i].pool_slots = 1 + (int)dm_rng_below(r, 2);
        }
}

/* Every run has ended, or a task of it waits for its past, or it waits behind one that does. */
static void check_rest(struct t_world *w)
{
    for (size_t i = 0; i < w->tick.snap.n_runs; i++) {
        const struct dm_plan_run *run = w->tick.snap.runs[i];
        struct dm_past_wait wait;
        int waits = 0;
        for (size_t j = 0; j < run->n_tasks; j++)
            waits += dm_plan_waiting(run, &run->tasks[j], &wait);
        T_OK(waits > 0);
    }
    if (w->tick.snap.n_runs == 0)
        T_INT(w->tick.snap.n_drives, 0);
}

/* How many callbacks with that key a task, or (NULL) the DAG, has. */
static int64_t count_callbacks(const struct dm_dag *dag, const struct dm_task *task,
                               enum dm_callback_on on)
{
    const struct dm_callback *list = task ? task->callbacks : dag->callbacks;
    int64_t n = 0;
    for (size_t i = 0; i < (task ? task->n_callbacks : dag->n_callbacks); i++)
        n += list[i].on == on;
    return n;
}

/* Every callback has run once; a task that succeeded has those of its success, a run that ended those of its end. */
static void check_callbacks(struct t_world *w)
{
    struct dm_run_filter all = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs;
    struct dm_task_row *tasks;
    struct dm_callback_row *rows;
    size_t n_runs, n_tasks, n;
    struct dm_err err;
    T_INT(w->tick.snap.n_callbacks, 0);
    t_must(dm_store_runs(w->store, &w->arena, &all, &runs, &n_runs, &err), &err);
    for (size_t i = 0; i < n_runs; i++) {
        t_must(dm_store_callbacks(w->store, &w->arena, runs[i].id, &rows, &n, &err), &err);
        t_must(dm_store_tasks(w->store, &w->arena, runs[i].id, &tasks, &n_tasks, &err), &err);
        for (size_t j = 0; j < n; j++) {
            T_OK(rows[j].state == DM_CALLBACK_SUCCESS || rows[j].state == DM_CALLBACK_FAILED);
            T_INT(rows[j].starts, 1);
        }
        for (size_t k = 0; k < n_tasks; k++) {
            const struct dm_task *def = dm_task_find(&w->dag, dm_str_c(tasks[k].task_id));
            if (tasks[k].state != DM_TASK_SUCCESS)
                continue;
            int64_t made = 0;
            for (size_t j = 0; j < n; j++)
                made += rows[j].task == tasks[k].id && rows[j].try_number == tasks[k].try_number &&
                        strcmp(rows[j].key, dm_callback_key(DM_ON_SUCCESS)) == 0;
            T_INT(made, count_callbacks(&w->dag, def, DM_ON_SUCCESS));
        }
        int64_t of_run = 0;
        bool good = runs[i].state == DM_RUN_SUCCESS;
        enum dm_callback_on on = good ? DM_ON_SUCCESS : DM_ON_FAILURE;
        for (size_t j = 0; j < n; j++)
            of_run += !rows[j].task && rows[j].created_at == runs[i].ended_at &&
                      strcmp(rows[j].key, dm_callback_key(on)) == 0;
        if (dm_run_finished(runs[i].state))
            T_INT(of_run, count_callbacks(&w->dag, NULL, on));
    }
}

static void random_worlds_come_to_rest(void)
{
    for (uint64_t seed = 1; seed <= 150 && !t_failures; seed++) {
        struct dm_rng r = {seed};
        struct t_world w;
        t_world_init(&w, NULL);
        random_dag(&w, &r);
        w.user = &r;
        w.outcome = random_outcome;
        w.next = random_next;
        w.check = check_slots;
        struct dm_drive d = {
            .dag = &w.dag, .from = T_EPOCH, .to = T_EPOCH + 7 * DM_DAY, .run_type = "backfill"};
        t_drive(&w, &d);
        check_rest(&w);
        check_callbacks(&w);
        d.rerun = DM_RERUN_FAILED;
        t_drive(&w, &d);
        check_rest(&w);
        check_callbacks(&w);
        if (t_failures)
            printf("# seed %llu\n", (unsigned long long)seed);
        t_world_release(&w);
    }
}

T_MAIN(T_CASE(random_worlds_come_to_rest))
