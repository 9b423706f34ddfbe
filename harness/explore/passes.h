/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping a traced thread when it comes by an address for the n-th time, and not before: the
 * kernel counts (perf_event_open(2), a breakpoint with a period and `sigtrap`, since Linux 5.13),
 * which costs a fraction of a stop for its tracer. The kernel or its settings may not allow that.
 */
#ifndef FORKPOINT_EXPLORE_PASSES_H
#define FORKPOINT_EXPLORE_PASSES_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The thread stands, and runs into a SIGTRAP that its tracer sees before it executes the
 * instruction there for the n-th time. Like any breakpoint, it does not see an instruction before
 * which the thread was stopped by one. A descriptor to close, which ends it; -1: count yourself.
 */
int passes_count(pid_t tid, uint64_t address, unsigned int n);

#endif
