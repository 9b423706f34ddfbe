/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/sentry.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "explore/step.h"

/* A child's handlers and its check take less than that on a loaded machine. */
#define PATIENCE_NS (2 * NSEC_PER_SEC)

/* Between two looks at who does not stop. */
#define LOOK_NS NSEC_PER_MSEC

/*
 * Asleep at so many looks in a row: it waits for somebody else. A wait for the GIL is one of rounds
 * of 5 ms.
 */
#define REST_LOOKS 12

static bool value_read(const struct sentry *sentry, pid_t pid, uint64_t *value)
{
	struct iovec local = { value, sentry->word.size };
	struct iovec remote = { (void *)(uintptr_t)sentry->word.address, sentry->word.size };

	*value = 0;
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)sentry->word.size;
}

/* Its next stop or end within a look's time. False: neither. */
static bool stop_await(pid_t tid, int *status)
{
	const struct timespec look = { 0, LOOK_NS };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (int i = 0; i < 2; i++) {
		pid_t pid = waitpid(tid, status, __WALL | WNOHANG);

		if (pid == tid)
			return true;
		if (pid < 0 && errno != EINTR) {
			*status = 0; /* gone: as if it had ended */
			return true;
		}
		if (i == 0)
			sigtimedwait(&set, NULL, &look);
	}
	return false;
}

/*
 * F's next stop or end, which is sure to come. The end of a leader is not told while its tracer has
 * yet to take notice of another thread's, and W ends with a process that is killed. False: it has
 * not come for as long as a loaded machine may take.
 */
static bool leader_await(const struct sentry *sentry, int *status)
{
	uint64_t until = clock_now() + PATIENCE_NS;
	int ended;

	while (!stop_await(sentry->tid, status)) {
		if (clock_now() > until)
			return false;
		waitpid(sentry->worker, &ended, __WALL | WNOHANG);
	}
	return true;
}

static bool rests(unsigned int *looks, pid_t pid, pid_t tid)
{
	struct task_state task;

	if (procfs_task_read(pid, tid, &task) < 0)
		return true;
	*looks = task.state == 'S' ? *looks + 1 : 0;
	return *looks >= REST_LOOKS;
}

static bool go_on(pid_t tid, int signo)
{
	return !ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)signo);
}

/* The signal to be given to it, and whether it has met the word. */
static int stop_signal(pid_t tid, int status, bool *met)
{
	unsigned int cause = 0;

	*met = false;
	if (status >> 16)
		return 0;
	if (WSTOPSIG(status) != SIGTRAP)
		return WSTOPSIG(status);
	*met = !cpu_trap_cause(tid, &cause) && cause & CPU_TRAP_WATCH;
	return 0;
}

static void hit_tell(struct sentry *sentry, pid_t pid, pid_t tid)
{
	struct sentry_hit hit = { .pid = pid, .tid = tid, .child = pid != sentry->pid };
	uint64_t now;

	hit.changed = value_read(sentry, pid, &now) && now != sentry->value;
	sentry->take(&hit, sentry->arg);
}

static int watch_set(const struct sentry *sentry, pid_t tid)
{
	return cpu_watch_set(tid, sentry->word.address, sentry->word.size, sentry->word.reads);
}

int sentry_begin(struct sentry *sentry)
{
	intptr_t options = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK;
	int status;

	if (ptrace(PTRACE_SEIZE, sentry->tid, NULL, (void *)options) < 0)
		return -1;
	sentry->attached = true;
	if (ptrace(PTRACE_INTERRUPT, sentry->tid, NULL, NULL) < 0 ||
	    !leader_await(sentry, &status) || !WIFSTOPPED(status))
		return -1;
	value_read(sentry, sentry->pid, &sentry->value);
	return watch_set(sentry, sentry->tid) < 0 || !go_on(sentry->tid, 0) ? -1 : 0;
}

/* The child is traced from its birth: it stops before its first instruction. */
static void child_begin(struct sentry *sentry)
{
	unsigned long message = 0;

	ptrace(PTRACE_GETEVENTMSG, sentry->tid, NULL, &message);
	sentry->child = (pid_t)message;
	sentry->child_attached = true;
	cpu_watch_clear(sentry->tid);
	value_read(sentry, sentry->pid, &sentry->value);
}

