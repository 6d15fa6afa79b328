/* daymill standalone: everything that a project needs, supervised. */
#include "base/clock.h"
#include "base/dl.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "cmd/common.h"
#include "proc/claim.h"
#include "proc/supervise.h"

#include <signal.h>

enum { DRAIN_SECONDS = 300 };
#define KILL_AFTER (10 * DM_SEC)
#define LAST_WORDS (2 * DM_SEC)

static const struct dm_option options[] = {
    {"drain", 0, DM_OPTION_INT, "SECONDS", NULL,
     "how long running tasks may go on after the first SIGTERM or Ctrl-C (default 300)"},
    {NULL},
};

/* The services, in the order in which they are stopped: who needs another one goes first. */
static const struct {
    const char *command;
    bool reloads, drains;
} table[] = {
    {"scheduler", .reloads = true, .drains = true},
    {"warehouse"},
};
enum { SERVICES = sizeof(table) / sizeof(table[0]) };

struct standalone {
    struct dm_args *args;
    struct dm_relay relay;
    struct dm_service services[SERVICES];
    bool was_ready;
};

static void take_line(void *user, struct dm_str line)
{
    struct standalone *s = user;
    line.len--; /* its end */
    dm_relay_line(&s->relay, "standalone", SERVICES, line, dm_clock_now());
}

/* ---- what a person sees first ---- */

static void say_hello(struct standalone *s, int64_t after_us)
{
    const struct dm_args *args = s->args;
    const struct dm_project *p = args->project;
    char took[DM_TIME_MAX];
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_addf(&b, "\nDaymill %s runs %s (ready after %s)\n\n", DM_VERSION, p->dir,
                   dm_duration_human(after_us, took));
    dm_strbuf_addf(&b, "  %-10s what is due of the DAGs in %s\n", "scheduler",
                   dm_project_relative(p, p->dags_dir));
    dm_strbuf_addf(&b, "  %-10s psql -h %s -p %d warehouse\n", "warehouse", p->socket_dir,
                   DM_WAREHOUSE_PORT);
    dm_strbuf_addf(&b, "  %-10s %s/DAG/RUN/TASK/MAP/ATTEMPT.log\n\n", "logs",
                   dm_project_relative(p, p->logs_dir));
    dm_strbuf_addf(&b, "  A DAG that is paused creates no runs:  %s dags unpause DAG\n",
                   args->self);
    dm_strbuf_addf(&b, "  What runs:                             %s runs list\n", args->self);
    dm_strbuf_adds(&b,
                   "  Ctrl-C stops when the running tasks have ended; a second one ends them.\n\n");
    dm_relay_text(&s->relay, dm_strbuf_str(&b));
}

/* ---- what happens ---- */

static void describe_end(const struct dm_supervise_event *e, char *text, size_t size)
{
    if (e->err)
        snprintf(text, size, "is gone: %s", e->err->message);
    else if (e->end->signal)
        snprintf(text, size, "was ended by signal %d (%s)", e->end->signal,
                 sigdescr_np(e->end->signal) ? sigdescr_np(e->end->signal) : "unknown");
    else
        snprintf(text, size, "ended with exit status %d", e->end->exit_status);
}

static void say_event(struct standalone *s, const char *name, const struct dm_supervise_event *e)
{
    char span[DM_TIME_MAX], end[DM_ERR_MESSAGE_MAX + 32];
    dm_duration_human(e->after_us, span);
    switch (e->kind) {
    case DM_SUPERVISE_STARTED:
        dm_log(DM_LOG_INFO, "started %s as process %d", name, (int)e->pid);
        break;
    case DM_SUPERVISE_READY:
        dm_log(s->was_ready ? DM_LOG_INFO : DM_LOG_DEBUG, "%s is ready", name);
        break;
    case DM_SUPERVISE_ALL_READY:
        dm_log(DM_LOG_INFO, "ready after %s", span);
        break;
    case DM_SUPERVISE_FAILED:
        dm_log_err(DM_LOG_ERROR, e->err);
        dm_log(DM_LOG_INFO, "trying to start %s again in %s", name, span);
        break;
    case DM_SUPERVISE_ENDED:
        describe_end(e, end, sizeof(end));
        dm_log(DM_LOG_ERROR, "%s (process %d) %s; starting it again in %s", name, (int)e->pid, end,
               span);
        break;
    case DM_SUPERVISE_RELOADED:
        dm_log(DM_LOG_INFO, "reloading");
        break;
    case DM_SUPERVISE_DRAINING:
        dm_log(DM_LOG_INFO,
               "stopping when the running tasks have ended; ask again to end them now");
        break;
    case DM_SUPERVISE_HURRYING:
        dm_log(DM_LOG_WARN, "stopping now");
        break;
    case DM_SUPERVISE_TERMINATED:
        dm_log(DM_LOG_DEBUG, "asked %s to end", name);
        break;
    case DM_SUPERVISE_LATE:
        dm_log(DM_LOG_WARN, "asked %s to end now", name);
        break;
    case DM_SUPERVISE_KILLED:
        dm_log(DM_LOG_ERROR, "%s (process %d) did not end in time and was killed", name,
               (int)e->pid);
        break;
    case DM_SUPERVISE_GONE:
        describe_end(e, end, sizeof(end));
        dm_log(DM_LOG_INFO, "%s %s", name, end);
        break;
    }
}

