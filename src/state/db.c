/* SQLite: opening, transactions, prepared statements, binding, errors. */
#include "state/db.h"

#include <errno.h>

#include "base/file.h"
#include "state/record.h"

enum { BUSY_TIMEOUT_MS = 10000, FIRST_LIST = 32, EVENT_DATA_MAX = 1024 };

/*
 * The WAL is copied back into the file every 4096 pages (16 MiB: a few thousand task instances), and in the idle time of
 * the scheduler; after a large transaction it is cut to four times that.
 */
#define WAL_PRAGMAS                     \
    "PRAGMA wal_autocheckpoint = 4096;" \
    "PRAGMA journal_size_limit = 67108864;"

int dm_db_error(struct dm_store *s, struct dm_err *reterr, const char *doing)
{
    int rc = sqlite3_extended_errcode(s->db) & 0xff;
    int sys = sqlite3_system_errno(s->db);
    const char *message = sqlite3_errmsg(s->db);
    /* The memory that a WAL file is shared through is a file, too: a full disk is an error of input and output there. */
    if ((rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN) && (sys == ENOSPC || sys == EDQUOT))
        rc = SQLITE_FULL;
    switch (rc) {
    case SQLITE_FULL:
        dm_err_set(reterr, DM_E_DISKFULL, "%s the store: no space left on device", doing);
        dm_err_hint(reterr, "Free space on the project's file system, then repeat the command; "
                            "nothing that was recorded is lost.");
        return DM_E_DISKFULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return dm_err_set(reterr, DM_E_BUSY,
                          "%s the store: another process has been writing for %d s", doing,
                          BUSY_TIMEOUT_MS / 1000);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return dm_err_set(reterr, DM_E_PERMISSION, "%s the store: %s", doing, message);
    case SQLITE_NOMEM:
        return dm_err_set(reterr, DM_E_NOMEM, "%s the store: out of memory", doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return dm_err_set(reterr, DM_E_DATA, "%s the store: the file is damaged: %s", doing,
                          message);
    case SQLITE_IOERR:
        return dm_err_set(reterr, DM_E_IO, "%s the store: %s", doing, message);
    default:
        return dm_err_set(reterr, DM_E_FAILED, "%s the store: %s", doing, message);
    }
}

int dm_db_script(struct dm_store *s, const char *sql, struct dm_err *reterr)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return dm_db_error(s, reterr, "could not write");
    return 0;
}

