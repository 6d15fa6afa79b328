/*
 * Decisions of a task about the tasks behind it (branch, short_circuit, latest_only), as Airflow's SkipMixin: what is
 * left out becomes skipped at once, and a record of it (XCom "skipmixin_key") skips it again when it is cleared.
 * A decision is what the result of an attempt carries:
 *   {"follow": [ids]}        of the tasks directly behind it only these, and those that come after them; the id
 *                            of a group stands for the tasks that the group begins with
 *   {"skip": "all"}          everything behind it, teardowns excepted, whatever the trigger rules say
 *   {"skip": "direct"}       the tasks directly behind it, teardowns excepted
 * Pure.
 */
#ifndef DM_DECISION_H
#define DM_DECISION_H

#include "lang/dag.h"

#define DM_DECISION_KEY "skipmixin_key"

/* Marks what is left out (an array by index in dag->tasks) and makes the record (NULL: nothing is behind it);
   DM_E_INVALID where it names a task
   or a group that the DAG does not have. */
int dm_decide(struct dm_arena *a, const struct dm_dag *dag, const struct dm_task *task,
              const struct dm_value *decision, bool *ret_skipped, const struct dm_value **ret,
              struct dm_err *reterr) dm_nodiscard;

/* Whether the record of a task directly before it leaves this task out. */
bool dm_decided_skip(const struct dm_value *record, const char *task_id);

#endif
