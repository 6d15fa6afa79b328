/* Statements of a session: planning, simple queries, prepared statements and portals. */
#include <strings.h>

#include "lang/sql_lex.h"
#include "warehouse/format.h"
#include "warehouse/parse.h"
#include "warehouse/session_parts.h"

static int sql_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
    dm_printf(3, 4);
static int sql_error(struct dm_err *reterr, const char *sqlstate, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, DM_E_SQL, fmt, ap);
    va_end(ap);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "%s", sqlstate);
    return DM_E_SQL;
}

/* Plans. */

static void plan_unref(struct dm_plan *p)
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

static int check_not_failed(const struct dm_session *s, struct dm_str text, struct dm_err *reterr)
{
    if (s->tx != 'E' || ends_block(text))
        return 0;
    return sql_error(reterr, "25P02",
                     "current transaction is aborted, commands ignored until end of transaction "
                     "block");
}

/* The engine's error in PostgreSQL's words, its position in the whole message. */
static int plan_error(const struct dm_plan *p, int rc, struct dm_err *reterr)
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
    DM_TRY(check_not_failed(s, p->text, reterr));
    int rc = dm_rewrite(s->rewriter, &p->arena, p->text, &p->st, reterr);
    if (rc < 0) {
        if (reterr && reterr->position > 0)
            reterr->position += p->first_char;
        return rc;
    }
    if (!runs_in_engine(p->st.kind))
        return 0;
    rc = prepare(s, p, reterr);
    return rc < 0 ? plan_error(p, rc, reterr) : 0;
}

static int plan_new(struct dm_session *s, struct dm_str text, int first_char, const unsigned *oids,
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
        plan_unref(p);
        return rc;
    }
    *ret = p;
    return 0;
}

static unsigned param_oid(const struct dm_plan *p, size_t i)
{
    if (i < p->n_oids && p->oids[i] && p->oids[i] != DM_OID_UNKNOWN)
        return p->oids[i];
    const struct dm_type *t = p->prepared->params[i];
    return dm_type_is_unknown(t) ? DM_OID_TEXT : dm_type_oid(t);
}

/* Portals. */

static void portal_free(struct dm_portal *p)
{
    dm_result_free(p->result);
    plan_unref(p->plan);
    dm_arena_release(&p->arena);
    free(p->name);
    free(p);
}

void dm_session_drop_portals(struct dm_session *s)
{
    while (s->portals) {
        struct dm_portal *next = s->portals->next;
        portal_free(s->portals);
        s->portals = next;
    }
    s->n_portals = 0;
}

void dm_session_drop_plans(struct dm_session *s)
{
    while (s->plans) {
        struct dm_named_plan *next = s->plans->next;
        plan_unref(s->plans->plan);
        free(s->plans->name);
        free(s->plans);
        s->plans = next;
    }
    s->n_plans = 0;
}

static struct dm_named_plan **find_plan(struct dm_session *s, const char *name)
{
    struct dm_named_plan **p = &s->plans;
    while (*p && strcmp((*p)->name, name) != 0)
        p = &(*p)->next;
    return p;
}

static struct dm_portal **find_portal(struct dm_session *s, const char *name)
{
    struct dm_portal **p = &s->portals;
    while (*p && strcmp((*p)->name, name) != 0)
        p = &(*p)->next;
    return p;
}

static void drop_plan(struct dm_session *s, const char *name)
{
    struct dm_named_plan **at = find_plan(s, name), *p = *at;
    if (!p)
        return;
    *at = p->next;
    s->n_plans--;
    plan_unref(p->plan);
    free(p->name);
    free(p);
}

static void drop_portal(struct dm_session *s, const char *name)
{
    struct dm_portal **at = find_portal(s, name), *p = *at;
    if (!p)
        return;
    *at = p->next;
    s->n_portals--;
    portal_free(p);
}

/* Rows. */

static int format_of(const struct dm_portal *p, size_t col)
{
    return p->n_formats == 0 ? 0 : p->n_formats == 1 ? p->formats[0] : p->formats[col];
}