static void happened(void *user, const struct dm_supervise_event *e)
{
    struct standalone *s = user;
    say_event(s, s->services[e->service].name, e);
    if (e->kind != DM_SUPERVISE_ALL_READY)
        return;
    s->was_ready = true;
    if (!s->relay.json && !s->args->quiet)
        say_hello(s, e->after_us);
}

/* ---- the command ---- */

static void fill_table(struct standalone *s, int64_t drain_us)
{
    for (size_t i = 0; i < SERVICES; i++) {
        const char **argv = dm_arena_array(s->args->arena, const char *, 7);
        const char *const words[] = {
            "daymill", "-C", s->args->project->dir, table[i].command, "--supervisor-fd", "3"};
        memcpy(argv, words, sizeof(words));
        s->services[i] = (struct dm_service){
            .name = table[i].command,
            .argv = argv,
            .reload_signal = table[i].reloads ? SIGHUP : 0,
            .drain_us = table[i].drains ? drain_us : 0,
            .kill_us = KILL_AFTER,
        };
    }
}

static int claim(const struct dm_args *args, int *ret_fd, struct dm_err *reterr)
{
    const struct dm_project *p = args->project;
    const char *path = dm_path_join(args->arena, p->run_dir, "standalone.lock");
    int rc = dm_claim_take(path, "the project", "daymill standalone", ret_fd, reterr);
    if (rc == DM_E_BUSY)
        dm_err_hint(reterr, "Stop that one first: two would fight for the same runs.");
    return rc;
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    int64_t drain = dm_option_int(args, "drain", DRAIN_SECONDS);
    if (drain < 0 || drain > DM_DAY / DM_SEC)
        return dm_err_set(reterr, DM_E_USAGE, "--drain wants 0 to %lld seconds, not %lld",
                          (long long)(DM_DAY / DM_SEC), (long long)drain);
    _cleanup_close_ int lock = -1;
    DM_TRY(claim(args, &lock, reterr));
    struct dm_notify notify;
    DM_TRY(dm_notify_open(&notify, -1, reterr));
    struct standalone s = {.args = args};
    /* A drain of no time still is one: its end is the second signal. */
    fill_table(&s, drain ? drain * DM_SEC : 1);
    dm_relay_init(&s.relay, STDOUT_FILENO, args->json || !args->terminal, args->color,
                  (int)strlen("standalone"));
    dm_log_open_sink(take_line, &s, true, args->quiet ? DM_LOG_WARN : DM_LOG_INFO, "standalone");
    struct dm_supervise_opts opts = {
        .program = dm_program_path(),
        .services = s.services,
        .n = SERVICES,
        .notify = &notify,
        .relay = &s.relay,
        .event = happened,
        .user = &s,
    };
    int rc = dm_supervise(&opts, reterr);
    dm_relay_finish(&s.relay, LAST_WORDS);
    dm_relay_release(&s.relay);
    dm_notify_release(&notify);
    return rc;
}

const struct dm_cmd dm_cmd_standalone = {
    .name = "standalone",
    .synopsis = "",
    .doc = "run the scheduler and the embedded SQL server, supervised",
    .more =
        "Restarts what dies.  SIGTERM or Ctrl-C waits for running tasks, a second one ends them; "
        "SIGHUP reads\n"
        "the project again.  Lines are prefixed on a terminal and JSON elsewhere; systemd is told "
        "when all is\n"
        "ready.\n"
        "  daymill -C shop standalone",
    .options = options,
    .run = run,
};
