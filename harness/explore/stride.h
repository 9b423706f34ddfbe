/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several points at one stop. A run of instructions that store nothing, do not branch and leave the
 * stack pointer alone, in code that nobody may write, is known before W goes through it: which
 * points it has, and that memory is the same at each. So W need stop at the last one only. A jump
 * before which W stands may be the first of them, for W's flags tell where that leads.
 *
 * That serves forks (a child meets memory, and not what W has read), and no others.
 */
#ifndef FORKPOINT_EXPLORE_STRIDE_H
#define FORKPOINT_EXPLORE_STRIDE_H

#include <stddef.h>
#include <stdint.h>

#include "explore/walker.h"

#define STRIDE_MAX 64

struct stride {
	uint64_t pcs[STRIDE_MAX + 1]; /* from where W stands to where it is to stop */
	size_t n;                     /* instructions in between */
};

/* From where W stands; false: a step does as well. For a walker that observes. */
bool stride_plan(struct stride *stride, struct walker *walker);

/*
 * Let W run to its end. *n: so many of its points W has come to. Fewer than all: it was stopped on
 * the way by a signal, which it has not got yet, at the last of these; or it is no more.
 */
enum walk_state stride_run(const struct stride *stride, struct walker *walker, size_t *n);

#endif
