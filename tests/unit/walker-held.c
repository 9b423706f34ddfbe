/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that is stopped in a system call in which it waits, and let go: it waits on as if nobody
 * had been there. Above all no trap is left to it, of which its process would die.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "explore/effect.h"
#include "explore/walker.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

#define PATIENCE_NS (20 * NSEC_PER_SEC)

/* Shared with the child. */
static struct shared {
	SHARED_U32 command, lock; /* words that are waited for, one after the other */
	SHARED_U32 tid;           /* of the thread that does so */
	SHARED_U32 waits;         /* that have come to their end */
	SHARED_U32 traps;         /* of which the process would have died */
} *shared;

static const struct control control; /* that tells of no crash */

static void count_trap(int signo)
{
	(void)signo;
	atomic_fetch_add(&shared->traps, 1);
}

static void wait_until_set(SHARED_U32 *word)
{
	while (!atomic_load(word))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL);
	atomic_fetch_add(&shared->waits, 1);
}

static void *wait_twice(void *unused)
{
	atomic_store(&shared->tid, (uint32_t)gettid());
	wait_until_set(&shared->command);
	wait_until_set(&shared->lock);
	return unused;
}

static void child_of_two(void)
{
	pthread_t thread;

	signal(SIGTRAP, count_trap);
	if (pthread_create(&thread, NULL, wait_twice, NULL) == 0)
		pthread_join(thread, NULL);
}

static void child_of_one(void)
{
	signal(SIGTRAP, count_trap);
	wait_twice(NULL);
}

static pid_t child_start(void (*body)(void))
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = traced_start(body);
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0)
		traced_fail("letting the child go");
	return pid;
}

/* Until it sleeps in wait of that word. */
static void await_sleep(pid_t pid, const SHARED_U32 *word)
{
	uint64_t until = clock_now() + PATIENCE_NS;
	struct task_state task;
	pid_t tid;

	do {
		if (clock_now() > until)
			traced_fail("waiting for a thread to sleep");
		sched_yield();
		tid = (pid_t)atomic_load(&shared->tid);
	} while (!tid || procfs_task_read(pid, tid, &task) < 0 || task.state != 'S' ||
		 !task.in_syscall || task.nr != SYS_futex || task.args[0] != (uintptr_t)word);
}

/* The thread stands before its next system call, whose length is returned. */
static size_t go_to_call(struct walker *walker)
{
	struct cpu_instruction instruction;

	for (;;) {
		effect_decode(walker, &instruction);
		if (instruction.system_call)
			return instruction.length;
		if (walker_advance(walker) != WALK_ON)
			traced_fail("stepping");
	}
}

/* Let go, it has to come to its end by itself. */
static void end_check(pid_t pid)
{
	uint64_t until = clock_now() + PATIENCE_NS;
	int status = -1;
	pid_t ended = 0;

	await_sleep(pid, &shared->lock);
	CHECK_INT(atomic_load(&shared->waits), 1, "let go, it waits on");
	atomic_store(&shared->lock, 1);
	syscall(SYS_futex, &shared->lock, FUTEX_WAKE, 1);
	while (!ended && clock_now() < until) {
		ended = waitpid(pid, &status, __WALL | WNOHANG);
		/* A stop of its first thread, which this program still traces. */
		if (ended == pid && WIFSTOPPED(status)) {
			ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)WSTOPSIG(status));
			ended = 0;
		}
		sched_yield();
	}
	CHECK(ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "woken, it comes to its end");
	CHECK_INT(atomic_load(&shared->waits), 2, "of its wait, too");
	CHECK_INT(atomic_load(&shared->traps), 0, "without a trap");
	if (ended != pid)
		traced_end(pid);
}

/* As F is followed: taken in its sleep, brought to another wait, held there. */
static void take_check(void)
{
	struct walker w = { .pid = child_start(child_of_two), .control = &control }, f;
	size_t length;

	await_sleep(w.pid, &shared->command);
	CHECK_INT(walker_take(&f, &w, (pid_t)atomic_load(&shared->tid)), 0,
		  "a thread that sleeps is taken");
	CHECK_INT(atomic_load(&shared->waits), 0, "which is no reason to wake up");
	atomic_store(&shared->command, 1);
	length = go_to_call(&f);
	CHECK_INT(atomic_load(&shared->waits), 1, "it goes on by steps");
	CHECK_INT(walker_call(&f, length), WALK_BLOCKED, "into a wait that does not end");
	await_sleep(w.pid, &shared->lock);
	CHECK_INT(walker_hold(&f), WALK_ON, "in which it is held");
	walker_end(&f);
	end_check(w.pid);
}

/* As W is walked: a step into a wait. */
static void step_check(bool held)
{
	struct strbuf err = STRBUF_INIT;
	struct walk_effect effect;
	struct walker w = { .control = &control, .attached = true };
	pid_t pid = child_start(child_of_one);

	w.pid = w.tid = pid;
	await_sleep(pid, &shared->command);
	if (walker_hold(&w) != WALK_ON || walker_observe(&w, &err) < 0)
		traced_fail("holding the child");
	atomic_store(&shared->command, 1);
	go_to_call(&w);
	CHECK_INT(walker_step(&w, &effect), WALK_BLOCKED, "a step into a wait does not end");
	CHECK(effect.called && effect.waited, "which is told");
	await_sleep(pid, &shared->lock);
	if (held)
		CHECK_INT(walker_hold(&w), WALK_ON, "held in it, and let go");
	walker_end(&w);
	end_check(pid);
}

int main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		traced_fail("mapping memory");
	take_check();
	step_check(true);
	step_check(false);
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