static void describe_columns(struct dm_session *s, const struct dm_plan *plan,
                             const struct dm_portal *portal, const struct dm_column *cols, size_t n)
{
    struct dm_pgwire_out *out = &s->link.out;
    dm_pgwire_begin(out, DM_WIRE_ROW_DESCRIPTION);
    dm_pgwire_add_i16(out, (int)n);
    for (size_t i = 0; i < n; i++) {
        bool show = plan->st.kind == DM_STATEMENT_SHOW && plan->st.name && n == 1;
        unsigned oid = dm_type_oid(cols[i].type);
        dm_pgwire_add_cstr(out, show ? plan->st.name : cols[i].name);
        dm_pgwire_add_i32(out, 0); /* of no table */
        dm_pgwire_add_i16(out, 0);
        dm_pgwire_add_i32(out, (int32_t)oid);
        dm_pgwire_add_i16(out, dm_type_len(oid));
        dm_pgwire_add_i32(out, dm_type_typmod(cols[i].type));
        dm_pgwire_add_i16(out, portal ? format_of(portal, i) : 0);
    }
    dm_pgwire_end(out);
}

static int send_row(struct dm_session *s, struct dm_portal *p, size_t n_cols, struct dm_err *reterr)
{
    struct dm_pgwire_out *out = &s->link.out;
    dm_pgwire_begin(out, DM_WIRE_DATA_ROW);
    dm_pgwire_add_i16(out, (int)n_cols);
    for (size_t i = 0; i < n_cols; i++) {
        const struct dm_vector *v = &p->chunk.cols[i];
        if (dm_vector_is_null(v, p->row)) {
            dm_pgwire_cell_null(out);
            continue;
        }
        dm_pgwire_cell_begin(out);
        int rc = format_of(p, i) ? dm_format_binary(v, p->row, &out->buf, reterr)
                                 : dm_format_text(v, p->row, &out->buf, reterr);
        if (rc < 0) {
            dm_pgwire_abandon(out);
            return rc;
        }
        dm_pgwire_cell_end(out);
    }
    dm_pgwire_end(out);
    if (out->buf.full) {
        dm_pgwire_abandon(out);
        return dm_err_set(reterr, DM_E_LIMIT, "a row is larger than %zu bytes", DM_WIRE_OUT_MAX);
    }
    p->row++;
    return 0;
}

/* 1: the limit was reached; 0: no more rows.  `max` 0 = all. */
static int send_rows(struct dm_session *s, struct dm_portal *p, int64_t max, int64_t *ret_n,
                     struct dm_err *reterr)
{
    int64_t n = 0;
    int rc;
    for (;;) {
        while (p->row < p->chunk.n_rows) {
            if (max && n == max) {
                *ret_n = n;
                return 1;
            }
            DM_TRY(send_row(s, p, p->result->n_cols, reterr));
            n++;
        }
        if (dm_link_flush_some(&s->link, reterr) < 0) {
            s->gone = true;
            return DM_E_IO;
        }
        p->row = 0;
        p->chunk.n_rows = 0;
        rc = dm_result_next(p->result, &p->chunk, reterr);
        if (rc < 0)
            return plan_error(p->plan, rc, reterr);
        if (rc == 0)
            break;
    }
    *ret_n = n;
    return 0;
}

static void complete(struct dm_session *s, const struct dm_statement *st, int64_t n)
{
    char tag[128];
    const char *name = st->tag && st->tag[0] ? st->tag : "OK";
    if (st->counted)
        snprintf(tag, sizeof(tag), "%s %lld", name, (long long)n);
    else
        snprintf(tag, sizeof(tag), "%s", name);
    dm_pgwire_command_complete(&s->link.out, tag);
}

/* Settings that PostgreSQL reports whenever they change. */
static void report_setting(struct dm_session *s, const char *name)
{
    static const struct {
        const char *name, *folded;
    } reported[] = {{"client_encoding", "client_encoding"},
                    {"application_name", "application_name"},
                    {"DateStyle", "datestyle"},
                    {"IntervalStyle", "intervalstyle"},
                    {"TimeZone", "timezone"}};
    for (size_t i = 0; i < sizeof(reported) / sizeof(reported[0]); i++) {
        if (strcasecmp(reported[i].name, name) != 0)
            continue;
        const char *value = dm_rewriter_setting(s->rewriter, reported[i].folded);
        if (value)
            dm_pgwire_parameter_status(&s->link.out, reported[i].name, value);
    }
}

/* The other parts of a statement that the engine takes in several. */
static int run_more(struct dm_session *s, const struct dm_plan *plan, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    for (size_t i = 0; i < plan->st.n_more; i++) {
        int rc = dm_engine_query(s->conn, &a, plan->st.more[i], NULL, reterr);
        if (rc == DM_E_SQL) {
            struct dm_statement part = plan->st;
            part.sql = plan->st.more[i];
            dm_rewrite_error(&part, plan->text, reterr);
        }
        DM_TRY(rc);
    }
    return 0;
}

