/* Looking after the store. */
#include "state/care.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "state/db.h"
#include "state/pack.h"

#define CLEAR_HINT                                                                                 \
    "\"daymill tasks clear DAG TASK DAY\" and a backfill of that day do it again; if you did not " \
    "change the file by hand, report it."
#define RESTORE_HINT                                                                      \
    "Stop everything that uses the project, move state/ away, and put a backup there as " \
    "state/daymill.db."
#define NEWER_HINT "A newer program may have written it: use that one."
#define RECOVER_HINT "The next command that decides (scheduler, backfill) recovers it."

#define TASK "'task \"' || t.task_id || '\" of ' || r.dag_id || ' ' || r.run_id"

/* Each lists sentences; the limit is one more than is shown. */
static const struct rule {
    const char *sql, *hint;
} rules[] = {
    {"SELECT 'SQLite: ' || integrity_check FROM pragma_integrity_check(21)"
     " WHERE integrity_check <> 'ok'",
     RESTORE_HINT},
    {"SELECT 'a row of ' || \"table\" || ' (' || coalesce(rowid, '?') || ') names one of ' || "
     "parent"
     " || ' that is not there' FROM pragma_foreign_key_check LIMIT 21",
     RESTORE_HINT},
    {"SELECT 'run ' || r.dag_id || ' ' || r.run_id || ' has the unknown state \"' || r.state || "
     "'\"'"
     " FROM run r WHERE r.state NOT IN ("
#define DM_RUN_STATE(name, text, finished, doc) "'" text "',"
#include "state/state.def"
     "'') LIMIT 21",
     NEWER_HINT},
    {"SELECT " TASK " || ' has the unknown state \"' || t.state || '\"'"
     " FROM task_instance t JOIN run r ON r.id = t.run WHERE t.state NOT IN ("
#define DM_TASK_STATE(name, text, finished, doc) "'" text "',"
#include "state/state.def"
     "'') LIMIT 21",
     NEWER_HINT},
    {"SELECT 'attempt ' || number || ' has the unknown state \"' || state || '\"' FROM attempt"
     " WHERE state NOT IN ("
#define DM_ATTEMPT_STATE(name, text, finished, doc) "'" text "',"
#include "state/state.def"
     "'') LIMIT 21",
     NEWER_HINT},
    {"SELECT 'step ' || id || ' has the unknown state \"' || state || '\"' FROM step"
     " WHERE state NOT IN ("
#define DM_STEP_STATE(name, text, finished, doc) "'" text "',"
#include "state/state.def"
     "'') LIMIT 21",
     NEWER_HINT},
    {"SELECT 'run ' || dag_id || ' ' || run_id || ' is ' || state || iif(ended_at IS NULL,"
     " ' but has no end', ' but has ended') FROM run"
     " WHERE (state IN ('success', 'failed')) <> (ended_at IS NOT NULL) LIMIT 21",
     CLEAR_HINT},
    {"SELECT " TASK " || ' is ' || t.state || ', but the run is ' || r.state"
     " FROM run r JOIN task_instance t ON t.run = r.id WHERE r.state IN ('success', 'failed')"
     " AND t.state IN ('none', 'scheduled', 'queued', 'running', 'up_for_retry',"
     " 'up_for_reschedule') LIMIT 21",
     CLEAR_HINT},
    {"SELECT " TASK
     " || ' is ' || t.state || ', but its attempt ' || t.attempt || ' is not running'"
     " FROM task_instance t JOIN run r ON r.id = t.run WHERE t.state IN ('queued', 'running')"
     " AND NOT EXISTS (SELECT 1 FROM attempt WHERE number = t.attempt AND state = 'running')"
     " LIMIT 21",
     CLEAR_HINT},
    {"SELECT " TASK " || ' had the attempt ' || t.attempt || ', which is not there'"
     " FROM task_instance t JOIN run r ON r.id = t.run WHERE t.attempt <> 0"
     " AND NOT EXISTS (SELECT 1 FROM attempt WHERE number = t.attempt) LIMIT 21",
     CLEAR_HINT},
    {"SELECT 'attempt ' || a.number || ' of ' || " TASK " || ' is running, but the task is '"
     " || t.state || ' in attempt ' || t.attempt FROM attempt a JOIN task_instance t ON t.id = "
     "a.task"
     " JOIN run r ON r.id = a.run WHERE a.state = 'running' AND a.step IS NULL"
     " AND (t.attempt <> a.number OR t.state NOT IN ('queued', 'running')) LIMIT 21",
     RECOVER_HINT},
    {"SELECT 'attempt ' || a.number || ' of step ' || a.step || ' is running, but the step is '"
     " || p.state || ' in attempt ' || p.attempt FROM attempt a JOIN step p ON p.id = a.step"
     " WHERE a.state = 'running' AND (p.attempt <> a.number OR p.state <> 'RUNNING') LIMIT 21",
     RECOVER_HINT},
    {"SELECT 'step ' || p.id || ' is RUNNING, but its attempt ' || p.attempt || ' is not'"
     " FROM step p WHERE p.state = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM attempt"
     " WHERE number = p.attempt AND state = 'running') LIMIT 21",
     RECOVER_HINT},
};

