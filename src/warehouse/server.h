/*
 * `daymill warehouse`: listens without DuckDB, opens it at the first session, leaves after its last client.
 *
 * One thread per session.  On the unix socket `.s.PGSQL.5439` in the project's socket_dir the peer's user id is the
 * login: it must be ours, or root.  A loopback port has no login and is opened by explicit choice only.
 */
#ifndef DM_SERVER_H
#define DM_SERVER_H

#include "conn/project.h"

enum { DM_SERVER_SESSIONS_MAX = 200, DM_SERVER_PORT = 5439 };

struct dm_server_opts {
    const struct dm_project *project;
    bool stay;             /* started by hand or by standalone: does not leave when idle */
    const char *listen;    /* "127.0.0.1:5439" besides the unix socket, or NULL; loopback only */
    int64_t idle_close_us; /* 0 = 5 s: closes DuckDB, and without `stay` ends */
    int64_t startup_us; /* 0 = DM_SESSION_STARTUP_MAX: until a client's start-up message is there */
    int ready_fd;       /* a byte is written here when it listens; -1 = none */
    int64_t wait_us;    /* how long another server, which may leave, is waited for; 0 = not */
    void (*waiting)(const struct dm_server_opts *opts); /* told before that, once; may be NULL */
    void (*listening)(
        const struct dm_server_opts *opts); /* told when it listens, once; may be NULL */
};

/* Runs until it may leave, or SIGTERM or SIGINT; 0 or an error.  DM_E_BUSY where another one serves the project.
   Where it stays, it closes DuckDB after idle_close_us without a session and executes its own program and arguments
   again, which gives all memory back; the listening sockets and the lock go along.  Blocks SIGTERM and SIGINT for the
   process while it runs. */
int dm_server_run(const struct dm_server_opts *opts, struct dm_err *reterr) dm_nodiscard;

#endif
