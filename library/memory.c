/* SPDX-License-Identifier: Apache-2.0 */
#include "library/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

struct memory_block {
	alignas(max_align_t) struct memory_block *next;
	struct memory_block **link; /* what points to this one */
};

static _Thread_local struct memory *current;

static void *block_add(struct memory_block *block)
{
	block->next = current->first;
	block->link = &current->first;
	if (block->next)
		block->next->link = &block->next;
	current->first = block;
	return block + 1;
}

static void block_remove(struct memory_block *block)
{
	*block->link = block->next;
	if (block->next)
		block->next->link = block->link;
}

void *memory_alloc(size_t size)
{
	struct memory_block *block = NULL;

	if (size <= PTRDIFF_MAX - sizeof(*block))
		block = malloc(sizeof(*block) + size);
	return block ? block_add(block) : NULL;
}

void *memory_calloc(size_t n, size_t size)
{
	void *p = size && n > PTRDIFF_MAX / size ? NULL : memory_alloc(n * size);

	return p ? memset(p, 0, n * size) : NULL;
}

void *memory_realloc(void *p, size_t size)
{
	struct memory_block *block = p, *moved;

	if (!p)
		return memory_alloc(size);
	if (size > PTRDIFF_MAX - sizeof(*block))
		return NULL;
	block_remove(--block);
	moved = realloc(block, sizeof(*block) + size);
	if (!moved) {
		block_add(block);
		return NULL;
	}
	return block_add(moved);
}

void memory_free(void *p)
{
	struct memory_block *block = p;

	if (!p)
		return;
	block_remove(--block);
	free(block);
}

char *memory_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = memory_alloc(size);

	return copy ? memcpy(copy, s, size) : NULL;
}

void memory_release(struct memory *memory)
{
	struct memory_block *next;

	for (struct memory_block *block = memory->first; block; block = next) {
		next = block->next;
		free(block);
	}
	memory->first = NULL;
}

/* Nothing of this function's own is changed between setjmp() and the jump. */
enum memory_end memory_run(struct memory *memory, void (*work)(void *arg), void *arg)
{
	int end = setjmp(memory->out);

	if (end == MEMORY_DONE) {
		current = memory;
		work(arg);
	} else {
		memory_release(memory);
	}
	current = NULL;
	return (enum memory_end)end;
}

/* What base/errors.h promises the rest; in the library no call may end the process. */
void no_memory(void)
{
	longjmp(current->out, MEMORY_NONE);
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	(void)file, (void)line, (void)fmt;
	longjmp(current->out, MEMORY_FAULT);
}
