/*
 * The schema and its history.  A migration is never changed once released: a new version is a new line at the end.
 * States are their names, instants are UTC microseconds, JSON is text.
 */
#include "state/db.h"
#include "state/pack.h"

/* From this size on a migration says what it does: it may take a while. */
enum { TELL_FROM_BYTES = 64 << 20 };

static const char version_1[] =
    /* What DAGs were: normal form with every file they name, once per digest. */
    "CREATE TABLE generation ("
    " id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, dag_id TEXT NOT NULL,"
    " normal TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;"

    "CREATE TABLE run ("
    " id INTEGER PRIMARY KEY, dag_id TEXT NOT NULL, run_id TEXT NOT NULL, run_type TEXT NOT NULL,"
    " state TEXT NOT NULL, logical_date INTEGER NOT NULL, interval_start INTEGER NOT NULL,"
    " interval_end INTEGER NOT NULL, conf TEXT NOT NULL,"
    " generation INTEGER NOT NULL REFERENCES generation, created_at INTEGER NOT NULL,"
    " started_at INTEGER, ended_at INTEGER,"
    " UNIQUE (dag_id, run_id), UNIQUE (dag_id, logical_date)) STRICT;"
    "CREATE TABLE run_generation ("
    " id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,"
    " generation INTEGER NOT NULL REFERENCES generation, since INTEGER NOT NULL,"
    " why TEXT NOT NULL) STRICT;"
    "CREATE INDEX run_generation_run ON run_generation (run);"

    "CREATE TABLE task_instance ("
    " id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, task_id TEXT NOT NULL,"
    " map_index INTEGER NOT NULL, operator TEXT NOT NULL, state TEXT NOT NULL,"
    " try_number INTEGER NOT NULL, max_tries INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " scheduled_at INTEGER, started_at INTEGER, ended_at INTEGER, due_at INTEGER, until_step TEXT,"
    " UNIQUE (run, task_id, map_index)) STRICT;"

    /* AUTOINCREMENT: a number is never used again, whatever is deleted. */
    "CREATE TABLE attempt ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES run,"
    " task INTEGER NOT NULL REFERENCES task_instance, step TEXT REFERENCES step,"
    " try_number INTEGER NOT NULL, state TEXT NOT NULL, pid INTEGER, pid_start INTEGER,"
    " decided_at INTEGER NOT NULL, code_at INTEGER, ended_at INTEGER, exit_status INTEGER,"
    " error_code TEXT, error TEXT, error_detail TEXT, error_hint TEXT, error_place TEXT,"
    " log_path TEXT NOT NULL, generation INTEGER NOT NULL REFERENCES generation,"
    " cpu_us INTEGER, peak_kb INTEGER) STRICT;"
    "CREATE INDEX attempt_run ON attempt (run);"
    "CREATE INDEX attempt_task ON attempt (task);"
    "CREATE INDEX attempt_running ON attempt (number) WHERE state = 'running';"

    "CREATE TABLE ledger ("
    " id INTEGER PRIMARY KEY, attempt INTEGER NOT NULL REFERENCES attempt, is_write INTEGER NOT "
    "NULL,"
    " dataset TEXT NOT NULL, rows INTEGER, bytes INTEGER, files INTEGER, note TEXT) STRICT;"
    "CREATE INDEX ledger_attempt ON ledger (attempt);"
    "CREATE TABLE data_check ("
    " id INTEGER PRIMARY KEY, attempt INTEGER NOT NULL REFERENCES attempt, name TEXT NOT NULL,"
    " passed INTEGER NOT NULL, expected TEXT, got TEXT, rows TEXT, note TEXT,"
    " sql TEXT) STRICT;"
    "CREATE INDEX data_check_attempt ON data_check (attempt);"
    "CREATE TABLE rendered ("
    " attempt INTEGER PRIMARY KEY REFERENCES attempt, fields TEXT NOT NULL) STRICT;"
    "CREATE TABLE xcom ("
    " task INTEGER NOT NULL REFERENCES task_instance, key TEXT NOT NULL, value TEXT NOT NULL,"
    " attempt INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (task, key)) STRICT, WITHOUT "
    "ROWID;"

    /* A batch is what one emr_add_steps handed up; its key makes a repeat return the same steps. */
    "CREATE TABLE step_batch ("
    " id INTEGER PRIMARY KEY, cluster_id TEXT NOT NULL, run INTEGER NOT NULL REFERENCES run,"
    " task INTEGER NOT NULL REFERENCES task_instance, try_number INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, UNIQUE (task, try_number)) STRICT;"
    "CREATE TABLE step ("
    " id TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL UNIQUE,"
    " batch INTEGER NOT NULL REFERENCES step_batch, position INTEGER NOT NULL, name TEXT NOT NULL,"
    " jar TEXT NOT NULL, args TEXT NOT NULL, action_on_failure TEXT NOT NULL, state TEXT NOT NULL,"
    " reason_code TEXT, reason_message TEXT, created_at INTEGER NOT NULL, started_at INTEGER,"
    " ended_at INTEGER, attempt INTEGER NOT NULL, UNIQUE (batch, position)) STRICT;"
    "CREATE INDEX step_unfinished ON step (seq) WHERE state IN ('PENDING', 'RUNNING');"
    "CREATE TABLE remote_id ("
    " attempt INTEGER NOT NULL REFERENCES attempt, system TEXT NOT NULL, id TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY (attempt, system, id)) STRICT, WITHOUT ROWID;"

    /* step_index -1: written by the task itself. */
    "CREATE TABLE object ("
    " task INTEGER NOT NULL REFERENCES task_instance, step_index INTEGER NOT NULL,"
    " bucket TEXT NOT NULL, key TEXT NOT NULL, bytes INTEGER, complete INTEGER NOT NULL,"
    " PRIMARY KEY (task, step_index, bucket, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE landing ("
    " source TEXT NOT NULL PRIMARY KEY, dag_id TEXT NOT NULL, task_id TEXT NOT NULL,"
    " identity TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX landing_task ON landing (dag_id, task_id, at);"

    "CREATE TABLE variable ("
    " key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event ("
    " id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, run INTEGER, task INTEGER,"
    " attempt INTEGER, data TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_run ON event (run);";

