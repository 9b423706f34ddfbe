/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/pylocks.h"

#include <string.h>

/*
 * How far from a thread's stack pointer CPython's functions for locks keep what they need: below
 * them is libc's wait alone, some 300 bytes.
 */
#define NEAR 4096u

/* What follows the head of an object of either type; a lock has the first only. */
enum {
	LOCK_WORD = 0,    /* a pointer to a semaphore, or a PyMutex */
	RLOCK_OWNER = 8,
};

/* PyMutex, PyEvent: one byte. */
enum {
	BYTE_LOCKED = 1,
	BYTE_PARKED = 2,
};

/*
 * Thread.join() is parked at a PyEvent of the thread's handle (ThreadHandle of
 * Modules/_threadmodule.c, 3.13 to 3.15), which has the thread's ident and libc's handle before it:
 * on Linux these are the same.
 */
enum {
	HANDLE_ALIGN = 7,
	HANDLE_IDENT = 24,
	HANDLE_HANDLE = 16,
};

/* One of them. */
struct look {
	const struct maps *maps;
	struct memory *memory;
	const struct python *python;
};

static uint32_t head_size(const struct look *in)
{
	return in->python->offsets.object_type + (uint32_t)sizeof(uint64_t);
}

static bool text_is(struct memory *memory, uint64_t address, const char *text)
{
	char bytes[16];
	size_t size = strlen(text) + 1;

	return size <= sizeof(bytes) && memory_read(memory, address, bytes, size) &&
	       !memcmp(bytes, text, size);
}

/* NULL: it is no lock. */
static const char *lock_type(const struct look *in, uint64_t object)
{
	uint64_t type, name;

	if (!memory_read_u64(in->memory, object + in->python->offsets.object_type, &type) ||
	    !memory_read_u64(in->memory, type + in->python->offsets.type_name, &name))
		return NULL;
	if (text_is(in->memory, name, "_thread.RLock"))
		return "threading.RLock";
	return text_is(in->memory, name, "_thread.lock") ? "threading.Lock" : NULL;
}

static bool lock_of_object(const struct look *in, uint64_t object, struct pylock *lock)
{
	uint64_t owner = object + head_size(in) + RLOCK_OWNER;
	const char *type = lock_type(in, object);

	if (!type)
		return false;
	*lock = (struct pylock){ .type = type, .address = object };
	if (!strcmp(type, "threading.RLock"))
		memory_read_u64(in->memory, owner, &lock->owner);
	return true;
}

/* The object whose semaphore the thread waits at, on its stack. */
static bool semaphore_lock(const struct look *in, uint64_t semaphore, uint64_t sp,
			   struct pylock *lock)
{
	uint32_t word = head_size(in) + LOCK_WORD;
	uint64_t object, points_to;

	for (uint64_t at = sp; at < sp + NEAR; at += sizeof(at)) {
		if (!memory_read_u64(in->memory, at, &object))
			return false;
		if (object % sizeof(object) || !maps_is_writable(in->maps, object) ||
		    !memory_read_u64(in->memory, object + word, &points_to) ||
		    points_to != semaphore)
			continue;
		if (lock_of_object(in, object, lock))
			return true;
	}
	return false;
}

/*
 * Thread.join() of 3.12 waits for a lock that is let go when the thread state ends, which has a
 * weak reference to it: the object stands behind that one's head.
 */
static void lock_of_thread(const struct look *in, struct pylock *lock)
{
	const struct python *python = in->python;
	uint32_t reference = python->offsets.thread_join_lock;
	uint64_t weak, object;

	for (size_t i = 0; reference && i < python->nthreads; i++) {
		const struct python_thread *thread = &python->threads[i];

		if (!memory_read_u64(in->memory, thread->address + reference, &weak) || !weak ||
		    !memory_read_u64(in->memory, weak + head_size(in), &object) ||
		    object != lock->address)
			continue;
		*lock = (struct pylock){ .join = true, .owner_tid = thread->tid };
		return;
	}
}

static bool parked_join(const struct look *in, uint64_t event, struct pylock *lock)
{
	uint64_t base = event & ~(uint64_t)HANDLE_ALIGN, ident, handle;

	if (!memory_read_u64(in->memory, base - HANDLE_IDENT, &ident) ||
	    !memory_read_u64(in->memory, base - HANDLE_HANDLE, &handle) ||
	    !ident || ident != handle)
		return false;
	*lock = (struct pylock){ .join = true, .owner = ident };
	return true;
}

static bool parked_lock(const struct look *in, uint64_t byte, struct pylock *lock)
{
	uint8_t value;

	if (!memory_read(in->memory, byte, &value, sizeof(value)))
		return false;
	if (value == BYTE_PARKED)
		return parked_join(in, byte, lock);
	if (value != (BYTE_LOCKED | BYTE_PARKED))
		return false;
	if (!lock_of_object(in, byte - head_size(in) - LOCK_WORD, lock))
		*lock = (struct pylock){
			.type = PYLOCK_MUTEX, .address = byte, .perhaps = true,
		};
	return true;
}

static struct pylock look_for(const struct look *in, uint64_t futex, uint64_t sp)
{
	struct pylock lock = { 0 };
	uint64_t byte;

	if (futex - sp < NEAR) {
		if (memory_read_u64(in->memory, futex - sizeof(byte), &byte))
			parked_lock(in, byte, &lock);
	} else if (semaphore_lock(in, futex, sp, &lock)) {
		lock_of_thread(in, &lock);
	}
	return lock;
}

struct pylock pylock_read(const struct pylock_memory *in, uint64_t futex,
			  const struct unwind_stack *stack)
{
	const struct python *python = in->pythons;
	struct pylock lock = { 0 };

	if (!futex || !stack->n || !stack->frames[0].sp)
		return lock;
	for (; python && !lock.join && (!lock.type || lock.perhaps); python = python->next) {
		const struct look look = { in->maps, in->memory, python };
		struct pylock found = look_for(&look, futex, stack->frames[0].sp);

		if (found.join || found.type)
			lock = found;
	}
	return lock;
}
