/* What follows from the seed: DAGs, their generations, and what becomes of attempts. */
#include "sim.h"

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

struct dm_rng sim_rng(const struct sim *w, const char *what, const char *dag_id, int64_t date,
                      const char *task_id, int map_index, int try_number)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ w->o.seed;
    h = mix(h, what, strlen(what) + 1);
    h = mix(h, dag_id, strlen(dag_id) + 1);
    h = mix(h, &date, sizeof(date));
    h = mix(h, task_id, strlen(task_id) + 1);
    h = mix(h, &map_index, sizeof(map_index));
    h = mix(h, &try_number, sizeof(try_number));
    return (struct dm_rng){h};
}

/*
 * A task behind one that failed and one that was skipped becomes what comes first (all_success: upstream_failed or
 * skipped, as in Airflow).  So where states are not to depend on that, a DAG knows either failures or skips.
 */
static bool is_tame(const struct sim *w)
{
    return w->o.timeless && !w->o.any_rule;
}

static bool knows_skips(const struct sim *w, const char *dag_id)
{
    struct dm_rng r = sim_rng(w, "kind", dag_id, 0, "", 0, 0);
    return dm_rng_chance(&r, 500);
}

/* ---- DAGs ---- */

static const char *const task_names[] = {"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"};

static const struct dm_value *xcom_arg(struct dm_arena *a, const char *task_id)
{
    struct dm_value *x = dm_value_map(a);
    dm_map_set(a, x, "__type__", dm_value_cstr(a, "XComArg"));
    dm_map_set(a, x, "task_id", dm_value_cstr(a, task_id));
    return x;
}

/* Over a list, or over the result of a task before it. */
static const struct dm_value *random_mapping(const struct sim *w, struct dm_arena *a,
                                             struct dm_rng *r, const struct dm_dag *dag,
                                             const struct dm_task *t)
{
    struct dm_value *map = dm_value_map(a), *list = dm_value_list(a, 0);
    if (t->n_upstream && dm_rng_chance(r, 600)) {
        size_t of = t->upstream[dm_rng_below(r, t->n_upstream)];
        dm_map_set(a, map, "result", xcom_arg(a, dag->tasks[of].task_id));
        return map;
    }
    for (uint64_t n = dm_rng_below(r, 4) + is_tame(w); n > 0; n--)
        dm_list_add(a, list, &dm_true);
    dm_map_set(a, map, "list", list);
    return map;
}

static void add_edge(struct dm_arena *a, struct dm_dag *dag, size_t up, size_t down)
{
    struct dm_task *u = &dag->tasks[up], *d = &dag->tasks[down];
    if (!u->downstream)
        u->downstream = dm_arena_array(a, size_t, dag->n_tasks);
    if (!d->upstream)
        d->upstream = dm_arena_array(a, size_t, dag->n_tasks);
    u->downstream[u->n_downstream++] = down;
    d->upstream[d->n_upstream++] = up;
}

/* The others begin with what comes first, or make skips of failures (tame). */
static bool waits_for_all(enum dm_trigger_rule rule)
{
    return rule == DM_RULE_ALL_SUCCESS || rule == DM_RULE_ALL_DONE || rule == DM_RULE_NONE_FAILED ||
           rule == DM_RULE_NONE_FAILED_MIN_ONE_SUCCESS || rule == DM_RULE_NONE_SKIPPED;
}

static void random_task(const struct sim *w, struct dm_arena *a, struct dm_rng *r,
                        struct dm_dag *dag, size_t i)
{
    struct dm_task *t = &dag->tasks[i];
    for (size_t up = 0; up < i; up++)
        if (dm_rng_chance(r, 350))
            add_edge(a, dag, up, i);
    if (w->o.plain)
        return;
    if (dm_rng_chance(r, 300))
        t->trigger_rule = (enum dm_trigger_rule)dm_rng_below(r, DM_RULE_COUNT);
    if (is_tame(w) && !waits_for_all(t->trigger_rule))
        t->trigger_rule = DM_RULE_ALL_DONE;
    t->retries = (int)dm_rng_below(r, 3);
    t->retry_delay_us = (int64_t)dm_rng_below(r, 3 * 24 * 60) * DM_MIN;
    t->depends_on_past = dm_rng_chance(r, 120);
    t->wait_for_downstream = t->depends_on_past && dm_rng_chance(r, 300);
    t->is_setup = dm_rng_chance(r, 80);
    t->is_teardown = !t->is_setup && t->n_upstream > 0 && dm_rng_chance(r, 80);
    if (t->is_teardown)
        t->trigger_rule = DM_RULE_ALL_DONE_SETUP_SUCCESS;
    t->priority_weight = 1 + (int)dm_rng_below(r, 5);
    if (dm_rng_chance(r, 300)) {
        t->pool = "narrow";
        t->pool_slots = 1 + (int)dm_rng_below(r, 2);
    }
    if (dm_rng_chance(r, 150))
        t->max_active_tis_per_dag = 1 + (int)dm_rng_below(r, 2);
    if (dm_rng_chance(r, 150))
        t->max_active_tis_per_dagrun = 1;
    if (dm_rng_chance(r, 150))
        t->expand = random_mapping(w, a, r, dag, t);
}

