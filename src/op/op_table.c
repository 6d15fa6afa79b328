/*
 * The table of operators (ops.def), and the names that are known but refused, each with what to use instead.
 */
#include "op/op.h"

#define DM_OP(name) extern const struct dm_op dm_op_##name;
#include "op/ops.def"
#undef DM_OP

const struct dm_op *const dm_ops[] = {
#define DM_OP(name) &dm_op_##name,
#include "op/ops.def"
#undef DM_OP
    NULL,
};

static const struct dm_op_spec *const specs[] = {
#define DM_OP(name) &dm_op_##name.spec,
#include "op/ops.def"
#undef DM_OP
    NULL,
};

#define USE_PYTHON                                                                             \
    "Use PythonOperator with `interpreter`, the python of an environment that you have made, " \
    "e.g. "                                                                                    \
    "interpreter: venv/bin/python."

#define USE_SQL                                                                                    \
    "Use `sql` on a connection: to PostgreSQL, to Redshift, or to the warehouse, which reads the " \
    "lake."
#define USE_COMMAND "Use `bash` with the command-line program of that system."

static const struct dm_op_refused refused[] = {
    {"PythonVirtualenvOperator", USE_PYTHON},
    {"ExternalPythonOperator", USE_PYTHON},
    {"BranchPythonVirtualenvOperator", USE_PYTHON},
    {"BranchExternalPythonOperator", USE_PYTHON},
    {"RedshiftDataOperator", "Use `redshift_sql` (RedshiftSQLOperator) on a connection of the "
                             "same cluster: it takes the same sql."},
    {"SubDagOperator", "Use task_groups."},
    {"ExternalTaskMarker", "Use `empty`: clearing a task does not reach into other DAGs."},
    {"BranchDateTimeOperator", "Use `branch` with a template, e.g. follow: \"{{ 'early' if "
                               "logical_date.hour < 12 else 'late' }}\"."},
    {"BranchDayOfWeekOperator", "Use `branch` with a template, e.g. follow: \"{{ 'full' if "
                                "logical_date.isoweekday() == 1 else 'delta' }}\"."},
    {"DayOfWeekSensor", "Give the schedule its days (\"0 6 * * MON\"), or use `short_circuit`."},
    {"MySqlOperator", USE_SQL},
    {"MsSqlOperator", USE_SQL},
    {"OracleOperator", USE_SQL},
    {"SqliteOperator", USE_SQL},
    {"TrinoOperator", USE_SQL},
    {"SnowflakeOperator", USE_SQL},
    {"AthenaOperator", USE_SQL},
    {"BigQueryInsertJobOperator", USE_SQL},
    {"KubernetesPodOperator", USE_COMMAND},
    {"DockerOperator", USE_COMMAND},
    {"SparkSubmitOperator", USE_COMMAND},
    {"SSHOperator", USE_COMMAND},
    {"SFTPOperator", USE_COMMAND},
    {"GlueJobOperator", USE_COMMAND},
    {"SlackAPIPostOperator", "Use `http` with Slack's address."},
    {"SlackWebhookOperator", "Use `http` with Slack's address."},
    {NULL, NULL},
};

const struct dm_op *dm_op_find(const char *name)
{
    for (size_t i = 0; dm_ops[i]; i++)
        if (strcmp(dm_ops[i]->spec.name, name) == 0)
            return dm_ops[i];
    return NULL;
}

const struct dm_op_table *dm_op_table(void)
{
    static const struct dm_op_table table = {.specs = specs, .refused = refused};
    return &table;
}
