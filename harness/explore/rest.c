/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/rest.h"

#include <sys/syscall.h>

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
	rest->same = is_same_sleep(&last, &now) ? rest->same + 1 : 0;
	return rest->same ? REST_ASLEEP : REST_NONE;
}
