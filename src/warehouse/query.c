/* Running a plan: rows, counts and settings to the client; and simple queries. */
#include <strings.h>

#include "lang/sql_lex.h"
#include "warehouse/format.h"
#include "warehouse/session_parts.h"

static int format_of(const struct dm_portal *p, size_t col)
{
    return p->n_formats == 0 ? 0 : p->n_formats == 1 ? p->formats[0] : p->formats[col];
}

void dm_session_describe_columns(struct dm_session *s, const struct dm_plan *plan,
                                 const struct dm_portal *portal, const struct dm_column *cols,
                                 size_t n)
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
            return dm_plan_error(p->plan, rc, reterr);
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
            return dm_plan_error(p->plan, rc, reterr);
        DM_TRY(run_more(s, p->plan, reterr));
        if (st->n_sets && s->tx == 'I') /* the statement was a transaction */
            dm_rewrite_transaction_end(s->rewriter);
    }
    if (!p->result->has_rows || !st->returns_rows) {
        n = p->result->changed;
    } else {
        if (describe)
            dm_session_describe_columns(s, p->plan, p, p->result->cols, p->result->n_cols);
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
        return dm_plan_error(plan, rc, reterr);
    if (st->kind == DM_STATEMENT_SET && st->name)
        report_setting(s, st->name);
    complete(s, st, 0);
    return 0;
}

int dm_session_run_portal(struct dm_session *s, struct dm_portal *p, bool describe, int64_t max,
                          struct dm_err *reterr)
{
    const struct dm_statement *st = &p->plan->st;
    DM_TRY(dm_session_check_not_failed(s, p->plan->text, reterr));
    if (st->no_transaction && s->tx != 'I')
        return dm_session_error(reterr, "25001", "%s cannot run inside a transaction block",
                                st->tag);
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
        return rc == DM_E_SQL ? dm_plan_error(p->plan, rc, reterr) : rc;
    }
    case DM_STATEMENT_COPY_IN:
        break;
    }
    return dm_err_set(reterr, DM_E_FAILED, "a statement of an unknown kind");
}

/* COPY FROM STDIN has a context line in its errors, so it reports by itself: 1 = failed and reported. */
int dm_session_run_copy_in(struct dm_session *s, struct dm_plan *plan)
{
    struct dm_err err;
    char where[256] = "";
    s->writes++;
    int rc = dm_session_check_not_failed(s, plan->text, &err);
    if (rc == 0)
        rc = dm_session_copy_in(s, &plan->st, where, sizeof(where), &err);
    if (rc == 0)
        return 0;
    if (rc == DM_E_SQL)
        (void)dm_plan_error(plan, rc, &err);
    dm_session_fail(s, &err, where);
    return 1;
}

/* Whether an implicit block must stand around a statement: one of several, or one that is several for the engine. */
bool dm_session_wants_block(const struct dm_statement *st, bool several)
{
    bool runs = st->kind == DM_STATEMENT_QUERY || st->kind == DM_STATEMENT_COPY_IN ||
                st->kind == DM_STATEMENT_COPY_OUT;
    return runs && (several || st->n_more);
}

/* Simple queries. */

int dm_count_chars(struct dm_str s)
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
    if (dm_plan_new(s, text, first_char, NULL, 0, &plan, &err) < 0) {
        dm_session_fail(s, &err, NULL);
        return 1;
    }
    int rc = 0;
    if (s->tx == 'I' && dm_session_wants_block(&plan->st, several))
        rc = dm_session_begin(s, true, &err);
    if (rc == 0 && plan->st.kind == DM_STATEMENT_COPY_IN) {
        rc = dm_session_run_copy_in(s, plan);
        dm_plan_unref(plan);
        return rc;
    }
    if (rc == 0 && plan->prepared && plan->prepared->n_params)
        rc = dm_session_error(&err, "42P02", "there is no parameter $1");
    if (rc == 0) {
        struct dm_portal portal = {.plan = plan};
        rc = dm_session_run_portal(s, &portal, true, 0, &err);
        dm_result_free(portal.result);
    }
    dm_plan_unref(plan);
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
    s->steps++;
    dm_session_drop_plan(s, "");
    dm_session_drop_portal(s, "");
    if (dm_pgwire_done(in, &err) < 0 || dm_sql_split(&a, dm_str_c(sql), &list, &n, &err) < 0)
        dm_session_fail(s, &err, NULL);
    else if (n == 0)
        dm_pgwire_empty(&s->link.out, DM_WIRE_EMPTY_QUERY);
    for (size_t i = 0; i < n && !s->gone; i++) {
        int first = n > 1 || list[i].at ? dm_count_chars(dm_str_n(sql, list[i].at)) : 0;
        if (simple_statement(s, list[i].text, first, n > 1))
            break;
    }
    if (dm_session_end_implicit(s, &err) < 0)
        dm_session_fail(s, &err, NULL);
    dm_pgwire_ready(&s->link.out, s->tx);
}
