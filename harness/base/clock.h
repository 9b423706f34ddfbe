/* SPDX-License-Identifier: Apache-2.0 */
/* Monotonic time in nanoseconds. Async-signal-safe and safe in a forked child. */
#ifndef FORKPOINT_BASE_CLOCK_H
#define FORKPOINT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

static inline uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

#endif
