/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking hold of a thread, and letting it go as it was. How it is walked: walker.c.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>

#include "base/clock.h"
#include "explore/effect.h"
#include "explore/walker.h"
#include "observe/view.h"

/* A thread that was killed ends at once; a second is for a loaded machine. */
#define END_PATIENCE_NS NSEC_PER_SEC

/* W waits for `go` in a system call, so it stops at once. */
static int walker_seize(struct walker *walker)
{
	intptr_t options = PTRACE_O_EXITKILL;
	enum walk_state state;

	if (ptrace(PTRACE_SEIZE, walker->tid, NULL, (void *)options) < 0)
		return -1;
	walker->attached = true;
	state = walker_hold(walker);
	if (state == WALK_ON || state == WALK_OVER)
		return 0;
	errno = ESRCH;
	return -1;
}

int walker_begin(struct walker *walker, struct course *course, struct strbuf *err)
{
	const struct control *control = course_control(course);
	sigset_t set;

	memset(walker, 0, sizeof(*walker));
	walker->pid = (pid_t)atomic_load(&control->state.subject_pid);
	walker->tid = (pid_t)atomic_load(&control->state.worker_tid);
	walker->zygote = course_zygote(course);
	walker->control = control;
	walker->leave_pc = control->walk.leave_pc;
	/* Stops are waited for by sigtimedwait(). */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &walker->mask);
	walker->masked = true;
	if (walker_seize(walker) < 0) {
		view_ptrace_remedy(err, errno);
		return -1;
	}
	course_let_go(course);
	if (walker_run_to(walker, control->walk.enter_pc, 1) == WALK_ON)
		return 0;
	strbuf_addstr(err, "the subject ended before it could be stepped");
	return -1;
}

int walker_take(struct walker *walker, const struct walker *w, pid_t tid)
{
	*walker = (struct walker){
		.pid = w->pid, .tid = tid, .zygote = w->zygote, .control = w->control,
	};
	return walker_seize(walker);
}

/*
 * A traced thread that was killed stays a zombie, and keeps its process from ending, until its
 * tracer has taken notice. It is no leader, so nobody else waits for it.
 */
static void walker_bury(struct walker *walker)
{
	uint64_t until = clock_now() + END_PATIENCE_NS;

	while (walker->attached && clock_now() < until)
		walker_resume(walker, NSEC_PER_MSEC);
}

void walker_end(struct walker *walker)
{
	if (walker->running)
		walker_hold(walker);
	if (walker->attached)
		cpu_break_clear(walker->tid);
	if (walker->attached &&
	    ptrace(PTRACE_DETACH, walker->tid, NULL, (void *)(intptr_t)walker->signo) < 0)
		walker_bury(walker);
	if (walker->masked)
		sigprocmask(SIG_SETMASK, &walker->mask, NULL);
	reach_release(&walker->reach);
	effect_code_free(walker->code);
	memset(walker, 0, sizeof(*walker));
}
