/*
 * Operators: one file each, one line each in op_table.c.
 * What one is and what it may do: task/operator.h.
 */
#ifndef DM_OP_H
#define DM_OP_H

#include "task/operator.h"

/* All of them, in the order of the documentation; NULL-terminated. */
extern const struct dm_op *const dm_ops[];
const struct dm_op *dm_op_find(const char *name);
/* The same as the loader wants it. */
const struct dm_op_table *dm_op_table(void);

#endif
