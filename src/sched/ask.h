/*
 * Asking: a request is made and awaited.  Where somebody decides (a scheduler, a backfill in the foreground) they do it;
 * where nobody does, it is done here, with the right to decide taken for the moment.
 */
#ifndef DM_ASK_H
#define DM_ASK_H

#include "conn/project.h"
#include "sched/request.h"
#include "sched/right.h"

struct dm_ask {
    const struct dm_project *project;
    struct dm_store *store;   /* opened with DM_STORE_WRITE */
    const struct dm_dag *dag; /* what the request is about, as its files say now; NULL = no DAG */
    bool paused_at_creation;  /* of a DAG that was never seen */
    const struct dm_right_wait *wait;
};

/* The answer (or NULL) lives in the arena; an error is the request's own. */
int dm_ask(struct dm_arena *a, const struct dm_ask *ask, const char *kind,
           const struct dm_value *body, const struct dm_value **ret_answer,
           struct dm_err *reterr) dm_nodiscard;

#endif
