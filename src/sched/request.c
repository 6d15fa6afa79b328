/* Requests, done. */
#include "sched/request.h"

#include "lang/err_json.h"
#include "sched/clear.h"
#include "sched/known.h"
#include "sched/trigger.h"

struct doing {
    struct dm_tick *tick;
    const struct dm_request_world *world;
    const struct dm_value *body;
    struct dm_arena *arena; /* of the turn */
    struct dm_plan_dag *dag;
    struct dm_value *answer; /* NULL = none */
};

static const char *text_of(const struct doing *d, const char *key)
{
    const struct dm_value *v = dm_map_at(d->body, key);
    return v && v->kind == DM_STRING ? dm_str_cstr(d->arena, v->s) : NULL;
}

static int find_dag(struct doing *d, struct dm_err *reterr)
{
    const char *dag_id = text_of(d, "dag_id");
    if (!dag_id)
        return dm_err_set(reterr, DM_E_INVALID, "a request without a dag_id");
    if (d->world->find_dag)
        DM_TRY(d->world->find_dag(d->world->user, d->tick, dag_id, reterr));
    d->dag = dm_tick_find_dag(d->tick, dag_id);
    if (!d->dag || !d->dag->ref)
        return dm_err_set(reterr, DM_E_NOTFOUND, "no DAG \"%s\"", dag_id);
    return 0;
}

static int find_run(struct doing *d, struct dm_run_row *ret, struct dm_err *reterr)
{
    const char *run_id = text_of(d, "run_id");
    DM_TRY(find_dag(d, reterr));
    if (!run_id)
        return dm_err_set(reterr, DM_E_INVALID, "a request without a run_id");
    return dm_store_run_find(d->tick->store, d->arena, d->dag->dag_id, dm_str_c(run_id), ret,
                             reterr);
}

static struct dm_value *new_answer(struct doing *d)
{
    return d->answer = dm_value_map(d->arena);
}

static void set_text(struct doing *d, struct dm_value *map, const char *key, const char *text)
{
    dm_map_set(d->arena, map, key, dm_value_str(d->arena, dm_str_c(text)));
}

static int trigger(struct doing *d, struct dm_err *reterr)
{
    struct dm_trigger_answer made;
    const struct dm_value *conf = dm_map_at(d->body, "conf");
    DM_TRY(find_dag(d, reterr));
    struct dm_trigger what = {.dag_id = d->dag->dag_id,
                              .run_id = text_of(d, "run_id"),
                              .logical_date = dm_map_int(d->body, "logical_date", DM_NEVER),
                              .conf = conf && conf->kind == DM_MAP ? conf : NULL,
                              .note = text_of(d, "note"),
                              .reset = dm_map_bool(d->body, "reset", false)};
    DM_TRY(dm_tick_trigger(d->tick, &what, &made, reterr));
    struct dm_value *answer = new_answer(d);
    set_text(d, answer, "run_id", made.run_id);
    dm_map_set(d->arena, answer, "logical_date", dm_value_int(d->arena, made.logical_date));
    dm_map_set(d->arena, answer, "created", dm_value_bool(d->arena, made.created));
    dm_map_set(d->arena, answer, "paused", dm_value_bool(d->arena, d->dag->paused));
    return 0;
}

static int pause_dag(struct doing *d, struct dm_err *reterr)
{
    DM_TRY(find_dag(d, reterr));
    struct dm_value *answer = new_answer(d);
    dm_map_set(d->arena, answer, "was_paused", dm_value_bool(d->arena, d->dag->paused));
    return dm_tick_pause_dag(d->tick, d->dag->dag_id, dm_map_bool(d->body, "paused", true), reterr);
}

static void answer_cleared(struct doing *d, const struct dm_cleared *list, size_t n)
{
    struct dm_value *answer = dm_value_list(d->arena, 0);
    for (size_t i = 0; i < n; i++) {
        struct dm_value *one = dm_value_map(d->arena);
        set_text(d, one, "run_id", list[i].run_id);
        set_text(d, one, "task_id", list[i].task_id);
        dm_map_set(d->arena, one, "map_index", dm_value_int(d->arena, list[i].map_index));
        dm_map_set(d->arena, one, "logical_date", dm_value_int(d->arena, list[i].logical_date));
        set_text(d, one, "state", dm_task_state_name(list[i].state));
        dm_list_add(d->arena, answer, one);
    }
    d->answer = answer;
}

