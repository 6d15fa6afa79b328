/*
 * The plan, stage by stage:
 *
 *   RUNS   drives with room take their next day, schedules make their next run: one of each;
 *   BEGIN  queued runs begin, as many as their DAG has room for;
 *   TASKS  per run, in topological order: trigger rules and the past, judged by the states at the beginning of the stage:
 *          a failure travels one task a round; a run that had no unfinished task then ends;
 *   WORK   steps: the first of each cluster, where none runs; callbacks, as many as may run; ready tasks by (priority,
 *          logical date, DAG, task) take the free slots.
 *
 * States decided in this stage are kept beside the snapshot (`struct pass`), never in it.
 */
#include "sched/plan.h"

#include "base/map.h"
#include "lang/asset.h"
#include "lang/mapping.h"
#include "sched/decision.h"
#include "sched/rule.h"

struct ready {
    struct dm_plan_run *run;
    struct dm_plan_task *task;
    size_t at; /* the run's place in the snapshot */
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
    p->actions =
        dm_arena_room(p->arena, p->actions, p->n_actions, &p->cap_actions, sizeof(*p->actions));
    p->actions[p->n_actions++] = action;
}

static void add_ready(struct pass *p, size_t at, struct dm_plan_task *task)
{
    p->ready = dm_arena_room(p->arena, p->ready, p->n_ready, &p->cap_ready, sizeof(*p->ready));
    p->ready[p->n_ready++] = (struct ready){p->snap->runs[at], task, at};
}

static void wake_at(struct pass *p, int64_t at)
{
    if (p->wake_at == DM_NEVER || at < p->wake_at)
        p->wake_at = at;
}

/* ---- the past ---- */

/* For a time, or for a step. */
static bool is_waiting(enum dm_task_state s)
{
    return s == DM_TASK_UP_FOR_RETRY || s == DM_TASK_UP_FOR_RESCHEDULE;
}

static int wait_for(const struct dm_plan_run *run, const char *task_id, enum dm_task_state state,
                    struct dm_past_wait *ret)
{
    *ret = (struct dm_past_wait){run, task_id, state};
    return 1;
}

/* A place of a mapped task that what it is mapped over no longer has. */
static bool is_gone(const struct dm_task_row *row)
{
    return row->state == DM_TASK_REMOVED && row->map_index >= 0;
}

/* Whether all instances of a task in a run of the past ended well: 1, 0 with the one that did not, -1 = there is none. */
static int ended_well(const struct dm_plan_run *run, const char *task_id, enum dm_task_state *ret)
{
    int found = -1;
    const struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) {
        if (strcmp(t->row.task_id, task_id) != 0 || is_gone(&t->row))
            continue;
        *ret = t->row.state;
        if (!dm_task_fine(t->row.state))
            return 0;
        found = 1;
    }
    return found;
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
    enum dm_task_state state;
    int well = ended_well(prev, def->task_id, &state);
    if (well < 0) {
        if (def->ignore_first_depends_on_past && !task->in_past)
            return 0;
        return wait_for(prev, def->task_id, DM_TASK_NONE, ret);
    }
    if (!well)
        return wait_for(prev, def->task_id, state, ret);
    if (!def->wait_for_downstream)
        return 0;
    for (size_t i = 0; i < def->n_downstream; i++) {
        const char *id = run->dag->tasks[def->downstream[i]].task_id;
        if (ended_well(prev, id, &state) == 0)
            return wait_for(prev, id, state, ret);
    }
    return 0;
}

/* ---- tasks of a run ---- */

/* The states of a run's instances as this stage sees them: instance k of task i is at[first[i] + k]. */
struct states {
    enum dm_task_state *at;
    size_t *first;
};

static size_t count_instances(const struct dm_plan_run *run)
{
    size_t n = run->n_tasks;
    for (size_t i = 0; i < run->n_tasks; i++)
        n += run->tasks[i].n_more;
    return n;
}

static void read_states(const struct dm_plan_run *run, struct states *s)
{
    const struct dm_plan_task *t;
    size_t n = 0;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e)); n++) {
        if (e.instance == 1)
            s->first[e.task] = n;
        s->at[n] = t->row.state;
    }
}

static const struct dm_plan_task *instance(const struct dm_plan_task *task, size_t k)
{
    return k ? task->more[k - 1] : task;
}

