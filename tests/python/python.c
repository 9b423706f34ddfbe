/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `python` of one interpreter: some come as a library alone. Takes what python takes.
 * Built by embed/host.mk; tests get it from tests/lib/pythons.py.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

int main(int argc, char **argv)
{
	PyConfig config;
	PyStatus status;

	PyConfig_InitPythonConfig(&config);
	status = PyConfig_SetBytesString(&config, &config.home, PYTHON_HOME);
	if (!PyStatus_Exception(status))
		status = PyConfig_SetBytesArgv(&config, argc, argv);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	if (PyStatus_Exception(status))
		Py_ExitStatusException(status);
	return Py_RunMain();
}
