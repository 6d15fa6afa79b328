/*
 * One client: start-up, simple and extended queries, COPY, transaction states.  Runs on the thread of its caller until
 * the client leaves.
 *
 *            BEGIN                    error
 *     I ──────────────▶ T ──────────────────────────▶ E
 *     ▲                 │ COMMIT, ROLLBACK            │ ROLLBACK, COMMIT (which rolls back)
 *     └─────────────────┴─────────────────────────────┘
 *
 * An implicit block (several statements in one Query, or several Executes before one Sync) is T as well, and ends with
 * its message.  In E every statement but the end of the block is refused with 25P02.
 */
#ifndef DM_SESSION_H
#define DM_SESSION_H

#include <stdatomic.h>

#include "base/time.h"
#include "warehouse/engine.h"

/* A client that connects has this long to say who it is, as with PostgreSQL's authentication_timeout. */
#define DM_SESSION_STARTUP_MAX (60 * DM_SEC)

struct dm_session_opts {
    int fd;             /* stays the caller's */
    int64_t startup_us; /* 0 = DM_SESSION_STARTUP_MAX */
    int32_t id, key;    /* for cancel requests */
    const char *lake_dir;
    const atomic_bool *stopping; /* says why a connection was cut */
    void *user;
    /* The engine, opened by the first session that asks. */
    int (*engine)(void *user, struct dm_engine **ret, struct dm_err *reterr);
    /* The connection that a cancel request interrupts from now on; NULL before it goes. */
    void (*attached)(void *user, int32_t id, struct dm_engine_conn *c);
    void (*cancel)(void *user, int32_t id, int32_t key);
};

void dm_session_run(const struct dm_session_opts *opts);

#endif
