/* SPDX-License-Identifier: Apache-2.0 */
/* use-after-free and recursion-or-loop: what memory, messages and a record of CPU time tell. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

static void match_heap_message(const struct facts *facts, struct finding *finding)
{
	const char *reused = facts->message[MESSAGE_HEAP_REUSED];

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo != SIGABRT || !reused)
		return;
	finding_say(finding, SCORE_FAIR, "memory was freed twice, or used after it was");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, -1, "the allocator said: %s", reused);
}

/* CPython's debug allocator fills freed memory with this byte (PYMEM_DEADBYTE). */
#define DEAD_WORD 0xddddddddddddddddull

static void match_dead_bytes(const struct facts *facts, struct finding *finding)
{
	size_t dead = 0;

	for (size_t i = 0; i < facts->crash->nregs; i++)
		dead += facts->crash->regs[i] == DEAD_WORD;
	if (facts->crash->kind != CRASH_KIND_SIGNAL || !dead)
		return;
	finding_say(finding, SCORE_FAIR + 5, "a pointer was read from memory that Python's debug "
					     "allocator had freed");
	finding_blame(finding, facts, facts->native >= 0 ? facts->native : 0);
	finding_because(finding, 0, "%zu register%s hold%s 0xdddddddddddddddd, which marks freed "
				    "memory", dead, dead > 1 ? "s" : "", dead > 1 ? "" : "s");
}

/* A thread state that its thread still uses, and no runtime owns, has been freed. */
static void match_dead_state(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_TSTATE_DEAD];

	if (!message || !(strstr(message, "auto-releasing") || strstr(message, "tstate_is_alive")))
		return;
	finding_say(finding, SCORE_ALSO + 5, "the thread goes on with a thread state that was "
					     "freed when its runtime was finalized");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "CPython said: %s", message);
}

/*
 * A stack that fills its 256 recorded frames with one function on every fifth of them is no
 * program's ordinary shape: cycles of up to five functions are seen.
 */
#define DEEP_FRAMES 200
#define CYCLE_LENGTH 5

static void match_recursion(const struct facts *facts, struct finding *finding)
{
	int most = 0;
	int which = 0;

	if (facts->nframes < DEEP_FRAMES || !facts->culprit->truncated)
		return;
	for (int i = 0; i < CYCLE_LENGTH * 2; i++) {
		int same = 0;

		for (int k = 0; facts->frames[i].name && k < facts->nframes; k++)
			same += facts->frames[k].name &&
				!strcmp(facts->frames[k].name, facts->frames[i].name);
		if (same > most) {
			most = same;
			which = i;
		}
	}
	if (most < facts->nframes / CYCLE_LENGTH)
		return;
	finding_say(finding, SCORE_PROOF, "%s calls itself without end", facts->frames[which].name);
	finding_blame(finding, facts, which);
	finding_because(finding, which, "%s stands %d times among the %d innermost frames",
			facts->frames[which].name, most, facts->nframes);
}

/*
 * The watchdog saw CPU used without end, which is what a loop without end looks like; so does a
 * computation that nobody has ever waited for. One sign, and no proof. A thread that was not
 * running when it was looked at need not be the one that used the CPU.
 */
static void match_loop(const struct facts *facts, struct finding *finding)
{
	int frame = facts->native >= 0 ? facts->native : 0;
	char *place;

	if (facts->crash->kind != CRASH_KIND_SPIN || !facts->nframes)
		return;
	place = facts_describe(facts, frame);
	finding_say(finding, facts->culprit->state == 'R' ? SCORE_FAIR : SCORE_WEAK,
		    "it runs without end in %s", place);
	finding_blame(finding, facts, frame);
	finding_because(finding, frame, "thread %d used CPU for long, and nothing came of it",
			(int)facts->culprit->tid);
	free(place);
}

const struct pattern_rule memory_rules[] = {
	{
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "heap-message",
		.match = match_heap_message,
		.required = "SIGABRT, and glibc's words that memory was freed twice, or written to "
			    "after it was freed",
		.contradicting = "its words on damage of another kind: an overflow, or a pointer "
				 "that was never its own",
		.sources = { "zeromq/pyzmq#1329", "psycopg/psycopg2#91",
			     "mushorg/pylibinjection#2" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "dead-bytes",
		.match = match_dead_bytes,
		.required = "a signal, and registers full of what Python's debug allocator writes "
			    "over freed memory",
		.sources = { "python/cpython#110052" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "dead-state",
		.match = match_dead_state,
		.required = "CPython's words on a thread state that was freed when its runtime was "
			    "finalized",
		.versions = "up to 3.13; thread states are counted since 3.14",
		.sources = { "python/cpython#124878" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "recursion",
		.match = match_recursion,
		.required = "a stack that is cut at its limit and has one function on every fifth "
			    "of its frames",
		.sources = { "AGProjects/python-cjson#2", "geofft/redhook#15" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "loop",
		.match = match_loop,
		.required = "a record of CPU time without progress",
		.supporting = "the thread ran when it was looked at",
		.sources = { "torarnv/sparsebundlefs#30" },
	},
	{ .match = NULL },
};
