/* Lower case as Java 17's String.toLowerCase() in every locale but Turkish, Azeri and Lithuanian. */
#ifndef DM_TEXT_LOWER_H
#define DM_TEXT_LOWER_H

#include "text/bytes.h"

/* Appends the text in lower case; malformed UTF-8 becomes U+FFFD on the way. */
void dm_text_lower(struct dm_text_bytes *out, const uint8_t *p, size_t n);

#endif