static const char version_2[] =
    "CREATE TABLE pool ("
    " name TEXT NOT NULL PRIMARY KEY, slots INTEGER NOT NULL, description TEXT NOT NULL) STRICT;"
    "INSERT INTO pool VALUES ('default_pool', 128, 'for tasks that name no pool');";

/* The scheduler's memory: DAGs that are paused, files that do not load, what people ask for, backfills and their days. */
static const char version_3[] =
    "CREATE TABLE dag ("
    " dag_id TEXT NOT NULL PRIMARY KEY, paused INTEGER NOT NULL, file TEXT, seen_at INTEGER NOT "
    "NULL,"
    " paused_at INTEGER) STRICT;"
    "CREATE TABLE import_error ("
    " file TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, error TEXT NOT NULL) STRICT;"

    /* What somebody asks of the process that decides; anybody may add one. */
    "CREATE TABLE request ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, done_at INTEGER, error TEXT, answer TEXT) STRICT;"
    "CREATE INDEX request_open ON request (id) WHERE done_at IS NULL;"

    "CREATE TABLE backfill ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, dag_id TEXT NOT NULL, command TEXT NOT NULL,"
    " from_date INTEGER NOT NULL, to_date INTEGER NOT NULL, rerun TEXT NOT NULL,"
    " run_type TEXT NOT NULL, backwards INTEGER NOT NULL, max_active_runs INTEGER, conf TEXT,"
    " only_task TEXT, state TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER) STRICT;"
    "CREATE INDEX backfill_open ON backfill (id) WHERE ended_at IS NULL;"
    "CREATE TABLE backfill_day ("
    " backfill INTEGER NOT NULL REFERENCES backfill, position INTEGER NOT NULL,"
    " logical_date INTEGER NOT NULL, interval_start INTEGER NOT NULL, interval_end INTEGER NOT "
    "NULL,"
    " action TEXT NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (backfill, position)) STRICT,"
    " WITHOUT ROWID;"

    "ALTER TABLE run ADD COLUMN note TEXT;"
    "ALTER TABLE run ADD COLUMN backfill INTEGER REFERENCES backfill;"
    "CREATE INDEX run_unfinished ON run (dag_id) WHERE state IN ('queued', 'running');"

    /* Assets that tasks changed, and what each DAG has not yet run for. */
    "CREATE TABLE asset_event ("
    " id INTEGER PRIMARY KEY, uri TEXT NOT NULL, at INTEGER NOT NULL, run INTEGER REFERENCES run,"
    " task INTEGER REFERENCES task_instance, extra TEXT NOT NULL) STRICT;"
    "CREATE INDEX asset_event_uri ON asset_event (uri, id);"
    "CREATE TABLE asset_queue ("
    " dag_id TEXT NOT NULL, uri TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (dag_id, uri)) "
    "STRICT,"
    " WITHOUT ROWID;";

/*
 * Generations are kept compressed, each with its last use; what readers and the purge look up has an index, the columns
 * that refer to other tables above all (SQLite looks for children of every row that goes).
 */
static const char version_4[] =
    "ALTER TABLE generation ADD COLUMN packed BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE generation ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE generation ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;";