static const char **task_ids(struct doing *d, size_t *ret_n)
{
    const struct dm_value *list = dm_map_at(d->body, "task_ids");
    size_t n = list && list->kind == DM_LIST ? list->list.n : 0;
    const char **ids = dm_arena_array(d->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        ids[i] = list->list.items[i]->kind == DM_STRING
                     ? dm_str_cstr(d->arena, list->list.items[i]->s)
                     : "";
    *ret_n = n;
    return ids;
}

static bool is_given(const struct doing *d, const char *key)
{
    const struct dm_value *v = dm_map_at(d->body, key);
    return v && v->kind != DM_NULL;
}

static int clear(struct doing *d, struct dm_err *reterr)
{
    struct dm_cleared *list;
    size_t n;
    DM_TRY(find_dag(d, reterr));
    struct dm_clear what = {.from = dm_map_int(d->body, "from", DM_NEVER),
                            .to = dm_map_int(d->body, "to", DM_NEVER),
                            .upstream = dm_map_bool(d->body, "upstream", false),
                            .downstream = dm_map_bool(d->body, "downstream", false),
                            .only_failed = dm_map_bool(d->body, "only_failed", false),
                            .one_instance = is_given(d, "map_index"),
                            .map_index = (int)dm_map_int(d->body, "map_index", -1)};
    what.task_ids = task_ids(d, &what.n_task_ids);
    DM_TRY(dm_clear(d->tick->store, d->tick, d->arena, d->dag->ref->dag, &what, &list, &n, reterr));
    answer_cleared(d, list, n);
    return 0;
}

static int mark(struct doing *d, struct dm_err *reterr)
{
    struct dm_run_row run;
    struct dm_cleared *list;
    size_t n;
    const char *task_id = text_of(d, "task_id");
    int to = dm_task_state_parse(dm_map_str(d->body, "state", ""));
    DM_TRY(find_run(d, &run, reterr));
    if (!task_id || (to != DM_TASK_SUCCESS && to != DM_TASK_FAILED && to != DM_TASK_SKIPPED))
        return dm_err_set(reterr, DM_E_INVALID,
                          "a task can be marked success, failed or skipped only");
    struct dm_mark what = {.task_id = task_id,
                           .to = (enum dm_task_state)to,
                           .upstream = dm_map_bool(d->body, "upstream", false),
                           .downstream = dm_map_bool(d->body, "downstream", false),
                           .one_instance = is_given(d, "map_index"),
                           .map_index = (int)dm_map_int(d->body, "map_index", -1)};
    DM_TRY(dm_mark(d->tick, d->arena, d->dag->ref->dag, &run, &what, &list, &n, reterr));
    answer_cleared(d, list, n);
    return 0;
}

static int mark_run(struct doing *d, struct dm_err *reterr)
{
    struct dm_run_row run;
    int to = dm_run_state_parse(dm_map_str(d->body, "state", ""));
    DM_TRY(find_run(d, &run, reterr));
    if (to != DM_RUN_SUCCESS && to != DM_RUN_FAILED)
        return dm_err_set(reterr, DM_E_INVALID, "a run can be marked success or failed only");
    return dm_mark_run(d->tick, d->arena, &run, (enum dm_run_state)to, reterr);
}

static int note(struct doing *d, struct dm_err *reterr)
{
    struct dm_run_row run;
    DM_TRY(find_run(d, &run, reterr));
    return dm_record_run_note(d->tick->store, run.id, text_of(d, "note"), reterr);
}

static int backfill(struct doing *d, struct dm_err *reterr)
{
    struct dm_day *days;
    size_t n, outside;
    int64_t id;
    const struct dm_value *conf = dm_map_at(d->body, "conf");
    DM_TRY(find_dag(d, reterr));
    int rerun = dm_rerun_parse(dm_map_str(d->body, "rerun", "missing"));
    struct dm_drive drive = {.dag = d->dag->ref->dag,
                             .from = dm_map_int(d->body, "from", DM_NEVER),
                             .to = dm_map_int(d->body, "to", DM_NEVER),
                             .rerun = rerun < 0 ? DM_RERUN_MISSING : (enum dm_rerun)rerun,
                             .run_type = text_of(d, "run_type"),
                             .conf = conf && conf->kind == DM_MAP ? conf : NULL,
                             .exact = dm_map_bool(d->body, "exact", false),
                             .only_task = text_of(d, "only_task"),
                             .one_instance = is_given(d, "map_index"),
                             .map_index = (int)dm_map_int(d->body, "map_index", -1),
                             .backwards = dm_map_bool(d->body, "backwards", false),
                             .max_active_runs = (int)dm_map_int(d->body, "max_active_runs", 0),
                             .command = text_of(d, "command"),
                             .inputs_dir = d->world->project ? d->world->project->dir : NULL};
    if (drive.from == DM_NEVER || drive.to == DM_NEVER || !drive.run_type)
        return dm_err_set(reterr, DM_E_INVALID, "a backfill without its days or its kind of runs");
    DM_TRY(dm_drive_days(d->arena, d->tick->store, &drive, &days, &n, &outside, reterr));
    DM_TRY(dm_tick_take_drive(d->tick, &drive, days, n, &id, reterr));
    dm_map_set(d->arena, new_answer(d), "backfill", dm_value_int(d->arena, id));
    return 0;
}

static int backfill_state(struct doing *d, struct dm_err *reterr)
{
    struct dm_backfill_row row;
    int64_t id = dm_map_int(d->body, "backfill", 0);
    struct dm_str to = dm_map_str(d->body, "state", "");
    int found = dm_store_backfill(d->tick->store, d->arena, id, &row, reterr);
    DM_TRY(found);
    if (!found)
        return dm_err_set(reterr, DM_E_NOTFOUND, "no backfill %lld", (long long)id);
    if (row.ended_at != DM_NEVER)
        return dm_err_set(reterr, DM_E_CONFLICT, "backfill %lld is over: %s", (long long)id,
                          row.state);
    if (dm_str_is(to, "cancelled"))
        return dm_tick_cancel_drive(d->tick, id, reterr);
    if (!dm_str_is(to, "paused") && !dm_str_is(to, "running"))
        return dm_err_set(reterr, DM_E_INVALID, "a backfill can be paused, running or cancelled");
    return dm_tick_pause_drive(d->tick, id, dm_str_is(to, "paused"), reterr);
}

static const struct {
    const char *kind;
    int (*execute)(struct doing *d, struct dm_err *reterr);
} kinds[] = {
    {"trigger", trigger},   {"pause", pause_dag},
    {"clear", clear},       {"mark", mark},
    {"mark_run", mark_run}, {"note", note},
    {"backfill", backfill}, {"backfill_state", backfill_state},
};

static int execute(struct doing *d, const struct dm_request_row *r, struct dm_err *reterr)
{
    struct dm_value *body;
    DM_TRY(dm_value_from_json(d->arena, dm_str_c(r->body), &body, reterr));
    d->body = body;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, r->kind) == 0)
            return kinds[i].execute(d, reterr);
    return dm_err_set(reterr, DM_E_UNSUPPORTED, "an unknown kind of request: \"%s\"", r->kind);
}

