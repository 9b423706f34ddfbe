/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the library. In there all that harness/triage and what is beneath it allocate
 * belongs to the call that is under way, or to what it returns: the Makefile lets their malloc,
 * free and kin be those of here (library/memory.syms). So the call can be left at once where there
 * is no memory, as no_memory() does, and nothing is lost.
 */
#ifndef FORKPOINT_LIBRARY_MEMORY_H
#define FORKPOINT_LIBRARY_MEMORY_H

#include <setjmp.h>
#include <stddef.h>

struct memory_block;

/* All zero: empty. It may not be moved while there is something in it. */
struct memory {
	struct memory_block *first;
	jmp_buf out;
};

enum memory_end { MEMORY_DONE, MEMORY_NONE, MEMORY_FAULT };

/*
 * Call work(arg), whose allocations become `memory`'s. MEMORY_NONE, MEMORY_FAULT: it was left
 * before its end, and all of `memory` is freed. Threads do not disturb each other; a call must not
 * be made within another.
 */
enum memory_end memory_run(struct memory *memory, void (*work)(void *arg), void *arg);
void memory_release(struct memory *memory);

/* What memory.syms puts in the place of malloc() and its kin; only within memory_run(). */
void *memory_alloc(size_t size);
void *memory_calloc(size_t n, size_t size);
void *memory_realloc(void *p, size_t size);
void memory_free(void *p);
char *memory_strdup(const char *s);

#endif