static const char version_4_after[] =
    "ALTER TABLE generation DROP COLUMN normal;"
    "UPDATE generation SET used_at = max(created_at, coalesce((SELECT max(since) FROM "
    "run_generation"
    " WHERE generation = generation.id), 0));"
    "CREATE INDEX generation_dag ON generation (dag_id, used_at);"
    "CREATE INDEX run_date ON run (logical_date DESC, dag_id);"
    "CREATE INDEX run_success ON run (dag_id, logical_date) WHERE state = 'success';"
    "CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;"
    "CREATE INDEX run_of_generation ON run (generation);"
    "CREATE INDEX run_of_backfill ON run (backfill) WHERE backfill IS NOT NULL;"
    "CREATE INDEX run_generation_of ON run_generation (generation);"
    "CREATE INDEX attempt_generation ON attempt (generation);"
    "CREATE INDEX attempt_step ON attempt (step) WHERE step IS NOT NULL;"
    "CREATE INDEX attempt_log ON attempt (number) WHERE log_path <> '';"
    "CREATE INDEX step_batch_run ON step_batch (run);"
    "CREATE INDEX asset_event_run ON asset_event (run) WHERE run IS NOT NULL;"
    "CREATE INDEX asset_event_task ON asset_event (task) WHERE task IS NOT NULL;"
    "CREATE INDEX request_done ON request (done_at) WHERE done_at IS NOT NULL;"

    /* Files whose rows are gone: removed after the commit, and by the next one where that was interrupted. */
    "CREATE TABLE log_to_remove (path TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;";

static int pack_generations(struct dm_store *s, struct dm_err *reterr)
{
    for (int64_t id = 0;;) {
        _cleanup_arena_ struct dm_arena a = {0};
        _cleanup_query_ sqlite3_stmt *q = NULL;
        DM_TRY(dm_db_query(s, &q, reterr,
                           "SELECT id, normal FROM generation WHERE id > ? ORDER BY id LIMIT 1",
                           "i", id));
        int rc = dm_db_next(s, q, reterr);
        if (rc <= 0)
            return rc;
        id = sqlite3_column_int64(q, 0);
        struct dm_str text = dm_db_str(&a, q, 1);
        DM_TRY(dm_db_exec(s, reterr, "UPDATE generation SET packed = ?, bytes = ? WHERE id = ?",
                          "bii", dm_pack(&a, text), (int64_t)text.len, id));
    }
}

/* Callbacks, each a row made with the change that it follows; and which events of assets a run was made for.  An event that
   nobody has seen who knows the DAGs (delivered = 0) is not queued for them yet. */
static const char version_5[] =
    "CREATE TABLE callback ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES run,"
    " task INTEGER REFERENCES task_instance, key TEXT NOT NULL, position INTEGER NOT NULL,"
    " generation INTEGER NOT NULL REFERENCES generation, task_state TEXT, try_number INTEGER,"
    " exception TEXT, reason TEXT, state TEXT NOT NULL, starts INTEGER NOT NULL, pid INTEGER,"
    " pid_start INTEGER, created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,"
    " error TEXT, log_path TEXT NOT NULL) STRICT;"
    "CREATE INDEX callback_run ON callback (run);"
    "CREATE INDEX callback_task ON callback (task) WHERE task IS NOT NULL;"
    "CREATE INDEX callback_generation ON callback (generation);"
    "CREATE INDEX callback_open ON callback (id) WHERE state IN ('pending', 'running');"
    "CREATE INDEX callback_log ON callback (id) WHERE log_path <> '';"
    "ALTER TABLE asset_event ADD COLUMN delivered INTEGER NOT NULL DEFAULT 1;"
    "CREATE INDEX asset_event_new ON asset_event (id) WHERE delivered = 0;"
    "CREATE INDEX asset_event_at ON asset_event (uri, at);"
    "DROP INDEX asset_event_uri;"
    "CREATE TABLE run_asset_event ("
    " run INTEGER NOT NULL REFERENCES run, event INTEGER NOT NULL"
    " REFERENCES asset_event ON DELETE CASCADE,"
    " PRIMARY KEY (run, event)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX run_asset_event_of ON run_asset_event (event);";

/* Files from outside that a task instance read when it ran last, and what they were (conn/input.h); and which instance
   of its only task a backfill is about. */
static const char version_6[] =
    "CREATE TABLE input ("
    " task INTEGER NOT NULL REFERENCES task_instance, source TEXT NOT NULL,"
    " identity TEXT NOT NULL, PRIMARY KEY (task, source)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE backfill ADD COLUMN map_index INTEGER NOT NULL DEFAULT -1;"
    "CREATE INDEX run_automated ON run (dag_id, logical_date)"
    " WHERE run_type IN ('scheduled', 'backfill');";