static int set_settings(struct dm_session *s, const struct dm_statement *st, struct dm_err *reterr)
{
    if (!st->n_sets)
        return 0;
    _cleanup_arena_ struct dm_arena a = {0};
    DM_TRY(dm_rewrite_perform(s->rewriter, &a, st, reterr));
    for (size_t i = 0; i < st->n_sets; i++)
        report_setting(s, st->sets[i].name);
    return 0;
}

/* Runs a portal or goes on with it; adds everything up to its command tag.  `describe`: the columns first. */
static int run_query(struct dm_session *s, struct dm_portal *p, bool describe, int64_t max,
                     struct dm_err *reterr)
{
    const struct dm_statement *st = &p->plan->st;
    int64_t n = 0;
    if (p->done) {
        complete(s, st, 0);
        return 0;
    }
    if (!p->result) {
        if (st->writes)
            s->writes++;
        DM_TRY(set_settings(s, st, reterr));
        int rc = dm_prepared_run(p->plan->prepared, p->types, p->cells, &p->result, reterr);
        if (rc < 0)
            return plan_error(p->plan, rc, reterr);
        DM_TRY(run_more(s, p->plan, reterr));
        if (st->n_sets && s->tx == 'I') /* the statement was a transaction */
            dm_rewrite_transaction_end(s->rewriter);
    }
    if (!p->result->has_rows || !st->returns_rows) {
        n = p->result->changed;
    } else {
        if (describe)
            describe_columns(s, p->plan, p, p->result->cols, p->result->n_cols);
        int rc = send_rows(s, p, max, &n, reterr);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            dm_pgwire_empty(&s->link.out, DM_WIRE_PORTAL_SUSPENDED);
            return 0;
        }
    }
    p->done = true;
    complete(s, st, n);
    return 0;
}

static int perform(struct dm_session *s, struct dm_plan *plan, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_statement *st = &plan->st;
    int rc = dm_rewrite_perform(s->rewriter, &a, st, reterr);
    if (rc < 0)
        return plan_error(plan, rc, reterr);
    if (st->kind == DM_STATEMENT_SET && st->name)
        report_setting(s, st->name);
    complete(s, st, 0);
    return 0;
}

static int run_portal(struct dm_session *s, struct dm_portal *p, bool describe, int64_t max,
                      struct dm_err *reterr)
{
    const struct dm_statement *st = &p->plan->st;
    DM_TRY(check_not_failed(s, p->plan->text, reterr));
    if (st->no_transaction && s->tx != 'I')
        return sql_error(reterr, "25001", "%s cannot run inside a transaction block", st->tag);
    switch (st->kind) {
    case DM_STATEMENT_QUERY:
    case DM_STATEMENT_SHOW:
        return run_query(s, p, describe, max, reterr);
    case DM_STATEMENT_BEGIN:
    case DM_STATEMENT_COMMIT:
    case DM_STATEMENT_ROLLBACK:
    case DM_STATEMENT_SAVEPOINT:
        return dm_session_control(s, st, reterr);
    case DM_STATEMENT_SET:
    case DM_STATEMENT_EXTERNAL:
    case DM_STATEMENT_NOTHING:
        return perform(s, p->plan, reterr);
    case DM_STATEMENT_COPY_OUT: {
        int rc = dm_session_copy_out(s, p->plan, reterr);
        return rc == DM_E_SQL ? plan_error(p->plan, rc, reterr) : rc;
    }
    case DM_STATEMENT_COPY_IN:
        break;
    }
    return dm_err_set(reterr, DM_E_FAILED, "a statement of an unknown kind");
}

/* COPY FROM STDIN has a context line in its errors, so it reports by itself: 1 = failed and reported. */
static int run_copy_in(struct dm_session *s, struct dm_plan *plan)
{
    struct dm_err err;
    char where[256] = "";
    s->writes++;
    int rc = check_not_failed(s, plan->text, &err);
    if (rc == 0)
        rc = dm_session_copy_in(s, &plan->st, where, sizeof(where), &err);
    if (rc == 0)
        return 0;
    if (rc == DM_E_SQL)
        (void)plan_error(plan, rc, &err);
    dm_session_fail(s, &err, where);
    return 1;
}

