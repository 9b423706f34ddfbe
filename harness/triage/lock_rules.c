/* SPDX-License-Identifier: Apache-2.0 */
/* lock-order: threads, or handlers, that wait for each other. */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

/* The lock is renewed by a handler that comes later: one handler uses what another repairs. */
static void match_handler_order(const struct facts *facts, struct finding *finding)
{
	if (!facts_recorded_hang(facts) || !facts->culprit->wait.owner_missing ||
	    !sign_owner_forked(facts) || facts->handler < 0)
		return;
	finding_say(finding, SCORE_FAIR,
		    "a child handler wants a lock before the handler that renews it has run");
	finding_blame(finding, facts, facts->native);
	finding_handler(finding, facts);
	finding_because(finding, -1, "thread %d, which forked, took the lock itself",
			(int)facts->culprit->wait.owner);
}

/*
 * A handler called into CPython, which waits. Since CPython holds its locks from PyOS_BeforeFork()
 * to PyOS_AfterFork_*(), and all C handlers run in between on the thread that called them, the
 * thread waits for itself.
 */
static void match_own_lock(const struct facts *facts, struct finding *finding)
{
	char *handler, *entry;

	if (!facts_recorded_hang(facts) || facts->handler < 0 || facts->entry < 0 ||
	    facts->entry > facts->handler || !thread_waits_in_cpython(facts, facts->culprit))
		return;
	handler = facts_describe(facts, facts->handler);
	entry = facts_describe(facts, facts->entry);
	finding_say(finding, SCORE_PROOF,
		    "the at-fork handler %s called %s, which wants a lock that CPython holds over "
		    "the whole fork on behalf of this same thread", handler, entry);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->handler;
	finding_handler(finding, facts);
	finding_because(finding, facts->entry, "%s waits for %s %s inside CPython", entry,
			thread_wait_article(facts->culprit), thread_wait_word(facts->culprit));
	finding_because(finding, facts->fork, "the thread is in fork(), so between "
					      "PyOS_BeforeFork() and PyOS_AfterFork_*()");
	free(handler);
	free(entry);
}

/* A handler waits for a thread that waits for what the forking thread holds. */
static void match_join_in_handler(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *other = facts->lock_owner;
	char *place;

	if (!facts_recorded_hang(facts) || facts->handler < 0 || !other ||
	    other->pid != facts->culprit->pid || !thread_waits_in_cpython(facts, other))
		return;
	place = thread_describe_native(facts, other);
	finding_say(finding, SCORE_PROOF + 3,
		    "an at-fork handler waits for a thread to end, and that thread waits for %s "
		    "%s inside CPython, which the forking thread holds until the fork is over",
		    thread_wait_article(other), thread_wait_word(other));
	finding_blame(finding, facts, facts->handler);
	finding_handler(finding, facts);
	finding_because(finding, -1, "it waits for thread %d (%s)", (int)other->tid,
			thread_wait_word(facts->culprit));
	finding_because(finding, -1, "thread %d waits for %s %s inside CPython, called from %s",
			(int)other->tid, thread_wait_article(other), thread_wait_word(other),
			place ? place : "an unknown place");
	free(place);
}

static const struct crash_thread *thread_by_tid(const struct crash *crash, pid_t tid)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].tid == tid)
			return &crash->threads[i];
	return NULL;
}

/* Owners that lead round in a circle, fork or not. */
static void match_cycle(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *at = facts->culprit;
	size_t steps = 0;

	if (!facts_recorded_hang(facts))
		return;
	do {
		if (!at->wait.owner || at->wait.owner_missing ||
		    thread_waits_for(at, "child process"))
			return;
		at = thread_by_tid(facts->crash, at->wait.owner);
	} while (at && at != facts->culprit && ++steps <= facts->crash->nthreads);
	if (at != facts->culprit)
		return;
	finding_say(finding, SCORE_PROOF + 2, "%zu thread%s in a circle, each for the next",
		    steps + 1, steps ? "s wait" : " waits");
	finding_blame(finding, facts, facts->native);
	at = facts->culprit;
	do {
		finding_because(finding, -1, "thread %d waits for a %s of thread %d", (int)at->tid,
				thread_wait_word(at), (int)at->wait.owner);
		at = thread_by_tid(facts->crash, at->wait.owner);
	} while (at && at != facts->culprit);
}

