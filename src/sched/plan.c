/*
 * The plan, in one pass over the active runs and one over the tasks that are ready:
 *
 *   1. per run, in topological order: trigger rules and the past; a state that is decided here counts for the tasks
 *      after it at once, so that a failure travels to the leaves in one pass; a run without unfinished tasks ends;
 *   2. steps: the first of each cluster, where none runs;
 *   3. ready tasks by (priority, logical date, DAG, task) take the free slots;
 *   4. drives with room take their next day.
 *
 * States decided in this pass are kept beside the snapshot (`struct pass`), never in it.
 */
#include "sched/plan.h"

#include "sched/decision.h"
#include "sched/rule.h"

struct ready {
    struct dm_plan_run *run;
    struct dm_plan_task *task;
};

struct pass {
    struct dm_arena *arena;
    int64_t now, wake_at;
    const struct dm_snapshot *snap;
    const struct dm_limits *limits;
    struct dm_action *actions;
    size_t n_actions, cap_actions;
    struct ready *ready;
    size_t n_ready, cap_ready;
};

static void add_action(struct pass *p, struct dm_action action)
{
    if (p->n_actions == p->cap_actions) {
        size_t cap = p->cap_actions ? p->cap_actions * 2 : 32;
        struct dm_action *grown = dm_arena_array(p->arena, struct dm_action, cap);
        if (p->n_actions)
            memcpy(grown, p->actions, p->n_actions * sizeof(*grown));
        p->actions = grown;
        p->cap_actions = cap;
    }
    p->actions[p->n_actions++] = action;
}

static void add_ready(struct pass *p, struct dm_plan_run *run, struct dm_plan_task *task)
{
    if (p->n_ready == p->cap_ready) {
        size_t cap = p->cap_ready ? p->cap_ready * 2 : 32;
        struct ready *grown = dm_arena_array(p->arena, struct ready, cap);
        if (p->n_ready)
            memcpy(grown, p->ready, p->n_ready * sizeof(*grown));
        p->ready = grown;
        p->cap_ready = cap;
    }
    p->ready[p->n_ready++] = (struct ready){run, task};
}

static void wake_at(struct pass *p, int64_t at)
{
    if (p->wake_at == DM_NEVER || at < p->wake_at)
        p->wake_at = at;
}

/* ---- the past ---- */

static const struct dm_plan_task *find_task(const struct dm_plan_run *run, const char *task_id)
{
    for (size_t i = 0; i < run->n_tasks; i++)
        if (strcmp(run->tasks[i].row.task_id, task_id) == 0)
            return &run->tasks[i];
    return NULL;
}

static bool is_fine(enum dm_task_state s)
{
    return s == DM_TASK_SUCCESS || s == DM_TASK_SKIPPED;
}

static int wait_for(const struct dm_plan_run *run, const char *task_id, enum dm_task_state state,
                    struct dm_past_wait *ret)
{
    *ret = (struct dm_past_wait){run, task_id, state};
    return 1;
}

int dm_plan_past(const struct dm_plan_run *run, const struct dm_plan_task *task,
                 struct dm_past_wait *ret)
{
    const struct dm_task *def = task->def;
    const struct dm_plan_run *prev = run->prev;
    if (!(def->depends_on_past || def->wait_for_downstream) || run->ignore_past || !prev)
        return 0;
    int64_t start = def->start_date != DM_NEVER ? def->start_date : run->dag->start_date;
    if (run->dag->catchup && start != DM_NEVER && prev->row.logical_date < start)
        return 0;
    const struct dm_plan_task *before = find_task(prev, def->task_id);
    if (!before) {
        if (def->ignore_first_depends_on_past && !task->in_past)
            return 0;
        return wait_for(prev, def->task_id, DM_TASK_NONE, ret);
    }
    if (!is_fine(before->row.state))
        return wait_for(prev, def->task_id, before->row.state, ret);
    if (!def->wait_for_downstream)
        return 0;
    for (size_t i = 0; i < def->n_downstream; i++) {
        const char *id = run->dag->tasks[def->downstream[i]].task_id;
        const struct dm_plan_task *after = find_task(prev, id);
        if (after && !is_fine(after->row.state))
            return wait_for(prev, id, after->row.state, ret);
    }
    return 0;
}

