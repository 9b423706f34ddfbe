/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use-after-free, recursion-or-loop and an order of locks, by what sanitizers, CPython and the
 * stack's shape tell.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

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
	return owner == ATTRIBUTION_UNKNOWN ? summary_owner(facts) : owner;
}

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

static void match_refcount(const struct facts *facts, struct finding *finding)
{
	const char *state = facts->message[MESSAGE_FREED_STATE];
	const char *count = facts->message[MESSAGE_REFCOUNT];

	if (!state && !count)
		return;
	finding_say(finding, SCORE_FAIR, "CPython met an object or a thread state that was freed");
	finding->attribution = facts_owner(facts, &finding->frame);
	/* Counts are kept by native code, and CPython's own is well tried. */
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = state ? ATTRIBUTION_CPYTHON : ATTRIBUTION_EXTENSION;
	finding_because(finding, -1, "it said: %s", state ? state : count);
}

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

/* Python code that calls itself is its author's, whatever it calls on the way. */
static enum attribution recursion_owner(const struct facts *facts, int *frame)
{
	if (!facts->nframes || !facts->culprit->frames[0].python)
		return facts_owner(facts, frame);
	*frame = 0;
	return python_owner(facts);
}

static int count_named(const struct facts *facts, const char *name)
{
	int same = 0;

	for (int i = 0; name && i < facts->nframes; i++)
		same += facts->frames[i].name && !strcmp(facts->frames[i].name, name);
	return same;
}

/* Of so many frames, or of one name so often, only a recursion is. */
#define DEEP_FOR_OVERFLOW 100
#define REPEATS 3

static bool shows_recursion(const struct facts *facts)
{
	if (facts->nframes >= DEEP_FOR_OVERFLOW)
		return true;
	if (facts->culprit && facts->culprit->left_out)
		return true;
	for (int i = 0; i < facts->nframes; i++)
		if (count_named(facts, facts->frames[i].name) >= REPEATS)
			return true;
	return false;
}

/* What Rust says of its threads, which run Rust. */
static bool rust_overflow(const char *message)
{
	return message && (strstr(message, "has overflowed its stack") ||
			   strstr(message, "fatal runtime error: stack overflow"));
}

static void match_overflow(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_STACK_OVERFLOW];

	if (!message && !finding_is(facts, "stack-overflow"))
		return;
	if (message || shows_recursion(facts))
		finding_say(finding, SCORE_STRONG + 5, "the stack is used up by calls in calls");
	else
		finding_say(finding, SCORE_WEAK, "the stack is used up: by calls in calls, which "
						 "the report does not show, or by one large "
						 "variable");
	finding->attribution = recursion_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = rust_overflow(message) ? ATTRIBUTION_THIRD_PARTY :
								ATTRIBUTION_APPLICATION;
	if (message)
		finding_because(finding, -1, "it said: %s", message);
	else
		finding_because(finding, 0, "the sanitizer says: %s", facts->crash->finding);
}

/* Python stops at a thousand calls, each of some C frames; what is deeper has no such limit. */
#define DEEP_STACK 10000

static void match_depth(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *thread = facts->culprit;

	if (!thread || thread->left_out + thread->nframes < DEEP_STACK)
		return;
	finding_say(finding, SCORE_STRONG, "calls in calls, more than %d deep", DEEP_STACK);
	finding->attribution = facts_owner(facts, &finding->frame);
	/* CPython bounds its own recursion, long before that; whom it calls need not. */
	if (finding->attribution == ATTRIBUTION_CPYTHON)
		finding->attribution = ATTRIBUTION_EXTENSION;
	finding_because(finding, -1, "%zu frames are on the stack",
			thread->left_out + thread->nframes);
}

/* Of so many frames at least, two thirds are one function's: not a program's usual shape. */
#define SHAPE_FRAMES 48

static void match_shape(const struct facts *facts, struct finding *finding)
{
	int frame = -1, same = 0;

	if (!facts_troubled(facts) || facts->nframes < SHAPE_FRAMES ||
	    facts->crash->kind == CRASH_KIND_LOOK)
		return;
	/* One of every three frames in the middle may be another's. */
	for (int i = SHAPE_FRAMES / 2; i < SHAPE_FRAMES / 2 + 3 && frame < 0; i++) {
		same = count_named(facts, facts->frames[i].name);
		if (same >= facts->nframes * 2 / 3)
			frame = i;
	}
	if (frame < 0)
		return;
	finding_say(finding, SCORE_FAIR, "%s calls itself", facts->frames[frame].name);
	finding->attribution = recursion_owner(facts, &finding->frame);
	finding_because(finding, frame, "it is %d of %d frames", same, facts->nframes);
}

/* So many innermost frames of Python code, in a circle of so many lines, before it is cut. */
#define CIRCLE_FRAMES 16
#define CIRCLE_LINES 4

static bool same_line(const struct crash_frame *a, const struct crash_frame *b)
{
	return a->python && b->python && a->function && b->function && a->line == b->line &&
	       !strcmp(a->function, b->function);
}

/* Of how many lines the circle is in which the innermost frames go round; 0: they do not. */
static int circle_length(const struct facts *facts)
{
	for (int length = 1; length <= CIRCLE_LINES && facts->nframes >= CIRCLE_FRAMES; length++) {
		const struct crash_frame *frames = facts->culprit->frames;
		int i = length;

		while (i < CIRCLE_FRAMES && same_line(&frames[i], &frames[i - length]))
			i++;
		if (i == CIRCLE_FRAMES)
			return length;
	}
	return 0;
}

/*
 * Python's own limit ends such a circle with an exception, unless each round goes through C code
 * that takes much of the stack.
 */
