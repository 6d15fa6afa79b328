/* Inside state/ only: texts that are kept compressed, with zlib, opened at first use. */
#ifndef DM_PACK_H
#define DM_PACK_H

#include "base/str.h"

/* The text compressed, in the arena; the text itself where that is not shorter, or zlib is not there. */
struct dm_str dm_pack(struct dm_arena *a, struct dm_str text);
/* The text of `bytes` bytes that dm_pack made this of. */
int dm_unpack(struct dm_arena *a, struct dm_str packed, int64_t bytes, struct dm_str *ret,
              struct dm_err *reterr) dm_nodiscard;

#endif
