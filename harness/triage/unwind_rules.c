/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ffi-unwind.
 *
 * A thread that CPython ends at finalization shows two patterns: the cause is that it came for the
 * GIL too late, the way it died is that the forced unwinding met frames which forbid it. The cause
 * names the crash where the stack shows it (finalize_rules.c); where only the unwinding is seen,
 * that is what can be said.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

static const char *const terminate_names[] = {
	"terminate", "__terminate", "__verbose_terminate_handler", "__cxa_call_terminate",
	"__gxx_personality_v0", "rust_eh_personality", "panic_cannot_unwind", NULL,
};

/*
 * std::terminate() called straight from somebody's own code, or by a std::thread that nobody
 * joined: the message is the same, but no unwinding is on the stack.
 */
static bool terminates_by_call(const struct facts *facts, int terminate)
{
	static const char *const unwinding[] = {
		"__gxx_personality_v0", "__cxa_call_terminate", "rust_eh_personality",
		"panic_cannot_unwind", NULL,
	};

	if (terminate < 0 || facts_find(facts, unwinding) >= 0)
		return false;
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_UNWINDER)
			return false;
	return facts->native > terminate;
}

/* Stacks that go down to where threads or programs begin, and no Python anywhere. */
static bool without_python(const struct facts *facts)
{
	static const char *const starts[] = {
		"main", "_start", "__libc_start_main*", "__libc_start_call_main", NULL,
	};

	if (!sign_started_thread(facts) && facts_find_like(facts, starts) < 0)
		return false;
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		for (size_t k = 0; k < thread->nframes; k++) {
			enum frame_category category =
				frame_categorise(&thread->frames[k], facts->rules);

			if (category == CATEGORY_CPYTHON || category == CATEGORY_PYTHON ||
			    category == CATEGORY_EXTENSION)
				return false;
		}
	}
	return !facts->crash->maps || !strstr(facts->crash->maps, "libpython");
}

/*
 * The message alone says little: a std::thread that is destroyed unjoined, and a `throw;` without
 * an exception, end so, too.
 */
static bool shows_unwinding(const struct facts *facts)
{
	static const char *const personalities[] = {
		"__gxx_personality_v0", "__cxa_call_terminate", "rust_eh_personality",
		"panic_cannot_unwind", NULL,
	};

	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_UNWINDER)
			return true;
	return facts_find(facts, personalities) >= 0;
}

/* A forced unwinding ran into a frame that lets nothing through. */
static void match_forced_unwind(const struct facts *facts, struct finding *finding)
{
	const char *swallowed = facts->message[MESSAGE_NOT_RETHROWN];
	const char *terminated = facts->message[MESSAGE_TERMINATE];
	static const char untold[] =
		"std::terminate() without an exception: a thread that was being ended below a "
		"noexcept function, a std::thread that nobody joined, or a `throw;` without an "
		"exception; the report does not show which";
	static const char kept[] =
		"the thread was being ended, and a handler that catches everything kept the "
		"unwinding from going on";
	static const char met[] =
		"the thread was being ended, and the unwinding met a frame that promises to let "
		"nothing through";
	int terminate = facts_find(facts, terminate_names), score = 0;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo != SIGABRT)
		return;
	if (facts->unwind >= 0)
		score = SCORE_PROOF - 2;
	else if (swallowed)
		score = SCORE_STRONG;
	else if (terminated && !strstr(facts->crash->message, "pure virtual method called") &&
		 !terminates_by_call(facts, terminate) && !without_python(facts))
		score = shows_unwinding(facts) ? SCORE_FAIR : SCORE_WEAK;
	if (!score)
		return;
	finding_say(finding, score, "%s", score == SCORE_WEAK ? untold : swallowed ? kept : met);
	if (facts->unwind >= 0)
		finding_because(finding, facts->unwind,
				"a thread's end unwinds its stack by force");
	if (terminate >= 0)
		finding_because(finding, terminate, "the C++ runtime gave up");
	if (swallowed || terminated)
		finding_because(finding, -1, "it said: %s", swallowed ? swallowed : terminated);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
}

