/*
 * Lines of several processes on one output, whole, and never waited for.
 *
 * On a terminal each line begins with who said it, and a JSON line of base/log becomes logfmt; elsewhere every line is
 * one JSON object, also what a library printed.  Lines wait in memory, at most DM_RELAY_BUFFER, until the output takes
 * them; what comes after that is dropped and counted, and the count is said when there is room again: a terminal that
 * somebody stopped must not stop a scheduler.
 */
#ifndef DM_RELAY_H
#define DM_RELAY_H

#include "base/str.h"

#define DM_RELAY_BUFFER ((size_t)1 << 20)
enum { DM_RELAY_LINE_MAX = 64 << 10 }; /* longer ones are cut in pieces by whoever reads them */

struct dm_relay {
    int fd; /* the caller's */
    bool json, color;
    int name_width;
    struct dm_strbuf out;
    size_t written; /* of out */
    uint64_t dropped;
    bool gone; /* nobody reads any more */
};

void dm_relay_init(struct dm_relay *r, int fd, bool json, bool color, int name_width);
void dm_relay_release(struct dm_relay *r);
/* A line (without its end) of `name`, the index-th of those that speak (its colour), received at `now`. */
void dm_relay_line(struct dm_relay *r, const char *name, size_t index, struct dm_str line,
                   int64_t now);
/* Text for people, as it is. */
void dm_relay_text(struct dm_relay *r, struct dm_str text);
bool dm_relay_waits(
    const struct dm_relay *r);           /* has something that poll(POLLOUT) should announce */
void dm_relay_flush(struct dm_relay *r); /* what the output takes now */
/* The terminal was closed. */
bool dm_relay_hung_up(const struct dm_relay *r);
/* The end: gives the output some time. */
void dm_relay_finish(struct dm_relay *r, int64_t timeout_us);

#endif
