/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios that end in ways that are easy to misread, for tests/59-misfortunes.t: it copies them
 * beside the others, and finds their names by the lines that begin with SCENARIO.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

#define SCENARIO(id, title, ...) \
	const struct scenario scenario_##id = { \
		.name = title, .race = "none", .symptom = "none", .fix = "none", __VA_ARGS__ \
	}

#define ROW(name, wanted, allowed) \
	static const struct expectation name[] = { \
		{ .releases = "", .shows = wanted, .allows = allowed, .source = "by test" }, \
		{ .releases = NULL }, \
	}

ROW(segv, "SIGSEGV", "SIGSEGV");
ROW(anything, "", "ok wrong timeout hang SIGSEGV SIGTERM SIGABRT");

static int *volatile nowhere = (int *)(uintptr_t)0x10;

/* How many trials have come here before. */
static int count(void)
{
	int fd = open(getenv("TEST_COUNTER"), O_WRONLY | O_APPEND), n = -1;

	if (fd >= 0 && write(fd, ".", 1) == 1)
		n = (int)lseek(fd, 0, SEEK_CUR) - 1;
	close(fd);
	return n;
}

#define FAULT(n) \
	static void __attribute__((noinline)) fault_##n(void) { *nowhere = n; }
#define FOUR(X, n) X(n##0) X(n##1) X(n##2) X(n##3)
#define TWENTY(X) FOUR(X, 1) FOUR(X, 2) FOUR(X, 3) FOUR(X, 4) FOUR(X, 5)
#define NAME(n) fault_##n,

TWENTY(FAULT)

static void (*const faults[])(void) = { TWENTY(NAME) };

#define KINDS (int)(sizeof(faults) / sizeof(*faults))

static void fault_in_turn(struct subject *s)
{
	int n;

	if (s->twin) {
		subject_say(s, OUTCOME_OK, "");
		return;
	}
	n = count();
	if (n == KINDS)
		raise(SIGBUS);
	else if (n >= 0)
		faults[n % KINDS]();
}

SCENARIO(test_kinds, "test-kinds", .operation = OPERATION_NONE, .expectations = segv,
	 .check = fault_in_turn);

static const struct variant deaths[] = {
	{ .name = "term", .doc = "by SIGTERM" },
	{ .name = "abort", .doc = "by abort()" },
	{ .name = "once", .doc = "by SIGTERM, the first time only" },
	{ .name = NULL },
};

static void child_faults(struct subject *s)
{
	if (!s->twin)
		*nowhere = 1;
}

static void __attribute__((noinline)) parent_aborts(struct subject *s)
{
	abort();
	(void)s;
}

static void parent_dies(struct subject *s)
{
	if (s->twin)
		return;
	if (subject_is(s, "abort"))
		parent_aborts(s);
	else if (subject_is(s, "term") || count() == 0)
		kill(getpid(), SIGTERM);
}

SCENARIO(test_deaths, "test-deaths", .operation = OPERATION_FORK, .flags = SCENARIO_GATED,
	 .variants = deaths, .expectations = anything, .child = child_faults,
	 .check = parent_dies);

static void enter_window(struct subject *s)
{
	do {
		if (!s->twin) {
			window_enter(s);
			window_leave(s);
		}
	} while (worker_cycle(s));
}

static void child_faults_inside(struct subject *s)
{
	if (!s->twin && atomic_load(&s->in_window))
		*nowhere = 1;
}

SCENARIO(test_empty_twin, "test-empty-twin", .operation = OPERATION_FORK,
	 .flags = SCENARIO_GATED | SCENARIO_WINDOW, .workers = 1, .expectations = segv,
	 .work = enter_window, .child = child_faults_inside);

static void work_elsewhere(struct subject *s)
{
	while (worker_cycle(s))
		;
}

SCENARIO(test_no_entry, "test-no-entry", .operation = OPERATION_FORK, .flags = SCENARIO_WINDOW,
	 .workers = 1, .expectations = segv, .work = work_elsewhere,
	 .child = child_faults);

/* As long inside as outside. */
static void enter_at_times(struct subject *s)
{
	do {
		window_enter(s);
		for (volatile int i = 0; i < 20000; i++)
			;
		window_leave(s);
		for (volatile int i = 0; i < 20000; i++)
			;
	} while (worker_cycle(s));
}

