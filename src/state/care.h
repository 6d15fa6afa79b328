/*
 * Looking after the store: whether it is whole, a copy of it while others work, and giving space back.
 */
#ifndef DM_CARE_H
#define DM_CARE_H

#include "state/store.h"

/* Something that is wrong, and what to do about it. */
struct dm_flaw {
    const char *what, *hint;
};
/* Of one kind no more are listed; a last one says how many there are in all. */
enum { DM_FLAWS_OF_A_KIND = 20 };

/* Reads everything: SQLite's own check, references, names of states, runs against tasks against attempts, generations. */
int dm_store_check(struct dm_store *s, struct dm_arena *a, struct dm_flaw **ret, size_t *ret_n,
                   struct dm_err *reterr) dm_nodiscard;

/*
 * A copy of the last committed state, as a new file: whole, or not there at all.  Others read and write meanwhile.
 * A file of that name is never touched: DM_E_EXISTS.
 */
int dm_store_backup(struct dm_store *s, const char *path, struct dm_err *reterr) dm_nodiscard;

/* Writes the file anew without its holes; needs as much free space as it has bytes, and the right to decide. */
int dm_store_vacuum(struct dm_store *s, struct dm_err *reterr) dm_nodiscard;
/* Bytes on disk, the part that was not copied back yet included. */
int64_t dm_store_bytes(struct dm_store *s);
/* The schema's version. */
int dm_store_version(struct dm_store *s, int64_t *ret, struct dm_err *reterr) dm_nodiscard;

#endif
