/*
 * The Parquet file of a classification, with the columns that Spark writes:
 *
 *   message spark_schema {
 *     optional binary cid (STRING);
 *     optional boolean positive_review;
 *     required binary insert_date (STRING);
 *   }
 *
 * Uncompressed, format version 1; rows in the order in which they are added; several row groups, so that memory is
 * bounded by one of them (about 10 MiB).  cid is dictionary-encoded where that is smaller, PLAIN otherwise;
 * statistics (min, max, nulls) on all three.
 *
 *   struct dm_parquet *w = dm_parquet_new(write, arg, "2010-12-01");
 *   dm_parquet_add(w, cid, len, positive) …  dm_parquet_finish(w)  dm_parquet_free(w)
 */
#ifndef DM_TEXT_PARQUET_H
#define DM_TEXT_PARQUET_H

#include "text/bytes.h"
#include "text/text_err.h"

#include <stdbool.h>

enum {
    DM_PARQUET_ROWS_MAX = 256 << 10,    /* of a row group */
    DM_PARQUET_CIDS_MAX = 8 << 20,      /* bytes of distinct cids in a row group */
    DM_PARQUET_STATISTIC_MAX = 4 << 10, /* a longer cid gives no min and max */
};

/* Takes the file's bytes in order.  0 or a negative errno. */
typedef int (*dm_parquet_write_fn)(void *arg, const void *p, size_t n);

struct dm_parquet;

struct dm_parquet *dm_parquet_new(dm_parquet_write_fn write, void *arg, const char *insert_date);
/* `cid` NULL = SQL NULL; must be valid UTF-8. */
int dm_parquet_add(struct dm_parquet *w, const uint8_t *cid, size_t len, bool positive,
                   struct dm_text_err *reterr) dm_text_nodiscard;
/* Writes what is left and the footer. */
int dm_parquet_finish(struct dm_parquet *w, struct dm_text_err *reterr) dm_text_nodiscard;
uint64_t dm_parquet_bytes(const struct dm_parquet *w); /* written so far */
void dm_parquet_free(struct dm_parquet *w);

#endif
