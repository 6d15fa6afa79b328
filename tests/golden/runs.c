/*
 * Kind `runs`: whole runs of a scenario, as Airflow's scheduler had them (golden/airflow/runs.jsonl): states of runs and
 * tasks and the tries they took, at rest and after each action of a person.  The DAG's own schedule makes the runs, and
 * what begins in a round of the plan ends before the next round, as with Airflow's loops there.  Which tasks began together
 * is compared where a pool or a limit decides it, unless tasks of equal weight leave it open.
 */
#include "golden.h"

#include "sched/clear.h"
#include "sched/dag_ref.h"
#include "sched/rule.h"
#include "world.h"

enum { TASKS_MAX = 256, ROUNDS_MAX = 1000 };

struct scenario {
    const struct dm_value *def, *script;
    struct dm_value *order; /* of the present step: per round the list of [task, run, try] */
};

static int day_of(const struct dm_plan_run *run)
{
    return (int)((run->row.logical_date - T_EPOCH) / DM_DAY);
}

static const struct dm_value *task_of(const struct dm_value *def, const char *id)
{
    const struct dm_value *tasks = dm_map_at(def, "tasks");
    for (size_t i = 0; i < tasks->list.n; i++)
        if (dm_str_is(dm_map_str(tasks->list.items[i], "id", ""), id))
            return tasks->list.items[i];
    return NULL;
}

/* ---- the executor ---- */

/* script[task][run] = outcome per try, the last one repeats; "*" = every run; NULL = nothing is said. */
static const struct dm_value *scripted(const struct scenario *s, const struct dm_job *j)
{
    const struct dm_value *of_task = dm_map_at(s->script, j->task->row.task_id);
    char day[16];
    snprintf(day, sizeof(day), "%d", day_of(j->run));
    const struct dm_value *tries = dm_map_at(of_task, day);
    if (!tries)
        tries = dm_map_at(of_task, "*");
    if (!tries || tries->kind != DM_LIST || tries->list.n == 0)
        return NULL;
    size_t at = (size_t)j->task->row.try_number - 1;
    return tries->list.items[at < tries->list.n ? at : tries->list.n - 1];
}

/* What a branch chose: an id, a list of ids, or null. */
static const struct dm_value *followed(struct dm_arena *a, const struct dm_value *choice)
{
    struct dm_value *map = dm_value_map(a), *list = dm_value_list(a, 0);
    if (choice->kind == DM_STRING)
        dm_list_add(a, list, choice);
    dm_map_set(a, map, "follow", choice->kind == DM_LIST ? choice : list);
    return map;
}

static const struct dm_value *short_circuit(struct dm_arena *a, const struct dm_value *task)
{
    struct dm_value *map = dm_value_map(a);
    bool all = dm_map_bool(task, "ignore_downstream_trigger_rules", true);
    dm_map_set(a, map, "skip", dm_value_cstr(a, all ? "all" : "direct"));
    return map;
}

static struct dm_result execute(struct t_world *w, const struct dm_job *j)
{
    const struct scenario *s = w->user;
    struct dm_result r = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    const struct dm_value *outcome = scripted(s, j);
    const struct dm_value *task = task_of(s->def, j->task->row.task_id);
    struct dm_str kind = dm_map_str(task, "kind", "task");
    if (!outcome)
        return r;
    bool word = outcome->kind == DM_STRING;
    if (word && dm_str_is(outcome->s, "success"))
        return r;
    if (word && dm_str_is(outcome->s, "skip")) {
        r.state = DM_RESULT_SKIPPED;
    } else if (word && (dm_str_is(outcome->s, "fail") || dm_str_is(outcome->s, "fail_final"))) {
        r.state = DM_RESULT_FAILED;
        r.retry = dm_str_is(outcome->s, "fail");
    } else if (dm_str_is(kind, "branch")) {
        r.decision = followed(&w->arena, outcome);
    } else if (dm_str_is(kind, "short_circuit") && outcome->kind == DM_BOOL && !outcome->b) {
        r.decision = short_circuit(&w->arena, task);
    }
    return r;
}

