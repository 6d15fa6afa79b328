/* Following a drive. */
#include "sched/follow.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "lang/err_json.h"
#include "sched/loop_report.h"
#include "sched/wake.h"
#include "sched/why.h"
#include "state/memory.h"

enum { POLL_FIRST_US = 1000, POLL_MAX_US = 100000 };

struct following {
    const struct dm_loop_options *o;
    const struct dm_drive *drive;
    struct dm_arena *arena; /* of the report */
    struct dm_loop_ledger ledger;
    int64_t backfill, event; /* the last one seen */
    int64_t progress_at;
    size_t tasks, tasks_done;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
    interrupted = 1;
}

/* ---- handing over ---- */

static struct dm_value *body_of(struct dm_arena *a, const struct dm_drive *d)
{
    struct dm_value *m = dm_value_map(a);
    dm_map_set(a, m, "dag_id", dm_value_cstr(a, d->dag->dag_id));
    dm_map_set(a, m, "from", dm_value_int(a, d->from));
    dm_map_set(a, m, "to", dm_value_int(a, d->to));
    dm_map_set(a, m, "rerun", dm_value_cstr(a, dm_rerun_name(d->rerun)));
    dm_map_set(a, m, "run_type", dm_value_cstr(a, d->run_type));
    dm_map_set(a, m, "exact", dm_value_bool(a, d->exact));
    dm_map_set(a, m, "backwards", dm_value_bool(a, d->backwards));
    dm_map_set(a, m, "max_active_runs", dm_value_int(a, d->max_active_runs));
    if (d->conf)
        dm_map_set(a, m, "conf", dm_value_copy(a, d->conf));
    if (d->only_task)
        dm_map_set(a, m, "only_task", dm_value_cstr(a, d->only_task));
    if (d->one_instance)
        dm_map_set(a, m, "map_index", dm_value_int(a, d->map_index));
    if (d->command)
        dm_map_set(a, m, "command", dm_value_cstr(a, d->command));
    return m;
}

static int read_answer(struct following *f, const struct dm_request_row *row, struct dm_err *reterr)
{
    struct dm_value *answer;
    if (row->error) {
        struct dm_err err = {0};
        dm_err_from_json(f->arena, row->error, &err);
        if (reterr)
            *reterr = err;
        return err.code ? err.code : DM_E_FAILED;
    }
    DM_TRY(
        dm_value_from_json(f->arena, dm_str_c(row->answer ? row->answer : "{}"), &answer, reterr));
    f->backfill = dm_map_int(answer, "backfill", 0);
    return 0;
}

/* Takes the request back; 1 = it was too late. */
static int withdraw(struct following *f, int64_t id, struct dm_err *reterr)
{
    int taken_back = dm_request_withdraw(f->o->store, id, reterr);
    return taken_back < 0 ? taken_back : !taken_back;
}

static int hand_over(struct following *f, struct dm_err *reterr)
{
    const char *run_dir = f->o->project->run_dir;
    useconds_t pause = POLL_FIRST_US;
    int64_t id;
    DM_TRY(dm_store_last_event(f->o->store, &f->event, reterr));
    DM_TRY(dm_request_add(f->o->store, "backfill",
                          dm_value_json(f->arena, body_of(f->arena, f->drive)), dm_clock_now(), &id,
                          reterr));
    dm_wake_send(run_dir);
    for (;;) {
        struct dm_request_row row;
        DM_TRY(dm_store_request(f->o->store, f->arena, id, &row, reterr));
        if (row.done_at != DM_NEVER)
            return read_answer(f, &row, reterr);
        if (interrupted || !dm_right_is_scheduler(run_dir)) {
            int late = withdraw(f, id, reterr);
            DM_TRY(late);
            if (!late)
                return dm_err_set(reterr, interrupted ? DM_E_CANCELLED : DM_E_BUSY,
                                  "the scheduler had not taken it");
        }
        usleep(pause);
        pause = pause * 2 > POLL_MAX_US ? POLL_MAX_US : pause * 2;
    }
}

/* ---- what happened ---- */

static bool is_ours(const struct following *f, const struct dm_run_row *run)
{
    return run->logical_date >= f->drive->from && run->logical_date <= f->drive->to;
}

/* "file:line:col" or "file:line", as the store has it. */
static void set_place(struct dm_arena *a, struct dm_err *e, const char *place)
{
    char *file = dm_arena_strdup(a, place);
    int64_t numbers[2] = {0};
    int n = 0;
    char *colon;
    while (n < 2 && (colon = strrchr(file, ':')) &&
           dm_str_to_i64(dm_str_c(colon + 1), &numbers[n])) {
        *colon = '\0';
        n++;
    }
    dm_err_at(e, file, (int)(n == 2 ? numbers[1] : numbers[0]), n == 2 ? (int)numbers[0] : 0);
}

