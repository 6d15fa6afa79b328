/* Between the parts of the golden kind `dagfactory`. */
#ifndef DM_GOLDEN_DAGFACTORY_H
#define DM_GOLDEN_DAGFACTORY_H

#include "golden.h"
#include "lang/dag.h"

/* Airflow's operators as the cases use them: test data, so that the loader is tested apart from op/. */
const struct dm_op_table *golden_dagfactory_ops(struct dm_arena *a);
/* The `doc` of a field whose value the operator reworks, which is therefore not compared. */
extern const char golden_reworked[];

/* dagfactory_answer.c: a DAG as the cases write it, values that are Airflow's default left out. */
/* The key of a map that stands for a value which a Python file gives a name. */
extern const char golden_python_value[];

const struct dm_value *golden_dag_answer(struct dm_arena *a, const struct dm_dag *dag, int64_t now);

#endif
