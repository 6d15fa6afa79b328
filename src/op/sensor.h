/*
 * What all sensors share: looks, the waits between them, and what becomes of a look that fails.  As Airflow's
 * BaseSensorOperator; the fields are dm_sensor_fields (lang/op_spec.h).
 *
 *   1. The sensor looks once.
 *   2. Found: the task succeeds.
 *   3. The look failed: soft_fail and never_fail skip where it failed for good (at->no_retry); otherwise silent_fail
 *      writes the error to the log and goes on as if nothing was found, never_fail skips, and without these the task
 *      fails as any other (and is tried again).
 *   4. Later than `timeout`: the task fails without another try; soft_fail skips.  The time counts, with mode
 *      reschedule, from the first look since the task was made or cleared, so that retries do not move it; with mode
 *      poke, from the first look of this try.
 *   5. Else it looks again after poke_interval, or, with exponential_backoff, after b to 2b seconds, where b is
 *      poke_interval * 2^(n - 2) at the n-th look; n is worked out from the time that has passed.
 *
 * A sensor holds no process while it waits: the attempt ends, and the scheduler begins another at the time.  Only with
 * mode poke and a wait of less than a second it stays.  execution_timeout is of one attempt, so of one look; with mode
 * poke it is of the try as a whole, which is seen to here.
 */
#ifndef DM_SENSOR_H
#define DM_SENSOR_H

#include "task/attempt.h"

/* What a look tells.  Zeroed, and ready_at DM_NEVER, before each. */
struct dm_look {
    const struct dm_value *value; /* found: the XCom; NULL = none */
    /* Not found: */
    const char *missing;    /* what is not there yet, for people: "there is no file data/x.csv" */
    int64_t ready_at;       /* it cannot be there before; DM_NEVER = not known */
    const char *until_step; /* step of the embedded cluster that must end first; NULL = none */
};

/* 1 found, 0 not yet, or an error.  DM_E_SKIP skips; at->no_retry says that the error is final. */
typedef int dm_look_fn(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr);

/* The whole of a sensor's execute. */
int dm_sensor_run(struct dm_attempt *at, dm_look_fn *look, const struct dm_value **ret,
                  struct dm_err *reterr) dm_nodiscard;

/* The pure part: when to look again, after a look at `now` that found nothing. */
struct dm_sensor_wait {
    const char *dag_id, *task_id;
    int64_t since;    /* what the timeout counts from */
    int64_t interval; /* poke_interval */
    int64_t timeout;
    int64_t max_wait; /* 0 = none */
    bool backoff;     /* exponential_backoff */
};
int dm_sensor_next(const struct dm_sensor_wait *w, int64_t now, int64_t *ret,
                   struct dm_err *reterr) dm_nodiscard;

#endif
