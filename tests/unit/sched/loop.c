/*
 * The loop with real processes: this program is its own child.  What task-run does here is chosen by the task's id, so
 * that the loop, the leases, the messages and the embedded cluster are tried without any operator.
 */
#include "sched/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "proc/lease.h"
#include "proc/spawn.h"
#include "proc/wire.h"
#include "sched/recover.h"
#include "state/memory.h"
#include "world.h"

/* ---- the child ---- */

static struct dm_arena child_arena;

static void must(int rc)
{
    if (rc < 0)
        _exit(9);
}

static void say(enum dm_wire_kind kind, const char *json)
{
    must(dm_wire_send(DM_WIRE_FD, kind, dm_str_c(json), NULL));
}

static const char *ask(enum dm_wire_kind kind, const char *json)
{
    struct dm_frame f;
    say(kind, json);
    must(dm_wire_receive(DM_WIRE_FD, &child_arena, &f, NULL));
    return dm_str_cstr(&child_arena, f.body);
}

static void finish(struct dm_result *r)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_result_encode(&b, r);
    must(dm_wire_send(DM_WIRE_FD, DM_WIRE_RESULT, dm_strbuf_str(&b), NULL));
    exit(0);
}

static void succeed(void)
{
    struct dm_result r = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    r.objects = dm_value_list(&child_arena, 0);
    finish(&r);
}

/* The sensor of the test: waits for the last step that `add` returned. */
static void wait_for_step(const struct dm_order *o)
{
    struct dm_store *s;
    struct dm_str ids;
    struct dm_value *list;
    struct dm_step_row step;
    const char *path = dm_arena_printf(&child_arena, "%s/state/daymill.db", o->project_dir);
    must(dm_store_open(path, DM_STORE_READ, &s, NULL));
    must(dm_store_xcom(s, &child_arena, o->dag_id, o->run_id, DM_STR("add"), -1,
                       DM_STR("return_value"), &ids, NULL));
    must(dm_value_from_json(&child_arena, ids, &list, NULL));
    struct dm_str last = list->list.items[list->list.n - 1]->s;
    must(dm_store_step(s, &child_arena, NULL, last, &step, NULL));
    struct dm_result r = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    r.objects = dm_value_list(&child_arena, 0);
    if (!dm_step_finished(step.state)) {
        r.state = DM_RESULT_RESCHEDULE;
        r.until_step = step.id;
        r.until_time = o->started_at + DM_DAY; /* whichever comes first */
    } else if (step.state != DM_STEP_COMPLETED) {
        r.state = DM_RESULT_FAILED;
        dm_err_set(&r.error, DM_E_TASK, "step is %s", dm_step_state_name(step.state));
    }
    finish(&r);
}

static void add_steps(void)
{
    const char *reply =
        ask(DM_WIRE_STEPS, "{\"cluster\":\"j-1\",\"steps\":["
                           "{\"name\":\"one\",\"jar\":\"command-runner.jar\",\"args\":[\"ok\"],"
                           "\"action_on_failure\":\"CANCEL_AND_WAIT\"},"
                           "{\"name\":\"two\",\"jar\":\"command-runner.jar\",\"args\":[\"ok\"],"
                           "\"action_on_failure\":\"CANCEL_AND_WAIT\"}]}");
    struct dm_value *v;
    must(dm_value_from_json(&child_arena, dm_str_c(reply), &v, NULL));
    struct dm_str ids = dm_value_json(&child_arena, dm_map_at(v, "ids"));
    say(DM_WIRE_XCOM,
        dm_arena_printf(&child_arena, "{\"key\":\"return_value\",\"value\":%.*s}", DM_FMT(ids)));
    succeed();
}

/* On its first try it leaves a process in a session of its own, which keeps the lock of a file, and dies. */
static void leave_an_heir(const char *path, bool die)
{
    extern char **environ;
    char sleeps[] = "sleep", seconds[] = "600", *argv[] = {sleeps, seconds, NULL};
    posix_spawnattr_t attr;
    pid_t pid;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        _exit(5);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    if (die && posix_spawnp(&pid, sleeps, NULL, &attr, argv, environ) == 0)
        abort();
}

