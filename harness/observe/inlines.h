/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All functions at one address: the compiler puts functions into others, and DWARF tells which.
 * Their lines are those of the calls, so that they stand like frames of a stack.
 */
#ifndef FORKPOINT_OBSERVE_INLINES_H
#define FORKPOINT_OBSERVE_INLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/image.h"

/* What is nested deeper is left out, at the outer end but for the function itself. */
#define INLINES_MAX 64

struct inline_function {
	char *name; /* demangled; NULL: not known */
	char *file; /* NULL: not known */
	int line;
};

/*
 * Fills in `v`, which has INLINES_MAX + 1 elements: innermost first, each but the last inlined into
 * the next one. Their number; 0: the image has no DWARF of it. `place` is image_lookup()'s answer
 * to the same `vaddr` and `after_call`. The strings are the caller's.
 */
size_t inlines_find(struct image *image, uint64_t vaddr, bool after_call,
		    const struct image_place *place, struct inline_function *v);
void inlines_release(struct inline_function *v, size_t n);

#endif
