/* An error as JSON, as it lies in the store for whoever asked: {"code", "message", "detail", "hint"}. */
#ifndef DM_ERR_JSON_H
#define DM_ERR_JSON_H

#include "lang/value.h"

struct dm_str dm_err_to_json(struct dm_arena *a, const struct dm_err *e);
/* What cannot be read is an error itself. */
void dm_err_from_json(struct dm_arena *a, const char *json, struct dm_err *ret);

#endif
