/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-stop-sampler: stopping a thread before fork, from a handler that holds what it needs.
 *
 * A sampler thread attaches to Python for each sample. Rather than repair its state in each child,
 * a profiler would stop the thread before fork: it asks it to return and joins it in the prepare
 * handler of pthread_atfork(). That handler runs inside fork(), called with the GIL held, and the
 * sampler on its way to the request wants the GIL. Each waits for the other, in the parent, and
 * what users see is an application that freezes at os.fork(), or where multiprocessing forks.
 *
 *   join            as told above. A deadlock on every release.
 *   release         the handler lets the GIL go while it joins. Right on 3.12. Since 3.13 CPython
 *                   holds the lock of its list of thread states from PyOS_BeforeFork() on, so a
 *                   sampler that attaches by PyGILState_Ensure(), which makes a thread state and
 *                   links it into that list, hangs again.
 *   release-keep    the same, and the sampler makes its thread state once and keeps it, so that it
 *                   needs the GIL only. Right on every release with a GIL. What is left of the
 *                   state is deleted after the fork, since that takes the same lock.
 *
 * The fix does the work in Python's own `before` hook (os.register_at_fork), which runs before
 * CPython takes any lock, and lets the GIL go while it joins. What it costs: fork-stop-cost.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scenarios/lib/hooks.h"
#include "scenarios/scenario.h"

static struct subject *subject;
static PyInterpreterState *interpreter;
/*
 * W's, with release-keep. Nobody deletes it: W cannot, since that needs the runtime's lock which is
 * held over the fork, and F must not (a debug build asserts that a state is deleted by its thread).
 * It goes with the runtime.
 */
static PyThreadState *kept;

static bool keeps_state(void)
{
	return subject_is(subject, "release-keep");
}

static void stop_without_gil(struct subject *s)
{
	Py_BEGIN_ALLOW_THREADS
	workers_stop_and_join(s);
	Py_END_ALLOW_THREADS
}

static void stop_in_handler(void)
{
	if (subject_is(subject, "join"))
		workers_stop_and_join(subject);
	else
		stop_without_gil(subject);
}

static void setup(struct subject *s)
{
	static const struct fork_hooks fix = { .before = stop_without_gil };

	subject = s;
	interpreter = PyInterpreterState_Get();
	if (s->twin)
		fork_hooks_register(s, &fix);
	else
		pthread_atfork(stop_in_handler, NULL, NULL);
}

/* Something that only a thread which is attached may do. */
static void sample(void)
{
	PyObject *seen = PyLong_FromLong(1 << 20);

	if (seen)
		Py_DECREF(seen);
	else
		PyErr_Clear();
}

static void attach_and_sample(struct subject *s)
{
	PyGILState_STATE state;

	window_enter(s);
	if (keeps_state()) {
		PyEval_RestoreThread(kept);
		sample();
		PyEval_SaveThread();
	} else {
		state = PyGILState_Ensure();
		sample();
		PyGILState_Release(state);
	}
	window_leave(s);
}

static void work(struct subject *s)
{
	if (keeps_state())
		kept = PyThreadState_New(interpreter);
	if (keeps_state() && !kept) {
		subject_say(s, OUTCOME_WRONG, "no memory for the sampler's thread state");
		return;
	}
	while (worker_cycle(s))
		attach_and_sample(s);
}

static void child(struct subject *s)
{
	if (!s->workers[0].joined || !atomic_load(&s->workers[0].returned))
		subject_say(s, OUTCOME_WRONG, "fork went ahead before the sampler had returned");
	if (PyRun_SimpleString("assert sum(range(10)) == 45"))
		subject_say(s, OUTCOME_WRONG, "the child cannot run Python code");
}

static const char *const links[] = {
	"https://github.com/DataDog/dd-trace-py/pull/17042",
	"https://github.com/python/cpython/pull/116607",
	NULL,
};

static const struct variant variants[] = {
	{ .name = "join", .doc = "the handler joins the sampler and holds the GIL" },
	{ .name = "release", .doc = "the handler lets the GIL go while it joins" },
	{ .name = "release-keep", .doc = "so it does, and the sampler keeps its thread state" },
	{ .name = NULL },
};

static const struct expectation expectations[] = {
	{
		.releases = "",
		.variant = "join",
		.shows = "hang",
		.allows = "ok hang",
		.source = "by construction; measured on 3.12.1 to 3.15.2",
	},
	{
		.releases = "<3.13",
		.variant = "release",
		.allows = "ok",
		.source = "3.12 holds the import lock only over a fork; measured on 3.12.1",
	},
	{
		.releases = ">=3.13",
		.variant = "release",
		.shows = "hang",
		.allows = "ok hang",
		.source = "cpython pull 116607 (3.13.0a6); measured on 3.13.0 to 3.15.2",
	},
	{
		.releases = "",
		.flavours = "release debug",
		.variant = "release-keep",
		.allows = "ok",
		.source = "measured on 3.12.1 to 3.15.2",
	},
	{
		/* Attaching waits for the stopped world there, GIL or not. */
		.releases = ">=3.13",
		.flavours = "free-threaded",
		.variant = "release-keep",
		.allows = "ok hang",
		.source = "cpython pull 116607; not measured",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_stop_sampler = {
	.name = "fork-stop-sampler",
	.race = "an at-fork prepare handler joins the sampler thread while that thread waits for "
		"what the forking thread holds",
	.symptom = "the application freezes in fork(), in the parent, and no child appears",
	.fix = "the sampler is joined in Python's own before hook, with the GIL released",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_GATED | SCENARIO_WINDOW | SCENARIO_TWIN_RETIRES,
	.workers = 1,
	.variants = variants,
	.expectations = expectations,
	.setup = setup,
	.work = work,
	.child = child,
};
