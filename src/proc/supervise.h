/*
 * A supervisor: starts the services of a table, each a process in a group of its own, keeps them running, tells whoever
 * started it when all of them serve, and ends them in order.  One thread, one poll.
 *
 *                    start                READY=1
 *        DOWN ────────────────▶ STARTING ────────▶ READY
 *         ▲  ▲                     │                │  │
 *         │  └──── ended ──────────┘                │  │ its turn to stop: TERM
 *         └─────── ended ───────────────────────────┘  ▼
 *                                          STOPPING ── ended ──▶ GONE
 *
 * Restarts.  A service that ends, however, is started again after a pause of 100 ms, doubled each time up to 10 s; one
 * that lived for a minute begins again at 100 ms.
 *
 * Readiness.  A service has our stream on DM_WIRE_FD and speaks sd_notify's lines on it (base/notify.h): READY=1 makes it
 * ready, STATUS=… is shown, anything else is ignored.  When all are ready for the first time `notify` hears READY=1.
 *
 * Stopping.  The first SIGTERM or SIGINT drains: one service after the other, in the order of the table, gets SIGTERM
 * and is waited for; those behind it go on, restarts included, because the ones before may need them.  A service
 * that has not ended `drain_us` after that gets a second SIGTERM ("now"), and SIGKILL `kill_us` after the last one.  The
 * second SIGTERM or SIGINT that we get goes to all at once.
 *
 * SIGHUP is passed on to the services that reload.  On a terminal that was closed it drains instead.
 *
 * A supervisor that dies leaves nobody behind: the other end of the stream closes, and a service watches it
 * (task/guard.h).
 */
#ifndef DM_SUPERVISE_H
#define DM_SUPERVISE_H

#include "base/notify.h"
#include "proc/relay.h"
#include "proc/spawn.h"

enum { DM_SERVICES_MAX = 8, DM_SERVICE_STATUS_MAX = 200 };

struct dm_service {
    const char *name;        /* "scheduler" */
    const char *const *argv; /* with argv[0]; NULL-terminated */
    int reload_signal;       /* 0 = it does not reload */
    int64_t drain_us;        /* 0 = its first SIGTERM means now already */
    int64_t kill_us;
};

enum dm_supervise_kind {
    DM_SUPERVISE_STARTED,    /* pid */
    DM_SUPERVISE_READY,      /* pid */
    DM_SUPERVISE_ALL_READY,  /* once; after_us since the beginning; no service */
    DM_SUPERVISE_FAILED,     /* could not be started: err; next try after_us from now */
    DM_SUPERVISE_ENDED,      /* end; is started again after_us from now */
    DM_SUPERVISE_RELOADED,   /* no service */
    DM_SUPERVISE_DRAINING,   /* no service */
    DM_SUPERVISE_HURRYING,   /* asked a second time; no service */
    DM_SUPERVISE_TERMINATED, /* was sent SIGTERM */
    DM_SUPERVISE_LATE,       /* has not ended in time: was sent its second SIGTERM */
    DM_SUPERVISE_KILLED,     /* has not ended in time: was sent SIGKILL */
    DM_SUPERVISE_GONE,       /* has ended for good: end */
};

struct dm_supervise_event {
    enum dm_supervise_kind kind;
    size_t service; /* index */
    pid_t pid;
    int64_t after_us;
    const struct dm_child_end *end;
    const struct dm_err *err;
};

struct dm_supervise_opts {
    const char *program;
    const struct dm_service *services;
    size_t n;
    struct dm_notify *notify; /* systemd */
    struct dm_relay *relay;   /* where the services' lines go */
    void (*event)(void *user, const struct dm_supervise_event *e);
    void *user;
};

/* Runs until all services have ended because we were asked to stop.  Blocks SIGTERM, SIGINT and SIGHUP while it runs; the
   services do not inherit that.  An error is one of the supervisor itself, all services have ended then too. */
int dm_supervise(const struct dm_supervise_opts *opts, struct dm_err *reterr) dm_nodiscard;

/* The pause before the next start of a service that lived `lived_us`; *pause is what the last call returned, 0 at
   first. */
int64_t dm_supervise_pause(int64_t *pause, int64_t lived_us);

#endif
