/* The supervisor: one poll over signals, processes, their streams and their output. */
#include "proc/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/time.h"

#define PAUSE_FIRST (100 * DM_MS)
#define PAUSE_MOST (10 * DM_SEC)
#define GOOD_LIFE DM_MIN
/* Two SIGTERM that are pending at once are one: a service has this long to take the first. */
#define BETWEEN_TERMS (100 * DM_MS)
enum { READ_SIZE = 16 << 10, READS_PER_TURN = 8 };

enum state {
    DOWN,     /* no process; is started at `due` */
    STARTING, /* a process that has not said that it is ready */
    READY,
    STOPPING, /* was sent SIGTERM; the next signal is due at `due` */
    GONE,     /* no process, and none will be started */
};

struct service {
    const struct dm_service *def;
    size_t index;
    enum state state;
    struct dm_child child;
    int out;               /* what it prints; -1 = closed */
    struct dm_strbuf line; /* of what it prints, not ended yet */
    struct dm_strbuf said; /* the same of its stream */
    char status[DM_SERVICE_STATUS_MAX];
    int64_t started, due, pause;
    int64_t asked; /* when the last SIGTERM was sent */
    int terms;     /* how many, since it is STOPPING */
};

enum stop { STAY, DRAIN, NOW };

struct supervisor {
    const struct dm_supervise_opts *opts;
    struct service services[DM_SERVICES_MAX];
    size_t n;
    enum stop stop;
    int signals;
    int64_t began, next_watchdog;
    bool all_ready; /* was said */
    char status[DM_NOTIFY_LINE_MAX];
};

int64_t dm_supervise_pause(int64_t *pause, int64_t lived_us)
{
    if (*pause == 0 || lived_us >= GOOD_LIFE)
        *pause = PAUSE_FIRST;
    else
        *pause = *pause * 2 > PAUSE_MOST ? PAUSE_MOST : *pause * 2;
    return *pause;
}

static void tell(struct supervisor *s, const struct service *v, struct dm_supervise_event e)
{
    if (v) {
        e.service = v->index;
        e.pid = v->child.pid;
    }
    s->opts->event(s->opts->user, &e);
}

/* ---- states ---- */

static bool has_process(const struct service *v)
{
    return v->state == STARTING || v->state == READY || v->state == STOPPING;
}

/* The only writer of a service's state, see the diagram in the header. */
static void set_state(struct service *v, enum state to, int64_t due)
{
    static const unsigned from[] = {
        [DOWN] = 1 << DOWN | 1 << STARTING | 1 << READY,
        [STARTING] = 1 << DOWN,
        [READY] = 1 << STARTING,
        [STOPPING] = 1 << STARTING | 1 << READY | 1 << STOPPING,
        [GONE] = 1 << DOWN | 1 << STOPPING,
    };
    if (!(from[to] & 1u << v->state))
        DM_BUG("service %s cannot go from state %d to %d", v->def->name, v->state, to);
    v->state = to;
    v->due = due;
}

/* ---- starting ---- */

static int spawn(struct supervisor *s, struct service *v, struct dm_err *reterr)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return dm_err_errno(reterr, errno, "could not make a pipe");
    _cleanup_close_ int ours = ends[0];
    _cleanup_close_ int theirs = ends[1];
    if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
        return dm_err_errno(reterr, errno, "could not prepare a pipe");
    struct dm_spawn how = {
        .program = s->opts->program, .argv = v->def->argv, .out_fd = theirs, .lease_fd = -1};
    DM_TRY(dm_spawn(&how, &v->child, reterr));
    v->out = ours;
    ours = -1;
    return 0;
}

static void start(struct supervisor *s, struct service *v, int64_t now)
{
    struct dm_err err;
    v->started = now;
    v->status[0] = '\0';
    v->terms = 0;
    if (spawn(s, v, &err) < 0) {
        set_state(v, DOWN, now + dm_supervise_pause(&v->pause, 0));
        tell(s, v,
             (struct dm_supervise_event){
                 .kind = DM_SUPERVISE_FAILED, .after_us = v->pause, .err = &err});
        return;
    }
    set_state(v, STARTING, DM_NEVER);
    tell(s, v, (struct dm_supervise_event){.kind = DM_SUPERVISE_STARTED});
}

