/* SPDX-License-Identifier: Apache-2.0 */
#include "base/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/signals.h"

/* How late the end of the time may be noticed. */
#define LOOK_NS (100 * NSEC_PER_MSEC)

/* Of this process, in bytes; a sanitizer's alone may be terabytes. */
static uint64_t address_space(void)
{
	struct strbuf text = STRBUF_INIT;
	unsigned long long pages = 0;

	if (strbuf_read_file(&text, "/proc/self/statm", 4096) < 0 ||
	    sscanf(text.buf, "%llu", &pages) != 1)
		pages = 0;
	strbuf_release(&text);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit(unsigned int what, uint64_t soft, uint64_t hard)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return;
	now.rlim_cur = now.rlim_max < soft ? now.rlim_max : soft;
	now.rlim_max = now.rlim_max < hard ? now.rlim_max : hard;
	setrlimit(what, &now);
}

static void child_confine(const struct apart_limits *limits)
{
	uint64_t memory = address_space() + limits->memory;

	limit(RLIMIT_AS, memory, memory);
	/* The soft one ends it by a signal that has a name. */
	limit(RLIMIT_CPU, limits->seconds, limits->seconds + 1u);
	limit(RLIMIT_FSIZE, 0, 0);
	limit(RLIMIT_CORE, 0, 0);
	/* A core_pattern that is a pipe does not ask for the limit. */
	prctl(PR_SET_DUMPABLE, 0);
}

/* Whatever else it has inherited may be written to. */
static void child_keep(int fd)
{
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned int)fd - 1, 0);
	close_range((unsigned int)fd + 1, ~0u, 0);
}

static void child_run(void (*work)(int fd, void *data), void *data,
		      const struct apart_limits *limits, int fd, pid_t parent)
	__attribute__((noreturn));
static void child_run(void (*work)(int fd, void *data), void *data,
		      const struct apart_limits *limits, int fd, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	die_with_parent(SIGKILL, parent);
	signals_default();
	/* Within a sandbox it cannot be opened, and is what they are already. */
	for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
		dup2(null, i);
	child_keep(fd);
	child_confine(limits);
	sandbox_enter(limits->sandbox);
	work(fd, data);
	_exit(0);
}

/* 0, or -1 if time is over, or there is more than `max`. */
static int collect(int fd, size_t max, uint64_t until_ns, struct strbuf *out)
{
	for (;;) {
		struct pollfd wanted = { .fd = fd, .events = POLLIN };
		int n = signals_poll(&wanted, 1, LOOK_NS);
		char chunk[65536];
		ssize_t got;

		if ((n < 0 && errno != EINTR) || signals_interrupted() || clock_now() > until_ns)
			return -1;
		if (n <= 0)
			continue;
		got = read(fd, chunk, sizeof(chunk));
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			strbuf_add(out, chunk, (size_t)got);
		if (out->len > max)
			return -1;
	}
}

static void tell_end(int status, const struct apart_limits *limits, struct strbuf *err)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		strbuf_addf(err, "took more than %u s", limits->seconds);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		strbuf_addstr(err, "died of SIGBUS: a file has become shorter meanwhile, or the "
				   "disk does not give it");
	else if (WIFSIGNALED(status))
		strbuf_addf(err, "died of SIG%s", sigabbrev_np(WTERMSIG(status)) ?: "?");
	else if (WEXITSTATUS(status) == EXIT_HARNESS)
		strbuf_addf(err, "ran out of memory");
	else
		strbuf_addf(err, "ended with status %d", WEXITSTATUS(status));
}

/* The child, whose pipe is read already. */
static int end_child(pid_t pid, int collected, const struct apart_limits *limits,
		     const struct strbuf *out, struct strbuf *err)
{
	int status = -1;

	if (collected < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (collected == 0 && status == 0)
		return 0;
	if (collected == 0)
		tell_end(status, limits, err);
	else if (out->len > limits->output)
		strbuf_addf(err, "wrote more than %zu MiB", limits->output >> 20);
	else
		strbuf_addf(err, "did not end within %u s", 2 * limits->seconds);
	return -1;
}

int apart_run(void (*work)(int fd, void *data), void *data, const struct apart_limits *limits,
	      struct strbuf *out, struct strbuf *err)
{
	pid_t parent = getpid(), pid;
	int ends[2], collected;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		strbuf_addf(err, "could not be started: %s", strerror(errno));
		return -1;
	}
	/* What is not written yet would be written twice. */
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child_run(work, data, limits, ends[1], parent);
	close(ends[1]);
	if (pid < 0) {
		strbuf_addf(err, "could not be started: %s", strerror(errno));
		close(ends[0]);
		return -1;
	}
	collected = collect(ends[0], limits->output,
			    clock_now() + 2 * limits->seconds * NSEC_PER_SEC, out);
	close(ends[0]);
	return end_child(pid, collected, limits, out, err);
}
