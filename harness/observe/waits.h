/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a blocked thread waits for. Three sources, in this order of belief: its system call and
 * arguments, the memory at the futex's address, the exact names on its stack.
 */
#ifndef FORKPOINT_OBSERVE_WAITS_H
#define FORKPOINT_OBSERVE_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/procfs.h"
#include "observe/crash.h"
#include "observe/memory.h"
#include "observe/pylocks.h"

/* What is worth knowing of each thread of a record until its waits are settled. */
struct wait_note {
	uint64_t thread_pointer;
	bool shared_futex; /* waits for a futex that others than this process may wake */
	uint64_t futex;    /* waits at it, perhaps; 0: at none */
	struct pylock lock; /* of CPython, that it waits for */
};

struct wait_notes {
	struct wait_note *v; /* one for each of crash->threads, in its order */
	size_t n;
};

struct wait_note *wait_notes_add(struct wait_notes *notes);
void wait_notes_release(struct wait_notes *notes);

/*
 * Fill thread->wait from the system call and from memory. An owner is what the lock's memory
 * claims; it is a fact only after waits_settle(). `memory` NULL: not readable.
 */
void wait_read(struct crash_thread *thread, struct wait_note *note, const struct task_state *task,
	       struct memory *memory);
void wait_set_what(struct crash_wait *wait, const char *what);
/* Name the wait by the thread's stack, which must be symbolised, where memory did not tell. */
void wait_name(struct crash_thread *thread);
/*
 * How far up the cause of a wait may stand: futex helper, its wrapper, the public function, lock
 * slow path, lock, and one more for inlining that went another way.
 */
#define WAIT_DEPTH 7
/* Has it a name that is no guess? */
bool waits_frame_exact(const struct crash_frame *frame);
/*
 * Believe an owner only if it is a thread of the record: of the same process, or of another one.
 * All threads of all processes concerned must be in `crash`. Finds who a join waits for, too, and
 * who has a lock of CPython's.
 */
void waits_settle(struct crash *crash, const struct wait_notes *notes);
/* For a lock of CPython's that by its kind does not tell who has it. */
bool waits_lock_has_no_owner(const struct crash_wait *wait);
/* Waits for the end of a process, not for a lock or a thread. */
bool wait_is_for_process(const struct crash_wait *wait);
/* CPython holds it for ever, since the interpreter has been finalized. */
bool waits_is_parked(const struct crash_wait *wait);
/* Has one of the threads a lock of CPython's whose owner is none of these threads? */
bool waits_miss_owner(const struct crash *crash, const struct wait_notes *notes);
/*
 * Who has a GIL that is waited for, by what CPython itself says. After waits_settle(), of processes
 * whose Python has been looked at.
 */
void waits_settle_gils(struct crash *crash);
const struct crash_thread *waits_thread(const struct crash *crash, pid_t tid);
/*
 * observe/culprit.c. Mark the culprit, as capture_hang() promises, and return it. `last` is the
 * last process given. NULL if the record has no thread of it.
 */
struct crash_thread *waits_choose_culprit(struct crash *crash, pid_t last);

#endif
