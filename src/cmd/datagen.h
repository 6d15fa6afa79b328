/*
 * Generated sample data with the columns, dialects, distributions and oddities of the real files (Online Retail, a
 * vendor's film reviews).  The same scale and seed give the same bytes; no floating point is involved.
 */
#ifndef DM_DATAGEN_H
#define DM_DATAGEN_H

#include "base/file.h"

struct dm_datagen {
    uint64_t seed;
    uint64_t permille; /* scale in thousandths: 1000 = as large as the real files */
};

/* Scale as text ("0.02", "1", "4") in thousandths, 1 to 1,000,000. */
int dm_datagen_scale(const char *text, uint64_t *ret_permille, struct dm_err *reterr) dm_nodiscard;

/* 2010-12-01 to 2011-12-09, Saturdays and Christmas empty; CRLF; *ret_rows without the header. */
int dm_datagen_purchases(const struct dm_datagen *d, const char *path, int64_t *ret_rows,
                         struct dm_err *reterr) dm_nodiscard;
int dm_datagen_reviews(const struct dm_datagen *d, const char *path, int64_t *ret_rows,
                       struct dm_err *reterr) dm_nodiscard;

#endif