/* The tasks of a round end before the next one: what is at work now has just begun. */
static void note_order(struct t_world *w, struct dm_job *const *running, size_t n)
{
    struct scenario *s = w->user;
    struct dm_arena *a = &w->arena;
    struct dm_value *turn = dm_value_list(a, 0);
    for (size_t i = 0; i < n; i++) {
        struct dm_value *one = dm_value_list(a, 0);
        dm_list_add(a, one, dm_value_cstr(a, running[i]->task->row.task_id));
        dm_list_add(a, one, dm_value_int(a, day_of(running[i]->run)));
        dm_list_add(a, one, dm_value_int(a, running[i]->task->row.try_number));
        dm_list_add(a, turn, one);
    }
    if (n)
        dm_list_add(a, s->order, turn);
}

/* ---- the world ---- */

static int make_dag(struct t_world *w, const struct dm_value *def, struct dm_err *reterr)
{
    static const char *const weights[] = {"downstream", "upstream", "absolute"};
    const struct dm_value *list = dm_map_at(def, "tasks");
    struct t_task tasks[TASKS_MAX] = {0};
    if (list->list.n > TASKS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "more than %d tasks", TASKS_MAX);
    for (size_t i = 0; i < list->list.n; i++) {
        const struct dm_value *t = list->list.items[i], *up = dm_map_at(t, "upstream");
        bool teardown = dm_map_bool(t, "teardown", false);
        int rule = dm_rule_parse(
            dm_map_str(t, "trigger_rule", teardown ? "all_done_setup_success" : "all_success"));
        if (rule < 0 || (up && up->list.n > sizeof(tasks[i].upstream) / sizeof(char *)))
            return dm_err_set(reterr, DM_E_INVALID, "a trigger rule or a list of upstream tasks");
        tasks[i] = (struct t_task){
            .id = dm_str_cstr(&w->arena, dm_map_str(t, "id", "")),
            .rule = (enum dm_trigger_rule)rule,
            .retries = (int)dm_map_int(t, "retries", 0),
            .depends_on_past = dm_map_bool(t, "depends_on_past", false),
            .wait_for_downstream = dm_map_bool(t, "wait_for_downstream", false),
            .setup = dm_map_bool(t, "setup", false),
            .teardown = teardown,
        };
        for (size_t j = 0; up && j < up->list.n; j++)
            tasks[i].upstream[j] = dm_str_cstr(&w->arena, up->list.items[j]->s);
    }
    t_dag(w, tasks, list->list.n);
    w->dag.end_date = T_EPOCH + (dm_map_int(def, "runs", 1) - 1) * DM_DAY;
    w->dag.max_active_runs = (int)dm_map_int(def, "max_active_runs", 16);
    w->dag.max_active_tasks = (int)dm_map_int(def, "max_active_tasks", 16);
    w->dag.fail_stop = dm_map_bool(def, "fail_stop", false);
    for (size_t i = 0; i < list->list.n; i++) {
        const struct dm_value *t = list->list.items[i];
        struct dm_task *task = &w->dag.tasks[i];
        struct dm_str rule = dm_map_str(t, "weight_rule", "downstream");
        for (size_t k = 0; k < 3; k++)
            if (dm_str_is(rule, weights[k]))
                task->weight_rule = weights[k];
        task->retry_delay_us = 0;
        task->priority_weight = (int)dm_map_int(t, "priority_weight", 1);
        task->pool = dm_str_cstr(&w->arena, dm_map_str(t, "pool", DM_POOL_DEFAULT));
        task->pool_slots = (int)dm_map_int(t, "pool_slots", 1);
        task->max_active_tis_per_dag = (int)dm_map_int(t, "max_active_tis_per_dag", 0);
        task->on_failure_fail_dagrun = dm_map_bool(t, "on_failure_fail_dagrun", false);
        task->ignore_first_depends_on_past = dm_map_bool(t, "ignore_first_depends_on_past", true);
    }
    return 0;
}

static int make_pools(struct t_world *w, const struct dm_value *def, struct dm_err *reterr)
{
    const struct dm_value *pools = dm_map_at(def, "pools");
    for (size_t i = 0; pools && i < pools->map.n; i++) {
        struct dm_pool_row pool = {.name = dm_str_cstr(&w->arena, pools->map.pairs[i].key->s),
                                   .slots = (int)pools->map.pairs[i].value->i};
        DM_TRY(dm_store_pool_set(w->store, &pool, reterr));
    }
    return 0;
}