int dm_requests_do(struct dm_tick *t, const struct dm_request_world *w, size_t *ret_n,
                   struct dm_err *reterr)
{
    struct dm_request_row *rows;
    size_t n;
    *ret_n = 0;
    DM_TRY(dm_store_open_requests(t->store, &t->turn, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct doing d = {.tick = t, .world = w, .arena = &t->turn};
        struct dm_err err = {0};
        const char *error = NULL, *answer = NULL;
        if ((w->only && rows[i].id != w->only) ||
            (strcmp(rows[i].kind, "backfill") == 0 && !w->backfills))
            continue;
        if (strcmp(rows[i].kind, "purge") == 0) {
            if (dm_forget_ask(w->forget, &t->turn, &rows[i], &err) == 0)
                continue; /* answered when it is done */
            error = dm_str_cstr(&t->turn, dm_err_to_json(&t->turn, &err));
        } else if (execute(&d, &rows[i], &err) < 0)
            error = dm_str_cstr(&t->turn, dm_err_to_json(&t->turn, &err));
        else if (d.answer)
            answer = dm_str_cstr(&t->turn, dm_value_json(&t->turn, d.answer));
        DM_TRY(dm_record_request_done(t->store, rows[i].id, error, answer, t->now, reterr));
        (*ret_n)++;
    }
    return 0;
}