/* Whether an implicit block must stand around a statement: one of several, or one that is several for the engine. */
static bool wants_block(const struct dm_statement *st, bool several)
{
    bool runs = st->kind == DM_STATEMENT_QUERY || st->kind == DM_STATEMENT_COPY_IN ||
                st->kind == DM_STATEMENT_COPY_OUT;
    return runs && (several || st->n_more);
}

/* Simple queries. */

static int count_chars(struct dm_str s)
{
    int n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* 0 = go on, 1 = the error has been reported. */
static int simple_statement(struct dm_session *s, struct dm_str text, int first_char, bool several)
{
    struct dm_err err;
    struct dm_plan *plan;
    if (plan_new(s, text, first_char, NULL, 0, &plan, &err) < 0) {
        dm_session_fail(s, &err, NULL);
        return 1;
    }
    int rc = 0;
    if (s->tx == 'I' && wants_block(&plan->st, several))
        rc = dm_session_begin(s, true, &err);
    if (rc == 0 && plan->st.kind == DM_STATEMENT_COPY_IN) {
        rc = run_copy_in(s, plan);
        plan_unref(plan);
        return rc;
    }
    if (rc == 0 && plan->prepared && plan->prepared->n_params)
        rc = sql_error(&err, "42P02", "there is no parameter $1");
    if (rc == 0) {
        struct dm_portal portal = {.plan = plan};
        rc = run_portal(s, &portal, true, 0, &err);
        dm_result_free(portal.result);
    }
    plan_unref(plan);
    if (rc < 0)
        dm_session_fail(s, &err, NULL);
    return rc < 0;
}

void dm_session_simple_query(struct dm_session *s, struct dm_pgwire_in *in)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    struct dm_sql_statement *list;
    size_t n = 0;
    const char *sql = dm_pgwire_cstr(in);
    drop_plan(s, "");
    drop_portal(s, "");
    if (dm_pgwire_done(in, &err) < 0 || dm_sql_split(&a, dm_str_c(sql), &list, &n, &err) < 0)
        dm_session_fail(s, &err, NULL);
    else if (n == 0)
        dm_pgwire_empty(&s->link.out, DM_WIRE_EMPTY_QUERY);
    for (size_t i = 0; i < n && !s->gone; i++) {
        int first = n > 1 || list[i].at ? count_chars(dm_str_n(sql, list[i].at)) : 0;
        if (simple_statement(s, list[i].text, first, n > 1))
            break;
    }
    if (dm_session_end_implicit(s, &err) < 0)
        dm_session_fail(s, &err, NULL);
    dm_pgwire_ready(&s->link.out, s->tx);
}

/* The extended protocol. */

