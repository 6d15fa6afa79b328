/* Invariants, told from what the turn says that it did (its notes) and from the states that it left. */
#include "sched/activate.h"
#include "sim.h"

/* ---- before the plan of a turn ---- */

struct sim_before {
    bool paused[SIM_DAGS_MAX];
    struct waiting { /* tasks that were ready before the plan */
        const struct dm_plan_run *run;
        const struct dm_plan_task *task;
    } * ready;
    size_t n_ready, n_notes;
};

void sim_check_before(struct sim *w)
{
    struct dm_snapshot *s = &w->tick.snap;
    struct sim_before *b = dm_arena_new(&w->tick.turn, struct sim_before);
    const struct dm_plan_task *t;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->n_runs; i++)
            for (struct dm_plan_each e = {0}; (t = dm_plan_each(s->runs[i], &e));)
                if (t->row.state == DM_TASK_SCHEDULED) {
                    if (pass)
                        b->ready[b->n_ready++] = (struct waiting){s->runs[i], t};
                    else
                        n++;
                }
        if (!pass)
            b->ready = dm_arena_array(&w->tick.turn, struct waiting, n + 1);
    }
    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < i; k++)
            T_OK(s->runs[k] != s->runs[i]);
    for (size_t i = 0; i < s->n_dags; i++)
        b->paused[i] = s->dags[i]->paused;
    b->n_notes = w->tick.n_notes;
    w->before = b;
}

static bool is_paused(const struct sim *w, const struct dm_plan_run *run)
{
    for (size_t i = 0; i < w->tick.snap.n_dags; i++)
        if (w->tick.snap.dags[i] == run->of)
            return w->before->paused[i] && run->of->paused;
    return false;
}

/* Each file counts its failures; the world has them all. */
static void settle(struct sim *w)
{
    w->failures += t_failures;
    t_failures = 0;
}

/* ---- what a task needs ---- */

struct counts {
    int n, done, success, skipped, failed;
};

static void count_task(struct counts *c, const struct dm_plan_task *first)
{
    for (size_t k = 0; k <= first->n_more; k++) {
        const struct dm_task_row *row = k ? &first->more[k - 1]->row : &first->row;
        if (row->state == DM_TASK_REMOVED && row->map_index >= 0)
            continue;
        c->n++;
        c->done += dm_task_finished(row->state);
        c->success += row->state == DM_TASK_SUCCESS;
        c->skipped += row->state == DM_TASK_SKIPPED;
        c->failed += row->state == DM_TASK_FAILED || row->state == DM_TASK_UPSTREAM_FAILED;
    }
}

static bool may_run(enum dm_trigger_rule rule, const struct counts *c)
{
    bool done = c->done == c->n;
    switch (rule) {
    case DM_RULE_ALL_SUCCESS:
        return c->success == c->n;
    case DM_RULE_ALL_FAILED:
        return c->failed == c->n;
    case DM_RULE_ALL_SKIPPED:
        return c->skipped == c->n;
    case DM_RULE_ONE_SUCCESS:
        return c->n == 0 || c->success > 0;
    case DM_RULE_ONE_FAILED:
        return c->n == 0 || c->failed > 0;
    case DM_RULE_ONE_DONE:
        return c->n == 0 || c->success + c->failed > 0;
    case DM_RULE_NONE_FAILED:
        return done && c->failed == 0;
    case DM_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return done && c->failed == 0 && (c->n == 0 || c->success > 0);
    case DM_RULE_NONE_SKIPPED:
        return done && c->skipped == 0;
    case DM_RULE_ALWAYS:
        return true;
    default:
        return done;
    }
}

static void check_order(const struct dm_plan_run *run, const struct dm_plan_task *task)
{
    struct counts c = {0};
    for (size_t i = 0; i < task->def->n_upstream; i++)
        count_task(&c, &run->tasks[task->def->upstream[i]]);
    if (!may_run(task->def->trigger_rule, &c))
        t_fail(__FILE__, __LINE__, "%s %s %s[%d] is scheduled against its rule %s: %d of %d done",
               run->row.dag_id, run->row.run_id, task->row.task_id, task->row.map_index,
               dm_trigger_rule_name(task->def->trigger_rule), c.done, c.n);
}

