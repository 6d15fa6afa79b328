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

/* `rc` is what came of reading r->dag into its arena. */
static int hold(struct dm_dag_ref *r, int rc, struct dm_dag_ref **ret)
{
    r->refs = 1;
    if (rc < 0) {
        dm_dag_ref_unref(r);
        return rc;
    }
    r->graph = dm_graph_make(&r->arena, r->dag);
    *ret = r;
    return 0;
}

int dm_dag_ref_from_json(struct dm_str json, struct dm_dag_ref **ret, struct dm_err *reterr)
{
    struct dm_dag_ref *r = dm_calloc(1, sizeof(*r));
    struct dm_dag *dag = NULL;
    int rc = dm_dag_from_json(&r->arena, json, &dag, reterr);
    r->dag = dag;
    return hold(r, rc, ret);
}

int dm_dag_ref_copy(const struct dm_dag *dag, struct dm_dag_ref **ret, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena once = {0};
    struct dm_dag *copy = NULL;
    /* Thousands are kept: each one takes what it needs, which is known when it was made once. */
    DM_TRY(dm_dag_copy(&once, dag, &copy, reterr));
    dm_graph_make(&once, copy);
    struct dm_dag_ref *r = dm_calloc(1, sizeof(*r));
    dm_arena_reserve(&r->arena, once.total);
    int rc = dm_dag_copy(&r->arena, dag, &copy, reterr);
    r->dag = copy;
    return hold(r, rc, ret);
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
