/*
 * The rewriter's driver: whose statement is it, what is its tag, and from the changed tree to the engine's text.
 */
#include "warehouse/rewrite.h"

#include "lang/sql_lex.h"
#include "warehouse/rewrite_internal.h"

int dm_rewriter_open(struct dm_engine_conn *c, const char *database, const char *lake_dir,
                     struct dm_rewriter **ret, struct dm_err *reterr)
{
    struct dm_rewriter *r = dm_calloc(1, sizeof(*r));
    r->conn = c;
    r->database = dm_strdup(database);
    r->lake_dir = dm_strdup(lake_dir);
    dm_rewriter_settings_init(r);
    int rc = dm_spectrum_open(c, database, &r->spectrum, reterr);
    if (rc == 0)
        rc = dm_rewriter_settings_begin(r, reterr);
    if (rc < 0) {
        dm_rewriter_close(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void dm_rewriter_close(struct dm_rewriter *r)
{
    if (!r)
        return;
    dm_spectrum_close(r->spectrum);
    dm_rewriter_settings_release(r);
    free(r->database);
    free(r->lake_dir);
    free(r);
}

/* ---- failures */

int dm_rewriting_fail(struct dm_rewriting *w, int rc, int location)
{
    if (w->rc == 0) {
        w->rc = rc;
        if (w->err && location >= 0 && !w->err->position)
            w->err->position = dm_sql_position(w->sql, (size_t)location);
    }
    return w->rc;
}

int dm_rewriting_error(struct dm_rewriting *w, int code, const char *sqlstate, int location,
                       const char *fmt, ...)
{
    if (w->rc < 0)
        return w->rc;
    va_list ap;
    va_start(ap, fmt);
    int rc = dm_err_vset(w->err, code, fmt, ap);
    va_end(ap);
    if (w->err && sqlstate)
        snprintf(w->err->sqlstate, sizeof(w->err->sqlstate), "%s", sqlstate);
    return dm_rewriting_fail(w, rc, location);
}

/* ---- from a tree to text */

/* Writes `text` with reads of the lake (or nothing, for questions about types) where marked names stand. */
static int expand(struct dm_rewriting *w, struct dm_str text, bool describe, struct dm_strbuf *out,
                  struct dm_statement *ret)
{
    struct dm_sql_lexer lexer;
    struct dm_sql_token t;
    size_t copied = 0;
    dm_sql_lexer_init(&lexer, text);
    for (;;) {
        DM_TRY(dm_sql_next(&lexer, &t, w->err));
        if (t.kind == DM_SQL_END)
            break;
        if (t.kind != DM_SQL_IDENT || t.text.len < 3 || t.text.p[1] != DM_MARK)
            continue;
        const struct dm_rewrite_external *e =
            dm_rewrite_marked(w, dm_str_cstr(w->arena, dm_sql_token_value(w->arena, &t)));
        if (!e)
            continue;
        dm_strbuf_add(out, text.p + copied, t.at - copied);
        copied = t.at + t.text.len;
        size_t from = out->len;
        if (describe)
            dm_spectrum_read_nothing(e->table, w->file_columns, out);
        else
            DM_TRY(dm_spectrum_read(w->session->conn, w->arena, w->session->lake_dir, e->table,
                                    e->filters, e->n_filters, w->file_columns, out, w->err));
        if (ret && ret->n_splices < w->n_externals)
            ret->splices[ret->n_splices++] = (struct dm_splice){from, out->len};
    }
    dm_strbuf_add(out, text.p + copied, text.len - copied);
    return dm_strbuf_check(out, "rewritten statement", w->err);
}

static int print(struct dm_rewriting *w, PgQuery__Node *stmt, bool describe, const char **ret_sql,
                 struct dm_statement *ret)
{
    struct dm_str text;
    DM_TRY(dm_sqltree_print(w->arena, stmt, &text, w->err));
    if (w->n_externals == 0) {
        *ret_sql = text.p;
        return 0;
    }
    if (ret) {
        ret->reads_lake = true;
        ret->splices = dm_arena_array(w->arena, struct dm_splice, w->n_externals);
    }
    struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_FRAME);
    int rc = expand(w, text, describe, &out, ret);
    if (rc == 0)
        *ret_sql = dm_str_cstr(w->arena, dm_strbuf_str(&out));
    dm_strbuf_release(&out);
    return rc;
}

int dm_rewriting_describe_text(struct dm_rewriting *w, PgQuery__Node *stmt, const char **ret)
{
    return print(w, stmt, true, ret, NULL);
}

static void on_scope(struct dm_rewriting *w, struct dm_scope *s)
{
    dm_rewrite_compared_dates(w, s);
    dm_rewrite_prune(w, s);
    dm_rewrite_using(w, s);
    dm_rewrite_comparisons(w, s);
    dm_rewrite_divisions(w, s);
}

int dm_rewriting_finish(struct dm_rewriting *w, PgQuery__Node *stmt, struct dm_statement *ret)
{
    dm_rewrite_tree(w, stmt);
    DM_TRY(w->rc);
    dm_rewrite_scopes(w, stmt, on_scope);
    DM_TRY(w->rc);
    if (w->n_externals && stmt->node_case == PG_QUERY__NODE__NODE_VIEW_STMT) {
        dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, -1,
                           "views over external tables are not supported");
        dm_err_hint(
            w->err,
            "A view would keep today's files; query the external table, or CREATE TABLE AS.");
        return w->rc;
    }
    size_t parts = dm_rewrite_parts(stmt);
    if (parts < 2)
        return print(w, stmt, false, &ret->sql, ret);
    const char **all = dm_arena_array(w->arena, const char *, parts);
    for (size_t i = 0; i < parts; i++)
        DM_TRY(print(w, dm_rewrite_part(w, stmt, i), false, &all[i], ret));
    ret->sql = all[0];
    ret->more = all + 1;
    ret->n_more = parts - 1;
    return 0;
}

/* ---- tags */

static const char *object_name(PgQuery__ObjectType type)
{
    switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
        return "TABLE";
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
        return "VIEW";
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
        return "MATERIALIZED VIEW";
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        return "INDEX";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        return "SEQUENCE";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        return "SCHEMA";
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
        return "TYPE";
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
        return "FUNCTION";
    default:
        return "OBJECT";
    }
}

