/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness's scenarios against itself: each does one known thing, so that a test can see the
 * driver say so. Hidden: they run only when named.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

#define HIDDEN_ROW(name, outcome) \
	static const struct expectation hidden_##name[] = { \
		{ .releases = "", .shows = outcome, .allows = outcome, \
		  .source = "by construction" }, \
		{ .releases = NULL }, \
	}

HIDDEN_ROW(ok, "ok");
HIDDEN_ROW(segv, "SIGSEGV");
HIDDEN_ROW(abrt, "SIGABRT");
HIDDEN_ROW(hang, "hang");
HIDDEN_ROW(timeout, "timeout");
HIDDEN_ROW(wrong, "wrong");

static void say_ok(struct subject *s)
{
	subject_say(s, OUTCOME_OK, "");
}

/* Volatile, or the compiler would see what we are up to. */
static int *volatile nowhere = (int *)(uintptr_t)0x10;

static void fault(struct subject *s)
{
	if (s->twin)
		say_ok(s);
	else
		*nowhere = 1;
}

/* What is tested: nothing at all, so that a trial costs what a trial costs. */
const struct scenario scenario_selftest_noop = {
	.name = "selftest-noop", .race = "nothing happens", .symptom = "none", .fix = "none",
	.operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN | SCENARIO_GATED,
	.expectations = hidden_ok, .check = say_ok,
};

const struct scenario scenario_selftest_crash = {
	.name = "selftest-crash", .race = "a null pointer is written through", .symptom = "SIGSEGV",
	.fix = "it is not", .operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN | SCENARIO_GATED,
	.expectations = hidden_segv, .check = fault,
};

const struct scenario scenario_selftest_child_crash = {
	.name = "selftest-child-crash", .race = "a forked child writes through a null pointer",
	.symptom = "SIGSEGV", .fix = "it does not", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_segv, .child = fault,
};

static void abort_with_words(struct subject *s)
{
	static const char words[] = "selftest: these words come before the abort\n";

	if (s->twin) {
		say_ok(s);
		return;
	}
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		_exit(1);
	abort();
}

const struct scenario scenario_selftest_abort = {
	.name = "selftest-abort", .race = "abort() is called", .symptom = "SIGABRT",
	.fix = "it is not", .operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN | SCENARIO_GATED,
	.expectations = hidden_abrt, .check = abort_with_words,
};

static void kill_self(struct subject *s)
{
	if (!s->twin)
		kill(getpid(), SIGSEGV);
	say_ok(s);
}

/* si_code tells a signal that was sent from a fault. */
const struct scenario scenario_selftest_kill = {
	.name = "selftest-kill", .race = "the process sends itself SIGSEGV", .symptom = "SIGSEGV",
	.fix = "it does not", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_segv, .check = kill_self,
};

static pthread_mutex_t twice = PTHREAD_MUTEX_INITIALIZER;

static void lock_twice(struct subject *s)
{
	pthread_mutex_lock(&twice);
	if (!s->twin)
		pthread_mutex_lock(&twice);
	say_ok(s);
}

const struct scenario scenario_selftest_hang = {
	.name = "selftest-hang", .race = "a thread locks its own mutex again",
	.symptom = "the process does not end", .fix = "it does not", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_hang, .check = lock_twice,
};

static void child_locks_twice(struct subject *s)
{
	pthread_mutex_lock(&twice);
	if (!s->twin)
		pthread_mutex_lock(&twice);
}

const struct scenario scenario_selftest_child_hang = {
	.name = "selftest-child-hang", .race = "a forked child locks its own mutex again",
	.symptom = "the child does not end", .fix = "it does not", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_hang,
	.child = child_locks_twice,
};

static void spin(struct subject *s)
{
	volatile bool again = !s->twin;

	while (again)
		;
	say_ok(s);
}

const struct scenario scenario_selftest_spin = {
	.name = "selftest-spin", .race = "a loop has no end", .symptom = "one CPU at 100 %",
	.fix = "it has", .operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN | SCENARIO_GATED,
	.expectations = hidden_timeout, .check = spin,
};

static void stop_itself(struct subject *s)
{
	if (!s->twin)
		kill(getpid(), SIGSTOP);
	say_ok(s);
}

const struct scenario scenario_selftest_stop = {
	.name = "selftest-stop", .race = "the process stops itself", .symptom = "it is in state T",
	.fix = "it does not", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_timeout,
	.check = stop_itself,
};

/* Slower than every limit of the watchdog, but it moves: no hang. */
static void plod(struct subject *s)
{
	for (int i = 0; i < 30; i++) {
		struct timespec ts = { 0, 100000000 };

		nanosleep(&ts, NULL);
		subject_progress(s);
	}
	say_ok(s);
}

const struct scenario scenario_selftest_slow = {
	.name = "selftest-slow", .race = "the subject takes three seconds and moves all the time",
	.symptom = "none", .fix = "none", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_ok, .check = plod,
};

static void leave(struct subject *s)
{
	if (!s->twin)
		_exit(0);
	say_ok(s);
}

const struct scenario scenario_selftest_silent = {
	.name = "selftest-silent", .race = "the subject ends without a word", .symptom = "status 0",
	.fix = "it says ok", .operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN | SCENARIO_GATED,
	.expectations = hidden_wrong, .check = leave,
};

static void *say_worse(void *s)
{
	subject_say(s, OUTCOME_EXIT, "worse");
	subject_say(s, OUTCOME_WRONG, "the worst");
	return NULL;
}

