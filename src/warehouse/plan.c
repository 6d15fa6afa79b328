/* Plans: from a statement's text to what the engine has prepared, parameters with the types that were declared. */
#include "lang/sql_lex.h"
#include "warehouse/session_parts.h"

int dm_session_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, DM_E_SQL, fmt, ap);
    va_end(ap);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "%s", sqlstate);
    return DM_E_SQL;
}

void dm_plan_unref(struct dm_plan *p)
{
    if (!p || --p->refs > 0)
        return;
    dm_prepared_free(p->prepared);
    dm_arena_release(&p->arena);
    free(p);
}

/* The end of a block is all that is heard in E, and nothing is planned there: the engine would refuse it. */
static bool ends_block(struct dm_str text)
{
    static const char *const words[] = {"commit", "end", "rollback", "abort"};
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    dm_sql_lexer_init(&l, text);
    if (dm_sql_next(&l, &t, NULL) < 0)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (dm_sql_is_word(&t, words[i]))
            return true;
    return false;
}

int dm_session_check_not_failed(const struct dm_session *s, struct dm_str text,
                                struct dm_err *reterr)
{
    if (s->tx != 'E' || ends_block(text))
        return 0;
    return dm_session_error(
        reterr, "25P02",
        "current transaction is aborted, commands ignored until end of transaction "
        "block");
}

/* The engine's error in PostgreSQL's words, its position in the whole message. */
int dm_plan_error(const struct dm_plan *p, int rc, struct dm_err *reterr)
{
    if (!reterr)
        return rc;
    if (rc == DM_E_SQL)
        dm_rewrite_error(&p->st, p->text, reterr);
    if (reterr->position > 0)
        reterr->position += p->first_char;
    return reterr->code < 0 ? reterr->code : rc;
}

static bool runs_in_engine(enum dm_statement_kind kind)
{
    return kind == DM_STATEMENT_QUERY || kind == DM_STATEMENT_SHOW || kind == DM_STATEMENT_COPY_OUT;
}

/* The type that a parameter must be cast to before the statement means what the client declared, or NULL. */
static const struct dm_type *cast_for(struct dm_plan *p, size_t i)
{
    const struct dm_type *inferred = p->prepared->params[i];
    unsigned declared = i < p->n_oids ? p->oids[i] : 0;
    bool unknown = dm_type_is_unknown(inferred);
    if (!declared || declared == DM_OID_UNKNOWN)
        return unknown ? dm_type_of_oid(&p->arena, DM_OID_TEXT) : NULL;
    if (!unknown && dm_type_oid(inferred) == declared)
        return NULL;
    /* A numeric has no precision of its own; what DuckDB found fits better than a guess. */
    if (declared == DM_OID_NUMERIC &&
        (inferred->id == DUCKDB_TYPE_DOUBLE || inferred->id == DUCKDB_TYPE_FLOAT))
        return NULL;
    return dm_type_of_oid(&p->arena, declared);
}

/* $n becomes CAST($n AS type); what is put in is no text of the client's. */
static int add_casts(struct dm_plan *p, const struct dm_type *const *casts, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_TEXT);
    struct dm_str sql = dm_str_c(p->st.sql);
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    size_t copied = 0, n_params = 0;
    dm_sql_lexer_init(&l, sql);
    struct dm_splice *splices =
        dm_arena_array(&p->arena, struct dm_splice, p->st.n_splices + 2 * (sql.len / 2) + 1);
    size_t n_splices = 0, next_old = 0;
    for (;;) {
        DM_TRY(dm_sql_next(&l, &t, reterr));
        int64_t n;
        bool end = t.kind == DM_SQL_END;
        if (!end &&
            (t.kind != DM_SQL_PARAM || !dm_str_to_i64(dm_str_sub(t.text, 1, t.text.len), &n) ||
             n < 1 || (size_t)n > p->prepared->n_params || !casts[n - 1]))
            continue;
        size_t upto = end ? sql.len : t.at;
        /* Old splices up to here move by what has been put in so far. */
        size_t shift = out.len - copied;
        for (; next_old < p->st.n_splices && p->st.splices[next_old].from < upto; next_old++)
            splices[n_splices++] = (struct dm_splice){p->st.splices[next_old].from + shift,
                                                      p->st.splices[next_old].to + shift};
        dm_strbuf_addstr(&out, dm_str_sub(sql, copied, upto));
        if (end)
            break;
        size_t from = out.len;
        dm_strbuf_adds(&out, "CAST(");
        splices[n_splices++] = (struct dm_splice){from, out.len};
        dm_strbuf_addstr(&out, t.text);
        from = out.len;
        dm_strbuf_addf(&out, " AS %s)", dm_type_duck_name(&p->arena, casts[n - 1]));
        splices[n_splices++] = (struct dm_splice){from, out.len};
        copied = t.at + t.text.len;
        n_params++;
    }
    DM_TRY(dm_strbuf_check(&out, "the statement", reterr));
    if (!n_params)
        return 0;
    p->st.sql = dm_arena_strndup(&p->arena, out.p, out.len);
    p->st.splices = splices;
    p->st.n_splices = n_splices;
    return 1;
}

static int prepare(struct dm_session *s, struct dm_plan *p, struct dm_err *reterr)
{
    DM_TRY(dm_engine_prepare(s->conn, p->st.sql, &p->prepared, reterr));
    const struct dm_type **casts =
        dm_arena_array(&p->arena, const struct dm_type *, p->prepared->n_params + 1);
    bool any = false;
    for (size_t i = 0; i < p->prepared->n_params; i++)
        any |= (casts[i] = cast_for(p, i)) != NULL;
    if (!any)
        return 0;
    int rc = add_casts(p, casts, reterr);
    if (rc <= 0)
        return rc;
    dm_prepared_free(p->prepared);
    p->prepared = NULL;
    return dm_engine_prepare(s->conn, p->st.sql, &p->prepared, reterr);
}

static int plan_into(struct dm_session *s, struct dm_plan *p, struct dm_err *reterr)
{
    DM_TRY(dm_session_check_not_failed(s, p->text, reterr));
    int rc = dm_rewrite(s->rewriter, &p->arena, p->text, &p->st, reterr);
    if (rc < 0) {
        if (reterr && reterr->position > 0)
            reterr->position += p->first_char;
        return rc;
    }
    if (!runs_in_engine(p->st.kind))
        return 0;
    rc = prepare(s, p, reterr);
    return rc < 0 ? dm_plan_error(p, rc, reterr) : 0;
}

int dm_plan_new(struct dm_session *s, struct dm_str text, int first_char, const unsigned *oids,
                size_t n_oids, struct dm_plan **ret, struct dm_err *reterr)
{
    struct dm_plan *p = dm_calloc(1, sizeof(*p));
    p->refs = 1;
    p->text = dm_str_dup(&p->arena, text);
    p->first_char = first_char;
    p->n_oids = n_oids;
    p->oids = dm_arena_array(&p->arena, unsigned, n_oids + 1);
    if (n_oids)
        memcpy(p->oids, oids, n_oids * sizeof(*oids));
    int rc = plan_into(s, p, reterr);
    if (rc < 0) {
        dm_plan_unref(p);
        return rc;
    }
    *ret = p;
    return 0;
}

unsigned dm_plan_param_oid(const struct dm_plan *p, size_t i)
{
    if (i < p->n_oids && p->oids[i] && p->oids[i] != DM_OID_UNKNOWN)
        return p->oids[i];
    const struct dm_type *t = p->prepared->params[i];
    return dm_type_is_unknown(t) ? DM_OID_TEXT : dm_type_oid(t);
}
