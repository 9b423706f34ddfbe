/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finalization-toctou and ffi-unwind by what messages, sanitizers and stacks without a signal tell.
 * Each rule says what it requires, what supports it and what contradicts it.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

static const char *const finalizer_names[] = {
	"Py_FinalizeEx", "_Py_Finalize", "Py_Finalize", "_PyRuntime_Finalize", "Py_EndInterpreter",
	"_PyRuntimeState_Fini", "_PyThreadState_DeleteList", "_PyThreadState_DeleteExcept",
	"PyInterpreterState_Clear", "PyInterpreterState_Delete", "interpreter_clear",
	"finalize_interp_*", "finalize_modules", "Py_Exit", "_PyGILState_Fini", NULL,
};

/* Thread states are cleared by others than their own thread at finalization only. */
static const char *const state_words[] = {
	" in PyThreadState_Clear", " in _PyThreadState_DeleteList", " in free_threadstate",
	" in tstate_delete_common", " in PyInterpreterState_", " in _PyRuntimeState_Fini",
	" in Py_FinalizeEx", " in _Py_Finalize", " in tstate_tss_fini", " in PyThread_tss_delete",
};

static bool finding_is(const struct facts *facts, const char *part)
{
	return facts->crash->finding && strstr(facts->crash->finding, part);
}

static const char *race_word(const struct facts *facts)
{
	const char *summary = strstr(facts->crash->message, "SUMMARY: ThreadSanitizer");

	for (size_t i = 0; summary && i < sizeof(state_words) / sizeof(*state_words); i++)
		if (strstr(summary, state_words[i]))
			return state_words[i];
	return NULL;
}

static bool thread_finalizes(const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes; i++)
		for (size_t k = 0; thread->frames[i].function && finalizer_names[k]; k++)
			if (!strcmp(thread->frames[i].function, finalizer_names[k]))
				return true;
	return false;
}

/*
 * Required: ThreadSanitizer's data race with one side inside finalization, or in the clearing of
 * thread states. Supporting: only CPython's own frames above it, which makes it CPython's own.
 *	https://github.com/python/cpython/issues/121751 and /issues/129266
 *	https://github.com/ydb-platform/ydb/issues/40952
 */
static void match_race(const struct facts *facts, struct finding *finding)
{
	int frame = facts_find_like(facts, finalizer_names);
	bool other = false;

	for (size_t i = 0; i < facts->crash->nthreads; i++)
		other |= thread_finalizes(&facts->crash->threads[i]);
	if (!finding_is(facts, "race") || (frame < 0 && !other && !race_word(facts)))
		return;
	finding_say(finding, SCORE_FAIR + 15,
		    "a thread goes on with what finalization is taking away");
	finding->attribution = facts->native < 0 || facts_only_cpython(facts, frame) ?
				       ATTRIBUTION_CPYTHON : ATTRIBUTION_EXTENSION;
	finding->frame = frame;
	finding_because(finding, frame, "one side of the data race is finalization");
}

/*
 * Required: AddressSanitizer's use after free of what finalization had freed, by a thread that does
 * not finalize itself. Contradicting: all of it inside finalization, which is a plain bug.
 *	https://github.com/python/cpython/issues/124878
 */
static void match_freed_by_finalization(const struct facts *facts, struct finding *finding)
{
	bool freed = false;

	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		freed |= thread != facts->culprit && thread->role &&
			 strstr(thread->role, "freed") && thread_finalizes(thread);
	}
	if (!freed || !finding_is(facts, "use-after") || thread_finalizes(facts->culprit))
		return;
	finding_say(finding, SCORE_STRONG + 10, "a thread uses what finalization has freed");
	finding->attribution = facts->native < 0 ? ATTRIBUTION_CPYTHON : ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "the memory was freed inside finalization");
}

/*
 * Required: CPython's word that its runtime is finalizing. What crashed meanwhile need not be due
 * to it, so it is one good sign.
 *	https://github.com/python/cpython/issues/129536
 */
