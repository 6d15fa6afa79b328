/* What a DAG's schedule by assets waits for, for people. */
#ifndef DM_CMD_ASSETS_H
#define DM_CMD_ASSETS_H

#include "cmd/common.h"

/* "waits for A and (B or C)", and a row for each of them: when it first changed since the DAG's last run by assets.
   Nothing where the schedule is by no assets.  `s` NULL = there is no store yet. */
int dm_cmd_print_assets(struct dm_args *args, struct dm_store *s, const struct dm_dag *dag,
                        struct dm_err *reterr) dm_nodiscard;
/* What a run by assets was made for; nothing for any other. */
int dm_cmd_print_triggering(struct dm_args *args, struct dm_store *s, int64_t run,
                            struct dm_err *reterr) dm_nodiscard;

#endif
