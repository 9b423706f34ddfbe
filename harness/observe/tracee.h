/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding all threads of a process still with ptrace, and letting them go as they were.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT send no signal. A system call in which a thread waits is
 * restarted by the kernel (epoll_wait and a few more return EINTR instead, as after SIGCONT).
 * Exit statuses are left to whom they belong: only stops are waited for.
 */
#ifndef FORKPOINT_OBSERVE_TRACEE_H
#define FORKPOINT_OBSERVE_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tracee {
	pid_t tid;
	bool attached; /* by us, now */
	bool stopped;
	int error;     /* errno of why it could not be attached to; 0: none */
	int signo;     /* signal that it was about to take, given back to it at release */
};

struct tracees {
	pid_t pid;
	struct tracee *v;
	size_t n;
};

/*
 * Stop all threads, new ones too, until `deadline_ns`. A thread that was already stopped under
 * this tracer is left under it afterwards. 0 if at least one thread stands still, else -1 with
 * errno: EPERM (tracing is not allowed), ESRCH (gone), ETIMEDOUT. Release in either case.
 */
int tracees_stop(struct tracees *tracees, pid_t pid, uint64_t deadline_ns);
void tracees_release(struct tracees *tracees);
const struct tracee *tracees_find(const struct tracees *tracees, pid_t tid);

#endif
