/* What was at work, and what people asked for meanwhile, outlives the scheduler. */
#include "sched/activate.h"
#include "sched/clear.h"
#include "sched/recover.h"
#include "sched/trigger.h"
#include "world.h"

static struct t_world w;
static struct dm_job *jobs[16];
static size_t n_jobs;
static struct dm_err err;

static void start(void)
{
    struct dm_dag_ref *ref;
    _cleanup_strbuf_ struct dm_strbuf normal;
    dm_strbuf_init(&normal, DM_BUF_FRAME);
    dm_dag_to_json(&normal, &w.dag);
    t_must(dm_dag_ref_from_json(dm_strbuf_str(&normal), &ref, &err), &err);
    dm_tick_init(&w.tick, w.store, w.jobs);
    w.driven = true;
    w.tick.limits.schedules = w.tick.blocked_drives_end = true;
    n_jobs = 0;
    t_must(dm_tick_begin(&w.tick, w.now, false, &err), &err);
    t_must(dm_tick_set_dag(&w.tick, "d", ref, false, &err), &err);
    dm_dag_ref_unref(ref);
    t_must(dm_tick_load_drives(&w.tick, &err), &err);
    t_must(dm_tick_load_runs(&w.tick, &err), &err);
    t_must(dm_tick_commit(&w.tick, &err), &err);
}

/* It dies, and another one begins. */
static void restart(void)
{
    size_t lost;
    t_end_drive(&w);
    t_must(dm_recover(w.store, w.dir, w.now, &lost, &err), &err);
    T_INT(lost, n_jobs);
    start();
}

static void begin(void)
{
    t_must(dm_tick_begin(&w.tick, w.now, false, &err), &err);
}

static void turn(void)
{
    t_must(dm_tick_plan(&w.tick, &err), &err);
    t_must(dm_tick_commit(&w.tick, &err), &err);
    t_check_quiet(&w);
    t_start(&w, jobs, &n_jobs);
}

/* A DAG that only people run, with tasks a -> b and c. */
static void open_world(void)
{
    static const struct t_task tasks[] = {
        {.id = "a", .retries = 1}, {.id = "b", .upstream = {"a"}}, {.id = "c"}};
    t_world_init(&w, NULL);
    t_dag(&w, tasks, 3);
    w.dag.schedule_text = "None";
    w.dag.schedule = &dm_null;
    start();
}

static void trigger(int day)
{
    struct dm_trigger_answer answer;
    struct dm_trigger what = {.dag_id = "d", .logical_date = T_EPOCH + day * DM_DAY};
    begin();
    t_must(dm_tick_trigger(&w.tick, &what, &answer, &err), &err);
    turn();
}

static void end_job(const char *task_id, enum dm_result_state state)
{
    for (size_t i = 0; i < n_jobs; i++)
        if (strcmp(jobs[i]->task->row.task_id, task_id) == 0) {
            struct dm_job_end end = {.result = {.state = state, .until_time = DM_NEVER}};
            begin();
            t_must(dm_tick_ended(&w.tick, jobs[i], &end, &err), &err);
            jobs[i] = jobs[--n_jobs];
            turn();
            return;
        }
    DM_BUG("%s is not at work", task_id);
}

static const char *state(int day, const char *task)
{
    int try_number;
    return dm_task_state_name(t_state(&w, day, task, &try_number));
}

static struct dm_run_row run_of(int day)
{
    struct dm_run_row row;
    T_INT(dm_store_run_at(w.store, &w.arena, "d", T_EPOCH + day * DM_DAY, &row, &err), 1);
    return row;
}

static void a_mark_of_a_task_at_work_comes_true(void)
{
    struct dm_cleared *list;
    size_t n;
    open_world();
    trigger(0);
    T_STR(state(0, "a"), "running");
    begin();
    struct dm_run_row run = run_of(0);
    struct dm_mark mark = {.task_id = "a", .to = DM_TASK_FAILED};
    T_TRY(dm_mark(&w.tick, &w.tick.turn, &w.dag, &run, &mark, &list, &n, &err), err);
    turn();
    T_STR(state(0, "a"), "running"); /* its process has not ended yet */
    restart();
    T_STR(state(0, "a"), "failed");
    begin();
    turn();
    T_STR(state(0, "b"), "upstream_failed");
    T_STR(state(0, "c"), "running"); /* nobody asked for its end: it is done again */
    t_world_release(&w);
}

