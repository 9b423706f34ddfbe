/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into forkpoint: whoever reads the registers of a thread that it holds, which is the
 * middle of a capture, goes on only when it has been told to end. So a test meets a capture, which
 * takes some 5 ms, for certain, and knows that SIGTERM comes within it.
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 10 s at most: the test has failed then. */
static void await_term(void)
{
	sigset_t pending;

	for (int i = 0; i < 10000; i++) {
		if (sigpending(&pending) || sigismember(&pending, SIGTERM))
			return;
		usleep(1000);
	}
}

/* The requests that return what they read (PTRACE_PEEK…) are not forkpoint's. */
long ptrace(enum __ptrace_request request, ...)
{
	void *addr, *data;
	va_list ap;
	pid_t pid;

	va_start(ap, request);
	pid = va_arg(ap, pid_t);
	addr = va_arg(ap, void *);
	data = va_arg(ap, void *);
	va_end(ap);
	if (request == PTRACE_GETREGSET)
		await_term();
	return syscall(SYS_ptrace, request, pid, addr, data);
}
