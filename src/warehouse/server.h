/*
 * `daymill warehouse`: listens without DuckDB, opens it at the first session, leaves after its last client.
 */
#ifndef DM_SERVER_H
#define DM_SERVER_H

#include "conn/project.h"

struct dm_server_opts {
    const struct dm_project *project;
    bool stay;             /* started by hand or by standalone: does not leave when idle */
    const char *listen;    /* "127.0.0.1:5439" besides the unix socket, or NULL; loopback only */
    int64_t idle_close_us; /* default 5 s: closes DuckDB, and without `stay` ends */
    int ready_fd;          /* a byte is written here when it listens; -1 = none */
};

/* Runs until it may leave or SIGTERM; 0 or an error.  DM_E_BUSY where another one holds run/warehouse.lock. */
int dm_server_run(const struct dm_server_opts *opts, struct dm_err *reterr) dm_nodiscard;

#endif
