/*
 * Following: a drive that the scheduler works on, seen from a command.  The drive is handed over as a request, its changes
 * are read from the store's events, and the report at the end is made from them; ending the command ends the following,
 * not the work.
 */
#ifndef DM_FOLLOW_H
#define DM_FOLLOW_H

#include "sched/loop.h"

/* o->drives (one) is followed to its end.  DM_E_BUSY: the scheduler ended before it had taken the drive, which is the
   caller's again; DM_E_CANCELLED: Ctrl-C. */
int dm_follow(struct dm_arena *a, const struct dm_loop_options *o, struct dm_loop_report *ret,
              struct dm_err *reterr) dm_nodiscard;

#endif
