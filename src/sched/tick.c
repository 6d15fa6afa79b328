/* Facts and actions, applied. */
#include "sched/tick.h"

#include "sched/activate.h"
#include "sched/asset.h"
#include "sched/callback.h"
#include "sched/mapping.h"

#define POOLS_EVERY_US DM_SEC

enum { PLAN_ROUNDS_MAX = 100000 }; /* each round does something; more is a mistake of the plan */

void dm_tick_init(struct dm_tick *t, struct dm_store *store, int jobs)
{
    *t = (struct dm_tick){.store = store,
                          .limits = {.jobs = jobs, .callbacks = DM_CALLBACKS_AT_ONCE},
                          .snap = {.dags_at = DM_NEVER},
                          .wake_at = DM_NEVER,
                          .pools_at = DM_NEVER};
    dm_arena_init(&t->turn);
    dm_arena_init(&t->pools);
}

void dm_tick_release(struct dm_tick *t)
{
    dm_store_rollback(t->store);
    for (size_t i = 0; i < t->n_known; i++)
        dm_tick_free_run(t->known[i]);
    for (size_t i = 0; i < t->snap.n_drives; i++)
        dm_tick_free_drive(t->snap.drives[i]);
    dm_tick_free_dags(t);
    dm_callbacks_free(t);
    free(t->known);
    free(t->snap.runs);
    free(t->snap.queued);
    free(t->snap.steps);
    free(t->snap.drives);
    dm_arena_release(&t->turn);
    dm_arena_release(&t->pools);
}

static int read_pools(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_pool_row *pools;
    if (t->pools_at != DM_NEVER && t->now - t->pools_at < POOLS_EVERY_US)
        return 0;
    dm_arena_reset(&t->pools);
    t->limits.pools = NULL;
    t->limits.n_pools = 0;
    DM_TRY(dm_store_pools(t->store, &t->pools, &pools, &t->limits.n_pools, reterr));
    t->limits.pools = pools;
    t->pools_at = t->now;
    return 0;
}

int dm_tick_begin(struct dm_tick *t, int64_t now, bool durable, struct dm_err *reterr)
{
    dm_arena_reset(&t->turn);
    dm_tick_sweep_runs(t);
    t->now = now;
    t->jobs = NULL;
    t->notes = NULL;
    t->n_jobs = t->cap_jobs = t->n_notes = t->cap_notes = 0;
    DM_TRY(dm_store_begin(t->store, durable, reterr));
    return read_pools(t, reterr);
}

int dm_tick_commit(struct dm_tick *t, struct dm_err *reterr)
{
    return dm_store_commit(t->store, reterr);
}

/* ---- the plan ---- */

static int set_planned_state(struct dm_tick *t, const struct dm_action *a, struct dm_err *reterr)
{
    if (dm_task_finished(a->task->row.state))
        return 0; /* an expansion of this very stage has ended it */
    struct dm_task_change c = dm_task_change_of(&a->task->row);
    c.due_at = DM_NEVER;
    c.until_step = NULL;
    if (a->to != DM_TASK_SCHEDULED) {
        c.ended_at = t->now;
        return dm_tick_set_task(t, a->run, a->task, a->to, &c, NULL, NULL, reterr);
    }
    c.scheduled_at = t->now;
    c.ended_at = DM_NEVER;
    if (a->task->row.state != DM_TASK_UP_FOR_RESCHEDULE) {
        c.try_number++;
        c.started_at = DM_NEVER;
    }
    return dm_tick_set_task(t, a->run, a->task, a->to, &c, NULL, NULL, reterr);
}