static const char *random_schedule(const struct sim *w, struct dm_rng *r)
{
    static const char *const by_day[] = {"@daily", "30 4 * * *", "@weekly", "0 6 1,15 * *",
                                         "@monthly"};
    static const char *const by_clock[] = {"* * * * *", "*/5 * * * *", "7 * * * *", "@hourly"};
    if (w->o.plain)
        return "@daily";
    return w->o.by_the_clock ? by_clock[dm_rng_below(r, 4)] : by_day[dm_rng_below(r, 5)];
}

/* What would depend on when somebody looked is not in timeless worlds. */
static void random_limits(const struct sim *w, struct dm_rng *r, struct dm_dag *dag)
{
    dag->max_active_runs = 1 + (int)dm_rng_below(r, 5);
    dag->max_active_tasks = 1 + (int)dm_rng_below(r, 6);
    if (w->o.timeless)
        return;
    dag->catchup = dm_rng_chance(r, 800);
    dag->fail_stop = dm_rng_chance(r, 100);
    if (dm_rng_chance(r, 150))
        dag->dagrun_timeout_us = DM_DAY;
    if (dm_rng_chance(r, 150))
        dag->max_consecutive_failed_dag_runs = 3;
}

/* A later version has other retries, and some of them a task less or more. */
static void revise(struct dm_rng *r, struct dm_dag *dag, int version)
{
    for (size_t i = 0; version > 0 && i < dag->n_tasks; i++)
        dag->tasks[i].retries = (int)dm_rng_below(r, 3);
}

struct dm_dag_ref *sim_dag_make(const struct sim *w, size_t i, int version)
{
    _cleanup_arena_ struct dm_arena arena = {0};
    struct dm_arena *a = &arena;
    static const char *no_tags[] = {NULL};
    struct dm_err err;
    const char *dag_id = w->dags[i].dag_id;
    struct dm_rng shape = sim_rng(w, "shape", dag_id, 0, "", 0, 0);
    struct dm_rng later = sim_rng(w, "version", dag_id, 0, "", 0, version);
    const char *schedule = random_schedule(w, &shape);
    size_t n = w->o.plain ? 4 : 2 + dm_rng_below(&shape, 7);
    struct dm_dag dag = {.arena = a,
                         .dag_id = dag_id,
                         .file = "d.yaml",
                         .schedule_text = schedule,
                         .schedule = dm_value_cstr(a, schedule),
                         .timezone = "UTC",
                         .start_date = w->o.from,
                         .end_date = w->o.to,
                         .catchup = true,
                         .max_active_runs = 4,
                         .max_active_tasks = 16,
                         .params = dm_value_map(a),
                         .files = dm_value_map(a),
                         .tags = no_tags,
                         .tasks = dm_arena_array(a, struct dm_task, n),
                         .n_tasks = n,
                         .paused_upon_creation = -1};
    if (!w->o.plain)
        random_limits(w, &shape, &dag);
    for (size_t t = 0; t < n; t++) {
        dag.tasks[t] = (struct dm_task){.task_id = task_names[t],
                                        .operator_name = "empty",
                                        .args = dm_value_map(a),
                                        .params = dm_value_map(a),
                                        .retries = 1,
                                        .retry_delay_us = 10 * DM_MIN,
                                        .ignore_first_depends_on_past = true,
                                        .priority_weight = 1,
                                        .weight_rule = "downstream",
                                        .pool = DM_POOL_DEFAULT,
                                        .pool_slots = 1,
                                        .owner = "airflow",
                                        .queue = "default",
                                        .do_xcom_push = true,
                                        .start_date = DM_NEVER,
                                        .end_date = DM_NEVER};
        random_task(w, a, &shape, &dag, t);
    }
    if (version > 0 && dm_rng_chance(&later, 500) && dag.tasks[n - 1].n_upstream == 0 && n > 1)
        dag.n_tasks--;
    revise(&later, &dag, version);
    _cleanup_strbuf_ struct dm_strbuf normal;
    dm_strbuf_init(&normal, DM_BUF_FRAME);
    dm_dag_to_json(&normal, &dag);
    struct dm_dag_ref *ref;
    sim_must(dm_dag_ref_from_json(dm_strbuf_str(&normal), &ref, &err), &err);
    return ref;
}

