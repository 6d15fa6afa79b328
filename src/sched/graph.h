/*
 * What follows from a DAG's edges alone: who is upstream and downstream of whom, priority weights, which tasks decide
 * how a run ended, which setups a task relies on.  Pure.  Sets of tasks are bool arrays by index in dag->tasks.
 */
#ifndef DM_GRAPH_H
#define DM_GRAPH_H

#include "lang/dag.h"

struct dm_graph_setups {
    size_t *tasks; /* indices */
    size_t n;
};

/* What a task is mapped over, beside literals. */
struct dm_graph_sources {
    size_t *tasks; /* indices */
    size_t n;
};

/* Made once per DAG. */
struct dm_graph {
    const struct dm_dag *dag;
    int *weights; /* priority_weight with weight_rule */
    bool *
        leaves; /* the tasks whose ends are the run's: teardowns do not count unless they ask for it */
    /* Setups that a task relies on without standing directly behind them: they must have succeeded too. */
    struct dm_graph_setups *setups;
    struct dm_graph_sources *sources;
    bool *is_source; /* some task is mapped over it: its value must have a length */
};
const struct dm_graph *dm_graph_make(struct dm_arena *a, const struct dm_dag *dag);

/* Adds to the set everything downstream (upstream) of it. */
void dm_graph_add_downstream(const struct dm_dag *dag, bool *set);
void dm_graph_add_upstream(const struct dm_dag *dag, bool *set);

/* What is done again with the tasks of the set: with `upstream`, `downstream` their relatives, and as in Airflow the
   setups and teardowns that belong to them. */
void dm_graph_add_relatives(struct dm_arena *a, const struct dm_dag *dag, bool upstream,
                            bool downstream, bool *set);

#endif