/*
 * By the time a `catch (...)` swallowed it, the unwinding has left CPython's frames behind. But in
 * a process that has Python in it, who ends threads by force is above all CPython up to 3.13.7, at
 * finalization; worth telling beside the unwinding, which is what the record shows.
 */
static void match_swallowed_with_python(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_NOT_RETHROWN];
	const char *maps = facts->crash->maps;

	if (!message || !maps || !strstr(maps, "libpython") || facts->in_child ||
	    facts->interpreting)
		return;
	finding_say(finding, SCORE_ALSO + 5, "a thread that was ended by force in a process with "
					     "Python in it, probably as it came for the GIL");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "it said: %s", message);
}

/*
 * glibc's "FATAL: exception not rethrown" where what was written is not told: __libc_fatal() has
 * few callers, and of those only the end of a catch clause stands right above somebody's own code.
 */
static void match_fatal_catch(const struct facts *facts, struct finding *finding)
{
	static const char *const fatal[] = { "__libc_fatal", "unwind_cleanup", NULL };
	static const char *const between[] = {
		"unwind_cleanup", "_Unwind_DeleteException", "__cxa_end_catch", "_Unwind_*", NULL,
	};
	int frame = facts_find(facts, fatal), next = frame + 1;

	if (frame < 0 || facts->unwind >= 0 || facts->message[MESSAGE_NOT_RETHROWN] ||
	    facts->native < 0)
		return;
	while (next < facts->native &&
	       (!facts->frames[next].name || facts_like(facts, next, between)))
		next++;
	if (next != facts->native || facts->native - frame > 4)
		return;
	finding_say(finding, SCORE_FAIR, "libc gave up at the end of a handler that catches "
					 "everything, in a thread that was being ended");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, frame, "libc calls this where an unwinding is not let go on");
}

/* Nothing but somebody's own code between what threw and CPython's. */
static bool is_called_by_python(const struct facts *facts)
{
	int i = facts->native;

	while (i < facts->nframes && category_is_native(facts->frames[i].category))
		i++;
	return i < facts->nframes && facts->frames[i].category == CATEGORY_CPYTHON;
}

/* The exception left what Python called: between the C++ runtime and CPython is somebody's own. */
static bool thrown_to_python(const struct facts *facts)
{
	static const char *const throwers[] = {
		"__cxa_throw", "__cxa_rethrow", "__verbose_terminate_handler", "terminate",
		"__terminate", NULL,
	};
	static const char *const throws[] = { "__cxa_throw", "__cxa_rethrow", NULL };
	static const char *const promises[] = {
		"__cxa_call_terminate", "__gxx_personality_v0", "__clang_call_terminate", NULL,
	};
	int thrower = facts_find(facts, throwers);

	/* faulthandler shows the Python code alone, whose call the exception came out of. */
	if (facts->message[MESSAGE_THROWN] && facts->nframes && facts->culprit->frames[0].python)
		return true;
	if (thrower < 0 || facts->native <= thrower || facts_find(facts, promises) >= 0)
		return false;
	/* Without the runtime's word it has to be straight from where Python's call was. */
	return facts->message[MESSAGE_THROWN] ? facts->interpreting :
	       facts_find(facts, throws) >= 0 && facts_find(facts, terminate_names) >= 0 &&
	       is_called_by_python(facts);
}

/*
 * Without a stack: an exception of some library's own, and not of C++'s standard library, which any
 * function throws. Weak: a program may have thrown it to itself.
 */
static bool thrown_by_library(const struct facts *facts)
{
	const char *line = facts->message[MESSAGE_THROWN];
	const char *type = line ? strchr(line, '\'') : NULL;

	return !facts->nframes && type && strstr(type, "::") && strncmp(type + 1, "std::", 5) &&
	       strncmp(type + 1, "__gnu_cxx::", 11);
}

