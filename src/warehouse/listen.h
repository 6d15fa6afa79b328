/* The listening sockets of the warehouse, its lock, and their way through exec. */
#ifndef DM_LISTEN_H
#define DM_LISTEN_H

#include "warehouse/server.h"

struct dm_listen {
    const struct dm_project *project;
    int lock, unix_fd, tcp_fd; /* -1 = none */
    bool inherited;            /* from the program that executed us */
    char path[108];            /* of the unix socket */
};

/* Takes the lock and listens, or takes over what our own program handed on.  A server that is just leaving is waited
   for; DM_E_BUSY where one serves. */
int dm_listen_open(struct dm_listen *l, const struct dm_server_opts *opts,
                   struct dm_err *reterr) dm_nodiscard;
/* Stops listening: removes the socket's name first, so that nobody new connects.  Keeps the lock. */
void dm_listen_stop(struct dm_listen *l);
/* Listens again at the same place, for a client that came at the last moment. */
int dm_listen_again(struct dm_listen *l, struct dm_err *reterr) dm_nodiscard;
void dm_listen_release(struct dm_listen *l);
/* Executes this program again with its arguments, handing the sockets on.  Returns only where that failed. */
void dm_listen_exec(struct dm_listen *l);
/* True where the peer of an accepted connection may log in. */
bool dm_listen_peer_ok(int fd);

#endif
