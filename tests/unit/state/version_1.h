/*
 * The first version of the store, word for word: a project of that time must open for ever.  Never changed.
 */
#ifndef DM_VERSION_1_H
#define DM_VERSION_1_H

static const char version_1_sql[] =
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

/* One row of everything, as the program of that time wrote it. */
static const char version_1_rows[] =
    "INSERT INTO generation VALUES (7, 'g1', 'd', '{\"dag_id\":\"d\",\"tasks\":[]}', 100);"
    "INSERT INTO run VALUES (3, 'd', 'backfill__2024-01-01T00:00:00+00:00', 'backfill', 'success',"
    " 1704067200000000, 1704067200000000, 1704153600000000, '{\"a\":1}', 7, 200, 300, 400);"
    "INSERT INTO run_generation VALUES (1, 3, 7, 200, 'created');"
    "INSERT INTO task_instance VALUES (5, 3, 'load', -1, 'emr_add_steps', 'success', 1, 2, 9, 210,"
    " 220, 390, NULL, NULL);"
    "INSERT INTO step_batch VALUES (2, 'j-1', 3, 5, 1, 230);"
    "INSERT INTO step VALUES ('s-1', 1, 2, 0, 'copy', 'command-runner.jar', '[\"x\"]', 'CONTINUE',"
    " 'COMPLETED', NULL, NULL, 230, 240, 250, 10);"
    "INSERT INTO attempt VALUES (9, 3, 5, NULL, 1, 'success', 11, 12, 220, 221, 390, 0, NULL, NULL,"
    " NULL, NULL, NULL, 'logs/d/r/load/-1/9.log', 7, 1000, 2000);"
    "INSERT INTO attempt VALUES (10, 3, 5, 's-1', 1, 'failed', 13, 14, 240, 241, 250, 1, 'TASK',"
    " 'broke', 'detail', 'hint', 'f.sql:1:2', 'logs/d/r/load/-1/10.log', 7, NULL, NULL);"
    "INSERT INTO ledger VALUES (1, 9, 1, 's3://b/k', 42, 4200, 1, 'note');"
    "INSERT INTO data_check VALUES (1, 9, 'rows', 1, '42', '42', NULL, NULL, 'select 1');"
    "INSERT INTO rendered VALUES (9, '{\"sql\":\"select 1\"}');"
    "INSERT INTO xcom VALUES (5, 'return_value', '[42]', 9, 390);"
    "INSERT INTO remote_id VALUES (9, 'emr', 's-1', 231);"
    "INSERT INTO object VALUES (5, -1, 'b', 'k', 4200, 1);"
    "INSERT INTO landing VALUES ('data/x.csv', 'd', 'load', 'id', 'b', 'k', 380);"
    "INSERT INTO variable VALUES ('colour', 'green', 50);"
    "INSERT INTO event VALUES (1, 200, 'run_created', 3, NULL, NULL, '{}');"
    "PRAGMA user_version = 1;";

#endif
