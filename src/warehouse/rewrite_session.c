/*
 * Statements about the session: SET, SHOW, RESET, DISCARD, transactions, and what is accepted because it asks for
 * nothing that this server has.
 */
#include "warehouse/rewrite_internal.h"

static const char *const known[][2] = {
#define DM_SETTING(name, value) {name, value},
#include "warehouse/settings.def"
#undef DM_SETTING
};

enum { N_KNOWN = sizeof(known) / sizeof(known[0]) };

static struct dm_setting *find(const struct dm_rewriter *r, const char *name)
{
    for (size_t i = 0; i < r->n_settings; i++)
        if (strcasecmp(r->settings[i].name, name) == 0)
            return (struct dm_setting *)&r->settings[i];
    return NULL;
}

void dm_rewriter_settings_init(struct dm_rewriter *r)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        r->settings[r->n_settings++] =
            (struct dm_setting){.name = dm_strdup(known[i][0]), .value = dm_strdup(known[i][1])};
}

void dm_rewriter_settings_release(struct dm_rewriter *r)
{
    for (size_t i = 0; i < r->n_settings; i++) {
        free(r->settings[i].name);
        free(r->settings[i].value);
        free(r->settings[i].before);
    }
    r->n_settings = 0;
}

const char *dm_rewriter_setting(const struct dm_rewriter *r, const char *name)
{
    const struct dm_setting *s = find(r, name);
    return s ? s->value : NULL;
}

static const char *initial(const char *name)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strcasecmp(known[i][0], name) == 0)
            return known[i][1];
    return "";
}

static int unknown_setting(const char *name, struct dm_err *reterr)
{
    int rc = dm_err_set(reterr, DM_E_NOTFOUND, "unrecognized configuration parameter \"%s\"", name);
    if (reterr)
        memcpy(reterr->sqlstate, "42704", 6);
    return rc;
}

static int set(struct dm_rewriter *r, const char *name, const char *value, bool local,
               struct dm_err *reterr)
{
    struct dm_setting *s = find(r, name);
    if (!s) {
        if (!strchr(name, '.'))
            return unknown_setting(name, reterr);
        if (r->n_settings == DM_SETTINGS_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "a session has at most %d settings",
                              DM_SETTINGS_MAX);
        s = &r->settings[r->n_settings++];
        *s = (struct dm_setting){.name = dm_strdup(name), .value = dm_strdup("")};
    }
    char *new_value = dm_strdup(value ? value : initial(name));
    if (local && !s->local) {
        s->before = s->value;
        s->local = true;
    } else {
        free(s->value);
    }
    s->value = new_value;
    return 0;
}

/* PostgreSQL allows schemas that do not exist, the engine does not. */
static int apply_search_path(struct dm_rewriter *r, struct dm_arena *a, struct dm_err *reterr)
{
    struct dm_engine_rows rows;
    DM_TRY(dm_engine_query(
        r->conn, a,
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()", &rows,
        reterr));
    struct dm_strbuf path;
    dm_strbuf_init(&path, DM_BUF_MESSAGE);
    struct dm_str rest = dm_str_c(dm_rewriter_setting(r, "search_path")), piece;
    while (dm_str_split(&rest, ',', &piece)) {
        piece = dm_str_trim(piece);
        if (piece.len > 1 && piece.p[0] == '"')
            piece = dm_str_sub(piece, 1, piece.len - 1);
        for (size_t i = 0; i < rows.n_rows; i++)
            if (dm_str_ieq(piece, dm_str_c(rows.rows[i][0])))
                dm_strbuf_addf(&path, "%s.%s,", r->database, rows.rows[i][0]);
    }
    dm_strbuf_addf(&path, "%s." DM_HIDDEN_SCHEMA, r->database);
    struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_MESSAGE);
    dm_strbuf_adds(&sql, "SET search_path = ");
    dm_strbuf_add_sql_literal(&sql, dm_strbuf_str(&path));
    int rc = dm_engine_query(r->conn, a, sql.p, NULL, reterr);
    dm_strbuf_release(&sql);
    dm_strbuf_release(&path);
    return rc;
}

/* Nearly every session begins, works and ends with the path that it was given: one look less into the catalog. */
int dm_rewriter_settings_begin(struct dm_rewriter *r, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *usual = dm_arena_printf(&a, "SET search_path = '%s.public,%s." DM_HIDDEN_SCHEMA "'",
                                        r->database, r->database);
    if (dm_engine_query(r->conn, &a, usual, NULL, NULL) == 0)
        return 0;
    return apply_search_path(r, &a, reterr); /* somebody dropped public */
}