/* F has stopped. False: it has ended. */
static bool parent_stopped(struct sentry *sentry, int status)
{
	bool met;
	int signo;

	if (!WIFSTOPPED(status)) {
		sentry->attached = false;
		return false;
	}
	if (status >> 16 == PTRACE_EVENT_FORK)
		child_begin(sentry);
	signo = stop_signal(sentry->tid, status, &met);
	if (met) {
		hit_tell(sentry, sentry->pid, sentry->tid);
		cpu_watch_clear(sentry->tid);
	}
	return go_on(sentry->tid, signo);
}

/* A crash: its handler waits for the driver, which is busy here. */
static bool is_fatal(int signo)
{
	return signo == SIGSEGV || signo == SIGABRT || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE;
}

/* The child has stopped. False: nothing more will come of it. */
static bool child_stopped(struct sentry *sentry, int status)
{
	bool met;
	int signo;

	if (!WIFSTOPPED(status)) {
		sentry->child_attached = false;
		return false;
	}
	if (status >> 16 == PTRACE_EVENT_STOP)
		return !watch_set(sentry, sentry->child) && go_on(sentry->child, 0);
	signo = stop_signal(sentry->child, status, &met);
	if (met)
		hit_tell(sentry, sentry->child, sentry->child);
	return !met && !is_fatal(signo) && go_on(sentry->child, signo);
}

unsigned int sentry_await_operation(struct sentry *sentry, const struct control *control,
				    unsigned int n, unsigned int most)
{
	uint64_t until = clock_now() + PATIENCE_NS;
	unsigned int looks = 0, hits = 0;
	int status, signo = 0;
	bool met;

	while (hits < most && !is_fatal(signo) && clock_now() < until) {
		if (!stop_await(sentry->tid, &status)) {
			if (operator_answered(control) ||
			    rests(&looks, sentry->pid, sentry->tid))
				break;
			continue;
		}
		if (!WIFSTOPPED(status)) {
			sentry->attached = false;
			break;
		}
		signo = stop_signal(sentry->tid, status, &met);
		hits += met;
		if (met && hits == n)
			hit_tell(sentry, sentry->pid, sentry->tid);
		if (met)
			value_read(sentry, sentry->pid, &sentry->value);
		if (!go_on(sentry->tid, signo))
			break;
	}
	return hits;
}

/* F, until it has forked. False: it will not. */
static bool parent_await_fork(struct sentry *sentry, uint64_t until)
{
	unsigned int looks = 0;
	int status;

	while (!sentry->child) {
		if (stop_await(sentry->tid, &status)) {
			if (!parent_stopped(sentry, status))
				return false;
		} else if (clock_now() > until || rests(&looks, sentry->pid, sentry->tid)) {
			return false;
		}
	}
	return true;
}

void sentry_await_fork(struct sentry *sentry)
{
	uint64_t until = clock_now() + PATIENCE_NS;
	unsigned int looks = 0;
	int status;

	if (!parent_await_fork(sentry, until))
		return;
	for (;;) {
		if (stop_await(sentry->child, &status)) {
			if (!child_stopped(sentry, status))
				return;
		} else if (clock_now() > until || rests(&looks, sentry->child, sentry->child)) {
			return;
		}
	}
}

/* It is our tracee, so its pid stays its own until we have taken notice of its end. */
static void child_end(struct sentry *sentry)
{
	int status;

	if (!sentry->child_attached)
		return;
	kill(sentry->child, SIGKILL);
	while (waitpid(sentry->child, &status, __WALL) == sentry->child && WIFSTOPPED(status))
		;
}

void sentry_end(struct sentry *sentry)
{
	int status;

	child_end(sentry);
	if (!sentry->attached)
		return;
	ptrace(PTRACE_INTERRUPT, sentry->tid, NULL, NULL);
	if (!leader_await(sentry, &status) || !WIFSTOPPED(status))
		return;
	cpu_watch_clear(sentry->tid);
	ptrace(PTRACE_DETACH, sentry->tid, NULL, NULL);
}
