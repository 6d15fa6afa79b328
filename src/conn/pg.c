/* Sessions by libpq: opening, statements, COPY. */
#include "conn/pg.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/time.h"
#include "conn/warehouse_start.h"
#include "lang/utf8.h"

enum { COPY_CHUNK = 256 << 10, SETTINGS_MAX = 24 };
enum {
    LINE_BEFORE = 60,
    LINE_AFTER = 40
}; /* characters of a line that an error shows around its place */
#define WAREHOUSE_WITHIN_US (20 * DM_SEC)

static struct {
    PGconn *(*PQconnectdbParams)(const char *const *, const char *const *, int);
    ConnStatusType (*PQstatus)(const PGconn *);
    char *(*PQerrorMessage)(const PGconn *);
    void (*PQfinish)(PGconn *);
    PGresult *(*PQexec)(PGconn *, const char *);
    int (*PQsendQueryParams)(PGconn *, const char *, int, const Oid *, const char *const *,
                             const int *, const int *, int);
    int (*PQsetSingleRowMode)(PGconn *);
    PGresult *(*PQgetResult)(PGconn *);
    ExecStatusType (*PQresultStatus)(const PGresult *);
    char *(*PQresultErrorField)(const PGresult *, int);
    char *(*PQresultErrorMessage)(const PGresult *);
    void (*PQclear)(PGresult *);
    int (*PQntuples)(const PGresult *);
    int (*PQnfields)(const PGresult *);
    char *(*PQfname)(const PGresult *, int);
    Oid (*PQftype)(const PGresult *, int);
    char *(*PQgetvalue)(const PGresult *, int, int);
    int (*PQgetlength)(const PGresult *, int, int);
    int (*PQgetisnull)(const PGresult *, int, int);
    char *(*PQcmdStatus)(PGresult *);
    char *(*PQcmdTuples)(PGresult *);
    int (*PQgetCopyData)(PGconn *, char **, int);
    int (*PQputCopyData)(PGconn *, const char *, int);
    int (*PQputCopyEnd)(PGconn *, const char *);
    void (*PQfreemem)(void *);
    PGcancel *(*PQgetCancel)(PGconn *);
    int (*PQcancel)(PGcancel *, char *, int);
    void (*PQfreeCancel)(PGcancel *);
} pq;

#define SYMBOL(name)             \
    {                            \
#name, (void **)&pq.name \
    }
static const struct dm_dl_symbol symbols[] = {
    SYMBOL(PQconnectdbParams),
    SYMBOL(PQstatus),
    SYMBOL(PQerrorMessage),
    SYMBOL(PQfinish),
    SYMBOL(PQexec),
    SYMBOL(PQsendQueryParams),
    SYMBOL(PQsetSingleRowMode),
    SYMBOL(PQgetResult),
    SYMBOL(PQresultStatus),
    SYMBOL(PQresultErrorField),
    SYMBOL(PQresultErrorMessage),
    SYMBOL(PQclear),
    SYMBOL(PQntuples),
    SYMBOL(PQnfields),
    SYMBOL(PQfname),
    SYMBOL(PQftype),
    SYMBOL(PQgetvalue),
    SYMBOL(PQgetlength),
    SYMBOL(PQgetisnull),
    SYMBOL(PQcmdStatus),
    SYMBOL(PQcmdTuples),
    SYMBOL(PQgetCopyData),
    SYMBOL(PQputCopyData),
    SYMBOL(PQputCopyEnd),
    SYMBOL(PQfreemem),
    SYMBOL(PQgetCancel),
    SYMBOL(PQcancel),
    SYMBOL(PQfreeCancel),
    {NULL, NULL},
};

struct dm_pg {
    PGconn *conn;
    char *conn_id;
};

/* ---- errors ---- */

/* Classes (two characters) and states that mean more than "the statement failed". */
static const struct {
    const char *state;
    int code;
} code_of_state[] = {
    {"40001", DM_E_CONFLICT},   {"40P01", DM_E_CONFLICT},   {"57P01", DM_E_CONNECTION},
    {"57P02", DM_E_CONNECTION}, {"57P03", DM_E_CONNECTION}, {"53100", DM_E_DISKFULL},
    {"53200", DM_E_NOMEM},      {"53300", DM_E_CONNECTION}, {"55P03", DM_E_BUSY},
    {"55006", DM_E_BUSY},       {"57014", DM_E_CANCELLED},  {"42501", DM_E_PERMISSION},
    {"08", DM_E_CONNECTION},    {"28", DM_E_PERMISSION},    {"58", DM_E_IO},
};

