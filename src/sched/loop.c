/*
 * The loop.  libuv tells what happened; nothing is decided in its callbacks, they only read and mark.  Then one turn:
 *
 *   facts of all children and the plan, in one transaction -> commit -> replies, new children, what watchers hear
 *
 * so that a reply is never sent before what it promises is stored, and a child never starts before its attempt is.
 */
#include "sched/loop.h"

#include <signal.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/file.h"
#include "conn/cluster.h"
#include "proc/lease.h"
#include "sched/child.h"
#include "sched/follow.h"
#include "sched/forget.h"
#include "sched/known.h"
#include "sched/loop_report.h"
#include "sched/recover.h"
#include "sched/request.h"
#include "sched/wake.h"
#include "sched/world.h"

#define KILL_AFTER_US (3 * DM_SEC)    /* between TERM and KILL */
#define EXIT_AFTER_US (10 * DM_SEC)   /* between a result and the end of its process */
#define STARTED_AFTER_US (20 * DM_MS) /* a new process is recorded at the latest then */
#define HEIRS_EVERY_US (2 * DM_MS)    /* whether what a failed try left behind has ended */
#define PROGRESS_DEFAULT_US (250 * DM_MS)
#define REQUESTS_EVERY_US DM_SEC /* a lost wake-up costs no more */
#define FILES_EVERY_US \
    (30 * DM_SEC) /* the DAGs' files are looked at, whatever was seen of changes */

#define PURGE_PAUSE_US (50 * DM_MS) /* between two chunks of a purge: turns go on */
#define RETAIN_FIRST_US DM_SEC      /* after the start; what is old is looked for */
#define RETAIN_EVERY_US DM_MIN
#define RETAIN_AGAIN_US (250 * DM_MS) /* where there was more of it */
#define IDLE_US (50 * DM_MS)          /* idle: nothing is to be done for that long */

enum { SCHEDULER_JOBS = 32 }; /* Airflow's parallelism */

struct dm_loop {
    const struct dm_loop_options *options;
    struct dm_arena *arena; /* as long as the loop */
    struct dm_tick tick;
    struct dm_loop_ledger ledger;
    uv_loop_t uv;
    uv_signal_t on_int, on_term, on_hup;
    uv_timer_t timer;
    uv_poll_t wake_poll, files_poll;
    int wake_fd;
    struct dm_world *world; /* NULL = no DAG file was needed yet */
    bool watches_files;
    int64_t requests_at, files_at; /* when these are to be looked at next */
    bool files_changed, reload;    /* reload: every file, as SIGHUP asks */
    int64_t drain_until;           /* monotonic; 0 = not draining */
    struct dm_loop_child **children;
    size_t n_children, cap_children;
    int interrupts, obeyed; /* signals that came, and those acted upon */
    bool dirty;             /* something happened */
    struct dm_forget forget;
    int64_t purge_at, retain_at;
    bool retain_failed;
    int64_t progress_at;
    size_t tasks, tasks_done;
    const struct dm_plan_run **ended; /* runs that succeeded in the turn: the cluster's files go */
    size_t n_ended, cap_ended;
    struct dm_leases leases;
};

/* ---- what libuv tells ---- */

static void on_signal(uv_signal_t *handle, int sig)
{
    struct dm_loop *l = handle->data;
    l->dirty = true;
    if (sig == SIGHUP) {
        l->reload = l->files_changed = true;
    } else if (sig == SIGTERM && l->options->scheduler && !l->drain_until) {
        const struct dm_loop_watch *w = l->options->watch;
        l->drain_until = dm_clock_monotonic() + l->options->drain_us;
        l->tick.limits.draining = true;
        if (w && w->draining)
            w->draining(w->user, l->n_children);
    } else {
        l->interrupts++;
    }
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct dm_loop *l = poll->data;
    dm_wake_drain(l->wake_fd);
    l->requests_at = 0;
    l->dirty = true;
}

static void on_files(uv_poll_t *poll, int status, int events)
{
    struct dm_loop *l = poll->data;
    l->files_changed = l->files_changed || dm_world_changed(l->world);
    l->dirty = true;
}

static void on_timer(uv_timer_t *handle)
{
    ((struct dm_loop *)handle->data)->dirty = true;
}

