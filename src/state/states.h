/*
 * States and their names (state/state.def), and the state machine of a task instance.
 *
 *                    trigger rule
 *          +---------------------------> upstream_failed, skipped
 *          |
 *        none --deps met--> scheduled --slot free--> queued --process started--> running
 *          ^                 ^   ^  ^                  |                            |
 *          |                 |   |  +--attempt lost----+----------------------------+
 *          |                 |   |                                                  |
 *          |                 |   +--due-- up_for_retry <------try failed------------+
 *          |                 +--due------ up_for_reschedule <-sensor waits----------+
 *          |                                                                        |
 *          +--cleared by a person-- success, failed, skipped, upstream_failed <-----+
 *
 * Only dm_task_set_state (state/record.h) writes a task instance's state; what is not a DM_TRANSITION is refused.
 */
#ifndef DM_STATES_H
#define DM_STATES_H

#include "base/str.h"

enum dm_task_state {
#define DM_TASK_STATE(name, text, finished, doc) DM_TASK_##name,
#include "state/state.def"
    DM_TASK_STATE_COUNT
};

enum dm_run_state {
#define DM_RUN_STATE(name, text, finished, doc) DM_RUN_##name,
#include "state/state.def"
    DM_RUN_STATE_COUNT
};

enum dm_attempt_state {
#define DM_ATTEMPT_STATE(name, text, finished, doc) DM_ATTEMPT_##name,
#include "state/state.def"
    DM_ATTEMPT_STATE_COUNT
};

enum dm_step_state {
#define DM_STEP_STATE(name, text, finished, doc) DM_STEP_##name,
#include "state/state.def"
    DM_STEP_STATE_COUNT
};

enum dm_callback_state {
#define DM_CALLBACK_STATE(name, text, doc) DM_CALLBACK_##name,
#include "state/state.def"
    DM_CALLBACK_STATE_COUNT
};

enum dm_event_kind {
#define DM_EVENT(name, text, doc) DM_EVENT_##name,
#include "state/event.def"
#undef DM_EVENT
    DM_EVENT_COUNT
};

const char *dm_task_state_name(enum dm_task_state s);
const char *dm_run_state_name(enum dm_run_state s);
const char *dm_attempt_state_name(enum dm_attempt_state s);
const char *dm_step_state_name(enum dm_step_state s);
const char *dm_callback_state_name(enum dm_callback_state s);
const char *dm_event_name(enum dm_event_kind e);

/* The state of that name, or -1. */
int dm_task_state_parse(struct dm_str name);
int dm_run_state_parse(struct dm_str name);
int dm_attempt_state_parse(struct dm_str name);
int dm_step_state_parse(struct dm_str name);
int dm_callback_state_parse(struct dm_str name);
int dm_event_parse(struct dm_str name);

bool dm_task_finished(enum dm_task_state s);
bool dm_task_at_work(
    enum dm_task_state s); /* it has an attempt that has not ended, and takes a slot */
bool dm_task_fine(enum dm_task_state s); /* it ended well: success or skipped */
bool dm_run_finished(enum dm_run_state s);
bool dm_step_finished(enum dm_step_state s);

/* Whether state.def lists the change. */
bool dm_task_transition_ok(enum dm_task_state from, enum dm_task_state to);

#endif