static void count_task(struct dm_upstream_counts *counts, const struct dm_plan_run *run,
                       size_t task, const struct states *s)
{
    const struct dm_plan_task *t = &run->tasks[task];
    for (size_t k = 0; k <= t->n_more; k++) {
        enum dm_task_state state = s->at[s->first[task] + k];
        if (state != DM_TASK_REMOVED || instance(t, k)->row.map_index < 0)
            dm_upstream_count(counts, state, t->def->is_setup);
    }
}

/* Setups that the task relies on from afar must all have succeeded, as with all_success. */
static struct dm_rule_answer judge_setups(const struct dm_plan_run *run, size_t task,
                                          const struct states *states)
{
    const struct dm_graph_setups *setups = &run->graph->setups[task];
    struct dm_upstream_counts counts = {0};
    for (size_t i = 0; i < setups->n; i++)
        count_task(&counts, run, setups->tasks[i], states);
    return dm_rule_eval(DM_RULE_ALL_SUCCESS, &counts);
}

const struct dm_plan_task *dm_plan_decider(const struct dm_plan_task *before,
                                           const struct dm_plan_task *task)
{
    if (before->row.map_index < 0)
        return before;
    if (task->row.map_index < 0 || (size_t)task->row.map_index > before->n_more)
        return NULL;
    return instance(before, (size_t)task->row.map_index);
}

static bool left_out(const struct dm_plan_run *run, const struct dm_plan_task *task,
                     const struct states *states)
{
    const struct dm_task *def = task->def;
    for (size_t i = 0; i < def->n_upstream; i++) {
        size_t up = def->upstream[i];
        const struct dm_plan_task *before = dm_plan_decider(&run->tasks[up], task);
        size_t k = before && before != &run->tasks[up] ? (size_t)before->row.map_index : 0;
        if (before && before->decided && dm_task_finished(states->at[states->first[up] + k]) &&
            dm_decided_skip(before->decided, def->task_id))
            return true;
    }
    return false;
}

/* What a mapped task is mapped over must be there, whatever its trigger rule; an expanded source is. */
static struct dm_rule_answer judge_sources(const struct dm_plan_run *run,
                                           const struct dm_plan_task *task,
                                           const struct states *states)
{
    const struct dm_graph_sources *sources = &run->graph->sources[task->def - run->dag->tasks];
    struct dm_rule_answer answer = {.met = true, .state = DM_TASK_NONE};
    for (size_t i = 0; i < sources->n; i++) {
        enum dm_task_state state = states->at[states->first[sources->tasks[i]]];
        if (run->tasks[sources->tasks[i]].row.map_index >= 0 || !dm_task_finished(state) ||
            state == DM_TASK_SUCCESS)
            continue;
        answer.met = false;
        if (state == DM_TASK_FAILED || state == DM_TASK_UPSTREAM_FAILED)
            answer.state = DM_TASK_UPSTREAM_FAILED;
        else if (state == DM_TASK_SKIPPED && answer.state == DM_TASK_NONE)
            answer.state = DM_TASK_SKIPPED;
    }
    return answer;
}

static struct dm_rule_answer judge_rule(const struct dm_plan_run *run,
                                        const struct dm_plan_task *task,
                                        const struct states *states)
{
    const struct dm_task *def = task->def;
    struct dm_upstream_counts counts = {0};
    struct dm_rule_answer setups = {.met = true, .state = DM_TASK_NONE}, answer;
    if (left_out(run, task, states))
        return (struct dm_rule_answer){.met = false, .state = DM_TASK_SKIPPED};
    if (def->trigger_rule != DM_RULE_ALWAYS)
        setups = judge_setups(run, (size_t)(def - run->dag->tasks), states);
    if (setups.state != DM_TASK_NONE)
        return setups;
    for (size_t i = 0; i < def->n_upstream; i++)
        count_task(&counts, run, def->upstream[i], states);
    answer = dm_rule_eval(def->trigger_rule, &counts);
    answer.met = answer.met && setups.met;
    return answer;
}

static struct dm_rule_answer judge(const struct dm_plan_run *run, const struct dm_plan_task *task,
                                   const struct states *states)
{
    struct dm_rule_answer answer = judge_rule(run, task, states);
    struct dm_rule_answer sources = judge_sources(run, task, states);
    if (sources.state != DM_TASK_NONE && answer.state != DM_TASK_UPSTREAM_FAILED)
        answer.state = sources.state;
    answer.met = answer.met && sources.met;
    return answer;
}