/* ---- attempts ---- */

/* Which tasks behind it go on. */
static const struct dm_value *random_decision(struct sim *w, struct dm_rng *r,
                                              const struct dm_job *j)
{
    struct dm_arena *a = &w->tick.turn;
    const struct dm_task *def = j->task->def;
    struct dm_value *map = dm_value_map(a), *ids = dm_value_list(a, 0);
    if (dm_rng_chance(r, 400)) {
        dm_map_set(a, map, "skip", dm_value_cstr(a, dm_rng_chance(r, 500) ? "all" : "direct"));
        return map;
    }
    for (size_t i = 0; i < def->n_downstream; i++)
        if (dm_rng_chance(r, 500))
            dm_list_add(a, ids, dm_value_cstr(a, j->run->dag->tasks[def->downstream[i]].task_id));
    dm_map_set(a, map, "follow", ids);
    return map;
}

/* Without a result what is mapped over it fails, over none it is skipped. */
static void push_result(struct sim *w, struct dm_rng *r, const struct dm_job *j)
{
    static const char *const values[] = {"[]", "[1]", "[1, 2, 3]", "{\"a\": 1, \"b\": 2}"};
    struct dm_err err;
    bool skips = knows_skips(w, j->run->row.dag_id);
    bool none = dm_rng_chance(r, 100);
    uint64_t value = dm_rng_below(r, 4);
    if (none && !(is_tame(w) && skips))
        return;
    if (is_tame(w) && !skips && value == 0)
        value = 1;
    sim_must(dm_record_xcom(w->store, j->task->row.id, j->attempt, DM_STR("return_value"),
                            dm_str_c(values[value]), w->now, &err),
             &err);
}

static void tame(const struct sim *w, const struct dm_job *j, struct dm_result *r)
{
    bool skips = knows_skips(w, j->run->row.dag_id);
    bool last = j->task->row.try_number > j->task->def->retries || !r->retry;
    if (!is_tame(w))
        return;
    if (skips ? r->state == DM_RESULT_FAILED && last : r->state == DM_RESULT_SKIPPED)
        *r = (struct dm_result){.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    if (!skips)
        r->decision = NULL;
}

struct dm_result sim_outcome(struct sim *w, const struct dm_job *j)
{
    struct dm_rng r =
        sim_rng(w, "outcome", j->run->row.dag_id, j->run->row.logical_date, j->task->row.task_id,
                j->task->row.map_index, j->task->row.try_number);
    struct dm_result result = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    uint64_t dice = dm_rng_below(&r, 100);
    if (j->run->graph->is_source[j->task->def - j->run->dag->tasks])
        push_result(w, &r, j);
    if (dice < (w->o.plain ? 3 : 12)) {
        result.state = DM_RESULT_FAILED;
        result.retry = dm_rng_chance(&r, 800);
        dm_err_set(&result.error, DM_E_TASK, "it failed");
    } else if (w->o.plain) {
        return result;
    } else if (dice < 15) {
        result.state = DM_RESULT_SKIPPED;
    } else if (dice < 20) { /* a sensor: it waits some hours from its first look on */
        int64_t until = j->task->row.started_at + (int64_t)dm_rng_below(&r, 300) * DM_MIN;
        if (until > w->now) {
            result.state = DM_RESULT_RESCHEDULE;
            result.until_time = w->now + DM_HOUR < until ? w->now + DM_HOUR : until;
        }
    } else if (dice < 27) {
        result.decision = random_decision(w, &r, j);
    }
    tame(w, j, &result);
    return result;
}

int64_t sim_duration(const struct sim *w, const struct dm_job *j)
{
    if (w->o.calm || w->o.plain)
        return 0;
    struct dm_rng r = sim_rng(w, "duration", j->run->row.dag_id, j->run->row.logical_date,
                              j->task->row.task_id, j->task->row.map_index, (int)j->attempt);
    return (int64_t)dm_rng_below(&r, 5 * 60) * DM_MIN;
}
