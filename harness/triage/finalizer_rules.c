/* SPDX-License-Identifier: Apache-2.0 */
/* finalization-toctou: what CPython, and who finalizes it, tell. */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

/* CPython's own complaint tells as much, whatever the stack. */
/* CPython attaches and detaches its own threads as it should, at the end as well. */
static bool lost_by_user(const struct facts *facts, const char *message)
{
	return !facts->nframes && facts->message[MESSAGE_FINALIZING] &&
	       strstr(message, "PyGILState_Release");
}

static void match_dead_state_message(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_TSTATE_DEAD];

	if (!message || facts->in_child)
		return;
	finding_say(finding, SCORE_FAIR + 10,
		    "CPython met a thread state that belongs to no living runtime");
	finding->attribution = lost_by_user(facts, message) ? ATTRIBUTION_EXTENSION :
							      ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "CPython said: %s", message);
}

static void match_shutdown_io(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_SHUTDOWN_IO];

	if (!message)
		return;
	finding_say(finding, SCORE_STRONG - 1,
		    "finalization needs a stream whose lock another thread holds, possibly a daemon "
		    "thread that CPython has ended or parked");
	finding->attribution = stream_owner(facts);
	finding_because(finding, -1, "CPython said: %s", message);
}

/* CPython's own handling of threads and interpreters. */
static const char *const state_names[] = {
	"PyThreadState_*", "_PyThreadState_*", "PyInterpreterState_*", "_PyInterpreterState_*",
	"interpreter_clear", "tstate_*", "free_threadstate", "zapthreads", "PyGILState_*",
	"_PyGILState_*", "take_gil", "drop_gil*", "PyEval_*Thread", "_PyEval_Fini*",
	"wait_for_thread_shutdown", "_PyRuntimeState_*", "new_threadstate", NULL,
};

/* Does another thread still come to Python, or live in it? */
static bool others_come(const struct facts *facts)
{
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		if (thread != facts->culprit && !thread->role &&
		    thread_find_like(thread, state_names) >= 0)
			return true;
	}
	return false;
}

/*
 * The finalizing thread itself died, in its own code or in a destructor that it runs. Most of what
 * dies there was broken before, by whom else; a race of threads has a part in it only if it shows.
 */
static void match_finalizer_crash(const struct facts *facts, struct finding *finding)
{
	int state = facts_find_like(facts, state_names);
	char *name;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->finalize < 0 || facts->fork >= 0 ||
	    !((state > facts->signal && state < facts->finalize) || others_come(facts)))
		return;
	name = facts_describe(facts, facts->finalize);
	finding_say(finding, SCORE_FAIR + 15, "the process crashed inside %s", name);
	finding_because(finding, facts->finalize, "%s is on the stack of the thread that crashed",
			name);
	if (state > facts->signal && state < facts->finalize)
		finding_because(finding, state, "and so is CPython's handling of thread states");
	else
		finding_because(finding, -1, "another thread comes to Python meanwhile");
	finding_blame(finding, facts, facts->native >= 0 && facts->native < facts->finalize ?
				      facts->native : facts->finalize);
	free(name);
}

static void match_not_initialized(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_NOT_INITIALIZED];
	const char *text = facts->crash->message;

	/* The program's own thread may never have made one. */
	if (!message || strstr(text, "thread 'main'") || facts->fork >= 0)
		return;
	finding_say(finding, SCORE_FAIR + 5,
		    "a native thread attaches to an interpreter that is not there any more");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_EXTENSION;
	finding_because(finding, -1, "PyO3 said: %s", message);
}

/* Somebody waits for the end of a thread that CPython holds for ever. */
static void match_join_of_parked(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *other = facts->lock_owner;

	if (facts->crash->kind != CRASH_KIND_HANG || !other ||
	    !thread_waits_for(other, "for ever, by CPython's design"))
		return;
	finding_say(finding, SCORE_PROOF, "the process waits for a thread that CPython has "
					  "parked for ever since it came for the GIL after "
					  "finalization");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, facts->native, "it waits for thread %d to end", (int)other->tid);
	finding_because(finding, -1, "thread %d is parked in CPython", (int)other->tid);
}

const struct pattern_rule finalizer_rules[] = {
	{
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "dead-state-message",
		.match = match_dead_state_message,
		.required = "CPython's words on a thread state that belongs to no living runtime",
		.contradicting = "a forked child",
		.versions = "up to 3.14; debug builds say more of them",
		.sources = { "python/cpython#131012", "python/cpython#132948",
			     "python/cpython#124878" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "shutdown-io",
		.match = match_shutdown_io,
		.required = "CPython's word that a stream's lock is not to be had at shutdown",
		.sources = { "python/cpython#129536" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "finalizer-crash",
		.match = match_finalizer_crash,
		.required = "a signal inside the finalization of an interpreter, and either "
			    "CPython's handling of threads above it, or another thread that comes "
			    "to Python or waits for it",
		.contradicting = "neither: what dies in a destructor there was broken before; a "
				 "fork",
		.sources = { "python/cpython#110052", "pytorch/pytorch#38228", "belangeo/pyo#110" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "not-initialized",
		.match = match_not_initialized,
		.required = "PyO3's word in a thread, not the main one, that Python is not there",
		.contradicting = "the main thread, which may never have made one; a fork",
		.sources = { "tensorzero/tensorzero#4326" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "join-of-parked",
		.match = match_join_of_parked,
		.required = "a record of a hang for the end of a thread that CPython holds for "
			    "ever",
		.versions = "3.13.8 and later, 3.14 and later",
		.sources = { "python/cpython#130402", "python/cpython#87135" },
	},
	{ .match = NULL },
};