int dm_plan_waiting(const struct dm_plan_run *run, const struct dm_plan_task *task,
                    struct dm_past_wait *ret)
{
    if (task->row.state != DM_TASK_NONE && !is_waiting(task->row.state))
        return 0;
    size_t n = count_instances(run) + 1;
    struct states states = {dm_malloc(sizeof(*states.at) * n), dm_malloc(sizeof(size_t) * n)};
    read_states(run, &states);
    bool met = judge(run, task, &states).met;
    free(states.at);
    free(states.first);
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
    if (!is_waiting(row->state))
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

/* A mapped task that has its instances still to be made, or perhaps others by now. */
static bool wants_expand(const struct dm_plan_task *first)
{
    return dm_task_mapping(first->def) && (first->row.map_index < 0 || first->remap);
}

/* Once for all instances of a task. */
static void expand(struct pass *p, struct dm_plan_run *run, struct dm_plan_task *first)
{
    const struct dm_action *last = p->n_actions ? &p->actions[p->n_actions - 1] : NULL;
    if (!last || last->kind != DM_ACTION_EXPAND || last->task != first)
        add_action(p, (struct dm_action){.kind = DM_ACTION_EXPAND, .run = run, .task = first});
}

/* Of a paused DAG nothing begins but what a command drives: what is at work ends, failures travel, and a run without
   unfinished tasks ends. */
static bool is_held(const struct dm_plan_run *run)
{
    return run->of && run->of->paused && !run->drive;
}

static enum dm_task_state plan_task(struct pass *p, struct dm_plan_run *run,
                                    struct dm_plan_task *task, const struct states *states)
{
    struct dm_plan_task *first = &run->tasks[task->def - run->dag->tasks];
    enum dm_task_state state = task->row.state;
    if (state != DM_TASK_NONE && !is_waiting(state))
        return state;
    /* All of these are looked at, also after one says no: the rule may end a task that waits for its past. */
    struct dm_rule_answer answer = judge(run, task, states);
    bool due = is_due(p, &task->row);
    struct dm_past_wait wait;
    if (answer.state != DM_TASK_NONE)
        state = answer.state;
    else if (!answer.met || !due || is_held(run) || dm_plan_past(run, task, &wait))
        return state;
    if (state == task->row.state && wants_expand(first)) {
        expand(p, run, first);
        return state;
    }
    if (state == task->row.state)
        state = DM_TASK_SCHEDULED;
    add_action(
        p, (struct dm_action){.kind = DM_ACTION_TASK_STATE, .run = run, .task = task, .to = state});
    return state;
}

/* An instance that is not made yet may become the one that is asked for. */
static bool is_asked_for(const struct dm_drive *d, const struct dm_task_row *row)
{
    return strcmp(row->task_id, d->only_task) == 0 &&
           (!d->one_instance || row->map_index == d->map_index || row->map_index < 0);
}

/* `tasks test`: one task, whatever its dependencies; the run is done when that task is. */
static void plan_only_task(struct pass *p, struct dm_plan_run *run)
{
    bool over = true, all = true, failed = false;
    struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) {
        enum dm_task_state s = t->row.state;
        all = all && dm_task_finished(s);
        failed = failed || s == DM_TASK_FAILED || s == DM_TASK_UPSTREAM_FAILED;
        if (!is_asked_for(run->drive, &t->row))
            continue;
        bool waits = s == DM_TASK_NONE || is_waiting(s);
        over = over && dm_task_finished(s);
        if (!waits || !is_due(p, &t->row))
            continue;
        if (wants_expand(&run->tasks[e.task]))
            expand(p, run, &run->tasks[e.task]);
        else
            add_action(p, (struct dm_action){.kind = DM_ACTION_TASK_STATE,
                                             .run = run,
                                             .task = t,
                                             .to = DM_TASK_SCHEDULED});
    }
    if (!over)
        return;
    add_action(p, (struct dm_action){.kind = DM_ACTION_FINISH_RUN,
                                     .run = run,
                                     .run_state = !all     ? DM_RUN_QUEUED
                                                  : failed ? DM_RUN_FAILED
                                                           : DM_RUN_SUCCESS});
}

static bool took_too_long(struct pass *p, const struct dm_plan_run *run)
{
    if (run->dag->dagrun_timeout_us <= 0 || is_held(run))
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
    struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) {
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
        add_action(p, (struct dm_action){.kind = DM_ACTION_FINISH_RUN,
                                         .run = run,
                                         .run_state = DM_RUN_FAILED,
                                         .reason = "timed_out"});
}

