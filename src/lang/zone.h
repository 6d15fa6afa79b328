/*
 * Time zones of the tz database.  zone.c reads the bytes of a zone file (RFC 8536, versions 1 to 4, with the rule
 * for the time behind its last entry); zone_file.c finds the file.  UTC needs no file.
 *
 * Instants and local times are microseconds; a local time counts from 1970-01-01 00:00 on the wall clock.
 */
#ifndef DM_ZONE_H
#define DM_ZONE_H

#include "base/str.h"

enum { DM_ZONE_FILE_MAX = 1 << 20, DM_ZONE_TRANSITIONS_MAX = 20000 };

struct dm_zone;

/* A time during which the clock's offset stays the same: [start, end), INT64_MIN and INT64_MAX where open. */
struct dm_zone_span {
    int64_t start, end;
    int64_t offset; /* microseconds to add to UTC */
    bool dst;
    const char *abbreviation; /* "CET" */
};

extern const struct dm_zone dm_zone_utc;

/* The bytes of a zone file.  `name` is copied. */
int dm_zone_parse(struct dm_arena *a, const char *name, struct dm_str bytes,
                  const struct dm_zone **ret, struct dm_err *reterr) dm_nodiscard;
/* Reads the system's tz database.  DM_E_NOTFOUND with the nearest hint where there is no such zone. */
int dm_zone_load(struct dm_arena *a, const char *name, const struct dm_zone **ret,
                 struct dm_err *reterr) dm_nodiscard;

const char *dm_zone_name(const struct dm_zone *z);
struct dm_zone_span dm_zone_span_at(const struct dm_zone *z, int64_t utc);
/* Wall clock time at an instant. */
int64_t dm_zone_local(const struct dm_zone *z, int64_t utc);
/* The instant of a wall clock time.  One that occurs twice is its first passage, or with `second` the second; one
   that a clock change skips is moved forward by the length of the gap. */
int64_t dm_zone_instant(const struct dm_zone *z, int64_t local, bool second);

#endif
