/*
 * The files of an input, by Spark's rules: hidden names, sub-folders, `key=value` partitions, order.
 */
#ifndef DM_TEXT_LISTING_H
#define DM_TEXT_LISTING_H

#include "text/text_err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    DM_LISTING_DEPTH_MAX = 32,      /* folders below an input */
    DM_LISTING_FILES_MAX = 1 << 20, /* files of all inputs */
};

struct dm_listing_file {
    char *path;
    char *
        folders; /* between the input and the file, "" = none; NULL where the file itself was named */
    uint64_t size;
    size_t order; /* of listing */
    bool partitioned;
    char **values; /* one per partition column, NULL = SQL NULL; NULL where not partitioned */
};

struct dm_listing {
    struct dm_listing_file *files;
    size_t n, cap;
    char **partition_columns;
    size_t n_partition_columns;
    size_t seen; /* visible files, the empty ones too */
};

/* Adds a file as it is, or the visible files of a folder.  Files of no bytes are counted but not listed.
   `partitions`: go down into `key=value` folders (spark); otherwise sub-folders are left alone. */
int dm_listing_add(struct dm_listing *l, const char *path, bool partitions,
                   struct dm_text_err *reterr) dm_text_nodiscard;
/* After the last one: finds the partition columns.  DM_TEXT_E_PARTITIONS where folders disagree. */
int dm_listing_partition(struct dm_listing *l, struct dm_text_err *reterr) dm_text_nodiscard;
/* Largest first, and in the order of listing where equal. */
void dm_listing_by_size(struct dm_listing *l);
void dm_listing_release(struct dm_listing *l);

#endif