/* The same of stacks, whose waits are told by functions: sure that it waits, not for what. */
static void match_python_in_handler(const struct facts *facts, struct finding *finding)
{
	char *handler, *entry;

	if (!facts_hang(facts) || facts->handler < 0 || facts->entry < 0 ||
	    facts->entry > facts->handler || !stack_waits_in_cpython(facts, facts->culprit))
		return;
	handler = facts_describe(facts, facts->handler);
	entry = facts_describe(facts, facts->entry);
	finding_say(finding, SCORE_FAIR + 10,
		    "the at-fork handler %s called %s, which waits inside CPython: its locks are "
		    "held over the whole fork on behalf of this same thread", handler, entry);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->handler;
	finding_handler(finding, facts);
	finding_because(finding, facts->entry, "CPython waits here for a lock of its own");
	free(handler);
	free(entry);
}

static const char *const joins[] = {
	"pthread_join", "__pthread_join", "__pthread_clockjoin_ex", "pthread_timedjoin_np",
	"__pthread_timedjoin_ex", "_pthread_join", "std::thread::join", "join",
	"PeriodicThread_join", NULL,
};

static const struct crash_thread *other_awaiting_gil(const struct facts *facts)
{
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		if (thread != facts->culprit && !thread->role && thread_awaits_gil(thread) &&
		    thread_native(facts, thread) >= 0)
			return thread;
	}
	return NULL;
}

/* A prepare handler that waits for a thread's end, in stacks. */
static void match_join_stack(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *other;
	char *place;
	int join;

	if (facts->crash->kind != CRASH_KIND_LOOK || facts->handler < 0)
		return;
	join = facts_find_like(facts, joins);
	other = join >= 0 && join < facts->handler ? other_awaiting_gil(facts) : NULL;
	if (!other)
		return;
	place = thread_describe_native(facts, other);
	finding_say(finding, SCORE_FAIR + 10,
		    "an at-fork handler waits for a thread to end, and that thread waits for the "
		    "GIL, which the forking thread holds until the fork is over");
	finding_blame(finding, facts, facts->handler);
	finding_handler(finding, facts);
	finding_because(finding, join, "it waits for a thread to end");
	finding_because(finding, -1, "another thread waits for the GIL, called from %s",
			place ? place : "an unknown place");
	free(place);
}

#define HELD_OVER_FORK "3.12 holds the import lock over a fork; 3.13 and later the list of " \
		       "interpreters as well, and stop all threads"

const struct pattern_rule lock_rules[] = {
	{
		.pattern = PATTERN_LOCK_ORDER,
		.name = "handler-order",
		.match = match_handler_order,
		.required = "a record of a hang in an at-fork handler of the child, for a lock "
			    "that the forking thread itself took: a later handler was to renew it",
		.sources = { "DataDog/dd-trace-py#17183" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "own-lock",
		.match = match_own_lock,
		.required = "a record of a hang in which an at-fork handler called CPython, and "
			    "that waits for a lock of CPython's",
		.versions = HELD_OVER_FORK,
		.sources = { "python/cpython#116607", "DataDog/dd-trace-py#17042" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "python-in-handler",
		.match = match_python_in_handler,
		.required = "a hang, or stacks, in which fork() called somebody's own code, that "
			    "CPython, and that one of the functions by which CPython waits",
		.versions = HELD_OVER_FORK,
		.sources = { "python/cpython#116607", "DataDog/dd-trace-py#17042" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "join-in-handler",
		.match = match_join_in_handler,
		.required = "a record of a hang in which an at-fork handler waits for a thread, "
			    "and that thread for a lock of CPython's",
		.sources = { "DataDog/dd-trace-py#17042" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "join-stack",
		.match = match_join_stack,
		.required = "stacks in which fork() called somebody's own code that waits for a "
			    "thread's end, and another thread of somebody's own waits for the GIL",
		.sources = { "DataDog/dd-trace-py#17042" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "cycle",
		.match = match_cycle,
		.required = "a record in which each lock names its owner, and they lead round in a "
			    "circle",
		.sources = { "python/cpython#72998" },
	},
	{ .match = NULL },
};
