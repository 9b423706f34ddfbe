/* SPDX-License-Identifier: Apache-2.0 */
#include "run/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/paths.h"
#include "base/signals.h"

extern char **environ;

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
 * too, which has downloads to end and a directory to take away.
 */
static int spawn(char **argv, int out_fd, bool quiet, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults, none;
	int error;

	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return error;
	error = posix_spawnattr_init(&attr);
	if (error) {
		posix_spawn_file_actions_destroy(&actions);
		return error;
	}
	/* A shell cannot trap what was ignored when it began. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	/* Nor does it see its children end, or hear Ctrl-C, if that is blocked (base/signals.h). */
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	if (!error && quiet)
		error = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawnp(pid, "sh", &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
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
	pid_t pid;

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
