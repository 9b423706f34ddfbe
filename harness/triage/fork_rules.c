/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-safety by what forkpoint's own records have, and what stacks with fork() on them show.
 *
 * It is told from lock-order (lock_rules.c) by whose the missing step is. A lock, or data, that
 * another thread had at the fork is gone with that thread: fork-safety. A thread that waits for
 * what it holds itself, or for another thread that waits for it, is lock-order, also if it happens
 * inside fork().
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

static bool crashed(const struct facts *facts)
{
	return facts->crash->kind == CRASH_KIND_SIGNAL && facts->culprit;
}

void finding_handler(struct finding *finding, const struct facts *facts)
{
	char *handler;

	if (facts->handler < 0)
		return;
	handler = facts_describe(facts, facts->handler);
	finding_because(finding, facts->handler, "%s runs inside fork(): it is an at-fork handler",
			handler);
	free(handler);
}

static void match_lost_owner(const struct facts *facts, struct finding *finding)
{
	const struct crash_wait *wait;
	const char *what;
	char *owner;

	if (!facts_recorded_hang(facts) || !facts->culprit->wait.owner_missing)
		return;
	wait = &facts->culprit->wait;
	what = thread_wait_word(facts->culprit);
	if (sign_owner_forked(facts))
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
	finding_handler(finding, facts);
}

static void heap_evidence(struct finding *finding, const struct facts *facts)
{
	const char *heap = facts->message[MESSAGE_HEAP_REUSED];

	if (!heap)
		heap = facts->message[MESSAGE_HEAP_CORRUPT];
	if (heap)
		finding_because(finding, -1, "the allocator said: %s", heap);
}

/*
 * It went wrong with memory, or a library said of the memory or of the fork what is wrong; and not
 * by a division, or by an abort() of somebody's own that a bug of any kind may lead to.
 */
static bool shows_cause(const struct facts *facts)
{
	static const enum message_kind said[] = {
		MESSAGE_HEAP_REUSED, MESSAGE_HEAP_CORRUPT, MESSAGE_MUTEX_BROKEN, MESSAGE_FORK_ABORT,
		MESSAGE_CLASS_INIT, MESSAGE_BAD_FILE, MESSAGE_TSTATE_DEAD, MESSAGE_TSTATE_FOREIGN,
	};
	static const char *const aborts[] = {
		"abort", "raise", "__abort", "__pthread_kill*", "pthread_kill", "kill",
		"__assert_fail*", "__assert", "__libc_message*", "__restore_rt", "tgkill", NULL,
	};

	if (facts->crash->signo != SIGABRT)
		return facts->crash->signo == SIGSEGV || facts->crash->signo == SIGBUS ||
		       !facts->crash->signo;
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		if (facts->message[said[i]])
			return true;
	for (int i = facts->signal + 1; i < facts->native; i++)
		if (facts->frames[i].name && !facts_like(facts, i, aborts) &&
		    facts->frames[i].category == CATEGORY_LIBC)
			return true;
	return false;
}

static void match_handler_crash(const struct facts *facts, struct finding *finding)
{
	char *place, *handler;

	if (!crashed(facts) || facts->handler < 0)
		return;
	place = facts_describe(facts, facts->native);
	handler = facts_describe(facts, facts->handler);
	if (shows_cause(facts))
		finding_say(finding, facts->in_child ? SCORE_PROOF : SCORE_STRONG,
			    "the at-fork handler %s crashed%s: in %s it used what was not fit for "
			    "use at that moment of the fork", handler,
			    facts->in_child ? " in the child" : "", place);
	else
		finding_say(finding, SCORE_STRONG - 1,
			    "the process crashed in the at-fork handler %s%s, in %s; whether the "
			    "fork is the cause the report does not show", handler,
			    facts->in_child ? " in the child" : "", place);
	finding_blame(finding, facts, facts->native);
	finding_handler(finding, facts);
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
	finding_handler(finding, facts);
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

	if (!facts->culprit || !facts->in_child ||
	    (facts_recorded_hang(facts) && waits_for_others(facts)))
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

static void match_hang_in_fork(const struct facts *facts, struct finding *finding)
{
	if (!facts_recorded_hang(facts) || facts->fork < 0)
		return;
	finding_say(finding, SCORE_FAIR, "fork() does not return: a handler inside it waits for a "
					 "%s", thread_wait_word(facts->culprit));
	finding_blame(finding, facts, facts->native);
	finding_because(finding, facts->fork, "the thread is inside fork()");
	finding_handler(finding, facts);
}

static void match_handler_stack(const struct facts *facts, struct finding *finding)
{
	char *name;

	if (facts->crash->kind != CRASH_KIND_LOOK && facts->crash->kind != CRASH_KIND_FINDING)
		return;
	if (!facts->culprit || facts->handler < 0)
		return;
	name = facts_describe(facts, facts->handler);
	finding_say(finding, SCORE_FAIR, "the at-fork handler %s does not come to its end", name);
	finding_blame(finding, facts, facts->native);
	finding_handler(finding, facts);
	free(name);
}

const struct pattern_rule fork_rules[] = {
	{
		.pattern = PATTERN_FORK_SAFETY,
		.name = "lost-owner",
		.match = match_lost_owner,
		.required = "a record of a hang in which the lock names its owner, and the owner "
			    "is a thread of another process",
		.supporting = "what that thread does in the parent",
		.sources = { "python/cpython#50970", "python/cpython#96971",
			     "getsentry/sentry-python#6159" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "handler-crash",
		.match = match_handler_crash,
		.required = "a signal in somebody's own code that fork() called",
		.contradicting = "SIGFPE, or an abort() of its own, which any bug may lead to: "
				 "medium, and the cause is not told",
		.supporting = "the record says that it is the child; words of the allocator",
		.sources = { "DataDog/dd-trace-py#17042", "DataDog/dd-trace-py#17183" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "handler-loop",
		.match = match_handler_loop,
		.required = "CPU time without end in somebody's own code that fork() called: what "
			    "a fork cuts in two can lead its reader round in a circle",
		.supporting = "the record says that it is the child",
		.sources = { "DataDog/dd-trace-py#17042" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "cpython-after-fork",
		.match = match_cpython_after_fork,
		.required = "PyOS_AfterFork_Child() on the stack",
		.contradicting = "somebody's own code above it: that is a hook in Python",
		.versions = "subinterpreters that live at a fork: 3.12 hangs, 3.13 aborts, 3.14 "
			    "and later crash; the lock of the list of interpreters: before 3.12",
		.sources = { "python/cpython#101437", "python/cpython#139759",
			     "python/cpython#74580" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "child",
		.match = match_child,
		.required = "the record says that it is a forked child",
		.supporting = "another thread of its parent was in the middle of something",
		.contradicting = "it waits for what another process may do",
		.sources = { "python/cpython#50970" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "hang-in-fork",
		.match = match_hang_in_fork,
		.required = "a record of a hang inside fork()",
		.sources = { "DataDog/dd-trace-py#17042", "grpc/grpc#38020" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "handler-stack",
		.match = match_handler_stack,
		.required = "stacks that somebody looked at, with somebody's own code that fork() "
			    "called",
		.sources = { "DataDog/dd-trace-py#17042", "grpc/grpc#38020" },
	},
	{ .match = NULL },
};
