/* SPDX-License-Identifier: Apache-2.0 */
/* finalization-toctou: threads that come to a Python which is finalizing, or gone. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

/* How a thread comes to Python, or leaves: what meets a runtime that is going, or gone. */
static const char *const attach_names[] = {
	"PyGILState_Ensure", "PyGILState_Release", "PyEval_RestoreThread", "PyEval_SaveThread",
	"PyEval_AcquireThread", "PyEval_ReleaseThread", "PyEval_AcquireLock", "PyThreadState_New",
	"PyThreadState_Swap", "PyThreadState_Clear", "PyThreadState_Delete",
	"PyThreadState_DeleteCurrent", "PyThreadState_Ensure", "PyThreadState_Release",
	"_PyThreadState_Attach", "_PyThreadState_NewBound", "Py_AddPendingCall", NULL,
};

static const char *const leave_names[] = {
	"PyEval_SaveThread", "PyEval_ReleaseThread", NULL,
};

/* Static functions of the same path, where there are symbols. */
static const char *const attach_inner_names[] = {
	"take_gil", "new_threadstate", "init_threadstate", "tstate_activate", "bind_tstate",
	"bind_gilstate_tstate", "_PyThreadState_New", "tstate_delete_common",
	"drop_gil", "gilstate_tss_set", "_PyThreadState_MustExit", "add_threadstate", NULL,
};

/* One attach call uses another; the outermost is the one that was made from outside. */
static int attach_frame(const struct facts *facts)
{
	int attach = facts_find(facts, attach_inner_names);

	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, attach_names))
			attach = i;
	return attach;
}

/*
 * In a stripped libpython what lies between two exports are mostly static functions of the same
 * source file: near PyThreadState_Delete is CPython's handling of thread states. Only straight
 * above the native caller, where nothing else can have been called in between.
 */
static int attach_neighbour(const struct facts *facts)
{
	for (int i = facts->entry; i >= 0; i--) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		if (frame->trust != TRUST_NEAR || facts->frames[i].category != CATEGORY_CPYTHON)
			return -1;
		for (size_t k = 0; attach_names[k]; k++)
			if (!strcmp(frame->function, attach_names[k]))
				return i;
	}
	return -1;
}

/* The stack goes down to where the program begins. */
static bool in_main_thread(const struct facts *facts)
{
	static const char *const begins[] = {
		"main", "_start", "__libc_start_main*", "__libc_start_call_main", NULL,
	};

	return facts_find_like(facts, begins) >= 0;
}

static const char *first_message(const struct facts *facts)
{
	static const enum message_kind kinds[] = {
		MESSAGE_TSTATE_DEAD, MESSAGE_TSTATE_FOREIGN, MESSAGE_NOT_RETHROWN,
		MESSAGE_TERMINATE,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (facts->message[kinds[i]])
			return facts->message[kinds[i]];
	return NULL;
}

static bool is_cpython(const struct facts *facts, const struct crash_frame *frame)
{
	return frame_categorise(frame, facts->rules) == CATEGORY_CPYTHON;
}

/* Does any other thread of the process still run Python, so that the runtime must be alive? */
static bool others_interpret(const struct facts *facts)
{
	const struct crash *crash = facts->crash;

	for (size_t i = 0; i < crash->nthreads; i++) {
		const struct crash_thread *thread = &crash->threads[i];

		if (thread == facts->culprit || thread->pid != facts->culprit->pid)
			continue;
		for (size_t k = 0; k < thread->nframes; k++)
			if (is_cpython(facts, &thread->frames[k]))
				return true;
	}
	return false;
}

/*
 * Does the main thread run Python code, and no end of anything? A daemon thread's frames would say
 * nothing: they stay where finalization left them.
 */
static bool main_interprets(const struct facts *facts)
{
	static const char *const programs[] = {
		"Py_RunMain", "Py_BytesMain", "Py_Main", "pymain_*", NULL,
	};
	static const char *const evaluators[] = { "_PyEval_EvalFrame*", "PyEval_EvalFrame*", NULL };
	static const char *const ends[] = { "Py_Finalize*", "Py_Exit", "exit", "__GI_exit", NULL };
	const struct crash *crash = facts->crash;

	for (size_t i = 0; i < crash->nthreads; i++) {
		const struct crash_thread *thread = &crash->threads[i];

		if (thread != facts->culprit && thread->pid == facts->culprit->pid &&
		    thread_find_like(thread, programs) >= 0 &&
		    thread_find_like(thread, evaluators) >= 0 &&
		    thread_find_like(thread, ends) < 0)
			return true;
	}
	return false;
}

/*
 * A foreign thread died in the call by which it attaches to Python. That call cannot fail in a
 * living runtime; so the runtime was finalizing, or over. Signs that say so add up.
 */
static void match_attach_crash(const struct facts *facts, struct finding *finding)
{
	int attach = attach_frame(facts), score = SCORE_FAIR;
	const char *message = first_message(facts);
	char *name;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || attach < 0 || facts->fork >= 0 ||
	    facts->interpreting)
		return;
	/* Somebody's own code between signal and attach call: it died of something else. */
	if (facts->native >= 0 && facts->native < attach)
		return;
	/* To let go of a GIL that one does not have fails as well: another rule's business. */
	if (facts_named(facts, attach, leave_names) && facts->unwind < 0 && !message &&
	    !facts->finalizer && facts->exit < 0)
		return;
	name = facts_describe(facts, attach);
	/* From 3.14 on CPython ends no thread: somebody else has. */
	if (facts->unwind >= 0 && !sign_python_since(facts, 14)) {
		score = SCORE_PROOF + 5;
		finding_because(finding, facts->unwind,
				"CPython ends the thread: a forced unwinding below %s", name);
	}
	if (sign_near_null(facts)) {
		score += 20;
		finding_because(finding, 0, "address 0x%llx is a field of a structure that is not "
					    "there any more",
				(unsigned long long)facts->crash->addr);
	}
	if (sign_garbage(facts)) {
		score += 12;
		finding_because(finding, 0, "it followed a pointer that leads nowhere: the thread "
					    "state was freed");
	}
	if (message) {
		score += 15;
		finding_because(finding, -1, "it said: %s", message);
	}
	if (facts->finalizer) {
		score += 20;
		finding_because(finding, -1, "thread %d is finalizing the interpreter",
				(int)facts->finalizer->tid);
	} else if (!others_interpret(facts) && facts->crash->nthreads > 1) {
		score += 8;
		finding_because(finding, -1, "no other thread of the process is inside Python");
	}
	if (facts->unwind < 0 && !message && !facts->finalizer && main_interprets(facts))
		score -= 25;
	if (sign_python_since(facts, 15))
		score = SCORE_WEAK;
	if (in_main_thread(facts) && !facts->finalizer)
		finding_say(finding, score < SCORE_STRONG ? score : SCORE_STRONG - 1,
			    "the main thread called %s when the interpreter was not initialised "
			    "yet, or already gone", name);
	else
		finding_say(finding, score < 97 ? score : 97,
			    "a native thread called %s when the interpreter was finalizing or gone",
			    name);
	finding_because(finding, attach, "%s is how a thread attaches to Python", name);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	free(name);
}

