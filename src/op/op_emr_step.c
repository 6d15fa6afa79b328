/* `emr_step`: waits until a step of a cluster has ended. */
#include "op/op.h"
#include "op/sensor.h"
#include "state/store.h"

static const char *const aliases[] = {
    "EmrStepSensor", "airflow.providers.amazon.aws.sensors.emr.EmrStepSensor",
    "airflow.providers.amazon.aws.sensors.emr_step.EmrStepSensor",
    "airflow.contrib.sensors.emr_step_sensor.EmrStepSensor", NULL};

static const struct dm_op_field fields[] = {
    {"job_flow_id", DM_FIELD_STRING, true, true, NULL, "Id of the cluster.", NULL},
    {"step_id", DM_FIELD_STRING, true, true, NULL, "Id of the step.", NULL},
    {"target_states", DM_FIELD_LIST, false, true, "[\"COMPLETED\"]", "States that end the wait.",
     NULL},
    {"failed_states", DM_FIELD_LIST, false, true, "[\"CANCELLED\", \"FAILED\", \"INTERRUPTED\"]",
     "States that fail the task.", NULL},
    {"aws_conn_id", DM_FIELD_STRING, false, true, "\"cluster\"", "Connection of the cluster.",
     NULL},
    {"max_attempts", DM_FIELD_INT, false, false, "60",
     "Looks at a remote cluster before giving up, in deferrable mode.", NULL},
    {"deferrable", DM_FIELD_BOOL, false, false, "false",
     "Accepted as in Airflow; a wait never holds a slot here.", NULL},
    {"region_name", DM_FIELD_STRING, false, true, NULL, "Means nothing for the embedded cluster.",
     NULL},
    {"verify", DM_FIELD_ANY, false, true, NULL, "Means nothing for the embedded cluster.", NULL},
    {NULL},
};

static bool is_listed(const struct dm_attempt *at, const char *field, const char *state)
{
    const struct dm_value *list = dm_map_at(at->args, field);
    for (size_t i = 0; list && list->kind == DM_LIST && i < list->list.n; i++)
        if (dm_str_is(list->list.items[i]->s, state))
            return true;
    return false;
}

/* Figures in a note, "positive=32436 rejected=0": name -> number. */
static void add_noted(struct dm_arena *a, struct dm_value *figures, const char *note)
{
    struct dm_str rest = dm_str_c(note), word;
    while (dm_str_split(&rest, ' ', &word)) {
        ptrdiff_t equals = dm_str_find(word, DM_STR("="), 0);
        int64_t n;
        if (equals > 0 && dm_str_to_i64(dm_str_sub(word, (size_t)equals + 1, word.len), &n))
            dm_map_set(a, figures, dm_str_cstr(a, dm_str_sub(word, 0, (size_t)equals)),
                       dm_value_int(a, n));
    }
}

/*
 * What the steps of the batch counted, for later tasks of the run to compare with (XCom `figures`): all rows read and
 * written as rows_in and rows_out, and the figures in the notes of their ledgers under their names.
 */