/* ---- what services print and say ---- */

static void end_line(struct supervisor *s, struct service *v)
{
    dm_relay_line(s->opts->relay, v->def->name, v->index, dm_strbuf_str(&v->line), dm_clock_now());
    dm_strbuf_clear(&v->line);
}

static void take_output(struct supervisor *s, struct service *v, const char *p, size_t n)
{
    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t piece = end ? (size_t)(end - p) : n, room = DM_RELAY_LINE_MAX - v->line.len;
        if (piece > room) {
            piece = room;
            end = NULL;
        }
        dm_strbuf_add(&v->line, p, piece);
        if (end || v->line.len == DM_RELAY_LINE_MAX)
            end_line(s, v);
        piece += end != NULL;
        p += piece;
        n -= piece;
    }
}

static void read_output(struct supervisor *s, struct service *v)
{
    char bytes[READ_SIZE];
    for (int i = 0; i < READS_PER_TURN && v->out >= 0; i++) {
        ssize_t n = read(v->out, bytes, sizeof(bytes));
        if (n > 0)
            take_output(s, v, bytes, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            dm_closep(&v->out);
        else
            return;
    }
}

static void tell_all_ready(struct supervisor *s, int64_t now)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->services[i].state != READY)
            return;
    if (s->all_ready || s->stop)
        return;
    s->all_ready = true;
    dm_notify_ready(s->opts->notify);
    tell(s, NULL,
         (struct dm_supervise_event){.kind = DM_SUPERVISE_ALL_READY, .after_us = now - s->began});
}

static void take_word(struct supervisor *s, struct service *v, struct dm_str line, int64_t now)
{
    static const struct dm_str status = {"STATUS=", 7};
    if (dm_str_is(line, "READY=1") && v->state == STARTING) {
        set_state(v, READY, DM_NEVER);
        tell(s, v, (struct dm_supervise_event){.kind = DM_SUPERVISE_READY});
        tell_all_ready(s, now);
    } else if (dm_str_starts(line, status)) {
        snprintf(v->status, sizeof(v->status), "%.*s", DM_FMT(dm_str_sub(line, 7, line.len)));
    }
}

static void read_stream(struct supervisor *s, struct service *v, int64_t now)
{
    char bytes[DM_NOTIFY_LINE_MAX];
    ssize_t n = recv(v->child.fd, bytes, sizeof(bytes), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        dm_closep(&v->child.fd);
        return;
    }
    if (n < 0)
        return;
    dm_strbuf_add(&v->said, bytes, (size_t)n);
    struct dm_str rest = dm_strbuf_str(&v->said), line;
    ptrdiff_t end;
    size_t used = 0;
    while ((end = dm_str_find(rest, DM_STR("\n"), used)) >= 0) {
        line = dm_str_sub(rest, used, (size_t)end);
        used = (size_t)end + 1;
        take_word(s, v, line, now);
    }
    /* A line without an end is no message of ours. */
    if (v->said.full || rest.len - used > DM_NOTIFY_LINE_MAX)
        used = rest.len;
    memmove(v->said.p, v->said.p + used, rest.len - used);
    dm_strbuf_truncate(&v->said, rest.len - used);
    v->said.full = false;
}

/* ---- ends ---- */

static void reap(struct supervisor *s, struct service *v, int64_t now)
{
    struct dm_child_end end = {0};
    struct dm_err err;
    struct dm_supervise_event e = {.end = &end};
    read_output(s, v);
    if (dm_child_reap(&v->child, &end, &err) < 0) {
        e.err = &err;
        dm_closep(&v->child.pid_fd);
    }
    /* What is still in the pipe; somebody who escaped the group may hold it open. */
    read_output(s, v);
    if (v->line.len)
        end_line(s, v);
    dm_closep(&v->out);
    dm_closep(&v->child.fd);
    dm_strbuf_clear(&v->said);
    v->status[0] = '\0';
    if (v->state == STOPPING) {
        set_state(v, GONE, DM_NEVER);
        e.kind = DM_SUPERVISE_GONE;
    } else {
        e.after_us = dm_supervise_pause(&v->pause, now - v->started);
        set_state(v, DOWN, now + e.after_us);
        e.kind = DM_SUPERVISE_ENDED;
    }
    tell(s, v, e);
}