static int code_for(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof(code_of_state) / sizeof(*code_of_state); i++)
        if (strncmp(sqlstate, code_of_state[i].state, strlen(code_of_state[i].state)) == 0)
            return code_of_state[i].code;
    return DM_E_SQL;
}

static struct dm_str without_newline(const char *text)
{
    return dm_str_trim(dm_str_c(text));
}

static int connection_error(struct dm_pg *pg, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_CONNECTION, "connection \"%s\": %.*s", pg->conn_id,
                      DM_FMT(without_newline(pq.PQerrorMessage(pg->conn))));
}

static int result_error(struct dm_pg *pg, const PGresult *r, struct dm_err *reterr)
{
    const char *state = pq.PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!state)
        return dm_err_set(reterr, DM_E_CONNECTION, "connection \"%s\": %.*s", pg->conn_id,
                          DM_FMT(without_newline(pq.PQresultErrorMessage(r))));
    int code = code_for(state);
    const char *message = pq.PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = pq.PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
    const char *where = pq.PQresultErrorField(r, PG_DIAG_CONTEXT);
    const char *hint = pq.PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    const char *position = pq.PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
    int64_t at = 0;
    dm_err_set(reterr, code, "%s", message ? message : "the statement failed");
    if (detail || where)
        dm_err_detail(reterr, "%s%s%s", detail ? detail : "", detail && where ? "\n" : "",
                      where ? where : "");
    if (hint)
        dm_err_hint(reterr, "%s", hint);
    if (reterr) {
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "%s", state);
        if (position && dm_str_to_i64(dm_str_c(position), &at))
            reterr->position = (int)at;
    }
    return code;
}

/* The line of the statement that has the error, as much of it as fits beside `prefix`, and a caret under the place. */
static void add_line(struct dm_strbuf *b, struct dm_str sql, int position)
{
    size_t at = dm_utf8_offset(sql, (size_t)position - 1), from = at, to = at;
    int line = 1;
    for (size_t i = 0; i < at; i++)
        line += sql.p[i] == '\n';
    while (from > 0 && sql.p[from - 1] != '\n')
        from--;
    while (to < sql.len && sql.p[to] != '\n')
        to++;
    dm_strbuf_addf(b, ", line %d: ", line);
    size_t shift = dm_utf8_count(dm_strbuf_str(b));
    size_t first = from;
    while (first < at && (sql.p[first] == ' ' || sql.p[first] == '\t'))
        first++;
    size_t before = dm_utf8_count(dm_str_sub(sql, first, at));
    if (before > LINE_BEFORE) {
        first = dm_utf8_offset(dm_str_sub(sql, first, sql.len), before - LINE_BEFORE) + first;
        before = LINE_BEFORE;
    }
    struct dm_str rest = dm_str_sub(sql, at, to);
    dm_strbuf_add(b, sql.p + first, at - first);
    dm_strbuf_add(b, rest.p, dm_utf8_offset(rest, LINE_AFTER));
    dm_strbuf_addf(b, "\n%*s^", (int)(shift + before), "");
}

/* An error of the server gets the SQLSTATE and the place in the statement before its detail. */
static int located(int rc, struct dm_str sql, struct dm_err *reterr)
{
    if (rc >= 0 || !reterr || !reterr->sqlstate[0])
        return rc;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_addf(&b, "SQLSTATE %s", reterr->sqlstate);
    if (reterr->position > 0 && (size_t)reterr->position <= dm_utf8_count(sql))
        add_line(&b, sql, reterr->position);
    if (reterr->detail[0])
        dm_strbuf_addf(&b, "\n%s", reterr->detail);
    dm_err_detail(reterr, "%s", b.p);
    return rc;
}

/* ---- opening ---- */

struct settings {
    const char *names[SETTINGS_MAX + 1], *values[SETTINGS_MAX + 1];
    size_t n;
};

static void set(struct settings *s, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    DM_ASSERT(s->n < SETTINGS_MAX);
    s->names[s->n] = name;
    s->values[s->n++] = value;
}

