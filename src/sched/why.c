/* Reasons, in sentences. */
#include "sched/why.h"

#include "lang/mapping.h"
#include "sched/decision.h"
#include "sched/rule.h"
#include "state/memory.h"

enum { REASONS_MAX = 64, REASON_MAX = 1024, NAMES_MAX = 8 };

struct asking {
    struct dm_arena *arena;
    struct dm_store *store;
    struct dm_plan_run *run;
    struct dm_plan_task *task;
    int64_t now;
    struct dm_why *why;
};

static void say(struct asking *q, const char *fmt, ...) dm_printf(2, 3);
static void say(struct asking *q, const char *fmt, ...)
{
    char text[REASON_MAX];
    va_list ap;
    if (q->why->n == REASONS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    q->why->reasons[q->why->n++] = dm_arena_strdup(q->arena, text);
}

static const char *day(struct asking *q, int64_t us)
{
    char text[DM_TIME_MAX];
    return dm_arena_strdup(q->arena, dm_time_isoz(us, text));
}

static const char *state_text(enum dm_task_state s)
{
    return s == DM_TASK_NONE ? "not begun" : dm_task_state_name(s);
}

/* ---- the facts ---- */

/* Rows come in the order in which they were made: the first instance of a mapped task before the others. */
static void add_row(struct asking *q, struct dm_plan_task *t, const struct dm_task_row *row)
{
    if (row->map_index >= 0 && !dm_task_mapping(t->def))
        return; /* from when it was mapped */
    if (t->row.map_index < 0) {
        t->row = *row;
        return;
    }
    t->more = dm_arena_room(q->arena, t->more, t->n_more, &t->cap_more, sizeof(*t->more));
    struct dm_plan_task *one = dm_arena_new(q->arena, struct dm_plan_task);
    *one = (struct dm_plan_task){.row = *row, .def = t->def};
    t->more[t->n_more++] = one;
}

static int read_tasks(struct asking *q, struct dm_plan_run *run, const struct dm_dag *dag,
                      struct dm_err *reterr)
{
    struct dm_task_row *rows;
    size_t n;
    DM_TRY(dm_store_tasks(q->store, q->arena, run->row.id, &rows, &n, reterr));
    run->n_tasks = dag ? dag->n_tasks : n;
    run->tasks = dm_arena_array(q->arena, struct dm_plan_task, run->n_tasks + 1);
    for (size_t i = 0; i < run->n_tasks; i++) {
        struct dm_plan_task *t = &run->tasks[i];
        if (!dag) {
            t->row = rows[i];
            continue;
        }
        t->def = &dag->tasks[i];
        t->row =
            (struct dm_task_row){.task_id = t->def->task_id, .map_index = -1, .due_at = DM_NEVER};
        for (size_t j = 0; j < n; j++)
            if (strcmp(rows[j].task_id, t->def->task_id) == 0)
                add_row(q, t, &rows[j]);
    }
    return 0;
}

static int read_decisions(struct asking *q, struct dm_err *reterr)
{
    struct dm_xcom_of_key *records;
    size_t n;
    DM_TRY(dm_store_xcoms_of_key(q->store, q->arena, q->run->row.id, DM_DECISION_KEY, &records, &n,
                                 reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_plan_task *task = dm_plan_instance(q->run, records[i].task);
        struct dm_value *record;
        if (!task)
            continue;
        DM_TRY(dm_value_from_json(q->arena, records[i].value, &record, reterr));
        task->decided = record;
    }
    return 0;
}

static int read_past(struct asking *q, struct dm_err *reterr)
{
    struct dm_run_row row;
    int found = dm_store_run_before(q->store, q->arena, q->run->row.dag_id,
                                    q->run->row.logical_date, !q->run->dag->catchup, &row, reterr);
    DM_TRY(found);
    if (!found)
        return 0;
    q->run->prev = dm_arena_new(q->arena, struct dm_plan_run);
    q->run->prev->row = row;
    DM_TRY(read_tasks(q, q->run->prev, NULL, reterr));
    int past = dm_store_task_in_past(q->store, q->run->row.dag_id, q->run->row.logical_date,
                                     q->task->row.task_id, reterr);
    DM_TRY(past);
    q->task->in_past = past;
    return 0;
}

/* ---- dependencies ---- */

/* A place of a mapped task that what it is mapped over no longer has. */
static bool is_gone(const struct dm_task_row *row)
{
    return row->state == DM_TASK_REMOVED && row->map_index >= 0;
}

static bool is_upstream(const struct dm_task *def, size_t task)
{
    for (size_t i = 0; i < def->n_upstream; i++)
        if (def->upstream[i] == task)
            return true;
    return false;
}

static const char *name(struct asking *q, const struct dm_plan_task *t)
{
    return t->row.map_index < 0
               ? dm_arena_printf(q->arena, "\"%s\"", t->row.task_id)
               : dm_arena_printf(q->arena, "\"%s[%d]\"", t->row.task_id, t->row.map_index);
}

/* "a" (failed), "b" (running) … of the tasks directly before it that are not as the rule wants them. */
static const char *unready(struct asking *q, bool finished)
{
    const char *text = "";
    const struct dm_plan_task *before;
    size_t n = 0;
    for (struct dm_plan_each e = {0}; (before = dm_plan_each(q->run, &e));) {
        if (!is_upstream(q->task->def, e.task) || is_gone(&before->row) ||
            dm_task_finished(before->row.state) != finished || n++ >= NAMES_MAX)
            continue;
        text = dm_arena_printf(q->arena, "%s%s%s (%s)", text, *text ? ", " : "", name(q, before),
                               state_text(before->row.state));
    }
    return n > NAMES_MAX ? dm_arena_printf(q->arena, "%s and %zu more", text, n - (size_t)NAMES_MAX)
                         : text;
}

static struct dm_rule_answer ask_rule(struct asking *q)
{
    struct dm_upstream_counts counts = {0};
    const struct dm_plan_task *before;
    for (struct dm_plan_each e = {0}; (before = dm_plan_each(q->run, &e));)
        if (is_upstream(q->task->def, e.task) && !is_gone(&before->row))
            dm_upstream_count(&counts, before->row.state, before->def->is_setup);
    return dm_rule_eval(q->task->def->trigger_rule, &counts);
}

static void say_rule(struct asking *q)
{
    const struct dm_task *def = q->task->def;
    if (ask_rule(q).met)
        return;
    const char *open = unready(q, false), *done = unready(q, true);
    const char *rule = dm_trigger_rule_name(def->trigger_rule);
    if (*open)
        say(q, "its trigger rule %s waits for %s", rule, open);
    else
        say(q, "its trigger rule %s is not met: %s", rule, done);
}

static void say_setups(struct asking *q)
{
    const struct dm_graph_setups *setups =
        &q->run->graph->setups[q->task->def - q->run->dag->tasks];
    const struct dm_plan_task *setup;
    for (size_t i = 0; i < setups->n; i++)
        for (struct dm_plan_each e = {.task = setups->tasks[i]};
             (setup = dm_plan_each(q->run, &e)) && e.task == setups->tasks[i];)
            if (setup->row.state != DM_TASK_SUCCESS && !is_gone(&setup->row))
                say(q, "the setup %s must have succeeded; it is %s", name(q, setup),
                    state_text(setup->row.state));
}

/* An instance that is not expanded yet. */
static void say_sources(struct asking *q)
{
    const struct dm_graph_sources *sources =
        &q->run->graph->sources[q->task->def - q->run->dag->tasks];
    for (size_t i = 0; q->task->row.map_index < 0 && i < sources->n; i++) {
        const struct dm_plan_task *source = &q->run->tasks[sources->tasks[i]];
        if (source->row.state != DM_TASK_SUCCESS)
            say(q, "it is mapped over the result of %s, which is %s", name(q, source),
                state_text(source->row.state));
    }
}

static void say_decisions(struct asking *q)
{
    const struct dm_task *def = q->task->def;
    for (size_t i = 0; i < def->n_upstream; i++) {
        const struct dm_plan_task *before =
            dm_plan_decider(&q->run->tasks[def->upstream[i]], q->task);
        if (before && before->decided && dm_task_finished(before->row.state) &&
            dm_decided_skip(before->decided, def->task_id))
            say(q, "%s chose not to go on with it", name(q, before));
    }
}

static void say_past(struct asking *q)
{
    struct dm_past_wait wait;
    if (dm_plan_past(q->run, q->task, &wait) != 1)
        return;
    bool itself = strcmp(wait.task_id, q->task->row.task_id) == 0;
    say(q, "it depends on the past (%s): %s of the run before, %s, is %s",
        itself ? "depends_on_past" : "wait_for_downstream",
        itself ? "the same task" : dm_arena_printf(q->arena, "\"%s\"", wait.task_id),
        day(q, wait.run->row.logical_date), state_text(wait.state));
}

/* When the wait of a sensor becomes too long for it; DM_NEVER where that is not known. */
static int gives_up_at(struct asking *q, int64_t *ret, struct dm_err *reterr)
{
    const struct dm_task_row *row = &q->task->row;
    const struct dm_value *args = q->task->def->args, *v = dm_map_at(args, "timeout");
    bool poke = dm_str_is(dm_map_str(args, "mode", "poke"), "poke");
    int from = poke ? row->try_number : row->max_tries - q->task->def->retries + 1;
    int64_t timeout, since;
    *ret = DM_NEVER;
    if (!v || dm_span_parse(v, &timeout, NULL) < 0)
        return 0;
    int found = dm_store_first_look(q->store, row->id, from, row->try_number, &since, reterr);
    if (found == 1 && __builtin_add_overflow(since, timeout, ret))
        *ret = DM_NEVER;
    return found < 0 ? found : 0;
}

/* What the last look did not find, and when the next one is. */
static int say_sensor(struct asking *q, struct dm_err *reterr)
{
    const struct dm_task_row *row = &q->task->row;
    struct dm_attempt_row last;
    int64_t end;
    int found = dm_store_attempt(q->store, q->arena, row->attempt, &last, reterr);
    DM_TRY(found);
    DM_TRY(gives_up_at(q, &end, reterr));
    if (found && last.error)
        say(q, "it is a sensor; when it looked last, at %s, %s", day(q, last.ended_at), last.error);
    if (row->until_step)
        say(q, "it waits for step %s of the cluster to end", row->until_step);
    else if (row->due_at != DM_NEVER && row->due_at > q->now)
        say(q, "it looks again at %s", day(q, row->due_at));
    if (end != DM_NEVER)
        say(q, "it gives up at the first look after %s (timeout)", day(q, end));
    return 0;
}

static int say_time(struct asking *q, struct dm_err *reterr)
{
    const struct dm_task_row *row = &q->task->row;
    if (row->state == DM_TASK_UP_FOR_RESCHEDULE)
        return say_sensor(q, reterr);
    if (row->due_at != DM_NEVER && row->due_at > q->now)
        say(q, "try %d failed; the next one is due at %s", row->try_number, day(q, row->due_at));
    return 0;
}

/* ---- slots ---- */

struct taken {
    int pool, dag, task, task_in_run;
};

/* What is at work now, of every run that somebody works on. */
static int count_taken(struct asking *q, struct taken *ret, struct dm_err *reterr)
{
    struct dm_run_row *runs;
    struct dm_run_filter filter = DM_RUN_FILTER_ALL;
    size_t n;
    filter.state = DM_RUN_RUNNING;
    *ret = (struct taken){0};
    DM_TRY(dm_store_runs(q->store, q->arena, &filter, &runs, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_task_row *rows;
        size_t n_rows;
        bool same = strcmp(runs[i].dag_id, q->run->row.dag_id) == 0;
        DM_TRY(dm_store_tasks(q->store, q->arena, runs[i].id, &rows, &n_rows, reterr));
        for (size_t j = 0; same && j < n_rows; j++) {
            if (rows[j].state != DM_TASK_QUEUED && rows[j].state != DM_TASK_RUNNING)
                continue;
            const struct dm_task *def = dm_task_find(q->run->dag, dm_str_c(rows[j].task_id));
            ret->dag++;
            ret->task += strcmp(rows[j].task_id, q->task->row.task_id) == 0;
            ret->task_in_run +=
                runs[i].id == q->run->row.id && strcmp(rows[j].task_id, q->task->row.task_id) == 0;
            if (def && strcmp(def->pool, q->task->def->pool) == 0)
                ret->pool += def->pool_slots;
        }
    }
    return 0;
}

static int say_slots(struct asking *q, struct dm_err *reterr)
{
    const struct dm_task *def = q->task->def;
    const struct dm_pool_row *pool = NULL;
    struct dm_pool_row *pools;
    struct taken taken;
    size_t n;
    DM_TRY(dm_store_pools(q->store, q->arena, &pools, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (strcmp(pools[i].name, def->pool) == 0)
            pool = &pools[i];
    DM_TRY(count_taken(q, &taken, reterr));
    if (!pool)
        say(q, "there is no pool \"%s\" (\"pools set %s SLOTS\" makes it)", def->pool, def->pool);
    else if (pool->slots >= 0 && def->pool_slots > pool->slots)
        say(q, "it needs %d slots, and the pool \"%s\" has %d", def->pool_slots, pool->name,
            pool->slots);
    else if (pool->slots >= 0 && taken.pool + def->pool_slots > pool->slots)
        say(q, "the pool \"%s\" is full: this DAG uses %d of its %d slots", pool->name, taken.pool,
            pool->slots);
    if (taken.dag >= q->run->dag->max_active_tasks)
        say(q, "max_active_tasks of the DAG is %d, and as many are at work",
            q->run->dag->max_active_tasks);
    if (def->max_active_tis_per_dag > 0 && taken.task >= def->max_active_tis_per_dag)
        say(q, "max_active_tis_per_dag is %d, and as many of this task are at work",
            def->max_active_tis_per_dag);
    if (def->max_active_tis_per_dagrun > 0 && taken.task_in_run >= def->max_active_tis_per_dagrun)
        say(q, "max_active_tis_per_dagrun is %d, and as many of this task are at work in the run",
            def->max_active_tis_per_dagrun);
    if (q->why->n == 0)
        say(q, "its dependencies are met; it waits until one of the processes that run ends");
    return 0;
}

/* ---- the run ---- */

static int count_running(struct asking *q, int *ret, struct dm_err *reterr)
{
    struct dm_run_row *runs;
    struct dm_run_filter filter = DM_RUN_FILTER_ALL;
    size_t n;
    filter.dag_id = q->run->row.dag_id;
    filter.state = DM_RUN_RUNNING;
    DM_TRY(dm_store_runs(q->store, q->arena, &filter, &runs, &n, reterr));
    *ret = (int)n;
    return 0;
}

static int say_run(struct asking *q, struct dm_err *reterr)
{
    struct dm_dag_row row;
    int running, found = dm_store_dag(q->store, q->arena, q->run->row.dag_id, &row, reterr);
    DM_TRY(found);
    DM_TRY(count_running(q, &running, reterr));
    if (q->run->row.state != DM_RUN_QUEUED)
        say(q, "nobody works on the run: it is %s", dm_run_state_name(q->run->row.state));
    else if (found && row.paused)
        say(q, "the run is queued, and the DAG is paused (\"dags unpause %s\" lets it begin)",
            q->run->row.dag_id);
    else if (running >= q->run->dag->max_active_runs)
        say(q, "the run is queued: max_active_runs of the DAG is %d, and as many run",
            q->run->dag->max_active_runs);
    else
        say(q, "nobody works on the run: it is queued until a scheduler or a backfill runs");
    return 0;
}

/* No task of a paused DAG begins, but for a backfill. */
static int say_pause(struct asking *q, struct dm_err *reterr)
{
    struct dm_dag_row row;
    struct dm_backfill_row *backfills;
    size_t n;
    int found = dm_store_dag(q->store, q->arena, q->run->row.dag_id, &row, reterr);
    DM_TRY(found);
    if (!found || !row.paused)
        return 0;
    DM_TRY(dm_store_backfills(q->store, q->arena, q->run->row.dag_id, true, 0, &backfills, &n,
                              reterr));
    for (size_t i = 0; i < n; i++)
        if (q->run->row.logical_date >= backfills[i].from &&
            q->run->row.logical_date <= backfills[i].to)
            return 0;
    say(q, "the DAG is paused (\"dags unpause %s\" lets it go on)", q->run->row.dag_id);
    return 0;
}

/* ---- the answer ---- */

static void say_finished(struct asking *q)
{
    enum dm_task_state state = q->task->row.state;
    if (state == DM_TASK_SKIPPED)
        say_decisions(q);
    if (state == DM_TASK_UPSTREAM_FAILED || (state == DM_TASK_SKIPPED && q->why->n == 0)) {
        const char *before = unready(q, true);
        if (*before && q->task->row.attempt == 0 && ask_rule(q).state == state)
            say(q, "its trigger rule %s decided so: %s",
                dm_trigger_rule_name(q->task->def->trigger_rule), before);
    }
    bool unexpanded = dm_task_mapping(q->task->def) && q->task->row.map_index < 0;
    if (unexpanded && state == DM_TASK_SKIPPED && q->why->n == 0)
        say(q, "what it is mapped over has no items");
    if (unexpanded && state == DM_TASK_UPSTREAM_FAILED && q->why->n == 0)
        say(q, "what it is mapped over is not there");
}

static int answer(struct asking *q, struct dm_err *reterr)
{
    enum dm_task_state state = q->task->row.state;
    if (dm_task_finished(state)) {
        say_finished(q);
        return 0;
    }
    if (dm_task_at_work(state))
        return 0;
    if (state == DM_TASK_SCHEDULED) {
        DM_TRY(say_slots(q, reterr));
    } else {
        say_decisions(q);
        say_rule(q);
        say_setups(q);
        say_sources(q);
        say_past(q);
        DM_TRY(say_time(q, reterr));
    }
    return q->run->row.state != DM_RUN_RUNNING ? say_run(q, reterr) : say_pause(q, reterr);
}

/* The instance that was asked for, or the one that is most in need of an answer; NULL: there is no such instance. */
static struct dm_plan_task *choose(struct dm_plan_run *run, size_t task, int map_index)
{
    struct dm_plan_task *t, *best = NULL;
    int rank = 0;
    for (struct dm_plan_each e = {.task = task}; (t = dm_plan_each(run, &e)) && e.task == task;) {
        bool well =
            t->row.state == DM_TASK_SUCCESS || t->row.state == DM_TASK_SKIPPED || is_gone(&t->row);
        int is = !dm_task_finished(t->row.state) ? 3 : !well ? 2 : 1;
        if (map_index >= 0 ? t->row.map_index == map_index : is > rank) {
            best = t;
            rank = is;
        }
    }
    return best;
}

int dm_why(struct dm_arena *a, struct dm_store *s, const struct dm_dag *dag,
           const struct dm_run_row *run, const char *task_id, int map_index, int64_t now,
           struct dm_why *ret, struct dm_err *reterr)
{
    struct dm_plan_run plan_run = {.row = *run, .dag = dag, .graph = dm_graph_make(a, dag)};
    struct asking q = {.arena = a, .store = s, .run = &plan_run, .now = now, .why = ret};
    const struct dm_task *def = dm_task_find(dag, dm_str_c(task_id));
    if (!def)
        return dm_err_set(reterr, DM_E_NOTFOUND, "DAG \"%s\" has no task \"%s\"", dag->dag_id,
                          task_id);
    *ret = (struct dm_why){.reasons = dm_arena_array(a, const char *, REASONS_MAX)};
    DM_TRY(read_tasks(&q, &plan_run, dag, reterr));
    q.task = choose(&plan_run, (size_t)(def - dag->tasks), map_index);
    if (!q.task)
        return dm_err_set(reterr, DM_E_NOTFOUND, "task \"%s\" has no instance %d in this run",
                          task_id, map_index);
    ret->map_index = q.task->row.map_index;
    ret->state = q.task->row.state;
    DM_TRY(read_decisions(&q, reterr));
    DM_TRY(read_past(&q, reterr));
    return answer(&q, reterr);
}

int dm_why_waits(struct dm_arena *a, struct dm_store *s, const struct dm_dag *dag,
                 const struct dm_run_row *run, struct dm_waiting **ret, size_t *ret_n,
                 struct dm_err *reterr)
{
    struct dm_plan_run *plan_run = dm_arena_new(a, struct dm_plan_run);
    struct dm_why why = {.reasons = dm_arena_array(a, const char *, REASONS_MAX)};
    struct asking q = {.arena = a, .store = s, .run = plan_run, .why = &why};
    struct dm_plan_task *task;
    size_t n = 0, most = 0;
    plan_run->row = *run;
    plan_run->dag = dag;
    plan_run->graph = dm_graph_make(a, dag);
    DM_TRY(read_tasks(&q, plan_run, dag, reterr));
    DM_TRY(read_decisions(&q, reterr));
    for (struct dm_plan_each e = {0}; (task = dm_plan_each(plan_run, &e)); most++) {
        q.task = task;
        DM_TRY(read_past(&q, reterr));
    }
    *ret = dm_arena_array(a, struct dm_waiting, most + 1);
    for (struct dm_plan_each e = {0}; (task = dm_plan_each(plan_run, &e));) {
        (*ret)[n].task_id = task->row.task_id;
        n += dm_plan_waiting(plan_run, task, &(*ret)[n].waits) == 1;
    }
    *ret_n = n;
    return 0;
}
