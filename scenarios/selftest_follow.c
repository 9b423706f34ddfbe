/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows in which F has to wait for W, so that `step` follows F and need not try each point
 * (harness/explore/follow.h). Each is one in which it would be wrong if it overlooked something;
 * tests/66-follow.t can see that it does not. Hidden: run only when named.
 *
 * "HARM:" marks the instruction before which the harm is done, or from which on none is; the test
 * looks for these lines.
 */
#include <Python.h>

#include <pthread.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "scenarios/selftest_step.h"

/*
 * W holds this lock all through its window, and F's handler waits for it. W takes it again only
 * when F, who has asked for it, has had it.
 */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static SHARED_U32 waiting;

static void w_takes_gate(void)
{
	pthread_mutex_lock(&gate);
}

static void w_leaves_gate(void)
{
	pthread_mutex_unlock(&gate);
	while (atomic_load(&waiting))
		sched_yield();
}

static void f_takes_gate(void)
{
	atomic_store(&waiting, 1);
	pthread_mutex_lock(&gate);
	atomic_store(&waiting, 0);
}

static void f_takes_gate_in_rounds(void)
{
	atomic_store(&waiting, 1);
	lock_in_rounds(&gate);
	atomic_store(&waiting, 0);
}

static void f_leaves_gate(void)
{
	pthread_mutex_unlock(&gate);
}

static void handle_fork(struct subject *s, void (*prepare)(void))
{
	if (pthread_atfork(prepare, f_leaves_gate, f_leaves_gate))
		subject_say(s, OUTCOME_WRONG, "no handlers");
}

/*
 * A step does not end behind an instruction that sets ss, but behind the one after it. So that one
 * is in no map, and what it does is what its forerunner is taken for: anything.
 */
#ifdef __x86_64__
#define BLINDLY "movl %%ss, %%eax\n\tmovl %%eax, %%ss\n\t"

static inline void store_blindly(volatile uint64_t *to)
{
	__asm__ volatile(BLINDLY "movq $1, %0\n\tnop" : "=m"(*to) : : "eax"); /* HARM: blind */
}

static inline uint64_t load_blindly(const volatile uint64_t *from)
{
	uint64_t value;

	__asm__ volatile(BLINDLY "movq %1, %0" : "=r"(value) : "m"(*from) : "eax");
	return value;
}
#else
static inline void store_blindly(volatile uint64_t *to)
{
	*to = 1;
}

static inline uint64_t load_blindly(const volatile uint64_t *from)
{
	return *from;
}
#endif

/* By which way a word gets a value other than 0. */
union target {
	volatile uint64_t value;
	struct timespec time;
};

static union target stored, blind, by_vdso, by_kernel;

static void forget_words(void)
{
	stored.value = blind.value = by_vdso.value = by_kernel.value = 0;
}

static const struct variant ways_to_see[] = {
	{ .name = "stored", .doc = "the word is stored" },
	{ .name = "blind", .doc = "the word is stored by an instruction that is never seen" },
	{ .name = "vdso", .doc = "the word is stored by the vdso" },
	{ .name = "kernel", .doc = "the word is stored by the kernel" },
	{ .name = "rounds", .doc = "the word is stored, and F waits in rounds" },
	{ .name = "blindly", .doc = "the word is stored, and read by an instruction not seen" },
	{ .name = NULL },
};

static volatile uint64_t *word_of(const struct subject *s)
{
	return subject_is(s, "blind") ? &blind.value :
	       subject_is(s, "vdso") ? &by_vdso.value :
	       subject_is(s, "kernel") ? &by_kernel.value : &stored.value;
}

/* Of W's words F looks at one. */
static const volatile uint64_t *looked_at;
static uint64_t seen;

static void look_and_wait(void)
{
	seen = *looked_at;
	f_takes_gate();
}

static void look_and_wait_in_rounds(void)
{
	seen = *looked_at;
	f_takes_gate_in_rounds();
}

static void look_blindly_and_wait(void)
{
	seen = load_blindly(looked_at);
	f_takes_gate();
}

static void wait_and_look(void)
{
	f_takes_gate();
	seen = *looked_at;
}

static void setup_seen(struct subject *s)
{
	looked_at = word_of(s);
	handle_fork(s, s->twin ? wait_and_look :
		       subject_is(s, "rounds") ? look_and_wait_in_rounds :
		       subject_is(s, "blindly") ? look_blindly_and_wait : look_and_wait);
}

static volatile int step; /* that F never looks at */

static void work_seen(struct subject *s)
{
	while (worker_cycle(s)) {
		w_takes_gate();
		window_enter(s);
		step = 1;
		stored.value = 1;
		step = 2; /* HARM: stored */
		store_blindly(&blind.value);
		step = 3;
		clock_gettime(CLOCK_MONOTONIC, &by_vdso.time);
		step = 4;
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &by_kernel.time);
		step = 5;
		window_leave(s);
		forget_words();
		w_leaves_gate();
	}
}

static void child_has_seen(struct subject *s)
{
	(void)s;
	fault_if(seen != 0);
}

