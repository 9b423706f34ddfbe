/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/tracee.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "observe/machine.h"

/*
 * A thread stops within microseconds of being asked, or, in an uninterruptible sleep, not for a
 * long time. 50 µs between two looks costs nothing in the second case; in the first our processor
 * is offered instead, for it may be all that the thread waits for, and the shortest sleep takes as
 * long as what is done between two.
 */
#define LOOK_INTERVAL_NS 50000
#define OFFER_NS 100000
/*
 * A process that is killed while it is held is dead within milliseconds; one that sleeps in the
 * kernel, out of reach, may not stop for long. One second, then it stays attached.
 */
#define RELEASE_LOOKS 20000
/* Who was in the way may be gone before it is known, and another one come; refused so often, it is
 * for another reason. */
#define UNTRACED_MAX 10

const struct tracee *tracees_find(const struct tracees *tracees, pid_t tid)
{
	for (size_t i = 0; i < tracees->n; i++)
		if (tracees->v[i].tid == tid)
			return &tracees->v[i];
	return NULL;
}

static void tracee_attach(struct tracee *tracee)
{
	struct machine_registers registers;

	if (!ptrace(PTRACE_SEIZE, tracee->tid, NULL, NULL)) {
		tracee->attached = true;
		if (ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) < 0)
			tracee->error = errno;
		return;
	}
	tracee->error = errno;
	/* Refused since it is ours already? Then its registers can be read. */
	if (errno == EPERM && !machine_fetch(tracee->tid, &registers)) {
		tracee->stopped = true;
		tracee->error = 0;
	}
}

/*
 * Somebody else may look at the same moment, and is through with it soon. All come to the leader
 * first, so that whoever has it gets the other threads, too, and nobody waits for us in turn.
 */
static void leader_attach(struct tracee *tracee, uint64_t deadline_ns)
{
	static const struct timespec nap = { 0, LOOK_INTERVAL_NS };
	int untraced = 0;

	tracee_attach(tracee);
	while (tracee->error == EPERM && untraced < UNTRACED_MAX && clock_now() < deadline_ns) {
		untraced = procfs_tracer(tracee->tid) ? 0 : untraced + 1;
		nanosleep(&nap, NULL);
		tracee->error = 0;
		tracee_attach(tracee);
	}
}

/* Attach to threads that are not in the list yet. Their number, or -1. */
static int tracees_attach_new(struct tracees *tracees, uint64_t deadline_ns)
{
	pid_t *tids;
	int n = procfs_tasks(tracees->pid, &tids), added = 0;

	for (int i = 0; i < n; i++) {
		if (tracees_find(tracees, tids[i]))
			continue;
		tracees->v = xrealloc(tracees->v, (tracees->n + 1) * sizeof(*tracees->v));
		tracees->v[tracees->n] = (struct tracee){ .tid = tids[i] };
		if (tids[i] == tracees->pid)
			leader_attach(&tracees->v[tracees->n++], deadline_ns);
		else
			tracee_attach(&tracees->v[tracees->n++]);
		added++;
	}
	free(tids);
	return n < 0 ? -1 : added;
}

/*
 * WSTOPPED alone: the exit of a thread or process is never taken from whoever waits for it.
 * True once there is nothing more to wait for.
 */
static bool tracee_settled(struct tracee *tracee)
{
	siginfo_t info = { 0 };

	if (tracee->stopped || !tracee->attached || tracee->error)
		return true;
	if (waitid(P_PID, (id_t)tracee->tid, &info, WSTOPPED | WNOHANG | __WALL) < 0) {
		tracee->error = errno == ECHILD ? ESRCH : errno;
		return true;
	}
	if (!info.si_pid)
		return false;
	/* With PTRACE_SEIZE si_status carries the event above the signal. */
	if (info.si_status >> 8 == 0)
		tracee->signo = info.si_status;
	tracee->stopped = true;
	return true;
}

static bool tracees_settled(struct tracees *tracees)
{
	bool all = true;

	for (size_t i = 0; i < tracees->n; i++)
		all &= tracee_settled(&tracees->v[i]);
	return all;
}

static bool tracees_await(struct tracees *tracees, uint64_t deadline_ns)
{
	static const struct timespec nap = { 0, LOOK_INTERVAL_NS };
	uint64_t begun = clock_now(), now;
	bool settled;

	while (!(settled = tracees_settled(tracees)) && (now = clock_now()) < deadline_ns) {
		if (now - begun < OFFER_NS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
	return settled;
}

int tracees_stop(struct tracees *tracees, pid_t pid, uint64_t deadline_ns)
{
	int error = ESRCH, added;

	*tracees = (struct tracees){ .pid = pid };
	/* A thread that is not stopped yet may start another, so look until none is new. */
	while ((added = tracees_attach_new(tracees, deadline_ns)) > 0)
		if (!tracees_await(tracees, deadline_ns))
			break;
	for (size_t i = 0; i < tracees->n; i++) {
		if (tracees->v[i].stopped)
			return 0;
		error = tracees->v[i].error ? tracees->v[i].error : ETIMEDOUT;
	}
	errno = error;
	return -1;
}

/*
 * One look at a tracee that cannot be detached from: it has not stopped yet, or it is dying. A
 * traced thread that died stays a zombie until its tracer has taken notice, and hides the end of
 * its process from the parent meanwhile; only where we are that parent is its exit left alone.
 * True once it is no concern of ours any more.
 */
static bool tracee_bury(struct tracee *tracee, bool ours)
{
	siginfo_t info = { 0 };

	if (!tracee->stopped && tracee_settled(tracee) && tracee->stopped)
		return false; /* it can be detached from now */
	if (waitid(P_PID, (id_t)tracee->tid, &info,
		   WEXITED | WNOHANG | __WALL | (ours ? WNOWAIT : 0)) < 0)
		return true;
	return info.si_pid == tracee->tid;
}

static void tracee_release(const struct tracees *tracees, struct tracee *tracee)
{
	static const struct timespec nap = { 0, LOOK_INTERVAL_NS };
	bool ours;

	if (!tracee->attached)
		return;
	if (!ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(intptr_t)tracee->signo))
		return;
	ours = tracee->tid == tracees->pid && procfs_parent(tracees->pid) == getpid();
	for (int looks = RELEASE_LOOKS; looks && !tracee_bury(tracee, ours); looks--) {
		if (!ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(intptr_t)tracee->signo))
			return;
		nanosleep(&nap, NULL);
	}
}

/* The leader last: it can be buried only when its threads are. */
void tracees_release(struct tracees *tracees)
{
	struct tracee *leader = NULL;

	for (size_t i = 0; i < tracees->n; i++) {
		if (tracees->v[i].tid == tracees->pid)
			leader = &tracees->v[i];
		else
			tracee_release(tracees, &tracees->v[i]);
	}
	if (leader)
		tracee_release(tracees, leader);
	free(tracees->v);
	*tracees = (struct tracees){ 0 };
}
