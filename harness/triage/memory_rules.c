/* SPDX-License-Identifier: Apache-2.0 */
/* use-after-free, gil-not-held, recursion-or-loop: what memory and messages tell. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

static void match_heap_message(const struct facts *facts, struct finding *finding)
{
	const char *reused = facts->message[MESSAGE_HEAP_REUSED];
	const char *corrupt = facts->message[MESSAGE_HEAP_CORRUPT];

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo != SIGABRT)
		return;
	if (reused)
		finding_say(finding, SCORE_FAIR, "memory was freed twice, or used after it was");
	else if (corrupt)
		finding_say(finding, SCORE_WEAK, "the allocator found its heap damaged");
	else
		return;
	finding_blame(finding, facts, facts->native);
	finding_because(finding, -1, "the allocator said: %s", reused ? reused : corrupt);
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

static void match_gil_message(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_GIL_NOT_HELD];

	if (!message)
		return;
	finding_say(finding, SCORE_FAIR + 10, "Python was called without the GIL");
	/* CPython calls itself with the GIL; so who did not is somebody's own code. */
	finding->attribution = ATTRIBUTION_EXTENSION;
	finding_blame(finding, facts, facts->native);
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
	{ PATTERN_USE_AFTER_FREE, "heap-message", match_heap_message },
	{ PATTERN_USE_AFTER_FREE, "dead-bytes", match_dead_bytes },
	{ PATTERN_USE_AFTER_FREE, "dead-state", match_dead_state },
	{ PATTERN_GIL_NOT_HELD, "gil-message", match_gil_message },
	{ PATTERN_RECURSION_OR_LOOP, "recursion", match_recursion },
	{ PATTERN_RECURSION_OR_LOOP, "loop", match_loop },
	{ .match = NULL },
};
