/* `emr_step`: waits until a step of a cluster has ended. */
#include "op/op.h"

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

const struct dm_op dm_op_emr_step = {
    .spec = {.name = "emr_step",
             .aliases = aliases,
             .doc = "Waits until a step of a cluster has ended.  The embedded cluster wakes it; it "
                    "does not poll.",
             .fields = fields,
             .sensor = true},
};
