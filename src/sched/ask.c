/* Asking. */
#include "sched/ask.h"

#include <unistd.h>

#include "base/clock.h"
#include "lang/err_json.h"
#include "sched/recover.h"
#include "sched/wake.h"

enum { POLL_FIRST_US = 500, POLL_MAX_US = 20000 };

static int know_dag(void *user, struct dm_tick *t, const char *dag_id, struct dm_err *reterr)
{
    const struct dm_ask *ask = user;
    struct dm_dag_ref *ref;
    if (!ask->dag || strcmp(ask->dag->dag_id, dag_id) != 0)
        return 0;
    ref = dm_dag_ref_new(ask->dag);
    int rc = dm_tick_set_dag(t, dag_id, ref, ask->paused_at_creation, reterr);
    dm_dag_ref_unref(ref);
    return rc;
}

static int do_request(const struct dm_ask *ask, int64_t id, struct dm_forget *forget,
                      struct dm_err *reterr)
{
    struct dm_tick t;
    struct dm_request_world world = {.project = ask->project,
                                     .find_dag = know_dag,
                                     .user = (void *)ask,
                                     .only = id,
                                     .forget = forget};
    size_t n;
    dm_tick_init(&t, ask->store, 1);
    int rc = dm_tick_begin(&t, dm_clock_now(), false, reterr);
    if (rc == 0)
        rc = dm_requests_do(&t, &world, &n, reterr);
    if (rc == 0)
        rc = dm_tick_commit(&t, reterr);
    dm_tick_release(&t);
    return rc;
}

/* 1 = we had the right, and did it. */
static int do_it_here(const struct dm_ask *ask, const char *kind, int64_t id, struct dm_err *reterr)
{
    _cleanup_right_ struct dm_right right = {.fd = -1};
    struct dm_forget forget;
    size_t lost;
    int got = dm_right_try(ask->project->run_dir, kind, &right, reterr);
    if (got <= 0)
        return got;
    DM_TRY(dm_recover(ask->store, ask->project->run_dir, dm_clock_now(), &lost, reterr));
    dm_forget_init(&forget, ask->store, ask->project);
    int rc, more = 0;
    do {
        rc = do_request(ask, id, &forget, reterr);
        if (rc == 0)
            rc = more = dm_forget_purge(&forget, dm_clock_now(), reterr);
    } while (rc >= 0 && (more || dm_forget_purging(&forget)));
    dm_forget_release(&forget);
    return rc < 0 ? rc : 1;
}

static int read_answer(struct dm_arena *a, const struct dm_request_row *row,
                       const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_value *answer = NULL;
    if (row->error) {
        struct dm_err err = {0};
        dm_err_from_json(a, row->error, &err);
        if (reterr)
            *reterr = err;
        return err.code ? err.code : DM_E_FAILED;
    }
    if (row->answer)
        DM_TRY(dm_value_from_json(a, dm_str_c(row->answer), &answer, reterr));
    *ret = answer;
    return 0;
}

int dm_ask(struct dm_arena *a, const struct dm_ask *ask, const char *kind,
           const struct dm_value *body, const struct dm_value **ret_answer, struct dm_err *reterr)
{
    struct dm_request_row row;
    int64_t id;
    useconds_t pause = POLL_FIRST_US;
    bool told = false;
    DM_TRY(dm_request_add(ask->store, kind, dm_value_json(a, body), dm_clock_now(), &id, reterr));
    dm_wake_send(ask->project->run_dir);
    for (;;) {
        int here = do_it_here(ask, kind, id, reterr);
        DM_TRY(here);
        DM_TRY(dm_store_request(ask->store, a, id, &row, reterr));
        if (row.done_at != DM_NEVER)
            return read_answer(a, &row, ret_answer, reterr);
        if (ask->wait && ask->wait->stop && *ask->wait->stop) {
            DM_TRY(dm_request_withdraw(ask->store, id, reterr));
            return dm_err_set(reterr, DM_E_CANCELLED, "interrupted while another command works");
        }
        if (!told && pause == POLL_MAX_US && ask->wait && ask->wait->waiting)
            dm_right_tell(ask->project->run_dir, ask->wait);
        told = told || pause == POLL_MAX_US;
        usleep(pause);
        pause = pause * 2 > POLL_MAX_US ? POLL_MAX_US : pause * 2;
    }
}
