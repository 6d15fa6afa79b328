/*
 * COPY's input formats cut into rows of fields by PostgreSQL's rules: text, CSV and binary.  Bytes only: pieces of any
 * size go in, rows come out.
 */
#ifndef DM_COPY_READ_H
#define DM_COPY_READ_H

#include "warehouse/rewrite.h"

/* One row, its fields still escaped or quoted, is in memory. */
#define DM_COPY_ROW_MAX ((size_t)64 << 20)
enum { DM_COPY_FIELDS_MAX = 1664 }; /* PostgreSQL's most columns */

struct dm_copy_field {
    struct dm_str text;
    bool null;
    bool quoted;
};

enum dm_copy_eol { DM_COPY_EOL_UNKNOWN, DM_COPY_EOL_NL, DM_COPY_EOL_CR, DM_COPY_EOL_CRNL };

struct dm_copy_reader {
    const struct dm_copy_options *opts;
    struct dm_str null_text;
    struct dm_strbuf in;
    size_t at;
    bool eof;      /* no more bytes will come */
    bool finished; /* the end marker was read */
    enum dm_copy_eol eol;
    bool started;             /* the binary header has been read */
    int64_t line;             /* of the last row, as PostgreSQL counts: physical lines */
    struct dm_strbuf scratch; /* fields without their escapes */
    struct dm_copy_field *fields;
    size_t *scratch_at; /* where a field begins in scratch, or SIZE_MAX */
    size_t n_fields, cap_fields;
};

void dm_copy_reader_init(struct dm_copy_reader *r, const struct dm_copy_options *opts);
void dm_copy_reader_release(struct dm_copy_reader *r);
int dm_copy_feed(struct dm_copy_reader *r, struct dm_str bytes, struct dm_err *reterr) dm_nodiscard;
void dm_copy_feed_end(struct dm_copy_reader *r);
/* 1: a row is in fields[0 … n_fields); 0: more bytes are needed, or the end where dm_copy_feed_end was called. */
int dm_copy_next(struct dm_copy_reader *r, struct dm_err *reterr) dm_nodiscard;

#endif