int dm_rewriter_set(struct dm_rewriter *r, const char *name, const char *value,
                    struct dm_err *reterr)
{
    struct dm_setting_change change = {.name = name, .value = value};
    return dm_rewriter_change(r, &change, reterr);
}

int dm_rewriter_change(struct dm_rewriter *r, const struct dm_setting_change *c,
                       struct dm_err *reterr)
{
    DM_TRY(set(r, c->name, c->value, c->local, reterr));
    if (strcasecmp(c->name, "search_path") != 0)
        return 0;
    _cleanup_arena_ struct dm_arena a = {0};
    return apply_search_path(r, &a, reterr);
}

int dm_rewrite_perform_set(struct dm_rewriter *r, struct dm_arena *a, const struct dm_statement *s,
                           struct dm_err *reterr)
{
    if (!s->name) { /* RESET ALL, DISCARD ALL */
        for (size_t i = 0; i < r->n_settings; i++)
            if (strcasecmp(r->settings[i].name, "session_authorization") != 0)
                DM_TRY(set(r, r->settings[i].name, NULL, false, reterr));
        return apply_search_path(r, a, reterr);
    }
    struct dm_setting_change change = {.name = s->name, .value = s->value, .local = s->local};
    return dm_rewriter_change(r, &change, reterr);
}

void dm_rewrite_transaction_end(struct dm_rewriter *r)
{
    for (size_t i = 0; i < r->n_settings; i++) {
        struct dm_setting *s = &r->settings[i];
        if (!s->local)
            continue;
        free(s->value);
        s->value = s->before;
        s->before = NULL;
        s->local = false;
        if (strcasecmp(s->name, "search_path") == 0) {
            struct dm_arena a = {0};
            dm_arena_init(&a);
            (void)!apply_search_path(r, &a, NULL);
            dm_arena_release(&a);
        }
    }
}

/* ---- statements */

static const char *argument_text(struct dm_rewriting *w, const PgQuery__Node *n)
{
    while (n && n->node_case == PG_QUERY__NODE__NODE_TYPE_CAST)
        n = n->type_cast->arg;
    if (!n || n->node_case != PG_QUERY__NODE__NODE_A_CONST || n->a_const->isnull)
        return "";
    switch (n->a_const->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        return dm_arena_printf(w->arena, "%d", n->a_const->ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL:
        return n->a_const->fval->fval;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return n->a_const->boolval->boolval ? "on" : "off";
    case PG_QUERY__A__CONST__VAL_SVAL:
        return n->a_const->sval->sval;
    default:
        return "";
    }
}

static int nothing(struct dm_statement *ret, const char *tag)
{
    ret->kind = DM_STATEMENT_NOTHING;
    ret->tag = tag;
    return 0;
}

static int set_statement(struct dm_rewriting *w, const PgQuery__VariableSetStmt *s,
                         struct dm_statement *ret)
{
    bool reset = s->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET ||
                 s->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL;
    ret->kind = DM_STATEMENT_SET;
    ret->tag = reset ? "RESET" : "SET";
    ret->local = s->is_local;
    if (s->kind ==
        PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI) /* isolation level: a snapshot always */
        return nothing(ret, "SET");
    if (s->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL)
        return 0;
    const struct dm_setting *known_setting = find(w->session, s->name);
    if (!known_setting && !strchr(s->name, '.'))
        return w->rc = unknown_setting(s->name, w->err);
    ret->name = known_setting ? dm_arena_strdup(w->arena, known_setting->name) : s->name;
    if (s->kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE)
        return 0;
    const char *value = "";
    for (size_t i = 0; i < s->n_args; i++)
        value =
            dm_arena_printf(w->arena, "%s%s%s", value, i ? ", " : "", argument_text(w, s->args[i]));
    ret->value = value;
    if (strcasecmp(ret->name, "client_encoding") == 0 && strcasecmp(value, "utf8") != 0 &&
        strcasecmp(value, "utf-8") != 0 && strcasecmp(value, "unicode") != 0 && value[0])
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, "0A000", -1,
                                  "encoding \"%s\" is not supported, only UTF8", value);
    return 0;
}

