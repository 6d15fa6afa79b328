/* The listening sockets of the warehouse. */
#include "warehouse/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/file.h"
#include "base/time.h"

#define HANDED_ON "DAYMILL_WAREHOUSE_SOCKETS" /* "lock,unix,tcp": descriptors */
#define LEAVING_WAIT (20 * DM_SEC)
enum { BACKLOG = 64, RETRY_MS = 10, ARGUMENTS_MAX = 64 << 10 };

static int new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void unix_address(const struct dm_listen *l, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, l->path, strlen(l->path));
}

static int listen_unix(struct dm_listen *l, struct dm_err *reterr)
{
    struct sockaddr_un address;
    unix_address(l, &address);
    DM_TRY(dm_project_make_socket_dir(l->project, reterr));
    int fd = new_socket(AF_UNIX);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not make a socket");
    unlink(l->path); /* the lock is ours, so nobody listens there */
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(l->path, 0600) < 0 ||
        listen(fd, BACKLOG) < 0) {
        int sys = errno;
        close(fd);
        return dm_err_errno(reterr, sys, "could not listen on %s", l->path);
    }
    l->unix_fd = fd;
    return 0;
}

static int parse_tcp(const char *text, struct sockaddr_in *ret, struct dm_err *reterr)
{
    struct dm_str rest = dm_str_c(text), host;
    char buf[64];
    int64_t port = DM_SERVER_PORT;
    if (!dm_str_split(&rest, ':', &host) || (rest.p && !dm_str_to_i64(rest, &port)) || port < 1 ||
        port > 65535 || host.len >= sizeof(buf))
        return dm_err_set(reterr, DM_E_USAGE, "cannot listen on \"%s\": no ADDRESS:PORT", text);
    memcpy(buf, host.p, host.len);
    buf[host.len] = '\0';
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (strcmp(buf, "localhost") == 0)
        ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (inet_pton(AF_INET, buf, &ret->sin_addr) != 1)
        return dm_err_set(reterr, DM_E_USAGE, "cannot listen on \"%s\": no IPv4 address", text);
    if (ntohl(ret->sin_addr.s_addr) >> 24 != 127) {
        dm_err_set(reterr, DM_E_USAGE, "cannot listen on \"%s\": not a loopback address", text);
        dm_err_hint(reterr, "The port has no login, so it must not be reached from elsewhere.");
        return DM_E_USAGE;
    }
    return 0;
}

static int listen_tcp(struct dm_listen *l, const char *text, struct dm_err *reterr)
{
    struct sockaddr_in address;
    DM_TRY(parse_tcp(text, &address, reterr));
    int fd = new_socket(AF_INET), on = 1;
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not make a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0) {
        int sys = errno;
        close(fd);
        return dm_err_errno(reterr, sys, "could not listen on %s", text);
    }
    l->tcp_fd = fd;
    return 0;
}

/* Whether somebody answers where the socket's name is. */
static bool is_served(const struct dm_listen *l)
{
    struct sockaddr_un address;
    unix_address(l, &address);
    int fd = new_socket(AF_UNIX);
    if (fd < 0)
        return false;
    bool served = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
    close(fd);
    return served;
}

static int busy(struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_BUSY, "another warehouse serves this project");
    return dm_err_hint(reterr,
                       "Clients may use that one: \"daymill psql\", or the socket that \"daymill "
                       "connections list\" shows.  It leaves when its clients have, unless it "
                       "was started by hand.");
}

static int take_lock(struct dm_listen *l, const struct dm_server_opts *opts, struct dm_err *reterr)
{
    const struct dm_project *p = opts->project;
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path = dm_path_join(&a, p->run_dir, "warehouse.lock");
    DM_TRY(dm_mkdirs_for(path, reterr));
    l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->lock < 0)
        return dm_err_errno(reterr, errno, "could not open %s", dm_project_relative(p, path));
    int64_t now = dm_clock_monotonic(), give_up = now + LEAVING_WAIT;
    int64_t patient = now + opts->wait_us;
    bool told = false;
    while (flock(l->lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return dm_err_errno(reterr, errno, "could not lock %s", dm_project_relative(p, path));
        now = dm_clock_monotonic();
        if (now >= patient && (now > give_up || is_served(l)))
            return busy(reterr);
        if (!told && opts->waiting && now < patient)
            opts->waiting(opts);
        told = true;
        poll(NULL, 0, RETRY_MS);
    }
    return 0;
}

