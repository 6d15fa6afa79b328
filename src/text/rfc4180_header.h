/* The header of an RFC 4180 file: which field is `cid`, which `review_str`. */
#ifndef DM_TEXT_RFC4180_HEADER_H
#define DM_TEXT_RFC4180_HEADER_H

#include "text/scan.h"
#include "text/text_err.h"

enum { DM_RFC4180_COLUMNS_MAX = 65536 };

/* Reads the header at p, byte order mark included.  *ret_used: its bytes; *ret_lines: line breaks among them.
   1 done, 0 more bytes are needed, negative error (no header, broken header, a column missing or there twice). */
int dm_rfc4180_header(const uint8_t *p, size_t n, bool last, struct dm_text_plan *ret_plan,
                      size_t *ret_used, uint64_t *ret_lines, struct dm_text_err *reterr);

#endif
