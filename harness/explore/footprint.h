/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory F meets in its operation, from its beginning until it waits for W or is done: word
 * by word, what it reads and what it writes.
 *
 * An instruction of W's that writes nothing of it, and reads nothing that F writes, makes no
 * difference by whether it comes before all that or after: they are independent in the sense of
 * partial-order reduction (P. Godefroid, Partial-order methods for the verification of concurrent
 * systems, LNCS 1032, 1996).
 */
#ifndef FORKPOINT_EXPLORE_FOOTPRINT_H
#define FORKPOINT_EXPLORE_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explore/cpu.h"

/* All zero: F has met nothing. */
struct footprint {
	uint64_t *slots; /* of a hash table: a word's number and whether it is written */
	size_t nslots;   /* power of two, or 0 */
	size_t n;
};

void footprint_release(struct footprint *footprint);
void footprint_add(struct footprint *footprint, uint64_t address, uint64_t size, bool writes);
/*
 * What the kernel does for F in a system call, which F stands before. False: that is not known
 * here, and so might be anything.
 */
bool footprint_add_call(struct footprint *footprint, const struct cpu_registers *registers);
/* Is the system call that F stands before a wait in a futex with a time limit? */
bool footprint_call_has_limit(const struct cpu_registers *registers);
/* Does an access of W's depend on it? */
bool footprint_meets(const struct footprint *footprint, const struct cpu_access *access);

#endif
