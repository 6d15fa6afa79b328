/* `trigger_dag_run`: asks for a run of another DAG, and waits for its end where told to. */
#include "lang/timetable.h"
#include "op/op.h"
#include "state/store.h"

static const char *const aliases[] = {
    "TriggerDagRunOperator", "airflow.operators.trigger_dagrun.TriggerDagRunOperator",
    "airflow.operators.dagrun_operator.TriggerDagRunOperator",
    "airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator", NULL};

static const struct dm_op_field fields[] = {
    {"trigger_dag_id", DM_FIELD_STRING, true, true, NULL, "The DAG.", NULL},
    {"trigger_run_id", DM_FIELD_STRING, false, true, NULL,
     "Id of the run.  Default: manual__ and its logical date.", NULL},
    {"conf", DM_FIELD_MAP, false, true, NULL, "What the run sees as dag_run.conf.", NULL},
    {"logical_date", DM_FIELD_ANY, false, true, NULL,
     "Its logical date: a date with a time, or a text such as \"{{ ts }}\".  Default: now.",
     "execution_date"},
    {"reset_dag_run", DM_FIELD_BOOL, false, false, "false",
     "A run of that date or id that is there is cleared and runs again.", NULL},
    {"skip_when_already_exists", DM_FIELD_BOOL, false, false, "false",
     "Skip where it is there, instead of failing.", NULL},
    {"wait_for_completion", DM_FIELD_BOOL, false, false, "false", "Wait for the end of the run.",
     NULL},
    {"poke_interval", DM_FIELD_DURATION, false, false, "60", "Time between two looks at it.", NULL},
    {"allowed_states", DM_FIELD_LIST, false, false, "[\"success\"]", "States that end the wait.",
     NULL},
    {"failed_states", DM_FIELD_LIST, false, false, "[\"failed\"]", "States that fail the task.",
     NULL},
    {"deferrable", DM_FIELD_BOOL, false, false, "false",
     "Accepted as in Airflow; a wait never holds a process here.", NULL},
    {NULL},
};

static int check_states(const struct dm_value *args, const char *field, struct dm_err *reterr)
{
    const struct dm_value *list = dm_map_at(args, field);
    for (size_t i = 0;
         list && (list->kind == DM_LIST || list->kind == DM_TUPLE) && i < list->list.n; i++) {
        const struct dm_value *v = list->list.items[i];
        if (v->kind != DM_STRING || dm_run_state_parse(v->s) < 0) {
            dm_err_set(reterr, DM_E_INVALID, "%s has a state that no run has", field);
            return dm_err_hint(reterr, "A run is queued, running, success or failed.");
        }
    }
    return 0;
}

static int check(const struct dm_value *args, struct dm_err *reterr)
{
    DM_TRY(check_states(args, "allowed_states", reterr));
    return check_states(args, "failed_states", reterr);
}

/* ---- which run ---- */

/* The moment of a try's first look: the same in all looks, so that they mean the same run. */
static int64_t first_look(const struct dm_order *o)
{
    return o->try_look_at == DM_NEVER ? o->started_at : o->try_look_at;
}

/* Without a date of its own a run has the moment of the first look as its date, which no two runs of a DAG share: tasks that
   begin in one turn of the scheduler are told apart in the microseconds. */
static int64_t moment_of(const struct dm_order *o)
{
    return first_look(o) + o->task % DM_MS;
}

static int date_of(struct dm_attempt *at, int64_t *ret, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(at->args, "logical_date");
    if (!v || v->kind == DM_NULL || (v->kind == DM_STRING && !v->s.len))
        *ret = moment_of(at->order);
    else if (v->kind == DM_DATETIME)
        *ret = v->time.us;
    else if (v->kind != DM_STRING || !dm_time_parse(v->s, ret))
        return dm_err_set(reterr, DM_E_INVALID, "logical_date must be a date with a time");
    return 0;
}

static int wanted(struct dm_attempt *at, struct dm_run_wanted *ret, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    char iso[DM_TIME_MAX];
    struct dm_str id = dm_map_str(at->args, "trigger_run_id", "");
    const struct dm_value *conf = dm_map_at(at->args, "conf");
    int64_t date;
    DM_TRY(date_of(at, &date, reterr));
    *ret = (struct dm_run_wanted){
        .dag_id = dm_str_cstr(a, dm_map_str(at->args, "trigger_dag_id", "")),
        .run_id =
            id.len ? dm_str_cstr(a, id) : dm_arena_printf(a, "manual__%s", dm_time_iso(date, iso)),
        .logical_date = date,
        .conf = conf && conf->kind == DM_MAP ? conf : NULL,
        .reset = dm_map_bool(at->args, "reset_dag_run", false)};
    return 0;
}

