/*
 * What a service tells whoever started it, in systemd's words (sd_notify(3)) without systemd's library.
 *
 * Two ways, one language of lines "NAME=value": datagrams to $NOTIFY_SOCKET, where systemd or another supervisor of that
 * protocol listens; or a stream that our own supervisor (proc/supervise.h) gave its child.  Where nobody listens every
 * call does nothing.  Nothing here fails after opening: a supervisor that cannot hear is no reason to stop working.
 */
#ifndef DM_NOTIFY_H
#define DM_NOTIFY_H

#include <stdint.h>

#include "base/err.h"

enum { DM_NOTIFY_LINE_MAX = 512 };

struct dm_notify {
    int fd; /* -1 = nobody listens */
    bool stream;
    int64_t watchdog_us; /* dm_notify_watchdog is expected within this; 0 = never */
};

/* `stream` is the descriptor of our supervisor's stream, which stays the caller's; -1 = look at $NOTIFY_SOCKET and
   $WATCHDOG_USEC.  These variables are removed, so that no child speaks for us. */
int dm_notify_open(struct dm_notify *n, int stream, struct dm_err *reterr) dm_nodiscard;
void dm_notify_release(struct dm_notify *n);

void dm_notify_ready(struct dm_notify *n);     /* the service serves; also at the end of a reload */
void dm_notify_reloading(struct dm_notify *n); /* until the next dm_notify_ready */
void dm_notify_stopping(struct dm_notify *n);
void dm_notify_watchdog(struct dm_notify *n); /* it is alive */
/* One line for people: what it does. */
void dm_notify_status(struct dm_notify *n, const char *fmt, ...) dm_printf(2, 3);

#endif
