/*
 * Runs a role of the program in a process of its own, as sched/ does: the test program starts itself again with the
 * role as argument.  The parent's side of the wire answers INTENT and collects what is reported.
 */
#ifndef DM_TEST_CHILD_H
#define DM_TEST_CHILD_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/dl.h"
#include "base/file.h"
#include "op/op.h"
#include "proc/spawn.h"
#include "proc/wire.h"
#include "t.h"
#include "task/attempt.h"

struct child_run {
    struct dm_result result;
    bool has_result;
    struct dm_value *intents, *ledgers, *xcoms, *rendered; /* lists of messages */
    int exit_status;
};

static inline int child_start(const char *role, struct dm_str order, const char *log,
                              struct dm_child *ret, struct dm_err *err)
{
    const char *argv[] = {"daymill", role, NULL};
    _cleanup_close_ int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    struct dm_spawn s = {.program = dm_program_path(), .argv = argv, .out_fd = out, .lease_fd = -1};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    DM_TRY(dm_spawn(&s, ret, err));
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_frame_encode(&b, DM_WIRE_ORDER, order);
    return dm_write_all(ret->fd, b.p, b.len, err);
}

static inline int child_take(struct dm_arena *a, struct dm_child *c, const struct dm_frame *f,
                             struct child_run *run, struct dm_err *err)
{
    struct dm_value *v;
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    if (f->kind == DM_WIRE_RESULT) {
        run->has_result = true;
        return dm_result_decode(a, dm_str_dup(a, f->body), &run->result, err);
    }
    DM_TRY(dm_value_from_json(a, dm_str_dup(a, f->body), &v, err));
    if (f->kind == DM_WIRE_LEDGER)
        dm_list_add(a, run->ledgers, v);
    if (f->kind == DM_WIRE_XCOM)
        dm_list_add(a, run->xcoms, v);
    if (f->kind == DM_WIRE_RENDERED)
        dm_list_add(a, run->rendered, v);
    if (f->kind != DM_WIRE_INTENT)
        return 0;
    dm_list_add(a, run->intents, v);
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_frame_encode(&b, DM_WIRE_REPLY, DM_STR("{}"));
    return dm_write_all(c->fd, b.p, b.len, err);
}

/* Until it has ended; closes the socket. */
static inline int child_finish(struct dm_arena *a, struct dm_child *c, struct child_run *run,
                               struct dm_err *err)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_child_end end;
    *run = (struct child_run){0};
    run->intents = dm_value_list(a, 0);
    run->ledgers = dm_value_list(a, 0);
    run->xcoms = dm_value_list(a, 0);
    run->rendered = dm_value_list(a, 0);
    dm_strbuf_init(&b, DM_BUF_FRAME);
    for (;;) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        char buf[65536];
        if (poll(&p, 1, 60000) <= 0)
            return dm_err_set(err, DM_E_TIMEOUT, "the child says nothing");
        ssize_t n = read(c->fd, buf, sizeof(buf));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            break;
        dm_strbuf_add(&b, buf, (size_t)n);
        struct dm_frame f;
        size_t used, at = 0;
        while (dm_frame_decode(dm_str_sub(dm_strbuf_str(&b), at, b.len), &f, &used, err) == 1) {
            DM_TRY(child_take(a, c, &f, run, err));
            at += used;
        }
        memmove(b.p, b.p + at, b.len - at);
        dm_strbuf_truncate(&b, b.len - at);
    }
    dm_closep(&c->fd);
    DM_TRY(dm_child_reap(c, &end, err));
    run->exit_status = end.exit_status;
    return 0;
}

/* A test program with such tests: its own roles first. */
#define CHILD_MAIN(...)                                        \
    int main(int argc, char **argv)                            \
    {                                                          \
        static const struct t_case cases[] = {__VA_ARGS__};    \
        if (argc == 2 && strcmp(argv[1], "task-run") == 0)     \
            return dm_task_run_main(dm_op_find);               \
        if (argc == 2 && strcmp(argv[1], "step-run") == 0)     \
            return dm_step_run_main();                         \
        return t_run(cases, sizeof(cases) / sizeof(cases[0])); \
    }

#endif
