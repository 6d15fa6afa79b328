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

static const struct dm_op_refused refused[] = {
    {"PythonVirtualenvOperator", USE_PYTHON},
    {"airflow.operators.python.PythonVirtualenvOperator", USE_PYTHON},
    {"airflow.providers.standard.operators.python.PythonVirtualenvOperator", USE_PYTHON},
    {"ExternalPythonOperator", USE_PYTHON},
    {"airflow.operators.python.ExternalPythonOperator", USE_PYTHON},
    {"airflow.providers.standard.operators.python.ExternalPythonOperator", USE_PYTHON},
    {"BranchPythonVirtualenvOperator", USE_PYTHON},
    {"airflow.operators.python.BranchPythonVirtualenvOperator", USE_PYTHON},
    {"airflow.providers.standard.operators.python.BranchPythonVirtualenvOperator", USE_PYTHON},
    {"BranchExternalPythonOperator", USE_PYTHON},
    {"airflow.operators.python.BranchExternalPythonOperator", USE_PYTHON},
    {"airflow.providers.standard.operators.python.BranchExternalPythonOperator", USE_PYTHON},
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
