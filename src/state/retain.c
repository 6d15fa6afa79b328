/* Forgetting by age, a little at a time. */
#include "state/db.h"
#include "state/purge.h"
#include "state/record.h"

/* Of one piece of the work. */
enum {
    CHUNK_TASKS = 500,
    CHUNK_LOGS = 500,
    CHUNK_EVENTS = 5000,
    CHUNK_RENDERED = 1000,
    CHUNK_GENERATIONS = 50,
    CHUNK_REQUESTS = 500,
    CHUNK_BACKFILLS = 50
};

/* Attempts are numbered as they begin, and an index holds those that have a log: the old ones are the first of it. */
#define OLD_LOGS                                                                              \
    " FROM attempt WHERE number IN (SELECT number FROM (SELECT number, ended_at FROM attempt" \
    " WHERE log_path <> '' ORDER BY number LIMIT ?2) WHERE ended_at < ?1)"

#define OLD_CALLBACKS                                                               \
    " FROM callback WHERE id IN (SELECT id FROM (SELECT id, ended_at FROM callback" \
    " WHERE log_path <> '' ORDER BY id LIMIT ?2) WHERE ended_at < ?1)"

static int retain_logs(struct dm_store *s, int64_t cut, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "INSERT OR IGNORE INTO log_to_remove SELECT log_path" OLD_LOGS,
                      "ii", cut, (int64_t)CHUNK_LOGS));
    int n = dm_db_exec(
        s, reterr, "UPDATE attempt SET log_path = '' WHERE number IN (SELECT number" OLD_LOGS ")",
        "ii", cut, (int64_t)CHUNK_LOGS);
    DM_TRY(n);
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT OR IGNORE INTO log_to_remove SELECT log_path" OLD_CALLBACKS, "ii",
                      cut, (int64_t)CHUNK_LOGS));
    int callbacks = dm_db_exec(
        s, reterr, "UPDATE callback SET log_path = '' WHERE id IN (SELECT id" OLD_CALLBACKS ")",
        "ii", cut, (int64_t)CHUNK_LOGS);
    DM_TRY(callbacks);
    return n + callbacks;
}

/* Whether the first event is from before that instant: 1 or 0. */
static int is_old_event(struct dm_store *s, int64_t cut, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "SELECT at FROM event ORDER BY id LIMIT 1", ""));
    int rc = dm_db_next(s, q, reterr);
    return rc == 1 ? sqlite3_column_int64(q, 0) < cut : rc;
}

static int retain_events(struct dm_store *s, int64_t cut, struct dm_purged *sum,
                         struct dm_err *reterr)
{
    /* Events are numbered as they happen, so the old ones are the first ones; the first is asked alone, as most calls
       find nothing. */
    int n = is_old_event(s, cut, reterr);
    if (n == 1)
        n = dm_db_exec(s, reterr,
                       "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT ?)"
                       " AND at < ?",
                       "ii", (int64_t)CHUNK_EVENTS, cut);
    DM_TRY(n);
    sum->events += n;
    int requests = dm_db_exec(s, reterr,
                              "DELETE FROM request WHERE id IN (SELECT id FROM request"
                              " WHERE done_at IS NOT NULL AND done_at < ? LIMIT ?)",
                              "ii", cut, (int64_t)CHUNK_REQUESTS);
    DM_TRY(requests);
    sum->others += requests;
    return n == CHUNK_EVENTS || requests == CHUNK_REQUESTS;
}

/* 1 = more, 0 = everything was looked at: the next call begins anew. */
static int retain_rendered(struct dm_store *s, int keep, int64_t *place, struct dm_purged *sum,
                           struct dm_err *reterr)
{
    int64_t last = 0;
    int64_t looked = 0;
    {
        _cleanup_query_ sqlite3_stmt *q = NULL;
        DM_TRY(dm_db_query(s, &q, reterr,
                           "SELECT count(*), max(attempt) FROM (SELECT attempt FROM rendered"
                           " WHERE attempt > ? ORDER BY attempt LIMIT ?)",
                           "ii", *place, (int64_t)CHUNK_RENDERED));
        DM_TRY(dm_db_next(s, q, reterr));
        looked = sqlite3_column_int64(q, 0);
        last = sqlite3_column_int64(q, 1);
    }
    int n = dm_db_exec(s, reterr,
                       "DELETE FROM rendered WHERE attempt IN (SELECT x.attempt FROM rendered x"
                       " JOIN attempt a ON a.number = x.attempt JOIN run r ON r.id = a.run"
                       " WHERE x.attempt > ?1 AND x.attempt <= ?2 AND (SELECT 1 FROM run n"
                       "  WHERE n.dag_id = r.dag_id AND n.logical_date > r.logical_date"
                       "  LIMIT 1 OFFSET ?3 - 1) IS NOT NULL)",
                       "iii", *place, last, (int64_t)keep);
    DM_TRY(n);
    sum->rendered += n;
    *place = looked == CHUNK_RENDERED ? last : 0;
    return looked == CHUNK_RENDERED;
}

