/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-safety and lock-order.
 *
 * Where a fork is involved the two are told apart by whose the missing step is. A lock, or data,
 * that another thread had at the fork is gone with that thread: fork-safety. A thread that waits
 * for what it holds itself, or for another thread that waits for it, is lock-order, also if it
 * happens inside fork().
 */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

static bool hangs(const struct facts *facts)
{
	return facts->crash->kind == CRASH_KIND_HANG && facts->culprit;
}

static bool crashed(const struct facts *facts)
{
	return facts->crash->kind == CRASH_KIND_SIGNAL && facts->culprit;
}

/* "a mutex", "the GIL": there is one GIL. */
static const char *wait_article(const struct crash_thread *thread)
{
	return thread_waits_for(thread, "GIL") ? "the" : "a";
}

static const char *wait_word(const struct crash_thread *thread)
{
	return thread->wait.what ? thread->wait.what : "lock";
}

/* The at-fork handler that the culprit is in, as evidence. */
static void handler_evidence(struct finding *finding, const struct facts *facts)
{
	char *handler;

	if (facts->handler < 0)
		return;
	handler = facts_describe(facts, facts->handler);
	finding_because(finding, facts->handler, "%s runs inside fork(): it is an at-fork handler",
			handler);
	free(handler);
}

/* Did the thread that forked take the lock itself, in a prepare handler? */
static bool owner_is_forker(const struct facts *facts)
{
	const struct crash_thread *owner = facts->lock_owner;

	/* The parent's forking thread waits for the child, or is still in fork(). */
	return owner && owner->pid == facts->culprit->wait.owner_elsewhere &&
	       thread_waits_for(owner, "child process");
}

static void match_lost_owner(const struct facts *facts, struct finding *finding)
{
	const struct crash_wait *wait;
	const char *what;
	char *owner;

	if (!hangs(facts) || !facts->culprit->wait.owner_missing)
		return;
	wait = &facts->culprit->wait;
	what = wait_word(facts->culprit);
	if (owner_is_forker(facts))
		finding_say(finding, SCORE_PROOF + 5,
			    "the child waits for a %s that the forking thread took before the fork "
			    "and that nobody has renewed in the child yet", what);
	else
		finding_say(finding, SCORE_PROOF + 7,
			    "the child waits for a %s that a thread of the parent had when it "
			    "forked; no thread of the child will release it", what);
	finding_blame(finding, facts, facts->native);
	finding_because(finding, -1,
			"the %s at 0x%llx names thread %d as its owner: no thread of process %d, "
			"but one of process %d", what, (unsigned long long)wait->address,
			(int)wait->owner, (int)facts->culprit->pid, (int)wait->owner_elsewhere);
	owner = facts->lock_owner ? thread_describe_native(facts, facts->lock_owner) : NULL;
	if (owner)
		finding_because(finding, -1, "thread %d is in %s of the parent", (int)wait->owner,
				owner);
	free(owner);
	handler_evidence(finding, facts);
}

/* The lock is renewed by a handler that comes later: one handler uses what another repairs. */
static void match_handler_order(const struct facts *facts, struct finding *finding)
{
	if (!hangs(facts) || !facts->culprit->wait.owner_missing || !owner_is_forker(facts) ||
	    facts->handler < 0)
		return;
	finding_say(finding, SCORE_FAIR,
		    "a child handler wants a lock before the handler that renews it has run");
	finding_blame(finding, facts, facts->native);
	handler_evidence(finding, facts);
	finding_because(finding, -1, "thread %d, which forked, took the lock itself",
			(int)facts->culprit->wait.owner);
}

static void heap_evidence(struct finding *finding, const struct facts *facts)
{
	const char *heap = facts->message[MESSAGE_HEAP_REUSED];

	if (!heap)
		heap = facts->message[MESSAGE_HEAP_CORRUPT];
	if (heap)
		finding_because(finding, -1, "the allocator said: %s", heap);
}

static void match_handler_crash(const struct facts *facts, struct finding *finding)
{
	char *place, *handler;

	if (!crashed(facts) || facts->handler < 0)
		return;
	place = facts_describe(facts, facts->native);
	handler = facts_describe(facts, facts->handler);
	finding_say(finding, facts->in_child ? SCORE_PROOF : SCORE_STRONG,
		    "the at-fork handler %s crashed%s: in %s it used what was not fit for use at "
		    "that moment of the fork", handler, facts->in_child ? " in the child" : "",
		    place);
	finding_blame(finding, facts, facts->native);
	handler_evidence(finding, facts);
	if (facts->native != facts->handler)
		finding_because(finding, facts->native, "%s is where it went wrong", place);
	if (facts->in_child)
		finding_because(finding, -1, "the process is a forked child: of its parent's "
					     "threads it has one, of their memory all");
	heap_evidence(finding, facts);
	free(place);
	free(handler);
}

/* A structure that the fork cut in two can lead its reader round in a circle. */
static void match_handler_loop(const struct facts *facts, struct finding *finding)
{
	char *handler;

	if (facts->crash->kind != CRASH_KIND_SPIN || facts->handler < 0)
		return;
	handler = facts_describe(facts, facts->handler);
	finding_say(finding, facts->in_child ? SCORE_STRONG : SCORE_FAIR,
		    "the at-fork handler %s runs without end%s", handler,
		    facts->in_child ? " in the child" : "");
	finding_blame(finding, facts, facts->native);
	handler_evidence(finding, facts);
	free(handler);
}

static const char *const after_fork_names[] = {
	"PyOS_AfterFork_Child", "PyOS_AfterFork", NULL,
};

