/*
 * Forgetting (state/purge.h), by whoever decides: chunks of some ten milliseconds between turns, so that nobody waits long.
 *
 *   purge   {dag_id, before, keep_last}: the request of that kind; without `before` what retention.* says, of all DAGs.
 *           Answer {runs, tasks, attempts, events, rendered, generations, logs, log_bytes}: what was removed by the
 *           process that ended it
 *   age     what retention.* says, by the scheduler in its idle time
 *
 * A process that ends in the middle of a purge leaves the request open; the next one goes on.
 */
#ifndef DM_FORGET_H
#define DM_FORGET_H

#include "conn/project.h"
#include "state/memory.h"
#include "state/purge.h"

struct dm_forget {
    struct dm_store *store;
    const char *project_dir;
    struct dm_retention keep;
    struct dm_retain_place place; /* by age, without being asked */
    struct dm_purged removed;     /* by age */
    /* The purge at work: its request, 0 = none. */
    int64_t request;
    bool by_age;
    int stage;
    struct dm_arena arena; /* of what it names */
    struct dm_purge purge;
    struct dm_retain_place purge_place;
    struct dm_purged purged;
};

void dm_forget_init(struct dm_forget *f, struct dm_store *s, const struct dm_project *p);
void dm_forget_release(struct dm_forget *f);

/* An open request of the kind `purge`: begun if no other is at work, else it waits.  DM_E_INVALID: it cannot be done. */
int dm_forget_ask(struct dm_forget *f, struct dm_arena *a, const struct dm_request_row *row,
                  struct dm_err *reterr) dm_nodiscard;
static inline bool dm_forget_purging(const struct dm_forget *f)
{
    return f->request != 0;
}
/* One chunk of the purge at work, and its answer after the last: no transaction may be open.  What fails in it is the
   request's error, not ours.  1 = there is more. */
int dm_forget_purge(struct dm_forget *f, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* One chunk by age.  1 = there is more. */
int dm_forget_old(struct dm_forget *f, int64_t now, struct dm_err *reterr) dm_nodiscard;

#endif
