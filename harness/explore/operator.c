/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F while W is walked: given commands, and waited for. Whether F is blocked is read off the kernel:
 * W stands still, so an F that sleeps where only W can wake it will sleep on.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "explore/step.h"

/*
 * F is waited for at the pipe that it writes to when it has answered; this is how long it may be
 * silent before somebody looks what it does.
 */
#define SILENCE_NS (100 * NSEC_PER_USEC)

/* One that works is looked at less and less often: each look takes CPU that it may need. */
#define SILENCE_MAX_NS (800 * NSEC_PER_USEC)

/*
 * While its child lives, F waits for nobody else, and what is looked at is the child, which most
 * often ends before the first look: that takes 300 us, and a look costs 200 us of the CPU that it
 * may need. One that hangs is known at the second look.
 */
#define CHILD_FIRST_NS (400 * NSEC_PER_USEC)
#define CHILD_SECOND_NS (200 * NSEC_PER_USEC)
#define CHILD_LOOK_NS NSEC_PER_MSEC

/* Who stops a process for a moment lets it go on. */
#define STOPPED_PATIENCE_NS NSEC_PER_SEC

/* Neither running nor in a futex for so many looks: it waits for W in a loop of short sleeps. */
#define SLEEPY_LOOKS 500

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

/*
 * Its leader has ended, and so has all of it but for what is traced; or somebody has stopped it for
 * so long that the watchdog is to say so. Nothing in it will answer.
 */
static bool subject_is_lost(const struct control *control, uint64_t *stopped_ns)
{
	pid_t pid = (pid_t)atomic_load(&control->state.subject_pid);
	char letter = procfs_task_letter(pid);

	if (letter != 'T')
		*stopped_ns = 0;
	else if (!*stopped_ns)
		*stopped_ns = clock_now();
	return !letter || letter == 'Z' || letter == 'X' ||
	       (*stopped_ns && clock_now() - *stopped_ns > STOPPED_PATIENCE_NS);
}

static int operator_read(const struct control *control, struct task_state *task)
{
	return procfs_task_read((pid_t)atomic_load(&control->state.subject_pid),
				(pid_t)atomic_load(&control->state.operator_tid), task);
}

/* A child that F has forked exists before it has run for the first time and said who it is. */
static bool child_moves(pid_t pid)
{
	struct task_state task;
	bool moves = false;
	pid_t *below;
	int n = procfs_descendants(pid, &below);

	for (int i = 0; i < n; i++)
		moves = moves || (procfs_task_read(below[i], below[i], &task) == 0 &&
				  task.state != 'S');
	if (n >= 0)
		free(below);
	return moves;
}

/*
 * One more look at F: does it wait for W? One that is asleep without a time limit does, and one
 * that waits in rounds. While it does not sleep its state alone is read, for all else takes CPU
 * from it. REST_GONE: it has ended, or is about to; a process that dies while W is traced waits for
 * W's tracer.
 */
static enum resting operator_rests(const struct control *control, struct rest *rest)
{
	pid_t pid = (pid_t)atomic_load(&control->state.subject_pid);
	pid_t tid = (pid_t)atomic_load(&control->state.operator_tid);
	char letter = procfs_task_letter(tid);
	enum resting now;

	if (letter == 'R' || letter == 'D') {
		*rest = (struct rest){ .asleep = 0 };
		return REST_NONE;
	}
	now = rest_look(rest, pid, tid);
	if (now != REST_ASLEEP || rest_is_endless(rest))
		return now;
	return rest->asleep < SLEEPY_LOOKS || child_moves(pid) ? REST_NONE : REST_ASLEEP;
}

enum operator_state operator_look(struct operator *f, struct rest *rest)
{
	const struct control *control = course_control(f->course);
	enum resting resting = operator_rests(control, rest);

	if (resting == REST_GONE)
		return OPERATOR_GONE;
	/* Asleep in wait of its next command, it would have answered the last. */
	if (resting == REST_NONE || operator_answered(control))
		return OPERATOR_ON;
	f->sleeps = rest->task.sleeps;
	f->waits_for = rest->task.args[0];
	f->endless = rest_is_endless(rest);
	return OPERATOR_BLOCKED;
}

static uint64_t child_look_ns(unsigned int looks)
{
	return looks > 1 ? CHILD_LOOK_NS : looks ? CHILD_SECOND_NS : CHILD_FIRST_NS;
}

enum operator_state operator_await(struct operator *f)
{
	const struct control *control = course_control(f->course);
	struct rest rest = { .asleep = 0 };
	uint64_t silence = SILENCE_NS;
	unsigned int looks = 0; /* at a child */
	uint64_t stopped_ns = 0;
	enum operator_state state;

	while (!operator_answered(control)) {
		bool child = child_lives(control);

		if (!course_poll(f->course, child ? child_look_ns(looks) : silence))
			return OPERATOR_GONE;
		if (operator_answered(control))
			break;
		if (subject_is_lost(control, &stopped_ns))
			return OPERATOR_GONE;
		if (child_lives(control)) {
			/* It waits for the child. */
			rest = (struct rest){ .asleep = 0 };
			if (child && course_child_is_stuck(f->course))
				return OPERATOR_CHILD;
			looks += child;
			continue;
		}
		state = operator_look(f, &rest);
		silence = rest.asleep ? SILENCE_NS :
			  silence < SILENCE_MAX_NS ? 2 * silence : silence;
		if (state != OPERATOR_ON)
			return state;
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

bool operator_came_through(const struct operator *f)
{
	const struct control *control = course_control(f->course);

	return operator_answered(control) || atomic_load(&control->state.child_pid);
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