static void match_cpython_after_fork(const struct facts *facts, struct finding *finding)
{
	int frame = -1;
	char *top;

	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, after_fork_names))
			frame = i;
	/* Somebody's own code above it is a Python at-fork hook: another finding's business. */
	if (frame < 0 || (facts->native >= 0 && facts->native < frame))
		return;
	top = facts_describe(facts, frame ? frame - 1 : frame);
	finding_say(finding, SCORE_PROOF - 2, "CPython itself %s in the child while it put itself "
					      "in order after the fork", facts_verb(facts));
	finding->attribution = ATTRIBUTION_CPYTHON;
	finding->frame = frame;
	finding_because(finding, frame, "PyOS_AfterFork_Child() runs in a forked child only");
	if (frame)
		finding_because(finding, frame - 1, "it had come to %s", top);
	if (facts->message[MESSAGE_GIL_NOT_HELD])
		finding_because(finding, -1, "CPython said: %s",
				facts->message[MESSAGE_GIL_NOT_HELD]);
	free(top);
}

/* It waits for what another process may do (a pipe, a socket), which is no lock of its own. */
static bool waits_for_others(const struct facts *facts)
{
	static const char *const own[] = { "futex", "pause", "rt_sigsuspend", "wait4", "waitid" };
	const char *call = facts->culprit->wait.syscall;

	for (size_t i = 0; call && i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(call, own[i]))
			return false;
	return call != NULL;
}

/*
 * The child came to harm after the fork, with nothing on the stack to tell how. That it is a child
 * is a coincidence as yet; that its parent had a thread in the middle of something is a sign.
 */
static void match_child(const struct facts *facts, struct finding *finding)
{
	char *place;

	if (!facts->culprit || !facts->in_child || (hangs(facts) && waits_for_others(facts)))
		return;
	place = facts_describe(facts, facts->native >= 0 ? facts->native : 0);
	finding_say(finding, facts->crash->in_window ? SCORE_FAIR : SCORE_WEAK,
		    "a forked child %s in %s", facts_verb(facts), place);
	finding_blame(finding, facts, facts->native >= 0 ? facts->native : 0);
	finding_because(finding, -1, "process %d is a forked child",
			(int)facts->crash->pid);
	if (facts->crash->in_window)
		finding_because(finding, -1, "another thread of its parent was in its window when "
					     "the fork began");
	heap_evidence(finding, facts);
	free(place);
}

/* Inside fork(), in the parent or the child, and it never comes out. */
static void match_hang_in_fork(const struct facts *facts, struct finding *finding)
{
	if (!hangs(facts) || facts->fork < 0)
		return;
	finding_say(finding, SCORE_FAIR, "fork() does not return: a handler inside it waits for a "
					 "%s", wait_word(facts->culprit));
	finding_blame(finding, facts, facts->native);
	handler_evidence(finding, facts);
}

/*
 * A handler called into CPython, which waits. Since CPython holds its locks from PyOS_BeforeFork()
 * to PyOS_AfterFork_*(), and all C handlers run in between on the thread that called them, the
 * thread waits for itself.
 */
static void match_own_lock(const struct facts *facts, struct finding *finding)
{
	char *handler, *entry;

	if (!facts_hang(facts) || facts->handler < 0 || facts->entry < 0 ||
	    facts->entry > facts->handler || !thread_waits_in_cpython(facts, facts->culprit))
		return;
	handler = facts_describe(facts, facts->handler);
	entry = facts_describe(facts, facts->entry);
	finding_say(finding, SCORE_PROOF,
		    "the at-fork handler %s called %s, which wants a lock that CPython holds over "
		    "the whole fork on behalf of this same thread", handler, entry);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->handler;
	handler_evidence(finding, facts);
	finding_because(finding, facts->entry, "%s waits for %s %s inside CPython", entry,
			wait_article(facts->culprit), wait_word(facts->culprit));
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

	if (!hangs(facts) || facts->handler < 0 || !other ||
	    other->pid != facts->culprit->pid || !thread_waits_in_cpython(facts, other))
		return;
	place = thread_describe_native(facts, other);
	finding_say(finding, SCORE_PROOF + 3,
		    "an at-fork handler waits for a thread to end, and that thread waits for %s "
		    "%s inside CPython, which the forking thread holds until the fork is over",
		    wait_article(other), wait_word(other));
	finding_blame(finding, facts, facts->handler);
	handler_evidence(finding, facts);
	finding_because(finding, -1, "it waits for thread %d (%s)", (int)other->tid,
			wait_word(facts->culprit));
	finding_because(finding, -1, "thread %d waits for %s %s inside CPython, called from %s",
			(int)other->tid, wait_article(other), wait_word(other),
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

	if (!hangs(facts))
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
				wait_word(at), (int)at->wait.owner);
		at = thread_by_tid(facts->crash, at->wait.owner);
	} while (at && at != facts->culprit);
}

const struct pattern_rule fork_rules[] = {
	{ PATTERN_FORK_SAFETY, "lost-owner", match_lost_owner },
	{ PATTERN_FORK_SAFETY, "handler-crash", match_handler_crash },
	{ PATTERN_FORK_SAFETY, "handler-loop", match_handler_loop },
	{ PATTERN_FORK_SAFETY, "cpython-after-fork", match_cpython_after_fork },
	{ PATTERN_FORK_SAFETY, "child", match_child },
	{ PATTERN_FORK_SAFETY, "hang-in-fork", match_hang_in_fork },
	{ PATTERN_LOCK_ORDER, "handler-order", match_handler_order },
	{ PATTERN_LOCK_ORDER, "own-lock", match_own_lock },
	{ PATTERN_LOCK_ORDER, "join-in-handler", match_join_in_handler },
	{ PATTERN_LOCK_ORDER, "cycle", match_cycle },
	{ .match = NULL },
};