static void match_finalizing(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_FINALIZING];

	if (!message || facts->fork >= 0)
		return;
	finding_say(finding, SCORE_FAIR + 5, "the interpreter was being finalized");
	finding->attribution = facts->native >= 0 ? facts->frames[facts->native].origin.owner :
						    ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "CPython said: %s", message);
}

/*
 * Required: a destructor that the end of the process, of a thread or of a library runs has called
 * Python. Python may be gone by then. Contradicting: a fork below it; no Python in it, which makes
 * it the order of static destruction of somebody's own (`other`).
 *	https://github.com/duckdb/duckdb-python/issues/531
 *	https://github.com/python-greenlet/greenlet/issues/411
 */
static void match_destructor(const struct facts *facts, struct finding *finding)
{
	bool python = false;
	int own = -1;

	if (facts->exit < 0 || facts->fork >= 0 || !facts_troubled(facts))
		return;
	for (int i = 0; i < facts->exit; i++) {
		python |= facts->frames[i].category == CATEGORY_CPYTHON;
		if (own < 0 && facts->frames[i].category == CATEGORY_EXTENSION)
			own = i;
	}
	if (!python || own < 0)
		return;
	finding_say(finding, SCORE_FAIR + 10, "a destructor that outlives the interpreter used it");
	finding_blame(finding, facts, own);
	finding_because(finding, facts->exit,
			"destructors run at the end of the process or thread");
	finding_because(finding, own, "one of them went into Python");
}

static const char *const wait_names[] = {
	"pthread_cond_*wait*", "__pthread_cond_*wait*", "___pthread_cond_*wait*",
	"__psynch_cvwait", "_pthread_cond_wait", "__futex_abstimed_wait*", "futex_wait*", NULL,
};

/*
 * Required: a thread that has let go of the GIL waits inside drop_gil() until the one that asked
 * for it takes it. It never does: it was ended by finalization between asking and taking. One
 * report alone; up to 3.13, where threads that ask late are ended or parked.
 *	https://github.com/python/cpython/issues/91414
 */
static void match_forced_switch(const struct facts *facts, struct finding *finding)
{
	static const char *const drop[] = { "drop_gil", "drop_gil_impl", NULL };
	int frame = facts_find(facts, drop);

	if (!facts_hang(facts) || frame <= 0 || !facts_like(facts, frame - 1, wait_names))
		return;
	finding_say(finding, SCORE_FAIR, "it waits for a thread to take the GIL that asked for it, "
					 "and was ended before it could");
	finding_because(finding, frame, "drop_gil() waits for the one that asked for the GIL");
	finding->frame = -1;
}

/*
 * Required: a thread that CPython holds for ever since it came for the GIL too late (3.13.8 on).
 */
static void match_parked(const struct facts *facts, struct finding *finding)
{
	static const char *const park[] = {
		"PyThread_hang_thread", "_PyThreadState_HangThread", NULL,
	};
	int frame = facts_find(facts, park);

	if (!facts_hang(facts) || frame < 0)
		return;
	finding_say(finding, SCORE_FAIR, "CPython has parked the thread for ever: it came for the "
					 "GIL after finalization");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, frame, "threads are parked at finalization only");
}

/* Required: inside Py_FinalizeEx() at a look; waiting for threads that live is what it is for. */
static void match_finalizer_stack(const struct facts *facts, struct finding *finding)
{
	static const char *const joins[] = { "wait_for_thread_shutdown", NULL };

	if (!facts_hang(facts) || facts->finalize < 0 || facts->fork >= 0)
		return;
	finding_say(finding, facts_find(facts, joins) >= 0 ? SCORE_ALSO : SCORE_FAIR,
		    "finalization does not come to its end");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, facts->finalize, "it is inside finalization");
}

