/* Rendering the templated fields of an operator, for an attempt and for `tasks render`. */
#ifndef DM_TASK_RENDER_H
#define DM_TASK_RENDER_H

#include "lang/op_spec.h"
#include "task/attempt.h"

/* Renders at->order->args: *ret_args = every field as the operator gets it, *ret_shown = the templated ones with
   secrets masked.  In at->arena. */
int dm_render_fields(struct dm_attempt *at, const struct dm_op_spec *spec,
                     const struct dm_value **ret_args, const struct dm_value **ret_shown,
                     struct dm_err *reterr) dm_nodiscard;

#endif
