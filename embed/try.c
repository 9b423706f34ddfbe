/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By hand: `host [--home DIR] --try SCENARIO [--twin] [--variant V] [--meet free|gate|signal|quiet]
 * [--seed N]` runs one trial with neither driver nor watchdog and says how it ended. For writing
 * scenarios, and for a debugger: `gdb --args host --try …` with `set follow-fork-mode child`.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "embed/host.h"

/* A person waits no longer than this for a deadlock; the driver's watchdog is the exact one. */
#define TRY_SECONDS 10

static struct control *control_make(void)
{
	int fd = memfd_create("forkpoint-control", 0);
	struct control *control;

	if (fd < 0 || ftruncate(fd, CONTROL_SIZE) < 0)
		return NULL;
	control = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (control == MAP_FAILED)
		return NULL;
	control->magic = CONTROL_MAGIC;
	control->version = CONTROL_VERSION;
	control->size = CONTROL_SIZE;
	control->order.meet = MEET_GATE;
	control->order.seed = 1;
	control->order.delay_max_ns = 50000;
	control->order.hold_max_us = 300000;
	return control;
}

static int find_scenario(struct control_order *order, const char *name)
{
	for (unsigned int i = 0; host_scenarios[i]; i++) {
		if (!strcmp(host_scenarios[i]->name, name)) {
			order->scenario = i;
			order->name_hash = control_name_hash(name);
			return 0;
		}
	}
	fprintf(stderr, "host: no scenario '%s': see --describe\n", name);
	return -1;
}

static int find_variant(struct control_order *order, const char *name)
{
	const struct variant *v = host_scenarios[order->scenario]->variants;

	for (unsigned int i = 0; v && v[i].name; i++) {
		if (!strcmp(v[i].name, name)) {
			order->variant = i;
			return 0;
		}
	}
	fprintf(stderr, "host: no variant '%s': see --describe\n", name);
	return -1;
}

static int find_meet(struct control_order *order, const char *name)
{
	static const char *const names[] = { "free", "gate", "signal", "quiet" };

	for (uint32_t i = 0; i < 4; i++) {
		if (!strcmp(names[i], name)) {
			order->meet = i;
			return 0;
		}
	}
	fprintf(stderr, "host: no meeting '%s': free, gate, signal or quiet\n", name);
	return -1;
}

static int order_parse(struct control_order *order, int argc, char **argv)
{
	static const struct option options[] = {
		{ "try", required_argument, NULL, 't' }, { "twin", no_argument, NULL, 'w' },
		{ "variant", required_argument, NULL, 'v' },
		{ "meet", required_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 's' }, { "home", required_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *variant = NULL;
	int c, bad = 0;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't')
			bad |= find_scenario(order, optarg);
		else if (c == 'w')
			order->twin = 1;
		else if (c == 'v')
			variant = optarg;
		else if (c == 'm')
			bad |= find_meet(order, optarg);
		else if (c == 's')
			order->seed = strtoull(optarg, NULL, 0);
		else if (c != 'h')
			bad = -1;
	}
	if (!bad && variant)
		bad = find_variant(order, variant);
	return bad;
}

static int try_report(const struct control *control, int status)
{
	const struct control_state *state = &control->state;
	uint32_t child = state->child_status;
	enum outcome outcome;
	const char *why;

	printf("stage %u, windows %u, hit %u, held %u, measured %llu ns\n", state->stage,
	       state->windows, state->hits, state->held,
	       (unsigned long long)state->measured_ns);
	if (control_said(control, &outcome, &why))
		printf("said %u: %s\n", outcome, why);
	if (child & CHILD_STATUS_SET)
		printf("child: wait status 0x%x\n", child & ~CHILD_STATUS_SET);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("subject: still there after %d s\n", TRY_SECONDS);
	else if (WIFSIGNALED(status))
		printf("subject: %s\n", strsignal(WTERMSIG(status)));
	else
		printf("subject: exit status %d\n", WEXITSTATUS(status));
	return status != 0;
}

int try_run(int argc, char **argv)
{
	struct control *control = control_make();
	pid_t pid;
	int status;

	if (!control) {
		perror("host: no control block");
		return HOST_EXIT_HARNESS;
	}
	if (order_parse(&control->order, argc, argv))
		return HOST_EXIT_USAGE;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		/* What the subject prints is for the person at the terminal. */
		dup2(STDERR_FILENO, SUBJECT_FD_SINK);
		alarm(TRY_SECONDS);
		subject_exec(control, host_home(argc, argv));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		;
	if (pid < 0)
		return HOST_EXIT_HARNESS;
	kill(-pid, SIGKILL);
	return try_report(control, status);
}
