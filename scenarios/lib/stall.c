/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/lib/stall.h"

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "scenarios/lib/hooks.h"

static uint64_t began_ns;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void stall_begins(struct subject *s)
{
	(void)s;
	began_ns = now_ns();
}

static void stall_ends(struct subject *s)
{
	atomic_store(&s->control->state.measured_ns, now_ns() - began_ns);
	began_ns = 0; /* a fork is to leave its process as it was (docs/stepping.md) */
}

/* Registered last, `before` runs first and the parent's hook last: the clock is outermost. */
static const struct fork_hooks stall_hooks = { .before = stall_begins, .parent = stall_ends };

void stall_watch(struct subject *s)
{
	fork_hooks_register(s, &stall_hooks);
}

void stall_say(struct subject *s, const char *how)
{
	static char text[160];
	uint64_t us = atomic_load(&s->control->state.measured_ns) / 1000;
	uint32_t status = atomic_load(&s->control->state.child_status);

	if (!(status & CHILD_STATUS_SET) || !WIFEXITED((int)(status & ~CHILD_STATUS_SET)))
		return;
	snprintf(text, sizeof(text), "fork held up its caller for %llu.%03llu ms: %s",
		 (unsigned long long)us / 1000, (unsigned long long)us % 1000, how);
	subject_say(s, OUTCOME_OK, text);
}