/*
 * A thread that runs Python code has a state, by which PyGILState_Ensure() knows it. That it makes
 * a new one says that the runtime which knew the thread is over: so it is one that Python has
 * started, and left alone at its end.
 */
static void match_forgotten(const struct facts *facts, struct finding *finding)
{
	static const char *const ensure[] = { "PyGILState_Ensure", NULL };
	static const char *const makes[] = {
		"new_threadstate", "PyThreadState_New", "_PyThreadState_New*",
		"init_threadstate", NULL,
	};
	int at = facts_find(facts, ensure), make = facts_find_like(facts, makes);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || at <= 0 || make < 0 || make >= at ||
	    !facts->interpreting || facts->fork >= 0 || sign_own_above(facts, at) >= 0)
		return;
	finding_say(finding, SCORE_FAIR, "a thread that runs Python code is not known to Python "
					 "any more: the interpreter was finalized under it");
	finding->attribution = ATTRIBUTION_APPLICATION;
	finding->frame = facts->native;
	finding_because(finding, at, "PyGILState_Ensure() makes a thread state for a thread that "
				     "must have one");
}

/* The same sign, under the name of what was done to the memory. */
static void match_freed_state(const struct facts *facts, struct finding *finding)
{
	int attach = attach_frame(facts);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || attach < 0 || facts->in_child ||
	    !sign_garbage(facts) || (facts->native >= 0 && facts->native < attach))
		return;
	finding_say(finding, SCORE_ALSO + 5, "the thread went on with a thread state that had been "
					     "freed");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, attach, "a thread state's pointers lead nowhere");
}

/* The same where no name can be trusted: never certain. */
static void match_attach_neighbour(const struct facts *facts, struct finding *finding)
{
	int near = attach_neighbour(facts), score = SCORE_ALSO;
	const char *name;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || near < 0 || facts->fork >= 0 ||
	    facts->interpreting || attach_frame(facts) >= 0)
		return;
	name = facts->culprit->frames[near].function;
	if (sign_near_null(facts) || sign_garbage(facts)) {
		score += 15;
		finding_because(finding, 0, "it followed a pointer that leads nowhere");
	}
	if (facts->finalizer) {
		score += 15;
		finding_because(finding, -1, "thread %d is finalizing the interpreter",
				(int)facts->finalizer->tid);
	}
	finding_say(finding, score, "a native thread crashed in CPython's handling of thread "
				    "states, perhaps as the interpreter was finalizing");
	finding_because(finding, near, "the nearest name that the stripped library has is %s",
			name);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
}

/* Who called is cut off, or nobody's known; but it is not CPython. */
static bool called_from_unknown(const struct facts *facts, int frame)
{
	return frame + 1 < facts->nframes && facts->frames[frame + 1].name &&
	       facts->frames[frame + 1].category == CATEGORY_UNKNOWN;
}

/*
 * The same of a look, which tells no signal: the call takes an instant unless it waits. So whoever
 * stands in it, and does not wait, is where something went wrong; a core is looked at for that.
 */