/* ---- stopping ---- */

static void terminate(struct supervisor *s, struct service *v, int64_t now)
{
    enum dm_supervise_kind kind = v->terms ? DM_SUPERVISE_LATE : DM_SUPERVISE_TERMINATED;
    int64_t patience = v->terms++ || v->def->drain_us == 0 ? v->def->kill_us
                       : s->stop == NOW                    ? BETWEEN_TERMS
                                                           : v->def->drain_us;
    set_state(v, STOPPING, now + patience);
    v->asked = now;
    dm_child_kill(&v->child, SIGTERM);
    tell(s, v, (struct dm_supervise_event){.kind = kind});
}

static void press(struct supervisor *s, struct service *v, int64_t now)
{
    if (v->due == DM_NEVER || v->due > now)
        return;
    if (v->terms == 1 && v->def->drain_us > 0) {
        terminate(s, v, now);
        return;
    }
    set_state(v, STOPPING, DM_NEVER);
    dm_child_kill(&v->child, SIGKILL);
    tell(s, v, (struct dm_supervise_event){.kind = DM_SUPERVISE_KILLED});
}

/* True when all are gone. */
static bool stop_in_order(struct supervisor *s, int64_t now)
{
    bool all = true;
    for (size_t i = 0; i < s->n; i++) {
        struct service *v = &s->services[i];
        if (v->state == DOWN)
            set_state(v, GONE, DM_NEVER);
        if (v->state == GONE)
            continue;
        all = false;
        if (v->state == STOPPING)
            press(s, v, now);
        else
            terminate(s, v, now);
        if (s->stop == DRAIN)
            return false;
    }
    return all;
}

static void begin_stop(struct supervisor *s, int64_t now)
{
    if (s->stop == STAY) {
        s->stop = DRAIN;
        dm_notify_stopping(s->opts->notify);
        tell(s, NULL, (struct dm_supervise_event){.kind = DM_SUPERVISE_DRAINING});
        return;
    }
    if (s->stop == NOW)
        return;
    s->stop = NOW;
    tell(s, NULL, (struct dm_supervise_event){.kind = DM_SUPERVISE_HURRYING});
    for (size_t i = 0; i < s->n; i++)
        if (s->services[i].state == STOPPING && s->services[i].terms == 1)
            s->services[i].due = s->services[i].asked + BETWEEN_TERMS;
}

/* ---- the loop ---- */

static void reload(struct supervisor *s)
{
    dm_notify_reloading(s->opts->notify);
    for (size_t i = 0; i < s->n; i++) {
        struct service *v = &s->services[i];
        /* One that is starting reads everything anyway, and may not have its handler yet. */
        if (v->state == READY && v->def->reload_signal)
            dm_child_kill(&v->child, v->def->reload_signal);
    }
    tell(s, NULL, (struct dm_supervise_event){.kind = DM_SUPERVISE_RELOADED});
    dm_notify_ready(s->opts->notify);
}

static void take_signals(struct supervisor *s, int64_t now)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGHUP || dm_relay_hung_up(s->opts->relay))
            begin_stop(s, now);
        else if (s->all_ready && !s->stop)
            reload(s);
    }
}

/* "scheduler ready (3 tasks run); warehouse starting" */
static void say_status(struct supervisor *s)
{
    static const char *const words[] = {"down", "starting", "ready", "stopping", "gone"};
    char text[sizeof(s->status)];
    size_t at = 0;
    for (size_t i = 0; i < s->n && at < sizeof(text); i++) {
        const struct service *v = &s->services[i];
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %s%s%s%s", i ? "; " : "",
                               v->def->name, words[v->state], *v->status ? " (" : "", v->status,
                               *v->status ? ")" : "");
    }
    if (strcmp(text, s->status) == 0)
        return;
    memcpy(s->status, text, sizeof(text));
    dm_notify_status(s->opts->notify, "%s", text);
}

