/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/rest.h"

#include <sys/syscall.h>

#include "base/clock.h"

/* The time limit of a futex's wait. */
#define LIMIT_ARG 3

/*
 * A lock that is waited for in rounds (the GIL) is one whose owner is asked to give it up when the
 * first round is over. In the second nothing changes any more, so that each walk finds the same.
 */
#define ROUNDS 1

static bool in_futex(const struct task_state *task)
{
	return task->state == 'S' && task->in_syscall && task->nr == SYS_futex;
}

/* A condition variable's rounds are on changing words. */
static bool is_same_round(const struct task_state *a, const struct task_state *b)
{
	return in_futex(a) && in_futex(b) && a->args[LIMIT_ARG] && b->args[LIMIT_ARG];
}

/*
 * State, sleeps and system call are read one after the other, and a thread may move meanwhile: one
 * look alone may tell of a sleep in one place and of a call in another.
 */
static bool is_same_sleep(const struct task_state *a, const struct task_state *b)
{
	return a->state == 'S' && b->state == 'S' && a->sleeps == b->sleeps &&
	       a->in_syscall == b->in_syscall && a->nr == b->nr && a->args[0] == b->args[0];
}

/*
 * Two looks and what is between them. Not with a semaphore on its own stack: so waits a thread that
 * stands in a queue, in particular for CPython's PyMutex, which is handed over to a thread that has
 * waited for a millisecond, and else to whoever comes first. Only afterwards does the time that
 * passes make no difference.
 */
#define SAME_NS (200 * NSEC_PER_USEC)
#define QUEUE_NS (1500 * NSEC_PER_USEC)
#define STACK_NEAR 4096

static bool sleeps_long_enough(const struct rest *rest, uint64_t now)
{
	const struct task_state *task = &rest->task;
	bool queue = in_futex(task) && task->args[0] - task->sp < STACK_NEAR;

	return now - rest->same_ns >= (queue ? QUEUE_NS : SAME_NS);
}

bool rest_is_endless(const struct rest *rest)
{
	return in_futex(&rest->task) && !rest->task.args[LIMIT_ARG];
}

enum resting rest_look(struct rest *rest, pid_t pid, pid_t tid)
{
	struct task_state now = { 0 }, last = rest->task;

	if (procfs_task_read(pid, tid, &now) < 0 || now.state == 'Z' || now.state == 'X')
		return REST_GONE;
	rest->task = now;
	rest->asleep = now.state == 'S' ? rest->asleep + 1 : 0;
	if (!is_same_round(&last, &now))
		rest->first = now.sleeps;
	else if (now.sleeps - rest->first >= ROUNDS)
		return REST_ROUNDS;
	if (!is_same_sleep(&last, &now))
		rest->same_ns = clock_now();
	else if (sleeps_long_enough(rest, clock_now()))
		return REST_ASLEEP;
	return REST_NONE;
}
