/* Turns, time, and kills. */
#include <malloc.h>
#include <unistd.h>

#include "sched/recover.h"
#include "sched/request.h"
#include "sim.h"

enum { TURNS_MAX = 50000000 };

/* ---- begin and end of a scheduler ---- */

void sim_load_dags(struct sim *w)
{
    struct dm_err err;
    for (size_t i = 0; i < w->o.n_dags; i++) {
        struct sim_dag *d = &w->dags[i];
        struct dm_dag_ref *ref = d->gone ? NULL : sim_dag_make(w, i, d->version);
        sim_must(dm_tick_set_dag(&w->tick, d->dag_id, ref, false, &err), &err);
        dm_dag_ref_unref(ref);
    }
}

static void start(struct sim *w)
{
    struct dm_err err;
    size_t lost;
    const char *path = dm_arena_printf(&w->arena, "%s/state/daymill.db", w->dir);
    sim_must(dm_store_open(path, DM_STORE_WRITE, &w->store, &err), &err);
    struct dm_pool_row pool = {.name = "narrow", .slots = 2};
    sim_must(dm_store_pool_set(w->store, &pool, &err), &err);
    sim_must(dm_recover(w->store, w->dir, w->now, &lost, &err), &err);
    dm_tick_init(&w->tick, w->store, w->o.plain ? SIM_JOBS_MAX : 6);
    w->tick.limits.schedules = w->tick.blocked_drives_end = true;
    sim_must(dm_tick_begin(&w->tick, w->now, false, &err), &err);
    sim_load_dags(w);
    sim_must(dm_tick_load_drives(&w->tick, &err), &err);
    sim_must(dm_tick_load_runs(&w->tick, &err), &err);
    sim_must(dm_tick_commit(&w->tick, &err), &err);
    w->n_running = 0;
}

static void stop(struct sim *w)
{
    dm_tick_release(&w->tick);
    dm_store_close(w->store);
}

void sim_release(struct sim *w)
{
    stop(w);
    if (dm_remove_tree(w->dir, NULL) < 0)
        printf("# %s is left\n", w->dir);
    dm_arena_release(&w->arena);
}

/* ---- a turn ---- */

static void begin_jobs(struct sim *w, struct dm_job *const *jobs, size_t n)
{
    struct dm_err err;
    for (size_t i = 0; i < n; i++) {
        sim_must(dm_tick_started(&w->tick, jobs[i], 1, 1, &err), &err);
        DM_ASSERT(w->n_running < SIM_JOBS_MAX);
        w->running[w->n_running++] =
            (struct sim_running){jobs[i], w->now + sim_duration(w, jobs[i])};
    }
    w->attempts += n;
}

/* What ends first of what ends together: any order, but the same wherever there was a kill. */
static uint64_t place_of(const struct sim *w, const struct dm_job *j)
{
    const struct dm_task_row *row = &j->task->row;
    return sim_rng(w, "order", j->run->row.dag_id, j->run->row.logical_date, row->task_id,
                   row->map_index, row->try_number)
        .state;
}

static size_t first_of(const struct sim *w, const struct sim_running *list, size_t n)
{
    size_t first = 0;
    for (size_t i = 1; i < n; i++)
        if (place_of(w, list[i].job) < place_of(w, list[first].job))
            first = i;
    return first;
}

static void end_jobs(struct sim *w)
{
    struct sim_running due[SIM_JOBS_MAX];
    struct dm_err err;
    size_t n = 0, left = 0;
    for (size_t i = 0; i < w->n_running; i++) {
        if (w->running[i].ends_at <= w->now)
            due[n++] = w->running[i];
        else
            w->running[left++] = w->running[i];
    }
    w->n_running = left;
    while (n > 0) {
        size_t at = first_of(w, due, n);
        const struct dm_job *j = due[at].job;
        due[at] = due[--n];
        struct dm_job_end end = {.result = sim_outcome(w, j)};
        sim_must(dm_tick_ended(&w->tick, j, &end, &err), &err);
    }
}

static void do_requests(struct sim *w)
{
    static const struct dm_request_world world = {.backfills = true};
    struct dm_err err;
    size_t n;
    sim_must(dm_requests_do(&w->tick, &world, &n, &err), &err);
    w->asked += n;
}

static void count(struct sim *w)
{
    for (size_t i = 0; i < w->tick.n_notes; i++)
        w->transitions += !w->tick.notes[i].about_run;
}

static bool is_killed(struct sim *w)
{
    return w->o.kill_permille > 0 && dm_rng_chance(&w->death, w->o.kill_permille);
}

static void kill_it(struct sim *w)
{
    w->kills++;
    stop(w);
    start(w);
}

