/* Runs that a schedule makes, a round after the other, and what a person marks in them. */
#include "sched/clear.h"
#include "world.h"

static struct t_world w;
static struct dm_err err;

/* A daily DAG of so many days, all of them due. */
static void open_world(const struct t_task *tasks, size_t n, int days)
{
    t_world_init(&w, NULL);
    t_dag(&w, tasks, n);
    w.dag.end_date = T_EPOCH + (days - 1) * DM_DAY;
}

static void start(void)
{
    struct dm_dag_ref *ref = dm_dag_ref_new(&w.dag);
    dm_tick_init(&w.tick, w.store, w.jobs);
    w.driven = true;
    w.tick.limits.schedules = true;
    t_must(dm_tick_begin(&w.tick, w.now, false, &err), &err);
    t_must(dm_tick_set_dag(&w.tick, "d", ref, false, &err), &err);
    dm_dag_ref_unref(ref);
    t_must(dm_tick_plan(&w.tick, &err), &err);
    t_must(dm_tick_commit(&w.tick, &err), &err);
    t_check_quiet(&w);
}

/* Everything that begins succeeds, until nothing begins. */
static void succeed(void)
{
    struct dm_job_end end = {.result = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER}};
    while (w.tick.n_jobs > 0) {
        struct dm_job *jobs[16];
        size_t n = 0;
        t_start(&w, jobs, &n);
        t_must(dm_tick_begin(&w.tick, ++w.now, false, &err), &err);
        for (size_t i = 0; i < n; i++)
            t_must(dm_tick_ended(&w.tick, jobs[i], &end, &err), &err);
        t_must(dm_tick_plan(&w.tick, &err), &err);
        t_must(dm_tick_commit(&w.tick, &err), &err);
    }
}

static const char *state(const char *task)
{
    int try_number;
    return dm_task_state_name(t_state(&w, 0, task, &try_number));
}

static void the_first_run_has_its_slots_before_the_next_one_comes(void)
{
    static const struct t_task tasks[] = {{.id = "low", .priority = 1},
                                          {.id = "high", .priority = 9}};
    struct dm_pool_row pool = {.name = "narrow", .slots = 2};
    open_world(tasks, 2, 3);
    w.dag.tasks[0].pool = w.dag.tasks[1].pool = "narrow";
    t_must(dm_store_pool_set(w.store, &pool, &err), &err);
    start();
    T_INT(w.tick.snap.n_runs, 3);
    T_INT(w.tick.n_jobs, 2);
    T_STR(w.tick.jobs[0]->task->row.task_id, "high");
    T_STR(w.tick.jobs[1]->task->row.task_id, "low");
    for (size_t i = 0; i < w.tick.n_jobs; i++)
        T_OK(w.tick.jobs[i]->run->row.logical_date == T_EPOCH);
    t_world_release(&w);
}

static void all_runs_that_fit_begin_at_once(void)
{
    static const struct t_task tasks[] = {{.id = "a"}};
    open_world(tasks, 1, 5);
    w.dag.max_active_runs = 3;
    start();
    T_INT(w.tick.snap.n_runs, 3);
    T_INT(w.tick.n_jobs, 3);
    succeed();
    T_INT(w.tick.snap.n_runs, 0);
    T_STR(t_run_state(&w, 4), "success");
    t_world_release(&w);
}