int dm_session_parse(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *name = dm_pgwire_cstr(in), *sql = dm_pgwire_cstr(in);
    int n_oids = dm_pgwire_i16(in);
    unsigned *oids = dm_arena_array(&a, unsigned, (size_t)(n_oids > 0 ? n_oids : 0) + 1);
    for (int i = 0; i < n_oids; i++)
        oids[i] = (unsigned)dm_pgwire_i32(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    if (!name[0])
        drop_plan(s, "");
    else if (*find_plan(s, name))
        return sql_error(reterr, "42P05", "prepared statement \"%s\" already exists", name);
    if (s->n_plans >= DM_SESSION_STATEMENTS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a session has more than %d prepared statements",
                          DM_SESSION_STATEMENTS_MAX);
    struct dm_sql_statement *list;
    size_t n;
    DM_TRY(dm_sql_split(&a, dm_str_c(sql), &list, &n, reterr));
    if (n > 1)
        return sql_error(reterr, "42601",
                         "cannot insert multiple commands into a prepared statement");
    struct dm_plan *plan;
    if (n == 0) {
        plan = dm_calloc(1, sizeof(*plan));
        plan->refs = 1;
        plan->empty = true;
    } else {
        DM_TRY(plan_new(s, list[0].text, count_chars(dm_str_n(sql, list[0].at)), oids,
                        (size_t)(n_oids > 0 ? n_oids : 0), &plan, reterr));
    }
    struct dm_named_plan *entry = dm_calloc(1, sizeof(*entry));
    *entry = (struct dm_named_plan){.next = s->plans, .name = dm_strdup(name), .plan = plan};
    s->plans = entry;
    s->n_plans++;
    dm_pgwire_empty(&s->link.out, DM_WIRE_PARSE_COMPLETE);
    return 0;
}

static int read_cell(struct dm_portal *p, size_t i, int format, struct dm_pgwire_in *in,
                     struct dm_err *reterr)
{
    const struct dm_plan *plan = p->plan;
    int32_t len = dm_pgwire_i32(in);
    if (len < 0) {
        p->cells[i].null = true;
        return 0;
    }
    struct dm_str bytes = dm_str_dup(&p->arena, dm_pgwire_bytes(in, (size_t)len));
    unsigned declared = i < plan->n_oids ? plan->oids[i] : 0;
    int rc = format ? dm_parse_binary(&p->arena, p->types[i], declared, bytes, &p->cells[i], reterr)
                    : dm_parse_text(&p->arena, p->types[i], bytes, &p->cells[i], reterr);
    if (rc < 0)
        dm_err_detail(reterr, "This is the value of parameter $%zu.", i + 1);
    return rc;
}

static int read_formats(struct dm_pgwire_in *in, struct dm_arena *a, int **ret, size_t *ret_n,
                        struct dm_err *reterr)
{
    int n = dm_pgwire_i16(in);
    *ret_n = n > 0 ? (size_t)n : 0;
    *ret = dm_arena_array(a, int, *ret_n + 1);
    for (size_t i = 0; i < *ret_n; i++) {
        (*ret)[i] = dm_pgwire_i16(in);
        if ((*ret)[i] != 0 && (*ret)[i] != 1)
            return sql_error(reterr, "22023", "unsupported format code: %d", (*ret)[i]);
    }
    return 0;
}

static int read_cells(struct dm_portal *p, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    int *formats;
    size_t n_formats;
    size_t n_params = p->plan->prepared ? p->plan->prepared->n_params : 0;
    DM_TRY(read_formats(in, &p->arena, &formats, &n_formats, reterr));
    int n = dm_pgwire_i16(in);
    if (n < 0 || (size_t)n != n_params)
        return sql_error(reterr, "08P01",
                         "bind message supplies %d parameters, but the prepared statement requires "
                         "%zu",
                         n, n_params);
    if (n_formats > 1 && n_formats != n_params)
        return sql_error(reterr, "08P01",
                         "bind message has %zu parameter formats but %zu parameters", n_formats,
                         n_params);
    const struct dm_type **types = dm_arena_array(&p->arena, const struct dm_type *, n_params + 1);
    p->cells = dm_arena_array(&p->arena, struct dm_cell, n_params + 1);
    p->types = types;
    for (size_t i = 0; i < n_params; i++) {
        const struct dm_type *t = p->plan->prepared->params[i];
        types[i] = dm_type_is_unknown(t) ? dm_type_of_oid(&p->arena, param_oid(p->plan, i)) : t;
        int format = n_formats == 0 ? 0 : n_formats == 1 ? formats[0] : formats[i];
        DM_TRY(read_cell(p, i, format, in, reterr));
    }
    return 0;
}

/* External tables are looked up when a statement is rewritten, so an old plan could miss new partitions. */
static int refresh(struct dm_session *s, struct dm_named_plan *entry, struct dm_err *reterr)
{
    struct dm_plan *old = entry->plan, *fresh;
    if (old->empty || !old->st.reads_lake)
        return 0;
    DM_TRY(plan_new(s, old->text, old->first_char, old->oids, old->n_oids, &fresh, reterr));
    entry->plan = fresh;
    plan_unref(old);
    return 0;
}

static int bind_portal(struct dm_session *s, struct dm_portal *p, struct dm_pgwire_in *in,
                       struct dm_err *reterr)
{
    if (!p->plan->empty)
        DM_TRY(check_not_failed(s, p->plan->text, reterr));
    DM_TRY(read_cells(p, in, reterr));
    DM_TRY(read_formats(in, &p->arena, &p->formats, &p->n_formats, reterr));
    DM_TRY(dm_pgwire_done(in, reterr));
    size_t n_cols = p->plan->prepared && p->plan->st.returns_rows ? p->plan->prepared->n_cols : 0;
    if (p->n_formats > 1 && p->n_formats != n_cols)
        return sql_error(reterr, "08P01",
                         "bind message has %zu result formats but query has %zu "
                         "columns",
                         p->n_formats, n_cols);
    return 0;
}

int dm_session_bind(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    const char *name = dm_pgwire_cstr(in), *statement = dm_pgwire_cstr(in);
    struct dm_named_plan *entry = *find_plan(s, statement);
    if (!entry)
        return sql_error(reterr, "26000", "prepared statement \"%s\" does not exist", statement);
    if (!name[0])
        drop_portal(s, "");
    else if (*find_portal(s, name))
        return sql_error(reterr, "42P03", "cursor \"%s\" already exists", name);
    if (s->n_portals >= DM_SESSION_PORTALS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a session has more than %d portals",
                          DM_SESSION_PORTALS_MAX);
    DM_TRY(refresh(s, entry, reterr));
    struct dm_portal *p = dm_calloc(1, sizeof(*p));
    p->name = dm_strdup(name);
    p->plan = entry->plan;
    p->plan->refs++;
    int rc = bind_portal(s, p, in, reterr);
    if (rc < 0) {
        portal_free(p);
        return rc;
    }
    p->next = s->portals;
    s->portals = p;
    s->n_portals++;
    dm_pgwire_empty(&s->link.out, DM_WIRE_BIND_COMPLETE);
    return 0;
}

static void describe_result(struct dm_session *s, const struct dm_plan *plan,
                            const struct dm_portal *portal)
{
    if (plan->prepared && plan->st.returns_rows && plan->st.kind != DM_STATEMENT_COPY_OUT)
        describe_columns(s, plan, portal, plan->prepared->cols, plan->prepared->n_cols);
    else
        dm_pgwire_empty(&s->link.out, DM_WIRE_NO_DATA);
}

int dm_session_describe(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    unsigned what = dm_pgwire_u8(in);
    const char *name = dm_pgwire_cstr(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    if (what == 'P') {
        struct dm_portal *p = *find_portal(s, name);
        if (!p)
            return sql_error(reterr, "34000", "portal \"%s\" does not exist", name);
        describe_result(s, p->plan, p);
        return 0;
    }
    if (what != 'S')
        return sql_error(reterr, "08P01", "invalid DESCRIBE message subtype %u", what);
    struct dm_named_plan *entry = *find_plan(s, name);
    if (!entry)
        return sql_error(reterr, "26000", "prepared statement \"%s\" does not exist", name);
    size_t n = entry->plan->prepared ? entry->plan->prepared->n_params : 0;
    dm_pgwire_begin(&s->link.out, DM_WIRE_PARAMETER_DESCRIPTION);
    dm_pgwire_add_i16(&s->link.out, (int)n);
    for (size_t i = 0; i < n; i++)
        dm_pgwire_add_i32(&s->link.out, (int32_t)param_oid(entry->plan, i));
    dm_pgwire_end(&s->link.out);
    describe_result(s, entry->plan, NULL);
    return 0;
}

int dm_session_execute(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    const char *name = dm_pgwire_cstr(in);
    int32_t max = dm_pgwire_i32(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    struct dm_portal *p = *find_portal(s, name);
    if (!p)
        return sql_error(reterr, "34000", "portal \"%s\" does not exist", name);
    if (p->plan->empty) {
        dm_pgwire_empty(&s->link.out, DM_WIRE_EMPTY_QUERY);
        return 0;
    }
    /* All up to Sync is one transaction; where Sync is next already, the statement is one by itself. */
    if (s->tx == 'I' && !p->result &&
        wants_block(&p->plan->st, dm_link_peek(&s->link) != DM_WIRE_SYNC))
        DM_TRY(dm_session_begin(s, true, reterr));
    if (p->plan->st.kind == DM_STATEMENT_COPY_IN) {
        if (run_copy_in(s, p->plan))
            s->skipping = true;
        return 0;
    }
    struct dm_plan *plan = p->plan;
    plan->refs++; /* COMMIT drops the portals, this one with them */
    int rc = run_portal(s, p, false, max > 0 ? max : 0, reterr);
    plan_unref(plan);
    return rc;
}

int dm_session_close(struct dm_session *s, struct dm_pgwire_in *in, struct dm_err *reterr)
{
    unsigned what = dm_pgwire_u8(in);
    const char *name = dm_pgwire_cstr(in);
    DM_TRY(dm_pgwire_done(in, reterr));
    if (what == 'S')
        drop_plan(s, name);
    else if (what == 'P')
        drop_portal(s, name);
    else
        return sql_error(reterr, "08P01", "invalid CLOSE message subtype %u", what);
    dm_pgwire_empty(&s->link.out, DM_WIRE_CLOSE_COMPLETE);
    return 0;
}
