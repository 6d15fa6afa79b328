/*
 * Commands that run tasks: `backfill`, `dags test`, `tasks test`.  They drive the same loop, show its progress, and end
 * with the same report: what failed, what waits for it, what was not published, how to go on.
 */
#ifndef DM_CMD_DRIVE_H
#define DM_CMD_DRIVE_H

#include "cmd/common.h"
#include "sched/loop.h"

struct dm_cmd_drive {
    const struct dm_drive *drive;
    const char *command; /* for whoever waits for us: "backfill user_behaviour" */
    int jobs;
    bool detach;     /* leave it to the scheduler */
    bool show_tasks; /* a line per task that ends */
};

/* DM_E_TASK where a task failed, DM_E_BLOCKED where days only wait; the report is printed then. */
int dm_cmd_drive(struct dm_args *args, const struct dm_cmd_drive *d,
                 struct dm_err *reterr) dm_nodiscard;

/* Foresees a disk that cannot hold what `days` days will write: DM_E_DISKFULL. */
int dm_cmd_foresee_disk(struct dm_args *args, struct dm_store *store, const struct dm_dag *dag,
                        size_t days, struct dm_err *reterr) dm_nodiscard;

#endif
