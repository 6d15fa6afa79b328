/*
 * The role task-run: one attempt of one task.  Order in, render, execute, result out.
 *
 * Standard output and error are the attempt's log.  The exit status is 0 where a result was sent, whatever the result.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "lang/mapping.h"
#include "task/attempt.h"
#include "task/guard.h"
#include "task/log_cap.h"
#include "task/operator.h"
#include "task/render.h"

/* Renders the templated fields into at->args and reports them. */
static int render(struct dm_attempt *at, const struct dm_op_spec *spec, struct dm_err *reterr)
{
    const struct dm_value *shown;
    DM_TRY(dm_render_fields(at, spec, &at->args, &shown, reterr));
    return dm_attempt_send(at, DM_WIRE_RENDERED, shown, reterr);
}

/* What tasks are mapped over must have a length. */
static int check_mappable(const struct dm_attempt *at, const struct dm_value *value,
                          struct dm_err *reterr)
{
    if (!value || value->kind == DM_NULL || !at->order->do_xcom_push) {
        dm_err_set(reterr, DM_E_TYPE, "a task is mapped over its result, and there is none");
        return dm_err_hint(reterr, "It must return a list or a map%s.",
                           at->order->do_xcom_push ? "" : "; take do_xcom_push: false away");
    }
    int64_t n = dm_map_length(value);
    if (n < 0)
        return dm_err_set(
            reterr, DM_E_TYPE,
            "a task is mapped over its result, which must be a list or a map, not a %s",
            dm_kind_name(value->kind));
    if (n > DM_MAP_LENGTH_MAX)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "a task is mapped over its result, which has %lld items: at most %d",
                          (long long)n, DM_MAP_LENGTH_MAX);
    return 0;
}

static int finish(struct dm_attempt *at, const struct dm_value *value, struct dm_err *reterr)
{
    if (value && at->order->do_xcom_push)
        DM_TRY(dm_attempt_push_xcom(at, "return_value", value, reterr));
    if (at->order->is_mapped_over)
        DM_TRY(check_mappable(at, value, reterr));
    const struct dm_value *earlier = at->order->earlier_objects;
    if (!earlier || earlier->list.n == 0)
        return 0;
    struct dm_lake *lake = at->lake;
    if (!lake)
        DM_TRY(dm_attempt_lake(at, DM_STR("lake"), &lake, reterr));
    return dm_attempt_delete_stale(at, lake, earlier, reterr);
}

/* Its callbacks run first, in this process; what goes wrong with one is only said, as in Airflow. */
static void run_on_execute(const struct dm_attempt *at, const struct dm_value *callback,
                           dm_op_lookup *find)
{
    struct dm_order order = *at->order;
    const struct dm_value *value;
    struct dm_err err;
    order.operator_name = dm_str_cstr(at->arena, dm_map_str(callback, "operator", ""));
    order.args = dm_map_at(callback, "args");
    order.expand = order.expand_kwargs = NULL;
    order.do_xcom_push = false;
    struct dm_attempt one = {.arena = at->arena,
                             .order = &order,
                             .project = at->project,
                             .args = order.args,
                             .fd = at->fd,
                             .until_time = DM_NEVER};
    const struct dm_op *op = find(order.operator_name);
    int rc = op ? dm_render_fields(&one, &op->spec, &one.args, &value, &err)
                : dm_err_set(&err, DM_E_UNDEFINED, "no operator \"%s\"", order.operator_name);
    if (rc == 0)
        rc = op->execute(&one, &value, &err);
    if (rc < 0 && rc != DM_E_SKIP) {
        dm_err_wrap(&err, "on_execute_callback failed, the task goes on");
        dm_log_err(DM_LOG_ERROR, &err);
    }
}

static int work(struct dm_attempt *at, dm_op_lookup *find, struct dm_err *reterr)
{
    const struct dm_op *op = find(at->order->operator_name);
    if (!op)
        return dm_err_set(reterr, DM_E_UNDEFINED, "no operator \"%s\"", at->order->operator_name);
    const struct dm_value *value = NULL;
    DM_TRY(render(at, &op->spec, reterr));
    for (size_t i = 0; at->order->on_execute && i < at->order->on_execute->list.n; i++)
        run_on_execute(at, at->order->on_execute->list.items[i], find);
    DM_TRY(dm_attempt_send(at, DM_WIRE_STARTED, dm_value_map(at->arena), reterr));
    DM_TRY(op->execute(at, &value, reterr));
    return at->reschedule ? 0 : finish(at, value, reterr);
}

static struct dm_result result_of(struct dm_attempt *at, int rc, const struct dm_err *err)
{
    struct dm_result r = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    if (rc == DM_E_SKIP)
        r.state = DM_RESULT_SKIPPED;
    else if (rc < 0)
        r.state = DM_RESULT_FAILED;
    else if (at->reschedule)
        r.state = DM_RESULT_RESCHEDULE;
    if (rc < 0)
        r.error = *err;
    r.retry = r.state == DM_RESULT_FAILED && !at->no_retry;
    if (r.state == DM_RESULT_SUCCESS)
        r.decision = at->decision;
    if (r.state == DM_RESULT_RESCHEDULE) {
        r.until_step = at->until_step;
        r.until_time = at->until_time;
        if (at->waits_for)
            dm_err_set(&r.error, DM_E_WAITING, "%s", at->waits_for);
    }
    r.objects = r.state == DM_RESULT_SUCCESS
                    ? (at->written ? at->written : dm_value_list(at->arena, 0))
                    : dm_attempt_record(at, at->arena, at->order->earlier_objects);
    return r;
}

