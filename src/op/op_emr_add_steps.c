/* `emr_add_steps`: hands a batch of steps to a cluster. */
#include "op/op.h"

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

const struct dm_op dm_op_emr_add_steps = {
    .spec = {.name = "emr_add_steps",
             .aliases = aliases,
             .doc = "Hands a batch of steps to a cluster and returns their ids at once.  A repeat "
                    "of the same try returns the same ids.",
             .fields = fields,
             .template_ext = exts},
};
