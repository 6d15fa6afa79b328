/*
 * Many rows into a table: cells are written into data chunks, and the engine takes them as one INSERT … SELECT, so that
 * defaults, casts and constraints hold.  Must run inside a transaction: rows of a load that is given up may have
 * reached the table, and only a rollback takes them away.
 */
#ifndef DM_BULK_H
#define DM_BULK_H

#include "warehouse/engine.h"

struct dm_bulk {
    size_t n_cols;
    const struct dm_column *cols; /* those that are loaded, in order */
    int64_t n_rows;
    struct dm_bulk_impl *impl;
};

/* `table` and `columns` quoted for the engine; `columns` NULL = all. */
int dm_bulk_open(struct dm_engine_conn *c, const char *table, const char *const *columns,
                 struct dm_bulk **ret, struct dm_err *reterr) dm_nodiscard;
/* The cell of the row that is open; the bytes are copied. */
void dm_bulk_put(struct dm_bulk *b, size_t col, const struct dm_cell *cell);
int dm_bulk_end_row(struct dm_bulk *b, struct dm_err *reterr) dm_nodiscard;
int dm_bulk_finish(struct dm_bulk *b, struct dm_err *reterr) dm_nodiscard;
void dm_bulk_free(struct dm_bulk *b); /* takes NULL */

#endif