/* ---- time ---- */

static int begin(struct t_world *w, struct dm_err *reterr)
{
    struct dm_dag_ref *ref = dm_dag_ref_new(&w->dag);
    dm_tick_init(&w->tick, w->store, w->jobs);
    w->driven = true;
    w->tick.limits.schedules = true;
    int rc = dm_tick_begin(&w->tick, w->now, false, reterr);
    if (rc >= 0)
        rc = dm_tick_set_dag(&w->tick, w->dag.dag_id, ref, false, reterr);
    dm_dag_ref_unref(ref);
    DM_TRY(rc);
    return dm_tick_commit(&w->tick, reterr);
}

static int start_one(struct t_world *w, const struct dm_job *j, struct dm_err *reterr)
{
    DM_TRY(dm_tick_begin(&w->tick, w->now, false, reterr));
    DM_TRY(dm_tick_started(&w->tick, j, 1, 1, reterr));
    return dm_tick_commit(&w->tick, reterr);
}

/* One after the other; what another's end has stopped meanwhile does not start. */
static int execute_all(struct t_world *w, struct dm_job *const *jobs, size_t n,
                       struct dm_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        struct dm_job_end end = {.result = {.state = DM_RESULT_FAILED, .until_time = DM_NEVER}};
        if (!jobs[i]->task->ending) {
            DM_TRY(start_one(w, jobs[i], reterr));
            end.result = w->outcome(w, jobs[i]);
        }
        DM_TRY(dm_tick_begin(&w->tick, w->now, false, reterr));
        DM_TRY(dm_tick_ended(&w->tick, jobs[i], &end, reterr));
        DM_TRY(dm_tick_commit(&w->tick, reterr));
    }
    return 0;
}

/* Whether the case has it before the other one in this round: what begins together has no order of its own. */
static bool comes_first(const struct dm_value *round, const struct dm_job *j,
                        const struct dm_job *other)
{
    for (size_t i = 0; round && i < round->list.n; i++) {
        const struct dm_value *one = round->list.items[i];
        const struct dm_job *both[] = {j, other};
        for (size_t k = 0; k < 2; k++)
            if (dm_str_is(one->list.items[0]->s, both[k]->task->row.task_id) &&
                one->list.items[1]->i == day_of(both[k]->run))
                return k == 0;
    }
    return false;
}

/* Rounds until nothing moves. */
static int rest(struct t_world *w, const struct dm_value *order, struct dm_err *reterr)
{
    const struct scenario *s = w->user;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct dm_job *jobs[TASKS_MAX];
        size_t n = 0, at = s->order->list.n;
        bool any;
        DM_TRY(dm_tick_begin(&w->tick, w->now, false, reterr));
        DM_TRY(dm_tick_round(&w->tick, &any, reterr));
        DM_TRY(dm_tick_commit(&w->tick, reterr));
        if (!any)
            return 0;
        const struct dm_value *told = order && at < order->list.n ? order->list.items[at] : NULL;
        for (; n < w->tick.n_jobs; n++) {
            size_t to = n;
            for (; to > 0 && comes_first(told, w->tick.jobs[n], jobs[to - 1]); to--)
                jobs[to] = jobs[to - 1];
            jobs[to] = w->tick.jobs[n];
        }
        note_order(w, jobs, n);
        DM_TRY(execute_all(w, jobs, n, reterr));
        w->now += DM_SEC;
    }
    return dm_err_set(reterr, DM_E_LIMIT, "no rest after %d rounds", ROUNDS_MAX);
}

/* ---- actions ---- */

