/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finalize-check-then-ensure: asking first does not help.
 *
 *	if (!Py_IsFinalizing()) {
 *		                        <- the main thread finalizes here
 *		state = PyGILState_Ensure();
 *		…
 *		PyGILState_Release(state);
 *	}
 *
 * The check is what everybody writes who has met finalize-ensure-after. It is true when it is made
 * and means nothing a moment later: time of check to time of use. The caller does not hold the GIL,
 * so nothing keeps the main thread from passing the check, and from going any way from there: from
 * before the runtime's finalizing mark is set to long after the interpreter has been freed.
 *
 * What happens depends on how far it gets. If the interpreter is gone when the thread makes its
 * thread state, PyGILState_Ensure uses a null pointer: SIGSEGV. If it goes while the thread makes
 * one, the key under which the state shall be stored is gone: SIGABRT, "gilstate_tss_set: failed to
 * set current tstate (TSS)". If the thread already waits for the GIL, it is ended by pthread_exit
 * (before 3.13.8) or held for ever (since). Only a thread that gets through before finalization, or
 * checks after it began, comes to no harm. From 3.15 on it is held for ever wherever it stands.
 *
 * What a user sees: rare crashes on exit in whichever library has the busiest thread, with the
 * check in plain sight one frame up.
 *
 * The twin asks the thread to stop, and joins it with the GIL released, before it finalizes. In the
 * variant `guard` check and promise are one: a guard (PEP 788), once had, makes finalization wait.
 */
#include <Python.h>

#include "embed/compat.h"
#include "scenarios/lib/guard.h"
#include "scenarios/lib/retire.h"
#include "scenarios/scenario.h"

static struct guard_view *view; /* variant `guard` */

static void check_then_ensure_setup(struct subject *s)
{
	view = guard_view_of_variant(s);
}

static void work_checked(struct subject *s)
{
	PyGILState_STATE state;

	while (worker_cycle(s) && !compat_is_finalizing()) {
		window_enter(s);
		state = PyGILState_Ensure();
		PyGILState_Release(state);
		window_leave(s);
	}
}

static void work_guarded(struct subject *s)
{
	unsigned int asked = 0;
	struct guard_token *token;
	struct guard *guard;

	while (worker_cycle(s) && guard_may_ask(s, &asked) && (guard = guard_open(view))) {
		window_enter(s);
		token = guard_attach(guard);
		if (token)
			guard_detach(token);
		window_leave(s);
		guard_close(guard);
	}
}

static void check_then_ensure_work(struct subject *s)
{
	if (subject_is(s, "guard"))
		work_guarded(s);
	else
		work_checked(s);
}

static const char *const links[] = {
	"https://github.com/DataDog/dd-trace-py/pull/16721",
	"https://github.com/python/cpython/issues/131185",
	"https://github.com/python/cpython/issues/124619",
	"https://github.com/python/cpython/issues/87135",
	NULL,
};

static const struct variant variants[] = {
	{ "gilstate", "Py_IsFinalizing, then PyGILState_Ensure", NULL },
	{ "guard", "a guard (PEP 788) in place of the check", ">=3.15" },
	{ NULL, NULL, NULL },
};

/*
 * Held at the gate until Py_FinalizeEx has returned, W always finds the null pointer. Meeting
 * finalization under way takes luck, and shows the rest.
 */
static const struct expectation expectations[] = {
	{ .releases = ">=3.15", .variant = "guard", .shows = "ok", .allows = "ok",
	  .source = "PEP 788; measured on 3.15.2" },
	{ .releases = "<3.13.8", .shows = "SIGSEGV SIGABRT", .allows = "ok exit",
	  .source = "gh-131185, gh-87135; measured on 3.12.1, 3.13.0, 3.13.5" },
	{ .releases = "<3.15", .shows = "SIGSEGV SIGABRT", .allows = "ok parked",
	  .source = "gh-131185, gh-87135; measured on 3.13.18, 3.14.10" },
	{ .releases = ">=3.15", .shows = "parked", .allows = "ok",
	  .source = "gh-131185, fixed in 3.15.0; measured on 3.15.2" },
	{ .releases = NULL },
};

const struct scenario scenario_finalize_check_then_ensure = {
	.name = "finalize-check-then-ensure",
	.race = "Py_FinalizeEx runs between a thread's Py_IsFinalizing and its PyGILState_Ensure",
	.symptom = "rare crashes on exit in a thread that asks before it attaches",
	.fix = "the thread is asked to stop and joined, the GIL released, before Py_FinalizeEx",
	.links = links,
	.operation = OPERATION_FINALIZE,
	.flags = SCENARIO_GATED | SCENARIO_WINDOW | SCENARIO_TWIN_RETIRES,
	.workers = 1,
	.variants = variants,
	.expectations = expectations,
	.setup = check_then_ensure_setup,
	.work = check_then_ensure_work,
	.before = twin_retires_workers,
	.check = subject_say_fates,
};