/* ---- tasks of a run ---- */

/* Setups that the task relies on from afar must all have succeeded, as with all_success. */
static struct dm_rule_answer judge_setups(const struct dm_plan_run *run, size_t task,
                                          const enum dm_task_state *states)
{
    const struct dm_graph_setups *setups = &run->graph->setups[task];
    struct dm_upstream_counts counts = {0};
    for (size_t i = 0; i < setups->n; i++)
        dm_upstream_count(&counts, states[setups->tasks[i]], true);
    return dm_rule_eval(DM_RULE_ALL_SUCCESS, &counts);
}

static bool left_out(const struct dm_plan_run *run, const struct dm_task *def,
                     const enum dm_task_state *states)
{
    for (size_t i = 0; i < def->n_upstream; i++) {
        const struct dm_plan_task *before = &run->tasks[def->upstream[i]];
        if (before->decided && dm_task_finished(states[def->upstream[i]]) &&
            dm_decided_skip(before->decided, def->task_id))
            return true;
    }
    return false;
}

static struct dm_rule_answer judge(const struct dm_plan_run *run, const struct dm_plan_task *task,
                                   const enum dm_task_state *states)
{
    const struct dm_task *def = task->def;
    struct dm_upstream_counts counts = {0};
    struct dm_rule_answer setups = {.met = true, .state = DM_TASK_NONE}, answer;
    if (left_out(run, def, states))
        return (struct dm_rule_answer){.met = false, .state = DM_TASK_SKIPPED};
    if (def->trigger_rule != DM_RULE_ALWAYS)
        setups = judge_setups(run, (size_t)(task - run->tasks), states);
    if (setups.state != DM_TASK_NONE)
        return setups;
    for (size_t i = 0; i < def->n_upstream; i++)
        dm_upstream_count(&counts, states[def->upstream[i]],
                          run->dag->tasks[def->upstream[i]].is_setup);
    answer = dm_rule_eval(def->trigger_rule, &counts);
    answer.met = answer.met && setups.met;
    return answer;
}

int dm_plan_waiting(const struct dm_plan_run *run, const struct dm_plan_task *task,
                    struct dm_past_wait *ret)
{
    if (task->row.state != DM_TASK_NONE && task->row.state != DM_TASK_UP_FOR_RETRY)
        return 0;
    enum dm_task_state *states = dm_malloc(sizeof(*states) * (run->n_tasks + 1));
    for (size_t i = 0; i < run->n_tasks; i++)
        states[i] = run->tasks[i].row.state;
    bool met = judge(run, task, states).met;
    free(states);
    return met ? dm_plan_past(run, task, ret) : 0;
}

static bool step_unfinished(const struct pass *p, const char *step_id)
{
    for (size_t i = 0; i < p->snap->n_steps; i++)
        if (strcmp(p->snap->steps[i]->row.id, step_id) == 0)
            return !dm_step_finished(p->snap->steps[i]->row.state);
    return false;
}

/* Whether the time of a task that waits has come; else the plan is asked again then. */
static bool is_due(struct pass *p, const struct dm_task_row *row)
{
    if (row->state != DM_TASK_UP_FOR_RETRY && row->state != DM_TASK_UP_FOR_RESCHEDULE)
        return true;
    if (row->due_at != DM_NEVER && row->due_at <= p->now)
        return true;
    if (row->until_step && !step_unfinished(p, row->until_step))
        return true;
    if (row->due_at == DM_NEVER)
        return !row->until_step;
    wake_at(p, row->due_at);
    return false;
}