static void on_closed(uv_handle_t *handle)
{
    ((struct dm_loop_child *)handle->data)->open_handles--;
}

static void close_poll(uv_poll_t *poll)
{
    if (!uv_is_closing((uv_handle_t *)poll))
        uv_close((uv_handle_t *)poll, on_closed);
}

static void on_wire(uv_poll_t *poll, int status, int events)
{
    struct dm_loop_child *c = poll->data;
    if (status < 0 || (events & UV_READABLE))
        dm_loop_child_read(c);
    if (status == 0 && (events & UV_WRITABLE) && dm_loop_child_flush(c) == 0)
        uv_poll_start(poll, UV_READABLE, on_wire);
    if (c->closed)
        close_poll(poll);
    c->loop->dirty = true;
}

static void on_exit_of(uv_poll_t *poll, int status, int events)
{
    struct dm_loop_child *c = poll->data;
    struct dm_err err;
    close_poll(poll);
    if (dm_child_reap(&c->proc, &c->end, &err) < 0)
        c->broken = err;
    /* With the whole group gone the socket holds its last words and then an end. */
    dm_loop_child_read(c);
    if (!uv_is_closing((uv_handle_t *)&c->wire_poll))
        close_poll(&c->wire_poll);
    c->exited = true;
    c->loop->dirty = true;
}

/* ---- children ---- */

static int watch_child(struct dm_loop *l, struct dm_loop_child *c, struct dm_err *reterr)
{
    c->wire_poll.data = c->pid_poll.data = c;
    int rc = uv_poll_init(&l->uv, &c->wire_poll, c->proc.fd);
    if (rc == 0) {
        c->open_handles++;
        rc = uv_poll_init(&l->uv, &c->pid_poll, c->proc.pid_fd);
    }
    if (rc == 0) {
        c->open_handles++;
        uv_poll_start(&c->pid_poll, UV_READABLE, on_exit_of);
        uv_poll_start(&c->wire_poll, UV_READABLE, on_wire);
        return 0;
    }
    if (c->open_handles)
        close_poll(&c->wire_poll);
    dm_child_kill(&c->proc, SIGKILL);
    DM_TRY(dm_child_reap(&c->proc, &c->end, reterr));
    return dm_err_errno(reterr, -rc, "could not watch process %d", (int)c->proc.pid);
}

static void send_out(struct dm_loop_child *c)
{
    if (c->out.len > 0 && !c->exited && !uv_is_closing((uv_handle_t *)&c->wire_poll) &&
        dm_loop_child_flush(c) == 1)
        uv_poll_start(&c->wire_poll, UV_READABLE | UV_WRITABLE, on_wire);
}

/* A child that cannot be started has ended, in the next turn. */
static void start_job(struct dm_loop *l, struct dm_job *job)
{
    const char *program = l->options->program ? l->options->program : dm_program_path();
    struct dm_loop_child *c = dm_loop_child_new(job);
    struct dm_err err = {0};
    c->loop = l;
    c->since = l->tick.now;
    l->children =
        dm_room(l->children, l->n_children, &l->cap_children, sizeof(struct dm_loop_child *));
    l->children[l->n_children++] = c;
    l->ledger.report.attempts += job->callback == NULL;
    int rc = dm_loop_child_start(c, l->options->project, l->tick.store, program, &l->leases, &err);
    if (rc == 0)
        rc = watch_child(l, c, &err);
    if (rc < 0) {
        c->broken = err;
        c->exited = c->closed = true;
        c->end.exit_status = -1;
        l->dirty = true;
        return;
    }
    send_out(c);
}

static void end_child(struct dm_loop_child *c, int64_t now)
{
    if (c->exited || c->kill_at)
        return;
    c->kill_at = now + KILL_AFTER_US;
    dm_child_kill(&c->proc, SIGTERM);
}

