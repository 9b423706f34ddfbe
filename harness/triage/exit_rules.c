/* SPDX-License-Identifier: Apache-2.0 */
/* finalization-toctou by what messages, sanitizers and stacks without a signal tell. */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/rules.h"
#include "triage/signs.h"

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

static void match_finalizing(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_FINALIZING];
	bool broken = facts->message[MESSAGE_REFCOUNT] || facts->message[MESSAGE_STACK_OVERFLOW] ||
		      facts->message[MESSAGE_HEAP_REUSED];
	bool lost = facts->message[MESSAGE_GIL_NOT_HELD] || facts->message[MESSAGE_TSTATE_FOREIGN];

	if (!message || facts->fork >= 0)
		return;
	/* What crashed meanwhile need not be due to it, but a lost thread state is. */
	finding_say(finding, broken ? SCORE_ALSO : lost ? SCORE_FAIR + 12 : SCORE_FAIR + 5,
		    "the interpreter was being finalized");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding_blame(finding, facts, facts->native);
	/* CPython attaches its own threads as it should: so who lost a state is somebody's code. */
	if (lost && !facts->nframes)
		finding->attribution = ATTRIBUTION_EXTENSION;
	finding_because(finding, -1, "CPython said: %s", message);
}

/* What runs destructors elsewhere than facts_collect() knows it. */
static const char *const windows_ends[] = {
	"*execute_onexit_table*", "LdrShutdownProcess", "LdrShutdownThread",
	"dllmain_crt_process_detach", "_DllMainCRTStartup", "RtlExitUserProcess", NULL,
};

/* Python's own part in it, where it is inlined. */
static const char *const drops[] = {
	"Py_DECREF*", "Py_XDECREF*", "_Py_DECREF*", "Py_CLEAR*", "dec_ref", "_Py_Dealloc", NULL,
};

static void match_destructor(const struct facts *facts, struct finding *finding)
{
	int end = facts->exit >= 0 ? facts->exit : facts_find_like(facts, windows_ends);
	bool python = false;
	int own = -1;

	if (end < 0 || facts->fork >= 0 || !facts_troubled(facts) ||
	    (facts->finalize >= 0 && facts->finalize < end))
		return;
	for (int i = 0; i < end; i++) {
		python |= facts->frames[i].category == CATEGORY_CPYTHON ||
			  facts_like(facts, i, drops);
		if (own < 0 && category_is_native(facts->frames[i].category) &&
		    !facts_like(facts, i, drops))
			own = i;
	}
	if (!python || own < 0)
		return;
	finding_say(finding, SCORE_FAIR + 10, "a destructor that outlives the interpreter used it");
	finding_blame(finding, facts, own);
	finding_because(finding, end, "destructors run at the end of the process or thread");
	finding_because(finding, own, "one of them went into Python");
}

static const char *const wait_names[] = {
	"pthread_cond_*wait*", "__pthread_cond_*wait*", "___pthread_cond_*wait*",
	"__psynch_cvwait", "_pthread_cond_wait", "__futex_abstimed_wait*", "futex_wait*", NULL,
};

static void match_forced_switch(const struct facts *facts, struct finding *finding)
{
	static const char *const drop[] = { "drop_gil", "drop_gil_impl", NULL };
	int frame = facts_find(facts, drop);

	if (!facts_hang(facts) || frame <= 0 || !facts_like(facts, frame - 1, wait_names))
		return;
	if (sign_child(facts))
		return;
	finding_say(finding, SCORE_ALSO, "it waits for a thread to take the GIL that asked for it, "
					 "and was ended before it could");
	finding_because(finding, frame, "drop_gil() waits for the one that asked for the GIL");
	finding->frame = -1;
}

/* Held for ever: by the function that does it, or by the call that it waits in. */
static int park_frame(const struct crash_thread *thread)
{
	static const char *const park[] = {
		"PyThread_hang_thread", "_PyThreadState_HangThread", NULL,
	};
	static const char *const pauses[] = { "pause", "__pause", "__libc_pause", NULL };
	static const char *const takers[] = {
		"take_gil", "PyEval_RestoreThread", "PyGILState_Ensure", "PyEval_AcquireThread",
		"_PyThreadState_Attach", NULL,
	};
	int frame = thread_find_like(thread, park), pause;

	if (frame >= 0)
		return frame;
	pause = thread_find_like(thread, pauses);
	return pause >= 0 && pause < 3 ? thread_find_like(thread, takers) : -1;
}

static void match_parked(const struct facts *facts, struct finding *finding)
{
	if (!facts_hang(facts) || facts->fork >= 0 || sign_python_before(facts, 13))
		return;
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];
		bool mine = thread == facts->culprit;
		int frame = thread->role ? -1 : park_frame(thread);

		if (frame < 0)
			continue;
		finding_say(finding, mine ? SCORE_FAIR : SCORE_ALSO + 5,
			    "CPython has parked a thread for ever: it came for the GIL after "
			    "finalization");
		finding->attribution = ATTRIBUTION_INTERACTION;
		finding->frame = facts->native;
		finding_because(finding, mine ? frame : -1,
				"threads are parked at finalization only");
		if (mine)
			return;
	}
}

/*
 * Product knowledge, not proof: state of some libraries that the end of the process or of a thread
 * destroys while Python, or what calls Python, goes on. It says no more than that this was it
 * before; so it is weak, and any other finding beats it.
 */
static const struct {
	const char *name; /* part of a function's full name */
	const char *what;
} known_statics[] = {
	{ "TaintEngineContext", "dd-trace-py's taint engine" },
	{ "taint_engine_context", "dd-trace-py's taint engine" },
	{ "ThreadStateCreator", "greenlet's state of a thread" },
	{ "snaptrace_threaddestructor", "viztracer's state of a thread" },
	{ "PyThreadContextEntry", "MLIR's stack of contexts" },
};

