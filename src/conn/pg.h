/*
 * SQL connections: libpq (opened at first use) for PostgreSQL, Redshift and the embedded warehouse alike.
 * An embedded warehouse that is not running is started (conn/warehouse_start.h).
 *
 * Errors of the server keep its SQLSTATE, detail, hint and position (the detail begins with the SQLSTATE, the line of the
 * statement and a caret under the place); their code is DM_E_CONFLICT (may be repeated),
 * CONNECTION, DISKFULL, NOMEM, BUSY, PERMISSION or CANCELLED where the SQLSTATE says so, else DM_E_SQL.
 */
#ifndef DM_PG_H
#define DM_PG_H

#include "conn/connection.h"

struct dm_pg; /* one session */

int dm_pg_open(const struct dm_project *p, const struct dm_connection *c,
               const char *application_name, struct dm_pg **ret,
               struct dm_err *reterr) dm_nodiscard;
void dm_pg_close(struct dm_pg *pg); /* takes NULL */
void dm_pg_closep(struct dm_pg **pg);
#define _cleanup_pg_ DM_CLEANUP(dm_pg_closep)

/* The texts of one result together, at most. */
#define DM_PG_RESULT_MAX ((size_t)256 << 20)

/* A result in an arena: text format, NULL = SQL NULL. */
struct dm_pg_result {
    size_t n_cols, n_rows;
    const char **cols;  /* names */
    unsigned *oids;     /* types */
    const char ***rows; /* rows[r][c] */
    const char *tag;    /* command tag: "INSERT 0 5" */
    int64_t affected;   /* from the tag; -1 where it has none */
};

/* One statement.  params may be NULL (and so may each of them: SQL NULL).  A COPY from or to the client is refused. */
int dm_pg_exec(struct dm_pg *pg, struct dm_arena *a, struct dm_str sql, const char *const *params,
               size_t n_params, struct dm_pg_result *ret, struct dm_err *reterr) dm_nodiscard;

/* COPY (…) TO STDOUT: calls sink for each row as it arrives.  Success only where the command tag says so and its
   count equals the rows received; *ret_rows is that count (a header is not counted). */
int dm_pg_copy_out(struct dm_pg *pg, struct dm_str sql, bool has_header,
                   int (*sink)(void *user, const char *bytes, size_t n, struct dm_err *reterr),
                   void *user, int64_t *ret_rows, struct dm_err *reterr) dm_nodiscard;
/* COPY … FROM STDIN: calls source until it gives 0 bytes; a source that fails ends the COPY with an error. */
int dm_pg_copy_in(struct dm_pg *pg, struct dm_str sql,
                  int (*source)(void *user, char *buf, size_t cap, size_t *ret_n,
                                struct dm_err *reterr),
                  void *user, int64_t *ret_rows, struct dm_err *reterr) dm_nodiscard;

/* Quoting for texts that must be put together ("schema"."table"; 'literal'); in the arena. */
const char *dm_pg_ident(struct dm_arena *a, const char *dotted_name);
const char *dm_pg_literal(struct dm_arena *a, const char *text);

/* For another client, such as psql: a connection string without the password, and NAME=VALUE for its environment
   (NULL-terminated).  The embedded warehouse is not started. */
int dm_pg_client_settings(struct dm_arena *a, const struct dm_project *p,
                          const struct dm_connection *c, const char **ret_target,
                          const char *const **ret_env, struct dm_err *reterr) dm_nodiscard;

#endif