static void ping(struct supervisor *s, int64_t now)
{
    struct dm_notify *n = s->opts->notify;
    if (n->watchdog_us == 0 || now < s->next_watchdog)
        return;
    dm_notify_watchdog(n);
    s->next_watchdog = now + n->watchdog_us / 2;
}

static int wait_ms(const struct supervisor *s, int64_t now)
{
    int64_t due = s->opts->notify->watchdog_us ? s->next_watchdog : INT64_MAX;
    for (size_t i = 0; i < s->n; i++)
        if (s->services[i].due != DM_NEVER && s->services[i].due < due)
            due = s->services[i].due;
    if (due == INT64_MAX)
        return -1;
    return due <= now            ? 0
           : due - now > DM_HOUR ? (int)(DM_HOUR / DM_MS)
                                 : (int)((due - now) / DM_MS) + 1;
}

static void turn(struct supervisor *s)
{
    enum { PER_SERVICE = 3, FIRST = 2 };
    struct pollfd fds[FIRST + PER_SERVICE * DM_SERVICES_MAX];
    struct dm_relay *relay = s->opts->relay;
    fds[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = dm_relay_waits(relay) ? relay->fd : -1, .events = POLLOUT};
    for (size_t i = 0; i < s->n; i++) {
        const struct service *v = &s->services[i];
        struct pollfd *p = fds + FIRST + PER_SERVICE * i;
        bool there = has_process(v);
        p[0] = (struct pollfd){.fd = there ? v->child.pid_fd : -1, .events = POLLIN};
        p[1] = (struct pollfd){.fd = there ? v->child.fd : -1, .events = POLLIN};
        p[2] = (struct pollfd){.fd = there ? v->out : -1, .events = POLLIN};
    }
    int n = poll(fds, FIRST + PER_SERVICE * s->n, wait_ms(s, dm_clock_monotonic()));
    if (n < 0 && errno != EINTR)
        DM_BUG("poll: %s", strerror(errno));
    if (n <= 0)
        return;
    int64_t now = dm_clock_monotonic();
    for (size_t i = 0; i < s->n; i++) {
        struct service *v = &s->services[i];
        const struct pollfd *p = fds + FIRST + PER_SERVICE * i;
        if (p[2].revents)
            read_output(s, v);
        if (p[1].revents)
            read_stream(s, v, now);
        if (p[0].revents)
            reap(s, v, now);
    }
    if (fds[0].revents)
        take_signals(s, now);
}

static void run(struct supervisor *s)
{
    for (;;) {
        int64_t now = dm_clock_monotonic();
        if (s->stop && stop_in_order(s, now))
            return;
        for (size_t i = 0; i < s->n; i++)
            if (s->services[i].state == DOWN && s->services[i].due <= now)
                start(s, &s->services[i], now);
        ping(s, now);
        say_status(s);
        dm_relay_flush(s->opts->relay);
        turn(s);
    }
}

static void init(struct supervisor *s, const struct dm_supervise_opts *opts)
{
    DM_ASSERT(opts->n <= DM_SERVICES_MAX);
    *s = (struct supervisor){
        .opts = opts, .n = opts->n, .signals = -1, .began = dm_clock_monotonic()};
    s->next_watchdog = s->began;
    for (size_t i = 0; i < s->n; i++) {
        struct service *v = &s->services[i];
        v->def = &opts->services[i];
        v->index = i;
        v->out = v->child.fd = v->child.pid_fd = -1;
        v->due = s->began;
        dm_strbuf_init(&v->line, DM_RELAY_LINE_MAX);
        dm_strbuf_init(&v->said, 2 * DM_NOTIFY_LINE_MAX);
    }
}

int dm_supervise(const struct dm_supervise_opts *opts, struct dm_err *reterr)
{
    struct supervisor s;
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    init(&s, opts);
    _cleanup_close_ int signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return dm_err_errno(reterr, errno, "could not watch signals");
    s.signals = signals;
    /* Ignored by whoever started us, children would not leave a status. */
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &ours, &before);
    run(&s);
    sigprocmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < s.n; i++) {
        dm_strbuf_release(&s.services[i].line);
        dm_strbuf_release(&s.services[i].said);
    }
    return 0;
}
