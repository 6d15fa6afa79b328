/*
 * Recovery: what a scheduler that died (or a host that lost power) left is brought to rest before anything is decided.
 * Every attempt recorded as running has its lease tested; processes that still hold one are ended; then the attempt
 * is lost, its task scheduled again (no try is used up), its step pending again, and its run queued; what somebody had
 * asked to be ended becomes what was asked for.  Callbacks that were running are treated alike: they are pending again.
 */
#ifndef DM_RECOVER_H
#define DM_RECOVER_H

#include "state/store.h"

/* Needs the right to decide. */
int dm_recover(struct dm_store *s, const char *run_dir, int64_t now, size_t *ret_lost,
               struct dm_err *reterr) dm_nodiscard;

/*
 * Removes what killed attempts left in the lake's and the cluster's folders for temporaries.  Only while nobody writes
 * there: with the right to decide, and no child alive.  What cannot be removed now is tried again by the next command.
 */
struct dm_project;
void dm_sweep_temporaries(const struct dm_project *p);

#endif
