/* One client: start-up and the loop over its messages. */
#include <strings.h>

#include "base/clock.h"

#include "warehouse/session_parts.h"

void dm_session_fail(struct dm_session *s, const struct dm_err *err, const char *where)
{
    if (s->tx == 'T')
        s->tx = 'E';
    dm_pgwire_report(&s->link.out, "ERROR", err, where);
}

void dm_session_warn(struct dm_session *s, const char *sqlstate, const char *message)
{
    struct dm_err err;
    dm_err_set(&err, DM_E_SQL, "%s", message);
    snprintf(err.sqlstate, sizeof(err.sqlstate), "%s", sqlstate);
    dm_pgwire_report(&s->link.out, "WARNING", &err, NULL);
}

static void fatal(struct dm_session *s, const struct dm_err *err)
{
    dm_pgwire_report(&s->link.out, "FATAL", err, NULL);
    dm_ignore(dm_link_flush(&s->link, NULL));
    s->gone = true;
}

/* Start-up. */

static int unsupported_protocol(int32_t version, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_UNSUPPORTED,
                      "unsupported frontend protocol %d.%d: server supports 3.0", version >> 16,
                      version & 0xffff);
}

static const char *parameter(const struct dm_str *pairs, const char *name)
{
    struct dm_pgwire_in in = {.p = pairs->p, .len = pairs->len};
    for (;;) {
        const char *key = dm_pgwire_cstr(&in);
        if (in.bad || !key[0])
            return NULL;
        const char *value = dm_pgwire_cstr(&in);
        if (strcmp(key, name) == 0)
            return value;
    }
}

static bool is_database(const char *name)
{
    for (const char *const *d = dm_engine_databases(); *d; d++)
        if (strcmp(*d, name) == 0)
            return true;
    return false;
}

/* A client that names no database asks for one called like its user (libpq does it by itself): it gets the first. */
static const char *database_of(const struct dm_str *pairs)
{
    const char *database = parameter(pairs, "database"), *user = parameter(pairs, "user");
    if (!database || !database[0])
        return dm_engine_databases()[0];
    if (user && strcmp(user, database) == 0 && !is_database(database))
        return dm_engine_databases()[0];
    return database;
}

/* Parameters that are no setting here (those of Amazon's drivers among them) are ignored. */
static void apply_parameters(struct dm_session *s, const struct dm_str *pairs)
{
    struct dm_pgwire_in in = {.p = pairs->p, .len = pairs->len};
    for (;;) {
        const char *key = dm_pgwire_cstr(&in);
        if (in.bad || !key[0])
            return;
        const char *value = dm_pgwire_cstr(&in);
        if (strcmp(key, "user") != 0 && strcmp(key, "database") != 0 &&
            strcmp(key, "options") != 0 && strcmp(key, "replication") != 0)
            dm_ignore(dm_rewriter_set(s->rewriter, key, value, NULL));
    }
}

static void report_parameters(struct dm_session *s, const char *user)
{
    static const struct {
        const char *name, *setting, *fixed;
    } reported[] = {
        {"server_version", NULL, "15.0"},
        {"server_encoding", NULL, "UTF8"},
        {"client_encoding", "client_encoding", "UTF8"},
        {"application_name", "application_name", ""},
        {"DateStyle", "datestyle", "ISO, MDY"},
        {"IntervalStyle", "intervalstyle", "postgres"},
        {"TimeZone", "timezone", "UTC"},
        {"integer_datetimes", NULL, "on"},
        {"standard_conforming_strings", NULL, "on"},
        {"is_superuser", NULL, "on"},
        {"in_hot_standby", NULL, "off"},
        {"default_transaction_read_only", NULL, "off"},
    };
    for (size_t i = 0; i < sizeof(reported) / sizeof(reported[0]); i++) {
        const char *set =
            reported[i].setting ? dm_rewriter_setting(s->rewriter, reported[i].setting) : NULL;
        dm_pgwire_parameter_status(&s->link.out, reported[i].name, set ? set : reported[i].fixed);
    }
    dm_pgwire_parameter_status(&s->link.out, "session_authorization", user ? user : "");
}

