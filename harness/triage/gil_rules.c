/* SPDX-License-Identifier: Apache-2.0 */
/* gil-not-held: CPython is called by a thread that is not attached to it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

static void match_gil_message(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_GIL_NOT_HELD];

	if (!message)
		return;
	finding_say(finding, SCORE_FAIR + 10, "Python was called without the GIL");
	/* CPython calls itself with the GIL; so who did not is somebody's own code. */
	finding->attribution = ATTRIBUTION_EXTENSION;
	finding_blame(finding, facts, facts->native);
	/* But for its own bugs, as where a fork meets subinterpreters. */
	if (facts->native < 0 && facts->nframes && facts_only_cpython(facts, facts->nframes))
		finding->attribution = ATTRIBUTION_CPYTHON;
	/* A copy of CPython that nobody has initialised: how the program was put together. */
	if (facts->native < 0 && strstr(facts->crash->message, "Python runtime state: unknown"))
		finding->attribution = ATTRIBUTION_APPLICATION;
	finding_because(finding, -1, "CPython said: %s", message);
}

/* What reads the current thread's state first of all, and so dies where there is none. */
static const char *const state_readers[] = {
	"PyEval_SaveThread", "PyThreadState_Get", "_PyThreadState_GET", "PyThreadState_GET", "PyThreadState_GetDict",
	"_PyInterpreterState_GET", "PyInterpreterState_Get", "PyErr_*", "_PyErr_*",
	"_Py_CheckFunctionResult", "_Py_EnterRecursiveCall*", "Py_EnterRecursiveCall",
	"_Py_MakeRecCheck", "PyObject_Malloc", "_PyObject_Malloc", "_PyObject_Alloc",
	"pymalloc_alloc*", "_PyObject_GC_*", "PyObject_GC_*", "_PyFreeListState_GET",
	"get_*_state", "get_state", "PyTuple_New", "PyFloat_FromDouble", "PyList_New", "PyDict_New",
	"PyLong_From*", "PyUnicode_New", "_Py_Dealloc", NULL,
};

/*
 * A native thread is inside CPython, and nothing on its stack attaches it. Since 3.12 a thread that
 * is not attached has no state at all, so what reads it dies at once, near NULL; before, it went on
 * with another thread's.
 */
static void match_unattached(const struct facts *facts, struct finding *finding)
{
	static const char *const attaches[] = {
		"PyGILState_*", "PyEval_RestoreThread", "PyEval_AcquireThread",
		"_PyThreadState_Attach", "take_gil", "PyThreadState_*New*", NULL,
	};
	static const int scores[] = { SCORE_WEAK, SCORE_ALSO, SCORE_FAIR + 5 };
	bool null = sign_near_null(facts);
	int signs = null, at;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo == SIGABRT ||
	    facts->interpreting || facts->fork >= 0 || facts->finalize >= 0 ||
	    facts->unwind >= 0 || facts->in_child || !sign_started_thread(facts) ||
	    !sign_dies_in_api(facts))
		return;
	if (facts_find_like(facts, attaches) >= 0)
		return; /* another rule's business */
	at = facts_find_like(facts, state_readers);
	signs += at >= 0 && at < facts->native;
	finding_say(finding, scores[signs], "a native thread uses Python, %s without the GIL",
		    signs == 2 ? "it seems" : "perhaps");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, facts->native, "nothing on the stack attaches it to Python");
	if (null)
		finding_because(finding, 0, "it read a structure that is not there");
}

/* Of CPython, pybind11 and nanobind: what is called where the check of the GIL has failed. */
static const char *const gil_checks[] = {
	"_PyMem_DebugCheckGIL", "_Py_FatalError_TstateNULL", "_Py_EnsureTstateNotNULL",
	"_Py_EnsureFuncTstateNotNULL", "throw_gilstate_error", "decref_checked", "incref_checked",
	"decref_check", "incref_check", NULL,
};

/* How far from the innermost frame of an abort its reason stands. */
#define ABORT_FRAMES 10

static void match_gil_check(const struct facts *facts, struct finding *finding)
{
	static const char *const aborts[] = { "abort", "__abort", "raise", "fail", NULL };
	int check = facts_find_like(facts, gil_checks), end = facts_find(facts, aborts);

	if (check < 0 || check >= ABORT_FRAMES || end < 0 || end > check || facts->fork >= 0)
		return;
	finding_say(finding, SCORE_FAIR + 10, "Python was called without the GIL");
	finding_blame(finding, facts, sign_own_below(facts, check));
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_EXTENSION;
	finding_because(finding, check, "this checks that the GIL is held, and ended the process");
}

const struct pattern_rule gil_rules[] = {
	{
		.pattern = PATTERN_GIL_NOT_HELD,
		.name = "gil-message",
		.match = match_gil_message,
		.required = "CPython's, PyO3's or pybind11's own word that the GIL is not held, or "
			    "no thread state attached",
		.versions = "the words differ: \"with the GIL held\" up to 3.13, \"with an active "
			    "thread state\" in free-threaded builds from 3.13 on",
		.sources = { "mxmlnkn/rapidgzip#24", "python/cpython#127315",
			     "lipracer/cuda-rt-hook#20" },
	}, {
		.pattern = PATTERN_GIL_NOT_HELD,
		.name = "gil-check",
		.match = match_gil_check,
		.required = "an abort called for by one of the functions by which CPython, "
			    "pybind11 or nanobind check that the GIL is held",
		.contradicting = "a signal of another kind in them; a fork",
		.sources = { "ml-explore/mlx#4391", "python/cpython#127315" },
	}, {
		.pattern = PATTERN_GIL_NOT_HELD,
		.name = "unattached",
		.match = match_unattached,
		.required = "a signal in CPython, called straight from a native thread's own code, "
			    "with no Python code and no attaching on its stack, and its start to "
			    "be seen",
		.supporting = "a function that reads the thread's state; an address near NULL",
		.contradicting = "a fork, finalization, a forced unwinding, SIGABRT",
		.versions = "3.12 and later die at once; earlier ones use another thread's state",
		.sources = { "mxmlnkn/rapidgzip#24", "pybind/pybind11#1360",
			     "python/cpython#131346", "lipracer/cuda-rt-hook#20" },
	},
	{ .match = NULL },
};