static enum dm_task_state plan_task(struct pass *p, struct dm_plan_run *run,
                                    struct dm_plan_task *task, const enum dm_task_state *states)
{
    enum dm_task_state state = task->row.state;
    if (state == DM_TASK_SCHEDULED)
        add_ready(p, run, task);
    if (state != DM_TASK_NONE && state != DM_TASK_UP_FOR_RETRY &&
        state != DM_TASK_UP_FOR_RESCHEDULE)
        return state;
    /* All of these are looked at, also after one says no: the rule may end a task that waits for its past. */
    struct dm_rule_answer answer = judge(run, task, states);
    bool due = is_due(p, &task->row);
    struct dm_past_wait wait;
    if (answer.state != DM_TASK_NONE)
        state = answer.state;
    else if (answer.met && due && !dm_plan_past(run, task, &wait))
        state = DM_TASK_SCHEDULED;
    else
        return state;
    add_action(
        p, (struct dm_action){.kind = DM_ACTION_TASK_STATE, .run = run, .task = task, .to = state});
    return state;
}

/* `tasks test`: one task, whatever its dependencies; the run is done when that task is. */
static void plan_only_task(struct pass *p, struct dm_plan_run *run, const char *task_id)
{
    bool over = true;
    for (size_t i = 0; i < run->n_tasks; i++) {
        struct dm_plan_task *t = &run->tasks[i];
        if (strcmp(t->row.task_id, task_id) != 0)
            continue;
        if (t->row.state == DM_TASK_SCHEDULED)
            add_ready(p, run, t);
        bool waits = t->row.state == DM_TASK_NONE || t->row.state == DM_TASK_UP_FOR_RETRY ||
                     t->row.state == DM_TASK_UP_FOR_RESCHEDULE;
        if (waits && is_due(p, &t->row))
            add_action(p, (struct dm_action){.kind = DM_ACTION_TASK_STATE,
                                             .run = run,
                                             .task = t,
                                             .to = DM_TASK_SCHEDULED});
        over = dm_task_finished(t->row.state);
    }
    if (!over)
        return;
    bool all = true, failed = false;
    for (size_t i = 0; i < run->n_tasks; i++) {
        enum dm_task_state s = run->tasks[i].row.state;
        all = all && dm_task_finished(s);
        failed = failed || s == DM_TASK_FAILED || s == DM_TASK_UPSTREAM_FAILED;
    }
    add_action(p, (struct dm_action){.kind = DM_ACTION_FINISH_RUN,
                                     .run = run,
                                     .run_state = !all     ? DM_RUN_QUEUED
                                                  : failed ? DM_RUN_FAILED
                                                           : DM_RUN_SUCCESS});
}

static bool took_too_long(struct pass *p, const struct dm_plan_run *run)
{
    if (run->dag->dagrun_timeout_us <= 0)
        return false;
    int64_t end = run->active_since + run->dag->dagrun_timeout_us;
    if (end <= p->now)
        return true;
    wake_at(p, end);
    return false;
}

/* As in Airflow: the run has failed, what is not finished is skipped. */
static void plan_timeout(struct pass *p, struct dm_plan_run *run)
{
    bool at_work = false;
    for (size_t i = 0; i < run->n_tasks; i++) {
        struct dm_plan_task *t = &run->tasks[i];
        if (dm_task_finished(t->row.state))
            continue;
        if (t->row.state != DM_TASK_QUEUED && t->row.state != DM_TASK_RUNNING) {
            add_action(
                p, (struct dm_action){
                       .kind = DM_ACTION_TASK_STATE, .run = run, .task = t, .to = DM_TASK_SKIPPED});
            continue;
        }
        at_work = true;
        if (!t->ending)
            add_action(p, (struct dm_action){.kind = DM_ACTION_END_TASK, .run = run, .task = t});
    }
    if (!at_work)
        add_action(p, (struct dm_action){
                          .kind = DM_ACTION_FINISH_RUN, .run = run, .run_state = DM_RUN_FAILED});
}

