/*
 * What a tick has in memory: DAGs by their ids, drives with the days before them, and runs, active, queued, or there as
 * somebody's past.
 */
#ifndef DM_KNOWN_H
#define DM_KNOWN_H

#include "sched/tick.h"

/* ---- DAGs ---- */

/* NULL = it is not known. */
struct dm_plan_dag *dm_tick_find_dag(const struct dm_tick *t, const char *dag_id);
struct dm_plan_dag *dm_tick_add_dag(struct dm_tick *t, const char *dag_id);
void dm_tick_free_assets(struct dm_plan_dag *d);
void dm_tick_free_dags(struct dm_tick *t);
/* The generation of a DAG is in the store. */
int dm_tick_record_generation(struct dm_tick *t, struct dm_dag_ref *ref,
                              struct dm_err *reterr) dm_nodiscard;
/* Generations that no run names were removed from the store: they are recorded again before they are used. */
void dm_tick_generations_gone(struct dm_tick *t);
/* A generation of a DAG: its newest one, or an older one out of the store. */
int dm_tick_ref_of(struct dm_tick *t, const struct dm_plan_dag *d, const char *generation,
                   struct dm_dag_ref **ret, struct dm_err *reterr) dm_nodiscard;
/* A run of the DAG came, began, or went: its schedule may make another. */
void dm_tick_count_run(struct dm_tick *t, const struct dm_plan_run *run, int unfinished,
                       int active);

/* ---- drives ---- */

/* `ref` holds given->dag, and is taken over. */
struct dm_plan_drive *dm_tick_add_drive(struct dm_tick *t, const struct dm_drive *given,
                                        struct dm_dag_ref *ref);
void dm_tick_free_drive(struct dm_plan_drive *d);
/* NULL = nobody here works on that backfill. */
struct dm_plan_drive *dm_tick_find_drive(const struct dm_tick *t, int64_t backfill);
/* Days that are still to come are done by the newest generation, as after a restart. */
int dm_tick_renew_drives(struct dm_tick *t, const struct dm_plan_dag *dag,
                         struct dm_err *reterr) dm_nodiscard;
/* Whether a drive has the day of the run still before it. */
bool dm_tick_is_reserved(const struct dm_tick *t, const struct dm_plan_run *run);
/* Runs of the days that are before it are queued no more: it begins them. */
void dm_tick_reserve(struct dm_tick *t, const struct dm_plan_drive *d);

/* ---- runs ---- */

/* A run in memory; its strings are copied. */
struct dm_plan_run *dm_tick_add_run(struct dm_tick *t, const struct dm_run_row *row);
/* The run with this row id, or NULL where it is not in memory. */
struct dm_plan_run *dm_tick_find_run(const struct dm_tick *t, int64_t id);
/* Frees what nobody needs any more. */
void dm_tick_sweep_runs(struct dm_tick *t);
void dm_tick_free_run(struct dm_plan_run *run);
/* Its place among the queued ones; none where a drive has its day before it, which then begins it. */
void dm_tick_add_queued(struct dm_tick *t, struct dm_plan_run *run);
/* Nothing where it is not queued. */
void dm_tick_dequeue(struct dm_tick *t, struct dm_plan_run *run);
/* A run that is queued in the store is queued in memory too; nothing where it is, or is active. */
void dm_tick_enqueue(struct dm_tick *t, const struct dm_run_row *row);
/* Out of a list of the snapshot. */
void dm_tick_remove_run(struct dm_plan_run **list, size_t *n, const struct dm_plan_run *run);

#endif