/* What is at work, so that a restart goes on with just that: active runs, days that their backfill has begun, and what
   becomes of a task (or step) whose attempt somebody has asked to be ended. */
static const char version_7[] =
    "DROP INDEX run_of_backfill;"
    "ALTER TABLE run DROP COLUMN backfill;" /* it never had a use */
    "CREATE TABLE active_run ("
    " run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE, since INTEGER NOT NULL,"
    " backfill INTEGER REFERENCES backfill ON DELETE SET NULL, mark TEXT) STRICT;"
    "CREATE INDEX active_run_backfill ON active_run (backfill) WHERE backfill IS NOT NULL;"
    "ALTER TABLE backfill ADD COLUMN first_date INTEGER;"
    "ALTER TABLE backfill_day ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;"
    "UPDATE backfill_day SET begun = done;"
    "ALTER TABLE attempt ADD COLUMN end_as TEXT;";

/* One version: SQL, then what SQL cannot do, then SQL again. */
static const struct migration {
    const char *sql;
    int (*step)(struct dm_store *s, struct dm_err *reterr);
    const char *after, *what;
} versions[] = {
    {version_1, NULL, NULL, "runs and their tasks"},
    {version_2, NULL, NULL, "pools"},
    {version_3, NULL, NULL, "the scheduler's memory"},
    {version_4, pack_generations, version_4_after, "compressed generations, indexes"},
    {version_5, NULL, NULL, "callbacks, what runs were made for"},
    {version_6, NULL, NULL, "inputs"},
    {version_7, NULL, NULL, "what is at work"},
};

int64_t dm_db_schema_newest(void)
{
    return (int64_t)(sizeof(versions) / sizeof(versions[0]));
}

int dm_db_schema_version(struct dm_store *s, int64_t *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "PRAGMA user_version", ""));
    DM_TRY(dm_db_next(s, q, reterr));
    *ret = sqlite3_column_int64(q, 0);
    return 0;
}

static int64_t bytes_of(struct dm_store *s)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    if (dm_db_query(s, &q, NULL,
                    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                    "") < 0 ||
        dm_db_next(s, q, NULL) != 1)
        return 0;
    return sqlite3_column_int64(q, 0);
}

static void tell(const struct dm_store_say *say, int64_t bytes, int64_t version)
{
    char line[160];
    if (!say || version == 0 || bytes < TELL_FROM_BYTES)
        return;
    snprintf(line, sizeof(line), "bringing the store (%.1f GB) to version %lld: %s",
             (double)bytes / 1e9, (long long)version + 1, versions[version].what);
    say->say(say->user, line);
}

static int apply(struct dm_store *s, int64_t version, struct dm_err *reterr)
{
    const struct migration *m = &versions[version];
    char set[64];
    DM_TRY(dm_db_script(s, m->sql, reterr));
    if (m->step)
        DM_TRY(m->step(s, reterr));
    if (m->after)
        DM_TRY(dm_db_script(s, m->after, reterr));
    snprintf(set, sizeof(set), "PRAGMA user_version = %lld", (long long)version + 1);
    return dm_db_script(s, set, reterr);
}

static int apply_missing(struct dm_store *s, const struct dm_store_say *say, struct dm_err *reterr)
{
    int64_t version = 0, bytes = bytes_of(s);
    DM_TRY(
        dm_db_schema_version(s, &version, reterr)); /* again: another process may have been first */
    int64_t from = version;
    for (; version < dm_db_schema_newest(); version++) {
        tell(say, bytes, version);
        int rc = apply(s, version, reterr);
        if (rc < 0) {
            dm_err_wrap(reterr, "bringing the store from version %lld to %lld", (long long)from,
                        (long long)dm_db_schema_newest());
            return rc;
        }
    }
    return 0;
}

int dm_db_migrate(struct dm_store *s, const struct dm_store_say *say, struct dm_err *reterr)
{
    int64_t version = 0;
    DM_TRY(dm_db_schema_version(s, &version, reterr));
    if (version == dm_db_schema_newest())
        return 0;
    if (version > dm_db_schema_newest()) {
        dm_err_set(reterr, DM_E_UNSUPPORTED,
                   "the store has version %lld, this program knows up to %lld", (long long)version,
                   (long long)dm_db_schema_newest());
        return dm_err_hint(reterr, "Use the newer program that wrote it.");
    }
    DM_TRY(dm_db_script(s, "BEGIN IMMEDIATE", reterr));
    int rc = apply_missing(s, say, reterr);
    if (rc == 0)
        rc = dm_db_script(s, "COMMIT", reterr);
    if (rc < 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
