/* What a template may ask of the world outside while a task renders: variables, connections, XCom, files. */
#ifndef DM_TASK_WORLD_H
#define DM_TASK_WORLD_H

#include "lang/template.h"
#include "task/attempt.h"

/* The context of an attempt; it and its callbacks live as long as the attempt. */
int dm_attempt_context(struct dm_attempt *at, struct dm_context *ret,
                       struct dm_err *reterr) dm_nodiscard;

/* What a task of this run pushed under a key; of a mapped task the list over its instances: 1, or 0 = nothing. */
int dm_attempt_result_of(struct dm_attempt *at, struct dm_str task_id, struct dm_str key,
                         const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;

#endif