static void child_is_wrong_outside(struct subject *s)
{
	child_faults_inside(s);
	if (!s->twin)
		subject_say(s, OUTCOME_WRONG, "outside");
}

SCENARIO(test_outside, "test-outside", .operation = OPERATION_FORK, .flags = SCENARIO_WINDOW,
	 .workers = 1, .expectations = anything, .work = enter_at_times,
	 .child = child_is_wrong_outside);

static const struct variant faces[] = {
	{ .name = "promised", .doc = "either is to be seen" },
	{ .name = "other", .doc = "one is to be seen, the other allowed" },
	{ .name = NULL },
};

static const struct expectation faces_rows[] = {
	{ .releases = "", .variant = "promised", .shows = "SIGSEGV SIGABRT",
	  .allows = "SIGSEGV SIGABRT", .source = "by test" },
	{ .releases = "", .variant = "other", .shows = "SIGSEGV", .allows = "SIGSEGV SIGABRT",
	  .source = "by test" },
	{ .releases = NULL },
};

/* Two faults, one abort, and the fourth, in a fresh process, is what the variant says. */
static void change_face(struct subject *s)
{
	int n;

	if (s->twin) {
		subject_say(s, OUTCOME_OK, "");
		return;
	}
	n = count();
	if (n == 2 || (n > 2 && subject_is(s, "promised")))
		abort();
	*nowhere = 1;
}

SCENARIO(test_several, "test-several", .operation = OPERATION_NONE, .flags = SCENARIO_GATED,
	 .variants = faces, .expectations = faces_rows, .check = change_face);

static const struct variant nap_kinds[] = {
	{ .name = "sleep", .doc = "nanosleep" },
	{ .name = "futex", .doc = "sem_timedwait" },
	{ .name = "poll", .doc = "poll" },
	{ .name = "pipe", .doc = "a child that reads from a pipe into which nobody writes" },
	{ .name = NULL },
};

static void nap(struct subject *s)
{
	struct timespec ts = { 1, 200000000 };
	sem_t semaphore;

	if (subject_is(s, "sleep")) {
		nanosleep(&ts, NULL);
	} else if (subject_is(s, "poll")) {
		poll(NULL, 0, 1200);
	} else if (subject_is(s, "futex")) {
		sem_init(&semaphore, 0, 0);
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec++;
		while (sem_timedwait(&semaphore, &ts) < 0 && errno == EINTR)
			;
	}
	subject_say(s, OUTCOME_OK, "");
}

static void child_reads(struct subject *s)
{
	char byte;
	int fds[2];

	if (!s->twin && subject_is(s, "pipe") && !pipe(fds) && read(fds[0], &byte, 1) < 0)
		subject_say(s, OUTCOME_WRONG, "nothing to read");
}

SCENARIO(test_nap, "test-nap", .operation = OPERATION_FORK, .flags = SCENARIO_GATED,
	 .variants = nap_kinds, .expectations = anything, .child = child_reads, .check = nap);

static const struct variant tracees[] = {
	{ .name = "itself", .doc = "by its host" },
	{ .name = "child", .doc = "its child by itself" },
	{ .name = NULL },
};

static void __attribute__((noinline)) be_traced(struct subject *s)
{
	if (s->twin)
		return;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	*nowhere = 1;
}

static void child_is_traced(struct subject *s)
{
	if (subject_is(s, "child"))
		be_traced(s);
}

static void parent_is_traced(struct subject *s)
{
	if (subject_is(s, "itself"))
		be_traced(s);
}

SCENARIO(test_traced, "test-traced", .operation = OPERATION_FORK, .flags = SCENARIO_GATED,
	 .variants = tracees, .expectations = anything, .child = child_is_traced,
	 .check = parent_is_traced);

static void pretend(struct subject *s)
{
	const char *victim = getenv("TEST_VICTIM");

	if (s->twin || !victim) {
		subject_say(s, OUTCOME_OK, "");
		return;
	}
	atomic_store(&s->control->state.subject_pid, (uint32_t)atoi(victim));
	kill(getppid(), SIGKILL);
	for (;;)
		pause();
}

SCENARIO(test_scribble, "test-scribble", .operation = OPERATION_NONE, .flags = SCENARIO_GATED,
	 .expectations = anything, .check = pretend);
