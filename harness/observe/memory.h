/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading another process's memory: process_vm_readv, or /proc/PID/mem where that is refused; or,
 * of a process that is no more, by whoever has what is left of it.
 * Pages are kept while the process stands still: open, stop the process, read, close.
 * Addresses come from stacks and registers that may be garbage, so "not readable" is ordinary.
 */
#ifndef FORKPOINT_OBSERVE_MEMORY_H
#define FORKPOINT_OBSERVE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memory;

/* All of [address, address + size), which lies within one page, or false. */
typedef bool (*memory_source)(void *context, uint64_t address, void *out, size_t size);

struct memory *memory_open(pid_t pid);
/* `context` stays the caller's; the pid is 0. */
struct memory *memory_open_source(memory_source source, void *context);
void memory_close(struct memory *memory); /* NULL is fine */
pid_t memory_pid(const struct memory *memory);
/* Forget what was read: the process ran meanwhile. */
void memory_forget(struct memory *memory);
/* All of it or nothing. */
bool memory_read(struct memory *memory, uint64_t address, void *out, size_t size);
bool memory_read_u64(struct memory *memory, uint64_t address, uint64_t *out);
bool memory_read_u32(struct memory *memory, uint64_t address, uint32_t *out);

#endif