static void match_attach_stack(const struct facts *facts, struct finding *finding)
{
	int attach = attach_frame(facts);

	if (facts->crash->kind != CRASH_KIND_LOOK || attach < 0 || facts->fork >= 0 ||
	    facts->interpreting || facts->unwind >= 0 || sign_own_above(facts, attach) >= 0 ||
	    (facts->native < 0 && !called_from_unknown(facts, attach)) ||
	    sign_python_since(facts, 15) || facts_named(facts, attach, leave_names))
		return;
	for (int i = 0; i < attach; i++)
		if (facts->frames[i].category != CATEGORY_CPYTHON)
			return;
	finding_say(finding, SCORE_ALSO,
		    "%s stands in the call by which it attaches to Python, and does not wait",
		    in_main_thread(facts) ? "the main thread" : "a native thread");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, attach, "where the interpreter lives this takes an instant, or "
					 "waits");
}

/* A thread that uses Python while another one takes it away. */
static void match_late_use(const struct facts *facts, struct finding *finding)
{
	bool python = facts->interpreting || sign_dies_in_api(facts), exits = false;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || !facts->culprit || facts->fork >= 0 ||
	    facts->in_child || thread_exits(facts->culprit) || facts->crash->signo == SIGABRT ||
	    !(python || facts->native >= 0))
		return;
	for (size_t i = 0; i < facts->crash->nthreads && !exits; i++)
		exits = &facts->crash->threads[i] != facts->culprit &&
			!facts->crash->threads[i].role && thread_exits(&facts->crash->threads[i]);
	if (!exits)
		return;
	finding_say(finding, python ? SCORE_FAIR + 5 : SCORE_WEAK,
		    "a thread %s while another one was ending the process or the interpreter",
		    python ? "used Python" : "went on");
	finding->attribution = ATTRIBUTION_INTERACTION;
	if (python)
		finding->frame = facts->native;
	else
		finding_blame(finding, facts, facts->native);
	finding_because(finding, -1, "another thread is inside the end of the process or of the "
				     "interpreter");
}

#define LATE_ENSURE "up to 3.14 a thread that attaches anew once the interpreter is gone " \
		    "crashes; from 3.15 on it is held. One that comes back is ended up to " \
		    "3.13.7, and held from 3.13.8 on"

const struct pattern_rule finalize_rules[] = {
	{
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "attach-crash",
		.match = match_attach_crash,
		.required = "a signal in the call by which a thread attaches to Python, or leaves "
			    "it, with no Python code on the stack: in a living runtime that call "
			    "cannot fail",
		.supporting = "a thread's forced end below it; an address near NULL, or none; "
			      "words on a thread state; another thread inside finalization; no "
			      "other thread inside Python",
		.contradicting = "somebody's own code above the call; a call that lets go of the "
				 "GIL, and no supporting sign; a fork; the main thread runs Python "
				 "code; 3.15 and later",
		.versions = LATE_ENSURE,
		.sources = { "python/cpython#124619", "python/cpython#132948",
			     "python/cpython#87135", "DataDog/dd-trace-py#20081",
			     "PyO3/pyo3#4874" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "attach-neighbour",
		.match = match_attach_neighbour,
		.required = "a signal in a stripped libpython, called straight from somebody's own "
			    "code, where the nearest name is one of an attach call",
		.supporting = "an address near NULL, or none; another thread inside finalization",
		.contradicting = "Python code on the stack; a fork",
		.versions = LATE_ENSURE,
		.sources = { "python/cpython#124619", "DataDog/dd-trace-py#20081" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "attach-stack",
		.match = match_attach_stack,
		.required = "stacks of which no signal is told, whose innermost code is CPython's "
			    "attach call, called straight from somebody's own, and no wait",
		.contradicting = "Python code on the stack; a fork; 3.15 and later",
		.versions = LATE_ENSURE,
		.sources = { "python/cpython#124619", "python/cpython#132948" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "forgotten",
		.match = match_forgotten,
		.required = "a signal where PyGILState_Ensure() makes a new thread state, in a "
			    "thread that runs Python code and so must have one",
		.contradicting = "somebody's own code above the call; a fork",
		.versions = LATE_ENSURE,
		.sources = { "saghul/pyuv#137" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "late-use",
		.match = match_late_use,
		.required = "a signal in CPython, called by somebody's own code or running Python "
			    "code, and another thread inside the end of the process or "
			    "interpreter. In somebody's own code alone it is weak",
		.contradicting = "SIGABRT, which tells its own reason; a fork",
		.versions = LATE_ENSURE,
		.sources = { "pybind/pybind11#1360", "python/cpython#110052",
			     "pybind/pybind11#3274" },
	}, {
		.pattern = PATTERN_USE_AFTER_FREE,
		.name = "freed-state",
		.match = match_freed_state,
		.required = "a signal in an attach call that followed a pointer which leads "
			    "nowhere",
		.contradicting = "somebody's own code above the call; a forked child",
		.versions = "up to 3.13; thread states are counted since 3.14",
		.sources = { "python/cpython#124878" },
	},
	{ .match = NULL },
};
