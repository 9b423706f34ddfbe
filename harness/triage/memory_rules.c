/* SPDX-License-Identifier: Apache-2.0 */
/* use-after-free and recursion-or-loop: what memory, messages and a record of CPU time tell. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

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

/*
 * Of a heap block valgrind tells next what became of it, and of any other address that it is none.
 * Where the report is cut before, most that were read or written so had been freed.
 */
static void match_cut_access(const struct facts *facts, struct finding *finding)
{
	const char *what = facts->crash->finding;

	if (!what || (strcmp(what, "invalid-read") && strcmp(what, "invalid-write")) ||
	    strstr(facts->crash->message, "Address 0x") || facts->native < 0)
		return;
	finding_say(finding, SCORE_WEAK, "memory was used that is not the program's any more, it "
					 "seems: the report is cut before it tells");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, 0, "valgrind says: %s", what);
}

/*
 * AddressSanitizer has found something, and what it wrote is not there. Of Python's modules it is
 * more often memory that was freed than one that was too small.
 */
static void match_sanitizer_stack(const struct facts *facts, struct finding *finding)
{
	int report = -1;

	/* A nearest name will do: its neighbours are of the same kind. */
	for (int i = 0; i < facts->nframes && report < 0; i++) {
		const char *function = facts->culprit->frames[i].function;

		if (function && !strncmp(function, "__asan_report_", strlen("__asan_report_")))
			report = i;
	}
	if (report < 0 || facts->crash->finding || facts->native < report)
		return;
	finding_say(finding, SCORE_WEAK, "AddressSanitizer stopped it at memory that it must not "
					 "use: freed, or beyond a block's end");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, report, "this is called where memory is used that is not to be");
}

/* How far from the innermost frame the freeing is still what the race is about. */
#define FREE_REACH 6

static bool thread_frees(const struct crash_thread *thread)
{
	static const char *const frees[] = {
		"free", "cfree", "operator delete*", "_PyObject_Free*", "PyObject_Free",
		"PyMem_Free", "PyMem_RawFree", "_PyObject_MiFree", "_PyMem_MiFree", "mi_free*",
		"_PyMem_RawFree", NULL,
	};
	int at = thread_find_like(thread, frees);

	return at >= 0 && at < FREE_REACH;
}

/* A race of which one side is the giving back of the memory: the other goes on with it. */
static void match_race_with_free(const struct facts *facts, struct finding *finding)
{
	const struct crash *crash = facts->crash;

	if (!crash->finding || !strstr(crash->finding, "race"))
		return;
	for (size_t i = 0; i < crash->nthreads; i++) {
		const struct crash_thread *thread = &crash->threads[i];

		if ((thread->role && strstr(thread->role, "created")) || !thread_frees(thread))
			continue;
		finding_say(finding, SCORE_ALSO,
			    "a thread gives memory back that another one uses meanwhile");
		finding->attribution = facts_owner(facts, &finding->frame);
		finding_because(finding, -1, "one side of the data race frees the memory");
		return;
	}
}

/* So many frames of one function, one behind the other, are no tree's usual depth. */
#define REPEATS 4

static bool same_call(const struct facts *facts, int a, int b)
{
	const struct crash_frame *x = &facts->culprit->frames[a], *y = &facts->culprit->frames[b];

	if (!facts->frames[a].name || !facts->frames[b].name || x->inlined || y->inlined ||
	    strcmp(facts->frames[a].name, facts->frames[b].name))
		return false;
	return x->python ? y->python && x->line && x->line == y->line : x->pc && x->pc == y->pc;
}

/* From which frame on, by the same call each time; -1: it does not. */
static int repeats_from(const struct facts *facts)
{
	/* The innermost frame need not be at the call. */
	for (int first = 0; first < 2; first++) {
		int n = 1;

		while (first + n < facts->nframes && same_call(facts, first, first + n))
			n++;
		if (n >= REPEATS)
			return first;
	}
	return -1;
}

/*
 * A stack whose innermost frames are one call of a function by itself: at a crash for want of stack
 * it looks so; or if somebody shows no more of it than that.
 */
static void match_repeats(const struct facts *facts, struct finding *finding)
{
	int first = facts->culprit ? repeats_from(facts) : -1;
	bool fault = facts->crash->signo == SIGSEGV || facts->crash->signo == SIGBUS;
	bool alone = facts->crash->kind == CRASH_KIND_LOOK && facts->nframes &&
		     first == 0 && facts->crash->nthreads == 1 &&
		     same_call(facts, 0, facts->nframes - 1);

	if (first < 0 || !(fault || alone) || facts->fork >= 0)
		return;
	finding_say(finding, SCORE_WEAK, "%s calls itself again and again",
		    facts->frames[first].name);
	finding->attribution = facts->culprit->frames[first].python ? python_owner(facts) :
								      ATTRIBUTION_UNKNOWN;
	if (facts->culprit->frames[first].python)
		finding->frame = first;
	else
		finding_blame(finding, facts, first);
	finding_because(finding, first, "the innermost frames are one call, %d times or more",
			REPEATS);
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
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "cut-access",
		.match = match_cut_access,
		.required = "valgrind's invalid read or write below somebody's own code, in a "
			    "report that is cut before it tells what the address is",
		.contradicting = "what it tells of the address: it decides then",
		.sources = { "rpm-software-management/libdnf#260", "tree-sitter/tree-sitter#579",
			     "pytorch/pytorch#112383" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "sanitizer-stack",
		.match = match_sanitizer_stack,
		.required = "AddressSanitizer's report functions on the stack, above somebody's "
			    "own code, and none of its words in the report",
		.contradicting = "its words: they say what it was",
		.sources = { "msgpack/msgpack-python#677" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "race-with-free",
		.match = match_race_with_free,
		.required = "ThreadSanitizer's data race with one side in an allocator's function "
			    "that frees",
		.sources = { "numpy/numpy#28045" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "repeats",
		.match = match_repeats,
		.required = "a fault whose innermost frames are one function that calls itself "
			    "from one place, four times at least; or a stack of which nothing but "
			    "that is shown",
		.contradicting = "a fork; another signal: a recursion that ends is no fault, so it "
				 "is weak",
		.sources = { "DataDog/dd-trace-py#17548", "microsoft/debugpy#735" },
	},
	{ .match = NULL },
};
