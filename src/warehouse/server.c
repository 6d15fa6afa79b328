/* The warehouse's main loop: accepts, counts sessions, opens and closes the engine, leaves. */
#include "warehouse/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/time.h"
#include "warehouse/listen.h"
#include "warehouse/pgwire.h"
#include "warehouse/rewrite.h"
#include "warehouse/session.h"

#define IDLE_CLOSE_DEFAULT (5 * DM_SEC)
#define STOP_GRACE (2 * DM_SEC)
enum { STOP_POLL_MS = 20, DATABASES_MAX = 4 };

struct server;

struct slot {
    struct server *server;
    int fd; /* -1 = free */
    int32_t id, key;
    struct dm_engine_conn *conn;
};

/* One rewriter per database lives as long as the engine: what it has read of the catalog is shared, so that a session
   that comes alone need not read it again. */
struct holder {
    struct dm_engine_conn *conn;
    struct dm_rewriter *rewriter;
};

struct server {
    const struct dm_server_opts *opts;
    struct dm_listen listen;
    int signals, wake;
    sigset_t old_mask;
    atomic_bool stopping;
    /* Below: under the lock. */
    pthread_mutex_t lock;
    struct dm_engine *engine;
    struct holder holders[DATABASES_MAX];
    struct slot slots[DM_SERVER_SESSIONS_MAX];
    int n_sessions;
    int32_t last_id;
};

/* The engine. */

static void let_go(struct server *s)
{
    for (size_t i = 0; i < DATABASES_MAX; i++) {
        if (s->holders[i].rewriter)
            dm_rewriter_close(s->holders[i].rewriter);
        dm_engine_disconnect(s->holders[i].conn);
        s->holders[i] = (struct holder){0};
    }
}

static int open_databases(struct server *s, struct dm_engine *e, struct dm_err *reterr)
{
    const char *const *names = dm_engine_databases();
    for (size_t i = 0; names[i] && i < DATABASES_MAX; i++) {
        struct holder *h = &s->holders[i];
        DM_TRY(dm_engine_connect(e, names[i], &h->conn, reterr));
        DM_TRY(dm_catalog_install(h->conn, names[i], reterr));
        DM_TRY(
            dm_rewriter_open(h->conn, names[i], s->opts->project->lake_dir, &h->rewriter, reterr));
    }
    return 0;
}

static int open_engine(struct server *s, struct dm_err *reterr)
{
    const struct dm_project *p = s->opts->project;
    struct dm_engine_opts opts = {.dir = p->warehouse_dir, .lake_dir = p->lake_dir};
    struct dm_engine *e;
    DM_TRY(dm_engine_open(&opts, &e, reterr));
    int rc = open_databases(s, e, reterr);
    if (rc < 0) {
        let_go(s);
        dm_engine_close(e);
        return rc;
    }
    s->engine = e;
    return 0;
}

static int session_engine(void *user, struct dm_engine **ret, struct dm_err *reterr)
{
    struct server *s = user;
    pthread_mutex_lock(&s->lock);
    int rc = s->engine ? 0 : open_engine(s, reterr);
    if (rc == 0)
        *ret = s->engine;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* Sessions. */

static void session_attached(void *user, int32_t id, struct dm_engine_conn *c)
{
    struct server *s = user;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < DM_SERVER_SESSIONS_MAX; i++)
        if (s->slots[i].fd >= 0 && s->slots[i].id == id)
            s->slots[i].conn = c;
    pthread_mutex_unlock(&s->lock);
}

static void session_cancel(void *user, int32_t id, int32_t key)
{
    struct server *s = user;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < DM_SERVER_SESSIONS_MAX; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->fd >= 0 && slot->id == id && slot->key == key && slot->conn)
            dm_engine_interrupt(slot->conn);
    }
    pthread_mutex_unlock(&s->lock);
}

static void wake(struct server *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->wake, &one, sizeof(one));
    if (n < 0 && errno != EAGAIN)
        DM_BUG("could not wake the main loop: %s", strerror(errno));
}

