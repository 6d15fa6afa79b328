/*
 * A run's own scratch folder, run/scratch/<dag>/<run>/: files that a task leaves for another of the same run.  Two runs
 * never share one.
 */
#ifndef DM_SCRATCH_H
#define DM_SCRATCH_H

#include "conn/project.h"

/* Not made here. */
const char *dm_scratch_path(struct dm_arena *a, const struct dm_project *p, const char *dag_id,
                            const char *run_id);
/* When the run has ended in success; nothing there is success. */
int dm_scratch_remove(const struct dm_project *p, const char *dag_id, const char *run_id,
                      struct dm_err *reterr) dm_nodiscard;
/* One component of a path for any name: "/" and "%" and a leading "." are percent-encoded. */
const char *dm_path_component(struct dm_arena *a, const char *name);

#endif