/*
 * Required: assertions on a thread's own state by the finalizing main thread itself, with nobody
 * else's code on the stack: CPython's own bookkeeping. One report alone:
 *	https://github.com/PyO3/pyo3/pull/4874
 */
static void match_own_bookkeeping(const struct facts *facts, struct finding *finding)
{
	static const char *const starts[] = {
		"__libc_start_main*", "__libc_start_call_main", NULL,
	};
	const char *message = facts->message[MESSAGE_TSTATE_DEAD];
	int start = facts_find_like(facts, starts);

	if (!message || facts->in_child || start < 0 || facts->native >= 0)
		return;
	finding_say(finding, SCORE_FAIR + 12,
		    "CPython's main thread met a thread state that it did not expect");
	finding->attribution = ATTRIBUTION_CPYTHON;
	finding_because(finding, start, "it is the main thread, with no other's code on its stack");
	finding_because(finding, -1, "CPython said: %s", message);
}

/*
 * Product knowledge, not proof: dd-trace-py's IAST keeps its taint engine in static objects that
 * the process's end destroys while Python code still calls in. Two reports of one project:
 *	https://github.com/DataDog/dd-trace-py/pull/18534 and /pull/14610
 */
static void match_taint_engine(const struct facts *facts, struct finding *finding)
{
	for (int i = 0; i < facts->nframes; i++) {
		const char *name = facts->culprit->frames[i].function;

		if (!name || facts->fork >= 0 || facts->culprit->frames[i].trust != TRUST_EXACT ||
		    !(strstr(name, "TaintEngineContext") || strstr(name, "taint_engine_context")))
			continue;
		finding_say(finding, SCORE_WEAK, "the taint engine was called, perhaps when its "
						 "static objects were destroyed already");
		finding->attribution = ATTRIBUTION_EXTENSION;
		finding->frame = i;
		finding_because(finding, i, "the taint engine's objects are static");
		return;
	}
}

/*
 * Required: the message of an exception that nobody caught, of a type that carries a Python error
 * across C++; or Rust's that an unwinding came where none may pass.
 *	https://github.com/pybind/pybind11/issues/3165
 * Contradicting: a type that has nothing to do with Python; that is a plain bug of C++ (`other`).
 */
static void match_uncaught(const struct facts *facts, struct finding *finding)
{
	const char *thrown = facts->message[MESSAGE_THROWN_PYTHON];
	const char *forbidden = facts->message[MESSAGE_UNWIND_FORBIDDEN];

	if (!thrown && !forbidden)
		return;
	finding_say(finding, SCORE_FAIR + 10, "an exception or a panic came to a border between "
					      "languages that it must not pass");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_EXTENSION;
	finding_because(finding, -1, "it said: %s", thrown ? thrown : forbidden);
}

/* Required: the forced unwinding itself on a stack of which no signal is told. */
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

const struct pattern_rule exit_rules[] = {
	{ PATTERN_FINALIZATION_TOCTOU, "race", match_race },
	{ PATTERN_FINALIZATION_TOCTOU, "freed-by-finalization", match_freed_by_finalization },
	{ PATTERN_FINALIZATION_TOCTOU, "finalizing", match_finalizing },
	{ PATTERN_FINALIZATION_TOCTOU, "destructor", match_destructor },
	{ PATTERN_FINALIZATION_TOCTOU, "forced-switch", match_forced_switch },
	{ PATTERN_FINALIZATION_TOCTOU, "parked", match_parked },
	{ PATTERN_FINALIZATION_TOCTOU, "finalizer-stack", match_finalizer_stack },
	{ PATTERN_FINALIZATION_TOCTOU, "own-bookkeeping", match_own_bookkeeping },
	{ PATTERN_FINALIZATION_TOCTOU, "taint-engine", match_taint_engine },
	{ PATTERN_FFI_UNWIND, "uncaught", match_uncaught },
	{ PATTERN_FFI_UNWIND, "unwind-stack", match_unwind_stack },
	{ .match = NULL },
};
