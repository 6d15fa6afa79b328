/*
 * Time arithmetic.  An instant is UTC microseconds since 1970-01-01 in an int64_t; DM_NEVER means "none".
 * Nothing here reads the clock (base/clock.h does) or a time zone (lang/ does).  Years 1 to 9999.
 */
#ifndef DM_TIME_H
#define DM_TIME_H

#include "base/str.h"

#define DM_NEVER INT64_MIN
#define DM_MS INT64_C(1000)
#define DM_SEC INT64_C(1000000)
#define DM_MIN (60 * DM_SEC)
#define DM_HOUR (60 * DM_MIN)
#define DM_DAY (24 * DM_HOUR)

/* A point on a calendar and a clock, without a zone. */
struct dm_civil {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second, usec;
};

int64_t dm_days_from_civil(int year, int month, int day); /* days since 1970-01-01 */
struct dm_civil dm_civil_from_us(int64_t us);
int64_t dm_us_from_civil(const struct dm_civil *c); /* fields must be in range */
int dm_month_days(int year, int month);
bool dm_is_leap(int year);
int dm_weekday(int year, int month, int day); /* 0 = Sunday */
bool dm_civil_valid(const struct dm_civil *c);

enum { DM_TIME_MAX = 40 }; /* room for any of the texts below */
/* "2024-01-01T00:00:00+00:00", with ".250000" only where there are microseconds (Python's isoformat). */
const char *dm_time_iso(int64_t us, char buf[DM_TIME_MAX]);
/* As Python's str(datetime): "2024-01-01 00:00:00+00:00", with microseconds where there are any. */
const char *dm_time_python(int64_t us, char buf[DM_TIME_MAX]);
/* "2024-01-01T00:00:00Z", with microseconds where there are any. */
const char *dm_time_isoz(int64_t us, char buf[DM_TIME_MAX]);
/* "2024-01-01". */
const char *dm_time_date(int64_t us, char buf[DM_TIME_MAX]);
/* "2024-01-01 00:00:00". */
const char *dm_time_human(int64_t us, char buf[DM_TIME_MAX]);
/* "1.5 s", "12 ms", "3 min 20 s", "2 h 5 min". */
const char *dm_duration_human(int64_t us, char buf[DM_TIME_MAX]);

/* Parses "2024-01-01", "2024-01-01T10:00[:00[.123456]]" (T or a space) with "Z", "+01:00", "+0100" or nothing
   (then UTC).  The whole text must match. */
bool dm_time_parse(struct dm_str text, int64_t *ret_us);
/* Parses "2024-01-01" alone. */
bool dm_date_parse(struct dm_str text, int64_t *ret_us);

#endif
