/*
 * What the operators that speak SQL share: a session, a transaction that is repeated after a conflict, values of a
 * result, and the text that a person sees of it.
 */
#ifndef DM_SQL_SESSION_H
#define DM_SQL_SESSION_H

#include "task/attempt.h"

enum {
    DM_SQL_TRIES = 6,        /* of a transaction that conflicts with another one (40001, 40P01) */
    DM_SQL_XCOM_ROWS = 1000, /* rows of a result that become an XCom value; more are counted only */
    DM_SQL_XCOM_BYTES = 1 << 20,
    DM_SQL_SHOWN_CELL = 60 /* characters of a cell in a table for people */
};

/* A session on the connection; `database` (may be empty) instead of the connection's. */
int dm_sql_session(struct dm_attempt *at, struct dm_str conn_id, struct dm_str database,
                   struct dm_pg **ret, struct dm_err *reterr) dm_nodiscard;

/* Whether the same statements may succeed if they are sent again: a conflict with another transaction. */
bool dm_sql_is_conflict(const struct dm_err *err);

/*
 * begin, body, COMMIT; after a failure ROLLBACK, and after a conflict everything again.  `body` must be repeatable: it
 * reports nothing upward.  `begin` NULL = no transaction, only the repeats.
 */
int dm_sql_transaction(struct dm_attempt *at, struct dm_pg *pg, const char *begin,
                       int (*body)(void *user, struct dm_err *reterr), void *user,
                       struct dm_err *reterr) dm_nodiscard;
/* One snapshot for every statement of the transaction. */
#define DM_SQL_BEGIN_SNAPSHOT "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ"

/* Airflow's parameters: %s (from a list) or %(name)s (from a map) become literals, %% becomes %.  Without parameters
   (NULL, null) the text stays as it is. */
int dm_sql_bind(struct dm_arena *a, struct dm_str sql, const struct dm_value *parameters,
                struct dm_str *ret, struct dm_err *reterr) dm_nodiscard;

/* A cell: integers, floats, booleans by their type; everything else, numerics too, as the text of the server. */
const struct dm_value *dm_sql_cell(struct dm_arena *a, const struct dm_pg_result *r, size_t row,
                                   size_t col);
/* All rows as a list of lists, or NULL where there are more than DM_SQL_XCOM_ROWS or DM_SQL_XCOM_BYTES. */
const struct dm_value *dm_sql_rows(struct dm_arena *a, const struct dm_pg_result *r);
/* Rows as a list of maps by column name, at most `max`. */
const struct dm_value *dm_sql_row_maps(struct dm_arena *a, const struct dm_pg_result *r,
                                       size_t max);
/* An aligned table of at most `max` rows, cells cut, for people. */
void dm_sql_table_text(struct dm_strbuf *b, const struct dm_pg_result *r, size_t max);

/* "warehouse://staging.t": a table as the ledger names it. */
const char *dm_sql_dataset(struct dm_attempt *at, struct dm_str conn_id, const char *table);

#endif