/* The error of an attempt, as it was reported. */
static const struct dm_err *error_of(struct following *f, int64_t attempt, const char **ret_log)
{
    struct dm_attempt_row row;
    *ret_log = NULL;
    if (!attempt || dm_store_attempt(f->o->store, f->arena, attempt, &row, NULL) != 1)
        return NULL;
    *ret_log = row.log_path;
    if (!row.error)
        return NULL;
    struct dm_err *e = dm_arena_new(f->arena, struct dm_err);
    dm_err_set(e, row.error_code, "%s", row.error);
    if (row.error_detail)
        dm_err_detail(e, "%s", row.error_detail);
    if (row.error_hint)
        dm_err_hint(e, "%s", row.error_hint);
    if (row.error_place)
        set_place(f->arena, e, row.error_place);
    return e;
}

static int state_in(const struct dm_value *data, const char *key)
{
    return dm_task_state_parse(dm_map_str(data, key, ""));
}

static void on_task(struct following *f, const struct dm_event_row *e, const struct dm_run_row *run,
                    const struct dm_value *data)
{
    struct dm_note note = {0};
    int from = state_in(data, "from"), to = state_in(data, "to");
    if (from < 0 || to < 0)
        return;
    int tries = (int)dm_map_int(data, "try", 0);
    const struct dm_task *def = dm_task_find(f->drive->dag, dm_str_c(e->task_id));
    note.task = (struct dm_loop_task_event){.dag_id = e->dag_id,
                                            .run_id = e->run_id,
                                            .task_id = e->task_id,
                                            .map_index = e->map_index,
                                            .try_number = tries,
                                            .max_tries = def ? def->retries : 0,
                                            .logical_date = run->logical_date,
                                            .attempt = e->attempt,
                                            .at = e->at,
                                            .from = (enum dm_task_state)from,
                                            .to = (enum dm_task_state)to};
    if (to == DM_TASK_FAILED || to == DM_TASK_UP_FOR_RETRY)
        note.task.error = error_of(f, e->attempt, &note.task.log_path);
    f->ledger.report.attempts += to == DM_TASK_QUEUED;
    f->tasks_done += (size_t)dm_task_finished(note.task.to);
    dm_report_note(&f->ledger, &note);
    if (f->o->watch && f->o->watch->task)
        f->o->watch->task(f->o->watch->user, &note.task);
}

static void on_run(struct following *f, const struct dm_event_row *e, const struct dm_run_row *run,
                   const struct dm_value *data)
{
    struct dm_note note = {.about_run = true};
    int to = e->kind == DM_EVENT_RUN_CREATED ? (int)DM_RUN_QUEUED
                                             : dm_run_state_parse(dm_map_str(data, "to", ""));
    if (to < 0)
        return;
    note.run = (struct dm_loop_run_event){.dag_id = e->dag_id,
                                          .run_id = e->run_id,
                                          .logical_date = run->logical_date,
                                          .at = e->at,
                                          .from = dm_run_state_parse(dm_map_str(data, "from", "")),
                                          .to = (enum dm_run_state)to};
    dm_report_note(&f->ledger, &note);
    if (f->o->watch && f->o->watch->run)
        f->o->watch->run(f->o->watch->user, &note.run);
}

