/*
 * The role step-run: one step of the embedded cluster.  Order in, the command of command-runner.jar, result out.
 *
 * Standard output and error are the step's log.  The exit status is 0 where a result was sent, whatever the result.
 */
#include <fcntl.h>
#include <signal.h>

#include "base/log.h"
#include "task/guard.h"
#include "task/log_cap.h"
#include "task/operator.h"
#include "task/step.h"

static const struct dm_step_command commands[] = {
    {"s3-dist-cp", dm_step_distcp},
    {"spark-submit", dm_step_spark},
};

int dm_step_option(const char *const *argv, size_t *at, const char *name, const char **ret,
                   struct dm_err *reterr)
{
    size_t n = strlen(name);
    const char *arg = argv[*at];
    if (strncmp(arg, name, n) != 0 || (arg[n] != '=' && arg[n] != '\0'))
        return 0;
    if (arg[n] == '=') {
        *ret = arg + n + 1;
        *at += 1;
        return 1;
    }
    if (!argv[*at + 1])
        return dm_err_set(reterr, DM_E_USAGE, "%s: the option %s has no value", argv[0], name);
    *ret = argv[*at + 1];
    *at += 2;
    return 1;
}

struct dm_object_name dm_step_file(const struct dm_step *step, const char *path)
{
    return (struct dm_object_name){"", dm_project_relative(step->at.project, path)};
}

static int read_args(struct dm_arena *a, const struct dm_value *args, const char *const **ret,
                     struct dm_err *reterr)
{
    size_t n = args && args->kind == DM_LIST ? args->list.n : 0;
    const char **argv = dm_arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *v = args->list.items[i];
        if (v->kind != DM_STRING || memchr(v->s.p, '\0', v->s.len))
            return dm_err_set(reterr, DM_E_TYPE, "argument %zu of the step is no text", i + 1);
        argv[i] = dm_str_cstr(a, v->s);
    }
    *ret = argv;
    return 0;
}

static int run_command(struct dm_step *step, struct dm_err *reterr)
{
    const char *jar = step->order->jar;
    if (strcmp(dm_path_base(jar), "command-runner.jar") != 0) {
        dm_err_set(reterr, DM_E_UNSUPPORTED, "the embedded cluster cannot run the jar %s", jar);
        dm_err_hint(reterr, "It runs command-runner.jar with s3-dist-cp, spark-submit of a "
                            "classification script, or "
                            "a program of this machine.");
        return DM_E_UNSUPPORTED;
    }
    if (!step->argv[0])
        return dm_err_set(reterr, DM_E_USAGE, "the step has no arguments: nothing to run");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strcmp(dm_path_base(step->argv[0]), commands[i].name) == 0)
            return commands[i].run(step, reterr);
    return dm_step_program(step, reterr);
}

static int work(struct dm_step *step, struct dm_project *project, struct dm_err *reterr)
{
    const struct dm_step_order *o = step->order;
    DM_TRY(dm_project_open(project, o->project_dir, reterr));
    dm_guard_log(STDOUT_FILENO,
                 dm_project_config_bytes(project, "logs.max_bytes", DM_LOG_BYTES_DEFAULT));
    DM_TRY(dm_cluster_root(step->at.arena, project, o->cluster_id, &step->root, reterr));
    DM_TRY(dm_attempt_lake(&step->at, dm_str_c(o->lake_conn_id ? o->lake_conn_id : "lake"),
                           &step->lake, reterr));
    DM_TRY(read_args(step->at.arena, o->args, &step->argv, reterr));
    DM_TRY(dm_attempt_send(&step->at, DM_WIRE_STARTED, dm_value_map(step->at.arena), reterr));
    DM_TRY(run_command(step, reterr));
    return dm_attempt_delete_stale(&step->at, step->lake, o->earlier_objects, reterr);
}

static int receive_order(struct dm_arena *a, struct dm_step_order *ret, struct dm_err *reterr)
{
    struct dm_frame frame;
    DM_TRY(dm_wire_receive(DM_WIRE_FD, a, &frame, reterr));
    if (frame.kind != DM_WIRE_ORDER)
        return dm_err_set(reterr, DM_E_DATA, "the first message is no order of a step");
    return dm_step_order_decode(a, frame.body, ret, reterr);
}

static int run_step(struct dm_arena *a, struct dm_project *project, struct dm_err *reterr)
{
    struct dm_step_order order;
    fcntl(DM_WIRE_FD, F_SETFD, FD_CLOEXEC);
    DM_TRY(dm_guard_start(DM_WIRE_FD, reterr));
    DM_TRY(receive_order(a, &order, reterr));
    struct dm_log_field dag, run, id;
    dm_log_push(&dag, "dag", order.dag_id);
    dm_log_push(&run, "run", order.run_id);
    dm_log_push(&id, "step", order.step_id);
    struct dm_step step = {
        .at = {.arena = a, .project = project, .fd = DM_WIRE_FD, .until_time = DM_NEVER},
        .order = &order};
    struct dm_result result = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    int rc = work(&step, project, &result.error);
    dm_guard_log_end();
    if (rc < 0) {
        result.state = DM_RESULT_FAILED;
        dm_log_err(DM_LOG_ERROR, &result.error);
    } else {
        dm_log(DM_LOG_INFO, "success");
    }
    result.objects =
        rc < 0 ? dm_attempt_record(&step.at, a, order.earlier_objects) : step.at.written;
    rc = dm_attempt_send_result(&step.at, &result, reterr);
    dm_log_pop(&id);
    dm_log_pop(&run);
    dm_log_pop(&dag);
    return rc;
}

int dm_step_run_main(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_project project = {0};
    struct dm_err err;
    signal(SIGPIPE, SIG_IGN);
    dm_log_open(STDERR_FILENO, DM_LOG_INFO, "step");
    int rc = run_step(&a, &project, &err);
    if (rc < 0)
        dm_log_err(DM_LOG_ERROR, &err);
    dm_arena_release(&a);
    dm_project_release(&project);
    return rc < 0 ? dm_code_exit(rc) : 0;
}
