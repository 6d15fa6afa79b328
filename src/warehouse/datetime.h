/*
 * Dates, times and intervals as PostgreSQL reads them with DateStyle "ISO, MDY".  Pure.
 *
 * Errors are PostgreSQL's: 22007 for what is no date at all, 22008 for one that does not exist.
 */
#ifndef DM_DATETIME_H
#define DM_DATETIME_H

#include "warehouse/types.h"

/* A time of day where there is none is midnight.  A zone is applied where `zoned` (none = UTC), else ignored. */
int dm_parse_timestamp(struct dm_str text, bool zoned, int64_t *ret_us,
                       struct dm_err *reterr) dm_nodiscard;
/* A time of day behind the date is ignored, a zone too ("2010-12-01 +00"). */
int dm_parse_date(struct dm_str text, int32_t *ret_days, struct dm_err *reterr) dm_nodiscard;
/* Microseconds since midnight, and seconds east where there is a zone. */
int dm_parse_time(struct dm_str text, int64_t *ret_us, int *ret_offset,
                  struct dm_err *reterr) dm_nodiscard;
/* "1 year 2 mons -3 days 04:05:06.7", "P1Y2M3DT4H5M6S", "1-2", "3 days ago". */
int dm_parse_interval(struct dm_str text, duckdb_interval *ret, struct dm_err *reterr) dm_nodiscard;

#endif
