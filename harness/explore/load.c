/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/load.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/command.h"
#include "base/cpus.h"
#include "base/procfs.h"
#include "base/signals.h"

/* A look at all processes takes a millisecond or two, which is to be nothing beside the trials. */
#define CHECK_NS (250 * NSEC_PER_MSEC)

/* stress-ng has its workers within 100 ms; a machine that is loaded already takes longer. */
#define START_PATIENCE_NS (5 * NSEC_PER_SEC)
#define START_LOOK_NS 5000000

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

static void spinner_main(pid_t parent, unsigned int seconds) __attribute__((noreturn));
static void spinner_main(pid_t parent, unsigned int seconds)
{
	pthread_t thread;

	die_with_parent(SIGKILL, parent);
	setpgid(0, 0);
	/* Who wonders what loads the CPUs sees it in top; and the worker's ends are not ours. */
	prctl(PR_SET_NAME, LOAD_NAME);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	signals_default();
	signal(SIGINT, SIG_IGN);
	alarm(seconds);
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
		spinner_main(parent, load->seconds);
	if (load->pid < 0) {
		strbuf_addf(err, "no process for a load: %s", strerror(errno));
		return -1;
	}
	setpgid(load->pid, load->pid);
	load->own = true;
	snprintf(load->tool, sizeof(load->tool), "built-in spinner");
	return 0;
}

static bool has_ended(const struct load *load)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)load->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid;
}

static bool is_stopped(pid_t pid)
{
	struct task_state task;

	return procfs_task_read(pid, pid, &task) < 0 || task.state == 'T' || task.state == 't';
}

/* Ours is one process with a thread for each CPU; stress-ng has a process for each, below it. */
static bool is_there(const struct load *load)
{
	unsigned int workers = 0;
	pid_t *below;
	int n;

	if (has_ended(load) || is_stopped(load->pid))
		return false;
	if (load->own)
		return true;
	n = procfs_descendants(load->pid, &below);
	for (int i = 0; i < n; i++)
		workers += !is_stopped(below[i]);
	if (n >= 0)
		free(below);
	return workers >= cpus_online();
}

static bool await_workers(const struct load *load)
{
	const struct timespec nap = { 0, START_LOOK_NS };
	uint64_t until_ns = clock_now() + START_PATIENCE_NS;

	while (!is_there(load)) {
		if (has_ended(load) || signals_interrupted() || clock_now() > until_ns)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* 1: it does not come up. */
static int stress_ng_start(struct load *load, struct strbuf *err)
{
	char cpus[24], seconds[16];
	char *argv[] = { "stress-ng", "--cpu", cpus, "--timeout", seconds, "--quiet", NULL };

	snprintf(cpus, sizeof(cpus), "%u", cpus_online());
	snprintf(seconds, sizeof(seconds), "%u", load->seconds);
	load->pid = command_start(argv, err);
	if (load->pid < 0)
		return -1;
	if (await_workers(load))
		return 0;
	load_stop(load);
	return 1;
}

int load_start(struct load *load, unsigned int seconds, struct strbuf *err)
{
	int ret = 1;

	memset(load, 0, sizeof(*load));
	load->seconds = seconds;
	load->started_ns = load->checked_ns = clock_now();
	stress_ng_version(load->tool, sizeof(load->tool));
	if (load->tool[0])
		ret = stress_ng_start(load, err);
	return ret > 0 ? spinner_start(load, err) : ret;
}

int load_check(struct load *load, struct strbuf *err)
{
	load->checked_ns = clock_now();
	if (is_there(load))
		return 0;
	strbuf_addf(err, "the load (%s) under which a storm measures a rate went away meanwhile: "
		    "somebody has ended or stopped it: run it again", load->tool);
	return -1;
}

int load_keep(struct load *load, struct strbuf *err)
{
	uint64_t now = clock_now();
	struct load next;

	if (now - load->checked_ns < CHECK_NS)
		return 0;
	if (load_check(load, err) < 0)
		return -1;
	if (now - load->started_ns < load->seconds * NSEC_PER_SEC / 2)
		return 0;
	/* The new one first, so that the CPUs are never without. */
	if (load_start(&next, load->seconds, err) < 0)
		return -1;
	load_stop(load);
	*load = next;
	return 0;
}

void load_stop(struct load *load)
{
	if (load->pid > 0)
		command_stop(load->pid);
	load->pid = 0;
}
