/*
 * RFC 4180 records, exactly.
 *
 * A record ends at LF or CR LF outside quotes, or at the end of the input.  A field that starts with a quote ends at
 * the next quote that is not doubled; any other field is literal, quotes included.  What the grammar does not allow
 * makes a record that is rejected, and says where it ends all the same: text behind a closing quote runs on to the
 * next comma or line break.
 */
#ifndef DM_TEXT_RFC4180_H
#define DM_TEXT_RFC4180_H

#include "text/rows.h"

#define DM_RFC4180_FIELD_MAX ((size_t)16 << 20)
/* A record that is larger than this while it still goes on is rejected as a field too long. */
#define DM_RFC4180_RECORD_MAX ((size_t)64 << 20)

struct dm_rfc4180_field {
    const uint8_t *p; /* behind the opening quote where there is one */
    size_t len;       /* raw: doubled quotes are still doubled */
    bool doubled;
};

struct dm_rfc4180_record {
    struct dm_rfc4180_field *fields;
    size_t n, cap;
    size_t len; /* of the record with its line break */
    bool bad;
    enum dm_text_reason reason; /* where bad: the first one found */
};

/* Reads the record at p.  `last`: the input ends at p + n.  False where it goes on behind p + n. */
bool dm_rfc4180_read(const uint8_t *p, size_t n, bool last, struct dm_rfc4180_record *ret);
void dm_rfc4180_release(struct dm_rfc4180_record *r);
/* Appends the field's value. */
void dm_rfc4180_value(const struct dm_rfc4180_field *f, struct dm_text_bytes *out);

/* Finds the end of a record that is too large to keep: feed it the bytes as they come. */
struct dm_rfc4180_skip {
    enum { DM_SKIP_START, DM_SKIP_PLAIN, DM_SKIP_QUOTED, DM_SKIP_QUOTE } state;
};
/* How many of the bytes belong to the record; *ret_done where it ended with them. */
size_t dm_rfc4180_skip(struct dm_rfc4180_skip *s, const uint8_t *p, size_t n, bool *ret_done);

#endif