/* The run of an earlier look of this try: 1 found, 0 this is the first. */
static int find_earlier(struct dm_attempt *at, const struct dm_run_wanted *what,
                        struct dm_run_row *ret, struct dm_err *reterr)
{
    struct dm_store *store;
    if (first_look(at->order) == at->order->started_at)
        return 0;
    DM_TRY(dm_attempt_store(at, &store, reterr));
    int rc =
        dm_store_run_named(store, at->arena, what->dag_id, dm_str_c(what->run_id), ret, reterr);
    if (rc == 0) /* cleared by date: it has an id of its own */
        rc = dm_store_run_at(store, at->arena, what->dag_id, what->logical_date, ret, reterr);
    if (rc == 0)
        return dm_err_set(reterr, DM_E_NOTFOUND, "the run %s of \"%s\" is gone", what->run_id,
                          what->dag_id);
    return rc;
}

static int trigger(struct dm_attempt *at, struct dm_run_wanted *what, struct dm_err *reterr)
{
    int rc = dm_attempt_trigger(at, what, &what->run_id, reterr);
    if (rc == DM_E_EXISTS && dm_map_bool(at->args, "skip_when_already_exists", false))
        return dm_err_set(reterr, DM_E_SKIP, "DAG \"%s\" has the run %s already", what->dag_id,
                          what->run_id);
    if (rc == DM_E_EXISTS)
        dm_err_hint(reterr, "reset_dag_run: true runs it again, skip_when_already_exists: true "
                            "skips.");
    if (rc == DM_E_NOTFOUND)
        dm_err_hint(reterr, "\"dags test\" and \"backfill\" know their own DAG only; the scheduler "
                            "knows all.");
    if (rc == 0)
        printf("triggered %s of %s\n", what->run_id, what->dag_id);
    return rc;
}

/* ---- its end ---- */

static bool is_listed(const struct dm_attempt *at, const char *field, enum dm_run_state state)
{
    const struct dm_value *list = dm_map_at(at->args, field);
    for (size_t i = 0;
         list && (list->kind == DM_LIST || list->kind == DM_TUPLE) && i < list->list.n; i++)
        if (dm_run_state_parse(list->list.items[i]->s) == (int)state)
            return true;
    return false;
}

static int wait_on(struct dm_attempt *at, const char *why, struct dm_err *reterr)
{
    int64_t interval = 0;
    DM_TRY(dm_span_parse(dm_map_at(at->args, "poke_interval"), &interval, reterr));
    at->reschedule = true;
    at->until_time = at->order->started_at + (interval > 0 ? interval : DM_SEC);
    at->waits_for = why;
    return 0;
}

static int judge(struct dm_attempt *at, const struct dm_run_row *run, struct dm_err *reterr)
{
    const char *state = dm_run_state_name(run->state);
    if (is_listed(at, "failed_states", run->state))
        return dm_err_set(reterr, DM_E_TASK, "the run %s of \"%s\" is %s", run->run_id, run->dag_id,
                          state);
    if (is_listed(at, "allowed_states", run->state))
        return 0;
    return wait_on(
        at,
        dm_arena_printf(at->arena, "the run %s of \"%s\" is %s", run->run_id, run->dag_id, state),
        reterr);
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_run_wanted what;
    struct dm_run_row run;
    *ret = NULL;
    DM_TRY(wanted(at, &what, reterr));
    bool waits = dm_map_bool(at->args, "wait_for_completion", false);
    int found = waits ? find_earlier(at, &what, &run, reterr) : 0;
    DM_TRY(found);
    if (!found)
        DM_TRY(trigger(at, &what, reterr));
    DM_TRY(dm_attempt_push_xcom(
        at, "trigger_run_id", dm_value_cstr(at->arena, found ? run.run_id : what.run_id), reterr));
    if (!waits)
        return 0;
    return found ? judge(at, &run, reterr)
                 : wait_on(at,
                           dm_arena_printf(at->arena, "the run %s of \"%s\" is queued", what.run_id,
                                           what.dag_id),
                           reterr);
}

const struct dm_op dm_op_trigger_dag_run = {
    .spec = {.name = "trigger_dag_run",
             .aliases = aliases,
             .doc = "Asks for a run of another DAG.  Its id is the XCom trigger_run_id.",
             .fields = fields,
             .check = check},
    .execute = execute,
};
