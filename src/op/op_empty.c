/* `empty`: does nothing; a place for edges to meet. */
#include "op/op.h"

static const char *const aliases[] = {"EmptyOperator",
                                      "DummyOperator",
                                      "airflow.operators.empty.EmptyOperator",
                                      "airflow.operators.dummy.DummyOperator",
                                      "airflow.operators.dummy_operator.DummyOperator",
                                      "airflow.operators.dummy.EmptyOperator",
                                      "airflow.operators.dummy_operator.EmptyOperator",
                                      "airflow.providers.standard.operators.empty.EmptyOperator",
                                      NULL};

static const struct dm_op_field fields[] = {{NULL}};

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    *ret = NULL;
    return 0;
}

const struct dm_op dm_op_empty = {
    .spec = {.name = "empty",
             .aliases = aliases,
             .doc = "Does nothing.  Groups edges, or marks a point of the DAG.",
             .fields = fields},
    .execute = execute,
};
