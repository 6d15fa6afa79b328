/* daymill scheduler: runs every DAG by its schedule, until it is told to end. */
#include "base/log.h"
#include "cmd/common.h"
#include "cmd/service.h"
#include "sched/world.h"

enum { DRAIN_SECONDS = 300 };

struct service {
    struct dm_notify notify;
    size_t running; /* as told last */
};

static void on_waiting(void *user, const char *holder)
{
    struct service *s = user;
    dm_log(DM_LOG_INFO, "waits for the right to decide, which has: %s", holder);
    dm_notify_status(&s->notify, "stands by: %s", holder);
    if (strstr(holder, " daymill " DM_RIGHT_SCHEDULER))
        dm_notify_ready(&s->notify); /* a standby is what it was started to be */
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void on_ready(void *user, size_t dags, size_t files, size_t errors)
{
    struct service *s = user;
    dm_log(errors ? DM_LOG_WARN : DM_LOG_INFO, "ready: %zu DAG%s in %zu file%s, %zu with errors%s",
           dags, plural(dags), files, plural(files), errors,
           errors ? " (\"daymill dags list-import-errors\" shows them)" : "");
    dm_notify_status(&s->notify, "%zu DAG%s", dags, plural(dags));
    dm_notify_ready(&s->notify);
}

static void on_reloaded(void *user, const struct dm_world_report *r)
{
    struct service *s = user;
    char gone[48] = "";
    if (r->gone)
        snprintf(gone, sizeof(gone), ", %zu %s gone", r->gone, r->gone == 1 ? "is" : "are");
    dm_log(r->errors ? DM_LOG_WARN : DM_LOG_INFO,
           "loaded %zu file%s%s: %zu DAG%s in %zu file%s, %zu with errors%s", r->loaded,
           plural(r->loaded), gone, r->dags, plural(r->dags), r->files, plural(r->files), r->errors,
           r->errors ? " (\"daymill dags list-import-errors\" shows them)" : "");
    dm_notify_status(&s->notify, "%zu DAG%s", r->dags, plural(r->dags));
}

static void on_draining(void *user, size_t running)
{
    struct service *s = user;
    dm_log(DM_LOG_INFO, "drains: %zu attempt%s at work, nothing new begins", running,
           running == 1 ? " is" : "s are");
    dm_notify_stopping(&s->notify);
}

static void on_not_forgotten(void *user, const struct dm_err *e)
{
    struct dm_err err = *e;
    dm_err_wrap(&err, "doing what retention says");
    dm_log_err(DM_LOG_WARN, &err);
}

static void on_run(void *user, const struct dm_loop_run_event *e)
{
    struct dm_log_field dag, run;
    dm_log_push(&dag, "dag", e->dag_id);
    dm_log_push(&run, "run", e->run_id);
    dm_log(e->to == DM_RUN_FAILED ? DM_LOG_WARN : DM_LOG_INFO, "run %s",
           e->from < 0 ? "created" : dm_run_state_name(e->to));
    dm_log_pop(&run);
    dm_log_pop(&dag);
}

static void on_task(void *user, const struct dm_loop_task_event *e)
{
    struct dm_log_field dag, run, task, tries;
    char try_number[16];
    bool failed = e->to == DM_TASK_FAILED || e->to == DM_TASK_UP_FOR_RETRY;
    if (!failed)
        return; /* the store has them all */
    snprintf(try_number, sizeof(try_number), "%d", e->try_number);
    dm_log_push(&dag, "dag", e->dag_id);
    dm_log_push(&run, "run", e->run_id);
    dm_log_push(&task, "task", e->task_id);
    dm_log_push(&tries, "try", try_number);
    if (e->error)
        dm_log_err(e->to == DM_TASK_FAILED ? DM_LOG_ERROR : DM_LOG_WARN, e->error);
    else
        dm_log(DM_LOG_ERROR, "%s", dm_task_state_name(e->to));
    dm_log_pop(&tries);
    dm_log_pop(&task);
    dm_log_pop(&run);
    dm_log_pop(&dag);
}

static void on_callback_failed(void *user, const struct dm_loop_callback_event *e)
{
    struct dm_log_field dag, run, task, key;
    dm_log_push(&dag, "dag", e->dag_id);
    dm_log_push(&run, "run", e->run_id);
    if (e->task_id)
        dm_log_push(&task, "task", e->task_id);
    dm_log_push(&key, "callback", e->key);
    dm_log_err(DM_LOG_ERROR, e->error);
    dm_log_pop(&key);
    if (e->task_id)
        dm_log_pop(&task);
    dm_log_pop(&run);
    dm_log_pop(&dag);
}

static const struct dm_option options[] = {
    {"standby", 0, DM_OPTION_FLAG, NULL, NULL,
     "wait while another scheduler works, and take over at once when it ends"},
    {"jobs", 'j', DM_OPTION_INT, "N", NULL,
     "tasks at once (default: scheduler.parallelism of daymill.yaml, else 32)"},
    DM_SERVICE_OPTION,
    {NULL},
};

static int64_t setting(const struct dm_args *args, const char *key, int64_t fallback)
{
    const struct dm_value *v = dm_project_config(args->project, key);
    return v ? v->i : fallback;
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct service s = {.notify = {.fd = -1}};
    struct dm_load_world load;
    struct dm_loop_report report;
    struct dm_loop_watch watch = {.user = &s,
                                  .waiting = on_waiting,
                                  .ready = on_ready,
                                  .reloaded = on_reloaded,
                                  .draining = on_draining,
                                  .not_forgotten = on_not_forgotten,
                                  .run = on_run,
                                  .task = on_task,
                                  .callback_failed = on_callback_failed};
    dm_log_open(2, DM_LOG_INFO, "scheduler");
    DM_TRY(dm_service_begin(args, &s.notify, reterr));
    DM_TRY(dm_cmd_load_world(args, &load, reterr));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    struct dm_loop_options o = {
        .project = args->project,
        .store = store,
        .scheduler = true,
        .standby = dm_option_flag(args, "standby"),
        .drain_us = setting(args, "scheduler.drain_timeout", DRAIN_SECONDS) * DM_SEC,
        .load = &load,
        .jobs = (int)dm_option_int(args, "jobs", setting(args, "scheduler.parallelism", 0)),
        .command = DM_RIGHT_SCHEDULER,
        .watch = &watch,
    };
    int rc = dm_loop_run(args->arena, &o, &report, reterr);
    dm_notify_stopping(&s.notify);
    dm_notify_release(&s.notify);
    if (rc == 0)
        dm_log(DM_LOG_INFO, "ended");
    return rc;
}

const struct dm_cmd dm_cmd_scheduler = {
    .name = "scheduler",
    .synopsis = "",
    .doc = "run every DAG by its schedule, until SIGTERM",
    .more = "SIGTERM lets what is at work end, SIGINT (or a second SIGTERM) ends it now: it will "
            "be done again.\n"
            "SIGHUP loads every DAG file again; a file that changes is loaded by itself.\n"
            "  daymill scheduler",
    .options = options,
    .run = run,
};
