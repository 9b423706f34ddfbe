/* SPDX-License-Identifier: Apache-2.0 */
#include "run/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/paths.h"
#include "base/signals.h"

/* A script's answers are lines; more than this is no answer. */
#define OUTPUT_MAX (4u << 20)

#define LOOK_NS (100 * NSEC_PER_MSEC)

static char **make_argv(const char *path, const char *const *args)
{
	size_t n = 0;
	char **argv;

	while (args && args[n])
		n++;
	argv = xcalloc(n + 3, sizeof(*argv));
	argv[0] = xstrdup("sh");
	argv[1] = xstrdup(path);
	for (size_t i = 0; i < n; i++)
		argv[i + 2] = xstrdup(args[i]);
	return argv;
}

static void free_argv(char **argv)
{
	for (char **p = argv; *p; p++)
		free(*p);
	free(argv);
}

/*
 * In our process group, unlike what command_run() does: Ctrl-C at the terminal is for the script,
 * too, which has downloads to end and a directory to take away. So it has when we are killed.
 */
static void child_exec(char **argv, int out_fd, bool quiet, int report, pid_t parent)
	__attribute__((noreturn));
static void child_exec(char **argv, int out_fd, bool quiet, int report, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), error;
	sigset_t none;

	die_with_parent(SIGTERM, parent);
	/* A shell cannot trap what was ignored when it began. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	/* Nor does it see its children end, or hear Ctrl-C, if that is blocked (base/signals.h). */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	if (quiet)
		dup2(null, STDERR_FILENO);
	execvp("sh", argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* 0 or an errno: a failed exec is told through a pipe, which close-on-exec shuts otherwise. */
static int spawn(char **argv, int out_fd, bool quiet, pid_t *pid)
{
	int report[2], error = 0;
	pid_t parent = getpid();
	ssize_t n;

	if (pipe2(report, O_CLOEXEC) < 0)
		return errno;
	*pid = fork();
	if (*pid == 0)
		child_exec(argv, out_fd, quiet, report[1], parent);
	error = *pid < 0 ? errno : 0;
	close(report[1]);
	do
		n = read(report[0], &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (error && *pid > 0)
		waitpid(*pid, NULL, 0);
	return error;
}

/* All it says, until the end. If we are interrupted (base/signals.h), so is it. */
static void listen_to(pid_t pid, int fd, struct strbuf *out)
{
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	bool told = false;
	char chunk[4096];
	ssize_t n;

	for (;;) {
		if (signals_interrupted() && !told)
			told = kill(pid, SIGTERM) == 0;
		if (signals_poll(&poll, 1, LOOK_NS) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0 || (n < 0 && errno != EINTR))
			return;
		if (n > 0 && out->len < OUTPUT_MAX)
			strbuf_add(out, chunk, (size_t)n);
	}
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int script_run(const char *name, const char *const *args, bool quiet, struct strbuf *out,
	       struct strbuf *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct strbuf path = STRBUF_INIT;
	int fds[2] = { -1, -1 }, error, ret = -1;
	char **argv = NULL;
	pid_t pid = -1;

	if (paths_data(&path, err) < 0)
		return -1;
	strbuf_addf(&path, "/embed/interpreters/%s", name);
	argv = make_argv(path.buf, args);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		strbuf_addf(err, "cannot make a pipe: %s", strerror(errno));
		goto out;
	}
	/*
	 * Let the script end first; its status tells of the signal. Who has taken signals knows of
	 * it anyhow.
	 */
	sigaction(SIGINT, NULL, &before);
	if (before.sa_handler == SIG_DFL)
		sigaction(SIGINT, &ignore, NULL);
	error = spawn(argv, fds[1], quiet, &pid);
	close(fds[1]);
	fds[1] = -1;
	if (!error) {
		listen_to(pid, fds[0], out);
		ret = wait_for(pid);
	}
	sigaction(SIGINT, &before, NULL);
	if (error)
		strbuf_addf(err, "cannot run sh for '%s': %s", path.buf, strerror(error));
	else if (ret < 0)
		strbuf_addf(err, "lost sight of '%s': %s", path.buf, strerror(errno));
out:
	if (fds[0] >= 0)
		close(fds[0]);
	free_argv(argv);
	strbuf_release(&path);
	return ret;
}