static void match_known_static(const struct facts *facts, struct finding *finding)
{
	if (facts->fork >= 0 || !facts_troubled(facts) || sign_child(facts))
		return;
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		for (size_t k = 0; k < sizeof(known_statics) / sizeof(*known_statics); k++) {
			if (!frame->function || frame->trust != TRUST_EXACT || frame->python ||
			    !strstr(frame->function, known_statics[k].name))
				continue;
			finding_say(finding, SCORE_WEAK,
				    "%s was used, perhaps when it was destroyed already",
				    known_statics[k].what);
			finding->attribution = ATTRIBUTION_EXTENSION;
			finding->frame = i;
			finding_because(finding, i, "%s lives no longer than the process or the "
						    "thread", known_statics[k].what);
			return;
		}
	}
}

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

/* Does the stack, or a module's place, say that the process is Python's? */
static bool is_pythons(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++) {
		const char *module = facts->culprit->frames[i].module;

		if (facts->frames[i].category == CATEGORY_CPYTHON ||
		    (module && (strstr(module, "-packages/") || strstr(module, "cpython-"))))
			return true;
	}
	return false;
}

/*
 * The same without Python in the destructor. What it needs may have been destroyed by another one,
 * or with the interpreter; or it is plainly wrong.
 */
static void match_own_destructor(const struct facts *facts, struct finding *finding)
{
	static const char *const unloads[] = { "dlclose", "__dlclose", "_dl_close*", NULL };
	int end = facts->exit >= 0 ? facts->exit : facts_find_like(facts, windows_ends);
	int own = facts->native;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || end < 0 || own < 0 || own >= end ||
	    own < facts->signal || facts->fork >= 0 || facts->in_child || facts->finalize >= 0 ||
	    facts->unwind >= 0 || facts_find_like(facts, unloads) >= 0 || !is_pythons(facts))
		return;
	finding_say(finding, SCORE_WEAK, "a destructor at the end of the process or thread "
					 "crashed, perhaps as what it needs was gone already");
	finding_blame(finding, facts, own);
	finding_because(finding, end, "destructors run at the end of the process or thread");
}

const struct pattern_rule exit_rules[] = {
	{
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "race",
		.match = match_race,
		.required = "ThreadSanitizer's data race with one side inside finalization, or in "
			    "the clearing of another's thread state",
		.supporting = "nobody's code but CPython's above it: then it is CPython's own",
		.sources = { "python/cpython#121751", "python/cpython#129266",
			     "ydb-platform/ydb#40952" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "freed-by-finalization",
		.match = match_freed_by_finalization,
		.required = "AddressSanitizer's use after free, by a thread that does not "
			    "finalize, of what finalization has freed",
		.contradicting = "all of it inside finalization: a plain bug",
		.versions = "thread states are freed under a thread that still has them up to "
			    "3.13; counted since 3.14",
		.sources = { "python/cpython#124878" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "finalizing",
		.match = match_finalizing,
		.required = "CPython's word that its runtime is finalizing",
		.supporting = "its word on a thread state, or on the GIL, in the same report",
		.contradicting = "words on a count of references, the heap or the stack: those "
				 "faults come out at the end, but are made before it; a fork",
		.sources = { "python/cpython#129536", "python/cpython#93762" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "destructor",
		.match = match_destructor,
		.required = "the end of the process, of a thread or of a library runs somebody's "
			    "own destructor, and that goes into Python, which is over by then",
		.contradicting = "no Python in it: somebody's own order of destruction; "
				 "finalization inside of it; a fork",
		.sources = { "duckdb/duckdb-python#531", "python-greenlet/greenlet#411",
			     "python/cpython#126508", "llvm/llvm-project#203826",
			     "AcademySoftwareFoundation/MaterialX#2749" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "forced-switch",
		.match = match_forced_switch,
		.required = "a thread that has let go of the GIL waits inside drop_gil() for the "
			    "one that asked for it to take it",
		.contradicting = "a forked child, where who asked is a thread of the parent",
		.versions = "where a thread that asks late is ended or parked before it takes it",
		.sources = { "python/cpython#91414", "python/cpython#96387" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "parked",
		.match = match_parked,
		.required = "a thread that CPython holds for ever, by the function that does so or "
			    "by pause() below a call for the GIL",
		.contradicting = "a fork",
		.versions = "3.13.8 and later, 3.14 and later; before, such a thread is ended "
			    "(pthread_exit)",
		.sources = { "python/cpython#87135", "python/cpython#105805",
			     "python/cpython#137827" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "own-bookkeeping",
		.match = match_own_bookkeeping,
		.required = "an assertion on a thread's state by the program's main thread, with "
			    "nobody's code but CPython's on the stack",
		.versions = "debug builds up to 3.14",
		.sources = { "PyO3/pyo3#4874", "python/cpython#131012" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "own-destructor",
		.match = match_own_destructor,
		.required = "a signal in somebody's own destructor at the end of a process of "
			    "Python's or of a thread in it",
		.contradicting = "finalization on the stack; a fork; dlclose(); any other finding",
		.sources = { "DataDog/dd-trace-py#14610", "python-greenlet/greenlet#411",
			     "apache/arrow#41087" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "known-static",
		.match = match_known_static,
		.required = "a function of one of a few libraries whose state is known to be "
			    "destroyed too early: product knowledge, and no sign of a cause",
		.contradicting = "a fork; any other finding",
		.sources = { "DataDog/dd-trace-py#18534", "DataDog/dd-trace-py#14610",
			     "python-greenlet/greenlet#411", "gaogaotiantian/viztracer#688",
			     "llvm/llvm-project#203826" },
	},
	{ .match = NULL },
};
