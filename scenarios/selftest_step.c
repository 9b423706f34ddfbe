/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of which it is known, to the instruction, at which points the operation does harm. So
 * tests/63-step.t can see `step` find these points, and no others. Hidden: run only when named.
 *
 * "HARM:" marks the instruction before which the harm is done; the test looks for these lines.
 */
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/utsname.h>

#include "scenarios/selftest_step.h"

/* Two words that belong together. */
struct pair {
	volatile int first, second;
};

static bool is_torn(const struct pair *pair)
{
	return pair->first != pair->second;
}

static struct pair shared;

static void work_one(struct subject *s)
{
	for (int n = 1; worker_cycle(s); n++) {
		window_enter(s);
		shared.first = n;
		shared.second = n; /* HARM: one */
		window_leave(s);
	}
}

static void child_compares(struct subject *s)
{
	fault_if(!s->twin && is_torn(&shared));
}

const struct scenario scenario_selftest_step_one = {
	.name = "selftest-step-one", .race = "a fork between two stores", .symptom = "SIGSEGV",
	.fix = "the child does not care", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.work = work_one, .child = child_compares,
};

static void work_clean(struct subject *s)
{
	for (int n = 1; worker_cycle(s); n++) {
		window_enter(s);
		shared.first = n;
		shared.second = n;
		shared.first = n + 1;
		window_leave(s);
	}
}

const struct scenario scenario_selftest_step_clean = {
	.name = "selftest-step-clean", .race = "none: nobody minds the stores", .symptom = "none",
	.fix = "none", .operation = OPERATION_FORK, .flags = SCENARIO_HIDDEN | SCENARIO_WINDOW,
	.workers = 1, .expectations = harmless, .work = work_clean,
};

/* What others know of W's stack. */
static const struct pair *volatile known;

#define BEGUN 0x5eed
#define ENDED 0xd0e5

/* A frame below the one that has entered the window. It is the same one in each call of work's. */
__attribute__((noinline)) static void use_stack(bool publish)
{
	struct pair mine;

	mine.first = 0;
	mine.second = BEGUN;
	if (publish)
		known = &mine;
	mine.first = ENDED;
	mine.second = ENDED; /* HARM: stack */
}

static void work_stack(struct subject *s)
{
	bool within = subject_is(s, "within");

	while (worker_cycle(s)) {
		use_stack(!within);
		window_enter(s);
		use_stack(within);
		window_leave(s);
	}
}

static void child_looks_at_stack(struct subject *s)
{
	const struct pair *pair = known;

	fault_if(!s->twin && pair && pair->first == ENDED && pair->second == BEGUN);
}

static const struct variant published[] = {
	{ .name = "before", .doc = "the address was stored before the window" },
	{ .name = "within", .doc = "the address is stored inside the window" },
	{ .name = NULL },
};