static void plan_run(struct pass *p, struct dm_plan_run *run)
{
    if (took_too_long(p, run)) {
        plan_timeout(p, run);
        return;
    }
    if (run->drive && run->drive->only_task) {
        plan_only_task(p, run, run->drive->only_task);
        return;
    }
    enum dm_task_state *states = dm_arena_array(p->arena, enum dm_task_state, run->n_tasks + 1);
    for (size_t i = 0; i < run->n_tasks; i++)
        states[i] = run->tasks[i].row.state;
    bool unfinished = false, leaf_failed = false;
    for (size_t i = 0; i < run->n_tasks; i++) {
        struct dm_plan_task *t = &run->tasks[i];
        states[i] = plan_task(p, run, t, states);
        unfinished = unfinished || !dm_task_finished(states[i]);
        if (run->graph->leaves[i] &&
            (states[i] == DM_TASK_FAILED || states[i] == DM_TASK_UPSTREAM_FAILED))
            leaf_failed = true;
    }
    if (!unfinished)
        add_action(p,
                   (struct dm_action){.kind = DM_ACTION_FINISH_RUN,
                                      .run = run,
                                      .run_state = leaf_failed ? DM_RUN_FAILED : DM_RUN_SUCCESS});
}

/* ---- steps ---- */

/* Per cluster first in, first out, one at a time. */
static void plan_steps(struct pass *p)
{
    for (size_t i = 0; i < p->snap->n_steps; i++) {
        struct dm_plan_step *step = p->snap->steps[i];
        bool first = step->row.state == DM_STEP_PENDING;
        for (size_t j = 0; first && j < p->snap->n_steps; j++) {
            const struct dm_step_row *other = &p->snap->steps[j]->row;
            if (strcmp(other->cluster_id, step->row.cluster_id) == 0)
                first = other->state != DM_STEP_RUNNING &&
                        !(other->state == DM_STEP_PENDING && other->seq < step->row.seq);
        }
        if (first)
            add_action(p, (struct dm_action){.kind = DM_ACTION_START_STEP, .step = step});
    }
}

/* ---- slots ---- */

static int weight_of(const struct ready *r)
{
    return r->run->graph->weights[r->task - r->run->tasks];
}

static int by_order(const void *a, const void *b)
{
    const struct ready *x = a, *y = b;
    if (weight_of(x) != weight_of(y))
        return weight_of(x) > weight_of(y) ? -1 : 1;
    if (x->run->row.logical_date != y->run->row.logical_date)
        return x->run->row.logical_date < y->run->row.logical_date ? -1 : 1;
    int dag = strcmp(x->run->row.dag_id, y->run->row.dag_id);
    if (dag != 0)
        return dag;
    return x->task < y->task ? -1 : x->task > y->task;
}

static bool takes_slot(const struct dm_plan_task *t)
{
    return t->row.state == DM_TASK_QUEUED || t->row.state == DM_TASK_RUNNING;
}

/* What is taken: counted once, then kept up while slots are given. */
struct taken {
    int all;      /* attempts at work */
    int *of_run;  /* by index in the snapshot's runs */
    int *of_pool; /* slots, by index in the limits' pools */
};

static const struct dm_pool_row *find_pool(const struct dm_limits *limits, const char *name)
{
    for (size_t i = 0; i < limits->n_pools; i++)
        if (strcmp(limits->pools[i].name, name) == 0)
            return &limits->pools[i];
    return NULL;
}

static void take(const struct pass *p, struct taken *taken, size_t run,
                 const struct dm_plan_task *task)
{
    const struct dm_pool_row *pool = find_pool(p->limits, task->def->pool);
    taken->all++;
    taken->of_run[run]++;
    if (pool)
        taken->of_pool[pool - p->limits->pools] += task->def->pool_slots;
}

static struct taken count_taken(const struct pass *p)
{
    struct taken taken = {.of_run = dm_arena_array(p->arena, int, p->snap->n_runs + 1),
                          .of_pool = dm_arena_array(p->arena, int, p->limits->n_pools + 1)};
    for (size_t i = 0; i < p->snap->n_runs; i++) {
        const struct dm_plan_run *run = p->snap->runs[i];
        for (size_t j = 0; run->active && j < run->n_tasks; j++)
            if (takes_slot(&run->tasks[j]))
                take(p, &taken, i, &run->tasks[j]);
    }
    return taken;
}

