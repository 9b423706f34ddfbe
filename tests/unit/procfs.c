/* SPDX-License-Identifier: Apache-2.0 */
/* /proc as read by base/procfs.c, against processes whose state is known. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "tests/unit/tap.h"

static pid_t gettid_raw(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static bool holds(const pid_t *v, int n, pid_t pid)
{
	for (int i = 0; i < n; i++)
		if (v[i] == pid)
			return true;
	return false;
}

/* Wait, for 5 s at most, until a task is in the wanted state and system call (-1: any). */
static bool await_state(pid_t pid, pid_t tid, char state, long nr)
{
	static const struct timespec nap = { 0, 1000000 };
	uint64_t end = clock_now() + 5 * NSEC_PER_SEC;
	struct task_state task;

	while (clock_now() < end) {
		if (!procfs_task_read(pid, tid, &task) && task.state == state &&
		    (nr < 0 || (task.in_syscall && task.nr == nr)))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

static int thread_pipe[2];
static _Atomic pid_t thread_tid;

/* Its name has a bracket and a blank, as names may. */
static void *thread_read(void *arg)
{
	char byte;

	(void)arg;
	prctl(PR_SET_NAME, "odd) R 1");
	thread_tid = gettid_raw();
	return read(thread_pipe[0], &byte, 1) == 1 ? thread_pipe : NULL;
}

static void test_blocked_thread(void)
{
	struct task_state task;
	pid_t *tids = NULL;
	pthread_t thread;
	bool blocked;
	int n;

	if (pipe(thread_pipe) || pthread_create(&thread, NULL, thread_read, NULL))
		return;
	while (!thread_tid)
		sched_yield();
	blocked = await_state(getpid(), thread_tid, 'S', SYS_read);
	CHECK(blocked, "a thread that reads an empty pipe is asleep in read, whatever its name");
	CHECK_INT(procfs_task_read(getpid(), thread_tid, &task), 0, "its task can be read");
	CHECK_INT(task.args[0], thread_pipe[0], "its first argument is the pipe's descriptor");
	CHECK_INT(task.args[2], 1, "its third argument is the byte it wants");
	CHECK(task.switches > 0, "it has been switched away from at least once");
	errno = 0;
	CHECK(procfs_task_read(getppid(), thread_tid, &task) < 0 && errno == ESRCH,
	      "a number that another process has now is gone");
	n = procfs_tasks(getpid(), &tids);
	CHECK_INT(n, 2, "the process has two threads");
	CHECK(n == 2 && holds(tids, n, thread_tid) && holds(tids, n, getpid()),
	      "and they are the right ones");
	free(tids);
	if (write(thread_pipe[1], "x", 1) == 1)
		pthread_join(thread, NULL);
	/* The kernel removes the task a moment after it woke the joiner. */
	for (int i = 0; i < 5000 && !procfs_task_read(getpid(), thread_tid, &task); i++)
		usleep(1000);
	errno = 0;
	CHECK_INT(procfs_task_read(getpid(), thread_tid, &task), -1, "a thread that ended is gone");
	CHECK_INT(errno, ESRCH, "and that is ESRCH");
}

static void test_running(void)
{
	uint64_t end = clock_now() + 300 * NSEC_PER_MSEC;
	struct task_state before, after;

	CHECK_INT(procfs_task_read(getpid(), getpid(), &before), 0, "a task can read itself");
	CHECK_INT(before.state, 'R', "and finds itself running");
	/* A tick is 10 ms of CPU time; the clock that counts it does not care for waits. */
	while (clock_now() < end || clock() < CLOCKS_PER_SEC / 20)
		;
	procfs_task_read(getpid(), getpid(), &after);
	CHECK(after.cpu_ticks > before.cpu_ticks, "CPU time that is used is counted");
}

static void test_gone(void)
{
	pid_t *v = NULL, child = fork();
	struct task_state task;

	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	errno = 0;
	CHECK_INT(procfs_task_read(child, child, &task), -1, "a reaped process has no task");
	CHECK_INT(errno, ESRCH, "which is ESRCH");
	errno = 0;
	CHECK_INT(procfs_tasks(child, &v), -1, "nor a list of tasks");
	CHECK_INT(errno, ESRCH, "which is ESRCH, too");
	CHECK(!v, "and there is nothing to free");
}

/* A child with a child of its own, both in a group of their own; both sleep. */
static pid_t family_start(pid_t *grandchild)
{
	int fds[2];
	pid_t child;

	if (pipe(fds) || (child = fork()) < 0)
		return -1;
	if (!child) {
		pid_t own;

		setpgid(0, 0);
		own = fork();
		if (own && write(fds[1], &own, sizeof(own)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(fds[0], grandchild, sizeof(*grandchild)) != sizeof(*grandchild))
		child = -1;
	close(fds[0]);
	close(fds[1]);
	return child;
}

static void test_family(void)
{
	pid_t grandchild = 0, child = family_start(&grandchild), *v = NULL;
	int n;

	if (!CHECK(child > 0, "a child and a grandchild are started"))
		return;
	n = procfs_descendants(getpid(), &v);
	CHECK_INT(n, 2, "both are descendants");
	CHECK(n == 2 && v[0] == child && v[1] == grandchild, "the nearer one comes first");
	free(v);
	n = procfs_group(child, &v);
	CHECK(n == 2 && holds(v, n, child) && holds(v, n, grandchild), "both are in the group");
	free(v);
	/* The grandchild becomes init's; the child a zombie until it is waited for. */
	kill(child, SIGKILL);
	CHECK(await_state(child, child, 'Z', -1), "a killed child is a zombie");
	n = procfs_descendants(getpid(), &v);
	CHECK_INT(n, 0, "which is no living descendant");
	free(v);
	n = procfs_group(child, &v);
	CHECK(n == 1 && v[0] == grandchild, "nor a member of its group; its orphan still is one");
	free(v);
	kill(grandchild, SIGKILL);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 5000 && (n = procfs_group(child, &v)) > 0; i++) {
		free(v);
		usleep(1000);
	}
	CHECK_INT(n, 0, "a group whose members have ended is empty");
	free(v);
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* A leader may end before its threads. */
static void test_leader_gone(void)
{
	pid_t child = fork(), *v = NULL;
	int n;

	if (!child) {
		pthread_t thread;

		pthread_create(&thread, NULL, sleep_for_ever, NULL);
		pthread_exit(NULL);
	}
	CHECK(await_state(child, child, 'Z', -1), "a leader that ended by itself is a zombie");
	n = procfs_descendants(getpid(), &v);
	CHECK(n == 1 && v[0] == child, "but its process lives while a thread of it does");
	free(v);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	alarm(60);
	test_running();
	test_blocked_thread();
	test_gone();
	test_family();
	test_leader_gone();
	return tap_done();
}