static bool is_fine(enum dm_task_state s)
{
    return s == DM_TASK_SUCCESS || s == DM_TASK_SKIPPED;
}

/* Straight from the store. */
static void check_past(struct sim *w, const struct dm_plan_run *run,
                       const struct dm_plan_task *task)
{
    struct dm_run_row before;
    struct dm_task_row *rows;
    struct dm_err err;
    size_t n;
    if (!(task->def->depends_on_past || task->def->wait_for_downstream) || run->ignore_past)
        return;
    int found = dm_store_run_before(w->store, &w->tick.turn, run->row.dag_id, run->row.logical_date,
                                    !run->dag->catchup, &before, &err);
    sim_must(found, &err);
    if (!found)
        return;
    const struct dm_plan_run *past = dm_tick_find_run(&w->tick, before.id);
    if (past && past->active_since == w->now && (past->drive || past->row.created_at == w->now))
        return; /* it was fine, or not there, until this very turn */
    sim_must(dm_store_tasks(w->store, &w->tick.turn, before.id, &rows, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        bool gone = rows[i].state == DM_TASK_REMOVED && rows[i].map_index >= 0;
        bool concerns = strcmp(rows[i].task_id, task->row.task_id) == 0;
        for (size_t k = 0; k < task->def->n_downstream && task->def->wait_for_downstream; k++)
            concerns = concerns || strcmp(run->dag->tasks[task->def->downstream[k]].task_id,
                                          rows[i].task_id) == 0;
        if (concerns && !gone && !is_fine(rows[i].state))
            t_fail(__FILE__, __LINE__, "%s %s %s is scheduled, but %s of %s is %s", run->row.dag_id,
                   run->row.run_id, task->row.task_id, rows[i].task_id, before.run_id,
                   dm_task_state_name(rows[i].state));
    }
}

static const struct dm_plan_task *task_of(const struct dm_note *n)
{
    const struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(n->of, &e));)
        if (t->row.map_index == n->task.map_index && strcmp(t->row.task_id, n->task.task_id) == 0)
            return t;
    return NULL;
}

/* ---- limits ---- */

static const struct dm_plan_task *at_work(const struct dm_plan_task *t)
{
    return t->row.state == DM_TASK_QUEUED || t->row.state == DM_TASK_RUNNING ? t : NULL;
}

static void check_limits(struct sim *w)
{
    const struct dm_snapshot *s = &w->tick.snap;
    int all = 0, narrow = 0;
    for (size_t i = 0; i < s->n_runs; i++) {
        const struct dm_plan_run *run = s->runs[i];
        const struct dm_plan_task *t, *u;
        int of_dag = 0;
        for (size_t k = 0; k < s->n_runs; k++)
            for (struct dm_plan_each e = {0}; (u = dm_plan_each(s->runs[k], &e));)
                of_dag += strcmp(s->runs[k]->row.dag_id, run->row.dag_id) == 0 && at_work(u);
        T_OK(of_dag <= run->dag->max_active_tasks);
        for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) {
            int of_task = 0, of_task_in_run = 0;
            if (!at_work(t))
                continue;
            all++;
            narrow += strcmp(t->def->pool, "narrow") == 0 ? t->def->pool_slots : 0;
            for (size_t k = 0; k < s->n_runs; k++)
                for (struct dm_plan_each f = {0}; (u = dm_plan_each(s->runs[k], &f));)
                    if (at_work(u) && strcmp(u->row.task_id, t->row.task_id) == 0 &&
                        strcmp(s->runs[k]->row.dag_id, run->row.dag_id) == 0) {
                        of_task++;
                        of_task_in_run += s->runs[k] == run;
                    }
            T_OK(!t->def->max_active_tis_per_dag || of_task <= t->def->max_active_tis_per_dag);
            T_OK(!t->def->max_active_tis_per_dagrun ||
                 of_task_in_run <= t->def->max_active_tis_per_dagrun);
        }
    }
    T_OK(all <= w->tick.limits.jobs);
    T_OK(narrow <= 2);
}

