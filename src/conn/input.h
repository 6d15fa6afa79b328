/*
 * Files that a task read from outside (a vendor's file in data/, say), known by what they were: when such a file has
 * changed, what was made of it is out of date.
 *
 * The identity of a file is its size and the time at which it was last written, so that a copy of the project that
 * keeps times, or a restart that numbers devices anew, changes nothing.  A file that is written again within the
 * clock's grain of its reading could look the same: one written less than DM_RACILY_CLEAN_US before it is read has no
 * identity.
 */
#ifndef DM_INPUT_H
#define DM_INPUT_H

#include "base/arena.h"
#include "base/time.h"

#define DM_RACILY_CLEAN_US (2 * DM_SEC)

/* NULL = not known: no file there, or one that was written less than DM_RACILY_CLEAN_US before `now`.  DM_NEVER as `now`
   means that nobody reads it. */
const char *dm_input_identity(struct dm_arena *a, const char *path, int64_t now);

#endif
