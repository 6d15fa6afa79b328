/*
 * The plan and the store together, without processes: Airflow's own runs (runs.jsonl), and random DAGs with random
 * outcomes in a random order of endings.
 */
#include "base/rng.h"
#include "world.h"

/* ---- Airflow's runs ---- */

struct scenario {
    const struct dm_value *script;
};

static struct dm_result success(void)
{
    return (struct dm_result){.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
}

static int day_of(const struct dm_job *j)
{
    return (int)((j->run->row.logical_date - T_EPOCH) / DM_DAY);
}

/* script[task][run] = outcome per try, the last one repeats; "*" = every run; nothing = success. */
static struct dm_result scripted(struct t_world *w, const struct dm_job *j)
{
    const struct scenario *s = w->user;
    const struct dm_value *of_task = dm_map_at(s->script, j->task->row.task_id);
    char day[16];
    snprintf(day, sizeof(day), "%d", day_of(j));
    const struct dm_value *tries = dm_map_at(of_task, day);
    if (!tries)
        tries = dm_map_at(of_task, "*");
    if (!tries || tries->list.n == 0)
        return success();
    size_t at = (size_t)j->task->row.try_number - 1;
    const struct dm_value *outcome = tries->list.items[at < tries->list.n ? at : tries->list.n - 1];
    struct dm_result r = success();
    if (dm_str_is(outcome->s, "skip"))
        r.state = DM_RESULT_SKIPPED;
    else if (!dm_str_is(outcome->s, "success"))
        r.state = DM_RESULT_FAILED;
    r.retry = dm_str_is(outcome->s, "fail");
    return r;
}

/* Features that this program does not have yet. */
static bool is_ours(const struct dm_value *s)
{
    static const char *const task_keys[] = {"kind",
                                            "pool",
                                            "setup",
                                            "teardown",
                                            "wait_for_past_depends_before_skipping",
                                            "max_active_tis_per_dag"};
    if (dm_map_at(s, "pools") || dm_map_at(s, "fail_stop"))
        return false;
    const struct dm_value *tasks = dm_map_at(s, "tasks");
    for (size_t i = 0; i < tasks->list.n; i++)
        for (size_t k = 0; k < sizeof(task_keys) / sizeof(task_keys[0]); k++)
            if (dm_map_at(tasks->list.items[i], task_keys[k]))
                return false;
    const struct dm_value *actions = dm_map_at(s, "actions");
    for (size_t i = 0; actions && i < actions->list.n; i++)
        if (!dm_map_at(actions->list.items[i], "clear"))
            return false;
    return true;
}

static enum dm_trigger_rule rule_named(struct dm_str name)
{
    static const char *const names[] = {
#define DM_TRIGGER_RULE(rule, text, doc) text,
#include "lang/trigger_rules.def"
#undef DM_TRIGGER_RULE
    };
    for (int i = 0; i < DM_RULE_COUNT; i++)
        if (dm_str_is(name, names[i]))
            return (enum dm_trigger_rule)i;
    return DM_RULE_ALL_SUCCESS;
}

static void make_dag(struct t_world *w, const struct dm_value *s)
{
    const struct dm_value *list = dm_map_at(s, "tasks");
    struct t_task tasks[32] = {0};
    for (size_t i = 0; i < list->list.n; i++) {
        const struct dm_value *t = list->list.items[i], *up = dm_map_at(t, "upstream");
        tasks[i].id = dm_str_cstr(&w->arena, dm_map_str(t, "id", ""));
        for (size_t j = 0; up && j < up->list.n; j++)
            tasks[i].upstream[j] = dm_str_cstr(&w->arena, up->list.items[j]->s);
        tasks[i].rule = rule_named(dm_map_str(t, "trigger_rule", "all_success"));
        tasks[i].retries = (int)dm_map_int(t, "retries", 0);
        tasks[i].priority = (int)dm_map_int(t, "priority_weight", 1);
        tasks[i].depends_on_past = dm_map_bool(t, "depends_on_past", false);
        tasks[i].wait_for_downstream = dm_map_bool(t, "wait_for_downstream", false);
    }
    t_dag(w, tasks, list->list.n);
    w->dag.max_active_runs = (int)dm_map_int(s, "max_active_runs", 16);
    w->dag.max_active_tasks = (int)dm_map_int(s, "max_active_tasks", 16);
    for (size_t i = 0; i < list->list.n; i++)
        w->dag.tasks[i].retry_delay_us = 0;
}

/* A parked run is "running" in Airflow, where it waits for ever. */
static const char *as_airflow(const char *run_state)
{
    return strcmp(run_state, "queued") == 0 ? "running" : run_state;
}

static void compare(struct t_world *w, struct dm_str id, const struct dm_value *expect)
{
    const struct dm_value *runs = dm_map_at(expect, "runs");
    for (size_t day = 0; day < runs->list.n; day++) {
        const char *state = as_airflow(t_run_state(w, (int)day));
        if (!dm_str_is(runs->list.items[day]->s, state))
            t_fail(__FILE__, __LINE__, "%.*s: run %zu is %s, not %.*s", DM_FMT(id), day, state,
                   DM_FMT(runs->list.items[day]->s));
        for (size_t i = 0; i < w->dag.n_tasks; i++) {
            const char *task = w->dag.tasks[i].task_id;
            int tries;
            enum dm_task_state got = t_state(w, (int)day, task, &tries);
            struct dm_str want = dm_map_at(dm_map_at(expect, "tasks"), task)->list.items[day]->s;
            int64_t want_tries = dm_map_at(dm_map_at(expect, "tries"), task)->list.items[day]->i;
            if (!dm_str_is(want, dm_task_state_name(got)) || want_tries != tries)
                t_fail(__FILE__, __LINE__,
                       "%.*s: %s of run %zu is %s (try %d), not %.*s (try %lld)", DM_FMT(id), task,
                       day, dm_task_state_name(got), tries, DM_FMT(want), (long long)want_tries);
        }
    }
}

static void mark_downstream(const struct dm_dag *dag, size_t task, bool *marked)
{
    for (size_t i = 0; i < dag->tasks[task].n_downstream; i++) {
        marked[dag->tasks[task].downstream[i]] = true;
        mark_downstream(dag, dag->tasks[task].downstream[i], marked);
    }
}

static void clear(struct t_world *w, const struct dm_value *c)
{
    const struct dm_value *tasks = dm_map_at(c, "tasks"), *runs = dm_map_at(c, "runs");
    bool marked[32] = {0};
    struct dm_err err;
    for (size_t i = 0; i < tasks->list.n; i++) {
        size_t t = t_task_index(&w->dag, dm_str_cstr(&w->arena, tasks->list.items[i]->s));
        marked[t] = true;
        if (dm_map_bool(c, "downstream", false))
            mark_downstream(&w->dag, t, marked);
    }
    for (int64_t day = runs->list.items[0]->i; day <= runs->list.items[1]->i; day++) {
        struct dm_run_row run;
        struct dm_task_row *rows;
        size_t n;
        bool any = false;
        t_must(dm_store_run_at(w->store, &w->arena, "d", T_EPOCH + day * DM_DAY, &run, &err), &err);
        t_must(dm_store_tasks(w->store, &w->arena, run.id, &rows, &n, &err), &err);
        t_must(dm_store_begin(w->store, false, &err), &err);
        for (size_t i = 0; i < n; i++) {
            enum dm_task_state s = rows[i].state;
            if (!marked[i] || (dm_map_bool(c, "only_failed", false) && s != DM_TASK_FAILED &&
                               s != DM_TASK_UPSTREAM_FAILED))
                continue;
            any = true;
            t_must(dm_tick_clear_task(w->store, &w->arena, &rows[i], w->dag.tasks[i].retries,
                                      w->now, &err),
                   &err);
        }
        if (any && run.state != DM_RUN_QUEUED)
            t_must(dm_run_set_state(w->store, &run, DM_RUN_QUEUED, w->now, &err), &err);
        t_must(dm_store_commit(w->store, &err), &err);
    }
}

static void run_scenario(const struct dm_value *c)
{
    const struct dm_value *s = dm_map_at(c, "scenario"), *actions = dm_map_at(s, "actions");
    const struct dm_value *expect = dm_map_at(c, "expect");
    struct scenario scenario = {.script = dm_map_at(s, "script")};
    struct t_world w;
    t_world_init(&w, NULL);
    make_dag(&w, s);
    w.jobs = 32;
    w.outcome = scripted;
    w.user = &scenario;
    struct dm_drive d = {.dag = &w.dag,
                         .from = T_EPOCH,
                         .to = T_EPOCH + (dm_map_int(s, "runs", 1) - 1) * DM_DAY,
                         .run_type = "backfill"};
    for (size_t step = 0; step < expect->list.n; step++) {
        if (step > 0)
            clear(&w, dm_map_at(actions->list.items[step - 1], "clear"));
        t_drive(&w, &d);
        compare(&w, dm_map_str(c, "id", ""), expect->list.items[step]);
    }
    t_world_release(&w);
}

static void runs_end_as_in_airflow(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *paths[] = {"../shared/golden/airflow/runs.jsonl",
                           "../../shared/golden/airflow/runs.jsonl"};
    struct dm_str rest = {0}, line;
    int cases = 0, others = 0;
    for (size_t i = 0; i < 2 && !rest.len; i++)
        if (dm_file_read(&a, paths[i], DM_BUF_FRAME, &rest, NULL) < 0)
            continue;
    if (!rest.len)
        T_SKIP("../shared is absent");
    while (dm_str_split(&rest, '\n', &line)) {
        struct dm_value *c;
        struct dm_err err;
        if (!line.len)
            continue;
        T_TRY(dm_value_from_json(&a, line, &c, &err), err);
        if (!is_ours(dm_map_at(c, "scenario"))) {
            others++;
            continue;
        }
        run_scenario(c);
        cases++;
    }
    printf("# %d scenarios, %d with pools, branches and the like left out\n", cases, others);
}

/* ---- random worlds ---- */

static struct dm_result random_outcome(struct t_world *w, const struct dm_job *j)
{
    struct dm_rng *r = w->user;
    struct dm_result result = success();
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

static void check_slots(struct t_world *w, struct dm_job *const *running, size_t n)
{
    T_OK(n <= (size_t)w->jobs);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            T_OK(running[i]->task != running[j]->task);
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
    }
    t_dag(w, tasks, n);
    w->dag.max_active_runs = 1 + (int)dm_rng_below(r, 5);
    w->jobs = 1 + (int)dm_rng_below(r, 6);
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
        T_INT(w->tick.snap.drives[0].next, w->tick.snap.drives[0].n_days);
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
        d.rerun = DM_RERUN_FAILED;
        t_drive(&w, &d);
        check_rest(&w);
        if (t_failures)
            printf("# seed %llu\n", (unsigned long long)seed);
        t_world_release(&w);
    }
}

T_MAIN(T_CASE(runs_end_as_in_airflow), T_CASE(random_worlds_come_to_rest))
