/* Sessions, repeated transactions and results for the operators that speak SQL. */
#include "op/sql_session.h"

int dm_sql_session(struct dm_attempt *at, struct dm_str conn_id, struct dm_str database,
                   struct dm_pg **ret, struct dm_err *reterr)
{
    if (!database.len)
        return dm_attempt_sql(at, conn_id, ret, reterr);
    struct dm_connection c;
    DM_TRY(dm_attempt_conn(at, conn_id, &c, reterr));
    c.schema = dm_str_cstr(at->arena, database);
    const char *name = dm_arena_printf(at->arena, "daymill %s.%s %s", at->order->dag_id,
                                       at->order->task_id, at->order->run_id);
    return dm_pg_open(at->project, &c, name, ret, reterr);
}

bool dm_sql_is_conflict(const struct dm_err *err)
{
    return err->code == DM_E_CONFLICT || strcmp(err->sqlstate, "40001") == 0 ||
           strcmp(err->sqlstate, "40P01") == 0;
}

/* 10, 20, 40 … ms, and a little more for one task than for another, so that two do not meet again. */
static void wait_before(const struct dm_attempt *at, int again)
{
    int64_t ms = (INT64_C(10) << again) + at->order->attempt % 7;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static int run_once(struct dm_attempt *at, struct dm_pg *pg, const char *begin,
                    int (*body)(void *user, struct dm_err *reterr), void *user,
                    struct dm_err *reterr)
{
    struct dm_pg_result r;
    if (!begin)
        return body(user, reterr);
    DM_TRY(dm_pg_exec(pg, at->arena, dm_str_c(begin), NULL, 0, &r, reterr));
    int rc = body(user, reterr);
    if (rc >= 0)
        rc = dm_pg_exec(pg, at->arena, DM_STR("COMMIT"), NULL, 0, &r, reterr);
    if (rc < 0) {
        struct dm_err ignored; /* a session that is gone has rolled back by itself */
        if (dm_pg_exec(pg, at->arena, DM_STR("ROLLBACK"), NULL, 0, &r, &ignored) < 0)
            return rc;
    }
    return rc;
}

int dm_sql_transaction(struct dm_attempt *at, struct dm_pg *pg, const char *begin,
                       int (*body)(void *user, struct dm_err *reterr), void *user,
                       struct dm_err *reterr)
{
    struct dm_err err;
    for (int again = 0;; again++) {
        memset(&err, 0, sizeof(err));
        int rc = run_once(at, pg, begin, body, user, &err);
        if (rc >= 0)
            return 0;
        if (again + 1 >= DM_SQL_TRIES || !dm_sql_is_conflict(&err)) {
            if (again)
                dm_err_wrap(&err, "after %d conflicts with other transactions", again);
            if (reterr)
                *reterr = err;
            return rc;
        }
        wait_before(at, again);
    }
}

/* ---- parameters ---- */

static int add_literal(struct dm_strbuf *b, const struct dm_value *v, struct dm_err *reterr)
{
    switch (v->kind) {
    case DM_NULL:
        dm_strbuf_adds(b, "NULL");
        return 0;
    case DM_BOOL:
        dm_strbuf_adds(b, v->b ? "TRUE" : "FALSE");
        return 0;
    case DM_INT:
        dm_strbuf_addf(b, "%lld", (long long)v->i);
        return 0;
    case DM_FLOAT:
        dm_strbuf_addf(b, "%.17g", v->f);
        return 0;
    case DM_STRING:
        dm_strbuf_add_sql_literal(b, v->s);
        return 0;
    case DM_DATE:
    case DM_DATETIME: {
        _cleanup_strbuf_ struct dm_strbuf text;
        dm_strbuf_init(&text, DM_BUF_MESSAGE);
        dm_value_to_json(&text, v, false);
        struct dm_str s = dm_strbuf_str(&text);
        dm_strbuf_add_sql_literal(b, s.len >= 2 ? dm_str_sub(s, 1, s.len - 1) : s);
        return 0;
    }
    default:
        return dm_err_set(reterr, DM_E_TYPE, "a parameter of SQL cannot be a %s",
                          dm_kind_name(v->kind));
    }
}

int dm_sql_bind(struct dm_arena *a, struct dm_str sql, const struct dm_value *parameters,
                struct dm_str *ret, struct dm_err *reterr)
{
    if (!parameters || parameters->kind == DM_NULL) {
        *ret = sql;
        return 0;
    }
    bool list = parameters->kind == DM_LIST || parameters->kind == DM_TUPLE;
    if (!list && parameters->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "parameters must be a list or a map, not a %s",
                          dm_kind_name(parameters->kind));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    size_t used = 0;
    for (size_t i = 0; i < sql.len; i++) {
        if (sql.p[i] != '%') {
            dm_strbuf_addc(&b, sql.p[i]);
            continue;
        }
        struct dm_str rest = dm_str_sub(sql, i + 1, sql.len);
        if (dm_str_starts(rest, DM_STR("%"))) {
            dm_strbuf_addc(&b, '%');
            i++;
        } else if (list && dm_str_starts(rest, DM_STR("s"))) {
            if (used >= parameters->list.n)
                return dm_err_set(reterr, DM_E_INVALID, "the text has more %%s than parameters");
            DM_TRY(add_literal(&b, parameters->list.items[used++], reterr));
            i++;
        } else if (!list && dm_str_starts(rest, DM_STR("("))) {
            ptrdiff_t end = dm_str_find(rest, DM_STR(")s"), 0);
            if (end < 0)
                return dm_err_set(reterr, DM_E_SYNTAX, "%%( without )s in SQL with parameters");
            struct dm_str name = dm_str_sub(rest, 1, (size_t)end);
            const struct dm_value *v = dm_map_at(parameters, dm_str_cstr(a, name));
            if (!v)
                return dm_err_set(reterr, DM_E_UNDEFINED, "there is no parameter \"%.*s\"",
                                  DM_FMT(name));
            DM_TRY(add_literal(&b, v, reterr));
            i += (size_t)end + 2;
        } else {
            dm_err_set(reterr, DM_E_SYNTAX, "a single %% in SQL with parameters");
            dm_err_hint(reterr, "Write %%%% for the character, %s for a parameter.",
                        list ? "%s" : "%(name)s");
            return DM_E_SYNTAX;
        }
    }
    if (list && used < parameters->list.n)
        return dm_err_set(reterr, DM_E_INVALID, "%zu parameters, but the text has %zu %%s",
                          parameters->list.n, used);
    DM_TRY(dm_strbuf_check(&b, "the SQL", reterr));
    *ret = dm_str_dup(a, dm_strbuf_str(&b));
    return 0;
}

/* ---- results ---- */

enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701
};