static int add_flaw(struct dm_db_list *l, const char *what, const char *hint, struct dm_err *reterr)
{
    struct dm_flaw *f = dm_db_list_add(l, reterr);
    if (!f)
        return DM_E_LIMIT;
    *f = (struct dm_flaw){what, hint};
    return 0;
}

static int apply(struct dm_store *s, const struct rule *rule, struct dm_db_list *l,
                 struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int n = 0, rc;
    DM_TRY(dm_db_query(s, &q, reterr, rule->sql, ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1 && n++ < DM_FLAWS_OF_A_KIND)
        DM_TRY(add_flaw(l, dm_db_text(l->arena, q, 0), rule->hint, reterr));
    if (rc == 1)
        return add_flaw(l, "… and more of this kind", rule->hint, reterr);
    return rc;
}

/* A damaged page inside a compressed text is seen by nobody else. */
static int check_generations(struct dm_store *s, struct dm_db_list *l, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr, "SELECT digest, dag_id, packed, bytes FROM generation", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_str text;
        struct dm_value *v;
        struct dm_err err;
        rc = dm_unpack(&a, dm_db_blob(&a, q, 2), sqlite3_column_int64(q, 3), &text, &err);
        if (rc == DM_E_LIBRARY) {
            *reterr = err;
            return rc;
        }
        if (rc == 0)
            rc = dm_value_from_json(&a, text, &v, &err);
        if (rc < 0)
            DM_TRY(add_flaw(l,
                            dm_arena_printf(l->arena, "generation %.12s of %s cannot be read: %s",
                                            (const char *)sqlite3_column_text(q, 0),
                                            (const char *)sqlite3_column_text(q, 1), err.message),
                            RESTORE_HINT, reterr));
    }
    return rc;
}

int dm_store_check(struct dm_store *s, struct dm_arena *a, struct dm_flaw **ret, size_t *ret_n,
                   struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_flaw);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct dm_err err = {0};
        int rc = apply(s, &rules[i], &l, &err);
        /* A page that cannot be read ends a statement: that is what was to be found out. */
        if (rc == DM_E_DATA)
            rc = add_flaw(&l, dm_arena_strdup(a, err.message), RESTORE_HINT, &err);
        if (rc < 0) {
            if (reterr)
                *reterr = err;
            return rc;
        }
    }
    DM_TRY(check_generations(s, &l, reterr));
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

/* ---- backup ---- */

static int write_copy(struct dm_store *s, const char *path, struct dm_err *reterr)
{
    /* The copy is a write for SQLite, though not to this file. */
    DM_TRY(dm_db_script(s, "PRAGMA query_only = OFF", reterr));
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "VACUUM INTO ?", "t", path));
    int rc = dm_db_next(s, q, reterr);
    if (rc < 0)
        return rc;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return dm_err_errno(reterr, errno, "could not write \"%s\" to the disk", path);
    return 0;
}

static int exists(const char *path, struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_EXISTS, "there is a file \"%s\" already", path);
    return dm_err_hint(reterr, "A backup never overwrites one; give another name.");
}

int dm_store_backup(struct dm_store *s, const char *path, struct dm_err *reterr)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return exists(path, reterr);
    DM_TRY(dm_mkdirs_for(path, reterr));
    _cleanup_free_ char *part = dm_asprintf("%s.part-%d", path, (int)getpid());
    int rc = write_copy(s, part, reterr);
    /* link, not rename: it fails where somebody was faster. */
    if (rc == 0 && link(part, path) < 0)
        rc = errno == EEXIST
                 ? exists(path, reterr)
                 : dm_err_errno(reterr, errno, "could not name the backup \"%s\"", path);
    unlink(part);
    return rc;
}

/* ---- space ---- */

int64_t dm_store_bytes(struct dm_store *s)
{
    struct stat st;
    int64_t sum = 0;
    _cleanup_free_ char *wal = dm_asprintf("%s-wal", dm_db_path(s));
    if (stat(dm_db_path(s), &st) == 0)
        sum += st.st_size;
    if (stat(wal, &st) == 0)
        sum += st.st_size;
    return sum;
}

int dm_store_vacuum(struct dm_store *s, struct dm_err *reterr)
{
    DM_TRY(dm_db_script(s, "VACUUM", reterr));
    return dm_db_script(s, "PRAGMA wal_checkpoint(TRUNCATE)", reterr);
}

int dm_store_version(struct dm_store *s, int64_t *ret, struct dm_err *reterr)
{
    return dm_db_schema_version(s, ret, reterr);
}
