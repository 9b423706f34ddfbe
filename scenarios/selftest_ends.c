/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject that is ended, stopped or continued by a signal in the middle of its walk. Nothing is
 * wrong with a window here: it is the walk that has to come to an end, and to say how far it came.
 * Hidden: run only when named.
 */
#include <Python.h>

#include <signal.h>
#include <unistd.h>

#include "scenarios/scenario.h"

static const struct expectation endings[] = {
	{ .releases = "", .variant = "continued", .shows = "ok", .allows = "ok",
	  .source = "by construction" },
	{ .releases = "", .variant = "stopped", .shows = "timeout", .allows = "ok timeout",
	  .source = "by construction" },
	{ .releases = "", .shows = "SIGKILL", .allows = "ok SIGKILL", .source = "by construction" },
	{ .releases = NULL },
};

static const struct variant variants[] = {
	{ .name = "by-child", .doc = "a forked child kills its parent, which waits for it" },
	{ .name = "by-worker", .doc = "W kills its process" },
	{ .name = "stopped", .doc = "W stops its process, and nobody continues it" },
	{ .name = "continued", .doc = "a child sends SIGCONT to its parent, which runs" },
	{ .name = NULL },
};

static volatile int shared;

static int signal_of(const struct subject *s)
{
	return subject_is(s, "by-worker") ? SIGKILL : subject_is(s, "stopped") ? SIGSTOP : 0;
}

static void work(struct subject *s)
{
	int signo = s->twin ? 0 : signal_of(s);

	for (int n = 1; worker_cycle(s); n++) {
		window_enter(s);
		shared = -1;
		shared = -2;
		shared = -3;
		shared = n;
		kill(getpid(), signo);
		shared = -n;
		window_leave(s);
	}
}

/* At the point behind the fourth store, so that there are others before and behind. */
static void child(struct subject *s)
{
	int signo = subject_is(s, "by-child") ? SIGKILL : subject_is(s, "continued") ? SIGCONT : 0;

	if (!s->twin && signo && shared > 0)
		kill(getppid(), signo);
}

const struct scenario scenario_selftest_step_ends = {
	.name = "selftest-step-ends", .race = "none: a signal ends or stops the subject",
	.symptom = "SIGKILL, or a timeout", .fix = "no signal", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .variants = variants,
	.expectations = endings, .work = work, .child = child,
};