static void match_uncaught(const struct facts *facts, struct finding *finding)
{
	const char *thrown = facts->message[MESSAGE_THROWN_PYTHON];
	const char *forbidden = facts->message[MESSAGE_UNWIND_FORBIDDEN];
	int score = thrown || forbidden		? SCORE_FAIR + 10
		    : thrown_to_python(facts)	? SCORE_ALSO + 5
		    : thrown_by_library(facts)	? SCORE_WEAK
						: 0;

	if (!score)
		return;
	finding_say(finding, score,
		    "an exception or a panic came to a border between languages that it must not "
		    "pass");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = facts_lean(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_EXTENSION;
	if (!thrown)
		thrown = forbidden ? forbidden : facts->message[MESSAGE_THROWN];
	if (thrown)
		finding_because(finding, -1, "it said: %s", thrown);
	else
		finding_because(finding, facts->native, "this was called by Python, and threw");
}

static void match_unwind_stack(const struct facts *facts, struct finding *finding)
{
	static const char *const ends[] = {
		"terminate", "__terminate", "panic_cannot_unwind", "rust_eh_personality", NULL,
	};
	int end = facts_find(facts, ends);

	if (facts->crash->signo || facts->unwind < 0 || end < 0 || end > facts->unwind)
		return;
	finding_say(finding, SCORE_STRONG,
		    "the thread was being ended, and the unwinding met a frame that promises to "
		    "let nothing through");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, facts->unwind, "a thread's end unwinds its stack by force");
}

#define ENDED_BY_CPYTHON "up to 3.13.7 CPython ends threads that come for the GIL at or after " \
			 "finalization; from 3.13.8 on it parks them"

const struct pattern_rule unwind_rules[] = {
	{
		.pattern = PATTERN_FFI_UNWIND,
		.name = "forced-unwind",
		.match = match_forced_unwind,
		.required = "SIGABRT, and a thread's forced end on the stack; or glibc's word that "
			    "an unwinding was not passed on; or the C++ runtime's that it "
			    "terminates without an exception",
		.supporting = "an unwinder's frames: the C++ runtime's word alone is weak",
		.contradicting = "std::terminate() called straight by somebody's own code, as the "
				 "destructor of a thread that nobody joined does; whole stacks "
				 "with no Python in them",
		.versions = ENDED_BY_CPYTHON,
		.sources = { "pytorch/pytorch#38228", "pybind/pybind11#2215", "swig/swig#2396",
			     "python-greenlet/greenlet#324", "duckdb/duckdb#13904" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "swallowed-with-python",
		.match = match_swallowed_with_python,
		.required = "glibc's word that an unwinding was not passed on, in a process that "
			    "has mapped libpython: by then CPython's frames are gone from the "
			    "stack",
		.contradicting = "a forked child; Python code on the stack",
		.versions = ENDED_BY_CPYTHON,
		.sources = { "python/cpython#87135" },
	}, {
		.pattern = PATTERN_FFI_UNWIND,
		.name = "fatal-catch",
		.match = match_fatal_catch,
		.required = "__libc_fatal() right above somebody's own code",
		.versions = ENDED_BY_CPYTHON,
		.sources = { "python/cpython#87135", "pybind/pybind11#1208" },
	}, {
		.pattern = PATTERN_FFI_UNWIND,
		.name = "uncaught",
		.match = match_uncaught,
		.required = "nobody caught an exception that carries a Python error across C++; or "
			    "one that left a function which Python called; or Rust's word that an "
			    "unwinding came where none may pass",
		.contradicting = "another exception, of which no stack tells where it went: a "
				 "plain bug of C++",
		.sources = { "pybind/pybind11#3165", "rust-lang/rust#101469", "NVIDIA/cudf#13052" },
	}, {
		.pattern = PATTERN_FFI_UNWIND,
		.name = "unwind-stack",
		.match = match_unwind_stack,
		.required = "a thread's forced end below a function that gives up, in stacks of "
			    "which no signal is told",
		.versions = ENDED_BY_CPYTHON,
		.sources = { "swig/swig#2396", "python-greenlet/greenlet#324" },
	},
	{ .match = NULL },
};