static bool is_embedded(const struct dm_connection *c)
{
    return strcmp(c->conn_type, "warehouse") == 0;
}

static int settings_for(struct dm_arena *a, const struct dm_project *p,
                        const struct dm_connection *c, struct settings *s, struct dm_err *reterr)
{
    /* What Airflow's hook hands on to libpq. */
    static const char *const passed_on[] = {"sslmode",
                                            "sslcert",
                                            "sslkey",
                                            "sslrootcert",
                                            "sslcrl",
                                            "keepalives_idle",
                                            "connect_timeout",
                                            "options",
                                            "service",
                                            "target_session_attrs",
                                            NULL};
    if (is_embedded(c)) {
        set(s, "host", p->socket_dir);
        set(s, "port", dm_arena_printf(a, "%d", DM_WAREHOUSE_PORT));
        set(s, "dbname", c->schema ? c->schema : "warehouse");
        set(s, "user", c->login ? c->login : "daymill");
        return 0;
    }
    if (strcmp(c->conn_type, "postgres") != 0 && strcmp(c->conn_type, "redshift") != 0)
        return dm_conn_wrong_type(c, "warehouse, postgres or redshift", reterr);
    set(s, "host", c->host);
    if (c->port)
        set(s, "port", dm_arena_printf(a, "%d", c->port));
    else if (strcmp(c->conn_type, "redshift") == 0)
        set(s, "port", "5439");
    set(s, "dbname", c->schema);
    set(s, "user", c->login);
    for (const char *const *name = passed_on; *name; name++)
        set(s, *name, dm_conn_extra(a, c, *name));
    if (!dm_map_at(c->extra, "connect_timeout"))
        set(s, "connect_timeout", "15");
    return 0;
}

static int connect_once(struct dm_pg *pg, const struct settings *s, struct dm_err *reterr)
{
    if (pg->conn)
        pq.PQfinish(pg->conn);
    pg->conn = pq.PQconnectdbParams(s->names, s->values, 0);
    if (!pg->conn)
        return dm_err_set(reterr, DM_E_NOMEM, "libpq is out of memory");
    if (pq.PQstatus(pg->conn) == CONNECTION_OK)
        return 0;
    connection_error(pg, reterr);
    dm_err_hint(reterr, "Look at the connection \"%s\" in %s.", pg->conn_id, DM_CONNECTIONS_FILE);
    return DM_E_CONNECTION;
}

/* The server may be leaving just now, or be another starter's that does not listen yet: so again, for a while. */
static int connect_embedded(struct dm_pg *pg, const struct dm_project *p, const struct settings *s,
                            struct dm_err *reterr)
{
    int64_t until = dm_clock_monotonic() + WAREHOUSE_WITHIN_US;
    for (;;) {
        if (!dm_warehouse_listens(p))
            DM_TRY(dm_warehouse_start(p, reterr));
        int rc = connect_once(pg, s, reterr);
        /* An answer of the server, such as an unknown database, will not change. */
        if (rc != DM_E_CONNECTION || strstr(pq.PQerrorMessage(pg->conn), "FATAL") ||
            dm_clock_monotonic() > until)
            return rc;
        poll(NULL, 0, 20);
    }
}

int dm_pg_open(const struct dm_project *p, const struct dm_connection *c,
               const char *application_name, struct dm_pg **ret, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct settings s = {.n = 0};
    DM_TRY(settings_for(&a, p, c, &s, reterr));
    set(&s, "password", c->password);
    set(&s, "application_name", application_name);
    set(&s, "client_encoding", "UTF8");
    DM_TRY(dm_dl_open("libpq.so.5", "libpq5", symbols, reterr));
    struct dm_pg *pg = dm_calloc(1, sizeof(*pg));
    pg->conn_id = dm_strdup(c->conn_id ? c->conn_id : "");
    int rc = is_embedded(c) ? connect_embedded(pg, p, &s, reterr) : connect_once(pg, &s, reterr);
    if (rc < 0) {
        dm_pg_close(pg);
        return rc;
    }
    *ret = pg;
    return 0;
}

void dm_pg_close(struct dm_pg *pg)
{
    if (!pg)
        return;
    if (pg->conn)
        pq.PQfinish(pg->conn);
    free(pg->conn_id);
    free(pg);
}