/* What a trigger rule decides is seen by the next round, which ends the run; the one after begins the next run. */
static void a_run_ends_in_the_round_that_finds_it_finished(void)
{
    static const struct t_task tasks[] = {{.id = "a"}, {.id = "b", .upstream = {"a"}}};
    struct dm_job_end failed = {.result = {.state = DM_RESULT_FAILED, .until_time = DM_NEVER}};
    static const char *const first[] = {"running", "failed", "failed"};
    static const char *const second[] = {"", "", "running"};
    struct dm_job *jobs[16];
    size_t n = 0;
    bool any;
    open_world(tasks, 2, 2);
    w.dag.max_active_runs = 1;
    start();
    t_start(&w, jobs, &n);
    T_INT(n, 1);
    t_must(dm_tick_begin(&w.tick, w.now, false, &err), &err);
    t_must(dm_tick_ended(&w.tick, jobs[0], &failed, &err), &err);
    for (int round = 0; round < 3; round++) {
        t_must(dm_tick_round(&w.tick, &any, &err), &err);
        T_OK(any);
        T_STR(state("b"), "upstream_failed");
        T_STR(t_run_state(&w, 0), first[round]);
        T_STR(t_run_state(&w, 1), second[round]);
    }
    t_must(dm_tick_commit(&w.tick, &err), &err);
    t_world_release(&w);
}

static void a_mark_leaves_setups_and_teardowns_alone(void)
{
    static const struct t_task tasks[] = {
        {.id = "make", .setup = true},
        {.id = "work", .upstream = {"make"}},
        {.id = "drop",
         .upstream = {"make", "work"},
         .teardown = true,
         .rule = DM_RULE_ALL_DONE_SETUP_SUCCESS},
    };
    struct dm_mark mark = {.task_id = "work", .to = DM_TASK_FAILED};
    struct dm_cleared *list;
    struct dm_run_row run;
    size_t n;
    open_world(tasks, 3, 1);
    start();
    succeed();
    T_INT(dm_store_run_at(w.store, &w.arena, "d", T_EPOCH, &run, &err), 1);
    t_must(dm_tick_begin(&w.tick, w.now, false, &err), &err);
    T_TRY(dm_mark(&w.tick, &w.arena, &w.dag, &run, &mark, &list, &n, &err), err);
    t_must(dm_tick_commit(&w.tick, &err), &err);
    T_STR(state("make"), "success");
    T_STR(state("work"), "failed");
    T_STR(state("drop"), "success");
    t_world_release(&w);
}

/* A newer generation takes the run up a round later than its process ended: nothing of a later run slips in between. */
static void a_run_that_is_renewed_keeps_its_turn(void)
{
    static const struct t_task tasks[] = {{.id = "a"}};
    struct dm_job_end end = {.result = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER}};
    struct dm_clear clear = {.from = T_EPOCH, .to = T_EPOCH};
    struct dm_cleared *list;
    struct dm_job *jobs[16];
    size_t n = 0, cleared;
    open_world(tasks, 1, 2);
    w.jobs = 1;
    start();
    t_start(&w, jobs, &n);
    T_INT(n, 1);
    struct dm_dag newer = w.dag;
    memset(newer.generation, 'b', 64);
    struct dm_dag_ref *ref = dm_dag_ref_new(&newer);
    t_must(dm_tick_begin(&w.tick, w.now, false, &err), &err);
    t_must(dm_tick_set_dag(&w.tick, "d", ref, false, &err), &err);
    dm_dag_ref_unref(ref);
    T_TRY(dm_clear(w.store, &w.tick, &w.tick.turn, &newer, &clear, &list, &cleared, &err), err);
    T_INT(cleared, 1);
    t_must(dm_tick_ended(&w.tick, jobs[0], &end, &err), &err);
    t_must(dm_tick_plan(&w.tick, &err), &err);
    t_must(dm_tick_commit(&w.tick, &err), &err);
    T_INT(w.tick.n_jobs, 1);
    T_OK(w.tick.jobs[0]->run->row.logical_date == T_EPOCH);
    T_STR(w.tick.jobs[0]->run->dag->generation, newer.generation);
    t_world_release(&w);
}

T_MAIN(T_CASE(the_first_run_has_its_slots_before_the_next_one_comes),
       T_CASE(all_runs_that_fit_begin_at_once),
       T_CASE(a_run_ends_in_the_round_that_finds_it_finished),
       T_CASE(a_mark_leaves_setups_and_teardowns_alone),
       T_CASE(a_run_that_is_renewed_keeps_its_turn))
