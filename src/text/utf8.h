/* UTF-8 as Java reads it. */
#ifndef DM_TEXT_UTF8_H
#define DM_TEXT_UTF8_H

#include "text/bytes.h"

#include <stdbool.h>

/* The character at p (p < e) and, in *ret_n, how many bytes it takes.  Malformed bytes give U+FFFD as Java's
   decoder does: one for the longest valid beginning of a sequence, one for a whole encoded surrogate. */
uint32_t dm_text_utf8_next(const uint8_t *p, const uint8_t *e, unsigned *ret_n);
bool dm_text_utf8_valid(const uint8_t *p, size_t n);
/* Appends the text with every malformed sequence replaced. */
void dm_text_utf8_repair(struct dm_text_bytes *out, const uint8_t *p, size_t n);
void dm_text_utf8_put(struct dm_text_bytes *out, uint32_t cp);

#endif
