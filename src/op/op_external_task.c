/*
 * `external_task`: waits for a run of another DAG, for tasks of it, or for a group of tasks, at the same logical date or
 * one that lies `execution_delta` before it.
 *
 * What it sees is the store as it was last committed; DAG files are read only for check_existence.
 */
#include "base/clock.h"
#include "base/map.h"
#include "lang/dag.h"
#include "op/op.h"
#include "op/sensor.h"
#include "state/store.h"

static const char *const aliases[] = {
    "ExternalTaskSensor", "airflow.sensors.external_task.ExternalTaskSensor",
    "airflow.sensors.external_task_sensor.ExternalTaskSensor",
    "airflow.providers.standard.sensors.external_task.ExternalTaskSensor", NULL};

static const struct dm_op_field fields[] = {
    {"external_dag_id", DM_FIELD_STRING, true, true, NULL, "The DAG that is waited for.", NULL},
    {"external_task_id", DM_FIELD_STRING, false, true, NULL,
     "A task of it; without a task or a group the run as a whole.", NULL},
    {"external_task_ids", DM_FIELD_LIST, false, true, NULL, "Several tasks: all of them.", NULL},
    {"external_task_group_id", DM_FIELD_STRING, false, true, NULL,
     "A group of tasks: all of its tasks.", NULL},
    {"allowed_states", DM_FIELD_LIST, false, false, NULL,
     "States that end the wait (default: success).", NULL},
    {"skipped_states", DM_FIELD_LIST, false, false, NULL,
     "States that skip the task, where one of the waited-for has it.", NULL},
    {"failed_states", DM_FIELD_LIST, false, false, NULL,
     "States that fail the task, where one of the waited-for has it; without it a failure there "
     "is waited out.",
     NULL},
    {"execution_delta", DM_FIELD_DURATION, false, false, NULL,
     "How much earlier the other run's logical date is: \"1 hours\".", NULL},
    {"execution_date_fn", DM_FIELD_ANY, false, false, NULL,
     "Refused: Python code does not run here.", NULL},
    {"check_existence", DM_FIELD_BOOL, false, false, "false",
     "Fail where there is no such DAG, task or group.", NULL},
    {"deferrable", DM_FIELD_BOOL, false, false, "false",
     "Accepted as in Airflow; a wait never holds a slot here.", NULL},
    {"poll_interval", DM_FIELD_NUMBER, false, false, NULL,
     "Accepted as in Airflow; poke_interval says how often it looks.", NULL},
    {NULL},
};

/* ---- at load ---- */

static bool is_list(const struct dm_value *v)
{
    return v && (v->kind == DM_LIST || v->kind == DM_TUPLE);
}

static bool given(const struct dm_value *args, const char *key)
{
    const struct dm_value *v = dm_map_at(args, key);
    return v && v->kind != DM_NULL && !(is_list(v) && v->list.n == 0);
}

/* Airflow's states that nothing has here may be named all the same. */
static bool is_state(struct dm_str name, bool of_tasks)
{
    static const char *const foreign[] = {"deferred", "restarting", NULL};
    for (size_t i = 0; of_tasks && foreign[i]; i++)
        if (dm_str_is(name, foreign[i]))
            return true;
    return of_tasks ? dm_task_state_parse(name) >= 0 : dm_run_state_parse(name) >= 0;
}

static int check_states(const struct dm_value *args, bool of_tasks, struct dm_err *reterr)
{
    static const char *const lists[] = {"allowed_states", "skipped_states", "failed_states"};
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_map seen;
    dm_map_init(&seen, &a);
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        const struct dm_value *list = dm_map_at(args, lists[l]);
        for (size_t i = 0; is_list(list) && i < list->list.n; i++) {
            const struct dm_value *v = list->list.items[i];
            struct dm_str name = v->kind == DM_STRING ? v->s : DM_STR("");
            if (!is_state(name, of_tasks)) {
                dm_err_set(reterr, DM_E_INVALID, "%s names the state \"%.*s\", which no %s has",
                           lists[l], DM_FMT(name), of_tasks ? "task" : "run");
                return of_tasks
                           ? DM_E_INVALID
                           : dm_err_hint(reterr, "A run is queued, running, success or failed.");
            }
            if (dm_map_put(&seen, name, &seen))
                return dm_err_set(reterr, DM_E_INVALID,
                                  "the state %.*s is named twice in allowed_states, skipped_states "
                                  "and failed_states",
                                  DM_FMT(name));
        }
    }
    return 0;
}

static int check(const struct dm_value *args, struct dm_err *reterr)
{
    int ways = given(args, "external_task_id") + given(args, "external_task_ids") +
               given(args, "external_task_group_id");
    if (given(args, "execution_delta") && given(args, "execution_date_fn"))
        return dm_err_set(reterr, DM_E_INVALID, "give either execution_delta or execution_date_fn");
    if (given(args, "execution_date_fn")) {
        dm_err_set(reterr, DM_E_UNSUPPORTED,
                   "execution_date_fn is a Python function, which does not run here");
        return dm_err_hint(reterr, "Say with execution_delta how much earlier the other run is.");
    }
    if (ways > 1)
        return dm_err_set(reterr, DM_E_INVALID,
                          "give one of external_task_id, external_task_ids and "
                          "external_task_group_id");
    return check_states(args, ways > 0, reterr);
}

