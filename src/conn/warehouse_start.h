/*
 * The embedded warehouse is one process for everybody; whoever needs it and finds none starts it, in a session of its
 * own.  Two that start it at once are told apart by run/warehouse.lock, which the server takes: the second server
 * leaves and both clients use the first.
 */
#ifndef DM_WAREHOUSE_START_H
#define DM_WAREHOUSE_START_H

#include "conn/project.h"

/* Whether somebody listens on the socket. */
bool dm_warehouse_listens(const struct dm_project *p);
/* Starts `daymill warehouse` and returns when it listens, or when another one is about to. */
int dm_warehouse_start(const struct dm_project *p, struct dm_err *reterr) dm_nodiscard;

#endif
