/*
 * Values in: PostgreSQL's text and binary formats into cells for the engine.  Pure.  What a cell points to lies in the
 * arena or in the text itself.  Errors are PostgreSQL's: 22P02, 22003, 22007, 22008, 22P03, 22021.
 */
#ifndef DM_PARSE_H
#define DM_PARSE_H

#include "warehouse/types.h"

int dm_parse_text(struct dm_arena *a, const struct dm_type *t, struct dm_str text,
                  struct dm_cell *ret, struct dm_err *reterr) dm_nodiscard;
/* `oid`: what the client says that the bytes are; 0 = what the type is described as. */
int dm_parse_binary(struct dm_arena *a, const struct dm_type *t, unsigned oid, struct dm_str bytes,
                    struct dm_cell *ret, struct dm_err *reterr) dm_nodiscard;

#endif