/* ---- what is waited for ---- */

struct outside {
    struct dm_attempt *at;
    struct dm_store *store;
    const char *dag_id;
    const char *group;          /* NULL = none */
    const struct dm_value *ids; /* list of texts; NULL = the run as a whole */
    int64_t date;               /* logical date of the run */
};

/* A template may have made anything of them. */
static int check_ids(const struct dm_value *ids, struct dm_err *reterr)
{
    if (!is_list(ids))
        return dm_err_set(reterr, DM_E_TYPE, "external_task_ids must be a list, not a %s",
                          dm_kind_name(ids->kind));
    for (size_t i = 0; i < ids->list.n; i++) {
        const struct dm_value *id = ids->list.items[i];
        if (id->kind != DM_STRING)
            return dm_err_set(reterr, DM_E_TYPE, "external_task_ids has a %s",
                              dm_kind_name(id->kind));
        for (size_t k = 0; k < i; k++)
            if (dm_str_eq(ids->list.items[k]->s, id->s))
                return dm_err_set(reterr, DM_E_INVALID, "external_task_ids names \"%.*s\" twice",
                                  DM_FMT(id->s));
    }
    return 0;
}

static int read_outside(struct dm_attempt *at, struct outside *ret, struct dm_err *reterr)
{
    const struct dm_value *id = dm_map_at(at->args, "external_task_id");
    const struct dm_value *delta = dm_map_at(at->args, "execution_delta");
    struct dm_str group = dm_map_str(at->args, "external_task_group_id", "");
    int64_t before = 0;
    *ret = (struct outside){.at = at};
    ret->dag_id = dm_str_cstr(at->arena, dm_map_str(at->args, "external_dag_id", ""));
    ret->group = group.len ? dm_str_cstr(at->arena, group) : NULL;
    if (given(at->args, "external_task_ids"))
        ret->ids = dm_map_at(at->args, "external_task_ids");
    if (id && id->kind == DM_STRING) {
        struct dm_value *list = dm_value_list(at->arena, 0);
        dm_list_add(at->arena, list, id);
        ret->ids = list;
    }
    if (ret->ids)
        DM_TRY(check_ids(ret->ids, reterr));
    if (delta && delta->kind != DM_NULL)
        DM_TRY(dm_span_parse(delta, &before, reterr));
    if (__builtin_sub_overflow(at->order->logical_date, before, &ret->date))
        return dm_err_set(reterr, DM_E_LIMIT, "execution_delta leads beyond all dates");
    return dm_attempt_store(at, &ret->store, reterr);
}

static bool is_in_group(const struct dm_dag *dag, const struct dm_task *task, const char *group)
{
    const char *id = task->group;
    while (id && strcmp(id, group) != 0) {
        const char *parent = NULL;
        for (size_t i = 0; i < dag->n_groups; i++)
            if (strcmp(dag->groups[i].group_id, id) == 0)
                parent = dag->groups[i].parent;
        id = parent;
    }
    return id != NULL;
}

static const struct dm_value *tasks_of_group(struct dm_arena *a, const struct dm_dag *dag,
                                             const char *group)
{
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < dag->n_tasks; i++)
        if (is_in_group(dag, &dag->tasks[i], group))
            dm_list_add(a, list, dm_value_cstr(a, dag->tasks[i].task_id));
    return list;
}

/* ---- check_existence ---- */

static const char *environment(void *user, const char *name)
{
    return getenv(name);
}

static int check_exists(const struct outside *x, struct dm_err *reterr)
{
    struct dm_arena *a = x->at->arena;
    struct dm_load_world world = {.project_dir = x->at->project->dir,
                                  .ops = dm_op_table(),
                                  .now = dm_clock_now(),
                                  .env = environment};
    struct dm_dag_set set;
    DM_TRY(dm_dags_load(a, x->at->project->dags_dir, &world, &set, reterr));
    const struct dm_dag *dag = dm_dag_find(&set, dm_str_c(x->dag_id));
    if (!dag) {
        dm_err_set(reterr, DM_E_NOTFOUND, "the external DAG \"%s\" does not exist", x->dag_id);
        return dm_err_hint(reterr,
                           "\"daymill dags list\" shows all, \"daymill check\" what is wrong "
                           "with others.");
    }
    for (size_t i = 0; x->ids && i < x->ids->list.n; i++)
        if (!dm_task_find(dag, x->ids->list.items[i]->s))
            return dm_err_set(reterr, DM_E_NOTFOUND, "the external DAG \"%s\" has no task \"%.*s\"",
                              x->dag_id, DM_FMT(x->ids->list.items[i]->s));
    if (x->group && tasks_of_group(a, dag, x->group)->list.n == 0)
        return dm_err_set(reterr, DM_E_NOTFOUND, "the external DAG \"%s\" has no group \"%s\"",
                          x->dag_id, x->group);
    return 0;
}

