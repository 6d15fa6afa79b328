/*
 * Transaction blocks of a session.
 *
 * DuckDB has no savepoints.  They are accepted as long as they do not matter: ROLLBACK TO is a no-op where nothing was
 * written since, and fails loudly where something was.
 */
#include "warehouse/session_parts.h"

static void forget_block(struct dm_session *s)
{
    while (s->savepoints) {
        struct dm_savepoint *outer = s->savepoints->outer;
        free(s->savepoints->name);
        free(s->savepoints);
        s->savepoints = outer;
    }
    s->n_savepoints = 0;
    s->writes = 0;
    s->tx = 'I';
    s->implicit = false;
    dm_rewrite_transaction_end(s->rewriter);
}

int dm_session_begin(struct dm_session *s, bool implicit, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    DM_TRY(dm_engine_query(s->conn, &a, "BEGIN TRANSACTION", NULL, reterr));
    s->tx = 'T';
    s->implicit = implicit;
    return 0;
}

int dm_session_commit(struct dm_session *s, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    dm_session_drop_portals(s);
    /* A COMMIT that fails has rolled back. */
    int rc = dm_engine_query(s->conn, &a, "COMMIT", NULL, reterr);
    forget_block(s);
    return rc;
}

void dm_session_rollback(struct dm_session *s)
{
    _cleanup_arena_ struct dm_arena a = {0};
    dm_session_drop_portals(s);
    /* It can only fail where DuckDB has ended the transaction by itself. */
    dm_ignore(dm_engine_query(s->conn, &a, "ROLLBACK", NULL, NULL));
    forget_block(s);
}

int dm_session_end_implicit(struct dm_session *s, struct dm_err *reterr)
{
    if (!s->implicit)
        return 0;
    if (s->tx == 'T')
        return dm_session_commit(s, reterr);
    dm_session_rollback(s);
    return 0;
}

static struct dm_savepoint *find_savepoint(const struct dm_session *s, const char *name)
{
    struct dm_savepoint *p = s->savepoints;
    while (p && strcmp(p->name, name) != 0)
        p = p->outer;
    return p;
}

static void drop_down_to(struct dm_session *s, const struct dm_savepoint *keep)
{
    while (s->savepoints != keep) {
        struct dm_savepoint *outer = s->savepoints->outer;
        free(s->savepoints->name);
        free(s->savepoints);
        s->savepoints = outer;
        s->n_savepoints--;
    }
}

static int roll_back_to(struct dm_session *s, struct dm_savepoint *p, struct dm_err *reterr)
{
    if (s->writes != p->writes || (s->tx == 'E' && s->writes)) {
        dm_err_set(reterr, DM_E_UNSUPPORTED,
                   "cannot roll back to savepoint \"%s\": rows were written since", p->name);
        dm_err_hint(reterr, "Roll back the whole transaction.");
        s->tx = 'E';
        return DM_E_UNSUPPORTED;
    }
    if (s->tx == 'E') {
        /* Nothing was written at all, so a fresh block is what the savepoint had. */
        _cleanup_arena_ struct dm_arena a = {0};
        dm_ignore(dm_engine_query(s->conn, &a, "ROLLBACK", NULL, NULL));
        DM_TRY(dm_engine_query(s->conn, &a, "BEGIN TRANSACTION", NULL, reterr));
        s->tx = 'T';
    }
    drop_down_to(s, p);
    return 0;
}

static int savepoint(struct dm_session *s, const struct dm_statement *st, struct dm_err *reterr)
{
    const char *name = st->name ? st->name : "";
    if (s->tx == 'I' || s->implicit)
        return dm_session_error(reterr, "25P01", "%s can only be used in transaction blocks",
                                st->tag);
    if (strcmp(st->tag, "SAVEPOINT") == 0) {
        if (s->n_savepoints == DM_SESSION_SAVEPOINTS_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "a transaction has more than %d savepoints",
                              DM_SESSION_SAVEPOINTS_MAX);
        struct dm_savepoint *p = dm_calloc(1, sizeof(*p));
        *p = (struct dm_savepoint){
            .outer = s->savepoints, .name = dm_strdup(name), .writes = s->writes};
        s->savepoints = p;
        s->n_savepoints++;
        return 0;
    }
    struct dm_savepoint *p = find_savepoint(s, name);
    if (!p)
        return dm_session_error(reterr, "3B001", "savepoint \"%s\" does not exist", name);
    if (strcmp(st->tag, "RELEASE") == 0) {
        drop_down_to(s, p->outer);
        return 0;
    }
    return roll_back_to(s, p, reterr);
}

int dm_session_control(struct dm_session *s, const struct dm_statement *st, struct dm_err *reterr)
{
    const char *tag = st->tag;
    switch (st->kind) {
    case DM_STATEMENT_BEGIN:
        if (s->tx == 'I')
            DM_TRY(dm_session_begin(s, false, reterr));
        else if (s->implicit)
            s->implicit = false; /* from here on it is the client's block */
        else
            dm_session_warn(s, "25001", "there is already a transaction in progress");
        break;
    case DM_STATEMENT_COMMIT:
        if (s->tx == 'I' || s->implicit)
            dm_session_warn(s, "25P01", "there is no transaction in progress");
        if (s->tx == 'E') {
            dm_session_rollback(s);
            tag = "ROLLBACK";
        } else if (s->tx == 'T') {
            DM_TRY(dm_session_commit(s, reterr));
        }
        break;
    case DM_STATEMENT_ROLLBACK:
        if (s->tx == 'I' || s->implicit)
            dm_session_warn(s, "25P01", "there is no transaction in progress");
        if (s->tx != 'I')
            dm_session_rollback(s);
        break;
    default:
        DM_TRY(savepoint(s, st, reterr));
        break;
    }
    dm_pgwire_command_complete(&s->link.out, tag);
    return 0;
}
