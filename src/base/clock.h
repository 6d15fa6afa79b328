/* The only place that reads the clock; everything else takes the time as an argument. */
#ifndef DM_CLOCK_H
#define DM_CLOCK_H

#include <stdint.h>

int64_t dm_clock_now(void);       /* UTC microseconds */
int64_t dm_clock_monotonic(void); /* microseconds that never go back, for durations */

#endif
