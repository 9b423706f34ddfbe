/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory other threads, or a forked child, can see of what W touches in its window.
 *
 * All of it, but for W's own stack below the frame in which the window began, as long as no address
 * of it stands anywhere else. That is checked: all writable memory is searched for such addresses
 * when the window begins, and each word that W stores elsewhere from then on. An address that is
 * found makes what lies within REACH_ZONE of it visible. What this takes for granted: a pointer is
 * stored as such (not scrambled, not in two halves), and at a multiple of its size.
 *
 * Memory that nobody may write (code, constants, what the linker has relocated) is read by all and
 * changed by none.
 */
#ifndef FORKPOINT_EXPLORE_REACH_H
#define FORKPOINT_EXPLORE_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explore/pagecopy.h"

/*
 * How far from its address an object on a stack may reach: no frame of CPython's or of a sampler's
 * comes near it, and thread stacks have 8 MiB, of which limits are stored (3.14 and later).
 */
#define REACH_ZONE 65536
#define REACH_ZONES_MAX 32

struct reach_range {
	uint64_t start, end;
};

struct reach {
	uint64_t low, high; /* W's stack, from its end to the frame that has entered the window */
	struct reach_range zones[REACH_ZONES_MAX]; /* in it, what others may know of */
	size_t nzones;
	bool all; /* too many zones: nothing is private any more */
	struct reach_range *constant; /* ascending */
	size_t nconstant;
};

/*
 * `copy` was taken of the process while all its threads stood still, and is not needed any more
 * afterwards. The control page is not in it: no address of W's stack is stored there, unless W
 * crashes. `sp` is W's, at the window's first instruction, where it stood then. Release it.
 */
void reach_begin(struct reach *reach, const struct pagecopy *copy, uint64_t sp);
void reach_release(struct reach *reach);

/* Is all of it W's alone? */
bool reach_is_private(const struct reach *reach, uint64_t address, uint64_t size);
/* Can nobody change it? */
bool reach_is_constant(const struct reach *reach, uint64_t address, uint64_t size);

/* W has stored these bytes, which are at `address` now, where others may look. */
void reach_stored(struct reach *reach, uint64_t address, const void *bytes, size_t size);
/* W has stored something, nobody knows what and where. */
void reach_lost(struct reach *reach);

#endif