const struct dm_value *dm_sql_cell(struct dm_arena *a, const struct dm_pg_result *r, size_t row,
                                   size_t col)
{
    const char *text = r->rows[row][col];
    int64_t i;
    double f;
    if (!text)
        return &dm_null;
    switch (r->oids[col]) {
    case OID_BOOL:
        return text[0] == 't' ? &dm_true : &dm_false;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        if (dm_str_to_i64(dm_str_c(text), &i))
            return dm_value_int(a, i);
        break;
    case OID_FLOAT4:
    case OID_FLOAT8:
        if (dm_str_to_f64(dm_str_c(text), &f))
            return dm_value_float(a, f);
        break;
    default:
        break;
    }
    return dm_value_cstr(a, text);
}

const struct dm_value *dm_sql_rows(struct dm_arena *a, const struct dm_pg_result *r)
{
    if (r->n_rows > DM_SQL_XCOM_ROWS)
        return NULL;
    size_t bytes = 0;
    struct dm_value *rows = dm_value_list(a, 0);
    for (size_t i = 0; i < r->n_rows; i++) {
        struct dm_value *row = dm_value_list(a, 0);
        for (size_t c = 0; c < r->n_cols; c++) {
            bytes += r->rows[i][c] ? strlen(r->rows[i][c]) : 4;
            if (bytes > DM_SQL_XCOM_BYTES)
                return NULL;
            dm_list_add(a, row, dm_sql_cell(a, r, i, c));
        }
        dm_list_add(a, rows, row);
    }
    return rows;
}

const struct dm_value *dm_sql_row_maps(struct dm_arena *a, const struct dm_pg_result *r, size_t max)
{
    struct dm_value *rows = dm_value_list(a, 0);
    for (size_t i = 0; i < r->n_rows && i < max; i++) {
        struct dm_value *row = dm_value_map(a);
        for (size_t c = 0; c < r->n_cols; c++)
            dm_map_set(a, row, r->cols[c], dm_sql_cell(a, r, i, c));
        dm_list_add(a, rows, row);
    }
    return rows;
}

/* Characters, not bytes, of a cell that may be cut, on one line. */
static size_t cell_width(const char *text)
{
    size_t n = 0;
    for (const char *p = text; *p && n < DM_SQL_SHOWN_CELL; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

static void add_cell(struct dm_strbuf *b, const char *text, size_t width)
{
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        bool starts = ((unsigned char)*p & 0xc0) != 0x80;
        if (starts && n == DM_SQL_SHOWN_CELL)
            break;
        n += starts;
        dm_strbuf_addc(b, *p == '\n' || *p == '\r' || *p == '\t' ? ' ' : *p);
    }
    for (; n < width; n++)
        dm_strbuf_addc(b, ' ');
}

static const char *shown(const char *cell)
{
    return cell ? cell : "NULL";
}

void dm_sql_table_text(struct dm_strbuf *b, const struct dm_pg_result *r, size_t max)
{
    size_t n = r->n_rows < max ? r->n_rows : max;
    for (size_t line = 0; line <= n; line++) {
        for (size_t c = 0; c < r->n_cols; c++) {
            size_t width = cell_width(r->cols[c]);
            for (size_t i = 0; i < n; i++) {
                size_t w = cell_width(shown(r->rows[i][c]));
                width = w > width ? w : width;
            }
            if (c)
                dm_strbuf_adds(b, " | ");
            add_cell(b, line ? shown(r->rows[line - 1][c]) : r->cols[c],
                     c + 1 < r->n_cols ? width : 0);
        }
        dm_strbuf_addc(b, '\n');
    }
    if (r->n_rows > n)
        dm_strbuf_addf(b, "(%zu more)\n", r->n_rows - n);
}

const char *dm_sql_dataset(struct dm_attempt *at, struct dm_str conn_id, const char *table)
{
    return dm_arena_printf(at->arena, "%.*s://%s", DM_FMT(conn_id), table);
}
