/*
 * A DAG that runs hold on to.  The scheduler's folder of DAGs (sched/world.h) has one reference to the newest generation of
 * each; every run that is in memory has one to the generation that it runs by.  The last one to let go frees it: the only
 * reference count of the program.  One thread.
 */
#ifndef DM_DAG_REF_H
#define DM_DAG_REF_H

#include "sched/graph.h"

struct dm_dag_ref {
    const struct dm_dag *dag;
    const struct dm_graph *graph;
    /* Private. */
    int refs;
    bool recorded; /* its generation is in the store */
    struct dm_arena arena;
};

/* A DAG that outlives the reference. */
struct dm_dag_ref *dm_dag_ref_new(const struct dm_dag *dag);
/* Of a DAG whose arena goes: what it refers to is copied. */
int dm_dag_ref_copy(const struct dm_dag *dag, struct dm_dag_ref **ret,
                    struct dm_err *reterr) dm_nodiscard;
/* From the normal form (dm_dag_to_json). */
int dm_dag_ref_from_json(struct dm_str json, struct dm_dag_ref **ret,
                         struct dm_err *reterr) dm_nodiscard;
struct dm_dag_ref *dm_dag_ref_ref(struct dm_dag_ref *r);
void dm_dag_ref_unref(struct dm_dag_ref *r); /* takes NULL */

#endif
