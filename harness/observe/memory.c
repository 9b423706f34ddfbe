/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/errors.h"

/*
 * 4 KiB is the smallest page of the machines we know, so that a cached block is readable whole or
 * not at all. 64 of them, direct-mapped, hold the stacks of a dozen threads, which is what one
 * capture reads; a collision costs a system call, nothing else.
 */
#define BLOCK_SIZE 4096u
#define BLOCKS 64u

enum block_state { BLOCK_EMPTY, BLOCK_GOOD, BLOCK_BAD };

struct block {
	uint64_t number;
	enum block_state state;
	unsigned char data[BLOCK_SIZE];
};

struct memory {
	pid_t pid;
	memory_source source; /* NULL: the process */
	void *context;
	int fd; /* /proc/PID/mem; -1: not opened, -2: may not be opened */
	bool refused; /* process_vm_readv is not allowed */
	struct block blocks[BLOCKS];
};

struct memory *memory_open(pid_t pid)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));

	memory->pid = pid;
	memory->fd = -1;
	return memory;
}

struct memory *memory_open_source(memory_source source, void *context)
{
	struct memory *memory = memory_open(0);

	memory->source = source;
	memory->context = context;
	return memory;
}

void memory_close(struct memory *memory)
{
	if (!memory)
		return;
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory);
}

pid_t memory_pid(const struct memory *memory)
{
	return memory->pid;
}

void memory_forget(struct memory *memory)
{
	for (size_t i = 0; i < BLOCKS; i++)
		memory->blocks[i].state = BLOCK_EMPTY;
}

/* A sandbox may forbid the system call and still allow the file. */
static bool block_read_file(struct memory *memory, uint64_t address, void *out)
{
	char path[48];

	if (memory->fd == -1) {
		snprintf(path, sizeof(path), "/proc/%d/mem", memory->pid);
		memory->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (memory->fd < 0)
			memory->fd = -2;
	}
	return memory->fd >= 0 &&
	       pread(memory->fd, out, BLOCK_SIZE, (off_t)address) == (ssize_t)BLOCK_SIZE;
}

static bool block_read(struct memory *memory, uint64_t address, void *out)
{
	struct iovec local = { out, BLOCK_SIZE };
	struct iovec remote = { (void *)(uintptr_t)address, BLOCK_SIZE };

	if (memory->source)
		return memory->source(memory->context, address, out, BLOCK_SIZE);
	if (!memory->refused) {
		ssize_t n = process_vm_readv(memory->pid, &local, 1, &remote, 1, 0);

		if (n == (ssize_t)BLOCK_SIZE)
			return true;
		if (n >= 0 || (errno != EPERM && errno != ENOSYS))
			return false;
		memory->refused = true;
	}
	return block_read_file(memory, address, out);
}

static const struct block *block_get(struct memory *memory, uint64_t number)
{
	struct block *block = &memory->blocks[number % BLOCKS];

	if (block->state == BLOCK_EMPTY || block->number != number) {
		block->number = number;
		block->state = block_read(memory, number * BLOCK_SIZE, block->data) ? BLOCK_GOOD
										     : BLOCK_BAD;
	}
	return block->state == BLOCK_GOOD ? block : NULL;
}

bool memory_read(struct memory *memory, uint64_t address, void *out, size_t size)
{
	unsigned char *p = out;

	if (address + size < address)
		return false;
	while (size) {
		const struct block *block = block_get(memory, address / BLOCK_SIZE);
		size_t at = address % BLOCK_SIZE;
		size_t part = BLOCK_SIZE - at < size ? BLOCK_SIZE - at : size;

		if (!block)
			return false;
		memcpy(p, block->data + at, part);
		p += part;
		address += part;
		size -= part;
	}
	return true;
}

bool memory_read_u64(struct memory *memory, uint64_t address, uint64_t *out)
{
	return memory_read(memory, address, out, sizeof(*out));
}

bool memory_read_u32(struct memory *memory, uint64_t address, uint32_t *out)
{
	return memory_read(memory, address, out, sizeof(*out));
}
