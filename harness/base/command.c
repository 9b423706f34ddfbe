/* SPDX-License-Identifier: Apache-2.0 */
#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"

#define OUTPUT_MAX (16u << 20)

/* How late the end of a command's time may be noticed. */
#define LOOK_NS (100 * NSEC_PER_MSEC)

/* In the child: a failed exec is told through `report`, which close-on-exec shuts otherwise. */
static void child_exec(char *const argv[], int out, int errors, int report, pid_t parent)
	__attribute__((noreturn));
static void child_exec(char *const argv[], int out, int errors, int report, pid_t parent)
{
	int null = open("/dev/null", O_RDWR), error;

	die_with_parent(SIGKILL, parent);
	setpgid(0, 0);
	signals_default();
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

static pid_t spawn(const char *name, char *const argv[], int out, int errors,
		   struct strbuf *err)
{
	int report[2], error = 0;
	pid_t parent = getpid(), pid;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC) < 0) {
		strbuf_addf(err, "cannot run %s: %s", name, strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		child_exec(argv, out, errors, report[1], parent);
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
	strbuf_addf(err, "cannot run %s: %s%s", name, strerror(error),
		    error == EAGAIN ? ": raise the limit on processes (ulimit -u)" : "");
	return -1;
}

static int reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/*
 * A load generator has children of its own to end, and a compiler temporary files to remove: half a
 * second of grace for that, less for who has pressed Ctrl-C.
 */
#define GRACE_LOOKS 50
#define GRACE_LOOKS_INTERRUPTED 20

/* End its process group and reap it; its status. */
static int end_group(pid_t pid)
{
	int looks = signals_interrupted() ? GRACE_LOOKS_INTERRUPTED : GRACE_LOOKS;
	struct timespec ts = { 0, 10000000 };
	siginfo_t info;

	kill(-pid, SIGTERM);
	while (looks--) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
			break;
		nanosleep(&ts, NULL);
	}
	/* The leader is a zombie, so its group's id cannot be another's yet. */
	kill(-pid, SIGKILL);
	return reap(pid);
}

/*
 * Read both ends until both are shut; what is over the limit is read and dropped. 0, or -1 if time
 * is over (0: there is no end of it) or somebody interrupts.
 */
static int collect(int fds[2], struct strbuf *into[2], uint64_t until_ns)
{
	struct pollfd polls[2] = {
		{ .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN },
	};

	while (polls[0].fd >= 0 || polls[1].fd >= 0) {
		int n = signals_poll(polls, 2, LOOK_NS);

		if ((n < 0 && errno != EINTR) || signals_interrupted() ||
		    (until_ns && clock_now() > until_ns))
			return -1;
		for (int i = 0; n > 0 && i < 2; i++) {
			char chunk[8192];
			ssize_t got;

			if (polls[i].fd < 0 || !polls[i].revents)
				continue;
			got = read(polls[i].fd, chunk, sizeof(chunk));
			if (got == 0 || (got < 0 && errno != EINTR))
				polls[i].fd = -1;
			else if (got > 0 && into[i]->len < OUTPUT_MAX)
				strbuf_add(into[i], chunk, (size_t)got);
		}
	}
	return 0;
}

int command_run_within(unsigned int seconds, const char *name, char *const argv[],
		       struct strbuf *out, struct strbuf *errors, struct strbuf *err)
{
	uint64_t until_ns = seconds ? clock_now() + seconds * NSEC_PER_SEC : 0;
	int pipes[2][2] = { { -1, -1 }, { -1, -1 } }, reads[2], status = -1;
	struct strbuf *into[2] = { out, errors };
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		if (into[i] && pipe2(pipes[i], O_CLOEXEC) < 0) {
			strbuf_addf(err, "cannot run %s: %s", name, strerror(errno));
			goto out;
		}
	}
	pid = spawn(name, argv, pipes[0][1], pipes[1][1], err);
	if (pid < 0)
		goto out;
	for (int i = 0; i < 2; i++) {
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
		pipes[i][1] = -1;
		reads[i] = pipes[i][0];
	}
	if (collect(reads, into, until_ns) == 0) {
		status = reap(pid);
		goto out;
	}
	end_group(pid);
	if (signals_interrupted())
		strbuf_addf(err, "%s was interrupted", name);
	else
		strbuf_addf(err, "%s did not end within %u s", name, seconds);
out:
	for (int i = 0; i < 4; i++)
		if (pipes[i / 2][i % 2] >= 0)
			close(pipes[i / 2][i % 2]);
	return status;
}

int command_run(char *const argv[], struct strbuf *out, struct strbuf *errors, struct strbuf *err)
{
	return command_run_within(0, argv[0], argv, out, errors, err);
}

pid_t command_start(char *const argv[], struct strbuf *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = spawn(argv[0], argv, null, null, err);

	if (null >= 0)
		close(null);
	return pid;
}

void command_stop(pid_t pid)
{
	end_group(pid);
}