static int open_session(struct dm_session *s, int32_t version, struct dm_str pairs,
                        struct dm_err *reterr)
{
    if (version >> 16 != DM_WIRE_PROTOCOL_MAJOR)
        return unsupported_protocol(version, reterr);
    const char *database = database_of(&pairs);
    struct dm_engine *engine;
    DM_TRY(s->opts->engine(s->opts->user, &engine, reterr));
    DM_TRY(dm_engine_connect(engine, database, &s->conn, reterr));
    s->opts->attached(s->opts->user, s->opts->id, s->conn);
    DM_TRY(dm_rewriter_open(s->conn, database, s->opts->lake_dir, &s->rewriter, reterr));
    apply_parameters(s, &pairs);
    struct dm_pgwire_out *out = &s->link.out;
    if ((version & 0xffff) != 0) {
        dm_pgwire_begin(out, DM_WIRE_NEGOTIATE);
        dm_pgwire_add_i32(out, 0); /* the newest minor version that we speak */
        dm_pgwire_add_i32(out, 0); /* unknown protocol options */
        dm_pgwire_end(out);
    }
    dm_pgwire_begin(out, DM_WIRE_AUTHENTICATION);
    dm_pgwire_add_i32(out, 0);
    dm_pgwire_end(out);
    report_parameters(s, parameter(&pairs, "user"));
    dm_pgwire_begin(out, DM_WIRE_BACKEND_KEY);
    dm_pgwire_add_i32(out, s->opts->id);
    dm_pgwire_add_i32(out, s->opts->key);
    dm_pgwire_end(out);
    dm_pgwire_ready(out, s->tx);
    return dm_link_flush(&s->link, reterr);
}

/* 1: a session is open; 0: the client has gone or only wanted something cancelled. */
static int start_up(struct dm_session *s, struct dm_err *reterr)
{
    struct dm_pgwire_message m;
    for (;;) {
        int rc = dm_link_next(&s->link, true, &m, reterr);
        if (rc <= 0)
            return rc;
        int32_t version = dm_pgwire_i32(&m.in);
        if (version == DM_WIRE_SSL_REQUEST || version == DM_WIRE_GSS_REQUEST) {
            dm_pgwire_add_u8(&s->link.out, 'N');
            DM_TRY(dm_link_flush(&s->link, reterr));
            continue;
        }
        if (version == DM_WIRE_CANCEL_REQUEST) {
            int32_t id = dm_pgwire_i32(&m.in), key = dm_pgwire_i32(&m.in);
            if (!m.in.bad)
                s->opts->cancel(s->opts->user, id, key);
            return 0;
        }
        DM_TRY(open_session(s, version, dm_pgwire_rest(&m.in), reterr));
        return 1;
    }
}

/* Messages. */

static int unknown_message(char letter, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_SYNTAX, "invalid frontend message type %d", (unsigned char)letter);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "08P01");
    return DM_E_SYNTAX;
}

static void end_batch(struct dm_session *s)
{
    struct dm_err err;
    s->skipping = false;
    s->steps++;
    if (dm_session_end_implicit(s, &err) < 0)
        dm_session_fail(s, &err, NULL);
    if (s->tx == 'I')
        dm_session_drop_portals(s);
    dm_pgwire_ready(&s->link.out, s->tx);
}

static int extended(struct dm_session *s, struct dm_pgwire_message *m, struct dm_err *reterr)
{
    switch (m->letter) {
    case DM_WIRE_PARSE:
        return dm_session_parse(s, &m->in, reterr);
    case DM_WIRE_BIND:
        return dm_session_bind(s, &m->in, reterr);
    case DM_WIRE_DESCRIBE:
        return dm_session_describe(s, &m->in, reterr);
    case DM_WIRE_EXECUTE:
        return dm_session_execute(s, &m->in, reterr);
    case DM_WIRE_CLOSE:
        return dm_session_close(s, &m->in, reterr);
    case DM_WIRE_FUNCTION_CALL:
        return dm_err_set(reterr, DM_E_UNSUPPORTED, "function calls are not supported");
    default:
        return unknown_message(m->letter, reterr);
    }
}

