/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finalize-restore: a thread comes back from a blocking call, and Python has gone.
 *
 * The ordinary way to block in an extension is PyEval_SaveThread, the system call,
 * PyEval_RestoreThread. If finalization begins meanwhile, the last of these cannot return: there is
 * no GIL to hand out any more. Up to 3.13.7 CPython ends the thread with pthread_exit. glibc does
 * that by unwinding the stack by force, as an exception would, and the frames that it passes were
 * written by people who never heard of it:
 *
 *	cleanup     a C frame with a cleanup handler: it runs, the thread is gone
 *	noexcept    C++ that promised that nothing is thrown: std::terminate, SIGABRT,
 *	            "terminate called without an active exception"
 *	catch-all   C++ with `catch (...)` that does not rethrow: glibc, SIGABRT,
 *	            "FATAL: exception not rethrown"
 *
 * Rust's extern "C" functions and destructors behave like the second. Since 3.13.8 the thread is
 * held for ever instead: nothing unwinds, nothing aborts, and whoever joins the thread waits for
 * ever too. 3.12 keeps the old way.
 *
 * What a user sees: a program that worked aborts on exit with one of the two lines above, on a
 * thread that was merely waiting for a socket.
 *
 * The twin asks the thread to stop, and joins it with the GIL released, before it finalizes. In the
 * variant `guard` the thread blocks under a guard (PEP 788), and finalization waits until it is
 * back.
 */
#include <Python.h>

#include "scenarios/lib/cleanup_frame.h"
#include "scenarios/lib/guard.h"
#include "scenarios/lib/retire.h"
#include "scenarios/scenario.h"

namespace {

guard_view *view; /* variant `guard` */
std::atomic<bool> handler_ran;

void handler(void *)
{
	handler_ran = true;
}

void come_back(void *state)
{
	PyEval_RestoreThread(static_cast<PyThreadState *>(state));
}

void come_back_cleanup(PyThreadState *state)
{
	cleanup_frame_call(come_back, handler, state);
}

void come_back_noexcept(PyThreadState *state) noexcept
{
	PyEval_RestoreThread(state);
}

/* What a library does that must not let an exception into C. */
void come_back_catching(PyThreadState *state)
{
	try {
		PyEval_RestoreThread(state);
	} catch (...) {
		handler_ran = true;
	}
}

/* Chosen outside the window, so that nothing but the frame and the call stands in it. */
void (*frame_kind(const struct subject *s))(PyThreadState *)
{
	if (subject_is(s, "cleanup"))
		return come_back_cleanup;
	if (subject_is(s, "noexcept"))
		return come_back_noexcept;
	return come_back_catching;
}

void restore_setup(struct subject *s)
{
	view = guard_view_of_variant(s);
}

void work_plain(struct subject *s)
{
	PyGILState_STATE gilstate = PyGILState_Ensure();
	PyThreadState *state = PyEval_SaveThread();
	void (*come_back_below)(PyThreadState *) = frame_kind(s);

	while (worker_cycle(s)) {
		window_enter(s);
		come_back_below(state);
		state = PyEval_SaveThread();
		window_leave(s);
	}
	PyEval_RestoreThread(state);
	PyGILState_Release(gilstate);
}

void work_guarded(struct subject *s)
{
	unsigned int asked = 0;
	struct guard *guard;

	while (worker_cycle(s) && guard_may_ask(s, &asked) &&
	       (guard = guard_open(view)) != nullptr) {
		guard_token *token;
		PyThreadState *state;

		window_enter(s);
		token = guard_attach(guard);
		state = PyEval_SaveThread();
		PyEval_RestoreThread(state);
		guard_detach(token);
		window_leave(s);
		guard_close(guard);
	}
}

void restore_work(struct subject *s)
{
	if (subject_is(s, "guard"))
		work_guarded(s);
	else
		work_plain(s);
}

/* A thread that is ended has its handlers run, and one that is held has not. */
void restore_check(struct subject *s)
{
	bool ended = worker_await_fate(s, 0) == FATE_ENDED;

	if (subject_is(s, "cleanup") && ended && !handler_ran)
		subject_say(s, OUTCOME_WRONG, "the thread was ended past its cleanup handler");
	else if (handler_ran && !ended)
		subject_say(s, OUTCOME_WRONG, "a handler ran in a thread that was not ended");
	else
		subject_say_fates(s);
}

const char *const links[] = {
	"https://github.com/python/cpython/issues/87135",
	"https://github.com/python/cpython/pull/105805",
	"https://github.com/python/cpython/pull/137827",
	nullptr,
};

const struct variant variants[] = {
	{ "cleanup", "a C cleanup handler below the call", nullptr },
	{ "noexcept", "a C++ noexcept function below the call", nullptr },
	{ "catch-all", "a C++ catch (...) below the call", nullptr },
	{ "guard", "the blocking call is made under a guard (PEP 788)", ">=3.15" },
	{ nullptr, nullptr, nullptr },
};

/*
 * Releases, flavours, variant, twin, shows, allows, floor, source. Up to 3.13 the state is freed
 * while its thread still waits with it. Release builds come through that (0 of 4000 on 3.12.1 to
 * 3.13.18); a debug build fills freed memory, and a thread caught in the middle may fault on it.
 */
const struct expectation expectations[] = {
	{ ">=3.15", nullptr, "guard", false, "ok", "ok", 0, "PEP 788; measured on 3.15.2" },
	{ "<3.13.8", "debug", "cleanup", false, "exit", "SIGSEGV SIGABRT", 0,
	  "gh-87135, gh-124878; as the other rows" },
	{ "<3.13.8", "debug", nullptr, false, "SIGABRT", "SIGSEGV", 0,
	  "gh-87135, gh-124878; as the other rows" },
	{ "<3.13.8", nullptr, "cleanup", false, "exit", "exit", 0,
	  "gh-87135; measured on 3.12.1, 3.13.0, 3.13.5" },
	{ "<3.13.8", nullptr, nullptr, false, "SIGABRT", "SIGABRT", 0,
	  "gh-87135; measured on 3.12.1, 3.13.0, 3.13.5" },
	{ ">=3.13.8,<3.14", "debug", nullptr, false, "parked", "SIGSEGV SIGABRT", 0,
	  "gh-87135, gh-124878; measured on 3.13.18d: 8 faults in 300" },
	{ ">=3.13.8", nullptr, nullptr, false, "parked", "parked", 0,
	  "gh-87135, changed in 3.13.8 and 3.14.0; measured on 3.13.18, 3.14.10, 3.15.2" },
	{ nullptr, nullptr, nullptr, false, nullptr, nullptr, 0, nullptr },
};

} // namespace

extern "C" const struct scenario scenario_finalize_restore = {
	.name = "finalize-restore",
	.race = "a thread's PyEval_RestoreThread meets a runtime that finalizes",
	.symptom = "abort on exit: 'terminate called without an active exception' or "
		   "'FATAL: exception not rethrown'",
	.fix = "the thread is asked to stop and joined, the GIL released, before Py_FinalizeEx",
	.links = links,
	.operation = OPERATION_FINALIZE,
	.flags = SCENARIO_GATED | SCENARIO_WINDOW | SCENARIO_TWIN_RETIRES,
	.workers = 1,
	.variants = variants,
	.expectations = expectations,
	.unsupported = nullptr,
	.setup = restore_setup,
	.work = restore_work,
	.before = twin_retires_workers,
	.child = nullptr,
	.check = restore_check,
};