static int open_database(struct dm_store *s, const char *path, enum dm_store_mode mode,
                         struct dm_err *reterr)
{
    struct dm_err err = {0};
    if (mode == DM_STORE_READ && !dm_exists(path)) {
        dm_err_set(reterr, DM_E_NOTFOUND, "there is no store \"%s\" yet", path);
        dm_err_hint(reterr, "It is made by the first backfill, test or variable.");
        return DM_E_NOTFOUND;
    }
    if (mode == DM_STORE_WRITE) {
        int rc = dm_mkdirs_for(path, &err);
        if (rc < 0) {
            if (reterr)
                *reterr = err;
            return rc;
        }
    }
    /* A reader of a WAL file takes part in its shared memory, so it opens for writing where it may. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (mode == DM_STORE_WRITE)
        flags |= SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &s->db, flags, NULL);
    if (rc != SQLITE_OK && mode == DM_STORE_READ) {
        sqlite3_close(s->db);
        rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    }
    if (!s->db)
        return dm_err_set(reterr, DM_E_NOMEM, "could not open the store: out of memory");
    if (rc != SQLITE_OK) {
        dm_db_error(s, reterr, "could not open");
        return dm_err_detail(reterr, "The file is \"%s\".", path);
    }
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(s->db, 1);
    return 0;
}

int dm_store_open(const char *path, enum dm_store_mode mode, struct dm_store **ret,
                  struct dm_err *reterr)
{
    return dm_store_open_saying(path, mode, NULL, ret, reterr);
}

int dm_store_open_saying(const char *path, enum dm_store_mode mode, const struct dm_store_say *say,
                         struct dm_store **ret, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *s = dm_calloc(1, sizeof(*s));
    DM_TRY(open_database(s, path, mode, reterr));
    if (mode == DM_STORE_WRITE) {
        DM_TRY(dm_db_script(s,
                            "PRAGMA journal_mode = WAL;" WAL_PRAGMAS "PRAGMA synchronous = NORMAL;"
                            "PRAGMA foreign_keys = ON;"
                            "PRAGMA temp_store = MEMORY;",
                            reterr));
        DM_TRY(dm_db_migrate(s, say, reterr));
    } else {
        int64_t version = 0;
        DM_TRY(dm_db_script(s, "PRAGMA query_only = ON;", reterr));
        DM_TRY(dm_db_schema_version(s, &version, reterr));
        if (version != dm_db_schema_newest()) {
            dm_err_set(reterr, DM_E_UNSUPPORTED,
                       "the store has version %lld, this program reads version %lld",
                       (long long)version, (long long)dm_db_schema_newest());
            return dm_err_hint(reterr, version < dm_db_schema_newest()
                                           ? "\"daymill db migrate\" brings it up to date."
                                           : "Use the newer program that wrote it.");
        }
    }
    *ret = s;
    s = NULL;
    return 0;
}

void dm_store_close(struct dm_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < DM_DB_STATEMENTS_MAX; i++)
        sqlite3_finalize(s->slots[i].stmt);
    sqlite3_close(s->db);
    free(s);
}

void dm_store_closep(struct dm_store **s)
{
    dm_store_close(*s);
}

int dm_store_begin(struct dm_store *s, bool durable, struct dm_err *reterr)
{
    DM_ASSERT(!s->in_transaction);
    if (durable)
        DM_TRY(dm_db_script(s, "PRAGMA synchronous = FULL", reterr));
    s->durable = durable;
    DM_TRY(dm_db_exec(s, reterr, "BEGIN IMMEDIATE", ""));
    s->in_transaction = true;
    return 0;
}

static int end_durable(struct dm_store *s, struct dm_err *reterr)
{
    if (!s->durable)
        return 0;
    s->durable = false;
    return dm_db_script(s, "PRAGMA synchronous = NORMAL", reterr);
}

int dm_store_commit(struct dm_store *s, struct dm_err *reterr)
{
    DM_ASSERT(s->in_transaction);
    int rc = dm_db_exec(s, reterr, "COMMIT", "");
    if (rc < 0) {
        dm_store_rollback(s);
        return rc;
    }
    s->in_transaction = false;
    return end_durable(s, reterr);
}

void dm_store_rollback(struct dm_store *s)
{
    if (!s->in_transaction)
        return;
    /* SQLite may have rolled back by itself (disk full); then this fails, and that is fine. */
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->in_transaction = false;
    (void)end_durable(s, NULL);
}

bool dm_store_in_transaction(const struct dm_store *s)
{
    return s->in_transaction;
}

static int prepare(struct dm_store *s, const char *sql, sqlite3_stmt **ret, struct dm_err *reterr)
{
    size_t mask = DM_DB_STATEMENTS_MAX - 1;
    size_t at = ((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15) >> 40) & mask;
    for (size_t probes = 0; s->slots[at].sql != sql; at = (at + 1) & mask, probes++) {
        if (probes == mask)
            DM_BUG("more than %d statements", DM_DB_STATEMENTS_MAX);
        if (s->slots[at].sql)
            continue;
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
            return dm_db_error(s, reterr, "could not ask");
        s->slots[at] = (struct dm_db_slot){sql, stmt};
        break;
    }
    *ret = s->slots[at].stmt;
    return 0;
}

