/*
 * Children: exec'd by posix_spawn in a process group of their own, with default signals and nothing inherited but what
 * is listed here; watched through a pidfd.  Standard input is /dev/null.
 */
#ifndef DM_SPAWN_H
#define DM_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct dm_spawn {
    const char *program;     /* path */
    const char *const *argv; /* with argv[0]; NULL-terminated */
    int out_fd;              /* standard output and error */
    int lease_fd; /* becomes DM_LEASE_FD and is inherited by all descendants; -1 = none */
};

struct dm_child {
    pid_t pid;
    int pid_fd; /* readable when the process has ended; closed-on-exec */
    int fd; /* our end of the socket pair (the child's is DM_WIRE_FD); closed-on-exec, non-blocking */
    uint64_t start; /* dm_process_start */
};

/* The descriptors of `s` stay the caller's.  The error of exec itself is returned here. */
int dm_spawn(const struct dm_spawn *s, struct dm_child *ret, struct dm_err *reterr) dm_nodiscard;

struct dm_child_end {
    int exit_status; /* 0..255, or 128 + signal */
    int signal;      /* 0 = it exited */
    int64_t cpu_us, peak_kb;
};
/* For a child whose pid_fd is readable: ends what is left of its process group (before the pid can be anybody
   else's), reaps it and closes pid_fd.  `fd` stays open: it may hold messages. */
int dm_child_reap(struct dm_child *c, struct dm_child_end *ret, struct dm_err *reterr) dm_nodiscard;
/* A signal to the whole group. */
void dm_child_kill(const struct dm_child *c, int sig);

#endif