static void handle(struct dm_session *s, struct dm_pgwire_message *m)
{
    struct dm_err err;
    switch (m->letter) {
    case DM_WIRE_TERMINATE:
        s->gone = true;
        return;
    case DM_WIRE_COPY_DATA: /* what comes after a COPY that failed */
    case DM_WIRE_COPY_DONE:
    case DM_WIRE_COPY_FAIL:
        return;
    case DM_WIRE_SYNC:
        end_batch(s);
        s->gone = dm_link_flush(&s->link, NULL) < 0;
        return;
    case DM_WIRE_FLUSH:
        s->gone = dm_link_flush(&s->link, NULL) < 0;
        return;
    case DM_WIRE_QUERY:
        s->skipping = false;
        dm_session_simple_query(s, &m->in);
        if (!s->gone)
            s->gone = dm_link_flush(&s->link, NULL) < 0;
        return;
    default:
        break;
    }
    if (s->skipping)
        return;
    if (extended(s, m, &err) < 0) {
        dm_session_fail(s, &err, NULL);
        s->skipping = true;
        s->gone |= dm_link_flush(&s->link, NULL) < 0;
    }
    if (dm_link_flush_some(&s->link, NULL) < 0)
        s->gone = true;
}

/* "2500", "10s", "5min": microseconds, as PostgreSQL reads a time setting in milliseconds; 0 = none. */
static int64_t time_setting(const struct dm_session *s, const char *name)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {{"", DM_MS},          {"us", 1},
                 {"ms", DM_MS},        {"s", DM_SEC},
                 {"min", 60 * DM_SEC}, {"h", 3600 * DM_SEC},
                 {"d", 86400 * DM_SEC}};
    const char *value = dm_rewriter_setting(s->rewriter, name);
    size_t digits = value ? strspn(value, "0123456789") : 0;
    int64_t n;
    if (!digits || digits > 9 || !dm_str_to_i64(dm_str_n(value, digits), &n))
        return 0;
    const char *unit = value + digits + strspn(value + digits, " ");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].unit) == 0)
            return n * units[i].us;
    return 0;
}

/* How long the client may now be silent. */
static void set_deadline(struct dm_session *s)
{
    int64_t limit = time_setting(s, s->tx == 'I' ? "idle_session_timeout"
                                                 : "idle_in_transaction_session_timeout");
    s->link.deadline = limit ? dm_clock_monotonic() + limit : 0;
}

static void timed_out(struct dm_session *s)
{
    struct dm_err err;
    dm_err_set(&err, DM_E_TIMEOUT, "terminating connection due to %s timeout",
               s->tx == 'I' ? "idle-session" : "idle-in-transaction");
    snprintf(err.sqlstate, sizeof(err.sqlstate), "%s", s->tx == 'I' ? "57P05" : "25P03");
    fatal(s, &err);
}

static int start_up_in_time(struct dm_session *s, struct dm_err *reterr)
{
    int64_t limit = s->opts->startup_us ? s->opts->startup_us : DM_SESSION_STARTUP_MAX;
    s->link.deadline = dm_clock_monotonic() + limit;
    int rc = start_up(s, reterr);
    s->link.deadline = 0;
    if (rc != DM_E_TIMEOUT)
        return rc;
    dm_err_set(reterr, DM_E_TIMEOUT, "no start-up message within %lld ms",
               (long long)(limit / DM_MS));
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "08P01");
    return DM_E_TIMEOUT;
}

static void serve(struct dm_session *s)
{
    struct dm_err err;
    struct dm_pgwire_message m;
    int rc = start_up_in_time(s, &err);
    if (rc < 0)
        fatal(s, &err);
    if (rc <= 0)
        return;
    while (!s->gone) {
        set_deadline(s);
        rc = dm_link_next(&s->link, false, &m, &err);
        s->link.deadline = 0;
        if (atomic_load(s->opts->stopping)) {
            dm_err_set(&err, DM_E_CANCELLED, "terminating connection because the server stops");
            snprintf(err.sqlstate, sizeof(err.sqlstate), "57P01");
            fatal(s, &err);
        } else if (rc == DM_E_TIMEOUT) {
            timed_out(s);
        } else if (rc < 0) {
            fatal(s, &err);
        } else if (rc == 0) {
            s->gone = true;
        } else {
            handle(s, &m);
        }
    }
}

void dm_session_run(const struct dm_session_opts *opts)
{
    struct dm_session s = {.opts = opts, .tx = 'I'};
    dm_link_init(&s.link, opts->fd);
    serve(&s);
    dm_session_drop_portals(&s);
    dm_session_drop_plans(&s);
    if (s.rewriter) {
        if (s.tx != 'I')
            dm_session_rollback(&s);
        dm_rewriter_close(s.rewriter);
    }
    opts->attached(opts->user, opts->id, NULL);
    dm_engine_disconnect(s.conn);
    dm_link_release(&s.link);
}
