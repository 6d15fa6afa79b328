/* The clock. */
#include "base/clock.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t dm_clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t dm_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
