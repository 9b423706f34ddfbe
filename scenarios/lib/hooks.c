/* SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scenarios/lib/hooks.h"

struct hook {
	void (*run)(struct subject *s);
	struct subject *subject;
};

static PyObject *hook_call(PyObject *self, PyObject *unused)
{
	struct hook *hook = PyCapsule_GetPointer(self, NULL);

	(void)unused;
	if (!hook)
		return NULL;
	hook->run(hook->subject);
	Py_RETURN_NONE;
}

static PyMethodDef hook_method = { "fork_hook", hook_call, METH_NOARGS, NULL };

/* Add the keyword argument `name`. A hook lives as long as the process. 0 or -1. */
static int hook_add(PyObject *kwargs, const char *name, struct subject *s,
		    void (*run)(struct subject *))
{
	PyObject *capsule = NULL, *function = NULL;
	struct hook *hook;
	int rc = -1;

	if (!run)
		return 0;
	hook = malloc(sizeof(*hook));
	if (!hook)
		return -1;
	hook->run = run;
	hook->subject = s;
	capsule = PyCapsule_New(hook, NULL, NULL);
	if (!capsule)
		goto out;
	function = PyCFunction_New(&hook_method, capsule);
	if (!function)
		goto out;
	rc = PyDict_SetItemString(kwargs, name, function);
out:
	Py_XDECREF(function);
	Py_XDECREF(capsule);
	return rc;
}

/*
 * The module that os is Python code on top of. It is in every interpreter from its beginning, and
 * is taken from where it is: the way through the import system costs each subject 0.1 ms.
 */
static PyObject *posix_module(void)
{
	PyObject *name = PyUnicode_FromString("posix");
	PyObject *module = name ? PyImport_GetModule(name) : NULL;

	Py_XDECREF(name);
	return module || PyErr_Occurred() ? module : PyImport_ImportModule("posix");
}

void fork_hooks_register(struct subject *s, const struct fork_hooks *hooks)
{
	PyObject *posix = posix_module(), *function = NULL, *result = NULL;
	PyObject *args = PyTuple_New(0), *kwargs = PyDict_New();

	if (!posix || !args || !kwargs)
		goto out;
	function = PyObject_GetAttrString(posix, "register_at_fork");
	if (!function || hook_add(kwargs, "before", s, hooks->before) ||
	    hook_add(kwargs, "after_in_parent", s, hooks->parent) ||
	    hook_add(kwargs, "after_in_child", s, hooks->child))
		goto out;
	result = PyObject_Call(function, args, kwargs);
out:
	if (!result) {
		PyErr_Print();
		subject_say(s, OUTCOME_WRONG, "os.register_at_fork() refused the scenario's hooks");
	}
	Py_XDECREF(result);
	Py_XDECREF(function);
	Py_XDECREF(kwargs);
	Py_XDECREF(args);
	Py_XDECREF(posix);
}