static int clear(struct t_world *w, const struct dm_value *what, struct dm_err *reterr)
{
    const struct dm_value *tasks = dm_map_at(what, "tasks"), *runs = dm_map_at(what, "runs");
    const char *ids[TASKS_MAX];
    struct dm_cleared *cleared;
    size_t n = 0;
    for (; tasks && n < tasks->list.n && n < TASKS_MAX; n++)
        ids[n] = dm_str_cstr(&w->arena, tasks->list.items[n]->s);
    struct dm_clear c = {.task_ids = ids,
                         .n_task_ids = n,
                         .from = T_EPOCH + runs->list.items[0]->i * DM_DAY,
                         .to = T_EPOCH + runs->list.items[1]->i * DM_DAY,
                         .upstream = dm_map_bool(what, "upstream", false),
                         .downstream = dm_map_bool(what, "downstream", false),
                         .only_failed = dm_map_bool(what, "only_failed", false)};
    if (dm_map_bool(what, "past", false))
        c.from = DM_NEVER;
    if (dm_map_bool(what, "future", false))
        c.to = DM_NEVER;
    return dm_clear(w->store, &w->tick, &w->arena, &w->dag, &c, &cleared, &n, reterr);
}

static int mark(struct t_world *w, const struct dm_value *what, struct dm_err *reterr)
{
    struct dm_run_row run;
    struct dm_cleared *cleared;
    size_t n;
    int to = dm_task_state_parse(dm_map_str(what, "state", ""));
    int found = dm_store_run_at(w->store, &w->arena, w->dag.dag_id,
                                T_EPOCH + dm_map_int(what, "run", 0) * DM_DAY, &run, reterr);
    DM_TRY(found);
    if (!found || to < 0)
        return dm_err_set(reterr, DM_E_INVALID, "a mark of no run, or with an unknown state");
    struct dm_mark m = {.task_id = dm_str_cstr(&w->arena, dm_map_str(what, "task", "")),
                        .to = (enum dm_task_state)to};
    return dm_mark(&w->tick, &w->arena, &w->dag, &run, &m, &cleared, &n, reterr);
}

static int act(struct t_world *w, const struct dm_value *action, struct dm_err *reterr)
{
    const struct dm_value *c = dm_map_at(action, "clear"), *m = dm_map_at(action, "mark");
    if (!c && !m)
        return dm_err_set(reterr, DM_E_INVALID, "an unknown action");
    DM_TRY(dm_tick_begin(&w->tick, w->now, false, reterr));
    DM_TRY(c ? clear(w, c, reterr) : mark(w, m, reterr));
    return dm_tick_commit(&w->tick, reterr);
}

/* ---- comparing ---- */

/* The present states, in the form of `expect`. */
static struct dm_value *states(struct t_world *w, int n_runs)
{
    struct dm_arena *a = &w->arena;
    struct dm_value *out = dm_value_map(a), *runs = dm_value_list(a, 0);
    struct dm_value *tasks = dm_value_map(a), *tries = dm_value_map(a);
    for (int day = 0; day < n_runs && *t_run_state(w, day); day++)
        dm_list_add(a, runs, dm_value_cstr(a, t_run_state(w, day)));
    for (size_t i = 0; i < w->dag.n_tasks; i++) {
        struct dm_value *of_task = dm_value_list(a, 0), *tries_of = dm_value_list(a, 0);
        const char *id = w->dag.tasks[i].task_id;
        for (size_t day = 0; day < runs->list.n; day++) {
            int n;
            enum dm_task_state s = t_state(w, (int)day, id, &n);
            dm_list_add(a, of_task, dm_value_cstr(a, dm_task_state_name(s)));
            dm_list_add(a, tries_of, dm_value_int(a, n));
        }
        dm_map_set(a, tasks, id, of_task);
        dm_map_set(a, tries, id, tries_of);
    }
    dm_map_set(a, out, "runs", runs);
    dm_map_set(a, out, "tasks", tasks);
    dm_map_set(a, out, "tries", tries);
    return out;
}