static void match_circle(const struct facts *facts, struct finding *finding)
{
	int length = circle_length(facts);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo == SIGABRT || !length)
		return;
	finding_say(finding, SCORE_ALSO, "%s calls itself, over and over",
		    facts->culprit->frames[0].function);
	finding->attribution = recursion_owner(facts, &finding->frame);
	finding_because(finding, 0, "the %d innermost frames are the same %d line%s in turn",
			CIRCLE_FRAMES, length, length > 1 ? "s" : "");
}

/* What follows a thread's frames, and strings that they lead to. */
static const char *const frame_readers[] = {
	"PyFrame_Get*", "_PyFrame_Get*", "PyThreadState_GetFrame", "_PyThread_CurrentFrames",
	"PyCode_Addr2Line", "_PyCode_CheckLineNumber", "_PyInterpreterFrame_GetLine",
	"PyFrame_GetLineNumber", "dump_frame", "dump_traceback", "_Py_DumpTraceback*", NULL,
};

/*
 * A thread that runs no Python reads frames: another's, which goes on and frees them meanwhile.
 * Whether it had the GIL is not to be seen.
 */
static void match_sampler(const struct facts *facts, struct finding *finding)
{
	int reader = facts_find_like(facts, frame_readers);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo == SIGABRT ||
	    reader < 0 || facts->interpreting || facts->fork >= 0 || facts->native < reader ||
	    !sign_started_thread(facts))
		return;
	finding_say(finding, SCORE_ALSO, "a thread reads the frames of another, which goes on "
					 "meanwhile and frees them");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, reader, "the thread runs no Python code, so the frames that are "
					 "read here are another's");
}

/* So many signals on one stack are no accident: the handler of one raises the next. */
#define NESTED_SIGNALS 3

static void match_handlers(const struct facts *facts, struct finding *finding)
{
	static const char *const marks[] = {
		"<signal handler called>", "__restore_rt", "_sigtramp",
		"__kernel_rt_sigreturn", NULL,
	};
	int signals = 0, last = -1;

	for (int i = 0; i < facts->nframes; i++)
		if (facts->culprit->frames[i].signal_frame || facts_named(facts, i, marks)) {
			signals++;
			last = i;
		}
	if (facts->crash->kind == CRASH_KIND_LOOK || signals < NESTED_SIGNALS)
		return;
	finding_say(finding, SCORE_FAIR,
		    "a signal's handler faults itself, or hands on to one that hands back");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, last, "the first signal came here, and %d more inside its handler",
			signals - 1);
}

static void match_inversion(const struct facts *facts, struct finding *finding)
{
	if (!finding_is(facts, "lock-order"))
		return;
	finding_say(finding, SCORE_STRONG, "two locks are taken in one order here, in the other "
					   "there");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, -1, "the sanitizer says: %s", facts->crash->finding);
}

const struct pattern_rule finding_rules[] = {
	{
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "sanitizer",
		.match = match_sanitizer,
		.required = "a sanitizer's word; or, of a cut report, the stack that freed the "
			    "memory, or \"previously allocated\", which AddressSanitizer writes of "
			    "freed memory only",
		.contradicting = "its word for another error",
		.sources = { "python/cpython#142731", "python/cpython#144567",
			     "tree-sitter/py-tree-sitter#52", "python/cpython#90018" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "refcount",
		.match = match_refcount,
		.required = "CPython's own checks met an impossible count, or a freed object or "
			    "thread state",
		.sources = { "python/cpython#93762", "Segfault-Inc/Multicorn#64",
			     "python/cpython#143143" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "walk",
		.match = match_walk,
		.required = "a signal in a walk over what others have kept: the collector's, "
			    "libev's under gevent. They die of what others did, so it is weak",
		.sources = { "gevent/gevent#2175", "python/cpython#75364" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "sampler",
		.match = match_sampler,
		.required = "a signal in a function that follows a thread's frames, in a native "
			    "thread that runs no Python code itself",
		.contradicting = "Python code on the stack; SIGABRT; a fork",
		.sources = { "DataDog/dd-trace-py#13567", "facebook/sapling#1320",
			     "getsentry/sentry-python#6119" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "handlers",
		.match = match_handlers,
		.required = "three signals or more on one stack: who owns the handler is in "
			    "dispute, or it faults itself",
		.contradicting = "stacks that somebody looked at",
		.sources = { "DataDog/java-profiler#437", "DataDog/java-profiler#420",
			     "DataDog/dd-trace-py#18798" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "inversion",
		.match = match_inversion,
		.required = "ThreadSanitizer's word on an order of locks",
		.sources = { "pytorch/pytorch#58391", "google/sanitizers#814" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "overflow",
		.match = match_overflow,
		.required = "the word of a sanitizer, of CPython, Rust, macOS or Windows that the "
			    "stack is used up",
		.contradicting = "a sanitizer's word alone, over a short stack on which nothing "
				 "repeats: one large variable does that, too",
		.sources = { "python/cpython#109261", "python/cpython#148443" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "depth",
		.match = match_depth,
		.required = "more frames than a program has that does not call itself without end",
		.sources = { "AGProjects/python-cjson#2" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "shape",
		.match = match_shape,
		.required = "of dozens of frames, two thirds are one function's",
		.contradicting = "stacks that somebody looked at: recursion alone is no fault",
		.sources = { "geofft/redhook#15", "python/cpython#96222",
			     "DataDog/dd-trace-py#17038" },
	}, {
		.pattern = PATTERN_RECURSION_OR_LOOP,
		.name = "circle",
		.match = match_circle,
		.required = "a signal, and the innermost frames are Python code that goes round in "
			    "a circle of a few lines, many times",
		.contradicting = "SIGABRT, which tells its own reason",
		.sources = { "pytest-dev/pytest#2330" },
	},
	{ .match = NULL },
};
