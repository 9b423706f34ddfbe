/* SPDX-License-Identifier: Apache-2.0 */
#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (16u << 20)

/* In the child: a failed exec is told through `report`, which close-on-exec shuts otherwise. */
static void child_exec(char *const argv[], int out, int errors, int report)
	__attribute__((noreturn));
static void child_exec(char *const argv[], int out, int errors, int report)
{
	int null = open("/dev/null", O_RDWR), error;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	if (errors >= 0)
		dup2(errors, STDERR_FILENO);
	execvp(argv[0], argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static pid_t spawn(char *const argv[], int out, int errors, struct strbuf *err)
{
	int report[2], error = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0) {
		strbuf_addf(err, "cannot run %s: %s", argv[0], strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		child_exec(argv, out, errors, report[1]);
	error = pid < 0 ? errno : 0;
	close(report[1]);
	do
		n = read(report[0], &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (!error)
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	strbuf_addf(err, "cannot run %s: %s", argv[0], strerror(error));
	return -1;
}

static int reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Read both ends until both are shut; what is over the limit is read and dropped. */
static void collect(int fds[2], struct strbuf *into[2])
{
	struct pollfd polls[2] = {
		{ .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN },
	};

	while (polls[0].fd >= 0 || polls[1].fd >= 0) {
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++) {
			char chunk[8192];
			ssize_t n;

			if (polls[i].fd < 0 || !polls[i].revents)
				continue;
			n = read(polls[i].fd, chunk, sizeof(chunk));
			if (n == 0 || (n < 0 && errno != EINTR))
				polls[i].fd = -1;
			else if (n > 0 && into[i]->len < OUTPUT_MAX)
				strbuf_add(into[i], chunk, (size_t)n);
		}
	}
}

int command_run(char *const argv[], struct strbuf *out, struct strbuf *errors, struct strbuf *err)
{
	int pipes[2][2] = { { -1, -1 }, { -1, -1 } }, reads[2], status = -1;
	struct strbuf *into[2] = { out, errors };
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		if (into[i] && pipe2(pipes[i], O_CLOEXEC) < 0) {
			strbuf_addf(err, "cannot run %s: %s", argv[0], strerror(errno));
			goto out;
		}
	}
	pid = spawn(argv, pipes[0][1], pipes[1][1], err);
	if (pid < 0)
		goto out;
	for (int i = 0; i < 2; i++) {
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
		pipes[i][1] = -1;
		reads[i] = pipes[i][0];
	}
	collect(reads, into);
	status = reap(pid);
out:
	for (int i = 0; i < 4; i++)
		if (pipes[i / 2][i % 2] >= 0)
			close(pipes[i / 2][i % 2]);
	return status;
}

pid_t command_start(char *const argv[], struct strbuf *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = spawn(argv, null, null, err);

	if (null >= 0)
		close(null);
	return pid;
}

/* Half a second of grace: a load generator has children of its own to end. */
#define GRACE_LOOKS 50

void command_stop(pid_t pid)
{
	siginfo_t info;

	kill(-pid, SIGTERM);
	for (int i = 0; i < GRACE_LOOKS; i++) {
		struct timespec ts = { 0, 10000000 };

		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
			break;
		nanosleep(&ts, NULL);
	}
	kill(-pid, SIGKILL);
	reap(pid);
}