static bool is_socket(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool take_over(struct dm_listen *l)
{
    const char *text = getenv(HANDED_ON);
    struct dm_str rest = dm_str_c(text), piece;
    int64_t fds[3] = {-1, -1, -1};
    if (!text)
        return false;
    for (int i = 0; i < 3 && dm_str_split(&rest, ',', &piece); i++)
        if (!dm_str_to_i64(piece, &fds[i]))
            return false;
    unsetenv(HANDED_ON);
    if (!is_socket((int)fds[1]) || flock((int)fds[0], LOCK_EX | LOCK_NB) < 0)
        return false;
    l->lock = (int)fds[0];
    l->unix_fd = (int)fds[1];
    l->tcp_fd = is_socket((int)fds[2]) ? (int)fds[2] : -1;
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            fcntl((int)fds[i], F_SETFD, FD_CLOEXEC);
    l->inherited = true;
    return true;
}

int dm_listen_open(struct dm_listen *l, const struct dm_server_opts *opts, struct dm_err *reterr)
{
    *l = (struct dm_listen){.project = opts->project, .lock = -1, .unix_fd = -1, .tcp_fd = -1};
    int n = snprintf(l->path, sizeof(l->path), "%s/.s.PGSQL.%d", opts->project->socket_dir,
                     DM_SERVER_PORT);
    if (n < 0 || (size_t)n >= sizeof(l->path))
        return dm_err_set(reterr, DM_E_LIMIT, "the socket's path is longer than %zu bytes: %s",
                          sizeof(l->path) - 1, opts->project->socket_dir);
    struct sockaddr_in checked;
    if (opts->listen)
        DM_TRY(parse_tcp(opts->listen, &checked, reterr));
    if (take_over(l))
        return 0;
    int rc = take_lock(l, opts, reterr);
    if (rc == 0)
        rc = listen_unix(l, reterr);
    if (rc == 0 && opts->listen)
        rc = listen_tcp(l, opts->listen, reterr);
    if (rc < 0) {
        dm_listen_stop(l);
        dm_listen_release(l);
    }
    return rc;
}

void dm_listen_stop(struct dm_listen *l)
{
    if (l->unix_fd < 0)
        return;
    unlink(l->path);
    dm_project_remove_socket_dir(l->project);
}

int dm_listen_again(struct dm_listen *l, struct dm_err *reterr)
{
    dm_closep(&l->unix_fd);
    l->unix_fd = -1;
    return listen_unix(l, reterr);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void dm_listen_release(struct dm_listen *l)
{
    close_one(&l->unix_fd);
    close_one(&l->tcp_fd);
    close_one(&l->lock);
}

void dm_listen_exec(struct dm_listen *l)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str text;
    char fds[64];
    if (dm_file_read(&a, "/proc/self/cmdline", ARGUMENTS_MAX, &text, NULL) < 0)
        return;
    char **argv = dm_arena_array(&a, char *, text.len + 1);
    size_t n = 0;
    struct dm_str rest = text, piece;
    while (dm_str_split(&rest, '\0', &piece) && (piece.len || rest.p))
        argv[n++] = dm_arena_strndup(&a, piece.p, piece.len);
    snprintf(fds, sizeof(fds), "%d,%d,%d", l->lock, l->unix_fd, l->tcp_fd);
    setenv(HANDED_ON, fds, 1);
    const int handed[] = {l->lock, l->unix_fd, l->tcp_fd};
    for (int i = 0; i < 3; i++)
        if (handed[i] >= 0)
            fcntl(handed[i], F_SETFD, 0);
    execv(dm_program_path(), argv);
    unsetenv(HANDED_ON);
    for (int i = 0; i < 3; i++)
        if (handed[i] >= 0)
            fcntl(handed[i], F_SETFD, FD_CLOEXEC);
}

bool dm_listen_peer_ok(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return false;
    if (address.ss_family != AF_UNIX)
        return true; /* a loopback port was asked for */
    struct ucred peer;
    size = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}