static void describe_statement(struct dm_rewriting *w, PgQuery__Node *n, struct dm_statement *ret)
{
    ret->writes = true;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        ret->tag = "SELECT";
        ret->counted = ret->returns_rows = true;
        ret->writes = false;
        break;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        ret->tag = "INSERT 0";
        ret->table = n->insert_stmt->relation->relname;
        ret->counted = true;
        ret->returns_rows = n->insert_stmt->n_returning_list > 0;
        break;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        ret->tag = "UPDATE";
        ret->table = n->update_stmt->relation->relname;
        ret->counted = true;
        ret->returns_rows = n->update_stmt->n_returning_list > 0;
        break;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        ret->tag = "DELETE";
        ret->counted = true;
        ret->returns_rows = n->delete_stmt->n_returning_list > 0;
        break;
    case PG_QUERY__NODE__NODE_MERGE_STMT:
        ret->tag = "MERGE";
        ret->table = n->merge_stmt->relation->relname;
        ret->counted = true;
        break;
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
        ret->tag = "EXPLAIN";
        ret->returns_rows = true;
        ret->writes = false;
        break;
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        ret->tag = "SELECT";
        ret->counted = true;
        break;
    case PG_QUERY__NODE__NODE_CREATE_STMT:
        ret->tag = "CREATE TABLE";
        break;
    case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT:
        ret->tag = "CREATE SCHEMA";
        break;
    case PG_QUERY__NODE__NODE_VIEW_STMT:
        ret->tag = "CREATE VIEW";
        break;
    case PG_QUERY__NODE__NODE_INDEX_STMT:
        ret->tag = "CREATE INDEX";
        break;
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
        ret->tag = "CREATE SEQUENCE";
        break;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        ret->tag = dm_arena_printf(w->arena, "ALTER %s", object_name(n->alter_table_stmt->objtype));
        break;
    case PG_QUERY__NODE__NODE_RENAME_STMT:
        ret->tag =
            n->rename_stmt->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN
                ? "ALTER TABLE"
                : dm_arena_printf(w->arena, "ALTER %s", object_name(n->rename_stmt->rename_type));
        break;
    case PG_QUERY__NODE__NODE_DROP_STMT:
        ret->tag = dm_arena_printf(w->arena, "DROP %s", object_name(n->drop_stmt->remove_type));
        break;
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
        ret->tag = "TRUNCATE TABLE";
        break;
    case PG_QUERY__NODE__NODE_COMMENT_STMT:
        ret->tag = "COMMENT";
        break;
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
        ret->tag = "PREPARE";
        ret->writes = false;
        break;
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
        ret->tag = "EXECUTE";
        ret->returns_rows = true;
        break;
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
        ret->tag = "DEALLOCATE";
        ret->writes = false;
        break;
    default:
        ret->tag = "OK";
        break;
    }
}

/* What PostgreSQL's grammar does not know is the engine's own: it says by its first word what it gives. */
static void describe_native(struct dm_rewriting *w, struct dm_statement *ret)
{
    static const char *const reading[] = {"select",    "with",   "from",    "values", "describe",
                                          "summarize", "pivot",  "unpivot", "table",  "show",
                                          "explain",   "pragma", "call",    NULL};
    struct dm_sql_lexer lexer;
    struct dm_sql_token t = {.kind = DM_SQL_END};
    dm_sql_lexer_init(&lexer, w->sql);
    ret->sql = dm_str_cstr(w->arena, w->sql);
    ret->tag = "OK";
    ret->writes = true;
    if (dm_sql_next(&lexer, &t, NULL) < 0)
        return;
    if (t.kind == DM_SQL_END) { /* a comment alone */
        *ret = (struct dm_statement){.kind = DM_STATEMENT_NOTHING, .tag = ""};
        return;
    }
    for (size_t i = 0; reading[i]; i++)
        if (dm_sql_is_word(&t, reading[i])) {
            ret->tag = "SELECT";
            ret->counted = ret->returns_rows = true;
            ret->writes = false;
        }
}