void dm_pg_closep(struct dm_pg **pg)
{
    dm_pg_close(*pg);
    *pg = NULL;
}

int dm_pg_client_settings(struct dm_arena *a, const struct dm_project *p,
                          const struct dm_connection *c, const char **ret_target,
                          const char *const **ret_env, struct dm_err *reterr)
{
    struct settings s = {.n = 0};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    DM_TRY(settings_for(a, p, c, &s, reterr));
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (size_t i = 0; i < s.n; i++) {
        dm_strbuf_addf(&b, "%s%s='", i ? " " : "", s.names[i]);
        for (const char *q = s.values[i]; *q; q++) {
            if (*q == '\'' || *q == '\\')
                dm_strbuf_addc(&b, '\\');
            dm_strbuf_addc(&b, *q);
        }
        dm_strbuf_addc(&b, '\'');
    }
    DM_TRY(dm_strbuf_check(&b, "a connection string", reterr));
    const char **env = dm_arena_array(a, const char *, 2);
    if (c->password)
        env[0] = dm_arena_printf(a, "PGPASSWORD=%s", c->password);
    *ret_target = dm_str_cstr(a, dm_strbuf_str(&b));
    *ret_env = env;
    return 0;
}

/* ---- statements ---- */

static void cancel(struct dm_pg *pg)
{
    char why[256];
    PGcancel *c = pq.PQgetCancel(pg->conn);
    if (!c)
        return;
    pq.PQcancel(c, why, sizeof(why));
    pq.PQfreeCancel(c);
}

struct rows {
    const char ***rows;
    size_t n, cap, bytes;
};

static void add_columns(struct dm_arena *a, const PGresult *r, struct dm_pg_result *ret)
{
    if (ret->cols)
        return;
    ret->n_cols = (size_t)pq.PQnfields(r);
    ret->cols = dm_arena_array(a, const char *, ret->n_cols + 1);
    ret->oids = dm_arena_array(a, unsigned, ret->n_cols + 1);
    for (size_t i = 0; i < ret->n_cols; i++) {
        ret->cols[i] = dm_arena_strdup(a, pq.PQfname(r, (int)i));
        ret->oids[i] = pq.PQftype(r, (int)i);
    }
}

static int add_rows(struct dm_arena *a, const PGresult *r, struct rows *rows, size_t n_cols,
                    struct dm_err *reterr)
{
    int n = pq.PQntuples(r);
    for (int i = 0; i < n; i++) {
        if (rows->n == rows->cap)
            rows->rows = dm_realloc(rows->rows, (rows->cap = rows->cap ? rows->cap * 2 : 64) *
                                                    sizeof(*rows->rows));
        const char **row = dm_arena_array(a, const char *, n_cols + 1);
        for (size_t c = 0; c < n_cols; c++) {
            if (pq.PQgetisnull(r, i, (int)c))
                continue;
            size_t len = (size_t)pq.PQgetlength(r, i, (int)c);
            row[c] = dm_arena_strndup(a, pq.PQgetvalue(r, i, (int)c), len);
            rows->bytes += len;
        }
        rows->bytes += (n_cols + 1) * sizeof(*row);
        rows->rows[rows->n++] = row;
        if (rows->bytes > DM_PG_RESULT_MAX)
            return dm_err_set(reterr, DM_E_LIMIT,
                              "the result is larger than %zu bytes (DM_PG_RESULT_MAX)",
                              DM_PG_RESULT_MAX);
    }
    return 0;
}

/* COPY through dm_pg_exec: ends the copying, so that the session can be used again. */
static int refuse_copy(struct dm_pg *pg, bool in, struct dm_err *reterr)
{
    if (in) {
        pq.PQputCopyEnd(pg->conn, "there is no data for this COPY");
    } else {
        char *row;
        cancel(pg);
        while (pq.PQgetCopyData(pg->conn, &row, 0) > 0)
            pq.PQfreemem(row);
    }
    dm_err_set(reterr, DM_E_UNSUPPORTED, "COPY %s is not possible here",
               in ? "FROM STDIN" : "TO STDOUT");
    dm_err_hint(reterr, "Name a file: COPY … %s 'path'.", in ? "FROM" : "TO");
    return DM_E_UNSUPPORTED;
}

static int64_t count_of(const char *tuples)
{
    int64_t n;
    return dm_str_to_i64(dm_str_c(tuples), &n) ? n : -1;
}

