/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-atfork-head-lock: an at-fork handler in C that calls into Python deadlocks since 3.13.
 *
 * From PyOS_BeforeFork() until PyOS_AfterFork_*() CPython 3.13 and later hold the lock of their
 * lists of interpreters and thread states (HEAD_LOCK), so that no child inherits it from another
 * thread. All handlers of pthread_atfork() run in between, on the forking thread, which has the GIL
 * and so looks entitled to call anything. What takes that lock then waits for its own thread. On
 * 3.12 the same handlers worked, and nothing in the documentation of either tells them apart. What
 * users see is an application that froze at os.fork() after an upgrade of Python.
 *
 *   new-state        prepare handler, PyThreadState_New(): the parent hangs, no child appears
 *   current-frames   child handler, sys._current_frames(): the child hangs
 *   import           child handler, first import of threading: the child hangs
 *
 * Nothing races, and no second thread is needed. The twin does the same work in Python's
 * after_in_child hook, which runs when all locks are given back. The child handlers break the rule
 * that a child calls async-signal-safe functions only, on purpose.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scenarios/lib/hooks.h"
#include "scenarios/scenario.h"

static struct subject *subject;
static bool done;

static void make_thread_state(void)
{
	PyThreadState *state = PyThreadState_New(PyInterpreterState_Get());

	if (!state)
		return;
	PyThreadState_Clear(state);
	PyThreadState_Delete(state);
	done = true;
}

static void run_python(const char *code)
{
	done = PyRun_SimpleString(code) == 0;
}

static void reach_into_python(void)
{
	if (subject_is(subject, "new-state"))
		make_thread_state();
	else if (subject_is(subject, "current-frames"))
		run_python("import sys; sys._current_frames()");
	else
		run_python("import threading; threading.Lock()");
}

static void reach_into_python_from_hook(struct subject *s)
{
	(void)s;
	reach_into_python();
}

static void setup(struct subject *s)
{
	static const struct fork_hooks fix = { .child = reach_into_python_from_hook };

	subject = s;
	if (s->twin)
		fork_hooks_register(s, &fix);
	else if (subject_is(s, "new-state"))
		pthread_atfork(reach_into_python, NULL, NULL);
	else
		pthread_atfork(NULL, NULL, reach_into_python);
}

static void child(struct subject *s)
{
	if (!done)
		subject_say(s, OUTCOME_WRONG, "Python refused what the handler asked of it");
}

static const char *const links[] = {
	"https://github.com/python/cpython/issues/116522",
	"https://github.com/python/cpython/pull/116607",
	NULL,
};

static const struct variant variants[] = {
	{ .name = "new-state", .doc = "the prepare handler makes a thread state" },
	{ .name = "current-frames", .doc = "the child handler asks for all threads' frames" },
	{ .name = "import", .doc = "the child handler imports threading" },
	{ .name = NULL },
};

static const struct expectation expectations[] = {
	{
		.releases = "<3.13",
		.allows = "ok",
		.source = "3.12 holds the import lock only over a fork; measured on 3.12.1",
	},
	{
		.releases = ">=3.13",
		.flavours = "release debug",
		.shows = "hang",
		.allows = "hang",
		.source = "cpython pull 116607 (3.13.0a6); measured on 3.13.0 to 3.15.2",
	},
	{
		.releases = ">=3.13",
		.flavours = "free-threaded",
		.allows = "ok hang",
		.source = "cpython pull 116607 (3.13.0a6); not measured",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_atfork_head_lock = {
	.name = "fork-atfork-head-lock",
	.race = "an at-fork handler in C calls what takes a lock that CPython holds over the fork",
	.symptom = "fork() never returns, in the parent or in the child, since Python 3.13",
	.fix = "the work is done in Python's after_in_child hook",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_GATED,
	.variants = variants,
	.expectations = expectations,
	.setup = setup,
	.child = child,
};