static int weight_of(const struct dm_plan_run *run, const struct dm_plan_task *task)
{
    return run->graph->weights[task->def - run->dag->tasks];
}

/* What was ready before and still waits has no task of its DAG and pool with less weight before it. */
static void check_priority(struct sim *w)
{
    for (size_t i = 0; i < w->before->n_ready; i++) {
        const struct waiting *s = &w->before->ready[i];
        const struct dm_task *def = s->task->def;
        if (dm_plan_instance(s->run, s->task->row.id) != s->task || /* begun anew since */
            s->task->row.state != DM_TASK_SCHEDULED || !s->run->active || s->run->renew ||
            def->max_active_tis_per_dag || def->max_active_tis_per_dagrun ||
            (is_paused(w, s->run) && !s->run->drive))
            continue;
        for (size_t k = 0; k < w->tick.n_jobs; k++) {
            const struct dm_job *j = w->tick.jobs[k];
            if (strcmp(j->run->row.dag_id, s->run->row.dag_id) == 0 && !j->step &&
                strcmp(j->task->def->pool, def->pool) == 0 &&
                j->task->def->pool_slots >= def->pool_slots &&
                weight_of(j->run, j->task) < weight_of(s->run, s->task))
                t_fail(__FILE__, __LINE__, "%s %s %s (%d) has begun before %s (%d) of %s",
                       s->run->row.dag_id, j->run->row.run_id, j->task->row.task_id,
                       weight_of(j->run, j->task), s->task->row.task_id, weight_of(s->run, s->task),
                       s->run->row.run_id);
        }
    }
}

/* Runs that a schedule or a person made keep to their DAG's limit; those of a backfill to its own. */
static void check_run_begins(struct sim *w, const struct dm_note *n)
{
    int active = 0;
    if (n->run.to != DM_RUN_RUNNING || !n->of->of || n->of->drive || !n->of->active)
        return;
    for (size_t i = 0; i < w->tick.snap.n_runs; i++)
        active += w->tick.snap.runs[i]->of == n->of->of && !w->tick.snap.runs[i]->drive;
    T_OK(active <= n->of->dag->max_active_runs);
    if (is_paused(w, n->of))
        t_fail(__FILE__, __LINE__, "%s %s begins in a paused DAG", n->run.dag_id, n->run.run_id);
}

static void check_drives(struct sim *w)
{
    for (size_t i = 0; i < w->tick.snap.n_drives; i++) {
        const struct dm_plan_drive *d = w->tick.snap.drives[i];
        int active = 0, room = d->drive->max_active_runs;
        for (size_t k = 0; k < w->tick.snap.n_runs; k++)
            active += w->tick.snap.runs[k]->drive == d->drive;
        T_OK(active <= (room ? room : d->drive->dag->max_active_runs));
    }
}

static void check_task_moves(struct sim *w, const struct dm_note *n)
{
    const struct dm_plan_task *task;
    if (!n->of->active || n->task.to != DM_TASK_SCHEDULED)
        return;
    if (is_paused(w, n->of) && !n->of->drive)
        t_fail(__FILE__, __LINE__, "%s %s %s begins in a paused DAG", n->task.dag_id,
               n->task.run_id, n->task.task_id);
    task = task_of(n);
    if (!task || n->task.from == DM_TASK_QUEUED || n->task.from == DM_TASK_RUNNING ||
        n->task.from == DM_TASK_UP_FOR_RESCHEDULE)
        return;
    if (!(n->of->drive && n->of->drive->only_task)) {
        check_order(n->of, task);
        check_past(w, n->of, task);
    }
}

