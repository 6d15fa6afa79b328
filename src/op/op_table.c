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

#define USE_BASH                                                                    \
    "Python code does not run inside daymill: call the script with `bash` "         \
    "(bash_command: \"python3 script.py {{ ds }}\"), or use `sql`, `sql_to_s3` or " \
    "`file_to_s3` for what it does."
#define USE_BRANCH                                                                            \
    "Python code does not run inside daymill: say with `branch` what goes on, as a template " \
    "(follow: \"{{ ... }}\") or as SQL."
#define USE_SHORT_CIRCUIT                                                                    \
    "Python code does not run inside daymill: say with `short_circuit` when to go on, as a " \
    "template (condition: \"{{ ... }}\") or as SQL."

static const struct dm_op_refused refused[] = {
    {"PythonOperator", USE_BASH},
    {"airflow.operators.python.PythonOperator", USE_BASH},
    {"airflow.operators.python_operator.PythonOperator", USE_BASH},
    {"airflow.providers.standard.operators.python.PythonOperator", USE_BASH},
    {"airflow.decorators.task", USE_BASH},
    {"airflow.sdk.task", USE_BASH},
    {"PythonVirtualenvOperator", USE_BASH},
    {"airflow.operators.python.PythonVirtualenvOperator", USE_BASH},
    {"airflow.providers.standard.operators.python.PythonVirtualenvOperator", USE_BASH},
    {"ExternalPythonOperator", USE_BASH},
    {"airflow.operators.python.ExternalPythonOperator", USE_BASH},
    {"airflow.providers.standard.operators.python.ExternalPythonOperator", USE_BASH},
    {"PythonSensor", USE_BASH},
    {"airflow.sensors.python.PythonSensor", USE_BASH},
    {"airflow.providers.standard.sensors.python.PythonSensor", USE_BASH},
    {"BranchPythonOperator", USE_BRANCH},
    {"airflow.operators.python.BranchPythonOperator", USE_BRANCH},
    {"airflow.providers.standard.operators.python.BranchPythonOperator", USE_BRANCH},
    {"ShortCircuitOperator", USE_SHORT_CIRCUIT},
    {"airflow.operators.python.ShortCircuitOperator", USE_SHORT_CIRCUIT},
    {"airflow.providers.standard.operators.python.ShortCircuitOperator", USE_SHORT_CIRCUIT},
    {"RedshiftDataOperator", "Use `redshift_sql` (RedshiftSQLOperator) on a connection of the "
                             "same cluster: it takes the same sql."},
    {"airflow.providers.amazon.aws.operators.redshift_data.RedshiftDataOperator",
     "Use `redshift_sql` (RedshiftSQLOperator) on a connection of the same cluster: it takes the "
     "same sql."},
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
