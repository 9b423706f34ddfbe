/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finalize-ensure-after: a native thread attaches to a Python that is no more.
 *
 * A profiler, a D-Bus loop, a logging back end has a thread of its own, which Python knows nothing
 * of. Once in a while it calls into Python: PyGILState_Ensure, a callback, PyGILState_Release. The
 * main thread leaves main() by way of Py_FinalizeEx, but the process lives on for a moment, and in
 * that moment the thread's next call comes due.
 *
 * Up to and including 3.14, PyGILState_Ensure makes a thread state in the interpreter to which the
 * runtime's gilstate points. Finalization has set that to NULL, and only an assertion stands
 * between it and its use: SIGSEGV in a release build, SIGABRT in a debug build. That such a thread
 * is ended or held, as one reads, is true of threads that meet finalization under way; after it
 * there is nothing left that could hold them. From 3.15 on the function takes a guard (PEP 788)
 * first, and holds the thread for ever when it gets none.
 *
 * What a user sees: a program that did its work and printed its result dies of SIGSEGV on the way
 * out, once in some hundred runs, with PyGILState_Ensure and new_threadstate on a thread of a
 * library.
 *
 * The twin asks the thread to stop, and joins it with the GIL released, before it finalizes.
 * The variant `guard` attaches through a view of the interpreter, and learns in time that there is
 * none: the one way that needs no cooperation of whoever finalizes.
 */
#include <Python.h>

#include "scenarios/lib/guard.h"
#include "scenarios/lib/retire.h"
#include "scenarios/scenario.h"

static struct guard_view *view; /* variant `guard` */

static void ensure_after_setup(struct subject *s)
{
	view = guard_view_of_variant(s);
}

static void work_gilstate(struct subject *s)
{
	PyGILState_STATE state;

	while (worker_cycle(s)) {
		window_enter(s);
		if (!s->twin)
			worker_await_operation(s);
		state = PyGILState_Ensure();
		PyGILState_Release(state);
		window_leave(s);
	}
}

static void work_guarded(struct subject *s)
{
	struct guard_token *token;
	bool alive = true;

	while (alive && worker_cycle(s)) {
		window_enter(s);
		if (!s->twin)
			worker_await_operation(s);
		token = guard_attach_view(view);
		if (token)
			guard_detach(token);
		window_leave(s);
		alive = token != NULL;
	}
}

static void ensure_after_work(struct subject *s)
{
	if (subject_is(s, "guard"))
		work_guarded(s);
	else
		work_gilstate(s);
}

static const char *const links[] = {
	"https://github.com/python/cpython/issues/131185",
	"https://github.com/python/cpython/issues/124619",
	"https://github.com/python/cpython/pull/132510",
	"https://github.com/DataDog/dd-trace-py/pull/16721",
	NULL,
};

static const struct variant variants[] = {
	{ "gilstate", "PyGILState_Ensure, as nearly all native code does", NULL },
	{ "guard", "PyThreadState_EnsureFromView (PEP 788)", ">=3.15" },
	{ NULL, NULL, NULL },
};

static const struct expectation expectations[] = {
	{ .releases = ">=3.15", .variant = "guard", .shows = "ok", .allows = "ok",
	  .source = "PEP 788; measured on 3.15.2" },
	{ .releases = "<3.15", .flavours = "debug", .shows = "SIGABRT", .allows = "SIGABRT",
	  .source = "gh-131185: the assertion that a release build leaves out" },
	{ .releases = "<3.15", .shows = "SIGSEGV", .allows = "SIGSEGV",
	  .source = "gh-131185; measured on 3.12.1, 3.13.0, 3.13.5, 3.13.18, 3.14.10" },
	{ .releases = ">=3.15", .shows = "parked", .allows = "parked",
	  .source = "gh-131185, fixed in 3.15.0; measured on 3.15.2" },
	{ .releases = NULL },
};

const struct scenario scenario_finalize_ensure_after = {
	.name = "finalize-ensure-after",
	.race = "a native thread calls PyGILState_Ensure after Py_FinalizeEx has returned",
	.symptom = "the process dies of SIGSEGV on its way out, its work done",
	.fix = "the thread is asked to stop and joined, the GIL released, before Py_FinalizeEx",
	.links = links,
	.operation = OPERATION_FINALIZE,
	.flags = SCENARIO_GATED | SCENARIO_WINDOW | SCENARIO_TWIN_RETIRES,
	.workers = 1,
	.variants = variants,
	.expectations = expectations,
	.setup = ensure_after_setup,
	.work = ensure_after_work,
	.before = twin_retires_workers,
	.check = subject_say_fates,
};
