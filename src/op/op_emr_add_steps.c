/* `emr_add_steps`: hands a batch of steps to a cluster. */
#include "op/op.h"
#include "state/store.h"

static const char *const aliases[] = {
    "EmrAddStepsOperator", "airflow.providers.amazon.aws.operators.emr.EmrAddStepsOperator",
    "airflow.providers.amazon.aws.operators.emr_add_steps.EmrAddStepsOperator",
    "airflow.contrib.operators.emr_add_steps_operator.EmrAddStepsOperator", NULL};
static const char *const exts[] = {".json", NULL};

static const struct dm_op_field fields[] = {
    {"job_flow_id", DM_FIELD_STRING, false, true, NULL,
     "Id of the cluster; either this or job_flow_name.", NULL},
    {"job_flow_name", DM_FIELD_STRING, false, true, NULL,
     "Name of the cluster; in the embedded one the same as its id.", NULL},
    {"cluster_states", DM_FIELD_LIST, false, true, NULL,
     "States in which a cluster is looked up by name; the embedded one is always there.", NULL},
    {"steps", DM_FIELD_LIST_OR_STRING, true, true, NULL,
     "The steps as EMR takes them: a list, or the name of a .json file.", NULL},
    {"aws_conn_id", DM_FIELD_STRING, false, true, "\"cluster\"", "Connection of the cluster.",
     NULL},
    {"wait_for_completion", DM_FIELD_BOOL, false, false, "false",
     "Wait until the last step has ended.", NULL},
    {"waiter_delay", DM_FIELD_INT, false, false, "30",
     "Seconds between two looks at a remote cluster; the embedded one tells.", NULL},
    {"waiter_max_attempts", DM_FIELD_INT, false, false, "60",
     "Looks at a remote cluster before giving up.", NULL},
    {"execution_role_arn", DM_FIELD_STRING, false, true, NULL,
     "Means nothing for the embedded cluster.", NULL},
    {"region_name", DM_FIELD_STRING, false, true, NULL, "Means nothing for the embedded cluster.",
     NULL},
    {"verify", DM_FIELD_ANY, false, true, NULL, "Means nothing for the embedded cluster.", NULL},
    {NULL},
};

enum {
    STEPS_MAX = 256, /* of a batch, as EMR has it */
    STEP_ARGUMENTS_MAX =
        10240 /* characters of a step's jar and arguments together, as EMR has it */
};

static int bad_step(struct dm_err *reterr, size_t i, struct dm_str name, const char *what)
{
    return dm_err_set(reterr, DM_E_INVALID, "step %zu%s%.*s%s: %s", i + 1, name.len ? " (" : "",
                      DM_FMT(name), name.len ? ")" : "", what);
}

/* EMR's step as the cluster takes it: {name, action_on_failure, jar, args}. */
static int read_step(struct dm_attempt *at, const struct dm_value *v, size_t i,
                     const struct dm_value **ret, struct dm_err *reterr)
{
    static const char *const actions[] = {"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW",
                                          "CANCEL_AND_WAIT", "CONTINUE", NULL};
    struct dm_arena *a = at->arena;
    struct dm_str name = dm_map_str(v, "Name", "");
    struct dm_str action = dm_map_str(v, "ActionOnFailure", "CONTINUE");
    const struct dm_value *jar_step = dm_map_at(v, "HadoopJarStep");
    struct dm_str jar = dm_map_str(jar_step, "Jar", "");
    const struct dm_value *args = dm_map_at(jar_step, "Args");
    const struct dm_value *properties = dm_map_at(jar_step, "Properties");
    size_t k = 0, length = jar.len;
    if (v->kind != DM_MAP || !name.len)
        return bad_step(reterr, i, name, "has no Name");
    if (!jar.len)
        return bad_step(reterr, i, name, "has no HadoopJarStep with a Jar");
    while (actions[k] && !dm_str_is(action, actions[k]))
        k++;
    if (!actions[k])
        return bad_step(reterr, i, name,
                        "ActionOnFailure must be TERMINATE_CLUSTER, CANCEL_AND_WAIT or CONTINUE");
    if (args && args->kind != DM_LIST && args->kind != DM_NULL)
        return bad_step(reterr, i, name, "Args must be a list");
    for (size_t n = 0; args && args->kind == DM_LIST && n < args->list.n; n++) {
        if (args->list.items[n]->kind != DM_STRING)
            return bad_step(reterr, i, name, "Args must be a list of texts");
        length += args->list.items[n]->s.len;
    }
    if (length > STEP_ARGUMENTS_MAX)
        return bad_step(reterr, i, name, "Jar and Args are longer than 10,240 characters together");
    if (dm_map_str(jar_step, "MainClass", "").len ||
        (properties && properties->kind == DM_LIST && properties->list.n))
        return bad_step(reterr, i, name,
                        "MainClass and Properties are not supported by the embedded cluster");
    struct dm_value *step = dm_value_map(a);
    dm_map_set(a, step, "name", dm_value_str(a, name));
    dm_map_set(a, step, "action_on_failure", dm_value_cstr(a, k == 1 ? actions[0] : actions[k]));
    dm_map_set(a, step, "jar", dm_value_str(a, jar));
    dm_map_set(a, step, "args", args && args->kind == DM_LIST ? args : dm_value_list(a, 0));
    *ret = step;
    return 0;
}