static int show(struct dm_rewriting *w, const char *name, struct dm_statement *ret)
{
    struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_TEXT);
    ret->kind = DM_STATEMENT_SHOW;
    ret->tag = "SHOW";
    ret->returns_rows = true;
    if (strcasecmp(name, "all") == 0) {
        dm_strbuf_adds(&sql, "SELECT name, setting, '' AS description FROM (VALUES ");
        for (size_t i = 0; i < w->session->n_settings; i++) {
            dm_strbuf_adds(&sql, i ? ", (" : "(");
            dm_strbuf_add_sql_literal(&sql, dm_str_c(w->session->settings[i].name));
            dm_strbuf_adds(&sql, ", ");
            dm_strbuf_add_sql_literal(&sql, dm_str_c(w->session->settings[i].value));
            dm_strbuf_addc(&sql, ')');
        }
        dm_strbuf_adds(&sql, ") AS s(name, setting) ORDER BY lower(name)");
        ret->name = "all";
    } else {
        const struct dm_setting *s = find(w->session, name);
        if (!s) {
            dm_strbuf_release(&sql);
            return w->rc = unknown_setting(name, w->err);
        }
        ret->name = dm_arena_strdup(w->arena, s->name);
        ret->value = dm_arena_strdup(w->arena, s->value);
        dm_strbuf_adds(&sql, "SELECT ");
        dm_strbuf_add_sql_literal(&sql, dm_str_c(s->value));
        dm_strbuf_adds(&sql, " AS ");
        dm_strbuf_add_sql_ident(&sql, dm_str_c(s->name));
    }
    ret->sql = dm_str_cstr(w->arena, dm_strbuf_str(&sql));
    dm_strbuf_release(&sql);
    return 0;
}

static int transaction(struct dm_rewriting *w, const PgQuery__TransactionStmt *s,
                       struct dm_statement *ret)
{
    ret->name = s->savepoint_name;
    switch (s->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        ret->kind = DM_STATEMENT_BEGIN;
        ret->sql = "BEGIN TRANSACTION";
        ret->tag = s->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN
                       ? "BEGIN"
                       : "START TRANSACTION";
        return 0;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
        ret->kind = DM_STATEMENT_COMMIT;
        ret->sql = ret->tag = "COMMIT";
        return 0;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
        ret->kind = DM_STATEMENT_ROLLBACK;
        ret->sql = ret->tag = "ROLLBACK";
        return 0;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
        ret->kind = DM_STATEMENT_SAVEPOINT;
        ret->tag = "SAVEPOINT";
        return 0;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
        ret->kind = DM_STATEMENT_SAVEPOINT;
        ret->tag = "RELEASE";
        return 0;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
        ret->kind = DM_STATEMENT_SAVEPOINT;
        ret->tag = "ROLLBACK";
        return 0;
    default:
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1,
                                  "two-phase commit is not supported");
    }
}

int dm_rewrite_session(struct dm_rewriting *w, PgQuery__Node *stmt, struct dm_statement *ret)
{
    switch (stmt->node_case) {
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
        return set_statement(w, stmt->variable_set_stmt, ret);
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
        return show(w, stmt->variable_show_stmt->name, ret);
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
        return transaction(w, stmt->transaction_stmt, ret);
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
        ret->kind = DM_STATEMENT_SET;
        ret->tag = "DISCARD ALL";
        return 0;
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
        return stmt->deallocate_stmt->name[0] ? 0 : nothing(ret, "DEALLOCATE ALL");
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
        return nothing(ret, stmt->vacuum_stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE");
    case PG_QUERY__NODE__NODE_GRANT_STMT:
        return nothing(ret, stmt->grant_stmt->is_grant ? "GRANT" : "REVOKE");
    case PG_QUERY__NODE__NODE_LOCK_STMT:
        return nothing(ret, "LOCK TABLE");
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
        return nothing(ret, "LISTEN");
    case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
        return nothing(ret, "UNLISTEN");
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
        return nothing(ret, "REINDEX");
    case PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT:
        return nothing(ret, "SET CONSTRAINTS");
    case PG_QUERY__NODE__NODE_ALTER_OWNER_STMT:
        return nothing(ret, "ALTER");
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
        if (!stmt->close_portal_stmt->portalname[0])
            return nothing(ret, "CLOSE CURSOR ALL");
        __attribute__((fallthrough));
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
    case PG_QUERY__NODE__NODE_FETCH_STMT:
        dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1, "cursors in SQL are not supported");
        dm_err_hint(w->err,
                    "Results are streamed: use the protocol's portals (fetch size) instead.");
        return w->rc;
    case PG_QUERY__NODE__NODE_CREATEDB_STMT:
    case PG_QUERY__NODE__NODE_DROPDB_STMT:
        return dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1,
                                  "the server's databases are fixed: warehouse and oltp");
    default:
        return 0;
    }
}
