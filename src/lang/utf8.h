/*
 * Text as characters, for templates: walking UTF-8, and letters, case and white space beyond ASCII (by the C
 * library's Unicode tables).  Texts are valid UTF-8; a stray byte counts as one character and is kept.
 */
#ifndef DM_LANG_UTF8_H
#define DM_LANG_UTF8_H

#include "base/str.h"

/* The character at p (p < end) and its length in bytes. */
size_t dm_utf8_get(const char *p, const char *end, uint32_t *ret);
/* The start of the character that ends at `end` (from < end). */
const char *dm_utf8_back(const char *from, const char *end, uint32_t *ret);
void dm_utf8_put(struct dm_strbuf *b, uint32_t cp);
size_t dm_utf8_count(struct dm_str s);
/* Byte position of character number `n`; the length where there are fewer. */
size_t dm_utf8_offset(struct dm_str s, size_t n);

bool dm_utf8_is_space(uint32_t cp);
bool dm_utf8_is_alpha(uint32_t cp);
bool dm_utf8_is_digit(uint32_t cp);
bool dm_utf8_is_alnum(uint32_t cp);
bool dm_utf8_is_upper(uint32_t cp);
bool dm_utf8_is_lower(uint32_t cp);
bool dm_utf8_is_printable(uint32_t cp); /* as Python's repr decides */
/* Upper case of one character may be several ("ß"). */
void dm_utf8_put_upper(struct dm_strbuf *b, uint32_t cp);
void dm_utf8_put_lower(struct dm_strbuf *b, uint32_t cp);
void dm_utf8_put_title(struct dm_strbuf *b, uint32_t cp);

#endif