/* Airflow's rule: nothing can run, and nothing outside the run could change that. */
static bool is_deadlocked(const struct dm_plan_run *run, int64_t now)
{
    const struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) {
        const struct dm_task *def = t->def;
        bool waits = def->depends_on_past || def->wait_for_downstream ||
                     def->max_active_tis_per_dag > 0 || def->max_active_tis_per_dagrun > 0;
        if (waits && !dm_task_finished(t->row.state))
            return false;
    }
    return dm_plan_run_stuck(run, now);
}

static void plan_run(struct pass *p, struct dm_plan_run *run)
{
    if (run->renew) {
        if (run->at_work == 0)
            add_action(p, (struct dm_action){.kind = DM_ACTION_RENEW_RUN, .run = run});
        return;
    }
    if (took_too_long(p, run)) {
        plan_timeout(p, run);
        return;
    }
    if (run->drive && run->drive->only_task) {
        plan_only_task(p, run);
        return;
    }
    size_t n = count_instances(run) + 1;
    struct states states = {dm_arena_array(p->arena, enum dm_task_state, n),
                            dm_arena_array(p->arena, size_t, n)};
    bool unfinished = false, leaf_failed = false;
    size_t before = p->n_actions;
    struct dm_plan_task *t;
    read_states(run, &states);
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) {
        enum dm_task_state s = plan_task(p, run, t, &states);
        unfinished = unfinished || !dm_task_finished(t->row.state);
        if (run->graph->leaves[e.task] && (s == DM_TASK_FAILED || s == DM_TASK_UPSTREAM_FAILED))
            leaf_failed = true;
    }
    enum dm_run_state end = leaf_failed ? DM_RUN_FAILED : DM_RUN_SUCCESS;
    if (!unfinished)
        add_action(p, (struct dm_action){.kind = DM_ACTION_FINISH_RUN,
                                         .run = run,
                                         .run_state = run->marked ? run->mark : end,
                                         .reason = run->marked   ? NULL
                                                   : leaf_failed ? "task_failure"
                                                                 : "success"});
    else if (p->n_actions == before && !is_held(run) && is_deadlocked(run, p->now))
        add_action(p, (struct dm_action){.kind = DM_ACTION_FINISH_RUN,
                                         .run = run,
                                         .run_state = DM_RUN_FAILED,
                                         .reason = "all_tasks_deadlocked"});
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

/* ---- callbacks ---- */

static bool same_subject(const struct dm_callback_row *a, const struct dm_callback_row *b)
{
    return a->run == b->run && a->task == b->task;
}

/* In the order in which they were made, those of one task instance (or of one run itself) one after the other. */
static void plan_callbacks(struct pass *p)
{
    const struct dm_snapshot *s = p->snap;
    int running = 0;
    for (size_t i = 0; i < s->n_callbacks; i++)
        running += s->callbacks[i]->row.state == DM_CALLBACK_RUNNING;
    for (size_t i = 0; i < s->n_callbacks && running < p->limits->callbacks; i++) {
        const struct dm_callback_row *row = &s->callbacks[i]->row;
        bool first = row->state == DM_CALLBACK_PENDING;
        for (size_t j = 0; j < i && first; j++)
            first = !same_subject(&s->callbacks[j]->row, row);
        if (!first)
            continue;
        running++;
        add_action(
            p, (struct dm_action){.kind = DM_ACTION_START_CALLBACK, .callback = s->callbacks[i]});
    }
}

/* ---- slots ---- */

static int weight_of(const struct ready *r)
{
    return r->run->graph->weights[r->task->def - r->run->dag->tasks];
}

static int by_order(const void *a, const void *b)
{
    const struct ready *x = a, *y = b;
    if (weight_of(x) != weight_of(y))
        return weight_of(x) > weight_of(y) ? -1 : 1;
    if (x->run->row.logical_date != y->run->row.logical_date)
        return x->run->row.logical_date < y->run->row.logical_date ? -1 : 1;
    if (x->task->row.map_index != y->task->row.map_index)
        return x->task->row.map_index < y->task->row.map_index ? -1 : 1;
    int dag = strcmp(x->run->row.dag_id, y->run->row.dag_id);
    if (dag != 0)
        return dag;
    ptrdiff_t at_x = x->task->def - x->run->dag->tasks, at_y = y->task->def - y->run->dag->tasks;
    return at_x < at_y ? -1 : at_x > at_y;
}

