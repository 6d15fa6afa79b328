/* base/notify.h: what arrives at a service manager's socket, and on a supervisor's stream. */
#include "base/notify.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/str.h"
#include "t.h"

/* Listens under a name as NOTIFY_SOCKET has it. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    T_INT(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static const char *received(int fd)
{
    static char text[2048];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void hear(const char *name)
{
    struct dm_notify n;
    struct dm_err err;
    int fd = listen_at(name);
    setenv("NOTIFY_SOCKET", name, 1);
    T_TRY(dm_notify_open(&n, -1, &err), err);
    T_OK(!getenv("NOTIFY_SOCKET"));
    dm_notify_status(&n, "%d tasks\nrun", 3);
    dm_notify_ready(&n);
    T_STR(received(fd), "STATUS=3 tasks run\n");
    T_STR(received(fd), "READY=1\n");
    dm_notify_reloading(&n);
    const char *text = received(fd);
    T_OK(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
    dm_notify_watchdog(&n);
    dm_notify_stopping(&n);
    T_STR(received(fd), "WATCHDOG=1\n");
    T_STR(received(fd), "STOPPING=1\n");
    dm_notify_release(&n);
    close(fd);
}

static void a_service_manager_hears_by_path_and_by_abstract_name(void)
{
    char dir[] = "/tmp/dm-notify-XXXXXX", name[64];
    struct dm_err err;
    T_OK(mkdtemp(dir) != NULL);
    snprintf(name, sizeof(name), "%s/notify", dir);
    hear(name);
    snprintf(name, sizeof(name), "@dm-notify-%d", (int)getpid());
    hear(name);
    T_TRY(dm_remove_tree(dir, &err), err);
}

static void a_supervisor_hears_on_its_stream_only(void)
{
    struct dm_notify n;
    struct dm_err err;
    int pair[2];
    T_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    setenv("NOTIFY_SOCKET", "/nowhere", 1);
    setenv("WATCHDOG_USEC", "1000000", 1);
    T_TRY(dm_notify_open(&n, pair[0], &err), err);
    T_OK(!getenv("NOTIFY_SOCKET"));
    T_INT(n.watchdog_us, 0);
    dm_notify_ready(&n);
    dm_notify_status(&n, "works");
    T_STR(received(pair[1]), "READY=1\nSTATUS=works\n");
    close(pair[1]);
    dm_notify_ready(&n); /* nobody is there: no signal, no error */
    dm_notify_release(&n);
    T_INT(close(pair[0]), 0);
}

static void a_status_of_any_length_is_one_line(void)
{
    struct dm_notify n;
    struct dm_err err;
    int pair[2];
    T_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    T_TRY(dm_notify_open(&n, pair[0], &err), err);
    dm_notify_status(&n, "%0*d", 3 * DM_NOTIFY_LINE_MAX, 0);
    const char *text = received(pair[1]);
    T_INT(strlen(text), DM_NOTIFY_LINE_MAX - 1);
    T_INT(text[strlen(text) - 1], '\n');
    close(pair[0]);
    close(pair[1]);
}

static void nobody_listens(void)
{
    struct dm_notify n;
    struct dm_err err;
    T_TRY(dm_notify_open(&n, -1, &err), err);
    T_INT(n.fd, -1);
    dm_notify_ready(&n);
    dm_notify_release(&n);
    setenv("NOTIFY_SOCKET", "relative", 1);
    T_INT(dm_notify_open(&n, -1, &err), DM_E_INVALID);
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    T_OK(dm_notify_open(&n, -1, &err) < 0);
    T_HAS(err.message, "/nowhere/at/all");
    unsetenv("NOTIFY_SOCKET");
}

static void the_watchdog_is_for_the_process_that_it_names(void)
{
    char name[64], pid[32];
    struct dm_notify n;
    struct dm_err err;
    snprintf(name, sizeof(name), "@dm-watchdog-%d", (int)getpid());
    int fd = listen_at(name);
    for (int ours = 0; ours < 2; ours++) {
        snprintf(pid, sizeof(pid), "%d", ours ? (int)getpid() : (int)getpid() + 1);
        setenv("NOTIFY_SOCKET", name, 1);
        setenv("WATCHDOG_USEC", "2000000", 1);
        setenv("WATCHDOG_PID", pid, 1);
        T_TRY(dm_notify_open(&n, -1, &err), err);
        T_INT(n.watchdog_us, ours ? 2000000 : 0);
        T_OK(!getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
        dm_notify_release(&n);
    }
    close(fd);
}

T_MAIN(T_CASE(a_service_manager_hears_by_path_and_by_abstract_name),
       T_CASE(a_supervisor_hears_on_its_stream_only), T_CASE(a_status_of_any_length_is_one_line),
       T_CASE(nobody_listens), T_CASE(the_watchdog_is_for_the_process_that_it_names))
