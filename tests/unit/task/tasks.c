/* task-run: attempts in processes of their own. */
#include <signal.h>

#include "child.h"
#include "unit/conn/scratch_project.h"

struct world {
    struct scratch s;
    struct dm_arena a;
    struct dm_err err;
    struct child_run run;
    struct dm_order order;
};

static void world_close(struct world *w)
{
    dm_arena_release(&w->a);
    scratch_close(&w->s);
}
#define _cleanup_world_ DM_CLEANUP(world_close)

static int world_open(struct world *w)
{
    *w = (struct world){0};
    DM_TRY(scratch_open(&w->s, "",
                        "lake: {conn_type: local_lake}\nshop: postgres://me:s3cret-word@h/db\n",
                        &w->err));
    w->order = (struct dm_order){.attempt = 1,
                                 .project_dir = w->s.dir,
                                 .dag_id = "d",
                                 .task_id = "t",
                                 .run_id = "manual__1",
                                 .run_type = "backfill",
                                 .operator_name = "bash",
                                 .dag_file = "dags/d.yaml",
                                 .owner = "airflow",
                                 .timezone = "UTC",
                                 .map_index = -1,
                                 .try_number = 1,
                                 .do_xcom_push = true,
                                 .logical_date = 1291161600000000,
                                 .interval_start = 1291161600000000,
                                 .interval_end = 1291248000000000,
                                 .prev_interval_start_success = DM_NEVER,
                                 .prev_interval_end_success = DM_NEVER,
                                 .prev_start_date_success = DM_NEVER,
                                 .prev_end_date_success = DM_NEVER};
    return dm_mkdirs(w->s.project.logs_dir, 0777, &w->err);
}

static const char *path(struct world *w, const char *name)
{
    return dm_path_join(&w->a, w->s.dir, name);
}

static int start(struct world *w, const char *command, struct dm_child *child)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_value *args = dm_value_map(&w->a), *text = dm_value_cstr(&w->a, command);
    text->line = 12;
    text->col = 21;
    dm_map_set(&w->a, args, "bash_command", text);
    dm_map_set(&w->a, args, "append_env", &dm_true);
    dm_map_set(&w->a, args, "skip_on_exit_code", dm_value_int(&w->a, 99));
    w->order.args = args;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    DM_TRY(dm_order_encode(&b, &w->order, &w->err));
    return child_start("task-run", dm_strbuf_str(&b), path(w, "logs/task.log"), child, &w->err);
}

static int run(struct world *w, const char *command)
{
    struct dm_child child;
    DM_TRY(start(w, command, &child));
    return child_finish(&w->a, &child, &w->run, &w->err);
}

static const char *log_text(struct world *w)
{
    struct dm_str text;
    if (dm_file_read(&w->a, path(w, "logs/task.log"), 1 << 20, &text, &w->err) < 0)
        return w->err.message;
    return dm_str_cstr(&w->a, text);
}

static void a_task_returns_its_value(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(run(&w, "echo one; echo {{ ds }}"), w.err);
    T_OK(w.run.has_result);
    T_INT(w.run.exit_status, 0);
    T_INT(w.run.result.state, DM_RESULT_SUCCESS);
    T_INT(w.run.xcoms->list.n, 1);
    T_DMSTR(dm_map_str(w.run.xcoms->list.items[0], "key", ""), "return_value");
    T_DMSTR(dm_map_str(w.run.xcoms->list.items[0], "value", ""), "2010-12-01");
    T_DMSTR(dm_map_str(w.run.rendered->list.items[0], "bash_command", ""),
            "echo one; echo 2010-12-01");
    w.order.do_xcom_push = false;
    T_TRY(run(&w, "echo one"), w.err);
    T_INT(w.run.xcoms->list.n, 0);
}

static void a_failure_is_a_result_and_one_line_of_the_log(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(run(&w, "exit 7"), w.err);
    T_INT(w.run.exit_status, 0);
    T_INT(w.run.result.state, DM_RESULT_FAILED);
    T_OK(w.run.result.retry);
    T_HAS(w.run.result.error.message, "7");
    T_HAS(log_text(&w), w.run.result.error.message);
    T_TRY(run(&w, "exit 99"), w.err);
    T_INT(w.run.result.state, DM_RESULT_SKIPPED);
}

static void a_template_error_names_the_line_of_the_dag(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(run(&w, "echo {{ nobody }}"), w.err);
    T_INT(w.run.result.state, DM_RESULT_FAILED);
    T_HAS(w.run.result.error.message, "could not render \"bash_command\"");
    T_STR(w.run.result.error.file, "dags/d.yaml");
    T_INT(w.run.result.error.line, 12);
    T_OK(w.run.result.error.col >= 21);
}

