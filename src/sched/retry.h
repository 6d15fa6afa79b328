/* When a failed try may be repeated: Airflow's formula, its jitter included. */
#ifndef DM_RETRY_H
#define DM_RETRY_H

#include "lang/dag.h"

#define DM_RETRY_DELAY_MAX DM_DAY /* of exponential backoff (Airflow's core.max_task_retry_delay) */

/* `try_number` is the try that failed, at `ended_at`. */
int dm_retry_at(const struct dm_task *task, const char *dag_id, int64_t logical_date,
                int try_number, int64_t ended_at, int64_t *ret, struct dm_err *reterr) dm_nodiscard;

#endif
