/* What a child says, recorded. */
#include "task/message.h"
#include "sched/child.h"
#include "sched/trigger.h"

static void reply(struct dm_loop_child *c, struct dm_str body)
{
    dm_frame_encode(&c->out, DM_WIRE_REPLY, body);
}

static void reply_error(struct dm_loop_child *c, struct dm_arena *a, const struct dm_err *err)
{
    struct dm_value *e = dm_value_map(a), *v = dm_value_map(a);
    dm_map_set(a, e, "code", dm_value_cstr(a, dm_code_name(err->code)));
    dm_map_set(a, e, "message", dm_value_cstr(a, err->message));
    dm_map_set(a, v, "error", e);
    reply(c, dm_value_json(a, v));
}

static int on_intent(struct dm_loop_child *c, struct dm_tick *t, const struct dm_message *m,
                     struct dm_err *reterr)
{
    int step = c->job->step ? c->job->step->row.index : -1;
    for (size_t i = 0; i < m->intent.n; i++)
        DM_TRY(dm_record_intent(t->store, c->job->task->row.id, step, m->intent.objects[i].bucket,
                                m->intent.objects[i].key, reterr));
    reply(c, DM_STR("{}"));
    return 0;
}

static int on_steps(struct dm_loop_child *c, struct dm_tick *t, const struct dm_message *m,
                    struct dm_err *reterr)
{
    struct dm_err err;
    const char **ids;
    int rc = c->job->step ? dm_err_set(&err, DM_E_UNSUPPORTED, "a step cannot add steps")
                          : dm_tick_steps(t, c->job, m->steps.cluster, m->steps.steps, m->steps.n,
                                          &ids, &err);
    if (rc == DM_E_INVALID || rc == DM_E_LIMIT || rc == DM_E_CONFLICT || rc == DM_E_UNSUPPORTED) {
        reply_error(c, &t->turn, &err); /* the batch is refused before anything is written */
        return 0;
    }
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    struct dm_value *list = dm_value_list(&t->turn, 0), *answer = dm_value_map(&t->turn);
    for (size_t i = 0; i < m->steps.n; i++)
        dm_list_add(&t->turn, list, dm_value_cstr(&t->turn, ids[i]));
    dm_map_set(&t->turn, answer, "ids", list);
    reply(c, dm_value_json(&t->turn, answer));
    return 0;
}

/* What is wrong with the request is for the task to say; everything else ends the turn. */
static int on_trigger(struct dm_loop_child *c, struct dm_tick *t, const struct dm_message *m,
                      struct dm_err *reterr)
{
    struct dm_trigger what = {.dag_id = m->trigger.dag_id,
                              .run_id = *m->trigger.run_id ? m->trigger.run_id : NULL,
                              .logical_date = m->trigger.logical_date,
                              .conf = m->trigger.conf,
                              .reset = m->trigger.reset};
    struct dm_trigger_answer made;
    struct dm_err err;
    int rc = dm_tick_trigger(t, &what, &made, &err);
    if (rc == DM_E_NOTFOUND || rc == DM_E_EXISTS || rc == DM_E_INVALID) {
        reply_error(c, &t->turn, &err);
        return 0;
    }
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    struct dm_value *answer = dm_value_map(&t->turn);
    dm_map_set(&t->turn, answer, "run_id", dm_value_cstr(&t->turn, made.run_id));
    dm_map_set(&t->turn, answer, "created", made.created ? &dm_true : &dm_false);
    reply(c, dm_value_json(&t->turn, answer));
    return 0;
}

static int on_remote_id(struct dm_loop_child *c, struct dm_tick *t, const struct dm_message *m,
                        struct dm_err *reterr)
{
    DM_TRY(dm_record_remote_id(t->store, c->job->attempt, m->remote_id.system, m->remote_id.id,
                               t->now, reterr));
    reply(c, DM_STR("{}"));
    return 0;
}

static void on_progress(struct dm_loop_child *c, const struct dm_message *m)
{
    c->done = m->progress.done;
    c->total = m->progress.total;
    snprintf(c->unit, sizeof(c->unit), "%.*s", DM_FMT(m->progress.unit));
}

/* A callback changes nothing: what it reports stands in its log. */
static int hear_callback(struct dm_loop_child *c, struct dm_tick *t, const struct dm_message *m)
{
    struct dm_err err;
    switch (m->kind) {
    case DM_WIRE_RESULT:
        c->result = m->result;
        c->has_result = true;
        return 0;
    case DM_WIRE_INTENT:
    case DM_WIRE_REMOTE_ID:
        reply(c, DM_STR("{}"));
        return 0;
    case DM_WIRE_STEPS:
        dm_err_set(&err, DM_E_UNSUPPORTED, "a callback cannot add steps");
        reply_error(c, &t->turn, &err);
        return 0;
    case DM_WIRE_PROGRESS:
        on_progress(c, m);
        return 0;
    default:
        return 0;
    }
}

static int record(struct dm_loop_child *c, struct dm_tick *t, const struct dm_message *m,
                  struct dm_err *reterr)
{
    if (c->job->callback)
        return hear_callback(c, t, m);
    int64_t attempt = c->job->attempt;
    switch (m->kind) {
    case DM_WIRE_RESULT:
        c->result = m->result;
        c->has_result = true;
        return 0;
    case DM_WIRE_STARTED:
        c->code_at = t->now;
        return dm_record_attempt_code(t->store, attempt, t->now, reterr);
    case DM_WIRE_RENDERED:
        return dm_record_rendered(t->store, attempt, m->rendered, reterr);
    case DM_WIRE_XCOM:
        return dm_record_xcom(t->store, c->job->task->row.id, attempt, m->xcom.key, m->xcom.value,
                              t->now, reterr);
    case DM_WIRE_LEDGER:
        return dm_record_ledger(t->store, attempt, &m->ledger, reterr);
    case DM_WIRE_CHECK:
        return dm_record_check(t->store, attempt, &m->check, reterr);
    case DM_WIRE_INTENT:
        return on_intent(c, t, m, reterr);
    case DM_WIRE_LANDED:
        return dm_record_landing(t->store, c->job->run->row.dag_id, c->job->task->row.task_id,
                                 m->landed.source, m->landed.identity, m->landed.bucket,
                                 m->landed.key, t->now, reterr);
    case DM_WIRE_INPUT:
        return dm_record_input(t->store, c->job->task->row.id, m->input.source, m->input.identity,
                               reterr);
    case DM_WIRE_STEPS:
        return on_steps(c, t, m, reterr);
    case DM_WIRE_TRIGGER:
        return on_trigger(c, t, m, reterr);
    case DM_WIRE_REMOTE_ID:
        return on_remote_id(c, t, m, reterr);
    case DM_WIRE_PROGRESS:
        on_progress(c, m);
        return 0;
    default: /* LOG: children log to their file; a line sent here is there already */
        return 0;
    }
}

int dm_loop_message(struct dm_loop_child *c, struct dm_tick *t, int kind, struct dm_str body,
                    struct dm_err *reterr)
{
    struct dm_message m;
    struct dm_err err;
    /* The result lives as long as the child, everything else as long as the turn. */
    struct dm_arena *a = kind == DM_WIRE_RESULT ? &c->arena : &t->turn;
    int rc = dm_message_decode(a, (enum dm_wire_kind)kind, body, &m, &err);
    if (rc == 0)
        return record(c, t, &m, reterr);
    if (rc == DM_E_INVALID && kind == DM_WIRE_STEPS)
        reply_error(c, &t->turn, &err);
    else
        c->broken = err;
    return 0;
}