static void a_clear_of_a_task_at_work_comes_true(void)
{
    struct dm_cleared *list;
    const char *ids[] = {"a"};
    size_t n;
    int tries;
    open_world();
    trigger(0);
    end_job("a", DM_RESULT_FAILED); /* without a retry */
    T_STR(state(0, "a"), "failed");
    struct dm_clear clear = {.task_ids = ids, .n_task_ids = 1, .from = T_EPOCH, .to = T_EPOCH};
    for (int i = 0; i < 2; i++) {
        begin();
        T_TRY(dm_clear(w.store, &w.tick, &w.tick.turn, &w.dag, &clear, &list, &n, &err), err);
        T_INT(n, 1);
        turn();
        T_STR(state(0, "a"), "running");
    }
    restart();
    T_STR(state(0, "a"), "none");
    begin();
    turn();
    T_INT(t_state(&w, 0, "a", &tries), DM_TASK_RUNNING);
    T_INT(tries, 3); /* a new try, as it would have been without the restart */
    t_world_release(&w);
}

static void a_mark_of_a_run_at_work_comes_true(void)
{
    open_world();
    trigger(0);
    begin();
    struct dm_run_row run = run_of(0);
    T_TRY(dm_mark_run(&w.tick, &w.tick.turn, &run, DM_RUN_FAILED, &err), err);
    turn();
    T_STR(t_run_state(&w, 0), "running");
    restart();
    begin();
    turn();
    T_STR(t_run_state(&w, 0), "failed");
    T_STR(state(0, "a"), "failed");
    T_STR(state(0, "b"), "skipped");
    T_INT(n_jobs, 0);
    t_world_release(&w);
}

static void active_runs_keep_their_places(void)
{
    open_world();
    for (int day = 0; day < 3; day++)
        trigger(day);
    T_STR(t_run_state(&w, 2), "running");
    restart();
    w.dag.max_active_runs = 1; /* meanwhile somebody has edited the file */
    restart();
    begin();
    T_TRY(dm_tick_pause_dag(&w.tick, "d", true, &err), err);
    turn();
    for (int day = 0; day < 3; day++)
        T_STR(t_run_state(&w, day), "running");
    trigger(3);
    T_STR(t_run_state(&w, 3), "queued");
    restart();
    for (int day = 0; day < 3; day++)
        T_STR(t_run_state(&w, day), "running");
    T_STR(t_run_state(&w, 3), "queued");
    t_world_release(&w);
}

static void a_cancelled_backfill_ends_what_it_has_begun(void)
{
    struct dm_drive drive = {.dag = &w.dag,
                             .from = T_EPOCH,
                             .to = T_EPOCH + 4 * DM_DAY,
                             .run_type = "backfill",
                             .max_active_runs = 1};
    struct dm_day *days;
    size_t n, outside;
    int64_t id;
    open_world();
    w.dag.schedule_text = "@daily";
    w.dag.schedule = dm_value_cstr(&w.arena, "@daily");
    restart();
    begin();
    T_TRY(dm_tick_pause_dag(&w.tick, "d", true, &err), err);
    T_TRY(dm_drive_days(&w.arena, w.store, &drive, &days, &n, &outside, &err), err);
    T_TRY(dm_tick_take_drive(&w.tick, &drive, days, n, &id, &err), err);
    turn();
    T_STR(t_run_state(&w, 0), "running");
    begin();
    T_TRY(dm_tick_cancel_drive(&w.tick, id, &err), err);
    turn();
    restart();
    begin();
    turn();
    end_job("a", DM_RESULT_SUCCESS);
    end_job("b", DM_RESULT_SUCCESS);
    end_job("c", DM_RESULT_SUCCESS);
    T_STR(t_run_state(&w, 0), "success"); /* though its DAG is paused */
    T_STR(t_run_state(&w, 1), "");
    T_INT(w.tick.snap.n_drives, 0);
    t_world_release(&w);
}

/* Its command died before it could end the backfill: the next one does. */
static void a_backfill_without_days_does_not_stay_open(void)
{
    struct dm_drive drive = {.dag = &w.dag, .from = T_EPOCH, .to = T_EPOCH, .run_type = "backfill"};
    struct dm_backfill_row row;
    int64_t first, second;
    open_world();
    for (int i = 0; i < 2; i++) {
        t_end_drive(&w);
        dm_tick_init(&w.tick, w.store, w.jobs);
        w.driven = true;
        begin();
        T_TRY(dm_tick_take_drive(&w.tick, &drive, NULL, 0, i ? &second : &first, &err), err);
        t_must(dm_tick_commit(&w.tick, &err), &err);
    }
    T_INT(dm_store_backfill(w.store, &w.arena, first, &row, &err), 1);
    T_STR(row.state, "success");
    T_INT(dm_store_backfill(w.store, &w.arena, second, &row, &err), 1);
    T_STR(row.state, "running");
    t_world_release(&w);
}

T_MAIN(T_CASE(a_mark_of_a_task_at_work_comes_true), T_CASE(a_clear_of_a_task_at_work_comes_true),
       T_CASE(a_mark_of_a_run_at_work_comes_true), T_CASE(active_runs_keep_their_places),
       T_CASE(a_cancelled_backfill_ends_what_it_has_begun),
       T_CASE(a_backfill_without_days_does_not_stay_open))