void sim_check_after(struct sim *w)
{
    for (int stage = 0; stage < DM_STAGE_COUNT; stage++) {
        struct dm_plan again =
            dm_plan(&w->tick.turn, w->now, &w->tick.snap, &w->tick.limits, (enum dm_stage)stage);
        T_INT(again.n_actions, 0);
    }
    for (size_t i = w->before->n_notes; i < w->tick.n_notes; i++) {
        const struct dm_note *n = &w->tick.notes[i];
        if (n->about_run)
            check_run_begins(w, n);
        else
            check_task_moves(w, n);
    }
    check_limits(w);
    check_drives(w);
    check_priority(w);
    settle(w);
}

/* ---- at the end ---- */

void sim_check_rest(struct sim *w)
{
    const struct dm_snapshot *s = &w->tick.snap;
    T_INT(w->n_running, 0);
    T_INT(s->n_drives, 0);
    for (size_t i = 0; i < s->n_runs; i++) {
        const struct dm_plan_run *run = s->runs[i];
        const struct dm_plan_task *t;
        struct dm_past_wait wait;
        int waits = 0;
        for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));)
            waits += dm_plan_waiting(run, t, &wait);
        bool held = run->of->paused && !run->drive; /* it has failed too often */
        if (!waits && !held)
            t_fail(__FILE__, __LINE__, "%s %s is active and waits for nothing", run->row.dag_id,
                   run->row.run_id);
    }
    for (size_t i = 0; i < s->n_queued; i++) {
        const struct dm_plan_dag *d = s->queued[i]->of;
        if (d && d->ref && !d->paused && d->active < d->ref->dag->max_active_runs)
            t_fail(__FILE__, __LINE__, "%s %s is queued for nothing", s->queued[i]->row.dag_id,
                   s->queued[i]->row.run_id);
    }
    settle(w);
}

/* Last state by task instance, in a table of hashes. */
struct story {
    uint64_t key;
    int state;
};

static uint64_t key_of(const struct dm_event_row *e)
{
    struct sim none = {.o = {.seed = 0}};
    struct dm_rng r =
        sim_rng(&none, e->dag_id, e->run_id, 0, e->task_id ? e->task_id : "", e->map_index, 0);
    return r.state | 1;
}

static void tell(struct story *table, size_t mask, const struct dm_event_row *e, struct dm_arena *a)
{
    struct dm_value *data;
    struct dm_err err;
    uint64_t key = key_of(e);
    size_t at = key & mask;
    sim_must(dm_value_from_json(a, dm_str_c(e->data), &data, &err), &err);
    int from = dm_task_state_parse(dm_map_str(data, "from", ""));
    int to = dm_task_state_parse(dm_map_str(data, "to", ""));
    while (table[at].key && table[at].key != key)
        at = (at + 1) & mask;
    if (!table[at].key)
        table[at] = (struct story){key, DM_TASK_NONE};
    if (from < 0 || to < 0 || from != table[at].state ||
        !dm_task_transition_ok((enum dm_task_state)from, (enum dm_task_state)to))
        t_fail(__FILE__, __LINE__, "%s %s %s[%d]: %s, but it was %s", e->dag_id, e->run_id,
               e->task_id, e->map_index, e->data,
               dm_task_state_name((enum dm_task_state)table[at].state));
    table[at].state = to;
}

void sim_check_events(struct sim *w)
{
    size_t size = 1 << 20;
    struct story *table = dm_calloc(size, sizeof(*table));
    int64_t after = 0;
    for (size_t n = 1; n > 0 && !t_failures;) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_event_row *rows;
        struct dm_err err;
        sim_must(dm_store_events(w->store, &a, after, NULL, NULL, 10000, &rows, &n, &err), &err);
        for (size_t i = 0; i < n && !t_failures; i++)
            if (rows[i].kind == DM_EVENT_TASK_STATE || rows[i].kind == DM_EVENT_TASK_CLEARED)
                tell(table, size - 1, &rows[i], &a);
        after = n ? rows[n - 1].id : after;
    }
    free(table);
    settle(w);
}
