/* The beginning of a long-running command. */
#include "cmd/service.h"

#include <sys/socket.h>

#include "task/guard.h"

int dm_service_begin(const struct dm_args *args, struct dm_notify *ret, struct dm_err *reterr)
{
    int64_t fd = dm_option_int(args, "supervisor-fd", -1);
    int type;
    socklen_t size = sizeof(type);
    if (fd < 0)
        return dm_notify_open(ret, -1, reterr);
    if (fd > INT32_MAX || getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        type != SOCK_STREAM)
        return dm_err_set(reterr, DM_E_USAGE, "descriptor %lld is no supervisor's stream",
                          (long long)fd);
    DM_TRY(dm_guard_start((int)fd, reterr));
    return dm_notify_open(ret, (int)fd, reterr);
}