const struct scenario scenario_selftest_step_seen = {
	.name = "selftest-step-seen", .race = "a prepare handler looks at what W's lock guards",
	.symptom = "SIGSEGV", .fix = "it takes the lock first", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .variants = ways_to_see,
	.expectations = harmful, .setup = setup_seen, .work = work_seen, .child = child_has_seen,
};

/* The other way round: F, before it waits, leaves a word that W looks at. */
static volatile uint64_t *asked;
static struct utsname machine;
static volatile uint64_t noticed;

static void ask_and_wait(void)
{
	*asked = 1;
	f_takes_gate();
	forget_words();
}

static void ask_blindly_and_wait(void)
{
	store_blindly(asked);
	f_takes_gate();
	forget_words();
}

static void ask_by_vdso_and_wait(void)
{
	clock_gettime(CLOCK_MONOTONIC, &by_vdso.time);
	f_takes_gate();
	forget_words();
}

static void ask_by_kernel_and_wait(void)
{
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &by_kernel.time);
	f_takes_gate();
	forget_words();
}

/* By a system call of which nothing is known to the harness. */
static void ask_by_name_and_wait(void)
{
	uname(&machine);
	f_takes_gate();
	machine.sysname[0] = '\0';
}

static const struct variant ways_to_ask[] = {
	{ .name = "stored", .doc = "F stores the word" },
	{ .name = "blind", .doc = "F stores the word by an instruction that is never seen" },
	{ .name = "vdso", .doc = "the vdso stores the word for F" },
	{ .name = "kernel", .doc = "the kernel stores the word for F" },
	{ .name = "unknown", .doc = "the kernel does so, in a call that is not known" },
	{ .name = NULL },
};

static void setup_asked(struct subject *s)
{
	bool by_name = subject_is(s, "unknown");

	asked = by_name ? (volatile uint64_t *)machine.sysname : word_of(s);
	handle_fork(s, by_name ? ask_by_name_and_wait :
		       subject_is(s, "blind") ? ask_blindly_and_wait :
		       subject_is(s, "vdso") ? ask_by_vdso_and_wait :
		       subject_is(s, "kernel") ? ask_by_kernel_and_wait : ask_and_wait);
}

static void work_asked(struct subject *s)
{
	while (worker_cycle(s)) {
		uint64_t now;

		w_takes_gate();
		noticed = 0;
		window_enter(s);
		step = 1;
		now = *asked;
		noticed = now; /* HARM: asked */
		step = 2;
		window_leave(s);
		if (s->twin)
			noticed = 0;
		w_leaves_gate();
	}
}

static void child_was_noticed(struct subject *s)
{
	(void)s;
	fault_if(noticed != 0);
}

const struct scenario scenario_selftest_step_asked = {
	.name = "selftest-step-asked", .race = "W, asked by a prepare handler, leaves work undone",
	.symptom = "SIGSEGV", .fix = "it does that work before it gives its lock away",
	.operation = OPERATION_FORK, .flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1,
	.variants = ways_to_ask, .expectations = harmful, .setup = setup_asked,
	.work = work_asked, .child = child_was_noticed,
};

/* Much that F never meets. */
#define MUCH 64
static volatile int much[MUCH];

static const struct variant ways_to_wait[] = {
	{ .name = "asleep", .doc = "F waits without a time limit" },
	{ .name = "rounds", .doc = "F waits in rounds, each with a time limit" },
	{ .name = NULL },
};

static void setup_apart(struct subject *s)
{
	handle_fork(s, subject_is(s, "rounds") ? f_takes_gate_in_rounds : f_takes_gate);
}

static void work_apart(struct subject *s)
{
	while (worker_cycle(s)) {
		w_takes_gate();
		window_enter(s);
		for (int i = 1; i < MUCH; i++)
			much[i] += much[i - 1] + 1;
		window_leave(s);
		w_leaves_gate();
	}
}

const struct scenario scenario_selftest_step_apart = {
	.name = "selftest-step-apart", .race = "none: F and W have nothing but a lock in common",
	.symptom = "none", .fix = "none", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1, .variants = ways_to_wait,
	.expectations = harmless, .setup = setup_apart, .work = work_apart,
};

/*
 * As many turns to the left as to the right, in another order each time. Each has a point of its
 * own that is worth a try, between two stores.
 */
static volatile int left, right;

static uint64_t choose_way(void)
{
	uint32_t half = 0;

	if (getrandom(&half, sizeof(half), 0) != sizeof(half))
		return 0;
	return half | (uint64_t)~half << 32;
}

static void work_chance(struct subject *s)
{
	while (worker_cycle(s)) {
		uint64_t way = choose_way();

		w_takes_gate();
		window_enter(s);
#pragma GCC unroll 64
		for (int i = 0; i < 64; i++) {
			if (way >> i & 1) {
				left = i;
				left = -i;
			} else {
				right = i;
				right = -i;
			}
		}
		window_leave(s);
		w_leaves_gate();
	}
}

const struct scenario scenario_selftest_step_chance = {
	.name = "selftest-step-chance", .race = "none: W's way through its window is chance",
	.symptom = "none", .fix = "none", .operation = OPERATION_FORK,
	.flags = SCENARIO_HIDDEN | SCENARIO_WINDOW, .workers = 1,
	.expectations = harmless, .setup = setup_apart, .work = work_chance,
};
