/*
 * Years in seconds: the scheduler's own way (plan, tick, store, requests) with scripted time and outcomes and without any
 * process.  Everything follows from a seed: the DAGs and their later generations, what becomes of each attempt, what
 * people ask for and when, and where the scheduler is killed.
 *
 * Calm worlds stand still until all work of an instant is done, so that what people ask for always finds the same states:
 * such a world ends the same wherever it was killed, and, where besides nothing in it depends on when somebody looked
 * (timeless), however its time was cut.  In the others attempts last, and requests and kills fall among them; there only
 * the invariants (check.c) are looked at.
 */
#ifndef SIM_H
#define SIM_H

#include "base/file.h"
#include "base/rng.h"
#include "sched/tick.h"
#include "t.h"

#define SIM_EPOCH (INT64_C(1577836800) * DM_SEC) /* 2020-01-01 */

enum { SIM_DAGS_MAX = 64, SIM_JOBS_MAX = 64 };

struct sim_running {
    const struct dm_job *job;
    int64_t ends_at;
};

struct sim_dag {
    const char *dag_id;
    int version; /* of its definition */
    bool paused, gone;
};

struct sim_options {
    uint64_t seed;
    size_t n_dags;
    int64_t from, to; /* the schedules' start and end */
    bool calm;
    bool timeless;
    bool any_rule;     /* in timeless worlds too: then states may depend on it, the runs do not */
    bool plain;        /* daily DAGs whose tasks mostly succeed: for figures */
    bool by_the_clock; /* DAGs whose schedules go from a minute on, else from a day on */
    int64_t step;      /* the longest jump of time; 0 = to the next event */
    int64_t ask_every; /* mean time between requests; 0 = none */
    unsigned kill_permille; /* of the turns */
    bool unchecked;         /* no invariants: for figures */
};

struct sim {
    struct sim_options o;
    struct dm_arena arena;
    char dir[64];
    struct dm_store *store;
    struct dm_tick tick;
    int64_t now, next_request;
    struct sim_dag dags[SIM_DAGS_MAX];
    struct sim_running running[SIM_JOBS_MAX];
    size_t n_running;
    struct dm_rng death;    /* where it is killed */
    struct dm_rng requests; /* what people do */
    int failures;           /* of its checks */
    size_t transitions, turns, attempts, kills, asked;
    size_t heap_early;         /* bytes in use after a tenth of the time */
    struct sim_before *before; /* of the turn (check.c) */
};

static inline void sim_must(int rc, const struct dm_err *err)
{
    if (rc < 0)
        DM_BUG("%s", err->message);
}

/* ---- world.c: what follows from the seed alone ---- */

struct dm_dag_ref *sim_dag_make(const struct sim *w, size_t i, int version);
/* A number of its own for everything that is asked about something; the same when it is asked again. */
struct dm_rng sim_rng(const struct sim *w, const char *what, const char *dag_id, int64_t date,
                      const char *task_id, int map_index, int try_number);
struct dm_result sim_outcome(struct sim *w, const struct dm_job *j);
int64_t sim_duration(const struct sim *w, const struct dm_job *j);

/* ---- engine.c ---- */

/* Everything from beginning to end; *w is then to be looked at and released. */
void sim_run(struct sim *w, const struct sim_options *o);
void sim_release(struct sim *w);
/* All runs, a line each; with `states` theirs too, and all tasks with theirs. */
const char *sim_picture(struct sim *w, bool states);

/* ---- people.c ---- */

/* Somebody asks for something; it is done in the next turn.  True where a DAG's file was changed instead. */
void sim_ask(struct sim *w);
/* At the end: nothing is paused any more. */
void sim_unpause_all(struct sim *w);
/* Within a turn: DAG files are read again. */
void sim_load_dags(struct sim *w);

/* ---- check.c: what must be true after every turn; what is not counts in w->failures ---- */

void sim_check_before(struct sim *w);
void sim_check_after(struct sim *w);
/* Nothing is at work and no time is waited for. */
void sim_check_rest(struct sim *w);
/* The story that the events tell, against the table of transitions. */
void sim_check_events(struct sim *w);

#endif
