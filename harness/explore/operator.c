/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F while W is walked: given commands, and waited for. Whether F is blocked is read off the kernel:
 * W stands still, so an F that sleeps where only W can wake it will sleep on.
 */
#include <string.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "explore/step.h"

/*
 * F is waited for at the pipe that it writes to when it has answered; this is how long it may be
 * silent before somebody looks what it does. A fork with its child takes some 500 us.
 */
#define SILENCE_NS (200 * NSEC_PER_USEC)

/*
 * A lock that F waits for in rounds (the GIL) is one that it asks W to give up when the first round
 * is over. In the second one nothing changes any more, so that each walk finds the same.
 */
#define ROUNDS 1

/* Neither running nor in a futex for so many looks: it waits for W in a loop of short sleeps. */
#define SLEEPY_LOOKS 250

struct look {
	struct task_state task;
	uint64_t first;      /* sleeps when this wait was seen first */
	unsigned int asleep; /* looks in a row */
};

void operator_tell(struct operator *f, enum walk_command command)
{
	course_tell(f->course, command);
}

bool operator_answered(const struct control *control)
{
	return atomic_load(&control->walk.answered) == atomic_load(&control->walk.command);
}

static bool child_lives(const struct control *control)
{
	return atomic_load(&control->state.child_pid) &&
	       !(atomic_load(&control->state.child_status) & CHILD_STATUS_SET);
}

static int operator_read(const struct control *control, struct task_state *task)
{
	return procfs_task_read((pid_t)atomic_load(&control->state.subject_pid),
				(pid_t)atomic_load(&control->state.operator_tid), task);
}

static bool in_futex(const struct task_state *task)
{
	return task->state == 'S' && task->in_syscall && task->nr == SYS_futex;
}

/* For ever on the same word, or in rounds: a condition variable's are on changing words. */
static bool is_same_wait(const struct task_state *a, const struct task_state *b)
{
	if (!in_futex(a) || !in_futex(b) || !a->args[3] != !b->args[3])
		return false;
	return a->args[3] || a->args[0] == b->args[0];
}

/* F has ended, or is about to: a process that dies while W is traced waits for W's tracer. */
static bool is_gone(const struct control *control)
{
	struct task_state now = { 0 };

	return operator_read(control, &now) < 0 || now.state == 'Z' || now.state == 'X';
}

/* One more look at F: does it wait for W? */
static bool is_blocked(const struct control *control, struct look *look)
{
	struct task_state now = { 0 }, last = look->task;

	if (operator_read(control, &now) < 0)
		return false;
	look->task = now;
	look->asleep = now.state == 'S' ? look->asleep + 1 : 0;
	if (!is_same_wait(&last, &now)) {
		look->first = now.sleeps;
		return look->asleep >= SLEEPY_LOOKS;
	}
	if (!now.args[3])
		return now.switches == last.switches;
	return now.sleeps - look->first >= ROUNDS;
}

enum operator_state operator_await(struct operator *f)
{
	const struct control *control = course_control(f->course);
	struct look look = { .asleep = 0 };

	while (!operator_answered(control)) {
		if (!course_poll(f->course, SILENCE_NS))
			return OPERATOR_GONE;
		if (operator_answered(control))
			break;
		if (is_gone(control))
			return OPERATOR_GONE;
		if (!child_lives(control)) {
			if (!is_blocked(control, &look))
				continue;
			f->sleeps = look.task.sleeps;
			f->waits_for = look.task.args[0];
			return OPERATOR_BLOCKED;
		} else if (course_child_is_stuck(f->course)) {
			return OPERATOR_CHILD;
		}
	}
	return OPERATOR_DONE;
}

bool operator_moves(const struct operator *f)
{
	const struct control *control = course_control(f->course);
	struct task_state now = { 0 };

	/*
	 * Woken inside W's system call, it is runnable before that call returns; it may even have
	 * fallen asleep again.
	 */
	return operator_answered(control) || operator_read(control, &now) < 0 || now.state != 'S' ||
	       now.sleeps != f->sleeps;
}

bool step_await_window(struct course *course)
{
	const struct control *control = course_control(course);

	/* F waits for its first command only where W stands; else it goes on to its end. */
	while (!atomic_load(&control->walk.ready))
		if (!course_poll(course, NSEC_PER_SEC) ||
		    atomic_load(&control->state.stage) >= STAGE_OPERATING)
			return false;
	return true;
}
