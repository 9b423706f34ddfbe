/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the interpreter as a profiler would find it, less what would blur a trial.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>

#include "embed/host.h"

static PyStatus config_fill(PyConfig *config, const char *home)
{
	PyConfig_InitIsolatedConfig(config);
	/* Crashes and Ctrl-C are the driver's. */
	config->install_signal_handlers = 0;
	/* site reads the machine's configuration and a third of start-up goes to it. */
	config->site_import = 0;
	if (!home)
		return PyStatus_Ok();
	return PyConfig_SetBytesString(config, &config->home, home);
}

int python_start(const char *home)
{
	PyConfig config;
	PyStatus status = config_fill(&config, home);

	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	if (!PyStatus_Exception(status))
		return 0;
	fprintf(stderr, "python does not start: %s%s\n", status.func ? status.func : "",
		status.err_msg ? status.err_msg : "");
	return -1;
}