static int read_events(struct following *f, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_event_row *events;
    size_t n;
    DM_TRY(dm_store_events(f->o->store, &a, f->event, f->drive->dag->dag_id, NULL, 0, &events, &n,
                           reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_event_row *e = &events[i];
        struct dm_run_row run;
        struct dm_value *data;
        f->event = e->id;
        if (!e->run_id ||
            dm_store_run_named(f->o->store, &a, e->dag_id, dm_str_c(e->run_id), &run, NULL) != 1 ||
            !is_ours(f, &run) || dm_value_from_json(&a, dm_str_c(e->data), &data, NULL) < 0)
            continue;
        if (e->kind == DM_EVENT_TASK_STATE && e->task_id)
            on_task(f, e, &run, data);
        else if (e->kind == DM_EVENT_RUN_STATE || e->kind == DM_EVENT_RUN_CREATED)
            on_run(f, e, &run, data);
    }
    return 0;
}

static void show_progress(struct following *f)
{
    const struct dm_loop_watch *w = f->o->watch;
    const struct dm_loop_report *r = &f->ledger.report;
    int64_t now = dm_clock_now();
    if (!w || !w->progress || now < f->progress_at)
        return;
    f->progress_at = now + DM_SEC / 4;
    struct dm_loop_progress p = {.days = r->days - r->kept,
                                 .days_done = r->succeeded + r->failed,
                                 .days_failed = r->failed,
                                 .tasks = f->tasks,
                                 .tasks_done = f->tasks_done,
                                 .started_at = r->started_at,
                                 .now = now};
    w->progress(w->user, &p);
}

/* ---- the end ---- */

static int note_waiting(struct following *f, const struct dm_run_row *run, struct dm_err *reterr)
{
    struct dm_waiting *list;
    size_t n;
    DM_TRY(dm_why_waits(f->arena, f->o->store, f->drive->dag, run, &list, &n, reterr));
    for (size_t i = 0; i < n; i++)
        dm_report_blocked(&f->ledger, run, list[i].task_id, &list[i].waits);
    return 0;
}

/* What did not get through: days without a finished run. */
static int note_rest(struct following *f, struct dm_err *reterr)
{
    struct dm_day *days;
    size_t n, outside;
    struct dm_drive look = *f->drive;
    look.rerun = DM_RERUN_MISSING;
    DM_TRY(dm_drive_days(f->arena, f->o->store, &look, &days, &n, &outside, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_run_row run;
        if (days[i].action == DM_DAY_KEEP || f->drive->only_task)
            continue;
        f->ledger.report.unstarted++;
        int found = dm_store_run_at(f->o->store, f->arena, f->drive->dag->dag_id,
                                    days[i].logical_date, &run, reterr);
        DM_TRY(found);
        if (found)
            DM_TRY(note_waiting(f, &run, reterr));
    }
    return 0;
}

static int watch(struct following *f, struct dm_err *reterr)
{
    useconds_t pause = POLL_FIRST_US;
    for (;;) {
        struct dm_backfill_row row;
        int64_t seen = f->event;
        int found = dm_store_backfill(f->o->store, f->arena, f->backfill, &row, reterr);
        DM_TRY(found);
        DM_TRY(read_events(f, reterr));
        show_progress(f);
        if (!found || row.ended_at != DM_NEVER)
            return note_rest(f, reterr);
        if (interrupted) {
            dm_err_set(reterr, DM_E_CANCELLED, "no longer followed; the scheduler goes on");
            return dm_err_hint(reterr, "\"daymill backfills cancel %lld\" ends it.",
                               (long long)f->backfill);
        }
        pause = f->event != seen ? POLL_FIRST_US : pause * 2;
        usleep(pause > POLL_MAX_US ? POLL_MAX_US : pause);
    }
}

static int choose_days(struct following *f, struct dm_err *reterr)
{
    struct dm_day *days;
    size_t n, outside;
    struct dm_loop_report *r = &f->ledger.report;
    DM_TRY(dm_drive_days(f->arena, f->o->store, f->drive, &days, &n, &outside, reterr));
    for (size_t i = 0; i < n; i++) {
        bool kept = days[i].action == DM_DAY_KEEP;
        r->days++;
        r->kept += kept;
        r->kept_failed += kept && days[i].state == DM_RUN_FAILED;
        f->tasks += kept ? 0 : f->drive->only_task ? 1 : f->drive->dag->n_tasks;
    }
    if (f->o->watch && f->o->watch->chosen)
        f->o->watch->chosen(f->o->watch->user, f->drive, days, n);
    return 0;
}

int dm_follow(struct dm_arena *a, const struct dm_loop_options *o, struct dm_loop_report *ret,
              struct dm_err *reterr)
{
    struct following f = {.o = o, .drive = &o->drives[0], .arena = a, .ledger = {.arena = a}};
    struct sigaction act = {.sa_handler = on_signal}, before_int, before_term;
    interrupted = 0;
    sigaction(SIGINT, &act, &before_int);
    sigaction(SIGTERM, &act, &before_term);
    f.ledger.report.started_at = dm_clock_now();
    int rc = choose_days(&f, reterr);
    if (rc == 0)
        rc = hand_over(&f, reterr);
    if (rc == 0 && !o->detach)
        rc = watch(&f, reterr);
    f.ledger.report.detached = rc == 0 && o->detach ? f.backfill : 0;
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
    f.ledger.report.ended_at = dm_clock_now();
    if (rc == 0)
        dm_report_sort(&f.ledger);
    *ret = f.ledger.report;
    return rc;
}