static int taken_by_dag(const struct pass *p, const struct taken *taken, const char *dag_id)
{
    int n = 0;
    for (size_t i = 0; i < p->snap->n_runs; i++)
        if (strcmp(p->snap->runs[i]->row.dag_id, dag_id) == 0)
            n += taken->of_run[i];
    return n;
}

/* Attempts of this task in all runs, those that this pass begins included. */
static int taken_by_task(const struct pass *p, const struct ready *r)
{
    int n = 0;
    for (size_t i = 0; i < p->snap->n_runs; i++) {
        const struct dm_plan_run *run = p->snap->runs[i];
        if (!run->active || strcmp(run->row.dag_id, r->run->row.dag_id) != 0)
            continue;
        const struct dm_plan_task *task = find_task(run, r->task->row.task_id);
        n += task && takes_slot(task);
    }
    for (size_t i = 0; i < p->n_actions; i++) {
        const struct dm_action *a = &p->actions[i];
        n += a->kind == DM_ACTION_QUEUE_TASK &&
             strcmp(a->run->row.dag_id, r->run->row.dag_id) == 0 &&
             strcmp(a->task->row.task_id, r->task->row.task_id) == 0;
    }
    return n;
}

static bool fits(const struct pass *p, const struct taken *taken, const struct ready *r)
{
    const struct dm_task *def = r->task->def;
    const struct dm_pool_row *pool = find_pool(p->limits, def->pool);
    if (!pool) /* perhaps it will be there: until then it waits, as in Airflow */
        return false;
    if (pool->slots >= 0 && taken->of_pool[pool - p->limits->pools] + def->pool_slots > pool->slots)
        return false;
    if (taken_by_dag(p, taken, r->run->row.dag_id) >= r->run->dag->max_active_tasks)
        return false;
    return def->max_active_tis_per_dag <= 0 || taken_by_task(p, r) < def->max_active_tis_per_dag;
}

/* A task that does not fit leaves its place to those after it. */
static void plan_slots(struct pass *p)
{
    if (p->n_ready == 0)
        return;
    if (p->n_ready > 1)
        qsort(p->ready, p->n_ready, sizeof(*p->ready), by_order);
    struct taken taken = count_taken(p);
    for (size_t i = 0; i < p->n_ready && taken.all < p->limits->jobs; i++) {
        struct ready *r = &p->ready[i];
        size_t run = 0;
        if (!fits(p, &taken, r))
            continue;
        while (p->snap->runs[run] != r->run)
            run++;
        take(p, &taken, run, r->task);
        add_action(
            p, (struct dm_action){.kind = DM_ACTION_QUEUE_TASK, .run = r->run, .task = r->task});
    }
}

/* ---- days ---- */

static void plan_days(struct pass *p)
{
    for (size_t i = 0; i < p->snap->n_drives; i++) {
        struct dm_plan_drive *d = &p->snap->drives[i];
        int active = 0;
        for (size_t j = 0; j < p->snap->n_runs; j++)
            active += p->snap->runs[j]->active &&
                      strcmp(p->snap->runs[j]->row.dag_id, d->drive->dag->dag_id) == 0;
        if (d->next < d->n_days && active < d->drive->dag->max_active_runs)
            add_action(p, (struct dm_action){.kind = DM_ACTION_NEXT_DAY, .drive = d});
    }
}

struct dm_plan dm_plan(struct dm_arena *a, int64_t now, const struct dm_snapshot *s,
                       const struct dm_limits *limits)
{
    struct pass p = {.arena = a, .now = now, .wake_at = DM_NEVER, .snap = s, .limits = limits};
    for (size_t i = 0; i < s->n_runs; i++)
        if (s->runs[i]->active)
            plan_run(&p, s->runs[i]);
    plan_steps(&p);
    plan_slots(&p);
    plan_days(&p);
    return (struct dm_plan){.actions = p.actions, .n_actions = p.n_actions, .wake_at = p.wake_at};
}
