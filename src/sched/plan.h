/*
 * The plan: what is to be done now, decided from facts alone.
 *
 * dm_plan is a pure function of (now, snapshot, limits, stage): it reads no clock, no store, no file, and changes nothing.
 * The caller applies the actions of a stage (sched/tick.h), which changes the snapshot, then asks for the next stage.  The
 * stages are those of Airflow's loop, one round of them is one loop: a DAG's runs come one a round, and slots are given
 * before the next one comes.  Rounds follow each other at once until all stages of one have no actions; asked again without
 * new facts they have none.  Ties are broken by a total order (priority, logical date, DAG, task), so
 * that the same facts always give the same actions in the same order.
 */
#ifndef DM_PLAN_H
#define DM_PLAN_H

#include "sched/backfill.h"
#include "sched/dag_ref.h"
#include "state/callback.h"

/*
 * A task instance.  Of a mapped task there is one with map_index -1 until it is expanded; expanding makes it the one with
 * map_index 0 and adds the others as `more`, in the order of their indexes.  An instance never moves.
 */
struct dm_plan_task {
    struct dm_task_row row;
    const struct dm_task *def;
    const char *ending;             /* why its process is being ended; NULL = it is not */
    enum dm_task_state end_as;      /* what it becomes then, whatever its process says */
    const struct dm_value *decided; /* the record of its decision (sched/decision.h), or NULL */
    bool in_past; /* some earlier run has this task, though the previous one may not */
    struct dm_plan_task **more; /* of tasks[i] of a run: its instances 1, 2 …; NULL = none */
    size_t n_more, cap_more;
    bool remap; /* of tasks[i]: what it is mapped over may have changed since it was expanded */
};

/* An asset that a DAG waits for. */
struct dm_plan_asset {
    const char *uri;
    int64_t
        at; /* when it first changed since the DAG's last run by assets; DM_NEVER = it has not */
};

/* A DAG as the scheduler knows it. */
struct dm_plan_dag {
    const char *dag_id;
    struct dm_dag_ref *ref; /* its newest generation; NULL = its file is gone, or does not load */
    bool known;             /* the store has a row of it */
    bool paused;        /* no scheduled runs, no queued one and no task begins, drives excepted */
    bool has_next;      /* its schedule makes one more run */
    struct dm_due next; /* that one */
    int unfinished;     /* its runs that are queued or active, without those of a backfill */
    int active;         /* of these */
    const struct dm_value *condition; /* on its assets (lang/asset.h); NULL = it waits for none */
    struct dm_plan_asset *assets;     /* that the condition names, each once */
    size_t n_assets;
};

struct dm_plan_run {
    struct dm_arena arena; /* everything below */
    struct dm_run_row row;
    struct dm_plan_dag *of;       /* NULL = nobody schedules its DAG here */
    struct dm_dag_ref *ref;       /* holds `dag`; NULL = it is only somebody's past */
    const struct dm_dag *dag;     /* of its generation */
    const struct dm_graph *graph; /* of its DAG; NULL where it is only somebody's past */
    struct dm_plan_task *tasks;   /* by index in dag->tasks; a past that has no dag: as stored */
    size_t n_tasks;
    struct dm_plan_run
        *prev; /* the run before, NULL = none; perhaps finished, then with its tasks only */
    const struct dm_drive *drive; /* what made it active; NULL = it is only somebody's past */
    int64_t
        active_since; /* what dagrun_timeout counts from: a resumed run has its whole time again */
    bool active;      /* its tasks are considered */
    bool ignore_past; /* the first day of the command */
    bool queued;      /* among the snapshot's queued ones */
    bool needed;      /* of the sweep of memory */
    bool marked;      /* by a person: it ends as `mark` */
    enum dm_run_state mark;
    bool renew;  /* to be taken up again by another generation, once nothing of it is at work */
    int at_work; /* attempts of it that have not ended, those of its steps included */
};

/* Every instance of every task of a run: for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));) */
struct dm_plan_each {
    size_t task, instance;
};
static inline struct dm_plan_task *dm_plan_each(const struct dm_plan_run *run,
                                                struct dm_plan_each *e)
{
    while (e->task < run->n_tasks && e->instance > run->tasks[e->task].n_more) {
        e->task++;
        e->instance = 0;
    }
    if (e->task == run->n_tasks)
        return NULL;
    struct dm_plan_task *t = &run->tasks[e->task];
    return e->instance++ ? t->more[e->instance - 2] : t;
}

/* The instance with that row, or NULL. */
static inline struct dm_plan_task *dm_plan_instance(const struct dm_plan_run *run, int64_t row)
{
    struct dm_plan_task *t;
    for (struct dm_plan_each e = {0}; (t = dm_plan_each(run, &e));)
        if (t->row.id == row)
            return t;
    return NULL;
}

struct dm_plan_step {
    struct dm_step_row row;
    struct dm_plan_run *run;
    struct dm_plan_task *task; /* who submitted it */
    int deaths;                /* of its process, under this command */
    const char *ending;        /* why its process is being ended; NULL = it is not */
};