const struct scenario scenario_selftest_step_stack = {
	.name = "selftest-step-stack", .race = "a fork between two stores to a stack that is known",
	.symptom = "SIGSEGV", .fix = "the child does not look", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .variants = published,
	.expectations = harmful, .work = work_stack, .child = child_looks_at_stack,
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void hold_mutex(void)
{
	pthread_mutex_lock(&mutex);
}

static void let_go_of_mutex(void)
{
	pthread_mutex_unlock(&mutex);
}

static void setup_lock(struct subject *s)
{
	if (pthread_atfork(hold_mutex, let_go_of_mutex, let_go_of_mutex))
		subject_say(s, OUTCOME_WRONG, "no handlers");
}

/* Torn only while fork waits; so the bug is one that no child can meet. */
static void work_locked(struct subject *s)
{
	for (int n = 1; worker_cycle(s); n++) {
		window_enter(s);
		pthread_mutex_lock(&mutex);
		shared.first = n;
		shared.second = n;
		pthread_mutex_unlock(&mutex);
		window_leave(s);
	}
}

const struct scenario scenario_selftest_step_lock = {
	.name = "selftest-step-lock", .race = "none: fork waits for a lock that W holds",
	.symptom = "none", .fix = "none", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmless,
	.setup = setup_lock, .work = work_locked, .child = child_compares,
};

/* What F waits for before it forks, holding the mutex that W wants first. */
static sem_t done;

static void hold_mutex_and_wait(void)
{
	pthread_mutex_lock(&mutex);
	while (sem_wait(&done) && errno == EINTR)
		;
}

static void setup_rounds(struct subject *s)
{
	sem_init(&done, 0, 0);
	if (!s->twin && pthread_atfork(hold_mutex_and_wait, let_go_of_mutex, NULL))
		subject_say(s, OUTCOME_WRONG, "no handlers");
}

static void work_rounds(struct subject *s)
{
	while (worker_cycle(s)) {
		window_enter(s);
		lock_in_rounds(&mutex);
		pthread_mutex_unlock(&mutex);
		sem_post(&done);
		window_leave(s);
	}
}

static const struct expectation hangs[] = {
	{ .releases = "", .shows = "hang", .allows = "ok", .source = "by construction" },
	{ .releases = NULL },
};

const struct scenario scenario_selftest_step_rounds = {
	.name = "selftest-step-rounds",
	.race = "a prepare handler waits for W, and W for a lock that it holds, in rounds",
	.symptom = "a hang", .fix = "no handler", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = hangs,
	.setup = setup_rounds, .work = work_rounds,
};

/* A fork that does not leave its process as it was: one word of it is another one each time. */
static volatile int forks_counted;

static void count_fork(void)
{
	forks_counted++;
}

static void setup_counted(struct subject *s)
{
	if (!s->twin && pthread_atfork(NULL, count_fork, NULL))
		subject_say(s, OUTCOME_WRONG, "no handlers");
}

const struct scenario scenario_selftest_step_counted = {
	.name = "selftest-step-counted", .race = "none: the parent's handler counts forks",
	.symptom = "none", .fix = "it does not", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmless,
	.setup = setup_counted, .work = work_clean,
};

/* What finalization takes away. */
static volatile int alive;
#define COPIED 16
static char there[COPIED];

static void take_away(void)
{
	alive = 0;
	memset(there, 'n', sizeof(there));
}

static void setup_taken_away(struct subject *s)
{
	alive = 1;
	memset(there, 'y', sizeof(there));
	if (Py_AtExit(take_away) < 0)
		subject_say(s, OUTCOME_WRONG, "no handler");
}

static void work_twice(struct subject *s)
{
	while (worker_cycle(s)) {
		int before, after;

		window_enter(s);
		before = alive;
		after = alive; /* HARM: late */
		fault_if(!s->twin && before && !after);
		window_leave(s);
	}
}

const struct scenario scenario_selftest_step_late = {
	.name = "selftest-step-late", .race = "finalization between two loads",
	.symptom = "SIGSEGV", .fix = "W does not care", .operation = OPERATION_FINALIZE,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.setup = setup_taken_away, .work = work_twice, .check = subject_say_fates,
};

/* One instruction of as many rounds as there are bytes, where there is such a one. */
static void fill_bytes(char *to, int byte, size_t n)
{
#ifdef __x86_64__
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory"); /* HARM: fill */
#else
	for (volatile char *at = to; n--; at++)
		*at = (char)byte;
#endif
}

static void copy_bytes(char *to, const char *from, size_t n)
{
#ifdef __x86_64__
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); /* HARM: copy */
#else
	for (const volatile char *at = from; n--; at++)
		*to++ = *at;
#endif
}

#define FILLED 64
static char filled[FILLED];

static void work_fill(struct subject *s)
{
	for (int n = 1; worker_cycle(s); n++) {
		window_enter(s);
		fill_bytes(filled, n, FILLED);
		window_leave(s);
	}
}

static void child_compares_ends(struct subject *s)
{
	fault_if(!s->twin && filled[0] != filled[FILLED - 1]);
}

const struct scenario scenario_selftest_step_fill = {
	.name = "selftest-step-fill", .race = "a fork inside an instruction that repeats",
	.symptom = "SIGSEGV", .fix = "the child does not care", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.work = work_fill, .child = child_compares_ends,
};

static void work_copy(struct subject *s)
{
	while (worker_cycle(s)) {
		char mine[COPIED];

		window_enter(s);
		copy_bytes(mine, there, COPIED);
		fault_if(!s->twin && mine[0] != mine[COPIED - 1]);
		window_leave(s);
	}
}

const struct scenario scenario_selftest_step_copy = {
	.name = "selftest-step-copy", .race = "finalization inside an instruction that repeats",
	.symptom = "SIGSEGV", .fix = "W does not care", .operation = OPERATION_FINALIZE,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.setup = setup_taken_away, .work = work_copy, .check = subject_say_fates,
};

static struct utsname machine;
static volatile bool told;

/* The kernel stores, not W. */
static void work_call(struct subject *s)
{
	while (worker_cycle(s)) {
		memset(&machine, 0, sizeof(machine));
		told = false;
		window_enter(s);
		uname(&machine);
		told = true; /* HARM: call */
		window_leave(s);
	}
}

static void child_has_been_told(struct subject *s)
{
	fault_if(!s->twin && machine.sysname[0] && !told);
}

const struct scenario scenario_selftest_step_call = {
	.name = "selftest-step-call", .race = "a fork after a system call", .symptom = "SIGSEGV",
	.fix = "the child does not care", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.work = work_call, .child = child_has_been_told,
};

/* W needs nobody for it. */
static void work_crash(struct subject *s)
{
	while (worker_cycle(s)) {
		window_enter(s);
		shared.first = 1;
		fault_if(!s->twin);
		window_leave(s);
	}
}

const struct scenario scenario_selftest_step_crash = {
	.name = "selftest-step-crash", .race = "none: W crashes in its window by itself",
	.symptom = "SIGSEGV", .fix = "it does not", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.work = work_crash,
};

const struct scenario scenario_selftest_step_crash_late = {
	.name = "selftest-step-crash-late", .race = "none: W crashes in its window by itself",
	.symptom = "SIGSEGV", .fix = "it does not", .operation = OPERATION_FINALIZE,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .expectations = harmful,
	.work = work_crash, .check = subject_say_fates,
};
