/*
 * Staged rows: the rows of a table that a condition selects, known by their count and a digest that does not depend on
 * their order.  Checks record what they saw, `publish` compares: what was changed in between is not published.
 *
 * The digest is computed by the server with functions that PostgreSQL and the embedded warehouse share: md5 of each
 * column's text, md5 of a row's, and md5 of all of them in order.
 */
#ifndef DM_STAGED_H
#define DM_STAGED_H

#include "op/sql_session.h"

/* Rows of one day: their hashes are one text of the server's, which PostgreSQL limits to 1 GiB. */
#define DM_STAGED_ROWS_MAX 20000000

#define DM_STAGED_XCOM "staged" /* key of the XCom value: {table, partition, rows, digest} */

struct dm_staged {
    int64_t rows;
    const char *digest; /* 32 hexadecimal digits; in the arena */
};

/* `partition`: a condition without WHERE; empty = all rows. */
int dm_staged_read(struct dm_pg *pg, struct dm_arena *a, const char *table, struct dm_str partition,
                   struct dm_staged *ret, struct dm_err *reterr) dm_nodiscard;

/* The XCom value that a check records. */
const struct dm_value *dm_staged_value(struct dm_arena *a, const char *table,
                                       struct dm_str partition, const struct dm_staged *s);

#endif
