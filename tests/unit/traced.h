/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that this program traces: stopped before it does anything, killed with its tracer. It is
 * this program's copy, so addresses mean the same in both.
 */
#ifndef FORKPOINT_TESTS_UNIT_TRACED_H
#define FORKPOINT_TESTS_UNIT_TRACED_H

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not what is tested: nothing can be said then. */
__attribute__((unused, noreturn))
static void traced_fail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(3);
}

/* Both on one processor: a step takes less than half the time then. */
__attribute__((unused))
static void traced_pin(void)
{
	cpu_set_t all, one;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		traced_fail("processors");
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		traced_fail("processors");
}

/* Its next stop: the signal, or 0 if it has gone. */
__attribute__((unused))
static int traced_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return 0;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

__attribute__((unused))
static pid_t traced_start(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, WUNTRACED) != pid ||
	    ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0 ||
	    kill(pid, SIGCONT) < 0)
		traced_fail("tracing a child");
	/* Stopped by the signal that it is continued by, and that is not given to it. */
	while (traced_wait(pid) != SIGCONT)
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0)
			traced_fail("tracing a child");
	return pid;
}

__attribute__((unused))
static void traced_end(pid_t pid)
{
	kill(pid, SIGKILL);
	while (traced_wait(pid))
		;
}

#endif
