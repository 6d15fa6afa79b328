/*
 * A vendor's CSV before it is loaded: the names in its header, and whether its dates can be read in one way only.
 *
 * Dates are ISO or M/D/YYYY.  A file of another country reads "5/12/2010" as the fifth of December, and a database
 * that reads it as May complains of nothing; so a file is looked at as a whole before its first row is loaded.
 */
#ifndef DM_CMD_LOAD_FILE_H
#define DM_CMD_LOAD_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"

enum { DM_LOAD_COLUMNS_MAX = 1600 };

/* The first record: quoted names, commas, perhaps a byte order mark. */
struct dm_load_header {
    struct dm_str text; /* the line as it is */
    const char **names;
    size_t n;
};
int dm_load_header_read(struct dm_arena *a, int fd, struct dm_load_header *ret,
                        struct dm_err *reterr) dm_nodiscard;

struct dm_load_dates {
    const bool *is_date; /* per column of the file */
    size_t n_cols;
    int64_t from,
        to; /* the days that are expected, DM_NEVER where unknown: read the other way round, a date
                         often lies far outside of them, and that settles it */
    const char *yaml; /* where "dates: mdy" would stand, for the hint */
};

/*
 * Reads the whole file (the descriptor's offset stays).  DM_E_DATA with the line where a date has its day first, or
 * where every date of the file could have.  What is no date at all is left to the database.
 */
int dm_load_dates_check(int fd, const char *name, const struct dm_load_dates *d,
                        struct dm_err *reterr) dm_nodiscard;

#endif