static int take_result(struct dm_pg *pg, struct dm_arena *a, PGresult *r, struct rows *rows,
                       struct dm_pg_result *ret, struct dm_err *reterr)
{
    switch (pq.PQresultStatus(r)) {
    case PGRES_SINGLE_TUPLE:
        add_columns(a, r, ret);
        return add_rows(a, r, rows, ret->n_cols, reterr);
    case PGRES_TUPLES_OK:
        add_columns(a, r, ret);
        DM_TRY(add_rows(a, r, rows, ret->n_cols, reterr));
        break;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        break;
    case PGRES_COPY_IN:
        return refuse_copy(pg, true, reterr);
    case PGRES_COPY_OUT:
        return refuse_copy(pg, false, reterr);
    default:
        return result_error(pg, r, reterr);
    }
    ret->tag = dm_arena_strdup(a, pq.PQcmdStatus(r));
    ret->affected = count_of(pq.PQcmdTuples(r));
    return 0;
}

int dm_pg_exec(struct dm_pg *pg, struct dm_arena *a, struct dm_str sql, const char *const *params,
               size_t n_params, struct dm_pg_result *ret, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena text = {0};
    struct dm_pg_result out = {.tag = "", .affected = -1};
    struct rows rows = {0};
    int rc = 0;
    if (!pq.PQsendQueryParams(pg->conn, dm_str_cstr(&text, sql), (int)n_params, NULL, params, NULL,
                              NULL, 0))
        return connection_error(pg, reterr);
    pq.PQsetSingleRowMode(pg->conn);
    /* The first failure is the one to report; the rest is read away. */
    for (PGresult *r; (r = pq.PQgetResult(pg->conn));) {
        if (rc == 0) {
            rc = take_result(pg, a, r, &rows, &out, reterr);
            if (rc == DM_E_LIMIT)
                cancel(pg);
        }
        pq.PQclear(r);
    }
    if (rc == 0) {
        out.n_rows = rows.n;
        out.rows = dm_arena_array(a, const char **, rows.n + 1);
        if (rows.n)
            memcpy(out.rows, rows.rows, rows.n * sizeof(*rows.rows));
        *ret = out;
    }
    free(rows.rows);
    return located(rc, sql, reterr);
}

/* ---- COPY ---- */

static int begin_copy(struct dm_pg *pg, struct dm_str sql, ExecStatusType wanted,
                      struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    PGresult *r = pq.PQexec(pg->conn, dm_str_cstr(&a, sql));
    ExecStatusType status = pq.PQresultStatus(r);
    int rc = 0;
    if (status == PGRES_COPY_IN && wanted != PGRES_COPY_IN)
        rc = refuse_copy(pg, true, reterr);
    else if (status == PGRES_COPY_OUT && wanted != PGRES_COPY_OUT)
        rc = refuse_copy(pg, false, reterr);
    else if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        rc = dm_err_set(reterr, DM_E_INVALID, "the statement is no COPY %s",
                        wanted == PGRES_COPY_IN ? "FROM STDIN" : "TO STDOUT");
    else if (status != wanted)
        rc = r ? result_error(pg, r, reterr) : connection_error(pg, reterr);
    pq.PQclear(r);
    if (rc < 0)
        while ((r = pq.PQgetResult(pg->conn)))
            pq.PQclear(r);
    return located(rc, sql, reterr);
}

/* Reads the results to their end.  Only a command tag "COPY n" is success; the first error is the one to report. */
static int end_copy(struct dm_pg *pg, int64_t *ret_rows, struct dm_err *reterr)
{
    int rc = 0;
    int64_t n = -1;
    for (PGresult *r; (r = pq.PQgetResult(pg->conn));) {
        if (pq.PQresultStatus(r) != PGRES_COMMAND_OK) {
            if (rc == 0)
                rc = result_error(pg, r, reterr);
        } else if (strncmp(pq.PQcmdStatus(r), "COPY ", 5) == 0) {
            n = count_of(pq.PQcmdTuples(r));
        }
        pq.PQclear(r);
    }
    if (rc == 0 && n < 0)
        rc = dm_err_set(reterr, DM_E_CONNECTION,
                        "the server ended COPY without saying how many rows it was");
    if (rc == 0)
        *ret_rows = n;
    return located(rc, DM_STR(""), reterr);
}