static int push_figures(struct dm_attempt *at, struct dm_store *store,
                        const struct dm_step_row *last, struct dm_err *reterr)
{
    struct dm_ledger_row *rows;
    size_t n;
    int64_t total[2] = {-1, -1}; /* in, out; -1 = nobody counted */
    struct dm_value *figures = dm_value_map(at->arena);
    DM_TRY(dm_store_ledger(store, at->arena, last->run, 0, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_ledger_row *r = &rows[i];
        if (!r->step_id || !r->current || strcmp(r->task_id, last->task_id) != 0)
            continue;
        if (r->rows >= 0)
            total[r->write] = (total[r->write] < 0 ? 0 : total[r->write]) + r->rows;
        if (r->note)
            add_noted(at->arena, figures, r->note);
    }
    if (total[0] >= 0)
        dm_map_set(at->arena, figures, "rows_in", dm_value_int(at->arena, total[0]));
    if (total[1] >= 0)
        dm_map_set(at->arena, figures, "rows_out", dm_value_int(at->arena, total[1]));
    return dm_attempt_push_xcom(at, "figures", figures, reterr);
}

/* The step of the same batch that failed and took the waited-for one with it; NULL = there is none. */
static const struct dm_step_row *find_cause(struct dm_attempt *at, struct dm_store *store,
                                            const struct dm_step_row *s)
{
    struct dm_step_row *steps;
    size_t n;
    if (s->state != DM_STEP_CANCELLED ||
        dm_store_steps(store, at->arena, s->cluster_id, s->run, false, &steps, &n, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (steps[i].state == DM_STEP_FAILED && steps[i].task == s->task &&
            steps[i].try_number == s->try_number)
            return &steps[i];
    return NULL;
}

/* Why a step failed, as its own attempt says it, and where its log is. */
static int failed(struct dm_attempt *at, struct dm_store *store, const struct dm_step_row *s,
                  struct dm_err *reterr)
{
    int rc = dm_map_bool(at->args, "soft_fail", false) ? DM_E_SKIP : DM_E_TASK;
    const struct dm_step_row *cause = find_cause(at, store, s);
    const struct dm_step_row *said = cause ? cause : s;
    struct dm_attempt_row ran = {0};
    if (said->attempt && dm_store_attempt(store, at->arena, said->attempt, &ran, NULL) < 0)
        ran = (struct dm_attempt_row){0};
    dm_err_set(reterr, rc, "step %s (%s) ended %s%s%s", said->id, said->name,
               dm_step_state_name(said->state), said->reason_message ? ": " : "",
               said->reason_message ? said->reason_message : "");
    _cleanup_strbuf_ struct dm_strbuf story;
    dm_strbuf_init(&story, DM_BUF_MESSAGE);
    if (ran.error_place)
        dm_strbuf_addf(&story, "at %s\n", ran.error_place);
    if (ran.error_detail)
        dm_strbuf_addf(&story, "%s\n", ran.error_detail);
    if (cause)
        dm_strbuf_addf(&story, "With it ended step %s (%s): %s.\n", s->id, s->name,
                       dm_step_state_name(s->state));
    if (said->log_path)
        dm_strbuf_addf(&story, "The step's log is %s.\n", said->log_path);
    dm_err_detail(reterr, "%.*s", DM_FMT(dm_str_trim(dm_strbuf_str(&story))));
    if (ran.error_hint)
        dm_err_hint(reterr, "%s", ran.error_hint);
    else if (!said->log_path)
        dm_err_hint(reterr, "\"daymill tasks logs %s %s %s\" prints the logs of its batch.",
                    said->dag_id, said->task_id, said->run_id);
    return rc;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    const char *cluster = dm_str_cstr(at->arena, dm_map_str(at->args, "job_flow_id", ""));
    struct dm_str step_id = dm_map_str(at->args, "step_id", "");
    struct dm_connection c;
    struct dm_store *store;
    struct dm_step_row step;

    DM_TRY(dm_attempt_conn(at, dm_map_str(at->args, "aws_conn_id", "cluster"), &c, reterr));
    DM_TRY(dm_cluster_check(&c, reterr));
    DM_TRY(dm_attempt_store(at, &store, reterr));
    int rc = dm_store_step(store, at->arena, cluster, step_id, &step, reterr);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return dm_err_set(reterr, DM_E_NOTFOUND, "the cluster %s has no step \"%.*s\"", cluster,
                          DM_FMT(step_id));
    const char *state = dm_step_state_name(step.state);
    if (is_listed(at, "target_states", state)) {
        DM_TRY(push_figures(at, store, &step, reterr));
        return 1;
    }
    /* A step that has ended in a state that nobody lists can never come to one that is. */
    if (is_listed(at, "failed_states", state) || dm_step_finished(step.state))
        return failed(at, store, &step, reterr);
    ret->missing = dm_arena_printf(at->arena, "step %s (%s) is %s", step.id, step.name, state);
    ret->until_step = step.id;
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_emr_step = {
    .spec = {.name = "emr_step",
             .aliases = aliases,
             .doc = "Waits until a step of a cluster has ended.  The embedded cluster wakes it; it "
                    "does not poll.",
             .fields = fields,
             .sensor = true},
    .execute = execute,
};
