/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several points at one stop. As far as W's registers tell where it goes and where it stores, what
 * it does is known before it does it: which points it comes by, and that memory which others can
 * see is the same at each. So W need stop at the last one only. On the way are calls, returns and
 * jumps through memory that nobody else can change, what is stored in W's own stack, and the jumps
 * whose flags are those that W has now.
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
};

/* From where W stands; false: a step does as well. For a walker that observes. */
bool stride_plan(struct stride *stride, struct walker *walker);

/*
 * Let W run to its end. *n: so many of its points W has come to. Fewer than all: it was stopped on
 * the way by a signal, which it has not got yet, at the last of these; or it is no more.
 */
enum walk_state stride_run(const struct stride *stride, struct walker *walker, size_t *n);

#endif
