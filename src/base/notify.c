/* sd_notify's protocol: datagrams to a socket by name, or lines on a stream. */
#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

static int connect_to(const char *name, int *ret, struct dm_err *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(address.sun_path))
        return dm_err_set(reterr, DM_E_INVALID,
                          "NOTIFY_SOCKET is \"%s\": neither an absolute path of at most %zu bytes "
                          "nor an abstract name",
                          name, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not make a socket");
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (connect(fd, (struct sockaddr *)&address, size) < 0)
        return dm_err_errno(reterr, errno, "could not reach NOTIFY_SOCKET \"%s\"", name);
    *ret = fd;
    fd = -1;
    return 0;
}

/* Meant for this process, not for one that it came from. */
static int64_t watchdog_us(void)
{
    int64_t us = 0, pid = getpid();
    const char *interval = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    if (!interval || !dm_str_to_i64(dm_str_c(interval), &us) || us < 0 ||
        (whose && !dm_str_to_i64(dm_str_c(whose), &pid)) || pid != getpid())
        return 0;
    return us;
}

int dm_notify_open(struct dm_notify *n, int stream, struct dm_err *reterr)
{
    const char *name = getenv("NOTIFY_SOCKET");
    int fd = stream;
    if (stream < 0 && name && *name)
        DM_TRY(connect_to(name, &fd, reterr));
    *n = (struct dm_notify){
        .fd = fd, .stream = stream >= 0, .watchdog_us = stream < 0 && fd >= 0 ? watchdog_us() : 0};
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

void dm_notify_release(struct dm_notify *n)
{
    if (n->fd >= 0 && !n->stream)
        close(n->fd);
    n->fd = -1;
}

static void say(struct dm_notify *n, const char *line)
{
    if (n->fd < 0)
        return;
    ssize_t sent;
    do
        sent = send(n->fd, line, strlen(line), MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
}

void dm_notify_ready(struct dm_notify *n)
{
    say(n, "READY=1\n");
}

void dm_notify_reloading(struct dm_notify *n)
{
    char line[DM_NOTIFY_LINE_MAX];
    /* The time tells the service manager which reload a later READY=1 ends. */
    snprintf(line, sizeof(line), "RELOADING=1\nMONOTONIC_USEC=%lld\n",
             (long long)dm_clock_monotonic());
    say(n, line);
}

void dm_notify_stopping(struct dm_notify *n)
{
    say(n, "STOPPING=1\n");
}

void dm_notify_watchdog(struct dm_notify *n)
{
    say(n, "WATCHDOG=1\n");
}

void dm_notify_status(struct dm_notify *n, const char *fmt, ...)
{
    enum { PREFIX = sizeof("STATUS=") - 1 };
    char line[DM_NOTIFY_LINE_MAX] = "STATUS=";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + PREFIX, sizeof(line) - PREFIX - 1, fmt, ap);
    va_end(ap);
    for (char *p = line; *p; p++)
        if (*p == '\n')
            *p = ' ';
    memcpy(line + strlen(line), "\n", 2);
    say(n, line);
}
