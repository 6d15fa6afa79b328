/*
 * One child of the loop: its process, its socket, and what it said.
 *
 *   dm_loop_child_start   process and order; a failure is the child's failure, not the loop's
 *   dm_loop_child_read    bytes from the socket (outside any transaction)
 *   dm_loop_child_facts   what they mean, recorded in the open transaction of the tick
 *   dm_loop_child_flush   replies, after the commit
 */
#ifndef DM_LOOP_CHILD_H
#define DM_LOOP_CHILD_H

#include <uv.h>

#include "proc/lease.h"
#include "proc/spawn.h"
#include "sched/tick.h"

struct dm_loop;

struct dm_loop_child {
    struct dm_loop *loop;
    struct dm_job *job;
    struct dm_child proc; /* pid 0 = it could not be started */
    struct dm_arena arena;
    struct dm_strbuf in, out;
    size_t sent; /* of out */
    bool told_started, closed, exited, has_result;
    struct dm_result result;
    struct dm_child_end end;
    struct dm_err broken; /* code 0 = fine; else why it is ended */
    int64_t deadline;     /* monotonic; when it is ended because it takes too long; 0 = none */
    int64_t kill_at;      /* monotonic; when TERM becomes KILL; 0 = not ending */
    int64_t code_at;      /* when its own code began: the arrival of STARTED */
    int64_t since, done, total;
    char unit[32];
    uv_poll_t wire_poll, pid_poll;
    int open_handles;     /* of the two */
    bool waits_for_heirs; /* it failed, and what it started is being ended */
    bool over;            /* its end was recorded */
};

struct dm_loop_child *dm_loop_child_new(struct dm_job *job);
void dm_loop_child_free(struct dm_loop_child *c);

int dm_loop_child_start(struct dm_loop_child *c, const struct dm_project *p, struct dm_store *s,
                        const char *program, struct dm_leases *leases,
                        struct dm_err *reterr) dm_nodiscard;
/* Reads what is there; sets `closed` at the end of file, `broken` where it says too much. */
void dm_loop_child_read(struct dm_loop_child *c);
/* Whether the unread bytes hold a whole message that must survive a power cut (STEPS, REMOTE_ID). */
bool dm_loop_child_wants_durable(const struct dm_loop_child *c);
int dm_loop_child_facts(struct dm_loop_child *c, struct dm_tick *t,
                        struct dm_err *reterr) dm_nodiscard;
/* 1 = something is left to send. */
int dm_loop_child_flush(struct dm_loop_child *c);
/* What became of it, for dm_tick_ended: after its process has ended and its messages are read. */
void dm_loop_child_outcome(const struct dm_loop_child *c, struct dm_job_end *ret);

/* One message, recorded (sched/message.c).  What is wrong with it is the child's fault: a reply, or c->broken. */
int dm_loop_message(struct dm_loop_child *c, struct dm_tick *t, int kind, struct dm_str body,
                    struct dm_err *reterr) dm_nodiscard;

#endif
