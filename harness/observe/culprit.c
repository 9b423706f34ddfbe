/* SPDX-License-Identifier: Apache-2.0 */
/* Which thread a hang, or a loop without end, is about. */
#include <string.h>

#include "observe/waits.h"

/* Will the thread wait until somebody else acts? */
static bool thread_blocked(const struct crash_thread *thread)
{
	return thread->wait.syscall && !thread->wait.timed && !wait_is_for_process(&thread->wait);
}

/* CPython's own locks do not show their holder in memory without CPython's layout. */
static bool waits_for_unowned(const struct crash_thread *thread)
{
	static const char *const locks[] = { "GIL", "PyMutex", "PyThread lock" };

	for (size_t i = 0; thread->wait.what && i < sizeof(locks) / sizeof(*locks); i++)
		if (!strcmp(thread->wait.what, locks[i]))
			return true;
	return false;
}

/*
 * Does the chain of owners lead back to the thread? Where it ends at a thread that waits for a lock
 * of CPython's, while the first one waits for something else and for ever, it is taken for closed.
 */
static bool thread_in_cycle(const struct crash *crash, const struct crash_thread *thread)
{
	const struct crash_thread *at = thread;

	if (waits_for_unowned(thread))
		return false;
	for (size_t steps = 0; steps < crash->nthreads; steps++) {
		if (!at->wait.owner || at->wait.owner_missing || wait_is_for_process(&at->wait))
			return false;
		at = waits_thread(crash, at->wait.owner);
		if (!at || at == thread)
			return at != NULL;
		if (waits_for_unowned(at))
			return true;
	}
	return false;
}

static struct crash_thread *choose_running(struct crash *crash, pid_t last)
{
	struct crash_thread *first = NULL;

	for (size_t i = 0; i < crash->nthreads; i++) {
		struct crash_thread *thread = &crash->threads[i];

		if (thread->pid != last)
			continue;
		if (thread->state == 'R')
			return thread;
		if (!first)
			first = thread;
	}
	return first;
}

static struct crash_thread *choose_blocked(struct crash *crash, pid_t last)
{
	struct crash_thread *missing = NULL, *cycle = NULL, *blocked = NULL, *any = NULL;

	for (size_t i = 0; i < crash->nthreads; i++) {
		struct crash_thread *thread = &crash->threads[i];

		if (!missing && thread->wait.owner_missing)
			missing = thread;
		if (!cycle && thread_blocked(thread) && thread_in_cycle(crash, thread))
			cycle = thread;
		if (thread->pid != last)
			continue;
		if (!blocked && thread_blocked(thread))
			blocked = thread;
		if (!any)
			any = thread;
	}
	return missing ? missing : cycle ? cycle : blocked ? blocked : any;
}

struct crash_thread *waits_choose_culprit(struct crash *crash, pid_t last)
{
	struct crash_thread *chosen = crash->kind == CRASH_KIND_HANG ?
				      choose_blocked(crash, last) : choose_running(crash, last);

	if (chosen)
		chosen->culprit = true;
	return chosen;
}
