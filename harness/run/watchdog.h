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
 *            while other threads cycle on. The last two not while a thread is in a wait with a
 *            time limit from which it has not once woken up meanwhile: it may do so, and go on
 *   SPIN     it has used SPIN_SECONDS of CPU since it last moved
 *   STOPPED  for STOPPED_NS all its threads have been stopped by a signal: no deadlock, since
 *            whoever sent SIGSTOP may send SIGCONT, but nothing that would end by itself; or a
 *            tracer has held one of them for as long, and nothing moves
 *   LIMIT    it is there after LIMIT_NS, whatever it does
 *
 * "Moves" is control->state.progress. A process that is short of CPU is runnable, or has been: the
 * kernel accounts for that (schedstat), but only when a thread gets its turn at last; until then it
 * is seen to be runnable, and not to have run since the look before. Such time counts for nobody,
 * or for little, and nor does time in which nobody looked because the driver itself was stopped, or
 * short of CPU.
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
	WATCH_SPIN,
	WATCH_STOPPED,
	WATCH_LIMIT,
};

/* Of more threads than this, the others are taken for ones that have woken up, or have run. */
#define WATCH_TASKS_MAX 64

/* Some of a process's threads, as they were in one look. */
struct watch_tasks {
	pid_t pid;
	unsigned int n;
	pid_t tids[WATCH_TASKS_MAX];
	uint64_t switches[WATCH_TASKS_MAX];
	uint64_t ticks[WATCH_TASKS_MAX];
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
	bool stopped;  /* each thread is stopped by a signal or a tracer */
	/*
	 * Threads that a tracer holds, and their switches. Not by us: what we trace we let go
	 * before we look again.
	 */
	unsigned int traced;
	uint64_t traced_switches;
	struct watch_tasks runnable; /* those that run, or wait for a CPU */
};

struct watchdog {
	const struct control *control;
	uint64_t looked_ns;  /* when */
	uint64_t watched_ns; /* since the start, as far as somebody looked */
	uint32_t progress;
	struct watch_sums last;
	uint64_t still_ns;
	uint64_t stopped_ns;
	uint64_t spun_ticks;
	uint64_t operator_switches;
	uint64_t operator_still_ns;
	uint64_t operator_ns; /* that F may be still while others cycle */
	/* Threads in a wait with a time limit, as they were when the stillness began. */
	struct watch_tasks still_naps, operator_naps;
	pid_t culprit; /* the process that a verdict is about */
};

void watchdog_start(struct watchdog *w, const struct control *control);
/*
 * F has been found asleep without a time limit where it was found before, though a worker that
 * cycles has had its turn in between: what follows is judged as a standstill of all of them.
 */
void watchdog_expect_standstill(struct watchdog *w);
/* Called every WATCHDOG_LOOK_NS or later. After anything but WATCH_ON it is not asked again. */
enum watch watchdog_look(struct watchdog *w);
/* One sentence on what the last verdict rests on. Static string. */
const char *watchdog_why(const struct watchdog *w, enum watch watch);

#endif
