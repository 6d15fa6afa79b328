/*
 * One line of text -> fields, exactly as Spark's CSV parser (univocity 2.9.1) cuts it with the defaults of
 * `spark.read.option("header", True)`: delimiter ',', quote '"', escape '\', STOP_AT_DELIMITER.
 *
 * This is the slow and exact machine: bytes in, bytes out (all that it looks at is ASCII, so malformed UTF-8 passes
 * through and is repaired by whoever shows a value).
 */
#ifndef DM_TEXT_SPARK_LINE_H
#define DM_TEXT_SPARK_LINE_H

#include "text/bytes.h"

#include <stdbool.h>

enum { DM_SPARK_COLUMNS_MAX = 20480 }; /* univocity's maxColumns as Spark sets it */

/* Which columns a reader wants (column pruning).  A column that is not wanted ends where univocity's short cut says;
   that differs from the full parse only around `\\"`. */
struct dm_spark_keep {
    const uint8_t *wanted; /* not 0 for a column that is wanted */
    size_t n;              /* columns behind these are not wanted */
};

struct dm_spark_fields {
    struct dm_text_bytes text; /* the values, one after another */
    size_t *ends;              /* of each value in text */
    size_t n, cap;
};

/* Replaces what `ret` holds (start with a zeroed one).  `keep` NULL = every column.  False where the line has more
   than DM_SPARK_COLUMNS_MAX fields (Spark's job fails there). */
bool dm_spark_split(const uint8_t *p, size_t n, const struct dm_spark_keep *keep,
                    struct dm_spark_fields *ret);
void dm_spark_fields_release(struct dm_spark_fields *f);

struct dm_spark_value {
    const uint8_t *p;
    size_t len; /* 0 = SQL NULL: empty and missing are the same */
};
struct dm_spark_value dm_spark_field(const struct dm_spark_fields *f, size_t i);

#endif