static void *session_thread(void *arg)
{
    struct slot *slot = arg;
    struct server *s = slot->server;
    struct dm_session_opts opts = {
        .fd = slot->fd,
        .startup_us = s->opts->startup_us,
        .id = slot->id,
        .key = slot->key,
        .lake_dir = s->opts->project->lake_dir,
        .stopping = &s->stopping,
        .user = s,
        .engine = session_engine,
        .attached = session_attached,
        .cancel = session_cancel,
    };
    dm_session_run(&opts);
    pthread_mutex_lock(&s->lock);
    close(slot->fd);
    slot->fd = -1;
    s->n_sessions--;
    /* Under the lock: the main loop may end, and the server with it, as soon as it sees no session. */
    wake(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void refuse(int fd, const char *sqlstate, const char *message)
{
    struct dm_err err;
    struct dm_pgwire_out out;
    dm_err_set(&err, DM_E_PERMISSION, "%s", message);
    snprintf(err.sqlstate, sizeof(err.sqlstate), "%s", sqlstate);
    dm_pgwire_out_init(&out, DM_BUF_MESSAGE);
    dm_pgwire_report(&out, "FATAL", &err, NULL);
    ssize_t n = send(fd, out.buf.p, out.buf.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* who is refused may have gone */
    dm_pgwire_out_release(&out);
    close(fd);
}

static bool start_thread(struct slot *slot)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attr, session_thread, slot) == 0;
    pthread_attr_destroy(&attr);
    return started;
}

static void start_session(struct server *s, int fd)
{
    if (!dm_listen_peer_ok(fd)) {
        refuse(fd, "28000", "the warehouse belongs to another user");
        return;
    }
    pthread_mutex_lock(&s->lock);
    struct slot *slot = NULL;
    for (int i = 0; i < DM_SERVER_SESSIONS_MAX && !slot; i++)
        if (s->slots[i].fd < 0)
            slot = &s->slots[i];
    if (slot) {
        *slot = (struct slot){.server = s, .fd = fd, .id = ++s->last_id};
        if (getrandom(&slot->key, sizeof(slot->key), 0) != sizeof(slot->key))
            DM_BUG("no random numbers: %s", strerror(errno));
        s->n_sessions++;
        if (!start_thread(slot)) {
            s->n_sessions--;
            slot->fd = -1;
            slot = NULL;
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (!slot)
        refuse(fd, "53300", "too many clients already");
}

static bool accept_all(struct server *s, int listener)
{
    bool any = false;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return any;
        /* Answers are written whole; waiting for more to send only delays them. */
        if (listener == s->listen.tcp_fd)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        start_session(s, fd);
        any = true;
    }
}

static int count_sessions(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    int n = s->n_sessions;
    pthread_mutex_unlock(&s->lock);
    return n;
}

/* The main loop. */

/* Sessions are interrupted and cut until the last one has ended; each says why to its client, which has a while to
   read it. */
static void stop_sessions(struct server *s)
{
    int64_t patience = dm_clock_monotonic() + STOP_GRACE;
    atomic_store(&s->stopping, true);
    while (count_sessions(s) > 0) {
        pthread_mutex_lock(&s->lock);
        for (int i = 0; i < DM_SERVER_SESSIONS_MAX; i++) {
            struct slot *slot = &s->slots[i];
            if (slot->fd < 0)
                continue;
            if (slot->conn)
                dm_engine_interrupt(slot->conn);
            shutdown(slot->fd, dm_clock_monotonic() < patience ? SHUT_RD : SHUT_RDWR);
        }
        pthread_mutex_unlock(&s->lock);
        struct pollfd p = {.fd = s->wake, .events = POLLIN};
        poll(&p, 1, STOP_POLL_MS);
    }
}

static void close_engine(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    let_go(s);
    dm_engine_close(s->engine);
    s->engine = NULL;
    pthread_mutex_unlock(&s->lock);
}

/* Nobody has been here for a while.  True: leave. */
static bool idle(struct server *s, struct dm_err *reterr)
{
    bool was_open = s->engine != NULL;
    close_engine(s);
    if (s->opts->stay) {
        if (was_open) /* our signals stay blocked, so that none is lost on the way */
            dm_listen_exec(&s->listen);
        return false;
    }
    dm_listen_stop(&s->listen);
    if (!accept_all(s, s->listen.unix_fd))
        return true;
    /* Somebody connected before the name was gone. */
    return dm_listen_again(&s->listen, reterr) < 0;
}

static int64_t idle_close(const struct server *s)
{
    return s->opts->idle_close_us ? s->opts->idle_close_us : IDLE_CLOSE_DEFAULT;
}

static void serve(struct server *s)
{
    int64_t idle_since = dm_clock_monotonic();
    for (;;) {
        struct pollfd fds[] = {
            {.fd = s->signals, .events = POLLIN},
            {.fd = s->wake, .events = POLLIN},
            {.fd = s->listen.unix_fd, .events = POLLIN},
            {.fd = s->listen.tcp_fd, .events = POLLIN},
        };
        bool waiting = count_sessions(s) == 0 && (!s->opts->stay || s->engine);
        int64_t left = idle_since + idle_close(s) - dm_clock_monotonic();
        int timeout = !waiting ? -1 : left <= 0 ? 0 : (int)(left / DM_MS) + 1;
        int n = poll(fds, 4, timeout);
        if (n < 0 && errno != EINTR)
            DM_BUG("poll: %s", strerror(errno));
        struct signalfd_siginfo signal;
        /* Taken out, or it would still be pending when the mask is given back. */
        if (n > 0 && fds[0].revents && read(s->signals, &signal, sizeof(signal)) > 0)
            return;
        if (n > 0 && fds[1].revents) {
            uint64_t ignored;
            if (read(s->wake, &ignored, sizeof(ignored)) > 0)
                idle_since = dm_clock_monotonic();
        }
        if (n > 0 && fds[2].revents)
            accept_all(s, s->listen.unix_fd);
        if (n > 0 && s->listen.tcp_fd >= 0 && fds[3].revents)
            accept_all(s, s->listen.tcp_fd);
        if (n == 0 && waiting && idle_since + idle_close(s) <= dm_clock_monotonic()) {
            struct dm_err err;
            if (idle(s, &err))
                return;
            idle_since = dm_clock_monotonic();
        }
    }
}

static int open_descriptors(struct server *s, struct dm_err *reterr)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    /* Threads inherit the mask, so that only the main loop hears of these. */
    pthread_sigmask(SIG_BLOCK, &ours, &s->old_mask);
    s->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->signals < 0 || s->wake < 0)
        return dm_err_errno(reterr, errno, "could not open the warehouse's descriptors");
    return 0;
}

int dm_server_run(const struct dm_server_opts *opts, struct dm_err *reterr)
{
    struct server *s = dm_calloc(1, sizeof(*s));
    s->opts = opts;
    pthread_mutex_init(&s->lock, NULL);
    for (int i = 0; i < DM_SERVER_SESSIONS_MAX; i++)
        s->slots[i].fd = -1;
    int rc = dm_listen_open(&s->listen, opts, reterr);
    if (rc == 0)
        rc = open_descriptors(s, reterr);
    if (rc == 0) {
        if (opts->ready_fd >= 0 && !s->listen.inherited && write(opts->ready_fd, "r", 1) < 0)
            rc = dm_err_errno(reterr, errno, "could not say that the warehouse listens");
        if (rc == 0 && opts->listening && !s->listen.inherited)
            opts->listening(opts);
        if (rc == 0)
            serve(s);
        dm_listen_stop(&s->listen);
        stop_sessions(s);
        close_engine(s);
        pthread_sigmask(SIG_SETMASK, &s->old_mask, NULL);
        close(s->signals);
        close(s->wake);
    }
    dm_listen_release(&s->listen);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return rc;
}