/* What is taken: counted once, then kept up while slots are given. */
struct taken {
    int all;      /* attempts at work */
    int **of_dag; /* by index in the snapshot's runs: that of the run's DAG, one for all its runs */
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
    (*taken->of_dag[run])++;
    if (pool)
        taken->of_pool[pool - p->limits->pools] += task->def->pool_slots;
}

static struct taken count_taken(const struct pass *p)
{
    struct dm_map dags;
    struct taken taken = {.of_dag = dm_arena_array(p->arena, int *, p->snap->n_runs + 1),
                          .of_pool = dm_arena_array(p->arena, int, p->limits->n_pools + 1)};
    dm_map_init(&dags, p->arena);
    for (size_t i = 0; i < p->snap->n_runs; i++) {
        const struct dm_plan_run *run = p->snap->runs[i];
        const struct dm_plan_task *t;
        struct dm_str dag_id = dm_str_c(run->row.dag_id);
        taken.of_dag[i] = dm_map_get(&dags, dag_id);
        if (!taken.of_dag[i])
            dm_map_put(&dags, dag_id, taken.of_dag[i] = dm_arena_new(p->arena, int));
        for (struct dm_plan_each e = {0}; run->active && (t = dm_plan_each(run, &e));)
            if (dm_task_at_work(t->row.state))
                take(p, &taken, i, t);
    }
    return taken;
}

static bool same_task(const struct dm_plan_run *run, const struct dm_plan_task *task,
                      const struct ready *r)
{
    return strcmp(run->row.dag_id, r->run->row.dag_id) == 0 &&
           strcmp(task->row.task_id, r->task->row.task_id) == 0;
}

/* Attempts of this task in its run, or in all runs, those that begin now included. */
static int taken_by_task(const struct pass *p, const struct ready *r, bool in_run)
{
    int n = 0;
    for (size_t i = 0; i < p->snap->n_runs; i++) {
        const struct dm_plan_run *run = p->snap->runs[i];
        const struct dm_plan_task *t;
        if (!run->active || (in_run && run != r->run))
            continue;
        for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));)
            n += dm_task_at_work(t->row.state) && same_task(run, t, r);
    }
    for (size_t i = 0; i < p->n_actions; i++) {
        const struct dm_action *a = &p->actions[i];
        n += a->kind == DM_ACTION_QUEUE_TASK && same_task(a->run, a->task, r) &&
             (!in_run || a->run == r->run);
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
    if (*taken->of_dag[r->at] >= r->run->dag->max_active_tasks)
        return false;
    if (def->max_active_tis_per_dagrun > 0 &&
        taken_by_task(p, r, true) >= def->max_active_tis_per_dagrun)
        return false;
    return def->max_active_tis_per_dag <= 0 ||
           taken_by_task(p, r, false) < def->max_active_tis_per_dag;
}

static void find_ready(struct pass *p, size_t at)
{
    struct dm_plan_run *run = p->snap->runs[at];
    struct dm_plan_task *t;
    if (!run->active || run->renew || is_held(run))
        return;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));)
        if (t->row.state == DM_TASK_SCHEDULED &&
            (!run->drive || !run->drive->only_task || is_asked_for(run->drive, &t->row)))
            add_ready(p, at, t);
}

/* A task that does not fit leaves its place to those after it. */
static void plan_slots(struct pass *p)
{
    for (size_t i = 0; i < p->snap->n_runs; i++)
        find_ready(p, i);
    if (p->n_ready == 0)
        return;
    if (p->n_ready > 1)
        qsort(p->ready, p->n_ready, sizeof(*p->ready), by_order);
    struct taken taken = count_taken(p);
    for (size_t i = 0; i < p->n_ready && taken.all < p->limits->jobs; i++) {
        struct ready *r = &p->ready[i];
        if (!fits(p, &taken, r))
            continue;
        take(p, &taken, r->at, r->task);
        add_action(
            p, (struct dm_action){.kind = DM_ACTION_QUEUE_TASK, .run = r->run, .task = r->task});
    }
}

/* ---- days and runs ---- */

static void plan_days(struct pass *p)
{
    for (size_t i = 0; i < p->snap->n_drives; i++) {
        struct dm_plan_drive *d = p->snap->drives[i];
        int active = 0, room = d->drive->max_active_runs;
        if (room <= 0)
            room = d->drive->dag->max_active_runs;
        for (size_t j = 0; j < p->snap->n_runs; j++)
            active += p->snap->runs[j]->drive == d->drive;
        bool gone = d->of && !d->of->ref; /* its DAG: no more days until that is back */
        if (!d->paused && !gone && d->next < d->n_days && active < room)
            add_action(p, (struct dm_action){.kind = DM_ACTION_NEXT_DAY, .drive = d});
    }
}

