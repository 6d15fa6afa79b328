/*
 * Landing one vendor's file once: two attempts that land the same source at the same time must not both copy it.
 *
 * A note per source (run/landings/…) is held under flock while an attempt lands it; whoever comes next finds in it what
 * the source became, and links to that.  The note is a hint: what it says is verified by dm_lake_land, and a torn or
 * missing one costs a copy.
 */
#ifndef DM_TASK_LANDING_H
#define DM_TASK_LANDING_H

#include "task/attempt.h"

struct dm_landing_note {
    int fd; /* holds the lock; -1 = none */
    const char *source;
};

/* Waits for its turn.  *ret_known says what is known of the source, from the note or the work order: 1 = something,
   0 = nothing.  Release with dm_landing_note_release. */
int dm_landing_note_open(struct dm_attempt *at, const char *source, struct dm_landing_note *ret,
                         struct dm_landing *ret_known, struct dm_err *reterr) dm_nodiscard;
/* Writes down what the source became; an empty identity writes nothing. */
int dm_landing_note_write(struct dm_landing_note *n, struct dm_attempt *at, const char *identity,
                          struct dm_object_name object, struct dm_err *reterr) dm_nodiscard;
void dm_landing_note_release(struct dm_landing_note *n);
#define _cleanup_landing_ DM_CLEANUP(dm_landing_note_release)

#endif
