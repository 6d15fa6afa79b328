/* COPY's output formats: rows of the engine as PostgreSQL writes them.  Bytes only. */
#ifndef DM_COPY_WRITE_H
#define DM_COPY_WRITE_H

#include "warehouse/rewrite.h"
#include "warehouse/types.h"

struct dm_copy_writer {
    const struct dm_copy_options *opts;
    const struct dm_column *cols;
    size_t n_cols;
    struct dm_strbuf cell;
    bool *forced; /* columns that are always quoted */
};

void dm_copy_writer_init(struct dm_copy_writer *w, const struct dm_copy_options *opts,
                         const struct dm_column *cols, size_t n_cols);
void dm_copy_writer_release(struct dm_copy_writer *w);
/* What stands before the rows: the header line, the binary signature, or nothing. */
void dm_copy_write_start(struct dm_copy_writer *w, struct dm_strbuf *out);
int dm_copy_write_row(struct dm_copy_writer *w, const struct dm_chunk *chunk, size_t row,
                      struct dm_strbuf *out, struct dm_err *reterr) dm_nodiscard;
void dm_copy_write_end(struct dm_copy_writer *w, struct dm_strbuf *out); /* the binary trailer */

#endif