/* Deadlines, broken children, TERM that became KILL.  Times are monotonic. */
static void press_children(struct dm_loop *l, int64_t now)
{
    for (size_t i = 0; i < l->n_children; i++) {
        struct dm_loop_child *c = l->children[i];
        if (c->exited)
            continue;
        if (c->kill_at && c->kill_at <= now) {
            dm_child_kill(&c->proc, SIGKILL);
            c->kill_at = now + KILL_AFTER_US;
        }
        if (c->has_result && !c->deadline)
            c->deadline = now + EXIT_AFTER_US;
        if (c->deadline && c->deadline <= now && !c->kill_at) {
            if (!c->has_result)
                dm_err_set(&c->broken, DM_E_TIMEOUT,
                           "the task took longer than its execution_timeout");
            end_child(c, now);
        }
        if (c->broken.code)
            end_child(c, now);
        const char *ending = c->job->step ? c->job->step->ending : c->job->task->ending;
        if (ending && !c->has_result && !c->kill_at) {
            dm_err_set(&c->broken, DM_E_CANCELLED, "%s", ending);
            end_child(c, now);
        }
    }
    if (l->drain_until && l->drain_until <= now && l->interrupts == 0)
        l->interrupts = 1; /* they have had their time */
    if (l->interrupts == l->obeyed)
        return;
    l->obeyed = l->interrupts;
    for (size_t i = 0; i < l->n_children; i++) {
        if (l->interrupts == 1)
            end_child(l->children[i], now);
        else if (!l->children[i]->exited)
            dm_child_kill(&l->children[i]->proc, SIGKILL);
    }
}

/* ---- one turn ---- */

static bool wants_durable(const struct dm_loop *l)
{
    for (size_t i = 0; i < l->n_children; i++)
        if (dm_loop_child_wants_durable(l->children[i]))
            return true;
    return false;
}

/* A descendant that has left the process group still does what the next try would do: it is ended first.  What a task
   that succeeded has left behind stays. */
static bool has_heirs(const struct dm_loop *l, const struct dm_loop_child *c,
                      const struct dm_job_end *end)
{
    const char *run_dir = l->options->project->run_dir;
    if (end->result.state == DM_RESULT_SUCCESS ||
        dm_lease_held(run_dir, c->job->attempt, NULL) != 1)
        return false;
    dm_lease_kill(run_dir, c->job->attempt);
    return true;
}

static int end_of_child(struct dm_loop *l, struct dm_loop_child *c, struct dm_err *reterr)
{
    struct dm_job_end end;
    dm_loop_child_outcome(c, &end);
    c->waits_for_heirs = has_heirs(l, c, &end);
    if (c->waits_for_heirs)
        return 0;
    c->over = true;
    dm_lease_remove(l->options->project->run_dir, c->job->attempt, &l->leases);
    if (l->interrupts && !(c->has_result && end.exit_status == 0))
        return dm_tick_lost(&l->tick, c->job, "interrupted", reterr);
    return dm_tick_ended(&l->tick, c->job, &end, reterr);
}

static int facts(struct dm_loop *l, struct dm_err *reterr)
{
    for (size_t i = 0; i < l->n_children; i++) {
        struct dm_loop_child *c = l->children[i];
        if (c->over)
            continue;
        bool had_code = c->code_at != 0;
        DM_TRY(dm_loop_child_facts(c, &l->tick, reterr));
        if (!had_code && c->code_at) {
            int64_t latency = c->code_at - c->job->decided_at;
            struct dm_loop_report *r = &l->ledger.report;
            r->n_latency++;
            r->latency_sum_us += latency;
            if (latency > r->latency_max_us)
                r->latency_max_us = latency;
        }
        if (c->exited)
            DM_TRY(end_of_child(l, c, reterr));
    }
    return 0;
}

static void sweep_children(struct dm_loop *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_children; i++) {
        struct dm_loop_child *c = l->children[i];
        if (c->over && c->open_handles == 0)
            dm_loop_child_free(c);
        else
            l->children[n++] = c;
    }
    l->n_children = n;
}

static void tell(struct dm_loop *l)
{
    const struct dm_loop_watch *w = l->options->watch;
    for (size_t i = 0; i < l->tick.n_notes; i++) {
        const struct dm_note *n = &l->tick.notes[i];
        if (n->callback) {
            if (w && w->callback_failed)
                w->callback_failed(w->user, n->callback);
            continue;
        }
        dm_report_note(&l->ledger, n);
        if (n->about_run && n->run.to == DM_RUN_SUCCESS) {
            l->ended = dm_room(l->ended, l->n_ended, &l->cap_ended, sizeof(*l->ended));
            l->ended[l->n_ended++] = n->of;
        }
        if (!n->about_run)
            l->tasks_done += (size_t)dm_task_finished(n->task.to);
        if (n->about_run && w && w->run)
            w->run(w->user, &n->run);
        if (!n->about_run && w && w->task)
            w->task(w->user, &n->task);
    }
}

