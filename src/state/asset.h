/*
 * Assets in the store: what tasks changed (asset_event), what each DAG has not yet run for (asset_queue), and what runs
 * were made for.  Writing needs the right to decide and an open transaction.
 */
#ifndef DM_STATE_ASSET_H
#define DM_STATE_ASSET_H

#include "state/record.h"

struct dm_asset_event_row {
    int64_t id, at;
    const char *uri, *extra; /* extra: JSON object */
    /* Of the task and the run that changed it; NULL and DM_NEVER where they were removed by age. */
    const char *dag_id, *run_id, *task_id, *run_type;
    int map_index;
    int64_t logical_date, interval_start, interval_end, started_at, ended_at;
};

/* An event; `delivered` = who records it queues it for the DAGs that wait for it, too. */
int dm_record_asset_event(struct dm_store *s, const char *uri, int64_t run, int64_t task,
                          bool delivered, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* Those that nobody has delivered yet, in their order; and that all have been. */
int dm_store_new_asset_events(struct dm_store *s, struct dm_arena *a,
                              struct dm_asset_event_row **ret, size_t *ret_n,
                              struct dm_err *reterr) dm_nodiscard;
int dm_record_asset_events_delivered(struct dm_store *s, struct dm_err *reterr) dm_nodiscard;
/* Of one asset, after `after` (DM_NEVER = from the first) and up to `to`, in their order. */
int dm_store_asset_events(struct dm_store *s, struct dm_arena *a, const char *uri, int64_t after,
                          int64_t to, struct dm_asset_event_row **ret, size_t *ret_n,
                          struct dm_err *reterr) dm_nodiscard;

/* What a run was made for: the newest `limit` (0 = all), in their order. */
int dm_store_run_asset_events(struct dm_store *s, struct dm_arena *a, int64_t run, size_t limit,
                              struct dm_asset_event_row **ret, size_t *ret_n,
                              struct dm_err *reterr) dm_nodiscard;
int dm_record_run_asset_event(struct dm_store *s, int64_t run, int64_t event,
                              struct dm_err *reterr) dm_nodiscard;
/* Logical date of the DAG's last run by assets before that one: 1 or 0. */
int dm_store_triggered_before(struct dm_store *s, const char *dag_id, int64_t logical_date,
                              int64_t *ret, struct dm_err *reterr) dm_nodiscard;

/* What has changed since the DAG's last run by assets, each with the first time. */
struct dm_asset_queue_row {
    const char *dag_id, *uri;
    int64_t at;
};
/* dag_id NULL = of every DAG. */
int dm_store_asset_queue(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                         struct dm_asset_queue_row **ret, size_t *ret_n,
                         struct dm_err *reterr) dm_nodiscard;
int dm_record_asset_queued(struct dm_store *s, const char *dag_id, const char *uri, int64_t at,
                           struct dm_err *reterr) dm_nodiscard;
/* uri NULL = all of the DAG. */
int dm_record_asset_unqueued(struct dm_store *s, const char *dag_id, const char *uri,
                             struct dm_err *reterr) dm_nodiscard;

#endif