static void a_secret_is_never_shown(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    T_TRY(run(&w, "test '{{ conn.shop.password }}' = s3cret-word && exit 3"), w.err);
    T_HAS(w.run.result.error.message, "3");
    T_DMSTR(dm_map_str(w.run.rendered->list.items[0], "bash_command", ""),
            "test '***' = *** && exit 3");
    T_OK(!strstr(log_text(&w), "s3cret-word"));
}

static void objects_that_were_not_written_again_go_when_the_task_succeeds(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    struct dm_value *earlier = dm_value_list(&w.a, 0), *object = dm_value_map(&w.a);
    dm_map_set(&w.a, object, "bucket", dm_value_cstr(&w.a, "b"));
    dm_map_set(&w.a, object, "key", dm_value_cstr(&w.a, "raw/old.csv"));
    dm_list_add(&w.a, earlier, object);
    w.order.earlier_objects = earlier;
    T_TRY(dm_mkdirs(path(&w, "lake/b/raw"), 0777, &w.err), w.err);
    T_TRY(dm_file_write(path(&w, "lake/b/raw/old.csv"), DM_STR("x"), 0444, &w.err), w.err);
    T_TRY(run(&w, "exit 1"), w.err);
    T_OK(dm_exists(path(&w, "lake/b/raw/old.csv")));
    T_INT(w.run.result.objects->list.n, 1); /* still on record */
    T_TRY(run(&w, "true"), w.err);
    T_OK(!dm_exists(path(&w, "lake/b/raw/old.csv")));
    T_INT(w.run.result.objects->list.n, 0);
}

/* A process that is a zombie or not there at all. */
static bool gone(struct world *w, const char *pid_file)
{
    struct dm_str text;
    int64_t pid;
    if (dm_file_read(&w->a, path(w, pid_file), 64, &text, NULL) < 0 ||
        !dm_str_to_i64(dm_str_trim(text), &pid))
        return false;
    for (int i = 0; i < 100; i++) {
        const char *stat = dm_arena_printf(&w->a, "/proc/%lld/stat", (long long)pid);
        if (dm_file_read(&w->a, stat, 4096, &text, NULL) < 0 ||
            dm_str_find(text, DM_STR(") Z "), 0) >= 0)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static void a_task_that_takes_too_long_fails_with_all_it_started(void)
{
    _cleanup_world_ struct world w;
    T_TRY(world_open(&w), w.err);
    w.order.execution_timeout_us = DM_SEC;
    T_TRY(run(&w, "sleep 600 & echo $! > pid; wait"), w.err);
    T_OK(w.run.has_result);
    T_INT(w.run.exit_status, 0);
    T_INT(w.run.result.state, DM_RESULT_FAILED);
    T_OK(w.run.result.retry);
    T_INT(w.run.result.error.code, DM_E_TIMEOUT);
    T_HAS(w.run.result.error.message, "execution_timeout of 1.0 s");
    T_OK(gone(&w, "run/scratch/d/manual__1/pid"));
}

static void a_task_and_what_it_started_end_with_their_parent(void)
{
    _cleanup_world_ struct world w;
    struct dm_child child;
    struct dm_child_end end;
    T_TRY(world_open(&w), w.err);
    T_TRY(start(&w, "sleep 600 & echo $! > pid; mv pid done; wait", &child), w.err);
    for (int i = 0; i < 1000 && !dm_exists(path(&w, "run/scratch/d/manual__1/done")); i++)
        poll(NULL, 0, 10);
    dm_closep(&child.fd);
    struct pollfd p = {.fd = child.pid_fd, .events = POLLIN};
    T_INT(poll(&p, 1, 1000), 1);
    T_OK(gone(&w, "run/scratch/d/manual__1/done"));
    T_TRY(dm_child_reap(&child, &end, &w.err), w.err);
    T_INT(end.signal, SIGKILL);
}

static void without_an_order_there_is_no_result(void)
{
    _cleanup_world_ struct world w;
    struct dm_child child;
    T_TRY(world_open(&w), w.err);
    T_TRY(child_start("task-run", DM_STR("{}"), path(&w, "logs/task.log"), &child, &w.err), w.err);
    T_TRY(child_finish(&w.a, &child, &w.run, &w.err), w.err);
    T_OK(!w.run.has_result);
    T_OK(w.run.exit_status != 0);
}

CHILD_MAIN(T_CASE(a_task_returns_its_value), T_CASE(a_failure_is_a_result_and_one_line_of_the_log),
           T_CASE(a_template_error_names_the_line_of_the_dag), T_CASE(a_secret_is_never_shown),
           T_CASE(objects_that_were_not_written_again_go_when_the_task_succeeds),
           T_CASE(a_task_that_takes_too_long_fails_with_all_it_started),
           T_CASE(a_task_and_what_it_started_end_with_their_parent),
           T_CASE(without_an_order_there_is_no_result))
