/*
 * COPY with a file path in a user's SQL.  PostgreSQL reads and writes such a file on the server's machine, which needs
 * a superuser and a shared disk; here the client does it: the path becomes STDIN or STDOUT, everything else stays as it
 * is written.  Pure bytes.
 */
#ifndef DM_SQL_COPY_H
#define DM_SQL_COPY_H

#include "base/str.h"

struct dm_sql_copy {
    bool out;           /* TO; else FROM */
    bool header;        /* the HEADER option is on: its line is no row */
    struct dm_str path; /* the file, as the user means it */
    const char *table;  /* as written ("retail.user_purchase"); NULL for COPY (query) */
    struct dm_str sql;  /* with STDOUT or STDIN in place of the path */
};

/* One statement: 1 = a COPY of a file, 0 = anything else (also COPY of STDIN, and of an address like s3://…, which is
   the server's).  COPY … PROGRAM is DM_E_PERMISSION. */
int dm_sql_copy_parse(struct dm_arena *a, struct dm_str sql, struct dm_sql_copy *ret,
                      struct dm_err *reterr) dm_nodiscard;

#endif
