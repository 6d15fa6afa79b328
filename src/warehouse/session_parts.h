/* What the files of a session share: session.c, plan.c, query.c, extended.c, transaction.c, copy_in.c, copy_out.c. */
#ifndef DM_SESSION_PARTS_H
#define DM_SESSION_PARTS_H

#include "warehouse/link.h"
#include "warehouse/rewrite.h"
#include "warehouse/session.h"
#include "warehouse/types.h"

/* Limits of a session. */
enum {
    DM_SESSION_STATEMENTS_MAX = 10000,
    DM_SESSION_PORTALS_MAX = 1000,
    DM_SESSION_SAVEPOINTS_MAX = 1000,
};

/* One statement of a client, rewritten and prepared. */
struct dm_plan {
    int refs;
    struct dm_arena arena;
    struct dm_str text; /* the client's */
    int first_char;     /* where it begins in its message, in characters */
    bool empty;         /* nothing but comments */
    struct dm_statement st;
    struct dm_prepared *prepared; /* NULL for what runs nothing */
    size_t n_oids;
    unsigned *oids; /* as declared by the client; 0 = not */
};

struct dm_portal {
    struct dm_portal *next;
    char *name;
    struct dm_arena arena;
    struct dm_plan *plan;
    const struct dm_type *const *types;
    struct dm_cell *cells;
    size_t n_formats;
    int *formats; /* of results: none = text, one = all, else one per column */
    struct dm_result *result;
    struct dm_chunk chunk;
    size_t row; /* next of the chunk */
    bool done;
};

struct dm_named_plan {
    struct dm_named_plan *next;
    char *name;
    struct dm_plan *plan;
    uint64_t planned_at; /* the session's `steps` then */
};

struct dm_savepoint {
    struct dm_savepoint *outer;
    char *name;
    uint64_t writes; /* how many the block had seen */
};

struct dm_session {
    const struct dm_session_opts *opts;
    struct dm_link link;
    struct dm_engine_conn *conn;
    struct dm_rewriter *rewriter;
    char tx;         /* 'I', 'T', 'E' */
    bool implicit;   /* the block was begun by us */
    uint64_t writes; /* statements of this block that wrote */
    uint64_t
        steps; /* statements that ran and batches that ended: what was planned before may be out of date */
    struct dm_savepoint *savepoints;
    size_t n_savepoints;
    struct dm_named_plan *plans;
    size_t n_plans;
    struct dm_portal *portals;
    size_t n_portals;
    bool skipping; /* after an error of the extended protocol: until Sync */
    bool gone;     /* the client has left or cannot be reached */
};

/* For what may fail without anybody to tell. */
static inline void dm_ignore(int rc)
{
    (void)rc;
}

/* session.c: reports an error to the client and moves T to E. */
void dm_session_fail(struct dm_session *s, const struct dm_err *err, const char *where);
void dm_session_warn(struct dm_session *s, const char *sqlstate, const char *message);

/* transaction.c */
int dm_session_begin(struct dm_session *s, bool implicit, struct dm_err *reterr) dm_nodiscard;
int dm_session_commit(struct dm_session *s, struct dm_err *reterr) dm_nodiscard;
void dm_session_rollback(struct dm_session *s);
/* Ends an implicit block: commits, or rolls back where it failed. */
int dm_session_end_implicit(struct dm_session *s, struct dm_err *reterr) dm_nodiscard;
/* BEGIN, COMMIT, ROLLBACK and savepoints; adds the command tag. */
int dm_session_control(struct dm_session *s, const struct dm_statement *st,
                       struct dm_err *reterr) dm_nodiscard;

/* plan.c */
/* DM_E_SQL with a SQLSTATE and a message. */
int dm_session_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
    dm_printf(3, 4);
/* Rewrites and prepares; `first_char`: where the text begins in its message.  One reference, the caller's. */
int dm_plan_new(struct dm_session *s, struct dm_str text, int first_char, const unsigned *oids,
                size_t n_oids, struct dm_plan **ret, struct dm_err *reterr) dm_nodiscard;
void dm_plan_unref(struct dm_plan *p);
/* The engine's error in PostgreSQL's words, its position in the whole message; gives the error's code. */
int dm_plan_error(const struct dm_plan *p, int rc, struct dm_err *reterr);
unsigned dm_plan_param_oid(const struct dm_plan *p, size_t i);
/* 25P02 in E, but for the end of the block. */
int dm_session_check_not_failed(const struct dm_session *s, struct dm_str text,
                                struct dm_err *reterr) dm_nodiscard;

/* query.c */
void dm_session_simple_query(struct dm_session *s, struct dm_pgwire_in *in);
/* Runs a portal or goes on with it, up to its command tag.  `describe`: its columns first; `max` rows, 0 = all. */
int dm_session_run_portal(struct dm_session *s, struct dm_portal *p, bool describe, int64_t max,
                          struct dm_err *reterr) dm_nodiscard;
/* COPY FROM STDIN has a context line in its errors, so it reports by itself: 1 = failed and reported. */
int dm_session_run_copy_in(struct dm_session *s, struct dm_plan *plan);
/* Whether an implicit block must stand around a statement: one of several, or one that is several for the engine. */
bool dm_session_wants_block(const struct dm_statement *st, bool several);
void dm_session_describe_columns(struct dm_session *s, const struct dm_plan *plan,
                                 const struct dm_portal *portal, const struct dm_column *cols,
                                 size_t n);
int dm_count_chars(struct dm_str s);

/* extended.c */
int dm_session_parse(struct dm_session *s, struct dm_pgwire_in *in,
                     struct dm_err *reterr) dm_nodiscard;
int dm_session_bind(struct dm_session *s, struct dm_pgwire_in *in,
                    struct dm_err *reterr) dm_nodiscard;
int dm_session_describe(struct dm_session *s, struct dm_pgwire_in *in,
                        struct dm_err *reterr) dm_nodiscard;
int dm_session_execute(struct dm_session *s, struct dm_pgwire_in *in,
                       struct dm_err *reterr) dm_nodiscard;
int dm_session_close(struct dm_session *s, struct dm_pgwire_in *in,
                     struct dm_err *reterr) dm_nodiscard;
void dm_session_drop_plan(struct dm_session *s, const char *name);
void dm_session_drop_portal(struct dm_session *s, const char *name);
void dm_session_drop_portals(struct dm_session *s);
void dm_session_drop_plans(struct dm_session *s);

/* copy_in.c, copy_out.c: the whole of a COPY, from its response to its command tag.  `where` (of `where_size`) gets the
   line that an error is about. */
int dm_session_copy_in(struct dm_session *s, const struct dm_statement *st, char *where,
                       size_t where_size, struct dm_err *reterr) dm_nodiscard;
int dm_session_copy_out(struct dm_session *s, const struct dm_plan *plan,
                        struct dm_err *reterr) dm_nodiscard;

#endif
