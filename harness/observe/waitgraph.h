/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for whom, followed to its end: is it a deadlock, a lock that a fork has lost, or only
 * slow? Worked out from a record; nothing is looked at again.
 */
#ifndef FORKPOINT_OBSERVE_WAITGRAPH_H
#define FORKPOINT_OBSERVE_WAITGRAPH_H

#include <stddef.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "observe/crash.h"

/* Where a chain of waits ends; the worst last. */
enum wait_end {
	WAIT_END_RUNS,    /* at a thread that runs, or can: it is slow, if it is anything */
	WAIT_END_OUTSIDE, /* at one that waits for a time, a child, a file: no lock */
	WAIT_END_UNKNOWN, /* at one that waits for something whose owner nothing tells */
	WAIT_END_PARKED,  /* at one that CPython holds for ever, by design */
	WAIT_END_LOST,    /* the owner is a thread of the process that this one was forked from,
			   * or it has ended */
	WAIT_END_CIRCLE,  /* at a thread that has been before: none of the circle goes on */
};

/* "runs", "outside", "unknown", "parked", "lost", "circle". Static string. */
const char *wait_end_name(enum wait_end end);

struct wait_chain {
	const struct crash_thread **v; /* from one that waits on; the last waits for no other */
	size_t n;
	size_t back; /* of a circle: the first of it, in v; it ends there */
	enum wait_end end;
};

/*
 * Of a thread. Threads of the record are the chain's. Release it.
 */
void wait_chain_follow(struct wait_chain *chain, const struct crash *crash,
		       const struct crash_thread *thread);
void wait_chain_release(struct wait_chain *chain);

/* What the worst chain of the process ends at; WAIT_END_RUNS if no thread waits for another. */
enum wait_end waitgraph_worst(const struct crash *crash, pid_t pid);

/*
 * A line for each chain of more than one thread, or that ends badly, and one that says what it
 * comes to; nothing if there is none.
 */
void waitgraph_tell(struct strbuf *out, const struct crash *crash, pid_t pid);

#endif
