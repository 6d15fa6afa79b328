/*
 * Operators: one file each, one line each in op_table.c.
 *
 * An operator gets its rendered fields (at->args, defaults filled in, types checked), does its work, reports its
 * ledger, and returns its XCom value in *ret (NULL = none).  Return 0, or DM_E_SKIP with the reason, or an error;
 * at->no_retry fails without another try; a sensor that must wait sets at->reschedule and returns 0.
 */
#ifndef DM_OP_H
#define DM_OP_H

#include "lang/op_spec.h"
#include "task/attempt.h"

struct dm_op {
    struct dm_op_spec spec;
    int (*execute)(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr);
};

/* All of them, in the order of the documentation; NULL-terminated. */
extern const struct dm_op *const dm_ops[];
const struct dm_op *dm_op_find(const char *name);
/* The same as the loader wants it. */
const struct dm_op_table *dm_op_table(void);

#endif
