/*
 * The folder of DAGs as a scheduler keeps it: every file is loaded once, and again when it or a file that it depends on
 * has changed.  What does not load keeps its error per file, and its DAGs stand still until it does.
 *
 *   dm_world_open      watches the folder
 *   dm_world_refresh   within the open turn of a tick: loads what has changed and tells the tick (dm_tick_set_dag)
 *   dm_world_fd        readable when something in the folder changed: dm_world_changed, then refresh
 */
#ifndef DM_WORLD_H
#define DM_WORLD_H

#include "conn/project.h"
#include "sched/tick.h"

struct dm_world; /* sched/world.c */

/* `load` is how files are loaded (operators, environment); its `now` is set at each refresh. */
int dm_world_open(const struct dm_project *p, const struct dm_load_world *load,
                  struct dm_world **ret, struct dm_err *reterr) dm_nodiscard;
void dm_world_close(struct dm_world *w); /* takes NULL */

int dm_world_fd(const struct dm_world *w);
/* Empties the descriptor; true = something that matters changed. */
bool dm_world_changed(struct dm_world *w);

struct dm_world_report {
    size_t files, dags, errors; /* that there are now; errors = files with some */
    size_t loaded, gone;        /* files, in this refresh */
};
/* `all` = also what has not changed. */
int dm_world_refresh(struct dm_world *w, struct dm_tick *t, bool all, struct dm_world_report *ret,
                     struct dm_err *reterr) dm_nodiscard;

/* Whether a DAG that was never seen is paused: is_paused_upon_creation, else the project's
   scheduler.dags_are_paused_at_creation. */
bool dm_dag_starts_paused(const struct dm_project *p, const struct dm_dag *dag);

#endif
