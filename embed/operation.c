/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations: what F does while W works.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/wait.h>

#include "embed/frame.h"

static void child_run(struct subject *s) __attribute__((noreturn));
static void child_run(struct subject *s)
{
	PyOS_AfterFork_Child();
	if (s->scenario->child)
		s->scenario->child(s);
	_exit(HOST_EXIT_CHILD_FINE);
}

/* The forked child has ended: note how. Its signal needs no word; the driver reads the status. */
static void child_reap(struct subject *s, pid_t pid)
{
	int status = 0;
	pid_t got;

	/* A child that lets itself be traced is seen to stop, too, which is no end. */
	do {
		got = waitpid(pid, &status, 0);
		if (got < 0 && errno != EINTR)
			subject_fail(s, "the forked child could not be waited for");
	} while (got < 0 || WIFSTOPPED(status));
	/* Whatever it has forked itself meanwhile: what is noted next is about this one. */
	atomic_store(&s->control->state.child_pid, (uint32_t)pid);
	atomic_store(&s->control->state.child_status, (uint32_t)status | CHILD_STATUS_SET);
	if (WIFEXITED(status) && WEXITSTATUS(status) != HOST_EXIT_CHILD_FINE)
		subject_say(s, OUTCOME_WRONG, "the forked child ended without a word");
}

bool operation_child_is_fine(const struct subject *s)
{
	uint32_t status = atomic_load(&s->control->state.child_status);

	return (status & CHILD_STATUS_SET) && WIFEXITED((int)(status & ~CHILD_STATUS_SET)) &&
	       WEXITSTATUS((int)(status & ~CHILD_STATUS_SET)) == HOST_EXIT_CHILD_FINE;
}

/* What os.fork() does, by the calls that are documented for C. Returns when the child is reaped. */
static void fork_once(struct subject *s)
{
	pid_t pid;

	PyOS_BeforeFork();
	pid = fork();
	if (pid == 0)
		child_run(s);
	PyOS_AfterFork_Parent();
	if (pid < 0)
		subject_fail(s, "fork failed: raise the limit on processes");
	/*
	 * The race is run. Workers that are not held may end, so that they do not take the child's
	 * CPU; a held one stands until the child is gone, for the child may block on what it holds.
	 * One that is being walked has the rest of its window before it.
	 */
	if (!walk_is_forking(s))
		atomic_store(&s->stopping, 1);
	Py_BEGIN_ALLOW_THREADS
	child_reap(s, pid);
	Py_END_ALLOW_THREADS
}

static bool another_fork_is_wanted(struct subject *s)
{
	enum walk_command command;

	Py_BEGIN_ALLOW_THREADS
	command = walk_next(s);
	Py_END_ALLOW_THREADS
	return command == WALK_FORK;
}

/* One fork, or, while W is walked, one at each point at which the driver wants one. */
static void operate_fork(struct subject *s)
{
	if (!walk_is_forking(s)) {
		fork_once(s);
		return;
	}
	do {
		fork_once(s);
		if (operation_child_is_fine(s))
			subject_say(s, OUTCOME_OK, "");
	} while (another_fork_is_wanted(s));
	/* What became of the children has been heard. */
	subject_say(s, OUTCOME_OK, "");
}

static void operate_finalize(struct subject *s)
{
	if (Py_FinalizeEx() < 0)
		subject_say(s, OUTCOME_WRONG, "Py_FinalizeEx failed to flush its files");
}

void operation_run(struct subject *s)
{
	bool walked = walk_is_on(s) && !walk_is_forking(s);

	subject_stage(s, STAGE_OPERATING);
	subject_note_hit(s);
	switch (s->scenario->operation) {
	case OPERATION_FORK:
		operate_fork(s);
		break;
	case OPERATION_FINALIZE:
		operate_finalize(s);
		break;
	case OPERATION_REINIT:
		operate_finalize(s);
		Py_InitializeEx(0);
		break;
	case OPERATION_NONE:
		break;
	}
	meet_after(s);
	/* F stands, so that W goes on alone, until it is known what becomes of it. */
	if (walked || walk_is_resting(s))
		walk_next(s);
}