static void turn(struct sim *w, bool asked)
{
    struct dm_err err;
    struct dm_job *jobs[SIM_JOBS_MAX];
    size_t n_jobs = w->tick.n_jobs;
    if (n_jobs)
        memcpy(jobs, w->tick.jobs, n_jobs * sizeof(*jobs));
    w->turns++;
    sim_must(dm_tick_begin(&w->tick, w->now, false, &err), &err);
    begin_jobs(w, jobs, n_jobs);
    if (asked) {
        sim_load_dags(w);
        sim_must(dm_tick_load_drives(&w->tick, &err), &err);
        do_requests(w);
    }
    end_jobs(w);
    if (!w->o.unchecked)
        sim_check_before(w);
    sim_must(dm_tick_plan(&w->tick, &err), &err);
    if (!w->o.unchecked)
        sim_check_after(w);
    if (is_killed(w)) {
        kill_it(w);
        return;
    }
    count(w);
    sim_must(dm_tick_commit(&w->tick, &err), &err);
    if (is_killed(w))
        kill_it(w);
}

/* ---- time ---- */

static bool has_work(const struct sim *w)
{
    bool work = w->tick.n_jobs > 0;
    for (size_t i = 0; i < w->n_running; i++)
        work = work || w->running[i].ends_at <= w->now;
    return work;
}

static void earlier(int64_t *at, int64_t other)
{
    if (other != DM_NEVER && (*at == DM_NEVER || other < *at))
        *at = other;
}

/* DM_NEVER: nothing will ever happen again. */
static int64_t next_event(const struct sim *w)
{
    int64_t at = w->tick.wake_at;
    if (at != DM_NEVER && at <= w->now)
        DM_BUG("the plan wants to be asked in the past");
    for (size_t i = 0; i < w->n_running; i++)
        earlier(&at, w->running[i].ends_at);
    if (w->o.step && w->now < w->o.to)
        return w->now + w->o.step < w->o.to ? w->now + w->o.step : w->o.to;
    if (w->o.ask_every && w->now < w->o.to)
        earlier(&at, w->next_request > w->now ? w->next_request : w->now + 1);
    return at;
}

/* All that this instant brings. */
static void stand_still(struct sim *w, bool asked)
{
    size_t turns = 0;
    do {
        size_t kills = w->kills;
        turn(w, asked);
        asked = asked && w->kills > kills; /* the request is still there */
        if (++turns > 100000)
            DM_BUG("an instant without end");
        if (w->kills > kills)
            asked = true;
    } while (asked || has_work(w));
}

static bool is_asked(struct sim *w)
{
    if (!w->o.ask_every || w->now < w->next_request || w->now >= w->o.to)
        return false;
    w->next_request =
        w->now + 1 + (int64_t)dm_rng_below(&w->requests, (uint64_t)w->o.ask_every * 2);
    sim_ask(w);
    return true;
}

void sim_run(struct sim *w, const struct sim_options *o)
{
    *w = (struct sim){.o = *o, .now = o->from, .death = {o->seed}, .requests = {~o->seed}};
    /* Memory where there is such a folder: what a disk does is not looked at here. */
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(w->dir, sizeof(w->dir), "%s/daymill-sim-XXXXXX", where);
    if (!mkdtemp(w->dir))
        DM_BUG("mkdtemp");
    for (size_t i = 0; i < o->n_dags; i++)
        w->dags[i].dag_id = dm_arena_printf(&w->arena, "d%zu", i);
    w->next_request = o->from + o->ask_every;
    start(w);
    bool over = false;
    while (!w->failures) {
        bool asked = is_asked(w);
        if (!over && w->now >= o->to) { /* the rest of the story has nobody in it */
            over = asked = true;
            sim_unpause_all(w);
        }
        if (w->heap_early == 0 && w->now - o->from >= (o->to - o->from) / 10)
            w->heap_early = mallinfo2().uordblks;
        stand_still(w, asked);
        int64_t next = next_event(w);
        if (next == DM_NEVER)
            break;
        if (w->turns > TURNS_MAX)
            DM_BUG("a story without end");
        w->now = next;
    }
    if (!w->failures && !o->unchecked) {
        sim_check_rest(w);
        sim_check_events(w);
    }
}

/* ---- the picture ---- */

const char *sim_picture(struct sim *w, bool states)
{
    struct dm_run_filter all = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs;
    size_t n_runs;
    struct dm_err err;
    struct dm_strbuf b;
    dm_strbuf_init(&b, (size_t)1 << 30);
    sim_must(dm_store_runs(w->store, &w->arena, &all, &runs, &n_runs, &err), &err);
    for (size_t i = 0; i < n_runs; i++) {
        const struct dm_run_row *r = &runs[i];
        struct dm_task_row *tasks;
        size_t n;
        dm_strbuf_addf(&b, "%s %s %s %s %lld %lld\n", r->dag_id, r->run_id, r->run_type,
                       !states                     ? "-"
                       : dm_run_finished(r->state) ? dm_run_state_name(r->state)
                                                   : "open",
                       (long long)r->interval_start, (long long)r->interval_end);
        sim_must(dm_store_tasks(w->store, &w->arena, r->id, &tasks, &n, &err), &err);
        /* What others skipped may have been about to begin. */
        for (size_t k = 0; k < n && states; k++)
            dm_strbuf_addf(&b, "  %s %s %s %d %s try %d\n", r->dag_id, r->run_id, tasks[k].task_id,
                           tasks[k].map_index, dm_task_state_name(tasks[k].state),
                           tasks[k].state == DM_TASK_SKIPPED ? 0 : tasks[k].try_number);
    }
    const char *text = dm_str_cstr(&w->arena, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
    return text;
}
