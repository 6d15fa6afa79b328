/*
 * Strings: `struct dm_str` to read (pointer and length, by value, not terminated) and `struct dm_strbuf` to
 * build (grows up to a maximum that it is given at birth; always terminated).
 *
 * A strbuf that would pass its maximum keeps what it has and becomes `full`: code may add freely and ask once
 * at the end with dm_strbuf_check.
 */
#ifndef DM_STR_H
#define DM_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct dm_str {
    const char *p;
    size_t len;
};

#define DM_STR(literal) ((struct dm_str){"" literal, sizeof(literal) - 1})
/* For printf("%.*s", DM_FMT(s)). */
#define DM_FMT(s) (int)(s).len, (s).p

static inline struct dm_str dm_str_n(const char *p, size_t len)
{
    return (struct dm_str){p, len};
}

struct dm_str dm_str_c(const char *s); /* NULL gives an empty string */
bool dm_str_eq(struct dm_str a, struct dm_str b);
bool dm_str_is(struct dm_str a, const char *b);
bool dm_str_ieq(struct dm_str a, struct dm_str b); /* ASCII letter case ignored */
int dm_str_cmp(struct dm_str a, struct dm_str b);  /* bytewise */
bool dm_str_starts(struct dm_str s, struct dm_str prefix);
bool dm_str_ends(struct dm_str s, struct dm_str suffix);
/* Position of the first needle at or after `from`, or -1. */
ptrdiff_t dm_str_find(struct dm_str s, struct dm_str needle, size_t from);
struct dm_str dm_str_sub(struct dm_str s, size_t from, size_t to);
struct dm_str dm_str_trim(struct dm_str s); /* ASCII white space */
/* Cuts the piece before the next `sep` off *rest; false when *rest is used up (its p is then NULL). */
bool dm_str_split(struct dm_str *rest, char sep, struct dm_str *ret_piece);
struct dm_str dm_str_dup(struct dm_arena *a, struct dm_str s); /* terminated behind its length */
const char *dm_str_cstr(struct dm_arena *a, struct dm_str s);
struct dm_str dm_str_printf(struct dm_arena *a, const char *fmt, ...) dm_printf(2, 3);
/* The whole string must be the number. */
bool dm_str_to_i64(struct dm_str s, int64_t *ret);
bool dm_str_to_f64(struct dm_str s, double *ret);
bool dm_utf8_valid(struct dm_str s, size_t *ret_bad_at);
uint64_t dm_str_hash(struct dm_str s);
/* Edit distance up to `limit`, for "did you mean"; limit + 1 where it is more. */
unsigned dm_str_distance(struct dm_str a, struct dm_str b, unsigned limit);
/* The nearest of the names (NULL-terminated list), else the only one that begins so; NULL where none is worth
   suggesting. */
const char *dm_str_nearest(struct dm_str s, const char *const *names);

struct dm_strbuf {
    char *p;
    size_t len, cap, max;
    bool full;
};

/* Named limits of buffers. */
#define DM_BUF_MESSAGE ((size_t)64 << 10) /* one line for people */
#define DM_BUF_TEXT ((size_t)16 << 20)    /* a document: SQL, JSON, YAML, a rendered template */
#define DM_BUF_FRAME ((size_t)64 << 20)   /* a message between our processes */

void dm_strbuf_init(struct dm_strbuf *b, size_t max);
void dm_strbuf_release(struct dm_strbuf *b);
void dm_strbuf_clear(struct dm_strbuf *b);
void dm_strbuf_add(struct dm_strbuf *b, const void *p, size_t n);
void dm_strbuf_adds(struct dm_strbuf *b, const char *s);
void dm_strbuf_addstr(struct dm_strbuf *b, struct dm_str s);
void dm_strbuf_addc(struct dm_strbuf *b, char c);
void dm_strbuf_addf(struct dm_strbuf *b, const char *fmt, ...) dm_printf(2, 3);
void dm_strbuf_vaddf(struct dm_strbuf *b, const char *fmt, va_list ap) dm_printf(2, 0);
/* Room for n more bytes at p + len; NULL where that passes the maximum.  Then add the bytes used to len. */
char *dm_strbuf_reserve(struct dm_strbuf *b, size_t n);
void dm_strbuf_truncate(struct dm_strbuf *b, size_t len);
/* An SQL literal 'it''s' (no backslash escapes) and identifier "na""me". */
void dm_strbuf_add_sql_literal(struct dm_strbuf *b, struct dm_str s);
void dm_strbuf_add_sql_ident(struct dm_strbuf *b, struct dm_str s);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void dm_strbuf_add_json(struct dm_strbuf *b, struct dm_str s);
struct dm_str dm_strbuf_str(const struct dm_strbuf *b);
/* DM_E_LIMIT where the buffer is full: "WHAT is larger than N bytes". */
int dm_strbuf_check(const struct dm_strbuf *b, const char *what,
                    struct dm_err *reterr) dm_nodiscard;
#define _cleanup_strbuf_ DM_CLEANUP(dm_strbuf_release)

#endif