static int retain_backfills(struct dm_store *s, int64_t cut, struct dm_purged *sum,
                            struct dm_err *reterr)
{
#define OLD_BACKFILLS                                                               \
    "(SELECT id FROM backfill b WHERE b.ended_at < ? AND NOT EXISTS (SELECT 1 FROM" \
    " active_run WHERE backfill = b.id) ORDER BY id LIMIT ?)"
    DM_TRY(dm_db_exec(s, reterr, "DELETE FROM backfill_day WHERE backfill IN " OLD_BACKFILLS, "ii",
                      cut, (int64_t)CHUNK_BACKFILLS));
    int n = dm_db_exec(s, reterr, "DELETE FROM backfill WHERE id IN " OLD_BACKFILLS, "ii", cut,
                       (int64_t)CHUNK_BACKFILLS);
    DM_TRY(n);
    sum->others += n;
    return n == CHUNK_BACKFILLS;
#undef OLD_BACKFILLS
}

/* In one transaction: everything but runs and files. */
static int retain_rows(struct dm_store *s, const struct dm_retention *keep,
                       struct dm_retain_place *place, int64_t now, struct dm_purged *sum,
                       struct dm_err *reterr)
{
    int more = 0, rc;
    if (keep->logs) {
        DM_TRY(rc = retain_logs(s, now - keep->logs, reterr));
        more |= rc > 0;
    }
    if (keep->events) {
        DM_TRY(rc = retain_events(s, now - keep->events, sum, reterr));
        more |= rc;
    }
    if (keep->rendered) {
        DM_TRY(rc = retain_rendered(s, keep->rendered, &place->rendered, sum, reterr));
        more |= rc;
    }
    if (keep->runs) {
        DM_TRY(rc = dm_purge_generations(s, now - keep->runs, CHUNK_GENERATIONS, sum, reterr));
        more |= rc;
        DM_TRY(rc = retain_backfills(s, now - keep->runs, sum, reterr));
        more |= rc;
    }
    return more;
}

static int retain_runs(struct dm_store *s, const struct dm_retention *keep,
                       struct dm_retain_place *place, int64_t now, struct dm_purged *sum,
                       struct dm_err *reterr)
{
    struct dm_purge *p = &place->runs;
    p->before = DM_NEVER;
    p->ended_before = now - keep->runs;
    p->keep_last = 1;
    int more = dm_purge_runs(s, p, CHUNK_TASKS, sum, reterr);
    if (more == 0)
        p->after_ended = p->after_run = 0;
    return more;
}

int dm_retain(struct dm_store *s, const char *project_dir, const struct dm_retention *keep,
              struct dm_retain_place *place, int64_t now, struct dm_purged *sum,
              struct dm_err *reterr)
{
    struct dm_purged added = *sum;
    struct dm_retain_place next = *place;
    DM_TRY(dm_store_begin(s, false, reterr));
    int more = retain_rows(s, keep, &next, now, &added, reterr);
    if (more < 0) {
        dm_store_rollback(s);
        return more;
    }
    DM_TRY(dm_store_commit(s, reterr));
    if (keep->runs) {
        int rc = retain_runs(s, keep, &next, now, &added, reterr);
        DM_TRY(rc);
        more |= rc;
    }
    int rc = dm_purge_log_files(s, project_dir, CHUNK_LOGS, &added, reterr);
    DM_TRY(rc);
    *sum = added;
    *place = next;
    /* Now, when nobody waits: otherwise a commit would have to. */
    sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return more | rc;
}