/* Whether a pool or a limit decides what begins together, and weights say what comes first. */
static bool order_is_decided(struct t_world *w, const struct dm_value *def)
{
    const struct dm_graph *g = dm_graph_make(&w->arena, &w->dag);
    bool limited = dm_map_at(def, "pools") || dm_map_at(def, "max_active_tasks");
    for (size_t i = 0; i < w->dag.n_tasks; i++) {
        limited = limited || w->dag.tasks[i].max_active_tis_per_dag > 0;
        for (size_t j = 0; j < i; j++)
            if (g->weights[i] == g->weights[j])
                return false;
    }
    return limited;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The turns as texts, each in a canonical order. */
static const char *order_text(struct dm_arena *a, const struct dm_value *order)
{
    const char *text = "";
    for (size_t i = 0; order && i < order->list.n; i++) {
        const struct dm_value *turn = order->list.items[i];
        const char **ones = dm_arena_array(a, const char *, turn->list.n + 1);
        for (size_t j = 0; j < turn->list.n; j++)
            ones[j] = dm_value_json(a, turn->list.items[j]).p;
        qsort(ones, turn->list.n, sizeof(*ones), by_text);
        text = dm_arena_printf(a, "%s%s", text, i ? " | " : "");
        for (size_t j = 0; j < turn->list.n; j++)
            text = dm_arena_printf(a, "%s %s", text, ones[j]);
    }
    return text;
}

static bool same(struct golden_case *c, struct t_world *w, const struct scenario *s,
                 const struct dm_value *expect, size_t step)
{
    static const char *const keys[] = {"runs", "tasks", "tries"};
    struct dm_arena *a = &w->arena;
    const struct dm_value *order = dm_map_at(expect, "order");
    struct dm_value *want = dm_value_map(a);
    const struct dm_value *got = states(w, (int)dm_map_int(s->def, "runs", 1));
    for (size_t i = 0; i < 3; i++)
        if (dm_map_at(expect, keys[i]))
            dm_map_set(a, want, keys[i], dm_map_at(expect, keys[i]));
    if (!dm_value_equal(got, want)) {
        c->expected = dm_arena_printf(c->arena, "step %zu: %s", step, dm_value_json(a, want).p);
        c->got = dm_arena_printf(c->arena, "step %zu: %s", step, dm_value_json(a, got).p);
        return false;
    }
    const char *began = order_text(a, s->order), *wanted = order_text(a, order);
    if (!order || !order_is_decided(w, s->def) || strcmp(began, wanted) == 0)
        return true;
    c->expected = dm_arena_printf(c->arena, "step %zu: order%s", step, wanted);
    c->got = dm_arena_printf(c->arena, "step %zu: order%s", step, began);
    return false;
}

static int play(struct golden_case *c, struct t_world *w, bool *ret_same, struct dm_err *reterr)
{
    const struct dm_value *def = dm_map_at(c->value, "scenario");
    const struct dm_value *actions = dm_map_at(def, "actions");
    const struct dm_value *expect = dm_map_at(c->value, "expect");
    struct scenario s = {.def = def, .script = dm_map_at(def, "script")};
    if (!expect || expect->kind != DM_LIST || expect->list.n == 0)
        return dm_err_set(reterr, DM_E_INVALID, "the case expects nothing");
    DM_TRY(make_dag(w, def, reterr));
    DM_TRY(make_pools(w, def, reterr));
    w->jobs = 32;
    w->outcome = execute;
    w->user = &s;
    *ret_same = true;
    DM_TRY(begin(w, reterr));
    for (size_t step = 0; *ret_same && step < expect->list.n; step++) {
        if (step > 0 && (!actions || step > actions->list.n))
            return dm_err_set(reterr, DM_E_INVALID, "more steps than actions");
        if (step > 0)
            DM_TRY(act(w, actions->list.items[step - 1], reterr));
        s.order = dm_value_list(&w->arena, 0);
        DM_TRY(rest(w, dm_map_at(expect->list.items[step], "order"), reterr));
        *ret_same = same(c, w, &s, expect->list.items[step], step);
    }
    return 0;
}

static enum golden_verdict run(struct golden_case *c)
{
    struct t_world w;
    struct dm_err err;
    bool is_same = false;
    if (dm_map_at(c->value, "quirk")) {
        c->got = "a defect of Airflow that is not followed";
        return GOLDEN_SKIP;
    }
    t_failures = 0;
    t_world_init(&w, NULL);
    int rc = play(c, &w, &is_same, &err);
    t_world_release(&w);
    if (rc < 0)
        c->got = dm_arena_strdup(c->arena, err.message);
    else if (t_failures && is_same)
        c->got = "the plan does not come to rest";
    return rc == 0 && is_same && !t_failures ? GOLDEN_PASS : GOLDEN_FAIL;
}

const struct golden_kind golden_runs = {"runs", run};
