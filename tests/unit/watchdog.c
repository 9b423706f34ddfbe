/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the watchdog says of processes that wait, run, are stopped, or have ended. Looks are made as
 * often as it takes, not after a time; a verdict that does not come is noticed by patience alone.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/watchdog.h"
#include "tests/unit/tap.h"

#define PATIENCE_NS (20 * NSEC_PER_SEC)

static struct control *control;

static pid_t start(void (*body)(void))
{
	pid_t pid;

	memset(control, 0, CONTROL_SIZE);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		body();
		_exit(0);
	}
	atomic_store(&control->state.subject_pid, (uint32_t)pid);
	atomic_store(&control->state.operator_tid, (uint32_t)pid);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void look_interval(void)
{
	const struct timespec ts = { 0, (long)WATCHDOG_LOOK_NS };

	nanosleep(&ts, NULL);
}

/* Look until there is a verdict, or somebody has lost patience. */
static enum watch watch_for(struct watchdog *w, uint64_t patience_ns)
{
	uint64_t until = clock_now() + patience_ns;
	enum watch verdict;

	watchdog_start(w, control);
	do {
		look_interval();
		verdict = watchdog_look(w);
	} while (verdict == WATCH_ON && clock_now() < until);
	return verdict;
}

static enum watch watch(struct watchdog *w)
{
	return watch_for(w, PATIENCE_NS);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void run_for_ever(void)
{
	for (volatile int again = 1; again;)
		;
}

static void stop_itself(void)
{
	raise(SIGSTOP);
}

static void test_verdicts(void)
{
	static const struct {
		const char *what;
		void (*body)(void);
		enum watch wanted;
		const char *why;
	} cases[] = {
		{ "waits for ever", wait_for_ever, WATCH_HANG, "nobody is left to wake it" },
		{ "runs for ever", run_for_ever, WATCH_SPIN, "2 s of CPU" },
		{ "stops itself", stop_itself, WATCH_STOPPED, "stopped by a signal" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pid_t pid = start(cases[i].body);
		struct watchdog w;
		enum watch verdict = watch(&w);

		CHECK_INT(verdict, cases[i].wanted, "a process that %s is known", cases[i].what);
		CHECK(strstr(watchdog_why(&w, verdict), cases[i].why), "and it is said why");
		CHECK_INT(w.culprit, pid, "and whom it is about");
		end(pid);
	}
}

/* Stopped for a moment, and let go on: nothing has happened. */
static void test_continued(void)
{
	pid_t pid = start(run_for_ever);
	enum watch verdict = WATCH_ON;
	struct watchdog w;

	watchdog_start(&w, control);
	for (int i = 0; i < 4; i++) {
		kill(pid, i % 2 ? SIGCONT : SIGSTOP);
		waitpid(pid, NULL, WUNTRACED | WCONTINUED);
		for (int k = 0; k < 6 && verdict == WATCH_ON; k++) {
			look_interval();
			verdict = watchdog_look(&w);
		}
	}
	CHECK_INT(verdict, WATCH_ON, "a process that was stopped and let go on again is well");
	end(pid);
}

static void fork_and_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	atomic_store(&control->state.child_pid, (uint32_t)pid);
	wait_for_ever();
}

/* A child that has ended is waited for by nobody: what counts is who should have reaped it. */
static void test_zombie(void)
{
	pid_t pid = start(fork_and_wait);
	struct watchdog w;

	CHECK_INT(watch(&w), WATCH_HANG, "a process that hangs beside its dead child hangs");
	CHECK_INT(w.culprit, pid, "and the child is not blamed");
	end(pid);
}

static void sleep_again_and_again(void)
{
	for (;;) {
		struct timespec ts = { 1, 0 };

		nanosleep(&ts, NULL);
	}
}

/* As if the driver itself had been stopped between two looks. */
static void test_gap(void)
{
	pid_t pid = start(sleep_again_and_again);
	struct watchdog w;
	enum watch verdict;

	watchdog_start(&w, control);
	look_interval();
	watchdog_look(&w);
	w.looked_ns -= 100 * NSEC_PER_SEC;
	verdict = watchdog_look(&w);
	CHECK_INT(verdict, WATCH_ON, "time in which nobody looked counts for nobody");
	end(pid);
}

static void nap_long(void)
{
	struct timespec ts = { 1000, 0 };

	nanosleep(&ts, NULL);
}

static void nap_short(void)
{
	for (;;) {
		struct timespec ts = { 0, 100000000 };

		nanosleep(&ts, NULL);
	}
}

/* Who sleeps for a time wakes up by himself; who does so again and again comes to nothing. */
static void test_naps(void)
{
	pid_t pid = start(nap_long);
	struct watchdog w;

	CHECK_INT(watch_for(&w, 2 * NSEC_PER_SEC), WATCH_ON, "a nap that is not over is no hang");
	end(pid);
	pid = start(nap_short);
	CHECK_INT(watch(&w), WATCH_HANG, "naps in turns without a movement, as for a GIL, are");
	end(pid);
	pid = start(sleep_again_and_again);
	CHECK_INT(watch(&w), WATCH_HANG, "and so are long ones, once one of them is over");
	end(pid);
}

static void *cycle(void *arg)
{
	for (;;) {
		struct timespec ts = { 0, 1000000 };

		nanosleep(&ts, NULL);
		atomic_fetch_add(&control->state.progress, 1);
	}
	return arg;
}

static void *spin(void *arg)
{
	for (;;)
		atomic_fetch_add(&control->state.progress, 1);
	return arg;
}

static void join_cyclers(void)
{
	pthread_t cycler, spinner;

	pthread_create(&spinner, NULL, spin, NULL);
	pthread_create(&cycler, NULL, cycle, NULL);
	pthread_join(cycler, NULL);
}

/* A thread that has its CPU does not excuse an F that waits beside it. */
static void test_others_cycle(void)
{
	pid_t pid = start(join_cyclers);
	struct watchdog w;
	enum watch verdict = watch_for(&w, 29 * NSEC_PER_SEC);

	CHECK_INT(verdict, WATCH_HANG, "an F that waits while others go on hangs");
	CHECK(strstr(watchdog_why(&w, verdict), "while others cycle"), "and it is said why");
	end(pid);
}

/* Side by side, so that it is not the clock which decides. */
static void test_standstill(void)
{
	uint64_t until = clock_now() + PATIENCE_NS;
	enum watch expected = WATCH_ON, other = WATCH_ON;
	struct watchdog expecting, unprepared;
	pid_t pid = start(join_cyclers);

	watchdog_start(&unprepared, control);
	watchdog_start(&expecting, control);
	watchdog_expect_standstill(&expecting);
	while (expected == WATCH_ON && other == WATCH_ON && clock_now() < until) {
		look_interval();
		other = watchdog_look(&unprepared);
		expected = watchdog_look(&expecting);
	}
	CHECK_INT(expected, WATCH_HANG, "where a standstill is expected, it is a hang early on");
	CHECK(strstr(watchdog_why(&expecting, expected), "while others cycle"),
	      "for the same reason");
	CHECK_INT(other, WATCH_ON, "where it is not, nothing is said yet");
	end(pid);
}

static void stay_on_first_cpu(void)
{
	cpu_set_t set;
	size_t cpu = 0;

	sched_getaffinity(0, sizeof(set), &set);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Beside somebody who is busy on the same CPU: a turn of milliseconds about once a second. */
static void *starve(void *arg)
{
	const struct sched_param none = { 0 };

	stay_on_first_cpu();
	sched_setscheduler(0, SCHED_IDLE, &none);
	return spin(arg);
}

static void join_starved(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, starve, NULL);
	pthread_join(thread, NULL);
}

/* The busy one is no child of the subject, which would then be what is watched. */
static pid_t start_busy(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		stay_on_first_cpu();
		run_for_ever();
	}
	return pid;
}

/* The wait for a CPU is in no account before it is over: from one turn to the next W only waits. */
static void test_starved(void)
{
	pid_t busy = start_busy();
	pid_t pid = start(join_starved);
	struct watchdog w;

	CHECK_INT(watch_for(&w, 6 * NSEC_PER_SEC), WATCH_ON,
		  "an F that waits for a thread which gets no CPU does not hang");
	end(pid);
	end(busy);
}

static void be_held(void)
{
	pid_t pid = fork();

	if (pid)
		wait_for_ever();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGUSR1);
	_exit(0);
}

/* Its tracer, which is its parent, never asks for it. */
static void test_traced(void)
{
	pid_t pid = start(be_held);
	struct watchdog w;
	enum watch verdict = watch(&w);

	CHECK_INT(verdict, WATCH_STOPPED, "a process that its tracer holds is known");
	CHECK(strstr(watchdog_why(&w, verdict), "tracer"), "and it is said who holds it");
	CHECK(w.culprit != pid, "and that it is the child");
	end(pid);
}

int main(void)
{
	control = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (control == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	test_verdicts();
	test_continued();
	test_zombie();
	test_gap();
	test_naps();
	test_others_cycle();
	test_standstill();
	test_starved();
	test_traced();
	return tap_done();
}
