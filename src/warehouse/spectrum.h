/*
 * The external catalog of one database: schemas, tables and partitions over the lake (Redshift Spectrum).
 *
 * Definitions are rows of the hidden schema `daymill_catalog` in the database's own file.  They are read once into
 * an immutable view that all sessions of the process share, and read again after each external DDL.  Such DDL is
 * refused inside a transaction block, so what the rows say is always committed, and visible to everybody at once.
 *
 * Threads: all functions may be called from any thread; a view may be used by several at once.
 */
#ifndef DM_SPECTRUM_H
#define DM_SPECTRUM_H

#include "warehouse/engine.h"
#include "warehouse/redshift_parse.h"

/* The hidden schema of each database. */
#define DM_HIDDEN_SCHEMA "daymill_catalog"

enum {
    DM_EXTERNAL_FILES_MAX = 200000, /* files that one table may have in the lake */
};

struct dm_external_partition {
    const char *const *values; /* one per partition column; NULL = SQL NULL */
    const char *location;      /* "bucket/key" */
};

struct dm_external_table {
    const char *schema, *name;
    const struct dm_redshift_column *columns; /* the partition's columns last */
    size_t n_columns, n_partition_columns;
    enum dm_redshift_format format;
    const char *location; /* "bucket/key" */
    const char *delimiter, *quote, *escape, *null_text;
    int64_t skip_lines;
    const struct dm_external_partition *partitions;
    size_t n_partitions;
};

struct dm_spectrum;      /* shared by the sessions of one database */
struct dm_spectrum_view; /* what it said at one moment */

int dm_spectrum_open(struct dm_engine_conn *c, const char *database, struct dm_spectrum **ret,
                     struct dm_err *reterr) dm_nodiscard;
void dm_spectrum_close(struct dm_spectrum *s);

struct dm_spectrum_view *dm_spectrum_view_ref(struct dm_spectrum *s);
void dm_spectrum_view_unref(struct dm_spectrum_view *v);
bool dm_spectrum_has_schema(const struct dm_spectrum_view *v, const char *schema);
const struct dm_external_table *dm_spectrum_table(const struct dm_spectrum_view *v,
                                                  const char *schema, const char *name);

/* Executes external DDL.  `c` must be outside a transaction. */
int dm_spectrum_perform(struct dm_spectrum *s, struct dm_engine_conn *c, struct dm_arena *a,
                        const struct dm_redshift_stmt *stmt, struct dm_err *reterr) dm_nodiscard;

/* ---- spectrum_read.c: what the engine reads instead of an external table */

enum dm_filter_op {
    DM_FILTER_EQ,
    DM_FILTER_LT,
    DM_FILTER_LE,
    DM_FILTER_GT,
    DM_FILTER_GE,
    DM_FILTER_IN
};

/* A condition on a partition column that every row of the result fulfils. */
struct dm_partition_filter {
    const char *column;
    enum dm_filter_op op;
    const char *const *values; /* literals as text; one, or for IN several */
    size_t n_values;
};

/* Appends a SELECT in parentheses that gives the table's columns, from the files that are there now.
   `file_columns` adds "$path" and "$size". */
int dm_spectrum_read(struct dm_engine_conn *c, struct dm_arena *a, const char *lake_dir,
                     const struct dm_external_table *t, const struct dm_partition_filter *filters,
                     size_t n_filters, bool file_columns, struct dm_strbuf *out,
                     struct dm_err *reterr) dm_nodiscard;
/* The same columns without rows, without a look at the lake. */
void dm_spectrum_read_nothing(const struct dm_external_table *t, bool file_columns,
                              struct dm_strbuf *out);
/* The form in which partition values are stored and compared: '2010-12-01' for a date, digits for an integer. */
int dm_spectrum_value(struct dm_arena *a, const struct dm_redshift_column *c, const char *value,
                      const char **ret, struct dm_err *reterr) dm_nodiscard;

#endif
