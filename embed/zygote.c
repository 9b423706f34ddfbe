/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zygote: Python is initialised once, and each trial is a fork of it.
 *
 * The zygote is the subjects' parent, so a subject's pid stays its own until the zygote has reaped
 * it; that is why the driver asks the zygote to kill, and never kills a pid that it was told.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "embed/host.h"

static int link_send(uint32_t event, int pid, int status, int error)
{
	struct link_reply reply = { event, pid, status, error };

	return send(SUBJECT_FD_LINK, &reply, sizeof(reply), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* The driver's next word; LINK_QUIT when it has gone away. */
static uint32_t link_receive(void)
{
	struct link_request request;
	ssize_t n;

	do
		n = recv(SUBJECT_FD_LINK, &request, sizeof(request), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(request) ? request.op : LINK_QUIT;
}

static void group_kill(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

/* Wait for the subject's end while listening to the driver. -1: the driver has gone. */
static int subject_watch(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[2] = {
		{ .fd = SUBJECT_FD_LINK, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};
	int ret = 0;

	while (pidfd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		if (fds[0].revents) {
			uint32_t op = link_receive();

			group_kill(pid);
			if (op == LINK_QUIT)
				ret = -1;
			break;
		}
	}
	if (pidfd >= 0)
		close(pidfd);
	return ret;
}

/* The leader is still a zombie, so its group's id cannot be another's yet: sweep what it left. */
static int subject_reap(pid_t pid)
{
	siginfo_t info;
	int status = 0;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* What it had forked is our child now, and was killed unless it left the group. */
	while (waitpid(-pid, NULL, 0) > 0)
		;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return status;
}

static int subject_start(struct control *control)
{
	pid_t zygote = getpid(), pid;
	int status, ret;

	PyOS_BeforeFork();
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != zygote)
			_exit(HOST_EXIT_HARNESS);
		PyOS_AfterFork_Child();
		subject_main(control);
	}
	status = errno;
	PyOS_AfterFork_Parent();
	if (pid < 0)
		return link_send(LINK_FAILED, 0, 0, status);
	setpgid(pid, pid);
	if (link_send(LINK_STARTED, pid, 0, 0) < 0) {
		group_kill(pid);
		subject_reap(pid);
		return -1;
	}
	ret = subject_watch(pid);
	status = subject_reap(pid);
	return link_send(LINK_ENDED, pid, status, 0) < 0 ? -1 : ret;
}

int zygote_serve(struct control *control)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* So that what a subject leaves behind becomes our child, and is reaped with it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (link_send(LINK_READY, getpid(), 0, 0) < 0)
		return HOST_EXIT_HARNESS;
	for (;;) {
		uint32_t op = link_receive();

		if (op == LINK_QUIT)
			return 0;
		if (op == LINK_RUN && subject_start(control) < 0)
			return 0;
		/* A kill that crossed the subject's own end on the way: nothing is left to do. */
	}
}
