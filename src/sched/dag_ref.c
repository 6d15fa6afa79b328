/* DAGs that runs hold on to. */
#include "sched/dag_ref.h"

struct dm_dag_ref *dm_dag_ref_new(const struct dm_dag *dag)
{
    struct dm_dag_ref *r = dm_calloc(1, sizeof(*r));
    r->refs = 1;
    r->dag = dag;
    r->graph = dm_graph_make(&r->arena, dag);
    return r;
}

int dm_dag_ref_from_json(struct dm_str json, struct dm_dag_ref **ret, struct dm_err *reterr)
{
    struct dm_dag_ref *r = dm_calloc(1, sizeof(*r));
    struct dm_dag *dag;
    int rc = dm_dag_from_json(&r->arena, dm_str_dup(&r->arena, json), &dag, reterr);
    r->refs = 1;
    if (rc < 0) {
        dm_dag_ref_unref(r);
        return rc;
    }
    r->dag = dag;
    r->graph = dm_graph_make(&r->arena, dag);
    *ret = r;
    return 0;
}

struct dm_dag_ref *dm_dag_ref_ref(struct dm_dag_ref *r)
{
    r->refs++;
    return r;
}

void dm_dag_ref_unref(struct dm_dag_ref *r)
{
    if (!r || --r->refs > 0)
        return;
    dm_arena_release(&r->arena);
    free(r);
}
