/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/frames.h"
#include "triage/readers.h"
#include "triage/rules.h"

/* abort() itself is some frames deep. */
#define ABORT_DEPTH 5

bool thread_aborts(const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes && i < ABORT_DEPTH; i++) {
		const char *name = thread->frames[i].function;

		if (name && (!strcmp(name, "abort") || !strcmp(name, "__GI_abort")))
			return true;
	}
	return false;
}

/* From the system call to the function that is called in order to wait. */
#define WAIT_DEPTH 8

/* What is innermost in a thread that waits, whatever for. */
static const char *const wait_calls[] = {
	"*futex_wait*", "*futex_abstimed_wait*", "__lll_lock_wait*", "syscall", "*nanosleep",
	"pause", "sigsuspend", "*sigtimedwait", "epoll_*wait*", "poll", "ppoll", "select", "pselect*",
	"read", "recv*", "accept*", "wait4", "waitpid", "waitid", "NtWaitFor*", "ZwWaitFor*",
	"NtDelayExecution", "NtRemoveIoCompletion*", NULL,
};

/*
 * What waits by some inner function of its own library, which a stripped one does not name. Alone,
 * it may as well have died of a lock that is none.
 */
static const char *const wait_locks[] = {
	"pthread_mutex_*lock", "pthread_rwlock_*lock", "pthread_cond_*wait", "pthread_join",
	"pthread_*join_*", "sem_*wait", "__new_sem_wait*", "do_futex_wait*", "_PySemaphore_Wait",
	"_PyParkingLot_Park", "PyThread_acquire_lock*", "take_gil", NULL,
};

static bool name_matches(const char *name, const char *const *patterns)
{
	for (; *patterns; patterns++)
		if (pattern_matches(*patterns, name, strlen(name)))
			return true;
	return false;
}

bool thread_waits(const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes && i < WAIT_DEPTH; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		char *name;
		bool waits;

		if (frame->python || frame->signal_frame)
			return false;
		if (!frame->function || frame->trust != TRUST_EXACT)
			continue;
		name = function_bare(frame->function);
		waits = name_matches(name, wait_calls) || (i && name_matches(name, wait_locks));
		free(name);
		return waits;
	}
	return false;
}

void crash_settle_kind(struct crash *crash)
{
	const struct crash_thread *thread = crash->nthreads ? &crash->threads[0] : NULL;

	if (crash->signo || !thread)
		return;
	if (thread_aborts(thread))
		crash->signo = SIGABRT;
	else if (thread_waits(thread))
		crash->kind = CRASH_KIND_LOOK;
}

/* How well a thread answers to what crash_find_culprit() promises: more is better. */
static unsigned int culprit_rank(const struct crash *crash, const struct crash_thread *thread)
{
	bool crashed = crash->kind == CRASH_KIND_SIGNAL && thread->nframes;

	return (thread->nframes ? 8u : 0) + (crashed && thread_aborts(thread) ? 4u : 0) +
	       (crashed && !thread_waits(thread) ? 2u : 0) + (thread->has_gil ? 1u : 0);
}

void crash_find_culprit(struct crash *crash, struct crash_thread *otherwise)
{
	struct crash_thread *culprit = otherwise;
	unsigned int best;

	if (!crash->nthreads)
		return;
	if (!culprit)
		culprit = &crash->threads[0];
	best = culprit_rank(crash, culprit);
	for (size_t i = 0; i < crash->nthreads; i++) {
		unsigned int rank = culprit_rank(crash, &crash->threads[i]);

		if (rank <= best)
			continue;
		culprit = &crash->threads[i];
		best = rank;
	}
	culprit->culprit = true;
	crash->tid = culprit->tid;
}
