/*
 * What an operator is to the attempt that runs it.  The table of operators is op/op_table.c; it comes in as an argument,
 * so that task/ depends on nothing beside it.
 *
 * An operator gets its rendered fields (at->args, defaults filled in, types checked), does its work, reports its
 * ledger, and returns its XCom value in *ret (NULL = none).  Return 0, or DM_E_SKIP with the reason, or an error;
 * at->no_retry fails without another try; a sensor that must wait sets at->reschedule and returns 0.
 */
#ifndef DM_OPERATOR_H
#define DM_OPERATOR_H

#include "lang/op_spec.h"
#include "task/attempt.h"

struct dm_op {
    struct dm_op_spec spec;
    int (*execute)(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr);
};

/* By short name, or NULL. */
typedef const struct dm_op *dm_op_lookup(const char *name);

/* The roles of the program: both read their order from DM_WIRE_FD and return the exit status. */
int dm_task_run_main(dm_op_lookup *find);
int dm_step_run_main(void);

#endif