/* Better and worse words, by two threads and in both orders. */
static void say_much(struct subject *s)
{
	pthread_t thread;

	say_ok(s);
	if (!s->twin && !pthread_create(&thread, NULL, say_worse, s))
		pthread_join(thread, NULL);
	if (!s->twin)
		subject_say(s, OUTCOME_WRONG, "as bad, but later");
	say_ok(s);
}

const struct scenario scenario_selftest_words = {
	.name = "selftest-words", .race = "first all is well, then it is not", .symptom = "wrong",
	.fix = "all is well", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_wrong, .check = say_much,
};

static void write_for_ever(struct subject *s)
{
	static const char words[] = "selftest: these words come again and again\n";

	while (!s->twin && write(STDOUT_FILENO, words, sizeof(words) - 1) > 0)
		;
	say_ok(s);
}

/* The signal of the same limit, but not for what the process printed. */
static void write_beyond(struct subject *s)
{
	if (!s->twin)
		kill(getpid(), SIGXFSZ);
	say_ok(s);
}

static void exceed(struct subject *s)
{
	if (subject_is(s, "output"))
		write_for_ever(s);
	else
		write_beyond(s);
}

static const struct variant floods[] = {
	{ .name = "output", .doc = "what it prints has no end" },
	{ .name = "other", .doc = "another file of its is too long" },
	{ .name = NULL },
};

static const struct expectation flooded[] = {
	{ .releases = "", .variant = "output", .shows = "wrong", .allows = "wrong",
	  .source = "by construction" },
	{ .releases = "", .variant = "other", .shows = "SIGXFSZ", .allows = "SIGXFSZ",
	  .source = "by construction" },
	{ .releases = NULL },
};

const struct scenario scenario_selftest_flood = {
	.name = "selftest-flood", .race = "a file grows too long", .symptom = "SIGXFSZ",
	.fix = "it does not", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .variants = floods, .expectations = flooded,
	.check = exceed,
};

static void kill_parent(struct subject *s)
{
	if (!s->twin)
		kill(getppid(), SIGKILL);
	say_ok(s);
}

/* A subject's parent is its host. */
const struct scenario scenario_selftest_parricide = {
	.name = "selftest-parricide", .race = "the process kills its parent", .symptom = "no host",
	.fix = "it does not", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED, .expectations = hidden_ok, .check = kill_parent,
};

static void work_without_marker(struct subject *s)
{
	while (worker_cycle(s))
		;
}

static void stop_and_say_ok(struct subject *s)
{
	workers_stop_and_join(s);
	say_ok(s);
}

const struct scenario scenario_selftest_vacuous = {
	.name = "selftest-vacuous", .race = "a marker that is never reached", .symptom = "none",
	.fix = "none", .operation = OPERATION_NONE,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED | SCENARIO_WINDOW, .workers = 1,
	.expectations = hidden_ok, .work = work_without_marker, .check = stop_and_say_ok,
};

static void work_with_marker(struct subject *s)
{
	do {
		window_enter(s);
		window_leave(s);
	} while (worker_cycle(s));
}

static void child_faults_if_inside(struct subject *s)
{
	if (atomic_load(&s->in_window))
		fault(s);
}

/* A crash that lies in the window and nowhere else: the controls must confirm it. */
const struct scenario scenario_selftest_window = {
	.name = "selftest-window", .race = "a fork inside the window", .symptom = "SIGSEGV",
	.fix = "the child does not care", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED | SCENARIO_WINDOW, .workers = 1,
	.expectations = hidden_segv, .work = work_with_marker, .child = child_faults_if_inside,
};

/* A crash that has nothing to do with the window: the quiet control must refute it. */
const struct scenario scenario_selftest_outside = {
	.name = "selftest-outside", .race = "none: the child always dies", .symptom = "SIGSEGV",
	.fix = "the child lives", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_GATED | SCENARIO_WINDOW, .workers = 1,
	.expectations = hidden_segv, .work = work_with_marker, .child = fault,
};

/* The table promises a crash that never comes: unexpected, not ok. */
const struct scenario scenario_selftest_promise = {
	.name = "selftest-promise", .race = "a crash is promised", .symptom = "none", .fix = "none",
	.operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN | SCENARIO_GATED,
	.expectations = hidden_segv, .check = say_ok,
};

static void fault_sometimes(struct subject *s)
{
	if (subject_random(s) % 20 == 0)
		fault(s);
	else
		say_ok(s);
}

static const struct expectation rare[] = {
	{ .releases = "", .shows = "SIGSEGV", .allows = "ok", .floor = 0.02,
	  .source = "by construction" },
	{ .releases = NULL },
};

/* One trial in twenty, by the trial's seed and so the same ones each time. */
const struct scenario scenario_selftest_rare = {
	.name = "selftest-rare", .race = "one trial in twenty faults", .symptom = "SIGSEGV",
	.fix = "none does", .operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN,
	.expectations = rare, .check = fault_sometimes,
};

/* A crash that never comes, and no rate that its absence could exclude. */
static const struct expectation awaited[] = {
	{ .releases = "", .shows = "SIGSEGV", .allows = "ok", .source = "by construction" },
	{ .releases = NULL },
};

const struct scenario scenario_selftest_awaited = {
	.name = "selftest-awaited", .race = "a rare crash is promised", .symptom = "none",
	.fix = "none", .operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN,
	.expectations = awaited, .check = say_ok,
};

/* The floor that the table declares is excluded by the trials. */
const struct scenario scenario_selftest_floor = {
	.name = "selftest-floor", .race = "a rate is promised", .symptom = "none", .fix = "none",
	.operation = OPERATION_NONE, .flags = SCENARIO_HIDDEN, .expectations = rare,
	.check = say_ok,
};
