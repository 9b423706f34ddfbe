/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lock of CPython a blocked thread waits for. No name of a function is needed for it: what is
 * told is a chain of addresses that leads from an object to the word that the thread waits at.
 *
 * In 3.12, and for some types in 3.13, a lock has a semaphore apart: the object is looked for on
 * the stack of the thread, whose C functions need it again when they have the lock, and is believed
 * if it is a lock by the name of its type and points to the semaphore. Later a lock is a byte, and
 * who waits is parked at a semaphore on its own stack, before which stands the byte's address
 * (Python/parking_lot.c). Which of the two it is follows from where the semaphore is, not from the
 * release.
 *
 * A threading.RLock tells its owner, a threading.Lock and a PyMutex tell none.
 */
#ifndef FORKPOINT_OBSERVE_PYLOCKS_H
#define FORKPOINT_OBSERVE_PYLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "observe/maps.h"
#include "observe/memory.h"
#include "observe/python.h"
#include "observe/unwind.h"

struct pylock {
	const char *type; /* "threading.RLock", "threading.Lock", "PyMutex"; NULL: none is known */
	uint64_t address; /* of the object, or of the byte that a PyMutex is */
	/*
	 * Of a PyMutex: that the thread waits for one is not sure, since others than mutexes park
	 * threads; its stack has to say so.
	 */
	bool perhaps;
	bool join;        /* no lock: it waits for the end of its `owner`, if there is such a one */
	uint64_t owner;   /* pthread_self() of it; 0: none, or the lock does not tell */
	pid_t owner_tid;  /* the same, where its thread id is what is told */
};

#define PYLOCK_MUTEX "PyMutex"

/* What memory has to do with it. Of a process that does not move. */
struct pylock_memory {
	const struct maps *maps;
	struct memory *memory;
	const struct python *pythons; /* all of the process */
};

/*
 * Of a thread with that stack, which waits at `futex`; if it does: any number may be tried. All
 * zero: it waits for no such lock.
 */
struct pylock pylock_read(const struct pylock_memory *in, uint64_t futex,
			  const struct unwind_stack *stack);

#endif