static void show_progress(struct dm_loop *l, int64_t now)
{
    const struct dm_loop_watch *w = l->options->watch;
    if (!w || !w->progress)
        return;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_loop_activity *list = dm_arena_array(&a, struct dm_loop_activity, l->n_children + 1);
    const struct dm_loop_report *r = &l->ledger.report;
    struct dm_loop_progress p = {
        .days = r->days - r->kept,
        .days_done = r->succeeded + r->failed,
        .days_failed = r->failed,
        .tasks = l->tasks,
        .tasks_done = l->tasks_done,
        .activities = list,
        .started_at = r->started_at,
        .now = now,
    };
    for (size_t i = 0; i < l->n_children; i++) {
        const struct dm_loop_child *c = l->children[i];
        if (c->exited)
            continue;
        list[p.running++] =
            (struct dm_loop_activity){.run_id = c->job->run->row.run_id,
                                      .task_id = c->job->task->row.task_id,
                                      .step_id = c->job->step ? c->job->step->row.id : NULL,
                                      .since = c->since,
                                      .done = c->done,
                                      .total = c->total,
                                      .unit = *c->unit ? c->unit : NULL};
    }
    w->progress(w->user, &p);
}

/* The files of the embedded cluster go when their day has succeeded; a crash before leaves them to the next rerun. */
static int remove_cluster_files(struct dm_loop *l, const struct dm_plan_run *run,
                                struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_object_row *objects;
    size_t n, n_paths = 0;
    DM_TRY(dm_store_objects(l->tick.store, &a, run->row.dag_id, run->row.run_id, &objects, &n,
                            reterr));
    const char **paths = dm_arena_array(&a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        if (!*objects[i].bucket)
            paths[n_paths++] = objects[i].key;
    if (n_paths == 0)
        return 0;
    DM_TRY(dm_cluster_remove(l->options->project, paths, n_paths, reterr));
    DM_TRY(dm_store_begin(l->tick.store, false, reterr));
    DM_TRY(dm_record_cluster_files_gone(l->tick.store, run->row.id, reterr));
    return dm_store_commit(l->tick.store, reterr);
}

static int after_commit(struct dm_loop *l, struct dm_err *reterr)
{
    for (size_t i = 0; i < l->n_children; i++)
        if (!l->children[i]->over)
            send_out(l->children[i]);
    for (size_t i = 0; i < l->tick.n_jobs; i++)
        start_job(l, l->tick.jobs[i]);
    tell(l);
    sweep_children(l);
    for (size_t i = 0; i < l->n_ended; i++)
        DM_TRY(remove_cluster_files(l, l->ended[i], reterr));
    l->n_ended = 0;
    return 0;
}

/* ---- DAG files and requests ---- */

static int refresh(struct dm_loop *l, bool all, struct dm_world_report *ret, struct dm_err *reterr)
{
    l->files_at = l->tick.now + FILES_EVERY_US;
    l->files_changed = l->reload = false;
    DM_TRY(dm_world_refresh(l->world, &l->tick, all, ret, reterr));
    return dm_tick_load_drives(&l->tick, reterr); /* those whose DAG did not load before */
}

static int look_at_files(struct dm_loop *l, struct dm_err *reterr)
{
    const struct dm_loop_watch *w = l->options->watch;
    struct dm_world_report r;
    if (!l->options->scheduler || !(l->files_changed || l->files_at <= l->tick.now))
        return 0;
    DM_TRY(refresh(l, l->reload, &r, reterr));
    if ((r.loaded || r.gone) && w && w->reloaded)
        w->reloaded(w->user, &r);
    return 0;
}

/* The files are as fresh as the request: what was written before it was asked is seen. */
static int find_dag(void *user, struct dm_tick *t, const char *dag_id, struct dm_err *reterr)
{
    struct dm_loop *l = user;
    struct dm_world_report r;
    if (!l->options->load)
        return 0;
    if (!l->world)
        DM_TRY(dm_world_open(l->options->project, l->options->load, &l->world, reterr));
    if (l->options->scheduler && !dm_world_changed(l->world))
        return 0;
    return refresh(l, false, &r, reterr);
}

static int do_requests(struct dm_loop *l, struct dm_err *reterr)
{
    struct dm_request_world w = {.project = l->options->project,
                                 .find_dag = find_dag,
                                 .user = l,
                                 .backfills = l->options->scheduler,
                                 .forget = &l->forget};
    size_t n;
    if (l->requests_at > l->tick.now)
        return 0;
    l->requests_at = l->tick.now + REQUESTS_EVERY_US;
    return dm_requests_do(&l->tick, &w, &n, reterr);
}

static int turn(struct dm_loop *l, struct dm_err *reterr)
{
    l->dirty = false;
    DM_TRY(dm_tick_begin(&l->tick, dm_clock_now(), wants_durable(l), reterr));
    DM_TRY(facts(l, reterr));
    DM_TRY(look_at_files(l, reterr));
    DM_TRY(do_requests(l, reterr));
    if (!l->interrupts)
        DM_TRY(dm_tick_plan(&l->tick, reterr));
    DM_TRY(dm_tick_commit(&l->tick, reterr));
    DM_TRY(after_commit(l, reterr));
    press_children(l, dm_clock_monotonic());
    return 0;
}

/* Nothing can move any more; of a scheduler: it was told to end, and everything has. */
static bool at_rest(const struct dm_loop *l)
{
    if (l->options->scheduler)
        return l->n_children == 0 && (l->drain_until || l->interrupts);
    return l->n_children == 0 && !l->dirty &&
           ((l->tick.wake_at == DM_NEVER && !dm_forget_purging(&l->forget)) || l->interrupts);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return b < a ? b : a;
}

/* How long libuv may sleep, in microseconds. */
static int64_t next_wake(struct dm_loop *l, int64_t now, int64_t mono)
{
    const struct dm_loop_watch *w = l->options->watch;
    int64_t in = DM_MIN;
    if (l->dirty)
        return 0;
    if (l->tick.wake_at != DM_NEVER)
        in = sooner(in, l->tick.wake_at - now);
    in = sooner(in, l->requests_at - now);
    if (dm_forget_purging(&l->forget))
        in = sooner(in, l->purge_at - now);
    if (l->retain_at > now)
        in = sooner(in, l->retain_at - now);
    if (l->options->scheduler)
        in = sooner(in, l->files_at - now);
    if (l->drain_until)
        in = sooner(in, l->drain_until - mono);
    if (w && w->progress)
        in = sooner(in, l->progress_at - now);
    for (size_t i = 0; i < l->n_children; i++) {
        const struct dm_loop_child *c = l->children[i];
        if (!c->told_started)
            in = sooner(in, STARTED_AFTER_US);
        if (c->waits_for_heirs)
            in = sooner(in, HEIRS_EVERY_US);
        if (c->deadline && !c->kill_at)
            in = sooner(in, c->deadline - mono);
        if (c->kill_at)
            in = sooner(in, c->kill_at - mono);
    }
    return in < 0 ? 0 : in;
}

/* ---- forgetting, between turns ---- */

static int purge(struct dm_loop *l, struct dm_err *reterr)
{
    int64_t generations = l->forget.purged.generations;
    DM_TRY(dm_forget_purge(&l->forget, dm_clock_now(), reterr));
    if (l->forget.purged.generations != generations)
        dm_tick_generations_gone(&l->tick);
    l->purge_at = dm_clock_now() + PURGE_PAUSE_US;
    if (!dm_forget_purging(&l->forget))
        l->requests_at = 0; /* the next one may wait */
    return 0;
}

/* It can wait: what fails is told, once, and nothing else suffers. */
static void retain(struct dm_loop *l)
{
    const struct dm_loop_watch *w = l->options->watch;
    int64_t generations = l->forget.removed.generations;
    struct dm_err err = {0};
    int more = dm_forget_old(&l->forget, dm_clock_now(), &err);
    l->retain_at = dm_clock_now() + (more > 0 ? RETAIN_AGAIN_US : RETAIN_EVERY_US);
    if (l->forget.removed.generations != generations)
        dm_tick_generations_gone(&l->tick);
    if (more < 0 && !l->retain_failed && w && w->not_forgotten)
        w->not_forgotten(w->user, &err);
    l->retain_failed = more < 0;
}

static int forget(struct dm_loop *l, struct dm_err *reterr)
{
    int64_t now = dm_clock_now();
    if (l->interrupts || l->drain_until)
        return 0;
    if (dm_forget_purging(&l->forget))
        return l->purge_at <= now ? purge(l, reterr) : 0;
    if (l->options->scheduler && l->retain_at <= now &&
        next_wake(l, now, dm_clock_monotonic()) >= IDLE_US)
        retain(l);
    return 0;
}

static int run_turns(struct dm_loop *l, struct dm_err *reterr)
{
    const struct dm_loop_watch *w = l->options->watch;
    int64_t every = w && w->progress_us > 0 ? w->progress_us : PROGRESS_DEFAULT_US;
    DM_TRY(turn(l, reterr));
    while (!at_rest(l)) {
        int64_t now = dm_clock_now();
        int64_t in = next_wake(l, now, dm_clock_monotonic());
        /* libuv runs timers that are due before it polls, and then sleeps until something else happens: the timer
           repeats, so that there always is something else; and where nothing is to be waited for it does not sleep. */
        uv_timer_start(&l->timer, on_timer, (uint64_t)((in + 999) / 1000), 1);
        uv_run(&l->uv, in ? UV_RUN_ONCE : UV_RUN_NOWAIT);
        if (l->dirty)
            DM_TRY(turn(l, reterr));
        else
            sweep_children(l);
        DM_TRY(forget(l, reterr));
        now = dm_clock_now();
        if (now >= l->progress_at) {
            l->progress_at = now + every;
            show_progress(l, now);
        }
    }
    return 0;
}

/* ---- beginning and end ---- */

static int choose_days(struct dm_loop *l, struct dm_err *reterr)
{
    const struct dm_loop_options *o = l->options;
    DM_TRY(dm_tick_begin(&l->tick, dm_clock_now(), false, reterr));
    DM_TRY(dm_tick_load_callbacks(&l->tick, reterr));
    for (size_t i = 0; i < o->n_drives; i++) {
        const struct dm_drive *d = &o->drives[i];
        struct dm_day *days;
        size_t outside = 0, n_days;
        int64_t backfill;
        if (d->only_task && !dm_task_find(d->dag, dm_str_c(d->only_task)))
            return dm_err_set(reterr, DM_E_NOTFOUND, "DAG \"%s\" has no task \"%s\"",
                              d->dag->dag_id, d->only_task);
        DM_TRY(dm_drive_days(l->arena, o->store, d, &days, &n_days, &outside, reterr));
        for (size_t j = 0; j < n_days; j++) {
            l->ledger.report.days++;
            l->ledger.report.kept += days[j].action == DM_DAY_KEEP;
            l->ledger.report.kept_failed +=
                days[j].action == DM_DAY_KEEP && days[j].state == DM_RUN_FAILED;
            l->tasks += days[j].action == DM_DAY_KEEP ? 0 : d->only_task ? 1 : d->dag->n_tasks;
        }
        if (o->watch && o->watch->chosen)
            o->watch->chosen(o->watch->user, d, days, n_days);
        DM_TRY(dm_tick_take_drive(&l->tick, d, days, n_days, &backfill, reterr));
    }
    return dm_tick_commit(&l->tick, reterr);
}

static int open_uv(struct dm_loop *l, struct dm_err *reterr)
{
    int rc = uv_loop_init(&l->uv);
    if (rc < 0)
        return dm_err_errno(reterr, -rc, "could not make the event loop");
    l->uv.data = l;
    uv_timer_init(&l->uv, &l->timer);
    uv_signal_init(&l->uv, &l->on_int);
    uv_signal_init(&l->uv, &l->on_term);
    uv_signal_init(&l->uv, &l->on_hup);
    l->timer.data = l->on_int.data = l->on_term.data = l->on_hup.data = l->wake_poll.data =
        l->files_poll.data = l;
    uv_signal_start(&l->on_int, on_signal, SIGINT);
    uv_signal_start(&l->on_term, on_signal, SIGTERM);
    if (l->options->scheduler)
        uv_signal_start(&l->on_hup, on_signal, SIGHUP);
    rc = uv_poll_init(&l->uv, &l->wake_poll, l->wake_fd);
    if (rc == 0)
        rc = uv_poll_start(&l->wake_poll, UV_READABLE, on_wake);
    return rc < 0 ? dm_err_errno(reterr, -rc, "could not watch the wake-up pipe") : 0;
}

/* What the scheduler begins with: every DAG, and what the store has that is not finished. */
static int begin_scheduler(struct dm_loop *l, struct dm_err *reterr)
{
    const struct dm_loop_watch *w = l->options->watch;
    struct dm_world_report r;
    DM_TRY(dm_world_open(l->options->project, l->options->load, &l->world, reterr));
    DM_TRY(dm_tick_begin(&l->tick, dm_clock_now(), false, reterr));
    l->files_at = l->tick.now + FILES_EVERY_US;
    DM_TRY(dm_world_refresh(l->world, &l->tick, true, &r, reterr));
    DM_TRY(dm_tick_load_drives(&l->tick, reterr));
    DM_TRY(dm_tick_load_runs(&l->tick, reterr));
    DM_TRY(dm_tick_load_callbacks(&l->tick, reterr));
    DM_TRY(dm_tick_load_assets(&l->tick, reterr));
    DM_TRY(dm_tick_commit(&l->tick, reterr));
    if (dm_world_fd(l->world) >= 0 &&
        uv_poll_init(&l->uv, &l->files_poll, dm_world_fd(l->world)) == 0) {
        l->watches_files = true;
        uv_poll_start(&l->files_poll, UV_READABLE, on_files);
    }
    if (w && w->ready)
        w->ready(w->user, r.dags, r.files, r.errors);
    return 0;
}

/* After an error children may still be there: nothing can be recorded any more, the next command will recover. */
static void kill_children(struct dm_loop *l)
{
    for (size_t i = 0; i < l->n_children; i++) {
        struct dm_loop_child *c = l->children[i];
        if (c->exited || c->proc.pid_fd < 0)
            continue;
        dm_child_kill(&c->proc, SIGKILL);
        close_poll(&c->pid_poll);
        close_poll(&c->wire_poll);
        c->exited = dm_child_reap(&c->proc, &c->end, NULL) == 0;
    }
}

static void close_uv(struct dm_loop *l)
{
    kill_children(l);
    uv_close((uv_handle_t *)&l->timer, NULL);
    uv_close((uv_handle_t *)&l->on_int, NULL);
    uv_close((uv_handle_t *)&l->on_term, NULL);
    uv_close((uv_handle_t *)&l->on_hup, NULL);
    if (l->wake_poll.loop)
        uv_close((uv_handle_t *)&l->wake_poll, NULL);
    if (l->watches_files)
        uv_close((uv_handle_t *)&l->files_poll, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    uv_loop_close(&l->uv);
    for (size_t i = 0; i < l->n_children; i++)
        dm_loop_child_free(l->children[i]);
    free(l->children);
    free(l->ended);
    dm_world_close(l->world);
    dm_wake_close(l->options->project->run_dir, &l->wake_fd);
}

static int rest(struct dm_loop *l, struct dm_err *reterr)
{
    dm_report_rest(&l->ledger, &l->tick.snap);
    DM_TRY(dm_tick_begin(&l->tick, dm_clock_now(), false, reterr));
    if (!l->options->scheduler)
        DM_TRY(dm_tick_leave_drives(&l->tick, l->interrupts ? "cancelled" : "blocked", reterr));
    DM_TRY(dm_tick_park(&l->tick, reterr));
    DM_TRY(dm_tick_commit(&l->tick, reterr));
    tell(l);
    show_progress(l, dm_clock_now());
    return 0;
}

static int decide(struct dm_loop *l, struct dm_err *reterr)
{
    size_t lost = 0;
    DM_TRY(
        dm_recover(l->options->store, l->options->project->run_dir, dm_clock_now(), &lost, reterr));
    dm_sweep_temporaries(l->options->project);
    DM_TRY(l->options->scheduler ? begin_scheduler(l, reterr) : choose_days(l, reterr));
    DM_TRY(run_turns(l, reterr));
    DM_TRY(rest(l, reterr));
    if (l->interrupts && !l->options->scheduler)
        return dm_err_set(reterr, DM_E_CANCELLED,
                          "interrupted; what was at work will be done again");
    return 0;
}

/* More would not be faster, as the servers that tasks talk to need processors too, and what is started would wait for
   one.  Two at least, so that a task that only waits does not hold up all. */
static int default_jobs(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 2 ? (int)n : 2;
}

/* A second scheduler refuses, or waits for its turn. */
static int take_right(const struct dm_loop_options *o, struct dm_right *ret, struct dm_err *reterr)
{
    struct dm_right_wait wait = {.waiting = o->watch ? o->watch->waiting : NULL,
                                 .user = o->watch ? o->watch->user : NULL};
    char holder[256];
    if (o->scheduler && !o->standby && dm_right_is_scheduler(o->project->run_dir)) {
        int held = dm_right_held(o->project->run_dir, holder, sizeof(holder), reterr);
        DM_TRY(held);
        if (held) {
            dm_err_set(reterr, DM_E_BUSY, "a scheduler of this project runs already: %s", holder);
            return dm_err_hint(reterr, "--standby waits until it ends, and then takes over.");
        }
    }
    return dm_right_take(o->project->run_dir, o->command, &wait, ret, reterr);
}

/* A command waits for another command, and hands its drive to a scheduler: 0 = handed over and followed to the end. */
static int take_right_or_follow(struct dm_arena *a, const struct dm_loop_options *o,
                                struct dm_right *ret, struct dm_loop_report *ret_report,
                                struct dm_err *reterr)
{
    enum { POLL_US = 50000 };
    struct dm_right_wait wait = {.waiting = o->watch ? o->watch->waiting : NULL,
                                 .user = o->watch ? o->watch->user : NULL};
    bool told = false;
    if (o->detach && !dm_right_is_scheduler(o->project->run_dir)) {
        dm_err_set(reterr, DM_E_NOTFOUND, "no scheduler of this project runs");
        return dm_err_hint(reterr, "Start one with \"daymill standalone\", or leave --detach out.");
    }
    for (;;) {
        int got = dm_right_try(o->project->run_dir, o->command, ret, reterr);
        if (got != 0)
            return got;
        if (o->n_drives == 1 && dm_right_is_scheduler(o->project->run_dir)) {
            int rc = dm_follow(a, o, ret_report, reterr);
            if (rc != DM_E_BUSY)
                return rc;
        } else {
            if (!told && wait.waiting)
                dm_right_tell(o->project->run_dir, &wait);
            told = true;
            usleep(POLL_US);
        }
    }
}

int dm_loop_run(struct dm_arena *a, const struct dm_loop_options *o, struct dm_loop_report *ret,
                struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena arena = {0};
    _cleanup_right_ struct dm_right right = {.fd = -1};
    struct dm_loop *l = dm_arena_new(&arena, struct dm_loop);
    l->options = o;
    l->wake_fd = -1;
    l->arena = &arena;
    l->ledger.arena = a;
    l->ledger.keeps_nothing = o->scheduler;
    if (o->scheduler) {
        DM_TRY(take_right(o, &right, reterr));
    } else {
        int got = take_right_or_follow(a, o, &right, ret, reterr);
        if (got <= 0)
            return got;
    }
    l->ledger.report.started_at = dm_clock_now();
    DM_TRY(dm_wake_open(o->project->run_dir, &l->wake_fd, reterr));
    DM_TRY(open_uv(l, reterr));
    signal(SIGPIPE, SIG_IGN);
    dm_tick_init(&l->tick, o->store,
                 o->jobs > 0    ? o->jobs
                 : o->scheduler ? SCHEDULER_JOBS
                                : default_jobs());
    dm_forget_init(&l->forget, o->store, o->project);
    l->retain_at = o->scheduler ? l->ledger.report.started_at + RETAIN_FIRST_US : 0;
    l->tick.limits.schedules = l->tick.blocked_drives_end = o->scheduler;
    int rc = decide(l, reterr);
    close_uv(l);
    dm_leases_clear(&l->leases, o->project->run_dir);
    dm_sweep_temporaries(o->project);
    dm_tick_release(&l->tick);
    dm_forget_release(&l->forget);
    l->ledger.report.ended_at = dm_clock_now();
    if (rc == 0 || rc == DM_E_CANCELLED)
        *ret = l->ledger.report;
    return rc;
}