/* The field as a list: a .json file or a template arrives as its text. */
static int read_steps(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    const struct dm_value *given = dm_map_at(at->args, "steps");
    if (given && given->kind == DM_STRING) {
        struct dm_value *parsed;
        if (dm_value_from_json(at->arena, given->s, &parsed, reterr) < 0) {
            dm_err_wrap(reterr, "steps is no JSON");
            return dm_err_hint(reterr,
                               "A template that gives steps must give JSON: {{ … | tojson }}.");
        }
        given = parsed;
    }
    if (!given || given->kind != DM_LIST || given->list.n == 0)
        return dm_err_set(reterr, DM_E_INVALID, "steps must be a list with at least one step");
    if (given->list.n > STEPS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "%zu steps in a batch, at most %d are possible",
                          given->list.n, STEPS_MAX);
    struct dm_value *steps = dm_value_list(at->arena, 0);
    for (size_t i = 0; i < given->list.n; i++) {
        const struct dm_value *step = NULL;
        DM_TRY(read_step(at, given->list.items[i], i, &step, reterr));
        dm_list_add(at->arena, steps, step);
    }
    *ret = steps;
    return 0;
}

static int cluster_of(struct dm_attempt *at, const char **ret, struct dm_err *reterr)
{
    struct dm_connection c;
    const char *root;
    struct dm_str id = dm_map_str(at->args, "job_flow_id", "");
    struct dm_str name = dm_map_str(at->args, "job_flow_name", "");
    if (!id.len == !name.len)
        return dm_err_set(reterr, DM_E_INVALID,
                          "exactly one of job_flow_id and job_flow_name must be given");
    *ret = dm_str_cstr(at->arena, id.len ? id : name);
    DM_TRY(dm_attempt_conn(at, dm_map_str(at->args, "aws_conn_id", "cluster"), &c, reterr));
    DM_TRY(dm_cluster_check(&c, reterr));
    return dm_cluster_root(at->arena, at->project, *ret, &root, reterr);
}

/* The last step decides: an earlier one that fails cancels it or lets it run, as its ActionOnFailure says. */
static int wait_for(struct dm_attempt *at, const char *cluster, const char *step_id,
                    struct dm_err *reterr)
{
    struct dm_store *store;
    struct dm_step_row step;
    DM_TRY(dm_attempt_store(at, &store, reterr));
    int rc = dm_store_step(store, at->arena, cluster, dm_str_c(step_id), &step, reterr);
    if (rc < 0)
        return rc;
    if (rc == 0 || !dm_step_finished(step.state)) {
        at->reschedule = true;
        at->until_step = step_id;
        return 0;
    }
    if (step.state == DM_STEP_COMPLETED)
        return 0;
    return dm_err_set(reterr, DM_E_TASK, "step %s (%s) ended %s", step_id, step.name,
                      dm_step_state_name(step.state));
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    const struct dm_value *steps = NULL, *ids = NULL;
    const char *cluster = NULL;
    DM_TRY(cluster_of(at, &cluster, reterr));
    DM_TRY(read_steps(at, &steps, reterr));
    DM_TRY(dm_attempt_steps(at, cluster, steps, &ids, reterr));
    DM_TRY(dm_attempt_push_xcom(at, "job_flow_id", dm_value_cstr(at->arena, cluster), reterr));
    for (size_t i = 0; i < ids->list.n; i++)
        printf("%.*s %.*s\n", DM_FMT(ids->list.items[i]->s),
               DM_FMT(dm_map_str(steps->list.items[i], "name", "")));
    if (dm_map_bool(at->args, "wait_for_completion", false)) {
        const struct dm_value *last = ids->list.items[ids->list.n - 1];
        DM_TRY(wait_for(at, cluster, dm_str_cstr(at->arena, last->s), reterr));
    }
    *ret = ids;
    return 0;
}

const struct dm_op dm_op_emr_add_steps = {
    .spec = {.name = "emr_add_steps",
             .aliases = aliases,
             .doc = "Hands a batch of steps to a cluster and returns their ids at once.  A repeat "
                    "of the same try returns the same ids.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};
