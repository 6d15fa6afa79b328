/* Recovery. */
#include "sched/recover.h"

#include "base/file.h"
#include "conn/project.h"
#include "proc/lease.h"
#include "state/callback.h"

#define END_TIMEOUT_US (10 * DM_SEC)

static int reset_step(struct dm_store *s, struct dm_arena *a, const struct dm_attempt_row *at,
                      int64_t now, struct dm_err *reterr)
{
    struct dm_step_row step;
    int found = dm_store_step(s, a, NULL, dm_str_c(at->step_id), &step, reterr);
    DM_TRY(found);
    if (!found || step.state != DM_STEP_RUNNING || step.attempt != at->number)
        return 0;
    if (at->end_as)
        return dm_step_set_state(s, &step, DM_STEP_CANCELLED, step.attempt, "NONE",
                                 "its end was asked for", now, reterr);
    return dm_step_set_state(s, &step, DM_STEP_PENDING, step.attempt, NULL, NULL, now, reterr);
}

/* What somebody asked for while it was at work comes true now: its process is gone. */
static int reset_task(struct dm_store *s, struct dm_arena *a, const struct dm_attempt_row *at,
                      int64_t now, struct dm_err *reterr)
{
    struct dm_task_row *rows;
    size_t n;
    DM_TRY(dm_store_tasks(s, a, at->run, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_task_row *t = &rows[i];
        if (t->id != at->task || t->attempt != at->number || !dm_task_at_work(t->state))
            continue;
        int asked = at->end_as ? dm_task_state_parse(dm_str_c(at->end_as)) : -1;
        enum dm_task_state to = asked < 0 ? DM_TASK_SCHEDULED : (enum dm_task_state)asked;
        struct dm_task_change c =
            asked < 0 ? dm_task_change_of(t) : dm_task_change_ended(t, to, now);
        DM_TRY(dm_task_set_state(s, t, to, &c, now, reterr));
    }
    return 0;
}

static int queue_runs(struct dm_store *s, struct dm_arena *a, int64_t now, struct dm_err *reterr)
{
    struct dm_run_row *runs;
    size_t n;
    struct dm_run_filter filter = DM_RUN_FILTER_ALL;
    filter.state = DM_RUN_RUNNING;
    DM_TRY(dm_store_runs(s, a, &filter, &runs, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(dm_run_set_state(s, &runs[i], DM_RUN_QUEUED, now, reterr));
    return 0;
}

/* They are done again: nobody knows how far they came. */
static int reset_callbacks(struct dm_store *s, struct dm_callback_row *rows, size_t n, int64_t now,
                           struct dm_err *reterr)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].state == DM_CALLBACK_RUNNING)
            DM_TRY(dm_callback_set_state(s, &rows[i], DM_CALLBACK_PENDING, NULL, now, reterr));
    return 0;
}

static int record(struct dm_store *s, struct dm_arena *a, const struct dm_attempt_row *lost,
                  size_t n, int64_t now, struct dm_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        DM_TRY(dm_record_lost(s, lost[i].run, lost[i].task, lost[i].number,
                              "the process that had started it is gone", now, reterr));
        DM_TRY(lost[i].step_id ? reset_step(s, a, &lost[i], now, reterr)
                               : reset_task(s, a, &lost[i], now, reterr));
    }
    return queue_runs(s, a, now, reterr);
}

int dm_recover(struct dm_store *s, const char *run_dir, int64_t now, size_t *ret_lost,
               struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_attempt_row *lost;
    struct dm_callback_row *callbacks;
    size_t n, n_callbacks;
    struct dm_attempt_filter filter = {.map_index = -1, .running = true};
    DM_TRY(dm_store_attempts(s, &a, &filter, &lost, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(dm_lease_end(run_dir, lost[i].number, lost[i].pid, lost[i].pid_start, END_TIMEOUT_US,
                            reterr));
    DM_TRY(dm_store_callbacks(s, &a, 0, &callbacks, &n_callbacks, reterr));
    for (size_t i = 0; i < n_callbacks; i++)
        if (callbacks[i].state == DM_CALLBACK_RUNNING)
            DM_TRY(dm_lease_end(run_dir, DM_LEASE_OF_CALLBACK(callbacks[i].id), callbacks[i].pid,
                                callbacks[i].pid_start, END_TIMEOUT_US, reterr));
    dm_lease_sweep(run_dir);
    DM_TRY(dm_store_begin(s, false, reterr));
    int rc = record(s, &a, lost, n, now, reterr);
    if (rc == 0)
        rc = reset_callbacks(s, callbacks, n_callbacks, now, reterr);
    if (rc < 0) {
        dm_store_rollback(s);
        return rc;
    }
    DM_TRY(dm_store_commit(s, reterr));
    *ret_lost = n;
    return 0;
}

void dm_sweep_temporaries(const struct dm_project *p)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *dirs[] = {dm_path_join(&a, p->lake_dir, ".tmp"),
                          dm_path_join(&a, p->cluster_dir, ".tmp")};
    for (size_t d = 0; d < 2; d++) {
        const char *const *names;
        size_t n;
        if (dm_list_dir(&a, dirs[d], &names, &n, NULL) < 0)
            continue;
        for (size_t i = 0; i < n; i++)
            if (dm_remove_tree(dm_path_join(&a, dirs[d], names[i]), NULL) < 0)
                continue; /* the next command tries again */
    }
}
