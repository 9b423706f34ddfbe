/* SPDX-License-Identifier: Apache-2.0 */
/* Who has what is waited for, when all threads concerned are known. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "observe/machine.h"
#include "observe/waits.h"

static const struct crash_interp *interp_of(const struct crash *crash,
					    const struct crash_thread *thread,
					    const struct crash_python **in)
{
	for (size_t i = 0; i < crash->npythons; i++) {
		const struct crash_python *python = *in = &crash->pythons[i];

		if (thread->runtime && (!python->module ||
					strcmp(python->module, thread->runtime) != 0))
			continue;
		for (size_t k = 0; python->pid == thread->pid && k < python->ninterps; k++)
			if (python->interps[k].id == thread->interp)
				return &python->interps[k];
	}
	return NULL;
}

/* struct _gil_runtime_state of 3.12 to 3.15, with its two conditions and mutexes. */
#define GIL_SIZE 208

/* On whose GIL's words it waits, whatever its frames are called. */
static const struct crash_interp *interp_of_gil(const struct crash *crash,
						const struct crash_thread *thread)
{
	const struct crash_wait *wait = &thread->wait;

	for (size_t i = 0; wait->syscall && i < crash->npythons; i++) {
		const struct crash_python *python = &crash->pythons[i];

		for (size_t k = 0; python->pid == thread->pid && k < python->ninterps; k++)
			if (python->interps[k].gil &&
			    wait->address - python->interps[k].gil < GIL_SIZE)
				return &python->interps[k];
	}
	return NULL;
}

/*
 * A thread that wants the GIL is awake now and then; and where it sleeps may be a word of libc's.
 * On Linux CPython's other locks wait by semaphores, so what calls this from a libpython is
 * take_gil(). For a caller that has no name of its own: one that has was judged by it, and a
 * program with CPython in it may have conditions that are not CPython's.
 */
static bool waits_in_take_gil(const struct crash_thread *thread, const struct crash_python *python)
{
	const char *name = python->module ? strrchr(python->module, '/') : NULL;

	if (!thread->has_python || !name || strncmp(name, "/libpython", 10) != 0)
		return false;
	for (size_t i = 0; i + 1 < thread->nframes && i < WAIT_DEPTH; i++) {
		const struct crash_frame *frame = &thread->frames[i], *caller = frame + 1;

		if (waits_frame_exact(frame) && !strcmp(frame->function, "pthread_cond_timedwait"))
			return !waits_frame_exact(caller) && caller->module &&
			       !strcmp(caller->module, python->module);
	}
	return false;
}

void waits_settle_gils(struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++) {
		struct crash_thread *thread = &crash->threads[i];
		const struct crash_python *python;
		const struct crash_interp *own = interp_of(crash, thread, &python);
		const struct crash_interp *interp = interp_of_gil(crash, thread);

		if (interp || (own && waits_in_take_gil(thread, python)))
			wait_set_what(&thread->wait, "GIL");
		if (!interp)
			interp = own;
		if (interp && thread->wait.what && !strcmp(thread->wait.what, "GIL") &&
		    interp->gil_tid != thread->tid)
			thread->wait.owner = interp->gil_tid;
	}
}

/*
 * The thread in whose descriptor an address lies. The process's own threads come first: a forked
 * child has the addresses of its parent's, too, and waits for one of those in vain.
 */
static pid_t descriptor_owner(const struct crash *crash, const struct wait_notes *notes,
			      const struct crash_thread *thread, uint64_t address)
{
	pid_t elsewhere = 0;

	for (size_t i = 0; i < crash->nthreads && i < notes->n; i++) {
		const struct crash_thread *other = &crash->threads[i];

		if (other == thread ||
		    !machine_descriptor_holds(notes->v[i].thread_pointer, address))
			continue;
		if (other->pid == thread->pid)
			return other->tid;
		elsewhere = other->tid;
	}
	return elsewhere;
}

/*
 * pthread_join() waits for a futex in the descriptor of the thread that is to end (its thread id in
 * older releases of glibc, a state word in 2.43, another one in musl), and it is the kernel that
 * wakes it, so the futex is not a private one. Thread.join() has CPython's own means.
 */
static pid_t join_target(const struct crash *crash, const struct wait_notes *notes, size_t i)
{
	const struct crash_thread *thread = &crash->threads[i];
	const struct wait_note *note = &notes->v[i];

	if (note->lock.join && note->lock.owner_tid)
		return note->lock.owner_tid;
	if (note->lock.join)
		return descriptor_owner(crash, notes, thread, note->lock.owner);
	return note->shared_futex ?
		descriptor_owner(crash, notes, thread, thread->wait.address) : 0;
}

/* Else one of them that is not known may be the owner that is missed. */
static bool all_descriptors_known(const struct crash *crash, const struct wait_notes *notes,
				  pid_t pid)
{
	for (size_t i = 0; i < crash->nthreads && i < notes->n; i++)
		if (crash->threads[i].pid == pid && !notes->v[i].thread_pointer)
			return false;
	return true;
}

/* A system call that has been interrupted and goes on was this. */
static void restarted_settle(struct crash_wait *wait, const struct wait_note *note)
{
	if (wait->address)
		return;
	free(wait->syscall);
	wait->syscall = xstrdup("futex");
	wait->address = note->futex;
}

static void lock_settle(struct crash *crash, const struct wait_notes *notes, size_t i)
{
	const struct pylock *lock = &notes->v[i].lock;
	struct crash_thread *thread = &crash->threads[i];
	struct crash_wait *wait = &thread->wait;

	if (!lock->type || (lock->perhaps && (!wait->what || strcmp(wait->what, lock->type) != 0)))
		return;
	restarted_settle(wait, &notes->v[i]);
	wait->lock_type = xstrdup(lock->type);
	wait->lock = lock->address;
	if (!lock->owner)
		return;
	wait->owner = descriptor_owner(crash, notes, thread, lock->owner);
	wait->owner_missing = !wait->owner && all_descriptors_known(crash, notes, thread->pid);
}

bool waits_miss_owner(const struct crash *crash, const struct wait_notes *notes)
{
	for (size_t i = 0; i < crash->nthreads && i < notes->n; i++) {
		uint64_t owner = notes->v[i].lock.owner;

		if (owner && !descriptor_owner(crash, notes, &crash->threads[i], owner))
			return true;
	}
	return false;
}

void waits_settle(struct crash *crash, const struct wait_notes *notes)
{
	for (size_t i = 0; i < crash->nthreads; i++) {
		struct crash_thread *thread = &crash->threads[i];
		struct crash_wait *wait = &thread->wait;
		const struct crash_thread *owner;
		pid_t target = 0;

		if (i < notes->n) {
			target = join_target(crash, notes, i);
			lock_settle(crash, notes, i);
		}
		if (target) {
			restarted_settle(wait, &notes->v[i]);
			wait_set_what(wait, "thread join");
			wait->owner = target;
		}

		if (!wait->owner || wait_is_for_process(wait))
			continue;
		owner = waits_thread(crash, wait->owner);
		if (!owner) {
			wait->owner = 0;
		} else if (owner->pid != thread->pid) {
			wait->owner_missing = true;
			wait->owner_elsewhere = owner->pid;
		}
	}
}