static int apply(struct dm_tick *t, const struct dm_action *a, struct dm_err *reterr)
{
    switch (a->kind) {
    case DM_ACTION_TASK_STATE:
        return set_planned_state(t, a, reterr);
    case DM_ACTION_EXPAND:
        return dm_map_expand(t, a->run, a->task, reterr);
    case DM_ACTION_QUEUE_TASK:
        return dm_tick_queue_task(t, a->run, a->task, reterr);
    case DM_ACTION_END_TASK:
        return dm_tick_end_at_work(t, a->task, DM_TASK_SKIPPED,
                                   "the run took longer than its dagrun_timeout", reterr);
    case DM_ACTION_FINISH_RUN:
        return dm_tick_finish_run(t, a->run, a->run_state, a->reason, reterr);
    case DM_ACTION_START_STEP:
        return dm_tick_start_step(t, a->step, reterr);
    case DM_ACTION_START_CALLBACK:
        return dm_callback_start(t, a->callback, reterr);
    case DM_ACTION_NEXT_DAY:
        return dm_tick_next_day(t, a->drive, reterr);
    case DM_ACTION_CREATE_RUN:
        return dm_tick_create_run(t, a->dag, reterr);
    case DM_ACTION_CREATE_ASSET_RUN:
        return dm_asset_create_run(t, a->dag, reterr);
    case DM_ACTION_BEGIN_RUN:
        return dm_tick_begin_run(t, a->run, reterr);
    case DM_ACTION_RENEW_RUN:
        return dm_tick_renew_run(t, a->run, reterr);
    }
    return 0;
}

/* What an expansion makes, and a run that a newer generation takes up, is judged before slots are given. */
static bool holds_slots(const struct dm_plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++)
        if (plan->actions[i].kind == DM_ACTION_EXPAND ||
            plan->actions[i].kind == DM_ACTION_RENEW_RUN)
            return true;
    return false;
}

static int do_stage(struct dm_tick *t, enum dm_stage stage, struct dm_plan *ret,
                    struct dm_err *reterr)
{
    struct dm_plan plan = dm_plan(&t->turn, t->now, &t->snap, &t->limits, stage);
    if (t->wake_at == DM_NEVER || (plan.wake_at != DM_NEVER && plan.wake_at < t->wake_at))
        t->wake_at = plan.wake_at;
    t->snap.dags_at = plan.dags_at;
    for (size_t i = 0; i < plan.n_actions; i++)
        DM_TRY(apply(t, &plan.actions[i], reterr));
    *ret = plan;
    return 0;
}

/* *ret_any = it did something; *ret_full = it had runs made, and there was no slot for them. */
static int do_round(struct dm_tick *t, bool *ret_any, bool *ret_full, struct dm_err *reterr)
{
    *ret_any = *ret_full = false;
    t->wake_at = DM_NEVER;
    bool made = false;
    for (int stage = 0; stage < DM_STAGE_COUNT; stage++) {
        struct dm_plan plan;
        DM_TRY(do_stage(t, (enum dm_stage)stage, &plan, reterr));
        *ret_any = *ret_any || plan.n_actions;
        made = made || (stage == DM_STAGE_RUNS && plan.n_actions);
        *ret_full = made && stage == DM_STAGE_WORK && !plan.n_actions;
        if (holds_slots(&plan))
            return 0;
    }
    return 0;
}

int dm_tick_round(struct dm_tick *t, bool *ret_any, struct dm_err *reterr)
{
    bool full;
    return do_round(t, ret_any, &full, reterr);
}

/* A run that finds no slot leaves none to those after it: they need no round each. */
static int make_runs(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_plan plan;
    do
        DM_TRY(do_stage(t, DM_STAGE_RUNS, &plan, reterr));
    while (plan.n_actions > 0);
    return 0;
}

int dm_tick_plan(struct dm_tick *t, struct dm_err *reterr)
{
    for (int round = 0; round < PLAN_ROUNDS_MAX; round++) {
        bool any, full;
        DM_TRY(do_round(t, &any, &full, reterr));
        if (full)
            DM_TRY(make_runs(t, reterr));
        if (any)
            continue;
        int ended = dm_tick_end_drives(t, reterr);
        if (ended <= 0)
            return ended;
        /* else its runs are others' now */
    }
    DM_BUG("the plan does not come to rest");
}

int dm_tick_park(struct dm_tick *t, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_runs; i++)
        DM_TRY(dm_tick_set_run(t, t->snap.runs[i], DM_RUN_QUEUED, reterr));
    return 0;
}