/* ---- one statement */

static bool is_external_ddl(const struct dm_rewriting *w, const struct dm_redshift_stmt *s)
{
    switch (s->kind) {
    case DM_REDSHIFT_NONE:
        return false;
    case DM_REDSHIFT_TABLE_LOCATION:
    case DM_REDSHIFT_DROP_TABLE:
        for (size_t i = 0; i < s->n_names; i++)
            if (s->names[i].schema && dm_spectrum_has_schema(w->view, s->names[i].schema))
                return true;
        return s->kind == DM_REDSHIFT_TABLE_LOCATION;
    case DM_REDSHIFT_DROP_SCHEMA:
        for (size_t i = 0; i < s->n_names; i++)
            if (dm_spectrum_has_schema(w->view, s->names[i].name))
                return true;
        return false;
    default:
        return true;
    }
}

static int native_create_schema(struct dm_rewriting *w, const PgQuery__CreateSchemaStmt *s)
{
    if (!dm_spectrum_has_schema(w->view, s->schemaname))
        return 0;
    return dm_rewriting_error(w, DM_E_EXISTS, "42P06", -1, "schema \"%s\" already exists",
                              s->schemaname);
}

static int rewrite_tree(struct dm_rewriting *w, PgQuery__Node *stmt, struct dm_statement *ret)
{
    if (!stmt) {
        *ret = (struct dm_statement){.kind = DM_STATEMENT_NOTHING, .tag = ""};
        return 0;
    }
    if (stmt->node_case == PG_QUERY__NODE__NODE_COPY_STMT)
        return dm_rewrite_copy(w, stmt->copy_stmt, ret);
    DM_TRY(dm_rewrite_session(w, stmt, ret));
    if (ret->tag)
        return 0;
    if (stmt->node_case == PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT)
        DM_TRY(native_create_schema(w, stmt->create_schema_stmt));
    stmt = dm_rewrite_statement(w, stmt);
    describe_statement(w, stmt, ret);
    DM_TRY(dm_rewriting_finish(w, stmt, ret));
    ret->sets = w->sets;
    ret->n_sets = w->n_sets;
    return 0;
}

/* Is this error of PostgreSQL's parser about syntax that the engine may know? */
static int rewrite_postgres(struct dm_rewriting *w, struct dm_statement *ret)
{
    PgQuery__Node *stmt;
    struct dm_err err = {0};
    int rc = dm_sqltree_parse(w->arena, dm_redshift_strip(w->arena, w->sql), &stmt, &err);
    if (rc == DM_E_SYNTAX) {
        /* The engine's own words, or a mistake: the engine will say so in its way. */
        describe_native(w, ret);
        return 0;
    }
    if (rc < 0) {
        if (w->err)
            *w->err = err;
        return rc;
    }
    return rewrite_tree(w, stmt, ret);
}

static int rewrite_one(struct dm_rewriting *w, struct dm_statement *ret)
{
    if (memchr(w->sql.p, DM_MARK, w->sql.len))
        return dm_err_set(w->err, DM_E_SYNTAX, "statement contains the control character U+0001");
    struct dm_redshift_stmt *external = dm_arena_new(w->arena, struct dm_redshift_stmt);
    DM_TRY(dm_redshift_parse(w->arena, w->sql, external, w->err));
    if (is_external_ddl(w, external)) {
        ret->kind = DM_STATEMENT_EXTERNAL;
        ret->tag = external->tag;
        ret->writes = ret->no_transaction = true;
        ret->external = external;
        return 0;
    }
    return rewrite_postgres(w, ret);
}

int dm_rewrite(struct dm_rewriter *r, struct dm_arena *a, struct dm_str sql,
               struct dm_statement *ret, struct dm_err *reterr)
{
    struct dm_err err = {0};
    struct dm_statement s = {.kind = DM_STATEMENT_QUERY};
    struct dm_rewriting w = {.session = r,
                             .arena = a,
                             .sql = sql,
                             .view = dm_spectrum_view_ref(r->spectrum),
                             .err = &err};
    int rc = rewrite_one(&w, &s);
    dm_spectrum_view_unref(w.view);
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    *ret = s;
    return 0;
}

int dm_rewrite_perform(struct dm_rewriter *r, struct dm_arena *a, const struct dm_statement *s,
                       struct dm_err *reterr)
{
    if (s->kind == DM_STATEMENT_SET)
        return dm_rewrite_perform_set(r, a, s, reterr);
    for (size_t i = 0; i < s->n_sets; i++)
        DM_TRY(dm_rewriter_change(r, &s->sets[i], reterr));
    if (s->kind != DM_STATEMENT_EXTERNAL)
        return 0;
    return dm_spectrum_perform(r->spectrum, r->conn, a, s->external, reterr);
}