int dm_pg_copy_out(struct dm_pg *pg, struct dm_str sql, bool has_header,
                   int (*sink)(void *user, const char *bytes, size_t n, struct dm_err *reterr),
                   void *user, int64_t *ret_rows, struct dm_err *reterr)
{
    int64_t received = has_header ? -1 : 0, said = -1;
    int rc = 0, n;
    char *row;
    DM_TRY(begin_copy(pg, sql, PGRES_COPY_OUT, reterr));
    while ((n = pq.PQgetCopyData(pg->conn, &row, 0)) > 0) {
        received++;
        if (rc == 0) {
            rc = sink(user, row, (size_t)n, reterr);
            if (rc < 0)
                cancel(pg);
        }
        pq.PQfreemem(row);
    }
    /* -1 is the end of the data, not yet success: a server that was stopped says it too. */
    struct dm_err ended;
    int end = end_copy(pg, &said, &ended);
    if (rc < 0)
        return rc;
    if (end < 0) {
        if (reterr)
            *reterr = ended;
        return end;
    }
    if (n == -2)
        return connection_error(pg, reterr);
    if (received != said)
        return dm_err_set(reterr, DM_E_CONNECTION, "COPY sent %lld rows, but %lld arrived",
                          (long long)said, (long long)received);
    *ret_rows = said;
    return 0;
}

/* The reason that the server is told; it comes back in its log only. */
static void give_up(struct dm_pg *pg, const struct dm_err *why)
{
    int64_t ignored;
    pq.PQputCopyEnd(pg->conn, why->message);
    int rc = end_copy(pg, &ignored, NULL);
    (void)rc; /* it must fail, with what we have just said */
}

int dm_pg_copy_in(struct dm_pg *pg, struct dm_str sql,
                  int (*source)(void *user, char *buf, size_t cap, size_t *ret_n,
                                struct dm_err *reterr),
                  void *user, int64_t *ret_rows, struct dm_err *reterr)
{
    _cleanup_free_ char *buf = dm_malloc(COPY_CHUNK);
    DM_TRY(begin_copy(pg, sql, PGRES_COPY_IN, reterr));
    for (;;) {
        size_t n = 0;
        struct dm_err err;
        int rc = source(user, buf, COPY_CHUNK, &n, &err);
        if (rc < 0) {
            give_up(pg, &err);
            if (reterr)
                *reterr = err;
            return rc;
        }
        if (n == 0)
            break;
        if (pq.PQputCopyData(pg->conn, buf, (int)n) != 1) {
            int64_t ignored;
            rc = end_copy(pg, &ignored, reterr);
            return rc < 0 ? rc : connection_error(pg, reterr);
        }
    }
    if (pq.PQputCopyEnd(pg->conn, NULL) != 1)
        return connection_error(pg, reterr);
    return end_copy(pg, ret_rows, reterr);
}

/* ---- quoting ---- */

const char *dm_pg_ident(struct dm_arena *a, const char *dotted_name)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    dm_strbuf_init(&b, DM_BUF_TEXT);
    const char *p = dotted_name;
    for (;;) {
        if (*p == '"') { /* quoted already: up to its end */
            dm_strbuf_addc(&b, *p++);
            for (; *p && !(*p == '"' && p[1] != '"'); p++) {
                dm_strbuf_addc(&b, *p);
                if (*p == '"')
                    dm_strbuf_addc(&b, *++p);
            }
            dm_strbuf_addc(&b, '"');
            p += *p == '"';
        } else { /* folded as the server folds names */
            size_t n = strcspn(p, ".");
            char *lower = dm_arena_strndup(a, p, n);
            for (char *q = lower; *q; q++)
                if (*q >= 'A' && *q <= 'Z')
                    *q = (char)(*q + ('a' - 'A'));
            dm_strbuf_add_sql_ident(&b, dm_str_c(lower));
            p += n;
        }
        if (*p != '.')
            break;
        dm_strbuf_addc(&b, *p++);
    }
    return dm_str_cstr(a, dm_strbuf_str(&b));
}

const char *dm_pg_literal(struct dm_arena *a, const char *text)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_add_sql_literal(&b, dm_str_c(text));
    return dm_str_cstr(a, dm_strbuf_str(&b));
}
