/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-live-subinterpreter: a process that has a subinterpreter forks.
 *
 * PyOS_AfterFork_Child() deletes all interpreters but the main one, since their threads are gone.
 * It clears them with no thread state of theirs current and with CPython's own list of
 * interpreters locked. The subinterpreter need not do anything; it need only be there. Forking from
 * the main interpreter is allowed and nothing warns. Each release fails in its own way: up to 3.12
 * the child waits for a lock of its own thread, 3.13 aborts for want of a thread state ("the
 * function must be called with the GIL held"), and 3.14 and 3.15 read through a null pointer.
 * Embedders meet it (web servers with an interpreter for each application), and so does whoever
 * tries concurrent.interpreters and multiprocessing in one program.
 *
 * Nothing races: every fork of such a process fails. The twin ends the subinterpreter first.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scenarios/scenario.h"

static PyThreadState *sub;

static void setup(struct subject *s)
{
	PyThreadState *main_state = PyThreadState_Get();

	sub = Py_NewInterpreter();
	PyThreadState_Swap(main_state);
	if (!sub)
		subject_say(s, OUTCOME_WRONG, "no subinterpreter could be made");
}

static void before(struct subject *s)
{
	PyThreadState *main_state;

	if (!s->twin || !sub)
		return;
	main_state = PyThreadState_Swap(sub);
	Py_EndInterpreter(sub);
	PyThreadState_Swap(main_state);
}

static void child(struct subject *s)
{
	if (PyRun_SimpleString("assert sum(range(10)) == 45"))
		subject_say(s, OUTCOME_WRONG, "the child cannot run Python code");
}

static const char *const links[] = {
	"https://github.com/python/cpython/issues/101437",
	"https://github.com/python/cpython/issues/139759",
	NULL,
};

static const struct expectation expectations[] = {
	{
		.releases = "<3.13",
		.shows = "hang",
		.allows = "hang",
		.source = "gh-101437 (open); measured on 3.12.1",
	},
	{
		.releases = ">=3.13,<3.14",
		.flavours = "release",
		.shows = "SIGABRT",
		.allows = "SIGABRT",
		.source = "gh-101437, gh-139759 (open); measured on 3.13.0 to 3.13.18",
	},
	{
		.releases = ">=3.13,<3.14",
		.flavours = "debug",
		.shows = "SIGSEGV",
		.allows = "SIGSEGV",
		.source = "gh-101437, gh-139759 (open); measured on 3.13.18",
	},
	{
		.releases = ">=3.14",
		.flavours = "release debug",
		.shows = "SIGSEGV",
		.allows = "SIGSEGV",
		.source = "gh-101437, gh-139759 (open); measured on 3.14.10 and 3.15.2",
	},
	{
		.releases = "",
		.flavours = "free-threaded",
		.allows = "ok hang SIGABRT SIGSEGV",
		.source = "gh-101437, gh-139759 (open); not measured",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_live_subinterpreter = {
	.name = "fork-live-subinterpreter",
	.race = "the child of a fork deletes a subinterpreter that was alive in the parent",
	.symptom = "every forked child hangs, aborts or faults in PyOS_AfterFork_Child()",
	.fix = "the subinterpreter is ended before the fork",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_GATED,
	.expectations = expectations,
	.setup = setup,
	.before = before,
	.child = child,
};
