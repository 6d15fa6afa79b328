/*
 * Inside state/ only: the one place that knows SQLite.  Statements are prepared once per store and kept; values are
 * bound by a format, one letter each:
 *   i  int64_t            t  const char *, NULL becomes NULL
 *   T  int64_t instant, DM_NEVER becomes NULL     s  struct dm_str
 *   n  int64_t, 0 becomes NULL                   b  struct dm_str, a blob
 */
#ifndef DM_DB_H
#define DM_DB_H

#include <sqlite3.h>

#include "state/store.h"

enum { DM_DB_STATEMENTS_MAX = 256 }; /* a power of two; literals in this folder */

struct dm_db_slot {
    const char *sql; /* the literal's address is the key */
    sqlite3_stmt *stmt;
};

struct dm_store {
    sqlite3 *db;
    bool in_transaction, durable;
    struct dm_db_slot slots[DM_DB_STATEMENTS_MAX];
};

/* The error of the last call on this store. */
int dm_db_error(struct dm_store *s, struct dm_err *reterr, const char *doing);
/* Brings the schema up to date (state/schema.c). */
int dm_db_migrate(struct dm_store *s, const struct dm_store_say *say,
                  struct dm_err *reterr) dm_nodiscard;
int dm_db_schema_version(struct dm_store *s, int64_t *ret, struct dm_err *reterr) dm_nodiscard;
/* The version that this program writes. */
int64_t dm_db_schema_newest(void);
/* The file that the store is (not of ":memory:"). */
const char *dm_db_path(const struct dm_store *s);
/* SQL without values and without results. */
int dm_db_script(struct dm_store *s, const char *sql, struct dm_err *reterr) dm_nodiscard;

/* Runs a statement that returns nothing; the number of rows changed. `sql` must be a literal. */
int dm_db_exec(struct dm_store *s, struct dm_err *reterr, const char *sql, const char *fmt,
               ...) dm_nodiscard;
/* Begins a query; step it with dm_db_next (1 a row, 0 the end) and let _cleanup_query_ reset it. */
int dm_db_query(struct dm_store *s, sqlite3_stmt **ret, struct dm_err *reterr, const char *sql,
                const char *fmt, ...) dm_nodiscard;
int dm_db_next(struct dm_store *s, sqlite3_stmt *q, struct dm_err *reterr) dm_nodiscard;
void dm_db_queryp(sqlite3_stmt **q);
#define _cleanup_query_ DM_CLEANUP(dm_db_queryp)

/* Columns of the present row, copied into the arena. */
const char *dm_db_text(struct dm_arena *a, sqlite3_stmt *q, int col); /* NULL stays NULL */
struct dm_str dm_db_str(struct dm_arena *a, sqlite3_stmt *q, int col);
int64_t dm_db_time(sqlite3_stmt *q, int col); /* NULL is DM_NEVER */
struct dm_str dm_db_blob(struct dm_arena *a, sqlite3_stmt *q, int col);
int64_t dm_db_int(sqlite3_stmt *q, int col, int64_t if_null);

/* A list that grows in an arena. */
struct dm_db_list {
    struct dm_arena *arena;
    void *rows;
    size_t n, cap, size;
};
/* Room for one more row, zeroed; NULL past DM_STORE_ROWS_MAX, with the error set. */
void *dm_db_list_add(struct dm_db_list *l, struct dm_err *reterr);
#define DM_DB_LIST(a, type)                \
    (struct dm_db_list)                    \
    {                                      \
        .arena = (a), .size = sizeof(type) \
    }

/* An event, in the present transaction. */
int dm_db_event(struct dm_store *s, int64_t now, enum dm_event_kind kind, int64_t run, int64_t task,
                int64_t attempt, struct dm_err *reterr, const char *data_fmt, ...) dm_nodiscard
    dm_printf(8, 9);

#endif
