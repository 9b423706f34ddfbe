/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of a zygote and nothing of its work: the same libpython, initialised the same way.
 *
 *   embedded HOME fork N   fork, _exit and waitpid N times; nanoseconds for each
 *   embedded HOME wait     say that Python is up, and wait to be ended
 *
 * An empty HOME is none. Built for one interpreter by bench.sh.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int start_python(const char *home)
{
	PyConfig config;
	PyStatus status = PyStatus_Ok();

	PyConfig_InitIsolatedConfig(&config);
	if (*home)
		status = PyConfig_SetBytesString(&config, &config.home, home);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return PyStatus_Exception(status) ? -1 : 0;
}

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[3]) : 0;
	long long start;

	if (argc < 3 || start_python(argv[1]) < 0)
		return 1;
	if (!strcmp(argv[2], "wait")) {
		puts("up");
		fflush(stdout);
		return pause();
	}
	start = now_ns();
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			return 1;
	}
	printf("%lld\n", n > 0 ? (now_ns() - start) / n : 0);
	return 0;
}