static void bind(sqlite3_stmt *q, const char *fmt, va_list ap)
{
    for (int i = 1; *fmt; fmt++, i++) {
        switch (*fmt) {
        case 'i':
            sqlite3_bind_int64(q, i, va_arg(ap, int64_t));
            break;
        case 'n':
        case 'T': {
            int64_t v = va_arg(ap, int64_t);
            if (v == (*fmt == 'n' ? 0 : DM_NEVER))
                sqlite3_bind_null(q, i);
            else
                sqlite3_bind_int64(q, i, v);
            break;
        }
        case 't':
            sqlite3_bind_text(q, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 's': {
            struct dm_str v = va_arg(ap, struct dm_str);
            sqlite3_bind_text64(q, i, v.p ? v.p : "", v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
            break;
        }
        case 'b': {
            struct dm_str v = va_arg(ap, struct dm_str);
            sqlite3_bind_blob64(q, i, v.p ? v.p : "", v.len, SQLITE_TRANSIENT);
            break;
        }
        default:
            DM_BUG("bind format \"%c\"", *fmt);
        }
    }
}

static int begin_query(struct dm_store *s, const char *sql, const char *fmt, va_list ap,
                       sqlite3_stmt **ret, struct dm_err *reterr)
{
    sqlite3_stmt *q = NULL;
    DM_TRY(prepare(s, sql, &q, reterr));
    if (sqlite3_bind_parameter_count(q) != (int)strlen(fmt))
        DM_BUG("%d values for \"%s\"", (int)strlen(fmt), sql);
    bind(q, fmt, ap);
    *ret = q;
    return 0;
}

int dm_db_query(struct dm_store *s, sqlite3_stmt **ret, struct dm_err *reterr, const char *sql,
                const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = begin_query(s, sql, fmt, ap, ret, reterr);
    va_end(ap);
    return rc;
}

int dm_db_next(struct dm_store *s, sqlite3_stmt *q, struct dm_err *reterr)
{
    switch (sqlite3_step(q)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return dm_db_error(s, reterr,
                           sqlite3_stmt_readonly(q) ? "could not read" : "could not write");
    }
}

void dm_db_queryp(sqlite3_stmt **q)
{
    if (!*q)
        return;
    sqlite3_reset(*q);
    sqlite3_clear_bindings(*q);
}

int dm_db_exec(struct dm_store *s, struct dm_err *reterr, const char *sql, const char *fmt, ...)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    va_list ap;
    va_start(ap, fmt);
    int rc = begin_query(s, sql, fmt, ap, &q, reterr);
    va_end(ap);
    DM_TRY(rc);
    DM_TRY(dm_db_next(s, q, reterr));
    return sqlite3_changes(s->db);
}

const char *dm_db_text(struct dm_arena *a, sqlite3_stmt *q, int col)
{
    const char *p = (const char *)sqlite3_column_text(q, col);
    return p ? dm_arena_strndup(a, p, (size_t)sqlite3_column_bytes(q, col)) : NULL;
}

struct dm_str dm_db_str(struct dm_arena *a, sqlite3_stmt *q, int col)
{
    const char *p = (const char *)sqlite3_column_text(q, col);
    return p ? dm_str_dup(a, dm_str_n(p, (size_t)sqlite3_column_bytes(q, col))) : DM_STR("");
}

struct dm_str dm_db_blob(struct dm_arena *a, sqlite3_stmt *q, int col)
{
    const char *p = sqlite3_column_blob(q, col);
    return p ? dm_str_dup(a, dm_str_n(p, (size_t)sqlite3_column_bytes(q, col))) : DM_STR("");
}

const char *dm_db_path(const struct dm_store *s)
{
    return sqlite3_db_filename(s->db, "main");
}

int64_t dm_db_time(sqlite3_stmt *q, int col)
{
    return dm_db_int(q, col, DM_NEVER);
}

int64_t dm_db_int(sqlite3_stmt *q, int col, int64_t if_null)
{
    return sqlite3_column_type(q, col) == SQLITE_NULL ? if_null : sqlite3_column_int64(q, col);
}

void *dm_db_list_add(struct dm_db_list *l, struct dm_err *reterr)
{
    if (l->n == DM_STORE_ROWS_MAX) {
        dm_err_set(reterr, DM_E_LIMIT, "more than %zu rows of the store (DM_STORE_ROWS_MAX)",
                   DM_STORE_ROWS_MAX);
        return NULL;
    }
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : FIRST_LIST;
        void *rows = dm_arena_alloc(l->arena, cap * l->size);
        if (l->n)
            memcpy(rows, l->rows, l->n * l->size);
        l->rows = rows;
        l->cap = cap;
    }
    return (char *)l->rows + l->size * l->n++;
}

int dm_db_event(struct dm_store *s, int64_t now, enum dm_event_kind kind, int64_t run, int64_t task,
                int64_t attempt, struct dm_err *reterr, const char *data_fmt, ...)
{
    char data[EVENT_DATA_MAX];
    va_list ap;
    va_start(ap, data_fmt);
    vsnprintf(data, sizeof(data), data_fmt, ap);
    va_end(ap);
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO event (at, kind, run, task, attempt, data) VALUES (?,?,?,?,?,?)",
                      "itnnnt", now, dm_event_name(kind), run, task, attempt, data));
    return 0;
}