/* ---- states ---- */

/* The states of everything that is waited for: who has them, and which. */
struct seen {
    const char *what; /* "task \"a\"" */
    const char *state;
};

static bool is_listed(const struct outside *x, const char *field, const char *state)
{
    const struct dm_value *list = dm_map_at(x->at->args, field);
    if (!given(x->at->args, field))
        return strcmp(field, "allowed_states") == 0 && strcmp(state, "success") == 0;
    for (size_t i = 0; i < list->list.n; i++)
        if (dm_str_is(list->list.items[i]->s, state))
            return true;
    return false;
}

/* One entry for each task instance of the ids, and one for an id that has none yet. */
static int see_tasks(const struct outside *x, const struct dm_run_row *run,
                     const struct dm_value *ids, struct seen **ret, size_t *ret_n,
                     struct dm_err *reterr)
{
    struct dm_arena *a = x->at->arena;
    struct dm_task_row *rows;
    size_t n, k = 0;
    DM_TRY(dm_store_tasks(x->store, a, run->id, &rows, &n, reterr));
    *ret = dm_arena_array(a, struct seen, n + ids->list.n + 1);
    for (size_t i = 0; i < ids->list.n; i++) {
        size_t before = k;
        const char *what = dm_arena_printf(a, "task \"%.*s\"", DM_FMT(ids->list.items[i]->s));
        for (size_t j = 0; j < n; j++)
            if (dm_str_is(ids->list.items[i]->s, rows[j].task_id))
                (*ret)[k++] = (struct seen){what, dm_task_state_name(rows[j].state)};
        if (k == before)
            (*ret)[k++] = (struct seen){what, "none"};
    }
    *ret_n = k;
    return 0;
}

static int ids_in_group(const struct outside *x, const struct dm_run_row *run,
                        const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str normal;
    struct dm_dag *dag;
    DM_TRY(dm_store_generation(x->store, x->at->arena, run->generation, &normal, reterr));
    DM_TRY(dm_dag_from_json(x->at->arena, normal, &dag, reterr));
    *ret = tasks_of_group(x->at->arena, dag, x->group);
    return 0;
}

static int judge(const struct outside *x, const char *run, const struct seen *seen, size_t n,
                 struct dm_look *ret, struct dm_err *reterr)
{
    bool soft = dm_map_bool(x->at->args, "soft_fail", false);
    const struct seen *open = NULL;
    for (size_t i = 0; i < n; i++)
        if (is_listed(x, "failed_states", seen[i].state))
            return dm_err_set(reterr, soft ? DM_E_SKIP : DM_E_TASK, "%s of %s is %s", seen[i].what,
                              run, seen[i].state);
    for (size_t i = 0; i < n; i++)
        if (is_listed(x, "skipped_states", seen[i].state))
            return dm_err_set(reterr, DM_E_SKIP, "%s of %s is %s", seen[i].what, run,
                              seen[i].state);
    for (size_t i = 0; i < n && !open; i++)
        if (!is_listed(x, "allowed_states", seen[i].state))
            open = &seen[i];
    if (!open && n > 0)
        return 1;
    ret->missing =
        open ? dm_arena_printf(x->at->arena, "%s of %s is %s", open->what, run,
                               strcmp(open->state, "none") == 0 ? "not begun" : open->state)
             : dm_arena_printf(x->at->arena, "%s has no group \"%s\"", run, x->group);
    return 0;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    char date[DM_TIME_MAX];
    struct outside x;
    struct dm_run_row run;
    struct seen whole, *seen = &whole;
    size_t n = 1;
    DM_TRY(read_outside(at, &x, reterr));
    if (dm_map_bool(at->args, "check_existence", false))
        DM_TRY(check_exists(&x, reterr));
    int found = dm_store_run_at(x.store, at->arena, x.dag_id, x.date, &run, reterr);
    DM_TRY(found);
    const char *name = dm_arena_printf(at->arena, "the run %s of DAG \"%s\"",
                                       dm_time_isoz(x.date, date), x.dag_id);
    if (!found) {
        ret->missing =
            dm_arena_printf(at->arena, "there is no run %s of DAG \"%s\"", date, x.dag_id);
        return 0;
    }
    if (x.group)
        DM_TRY(ids_in_group(&x, &run, &x.ids, reterr));
    if (x.ids)
        DM_TRY(see_tasks(&x, &run, x.ids, &seen, &n, reterr));
    else
        whole = (struct seen){"the state", dm_run_state_name(run.state)};
    return judge(&x, name, seen, n, ret, reterr);
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_external_task = {
    .spec = {.name = "external_task",
             .aliases = aliases,
             .doc = "Waits for a run of another DAG, or for tasks of it, at the same logical date "
                    "or an earlier one.",
             .fields = fields,
             .check = check,
             .sensor = true},
    .execute = execute,
};
