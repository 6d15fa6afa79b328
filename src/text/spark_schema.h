/*
 * The columns of a Spark input: names from the header of the largest file, partition columns behind them or in
 * place of the column of that name.
 */
#ifndef DM_TEXT_SPARK_SCHEMA_H
#define DM_TEXT_SPARK_SCHEMA_H

#include "text/listing.h"
#include "text/scan.h"
#include "text/source.h"

/* A line that is longer ends the job. */
#define DM_SPARK_LINE_MAX ((size_t)1 << 30)

struct dm_spark_column {
    uint8_t *name; /* UTF-8, may hold NULs */
    size_t len;
    bool partition;
    size_t index; /* in the line, or in the file's partition values */
};

struct dm_spark_schema {
    struct dm_spark_column *columns;
    size_t n;
    size_t fields;   /* columns that the header named */
    uint8_t *wanted; /* per field: not replaced by a partition */
};

/* Reads on until `buf` holds the first line that is not blank (spaces only), whole; *ret_len = SIZE_MAX where the
   input has none.  The byte order mark at the beginning is not part of the line. */
int dm_spark_find_header(struct dm_text_source *s, struct dm_text_bytes *buf, size_t *ret_at,
                         size_t *ret_len, struct dm_text_err *reterr) dm_text_nodiscard;
/* From that line, without partitions. */
int dm_spark_schema_parse(const uint8_t *header, size_t len, struct dm_spark_schema *ret,
                          struct dm_text_err *reterr) dm_text_nodiscard;
/* From the files (sorted by size).  No columns where all of them are blank. */
int dm_spark_schema_read(const struct dm_listing *files, bool check_crc,
                         struct dm_spark_schema *ret, struct dm_text_err *reterr) dm_text_nodiscard;
void dm_spark_schema_release(struct dm_spark_schema *s);

/* Where the script finds `review_str` (case matters) and `cid` (it does not).  `wanted` (s->fields bytes) is filled
   and kept by the plan. */
int dm_spark_plan(const struct dm_spark_schema *s, uint8_t *wanted, struct dm_text_plan *ret,
                  struct dm_text_err *reterr) dm_text_nodiscard;
/* The values that a partition fixes for one file. */
void dm_spark_plan_file(const struct dm_spark_schema *s, const struct dm_listing_file *f,
                        struct dm_text_plan *plan);

/* The beginning of a file's data: skips the byte order mark (where `start`), blank lines and the header line.
   *ret_used: bytes to drop; *ret_lines: line ends among them.  1 done, 0 more bytes are needed, negative error. */
int dm_spark_skip_header(const uint8_t *p, size_t n, bool start, bool last, size_t *ret_used,
                         uint64_t *ret_lines, struct dm_text_err *reterr);

#endif