static void log_wait(const struct dm_result *r)
{
    char time[DM_TIME_MAX];
    const char *until = r->until_time == DM_NEVER ? NULL : dm_time_isoz(r->until_time, time);
    dm_log(DM_LOG_INFO, "waits%s%s%s%s%s%s", r->until_step ? " for step " : "",
           r->until_step ? r->until_step : "", until ? ", looks again at " : "", until ? until : "",
           r->error.code ? ": " : "", r->error.code ? r->error.message : "");
}

static void log_outcome(const struct dm_result *r)
{
    if (r->state == DM_RESULT_FAILED)
        dm_log_err(DM_LOG_ERROR, &r->error);
    else if (r->state == DM_RESULT_SKIPPED)
        dm_log(DM_LOG_INFO, "skipped: %s", r->error.message);
    else if (r->state == DM_RESULT_RESCHEDULE)
        log_wait(r);
    else
        dm_log(DM_LOG_INFO, "success");
}

/* An attempt has one result: the task's own thread and the watching one may both want to send it. */
static atomic_flag result_taken = ATOMIC_FLAG_INIT;

/* Only sensors have these fields. */
static bool skips_late(const struct dm_value *args)
{
    return dm_map_bool(args, "soft_fail", false) || dm_map_bool(args, "never_fail", false);
}

/* In the watching thread, while the task's own thread may be anywhere. */
static int too_late(void *user)
{
    if (atomic_flag_test_and_set(&result_taken))
        return 0;
    struct dm_attempt *at = user;
    _cleanup_arena_ struct dm_arena a = {0};
    char took[DM_TIME_MAX];
    struct dm_result r = {.state = DM_RESULT_FAILED, .retry = true, .until_time = DM_NEVER};
    if (skips_late(at->order->args)) {
        r.state = DM_RESULT_SKIPPED;
        r.retry = false;
    }
    r.objects = dm_attempt_record(at, &a, at->order->earlier_objects);
    dm_duration_human(at->order->execution_timeout_us, took);
    if (at->order->state || at->order->reason)
        dm_err_set(&r.error, DM_E_TIMEOUT, "the callback took longer than %s", took);
    else
        dm_err_set(&r.error, DM_E_TIMEOUT, "the task took longer than its execution_timeout of %s",
                   took);
    log_outcome(&r);
    return dm_attempt_send_result(at, &r, NULL) < 0 ? 1 : 0;
}

static int receive_order(struct dm_arena *a, struct dm_order *ret, struct dm_err *reterr)
{
    struct dm_frame frame;
    DM_TRY(dm_wire_receive(DM_WIRE_FD, a, &frame, reterr));
    if (frame.kind != DM_WIRE_ORDER)
        return dm_err_set(reterr, DM_E_DATA, "the first message is no work order");
    return dm_order_decode(a, frame.body, ret, reterr);
}

static int run_attempt(struct dm_arena *a, struct dm_project *project, dm_op_lookup *find,
                       struct dm_err *reterr)
{
    struct dm_order order;
    fcntl(DM_WIRE_FD, F_SETFD, FD_CLOEXEC);
    DM_TRY(dm_guard_start(DM_WIRE_FD, reterr));
    DM_TRY(receive_order(a, &order, reterr));
    struct dm_log_field dag, run, task;
    dm_log_push(&dag, "dag", order.dag_id);
    dm_log_push(&run, "run", order.run_id);
    dm_log_push(&task, "task", order.task_id);
    struct dm_attempt at = {.arena = a,
                            .order = &order,
                            .project = project,
                            .args = order.args,
                            .fd = DM_WIRE_FD,
                            .until_time = DM_NEVER};
    if (order.execution_timeout_us > 0)
        dm_guard_timeout(order.execution_timeout_us, too_late, &at);
    struct dm_err err = {0};
    int rc = dm_project_open(project, order.project_dir, &err);
    if (rc == 0) {
        dm_guard_log(STDOUT_FILENO,
                     dm_project_config_bytes(project, "logs.max_bytes", DM_LOG_BYTES_DEFAULT));
        rc = work(&at, find, &err);
        dm_guard_log_end();
    }
    if (atomic_flag_test_and_set(&result_taken))
        for (;;)
            pause(); /* too late: the watching thread ends the process */
    struct dm_result result = result_of(&at, rc, &err);
    log_outcome(&result);
    rc = dm_attempt_send_result(&at, &result, reterr);
    dm_log_pop(&task);
    dm_log_pop(&run);
    dm_log_pop(&dag);
    return rc;
}

int dm_task_run_main(dm_op_lookup *find)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_project project = {0};
    struct dm_err err;
    signal(SIGPIPE, SIG_IGN);
    dm_log_open(STDERR_FILENO, DM_LOG_INFO, "task");
    int rc = run_attempt(&a, &project, find, &err);
    if (rc < 0)
        dm_log_err(DM_LOG_ERROR, &err);
    dm_arena_release(&a); /* closes the store and the sessions before the project goes */
    dm_project_release(&project);
    return rc < 0 ? dm_code_exit(rc) : 0;
}