static int task_run(void)
{
    struct dm_frame f;
    struct dm_order o;
    must(dm_wire_receive(DM_WIRE_FD, &child_arena, &f, NULL));
    must(dm_order_decode(&child_arena, f.body, &o, NULL));
    const char *flag = dm_arena_printf(&child_arena, "%s/%s.flag", o.project_dir, o.task_id);
    say(DM_WIRE_STARTED, "{}");
    printf("attempt %lld of %s\n", (long long)o.attempt, o.task_id);
    fflush(stdout);
    say(DM_WIRE_LEDGER,
        "{\"direction\":\"write\",\"dataset\":\"lake\",\"rows\":7,\"bytes\":70,\"files\":null}");
    if (strcmp(o.task_id, "die") == 0 && o.try_number == 1)
        abort();
    if (strcmp(o.task_id, "heir") == 0)
        leave_an_heir(flag, o.try_number == 1);
    if (strcmp(o.task_id, "silent") == 0)
        return 3;
    if (strcmp(o.task_id, "hang") == 0 && !dm_exists(flag)) {
        must(dm_file_write(flag, DM_STR("x"), 0644, NULL));
        pause();
    }
    if (strcmp(o.task_id, "intend") == 0 &&
        strcmp(ask(DM_WIRE_INTENT, "{\"objects\":[{\"bucket\":\"b\",\"key\":\"k\"}]}"), "{}") != 0)
        return 4;
    if (strcmp(o.task_id, "add") == 0)
        add_steps();
    if (strcmp(o.task_id, "wait") == 0)
        wait_for_step(&o);
    succeed();
    return 0;
}

static int step_run(void)
{
    struct dm_frame f;
    struct dm_step_order o;
    must(dm_wire_receive(DM_WIRE_FD, &child_arena, &f, NULL));
    must(dm_step_order_decode(&child_arena, f.body, &o, NULL));
    usleep(20000);
    if (dm_exists(dm_arena_printf(&child_arena, "%s/break-step-%d", o.project_dir, o.step_index)))
        return 1;
    if (remove(dm_arena_printf(&child_arena, "%s/kill-step-%d", o.project_dir, o.step_index)) == 0)
        raise(SIGKILL);
    succeed();
    return 0;
}

/* ---- the parent ---- */

struct project {
    struct t_world w;
    struct dm_project p;
    const char *program; /* NULL: this one */
};

static const char *below(struct project *x, const char *name)
{
    return dm_arena_printf(&x->w.arena, "%s/%s", x->w.dir, name);
}

static void open_project(struct project *x, const char *dir, const struct t_task *tasks, size_t n)
{
    t_world_init(&x->w, dir);
    x->p = (struct dm_project){.dir = x->w.dir};
    x->program = NULL;
    x->p.run_dir = below(x, "run");
    x->p.logs_dir = below(x, "logs");
    x->p.cluster_dir = below(x, "cluster");
    x->p.lake_dir = below(x, "lake");
    x->p.state_path = below(x, "state/daymill.db");
    t_dag(&x->w, tasks, n);
}

static int run_days(struct project *x, int days, enum dm_rerun rerun, struct dm_loop_report *ret,
                    struct dm_err *err)
{
    struct dm_drive d = {.dag = &x->w.dag,
                         .from = T_EPOCH,
                         .to = T_EPOCH + (days - 1) * DM_DAY,
                         .rerun = rerun,
                         .run_type = "backfill"};
    struct dm_loop_options o = {.project = &x->p,
                                .store = x->w.store,
                                .drives = &d,
                                .n_drives = 1,
                                .jobs = 4,
                                .command = "test",
                                .program = x->program ? x->program : "/proc/self/exe"};
    *ret = (struct dm_loop_report){0};
    return dm_loop_run(&x->w.arena, &o, ret, err);
}

