/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use-after-free and recursion-or-loop, by what sanitizers, CPython and the stack's shape tell.
 * Each rule says what it requires and what contradicts it.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

static bool finding_is(const struct facts *facts, const char *part)
{
	return facts->crash->finding && strstr(facts->crash->finding, part);
}

static const struct crash_thread *thread_of_role(const struct facts *facts, const char *role)
{
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		if (thread->role && strstr(thread->role, role))
			return thread;
	}
	return NULL;
}

/* Somebody's own code that used, freed or made the memory; else CPython, if it is seen. */
static enum attribution memory_owner(const struct facts *facts)
{
	enum attribution owner = ATTRIBUTION_UNKNOWN;

	if (facts->culprit && facts_through_ctypes(facts))
		return ATTRIBUTION_APPLICATION;
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		enum attribution one = thread_owner(facts, &facts->crash->threads[i]);

		if (one != ATTRIBUTION_UNKNOWN && one != ATTRIBUTION_CPYTHON)
			return one;
		if (one == ATTRIBUTION_CPYTHON)
			owner = one;
	}
	return owner;
}

/*
 * Required: a sanitizer's word; or, of a cut report, the stack that freed the memory, or
 * "previously allocated", which AddressSanitizer writes of freed memory only. Contradicting: its
 * word for another error (heap-buffer-overflow).
 *	https://github.com/python/cpython/issues/142731 and /issues/144567
 *	https://github.com/tree-sitter/py-tree-sitter/pull/52
 *	https://github.com/python/cpython/issues/90018 (through ctypes: one report)
 */
static void match_sanitizer(const struct facts *facts, struct finding *finding)
{
	bool said = finding_is(facts, "use-after") || finding_is(facts, "double-free");
	bool cut = !facts->crash->finding && facts->crash->kind == CRASH_KIND_FINDING &&
		   (thread_of_role(facts, "freed") ||
		    strstr(facts->crash->message, "previously allocated by"));

	if (!said && !cut)
		return;
	finding_say(finding, said ? SCORE_STRONG + 5 : SCORE_FAIR + 5,
		    "memory was used after it was freed");
	finding->attribution = memory_owner(facts);
	finding->frame = facts->native;
	finding_because(finding, -1, "%s%s", said ? "the sanitizer says: " :
						    "the report tells who freed the memory",
			said ? facts->crash->finding : "");
}

/* Required: CPython's own checks found an impossible count, or a freed object or thread state. */
static void match_refcount(const struct facts *facts, struct finding *finding)
{
	const char *state = facts->message[MESSAGE_FREED_STATE];
	const char *count = facts->message[MESSAGE_REFCOUNT];

	if (!state && !count)
		return;
	finding_say(finding, SCORE_FAIR, "CPython met an object or a thread state that was freed");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN && state)
		finding->attribution = ATTRIBUTION_CPYTHON;
	finding_because(finding, -1, "it said: %s", state ? state : count);
}

/*
 * Required: a crash in the collector's walk over all objects, or in libev's own functions under
 * gevent: what they walk was freed by another. Never certain: they die of what others did.
 *	https://github.com/gevent/gevent/issues/2175 (one report)
 */
static void match_walk(const struct facts *facts, struct finding *finding)
{
	static const char *const walks[] = {
		"visit_decref", "visit_reachable", "update_refs", "subtract_refs", "gc_decref",
		"ev_*", "gevent_*_callbacks", NULL,
	};

	if (facts->crash->kind != CRASH_KIND_SIGNAL || !facts_like(facts, 0, walks))
		return;
	finding_say(finding, SCORE_WEAK,
		    "it walked over objects one of which was not there any more");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, 0, "this function only follows what others have kept");
}

/*
 * Required: ThreadSanitizer's word.
 *	https://github.com/google/sanitizers/wiki/ThreadSanitizerDeadlockDetector
 */
static void match_inversion(const struct facts *facts, struct finding *finding)
{
	if (!finding_is(facts, "lock-order"))
		return;
	finding_say(finding, SCORE_STRONG, "two locks are taken in one order here, in the other "
					   "there");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, -1, "the sanitizer says: %s", facts->crash->finding);
}

/*
 * Required: the word of a sanitizer, of CPython, of Rust or macOS that the stack is used up.
 * Who answers for it: who is on the stack; without one, the program that called so deep.
 *	https://github.com/python/cpython/issues/109261 and /issues/148443
 */
static void match_overflow(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_STACK_OVERFLOW];

	if (!message && !finding_is(facts, "stack-overflow"))
		return;
	finding_say(finding, SCORE_STRONG + 5, "the stack is used up by calls in calls");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_APPLICATION;
	if (message)
		finding_because(finding, -1, "it said: %s", message);
	else
		finding_because(finding, 0, "the sanitizer says: %s", facts->crash->finding);
}

/* Python stops at a thousand calls, each of some C frames; what is deeper has no such limit. */
#define DEEP_STACK 10000

/*
 * Required: more frames than any program has that is not calling itself without end.
 *	https://github.com/AGProjects/python-cjson/issues/2 (149702 frames)
 */
static void match_depth(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *thread = facts->culprit;

	if (!thread || thread->left_out + thread->nframes < DEEP_STACK)
		return;
	finding_say(finding, SCORE_STRONG, "calls in calls, more than %d deep", DEEP_STACK);
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, -1, "%zu frames are on the stack",
			thread->left_out + thread->nframes);
}

/* Of so many frames at least, two thirds are one function's: not a program's usual shape. */
#define SHAPE_FRAMES 48

static void match_shape(const struct facts *facts, struct finding *finding)
{
	int same = 0;

	if (!facts_troubled(facts) || facts->nframes < SHAPE_FRAMES ||
	    facts->crash->kind == CRASH_KIND_LOOK || !facts->frames[SHAPE_FRAMES / 2].name)
		return;
	for (int i = 0; i < facts->nframes; i++)
		same += facts->frames[i].name &&
			!strcmp(facts->frames[i].name, facts->frames[SHAPE_FRAMES / 2].name);
	if (same < facts->nframes * 2 / 3)
		return;
	finding_say(finding, SCORE_FAIR, "%s calls itself", facts->frames[SHAPE_FRAMES / 2].name);
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, SHAPE_FRAMES / 2, "it is %d of %d frames", same, facts->nframes);
}

const struct pattern_rule finding_rules[] = {
	{ PATTERN_USE_AFTER_FREE, "sanitizer", match_sanitizer },
	{ PATTERN_USE_AFTER_FREE, "refcount", match_refcount },
	{ PATTERN_USE_AFTER_FREE, "walk", match_walk },
	{ PATTERN_LOCK_ORDER, "inversion", match_inversion },
	{ PATTERN_RECURSION_OR_LOOP, "overflow", match_overflow },
	{ PATTERN_RECURSION_OR_LOOP, "depth", match_depth },
	{ PATTERN_RECURSION_OR_LOOP, "shape", match_shape },
	{ .match = NULL },
};
