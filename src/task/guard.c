/*
 * Ending with the parent.
 *
 * The parent-death signal alone is not enough: SIGKILL would end this process and leave its children (one was seen
 * alive 1.7 s later), and the signal is lost where the parent went before prctl was called.  So the signal is one with
 * a handler that kills the whole group, and a thread polls the socket, whose other end only the parent holds.
 */
#include "task/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "task/log_cap.h"

enum { PARENT_GONE = SIGUSR1 };

static struct {
    int fd;
    _Atomic int64_t deadline; /* monotonic; 0 = none */
    int (*late)(void *user);
    void *user;
    int wake[2]; /* makes the thread look at the deadline and at the log */
    pthread_mutex_t lock;
    struct dm_log_cap log; /* under the lock */
    atomic_bool has_log;
} guard = {.lock = PTHREAD_MUTEX_INITIALIZER, .log = {.fd = -1}};

static void end_group(int sig)
{
    /* Only a leader's group is surely its own: a process started by hand shares its shell's. */
    kill(getpgrp() == getpid() ? 0 : getpid(), SIGKILL);
}

static int wait_ms(void)
{
    int64_t deadline = atomic_load(&guard.deadline);
    int most = atomic_load(&guard.has_log) ? DM_LOG_LOOK_MS : deadline ? 60000 : -1;
    if (!deadline)
        return most;
    int64_t left = deadline - dm_clock_monotonic();
    return left <= 0 ? 0 : left / 1000 >= most ? most : (int)(left / 1000 + 1);
}

static void too_late(void)
{
    int status = guard.late(guard.user);
    if (getpgrp() == getpid()) {
        signal(SIGTERM, SIG_IGN);
        kill(0, SIGTERM);
    }
    _exit(status);
}

void dm_guard_log_end(void)
{
    if (!atomic_load(&guard.has_log))
        return;
    pthread_mutex_lock(&guard.lock);
    dm_log_cap_look(&guard.log);
    pthread_mutex_unlock(&guard.lock);
}

static void *watch(void *unused)
{
    struct pollfd p[2] = {{.fd = guard.fd, .events = POLLRDHUP},
                          {.fd = guard.wake[0], .events = POLLIN}};
    for (;;) {
        int n = poll(p, 2, wait_ms());
        if (n > 0 && (p[0].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)))
            end_group(0);
        if (n > 0 && p[1].revents) {
            char c;
            while (read(guard.wake[0], &c, 1) < 0 && errno == EINTR)
                ;
        }
        dm_guard_log_end();
        int64_t deadline = atomic_load(&guard.deadline);
        if (deadline && dm_clock_monotonic() >= deadline)
            too_late();
    }
    return NULL;
}

int dm_guard_start(int fd, struct dm_err *reterr)
{
    struct sigaction sa = {.sa_handler = end_group};
    sigset_t unblocked;
    pthread_t thread;
    guard.fd = fd;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, PARENT_GONE);
    if (sigaction(PARENT_GONE, &sa, NULL) < 0 || prctl(PR_SET_PDEATHSIG, PARENT_GONE) < 0)
        return dm_err_errno(reterr, errno, "could not watch the parent");
    pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
    if (pipe2(guard.wake, O_CLOEXEC) < 0)
        return dm_err_errno(reterr, errno, "could not watch the parent");
    /* The thread hears of nothing else: what the process blocks later, to read it elsewhere, must not come here. */
    sigset_t others, before;
    sigfillset(&others);
    sigdelset(&others, PARENT_GONE);
    pthread_sigmask(SIG_SETMASK, &others, &before);
    /* Its own first poll sees a parent that was gone already. */
    int e = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e)
        return dm_err_errno(reterr, e, "could not watch the parent");
    pthread_detach(thread);
    return 0;
}

static void wake(void)
{
    while (write(guard.wake[1], "", 1) < 0 && errno == EINTR)
        ;
}

void dm_guard_timeout(int64_t timeout_us, int (*late)(void *user), void *user)
{
    guard.late = late;
    guard.user = user;
    atomic_store(&guard.deadline, dm_clock_monotonic() + timeout_us);
    wake();
}

void dm_guard_log(int fd, int64_t max_bytes)
{
    pthread_mutex_lock(&guard.lock);
    dm_log_cap_init(&guard.log, fd, max_bytes);
    atomic_store(&guard.has_log, guard.log.fd >= 0);
    pthread_mutex_unlock(&guard.lock);
    wake();
}