static void days_run_once(void)
{
    static const struct t_task tasks[] = {{.id = "a"}, {.id = "intend", .upstream = {"a"}}};
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    open_project(&x, NULL, tasks, 2);
    T_TRY(run_days(&x, 3, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.succeeded, 3);
    T_INT(r.attempts, 6);
    T_INT(r.n_latency, 6);
    struct dm_run_row run;
    struct dm_ledger_row *ledger;
    struct dm_attempt_row *attempts;
    struct dm_object_row *objects;
    size_t n;
    T_TRY(dm_store_run_find(x.w.store, &x.w.arena, "d", DM_STR("2024-01-02"), &run, &err), err);
    T_STR(run.run_id, "backfill__2024-01-02T00:00:00+00:00");
    T_TRY(dm_store_ledger(x.w.store, &x.w.arena, run.id, 0, &ledger, &n, &err), err);
    T_INT(n, 2);
    T_INT(ledger[0].rows, 7);
    T_INT(ledger[0].files, -1);
    T_OK(ledger[0].current && ledger[0].write);
    struct dm_attempt_filter f = {.run = run.id, .map_index = -1, .task_id = "intend"};
    T_TRY(dm_store_attempts(x.w.store, &x.w.arena, &f, &attempts, &n, &err), err);
    T_INT(n, 1);
    T_INT(attempts[0].exit_status, 0);
    T_INT(attempts[0].state, DM_ATTEMPT_SUCCESS);
    struct dm_str log;
    T_TRY(dm_file_read(&x.w.arena, below(&x, attempts[0].log_path), DM_BUF_TEXT, &log, &err), err);
    T_HAS(log.p, "of intend");
    /* The result says that nothing was written: the intent is settled. */
    T_TRY(dm_store_objects(x.w.store, &x.w.arena, "d", run.run_id, &objects, &n, &err), err);
    T_INT(n, 0);
    T_TRY(run_days(&x, 3, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.attempts, 0);
    T_INT(r.kept, 3);
    T_TRY(run_days(&x, 3, DM_RERUN_ALL, &r, &err), err);
    T_INT(r.attempts, 6);
    int tries;
    T_INT(t_state(&x.w, 2, "intend", &tries), DM_TASK_SUCCESS);
    T_INT(tries, 2);
    t_world_release(&x.w);
}

static void a_dead_process_is_a_failed_try(void)
{
    static const struct t_task tasks[] = {{.id = "die", .retries = 1},
                                          {.id = "silent", .upstream = {"die"}},
                                          {.id = "after", .upstream = {"silent"}}};
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    int tries;
    open_project(&x, NULL, tasks, 3);
    x.w.dag.tasks[0].retry_delay_us = 10 * DM_MS;
    T_TRY(run_days(&x, 1, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.failed, 1);
    T_INT(t_state(&x.w, 0, "die", &tries), DM_TASK_SUCCESS);
    T_INT(tries, 2);
    T_INT(t_state(&x.w, 0, "silent", &tries), DM_TASK_FAILED);
    T_INT(t_state(&x.w, 0, "after", &tries), DM_TASK_UPSTREAM_FAILED);
    T_INT(r.n_failures, 1);
    T_STR(r.failures[0].task_id, "silent");
    T_HAS(r.failures[0].error->message, "status 3");
    t_world_release(&x.w);
}

static void a_failed_try_leaves_nobody_behind(void)
{
    static const struct t_task tasks[] = {{.id = "heir", .retries = 1}};
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    int tries;
    open_project(&x, NULL, tasks, 1);
    x.w.dag.tasks[0].retry_delay_us = DM_MS;
    T_TRY(run_days(&x, 1, DM_RERUN_MISSING, &r, &err), err);
    T_INT(t_state(&x.w, 0, "heir", &tries), DM_TASK_SUCCESS);
    T_INT(tries, 2);
    t_world_release(&x.w);
}

/* Nothing else goes on meanwhile: no event of another child wakes the loop. */
static void a_process_that_cannot_be_started_is_a_failed_try(void)
{
    static const struct t_task tasks[] = {{.id = "a", .retries = 1}};
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    int tries;
    open_project(&x, NULL, tasks, 1);
    x.w.dag.tasks[0].retry_delay_us = DM_MS;
    x.program = below(&x, "no-such-program");
    alarm(30);
    T_TRY(run_days(&x, 1, DM_RERUN_MISSING, &r, &err), err);
    alarm(0);
    T_INT(r.failed, 1);
    T_INT(t_state(&x.w, 0, "a", &tries), DM_TASK_FAILED);
    T_INT(tries, 2);
    T_HAS(r.failures[0].error->message, "could not start");
    t_world_release(&x.w);
}

static void a_blocked_run_is_named(void)
{
    static const struct t_task tasks[] = {{.id = "silent", .depends_on_past = true},
                                          {.id = "b", .upstream = {"silent"}}};
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    open_project(&x, NULL, tasks, 2);
    T_TRY(run_days(&x, 3, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.failed, 1);
    T_INT(r.unstarted, 2);
    T_INT(r.n_blocked, 2);
    T_STR(r.blocked[0].run_id, "backfill__2024-01-02T00:00:00+00:00");
    T_STR(r.blocked[0].waits_run_id, "backfill__2024-01-01T00:00:00+00:00");
    T_STR(r.blocked[0].waits_task_id, "silent");
    T_INT(r.blocked[0].waits_state, DM_TASK_FAILED);
    T_STR(t_run_state(&x.w, 1), "queued");
    t_world_release(&x.w);
}

static void a_run_that_takes_too_long_is_ended(void)
{
    static const struct t_task tasks[] = {
        {.id = "a"}, {.id = "hang", .upstream = {"a"}}, {.id = "z", .upstream = {"hang"}}};
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    int tries;
    open_project(&x, NULL, tasks, 3);
    x.w.dag.dagrun_timeout_us = 300 * DM_MS;
    T_TRY(run_days(&x, 1, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.failed, 1);
    T_INT(t_state(&x.w, 0, "a", &tries), DM_TASK_SUCCESS);
    T_INT(t_state(&x.w, 0, "hang", &tries), DM_TASK_SKIPPED);
    T_INT(t_state(&x.w, 0, "z", &tries), DM_TASK_SKIPPED);
    t_world_release(&x.w);
}

static const struct t_task cluster_tasks[] = {{.id = "add"}, {.id = "wait", .upstream = {"add"}}};

static void steps_run_in_order_and_wake_the_sensor(void)
{
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    struct dm_step_row *steps;
    size_t n;
    open_project(&x, NULL, cluster_tasks, 2);
    T_TRY(run_days(&x, 3, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.succeeded, 3);
    T_TRY(dm_store_steps(x.w.store, &x.w.arena, "j-1", 0, false, &steps, &n, &err), err);
    T_INT(n, 6);
    for (size_t i = 0; i < n; i++) {
        T_INT(steps[i].state, DM_STEP_COMPLETED);
        T_INT(strlen(steps[i].id), 15);
        T_OK(i == 0 || steps[i].started_at >= steps[i - 1].ended_at);
    }
    t_world_release(&x.w);
}

static void a_failed_step_cancels_what_waits(void)
{
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    struct dm_step_row *steps;
    size_t n;
    open_project(&x, NULL, cluster_tasks, 2);
    T_TRY(dm_file_write(below(&x, "break-step-0"), DM_STR("x"), 0644, &err), err);
    T_TRY(run_days(&x, 1, DM_RERUN_MISSING, &r, &err), err);
    T_TRY(dm_store_steps(x.w.store, &x.w.arena, NULL, 0, false, &steps, &n, &err), err);
    T_INT(n, 2);
    T_INT(steps[0].state, DM_STEP_FAILED);
    T_INT(steps[1].state, DM_STEP_CANCELLED);
    T_INT(r.failed, 1);
    T_HAS(r.failures[0].error->message, "CANCELLED");
    t_world_release(&x.w);
}

static void a_step_whose_process_died_starts_again(void)
{
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    struct dm_step_row *steps;
    struct dm_attempt_row *attempts;
    size_t n, n_attempts, of_step = 0;
    open_project(&x, NULL, cluster_tasks, 2);
    T_TRY(dm_file_write(below(&x, "kill-step-1"), DM_STR("x"), 0644, &err), err);
    T_TRY(run_days(&x, 1, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.succeeded, 1);
    T_TRY(dm_store_steps(x.w.store, &x.w.arena, NULL, 0, false, &steps, &n, &err), err);
    T_INT(n, 2);
    T_INT(steps[1].state, DM_STEP_COMPLETED);
    struct dm_attempt_filter all = {.map_index = -1};
    T_TRY(dm_store_attempts(x.w.store, &x.w.arena, &all, &attempts, &n_attempts, &err), err);
    for (size_t i = 0; i < n_attempts; i++)
        of_step += attempts[i].step_id && strcmp(attempts[i].step_id, steps[1].id) == 0;
    T_INT(of_step, 2);
    t_world_release(&x.w);
}

/* Another process drives, so that it can be killed. */
static int drive_elsewhere(struct project *x, int sig)
{
    struct dm_spawn s = {.program = "/proc/self/exe",
                         .argv = (const char *const[]){"t", "drive", x->w.dir, NULL},
                         .out_fd = STDERR_FILENO,
                         .lease_fd = -1};
    struct dm_child c;
    struct dm_err err;
    t_must(dm_spawn(&s, &c, &err), &err);
    while (!dm_exists(below(x, "hang.flag")))
        usleep(1000);
    kill(c.pid, sig);
    int status;
    waitpid(c.pid, &status, 0);
    close(c.pid_fd);
    close(c.fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct t_task hang_tasks[] = {{.id = "a"}, {.id = "hang", .upstream = {"a"}}};

static int drive_main(const char *dir)
{
    struct project x;
    struct dm_loop_report r;
    struct dm_err err;
    open_project(&x, dir, hang_tasks, 2);
    int rc = run_days(&x, 1, DM_RERUN_MISSING, &r, &err);
    t_world_close(&x.w);
    return rc == DM_E_CANCELLED ? 130 : 0;
}

/* Also the `first` one, of the command that did not come to its end. */
static void check_backfills_ended(struct project *x, const char *first)
{
    struct dm_backfill_row *rows;
    struct dm_err err;
    size_t n;
    T_TRY(dm_store_backfills(x->w.store, &x->w.arena, "d", false, 0, &rows, &n, &err), err);
    T_INT(n, 2);
    T_STR(rows[0].state, "success");
    T_STR(rows[1].state, first);
}

static void check_taken_over(struct project *x, const char *first)
{
    struct dm_loop_report r;
    struct dm_attempt_row *attempts;
    struct dm_err err;
    size_t n;
    int tries;
    T_TRY(run_days(x, 1, DM_RERUN_MISSING, &r, &err), err);
    T_INT(r.succeeded, 1);
    T_INT(r.attempts, 1); /* "a" is kept */
    T_INT(t_state(&x->w, 0, "hang", &tries), DM_TASK_SUCCESS);
    T_INT(tries, 1); /* no try was used up */
    struct dm_attempt_filter f = {.map_index = -1, .task_id = "hang"};
    T_TRY(dm_store_attempts(x->w.store, &x->w.arena, &f, &attempts, &n, &err), err);
    T_INT(n, 2);
    T_INT(attempts[0].state, DM_ATTEMPT_LOST);
    T_INT(dm_lease_held(x->p.run_dir, attempts[0].number, &err), 0);
    check_backfills_ended(x, first);
}

static void a_killed_scheduler_is_taken_over(void)
{
    struct project x;
    open_project(&x, NULL, hang_tasks, 2);
    T_INT(drive_elsewhere(&x, SIGKILL), -1);
    check_taken_over(&x, "success");
    t_world_release(&x.w);
}

static void an_interrupted_command_loses_no_try(void)
{
    struct project x;
    open_project(&x, NULL, hang_tasks, 2);
    T_INT(drive_elsewhere(&x, SIGTERM), 130);
    T_STR(t_run_state(&x.w, 0), "queued");
    check_taken_over(&x, "cancelled");
    t_world_release(&x.w);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "task-run") == 0)
        return task_run();
    if (argc > 1 && strcmp(argv[1], "step-run") == 0)
        return step_run();
    if (argc > 2 && strcmp(argv[1], "drive") == 0)
        return drive_main(argv[2]);
    static const struct t_case cases[] = {
        T_CASE(days_run_once),
        T_CASE(a_dead_process_is_a_failed_try),
        T_CASE(a_failed_try_leaves_nobody_behind),
        T_CASE(a_process_that_cannot_be_started_is_a_failed_try),
        T_CASE(a_blocked_run_is_named),
        T_CASE(a_run_that_takes_too_long_is_ended),
        T_CASE(steps_run_in_order_and_wake_the_sensor),
        T_CASE(a_failed_step_cancels_what_waits),
        T_CASE(a_step_whose_process_died_starts_again),
        T_CASE(a_killed_scheduler_is_taken_over),
        T_CASE(an_interrupted_command_loses_no_try),
    };
    return t_run(cases, sizeof(cases) / sizeof(cases[0]));
}