static bool has_changed(void *user, struct dm_str uri)
{
    const struct dm_plan_dag *d = user;
    for (size_t i = 0; i < d->n_assets; i++)
        if (dm_str_is(uri, d->assets[i].uri))
            return d->assets[i].at != DM_NEVER;
    return false;
}

/* A condition without assets would always hold: it never does, as in Airflow. */
static bool wants_asset_run(struct dm_plan_dag *d)
{
    bool any = false;
    for (size_t i = 0; i < d->n_assets; i++)
        any = any || d->assets[i].at != DM_NEVER;
    return any && dm_asset_met(d->condition, has_changed, d);
}

/* Queued and active ones together leave room for another (Airflow's max_active_runs). */
static void plan_schedules(struct pass *p, int64_t *ret_dags_at)
{
    const struct dm_snapshot *s = p->snap;
    if (s->dags_at == DM_NEVER || s->dags_at > p->now) {
        *ret_dags_at = s->dags_at;
        if (s->dags_at != DM_NEVER)
            wake_at(p, s->dags_at);
        return;
    }
    int64_t at = DM_NEVER;
    for (size_t i = 0; i < s->n_dags; i++) {
        struct dm_plan_dag *d = s->dags[i];
        if (d->paused || !d->ref || d->unfinished >= d->ref->dag->max_active_runs)
            continue;
        if (wants_asset_run(
                d)) { /* what is due by time comes after it: the next round looks again */
            add_action(p, (struct dm_action){.kind = DM_ACTION_CREATE_ASSET_RUN, .dag = d});
            continue;
        }
        if (!d->has_next)
            continue;
        if (d->next.run_after <= p->now)
            add_action(p, (struct dm_action){.kind = DM_ACTION_CREATE_RUN, .dag = d});
        if (at == DM_NEVER || d->next.run_after < at)
            at = d->next.run_after;
    }
    *ret_dags_at = at;
    if (at != DM_NEVER)
        wake_at(p, at);
}

static void plan_queued(struct pass *p)
{
    for (size_t i = 0; i < p->snap->n_queued; i++) {
        struct dm_plan_run *run = p->snap->queued[i];
        struct dm_plan_dag *d = run->of;
        if (!d || d->paused || !d->ref)
            continue;
        int active = d->active;
        for (size_t j = 0; j < p->n_actions; j++)
            active += p->actions[j].run->of == d;
        if (active < d->ref->dag->max_active_runs)
            add_action(p, (struct dm_action){.kind = DM_ACTION_BEGIN_RUN, .run = run});
    }
}

bool dm_plan_run_stuck(const struct dm_plan_run *run, int64_t now)
{
    const struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e)) && !is_held(run);) {
        bool due = t->row.due_at != DM_NEVER && t->row.due_at <= now;
        if (t->row.state != DM_TASK_NONE && !(is_waiting(t->row.state) && due) &&
            !dm_task_finished(t->row.state))
            return false;
    }
    return run->at_work == 0;
}

struct dm_plan dm_plan(struct dm_arena *a, int64_t now, const struct dm_snapshot *s,
                       const struct dm_limits *limits, enum dm_stage stage)
{
    struct pass p = {.arena = a, .now = now, .wake_at = DM_NEVER, .snap = s, .limits = limits};
    int64_t dags_at = s->dags_at;
    switch (stage) {
    case DM_STAGE_RUNS:
        if (!limits->draining)
            plan_days(&p);
        if (limits->schedules && !limits->draining)
            plan_schedules(&p, &dags_at);
        break;
    case DM_STAGE_BEGIN:
        if (limits->schedules && !limits->draining)
            plan_queued(&p);
        break;
    case DM_STAGE_TASKS:
        for (size_t i = 0; i < s->n_runs; i++)
            if (s->runs[i]->active)
                plan_run(&p, s->runs[i]);
        break;
    case DM_STAGE_WORK:
        if (limits->draining)
            break;
        plan_steps(&p);
        plan_callbacks(&p);
        plan_slots(&p);
        break;
    case DM_STAGE_COUNT:
        break;
    }
    return (struct dm_plan){
        .actions = p.actions, .n_actions = p.n_actions, .wake_at = p.wake_at, .dags_at = dags_at};
}