/* A callback that is pending or running (sched/callback.h). */
struct dm_plan_callback {
    struct dm_callback_row row;
    /* What it sees of its run: of its own, so that the run may go.  `task` is the task, or of a callback of the run the
       last one of the DAG, with the operator and the fields of the callback. */
    struct dm_plan_run run;
    struct dm_plan_task task;
    struct dm_task def;
};

/* The days of one drive that are still to be made active, in order. */
struct dm_plan_drive {
    struct dm_arena arena; /* everything below */
    struct dm_drive *drive;
    struct dm_dag_ref *ref;
    struct dm_plan_dag *of; /* as in dm_plan_run */
    int64_t backfill;       /* its row */
    bool paused;
    const struct dm_day *days; /* kept ones left out */
    size_t n_days, next;       /* days before `next` are active or done */
    int64_t first;             /* logical date of the command's first day: it ignores its past */
};

struct dm_snapshot {
    struct dm_plan_drive **drives; /* first come, first there */
    size_t n_drives;
    struct dm_plan_run *
        *runs; /* active ones first come, first there; others are reached through prev */
    size_t n_runs;
    struct dm_plan_run **
        queued; /* made and not active: what had begun before, then by logical date; without tasks */
    size_t n_queued;
    struct dm_plan_dag **dags; /* by dag_id */
    size_t n_dags;
    int64_t dags_at; /* no schedule makes a run before: the dm_plan.dags_at of the last stage */
    struct dm_plan_step **steps; /* unfinished, by order of submission */
    size_t n_steps;
    struct dm_plan_callback **callbacks; /* in the order in which they were made */
    size_t n_callbacks;
};

struct dm_limits {
    int jobs;      /* attempts of tasks at once; steps and callbacks do not count */
    int callbacks; /* at once */
    const struct dm_pool_row *pools;
    size_t n_pools;
    bool schedules; /* schedules make runs, queued runs begin; else only drives are worked on */
    bool draining;  /* nothing new begins */
};

enum dm_action_kind {
    DM_ACTION_TASK_STATE,     /* run, task, to: SCHEDULED, SKIPPED, UPSTREAM_FAILED */
    DM_ACTION_EXPAND,         /* run, task: make the instances of a mapped task (sched/mapping.h) */
    DM_ACTION_QUEUE_TASK,     /* run, task: begin an attempt */
    DM_ACTION_END_TASK,       /* run, task: end its process, the run took too long */
    DM_ACTION_FINISH_RUN,     /* run, run_state, reason */
    DM_ACTION_START_STEP,     /* step */
    DM_ACTION_START_CALLBACK, /* callback */
    DM_ACTION_NEXT_DAY,       /* drive: its day `next` becomes active */
    DM_ACTION_CREATE_RUN,     /* dag: its run `next` is made, queued */
    DM_ACTION_CREATE_ASSET_RUN, /* dag: a run is made, queued, for what has changed */
    DM_ACTION_BEGIN_RUN,        /* run: a queued one becomes active */
    DM_ACTION_RENEW_RUN,        /* run: its new generation takes it up */
};

struct dm_action {
    enum dm_action_kind kind;
    struct dm_plan_run *run;
    struct dm_plan_task *task;
    struct dm_plan_step *step;
    struct dm_plan_drive *drive;
    struct dm_plan_dag *dag;
    struct dm_plan_callback *callback;
    enum dm_task_state to;
    enum dm_run_state run_state;
    const char *reason; /* why the run ended so, as callbacks are told; NULL = they are not */
};

enum dm_stage {
    DM_STAGE_RUNS,  /* runs are made */
    DM_STAGE_BEGIN, /* runs become active */
    DM_STAGE_TASKS, /* tasks become ready, or what their trigger rules say; runs end */
    DM_STAGE_WORK,  /* attempts, steps and callbacks begin */
    DM_STAGE_COUNT
};

struct dm_plan {
    struct dm_action *actions;
    size_t n_actions;
    int64_t wake_at; /* the next moment at which time alone changes the answer; DM_NEVER = none */
    int64_t dags_at; /* for the snapshot from now on */
};

/* The plan lives in the arena. */
struct dm_plan dm_plan(struct dm_arena *a, int64_t now, const struct dm_snapshot *s,
                       const struct dm_limits *limits, enum dm_stage stage);

/* What a task that could run otherwise waits for in the run before.  Pure. */
struct dm_past_wait {
    const struct dm_plan_run *run;
    const char *task_id;
    enum dm_task_state state;
};
/* 1 with *ret set: it waits; 0: its past is fine. */
int dm_plan_past(const struct dm_plan_run *run, const struct dm_plan_task *task,
                 struct dm_past_wait *ret);

/* The instance of a task before it whose decision is about this one (`before` is its first): that with the same index
   where both are mapped; NULL = none. */
const struct dm_plan_task *dm_plan_decider(const struct dm_plan_task *before,
                                           const struct dm_plan_task *task);

/* Whether a task of an active run would run now if its past were fine: 1 with *ret set to what it waits for. */
int dm_plan_waiting(const struct dm_plan_run *run, const struct dm_plan_task *task,
                    struct dm_past_wait *ret);

/* Where the plan has nothing to do: nothing of the run can move by itself, now or later.  What is left waits for its past,
   for what never comes, or for somebody who lets its DAG go on. */
bool dm_plan_run_stuck(const struct dm_plan_run *run, int64_t now);

#endif
