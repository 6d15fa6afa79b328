/* One child of the loop. */
#include "sched/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "proc/wire.h"
#include "sched/order.h"

enum { READ_CHUNK = 64 << 10 };

/* task-run ends itself at its execution_timeout; this is for one that cannot. */
#define TIMEOUT_GRACE_US (10 * DM_SEC)

struct dm_loop_child *dm_loop_child_new(struct dm_job *job)
{
    struct dm_loop_child *c = dm_calloc(1, sizeof(*c));
    c->job = job;
    c->proc = (struct dm_child){.pid_fd = -1, .fd = -1};
    c->done = c->total = -1;
    dm_arena_init(&c->arena);
    dm_strbuf_init(&c->in, DM_BUF_FRAME + READ_CHUNK);
    dm_strbuf_init(&c->out, DM_BUF_FRAME);
    return c;
}

void dm_loop_child_free(struct dm_loop_child *c)
{
    if (!c)
        return;
    dm_strbuf_release(&c->in);
    dm_strbuf_release(&c->out);
    dm_arena_release(&c->arena);
    dm_closep(&c->proc.fd);
    dm_closep(&c->proc.pid_fd);
    free(c);
}

static int open_log(const struct dm_loop_child *c, const struct dm_project *p, int *ret_fd,
                    struct dm_err *reterr)
{
    _cleanup_free_ char *path = dm_asprintf("%s/%s", p->dir, c->job->log_path);
    DM_TRY(dm_mkdirs_for(path, reterr));
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (*ret_fd < 0)
        return dm_err_errno(reterr, errno, "could not open the log \"%s\"", c->job->log_path);
    return 0;
}

int dm_loop_child_start(struct dm_loop_child *c, const struct dm_project *p, struct dm_store *s,
                        const char *program, struct dm_leases *leases, struct dm_err *reterr)
{
    _cleanup_close_ int log = -1;
    _cleanup_close_ int lease = -1; /* ours is closed: only the child and its descendants hold it */
    const char *argv[] = {"daymill", c->job->step ? "step-run" : "task-run", NULL};
    DM_TRY(dm_order_frame(&c->out, c->job, p->dir, s, reterr));
    DM_TRY(open_log(c, p, &log, reterr));
    DM_TRY(dm_lease_take(p->run_dir, c->job->attempt, leases, &lease, reterr));
    struct dm_spawn spawn = {.program = program, .argv = argv, .out_fd = log, .lease_fd = lease};
    int rc = dm_spawn(&spawn, &c->proc, reterr);
    if (rc < 0) {
        dm_lease_remove(p->run_dir, c->job->attempt, leases);
        return rc;
    }
    int64_t timeout = c->job->step ? 0 : c->job->task->def->execution_timeout_us;
    if (timeout > 0)
        c->deadline = dm_clock_monotonic() + timeout + TIMEOUT_GRACE_US;
    return 0;
}

void dm_loop_child_read(struct dm_loop_child *c)
{
    while (!c->closed) {
        char *room = dm_strbuf_reserve(&c->in, READ_CHUNK);
        if (!room) {
            dm_err_set(&c->broken, DM_E_LIMIT, "a message larger than %zu bytes (DM_BUF_FRAME)",
                       DM_BUF_FRAME);
            c->closed = true;
            return;
        }
        ssize_t n = recv(c->proc.fd, room, READ_CHUNK, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            c->closed = true;
        else
            c->in.len += (size_t)n;
    }
}

bool dm_loop_child_wants_durable(const struct dm_loop_child *c)
{
    struct dm_str rest = dm_strbuf_str(&c->in);
    struct dm_frame f;
    size_t used;
    while (dm_frame_decode(rest, &f, &used, NULL) == 1) {
        if (f.kind == DM_WIRE_STEPS || f.kind == DM_WIRE_REMOTE_ID)
            return true;
        rest = dm_str_sub(rest, used, rest.len);
    }
    return false;
}

int dm_loop_child_facts(struct dm_loop_child *c, struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_str rest = dm_strbuf_str(&c->in);
    struct dm_frame f;
    size_t used;
    if (!c->told_started && c->proc.pid > 0) {
        c->told_started = true;
        DM_TRY(dm_tick_started(t, c->job, c->proc.pid, c->proc.start, reterr));
    }
    while (!c->broken.code) {
        struct dm_err err;
        int rc = dm_frame_decode(rest, &f, &used, &err);
        if (rc < 0)
            c->broken = err;
        if (rc <= 0)
            break;
        DM_TRY(dm_loop_message(c, t, f.kind, f.body, reterr));
        rest = dm_str_sub(rest, used, rest.len);
    }
    if (rest.len < c->in.len) {
        memmove(c->in.p, rest.p, rest.len);
        dm_strbuf_truncate(&c->in, rest.len);
    }
    return 0;
}

int dm_loop_child_flush(struct dm_loop_child *c)
{
    while (c->sent < c->out.len && c->proc.fd >= 0) {
        ssize_t n = send(c->proc.fd, c->out.p + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 1;
        if (n < 0)
            break; /* it is gone: its pidfd will say how */
        c->sent += (size_t)n;
    }
    dm_strbuf_clear(&c->out);
    c->sent = 0;
    return 0;
}

/* A process that said nothing about its end. */
static void explain(const struct dm_loop_child *c, struct dm_err *ret)
{
    if (c->end.signal) {
        dm_err_set(ret, DM_E_TASK, "its process was killed by signal %d (%s)", c->end.signal,
                   strsignal(c->end.signal));
        if (c->end.signal == 9)
            dm_err_detail(ret, "Somebody killed it, or memory was out (\"dmesg\" tells).");
    } else {
        dm_err_set(ret, DM_E_TASK, "its process ended with status %d and without a result",
                   c->end.exit_status);
        dm_err_detail(ret, "The log of the attempt may say why.");
    }
}

void dm_loop_child_outcome(const struct dm_loop_child *c, struct dm_job_end *ret)
{
    *ret = (struct dm_job_end){
        .result = {.state = DM_RESULT_FAILED, .retry = true, .until_time = DM_NEVER},
        .exit_status = c->end.exit_status,
        .cpu_us = c->end.cpu_us,
        .peak_kb = c->end.peak_kb};
    bool good = c->has_result && (c->result.state != DM_RESULT_SUCCESS || c->end.exit_status == 0);
    if (good)
        ret->result = c->result;
    else if (c->broken.code)
        ret->result.error = c->broken;
    else
        explain(c, &ret->result.error);
    ret->died = !good && !c->broken.code;
}
