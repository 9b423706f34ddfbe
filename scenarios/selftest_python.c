/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject that dies or hangs in C, below Python code: what is kept of it is to have the frames of
 * both. Hidden: run only when named.
 */
#include <Python.h>

#include <pthread.h>
#include <stdlib.h>

#include "scenarios/scenario.h"

static const struct expectation endings[] = {
	{ .releases = "", .variant = "hang", .shows = "hang", .allows = "hang",
	  .source = "by construction" },
	{ .releases = "", .shows = "SIGABRT", .allows = "SIGABRT", .source = "by construction" },
	{ .releases = NULL },
};

static const struct variant variants[] = {
	{ .name = "crash", .doc = "abort() is called" },
	{ .name = "torn", .doc = "so it is; by then CPython's lists in memory are garbage" },
	{ .name = "hang", .doc = "a thread locks its own mutex again" },
	{ .name = NULL },
};

static struct subject *subject;

static void tear_lists(void)
{
	PyThreadState *state = PyThreadState_Get();

#if PY_VERSION_HEX < 0x030d0000
	state->cframe->current_frame = (void *)0x10;
#else
	state->current_frame = (void *)0x10;
#endif
	state->next = state;
}

static PyObject *end_here(PyObject *self, PyObject *nothing)
{
	static pthread_mutex_t twice = PTHREAD_MUTEX_INITIALIZER;

	(void)self;
	(void)nothing;
	if (subject_is(subject, "hang")) {
		pthread_mutex_lock(&twice);
		pthread_mutex_lock(&twice);
	}
	if (subject_is(subject, "torn"))
		tear_lists();
	abort();
}

static const char code[] =
	"def inner():\n"
	"    end_here()\n"
	"\n"
	"def outer():\n"
	"    inner()\n"
	"\n"
	"outer()\n";

static void run_python(struct subject *s)
{
	static PyMethodDef method = { "end_here", end_here, METH_NOARGS, NULL };
	PyObject *module, *function;

	subject = s;
	if (s->twin)
		return;
	module = PyImport_AddModule("__main__");
	function = PyCFunction_New(&method, NULL);
	if (!module || !function || PyObject_SetAttrString(module, method.ml_name, function) ||
	    PyRun_SimpleString(code))
		subject_say(s, OUTCOME_WRONG, "Python code cannot be run");
}

static void check(struct subject *s)
{
	run_python(s);
	subject_say(s, OUTCOME_OK, "");
}

const struct scenario scenario_selftest_python = {
	.name = "selftest-python", .race = "C code below Python code ends the process, or waits",
	.symptom = "SIGABRT or a hang", .fix = "it does not", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = endings,
	.variants = variants, .check = check,
};

const struct scenario scenario_selftest_python_child = {
	.name = "selftest-python-child", .race = "so it does in a forked child",
	.symptom = "SIGABRT or a hang", .fix = "it does not", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = endings,
	.variants = variants, .child = run_python,
};
