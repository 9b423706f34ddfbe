/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several points at one stop. As far as W's registers and memory tell where it goes and where it
 * stores, what it does is known before it does it: which points it comes by, and that memory which
 * others can see is the same at each but the last, behind a store. So W need stop there only. On
 * the way are calls, returns, jumps, what is stored in W's own stack, and all that can be worked
 * out (cpu_ahead_*()).
 *
 * While W is walked nobody else moves, so what it will load stands there already. That is not taken
 * on trust: at the end W's registers are compared with what they were foretold to be.
 *
 * That serves forks (a child meets memory, and not what W has read), and no others.
 */
#ifndef FORKPOINT_EXPLORE_STRIDE_H
#define FORKPOINT_EXPLORE_STRIDE_H

#include <stddef.h>
#include <stdint.h>

#include "explore/walker.h"

#define STRIDE_MAX 64

struct stride_point {
	uint64_t pc, sp;
};

struct stride {
	struct stride_point points[STRIDE_MAX + 1]; /* from where W stands to where it is to stop */
	size_t n;                                   /* instructions in between */
	struct cpu_ahead end;                       /* what is known of W there */
	struct cpu_access stores[CPU_ACCESSES_MAX]; /* the last one's, which others can see */
	size_t nstores;
};

/* From where W stands; false: a step does as well. For a walker that observes. */
bool stride_plan(struct stride *stride, struct walker *walker);

/*
 * Let W run to its end. *n: so many of its points W has come to. Fewer than all: it was stopped on
 * the way by a signal, which it has not got yet, at the last of these; or it is no more.
 * WALK_ASTRAY: somebody has changed what it went by, so where it came by is not known.
 */
enum walk_state stride_run(const struct stride *stride, struct walker *walker,
			   struct walk_effect *effect, size_t *n);

#endif
