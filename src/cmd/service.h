/* What the long-running commands (scheduler, warehouse) do first, whoever starts them: a person, systemd, or
   `daymill standalone`. */
#ifndef DM_SERVICE_H
#define DM_SERVICE_H

#include "base/notify.h"
#include "cmd/cmd.h"

/* A line of the command's options. */
#define DM_SERVICE_OPTION                                             \
    {                                                                 \
        "supervisor-fd", 0, DM_OPTION_INT, "N", NULL,                 \
            "the stream of a supervisor: told there when it serves, " \
            "ends when it closes"                                     \
    }

/*
 * Finds out who wants to hear of us.  With --supervisor-fd the process ends with its supervisor from here on
 * (task/guard.h); else systemd is looked for.  Before any thread is made.  The caller says dm_notify_ready when it
 * serves, and treats SIGTERM as the supervisor means it (proc/supervise.h): the first drains, the second is now.
 */
int dm_service_begin(const struct dm_args *args, struct dm_notify *ret,
                     struct dm_err *reterr) dm_nodiscard;

#endif
