/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore-after-reinit: a thread comes back to another Python than the one it left.
 *
 * A program that embeds Python may finalize it and initialise it again: to reload plug-ins, or to
 * run test after test. A thread that stood in a blocking call meanwhile (PyEval_SaveThread, …,
 * PyEval_RestoreThread) holds a pointer to a thread state of the first runtime.
 *
 * Up to 3.13 that state has been freed, and what protects the thread is a comparison with the
 * runtime's finalizing mark, which the second initialisation has taken away: PyEval_RestoreThread
 * takes the *new* GIL and returns on freed memory. Whatever the thread does next is undefined; here
 * it gives its state back, and the runtime aborts since it knows of none, unless the freed memory
 * has led it astray before. Since 3.14 thread states are counted references and know that they are
 * shut down: the thread is held for ever, and the new runtime goes on unharmed; check() tries it.
 *
 * What a user sees: "Fatal Python error: PyGILState_Release: auto-releasing thread-state, but no
 * thread-state for this thread" some time after a reload, or memory corruption with no trace.
 *
 * The twin asks the thread to stop, and joins it with the GIL released, before it finalizes.
 */
#include <Python.h>

#include "scenarios/lib/retire.h"
#include "scenarios/scenario.h"

static void reinit_work(struct subject *s)
{
	PyGILState_STATE gilstate;
	PyThreadState *state;

	while (worker_cycle(s) && !atomic_load(&s->operated)) {
		gilstate = PyGILState_Ensure();
		state = PyEval_SaveThread();
		window_enter(s);
		if (!s->twin)
			worker_await_operation(s);
		PyEval_RestoreThread(state);
		PyGILState_Release(gilstate);
		window_leave(s);
	}
}

/* Code, allocation, collection and a thread of the new runtime's own. */
static bool runtime_works(void)
{
	return PyRun_SimpleString("import gc, _thread\n"
				  "done = _thread.allocate_lock()\n"
				  "done.acquire()\n"
				  "squares = {}\n"
				  "def fill():\n"
				  "    squares.update((n, [n * n]) for n in range(1000))\n"
				  "    done.release()\n"
				  "_thread.start_new_thread(fill, ())\n"
				  "with done:\n"
				  "    gc.collect()\n"
				  "assert squares[999] == [998001]\n") == 0;
}

static void reinit_check(struct subject *s)
{
	enum fate fate;

	Py_BEGIN_ALLOW_THREADS
	fate = worker_await_fate(s, 0);
	Py_END_ALLOW_THREADS
	if (fate == FATE_RETURNED && !s->twin)
		subject_say(s, OUTCOME_WRONG, "the thread went on with a freed thread state");
	else if (!runtime_works())
		subject_say(s, OUTCOME_WRONG, "the second runtime does not run code any more");
	else
		subject_say_fates(s);
}

static const char *const links[] = {
	"https://github.com/python/cpython/issues/124878",
	"https://github.com/python/cpython/pull/130649",
	NULL,
};

static const struct expectation expectations[] = {
	/* Which of the two depends on what the allocator has put where the freed state was. */
	{ .releases = "<3.14", .shows = "SIGABRT SIGSEGV", .allows = "",
	  .source = "gh-124878; measured on 3.12.1, 3.13.0, 3.13.5, 3.13.18, 3.13.18d" },
	{ .releases = ">=3.14", .shows = "parked", .allows = "parked",
	  .source = "gh-124878, fixed in 3.14.0; measured on 3.14.10, 3.15.2" },
	{ .releases = NULL },
};

const struct scenario scenario_restore_after_reinit = {
	.name = "restore-after-reinit",
	.race = "Python is finalized and initialised again while a thread is in a blocking call",
	.symptom = "the thread runs on a freed thread state; the process aborts or faults",
	.fix = "the thread is asked to stop and joined, the GIL released, before Py_FinalizeEx",
	.links = links,
	.operation = OPERATION_REINIT,
	.flags = SCENARIO_GATED | SCENARIO_WINDOW | SCENARIO_TWIN_RETIRES,
	.workers = 1,
	.expectations = expectations,
	.work = reinit_work,
	.before = twin_retires_workers,
	.check = reinit_check,
};
