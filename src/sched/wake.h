/*
 * "Look now": a byte in the pipe run/scheduler.wake.  It carries nothing: what is to be done is in the store, and whoever
 * decides looks there once a second anyhow.
 */
#ifndef DM_WAKE_H
#define DM_WAKE_H

#include "base/err.h"

/* For whoever decides: makes the pipe and returns its reading end, non-blocking. */
int dm_wake_open(const char *run_dir, int *ret_fd, struct dm_err *reterr) dm_nodiscard;
/* Takes it away again, before the right to decide is given up: nothing stays in a project that a copy would stumble over. */
void dm_wake_close(const char *run_dir, int *fd);
/* Empties it. */
void dm_wake_drain(int fd);
/* For anybody: nobody listening is fine. */
void dm_wake_send(const char *run_dir);

#endif
