/* Names of states and the table of legal changes, from state.def. */
#include "state/states.h"

static const char *const task_names[] = {
#define DM_TASK_STATE(name, text, finished, doc) text,
#include "state/state.def"
};
static const bool task_is_finished[] = {
#define DM_TASK_STATE(name, text, finished, doc) finished,
#include "state/state.def"
};
static const char *const run_names[] = {
#define DM_RUN_STATE(name, text, finished, doc) text,
#include "state/state.def"
};
static const bool run_is_finished[] = {
#define DM_RUN_STATE(name, text, finished, doc) finished,
#include "state/state.def"
};
static const char *const attempt_names[] = {
#define DM_ATTEMPT_STATE(name, text, finished, doc) text,
#include "state/state.def"
};
static const char *const step_names[] = {
#define DM_STEP_STATE(name, text, finished, doc) text,
#include "state/state.def"
};
static const bool step_is_finished[] = {
#define DM_STEP_STATE(name, text, finished, doc) finished,
#include "state/state.def"
};
static const char *const callback_names[] = {
#define DM_CALLBACK_STATE(name, text, doc) text,
#include "state/state.def"
};
static const char *const event_names[] = {
#define DM_EVENT(name, text, doc) text,
#include "state/event.def"
#undef DM_EVENT
};
static const struct {
    enum dm_task_state from, to;
} transitions[] = {
#define DM_TRANSITION(from, to, event, who) {DM_TASK_##from, DM_TASK_##to},
#include "state/state.def"
};

static int parse(const char *const *names, int n, struct dm_str name)
{
    for (int i = 0; i < n; i++)
        if (dm_str_is(name, names[i]))
            return i;
    return -1;
}

const char *dm_task_state_name(enum dm_task_state s)
{
    return task_names[s];
}

const char *dm_run_state_name(enum dm_run_state s)
{
    return run_names[s];
}

const char *dm_attempt_state_name(enum dm_attempt_state s)
{
    return attempt_names[s];
}

const char *dm_step_state_name(enum dm_step_state s)
{
    return step_names[s];
}

const char *dm_callback_state_name(enum dm_callback_state s)
{
    return callback_names[s];
}

const char *dm_event_name(enum dm_event_kind e)
{
    return event_names[e];
}

int dm_task_state_parse(struct dm_str name)
{
    return parse(task_names, DM_TASK_STATE_COUNT, name);
}

int dm_run_state_parse(struct dm_str name)
{
    return parse(run_names, DM_RUN_STATE_COUNT, name);
}

int dm_attempt_state_parse(struct dm_str name)
{
    return parse(attempt_names, DM_ATTEMPT_STATE_COUNT, name);
}

int dm_step_state_parse(struct dm_str name)
{
    return parse(step_names, DM_STEP_STATE_COUNT, name);
}

int dm_callback_state_parse(struct dm_str name)
{
    return parse(callback_names, DM_CALLBACK_STATE_COUNT, name);
}

int dm_event_parse(struct dm_str name)
{
    return parse(event_names, DM_EVENT_COUNT, name);
}

bool dm_task_finished(enum dm_task_state s)
{
    return task_is_finished[s];
}

bool dm_task_at_work(enum dm_task_state s)
{
    return s == DM_TASK_QUEUED || s == DM_TASK_RUNNING;
}

bool dm_task_fine(enum dm_task_state s)
{
    return s == DM_TASK_SUCCESS || s == DM_TASK_SKIPPED;
}

bool dm_run_finished(enum dm_run_state s)
{
    return run_is_finished[s];
}

bool dm_step_finished(enum dm_step_state s)
{
    return step_is_finished[s];
}

bool dm_task_transition_ok(enum dm_task_state from, enum dm_task_state to)
{
    for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
        if (transitions[i].from == from && transitions[i].to == to)
            return true;
    return false;
}
