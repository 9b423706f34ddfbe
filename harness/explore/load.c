/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/load.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/command.h"
#include "base/cpus.h"
#include "base/signals.h"

/* A load that nobody stops (we were killed, and so was everything that would have) ends itself. */
#define LOAD_SECONDS 600

/* "stress-ng, version 0.15.06 (gcc …)" or nothing. */
static void stress_ng_version(char *out, size_t size)
{
	char *argv[] = { "stress-ng", "--version", NULL };
	struct strbuf text = STRBUF_INIT, errors = STRBUF_INIT, err = STRBUF_INIT;
	const char *version;

	out[0] = '\0';
	if (command_run(argv, &text, &errors, &err) == 0 &&
	    (version = strstr(text.buf, "version ")) != NULL) {
		version += strlen("version ");
		snprintf(out, size, "stress-ng %.*s", (int)strcspn(version, " \n("), version);
	}
	strbuf_release(&text);
	strbuf_release(&errors);
	strbuf_release(&err);
}

static void *spin(void *arg)
{
	volatile unsigned int n = 0;

	for (;;)
		n++;
	return arg;
}

static void spinner_main(pid_t parent) __attribute__((noreturn));
static void spinner_main(pid_t parent)
{
	pthread_t thread;

	die_with_parent(SIGKILL, parent);
	setpgid(0, 0);
	/* Who wonders what loads the CPUs sees it in top; and the worker's ends are not ours. */
	prctl(PR_SET_NAME, LOAD_NAME);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	signals_default();
	signal(SIGINT, SIG_IGN);
	alarm(LOAD_SECONDS);
	for (unsigned int i = 1; i < cpus_online(); i++)
		if (pthread_create(&thread, NULL, spin, NULL))
			break;
	spin(NULL);
	_exit(0);
}

static int spinner_start(struct load *load, struct strbuf *err)
{
	pid_t parent = getpid();

	load->pid = fork();
	if (load->pid == 0)
		spinner_main(parent);
	if (load->pid < 0) {
		strbuf_addf(err, "no process for a load: %s", strerror(errno));
		return -1;
	}
	setpgid(load->pid, load->pid);
	snprintf(load->tool, sizeof(load->tool), "built-in spinner");
	return 0;
}

int load_start(struct load *load, struct strbuf *err)
{
	char cpus[24], seconds[16];
	char *argv[] = { "stress-ng", "--cpu", cpus, "--timeout", seconds, "--quiet", NULL };

	stress_ng_version(load->tool, sizeof(load->tool));
	if (!load->tool[0])
		return spinner_start(load, err);
	snprintf(cpus, sizeof(cpus), "%u", cpus_online());
	snprintf(seconds, sizeof(seconds), "%d", LOAD_SECONDS);
	load->pid = command_start(argv, err);
	return load->pid < 0 ? -1 : 0;
}

void load_stop(struct load *load)
{
	if (load->pid > 0)
		command_stop(load->pid);
	load->pid = 0;
}
