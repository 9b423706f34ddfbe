/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a stuck trial from a slow one, by what its threads do and not by the clock alone.
 *
 * A trial that ends within a few milliseconds is never looked at. Later the driver looks every
 * WATCHDOG_LOOK_NS, and a look says one of:
 *
 *   HANG     a process whose every thread waits, without a time limit, for something that nobody
 *            is left to do, seen the same in two looks; or one that neither moves nor uses CPU nor
 *            waits for a CPU for STALL_NS (threads that wait in turns, like those for a GIL,
 *            wake up now and then and fall asleep again); or an F that has not run for OPERATOR_NS
 *            while other threads cycle on
 *   TIMEOUT  it has used SPIN_TICKS of CPU since it last moved, or is there after LIMIT_NS
 *
 * "Moves" is control->state.progress. A process that is short of CPU is runnable, or has been: the
 * kernel accounts for that when it gets its turn (schedstat). Such time counts for nobody.
 */
#ifndef FORKPOINT_RUN_WATCHDOG_H
#define FORKPOINT_RUN_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "embed/subject.h"

#define WATCHDOG_LOOK_NS 25000000ull

enum watch {
	WATCH_ON,
	WATCH_HANG,
	WATCH_TIMEOUT,
};

/* Sums over all threads of one process, from one look. */
struct watch_sums {
	pid_t pid;
	uint64_t ticks;
	uint64_t switches;
	uint64_t run_delay_ns;
	unsigned int threads;
	bool blocked;  /* each thread waits in a system call that has no end of its own */
	bool asleep;   /* no thread runs, waits for a CPU or a disk, or is about to be gone */
};

struct watchdog {
	const struct control *control;
	uint64_t started_ns;
	uint64_t looked_ns;
	uint32_t progress;
	struct watch_sums last;
	uint64_t still_ns;
	uint64_t spun_ticks;
	uint64_t operator_switches;
	uint64_t operator_still_ns;
	pid_t culprit; /* the process that a verdict is about */
};

void watchdog_start(struct watchdog *w, const struct control *control);
enum watch watchdog_look(struct watchdog *w);
/* One sentence on what the last verdict rests on. Static string. */
const char *watchdog_why(const struct watchdog *w, enum watch watch);

#endif
