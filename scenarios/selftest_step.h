/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files have in common whose windows are known to the instruction: selftest_step.c,
 * selftest_follow.c.
 */
#ifndef FORKPOINT_SELFTEST_STEP_H
#define FORKPOINT_SELFTEST_STEP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "scenarios/scenario.h"

static const struct expectation harmful[] = {
	{ .releases = "", .shows = "SIGSEGV", .allows = "ok", .source = "by construction" },
	{ .releases = NULL },
};

static const struct expectation harmless[] = {
	{ .releases = "", .shows = "ok", .allows = "ok", .source = "by construction" },
	{ .releases = NULL },
};

/* Volatile, or the compiler would see what we are up to. */
static int *volatile nowhere = (int *)(uintptr_t)0x10;

static inline void fault_if(bool harm)
{
	if (harm)
		*nowhere = 1;
}

/* A lock that is waited for in rounds, as CPython's GIL is. */
static inline void lock_in_rounds(pthread_mutex_t *lock)
{
	struct timespec until;

	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 200000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_mutex_timedlock(lock, &until));
}

#endif
