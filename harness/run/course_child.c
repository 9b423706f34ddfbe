/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forked children of a course that lets one trial have many.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/errors.h"
#include "run/course_private.h"

bool course_child_is_stuck(struct course *c)
{
	if (c->child_verdict != WATCH_ON)
		return false; /* it has been ended, and F has not noticed yet */
	c->child_verdict = watchdog_look(&c->watchdog);
	return c->child_verdict != WATCH_ON;
}

void course_end_child(struct course *c)
{
	pid_t child = (pid_t)atomic_load(&c->link->control->state.child_pid);
	int pidfd = child ? (int)syscall(SYS_pidfd_open, child, 0) : -1;

	link_look_stuck(&c->looker, &c->watchdog, c->child_verdict);
	if (pidfd < 0)
		return;
	/* Its parent waits for it alone, so the pid is still its own. */
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

void course_take_child(struct course *c, struct trial *child)
{
	struct control *control = c->link->control;

	memset(child, 0, sizeof(*child));
	link_conclude(c->link, course_stuck_why(c, c->child_verdict),
		      course_stuck_outcome(c->child_verdict), 0, child);
	link_look_settle(&c->looker, (pid_t)atomic_load(&control->state.child_pid), child->outcome);
	child->crash = c->trial->crash;
	child->crash_key = c->trial->crash_key;
	c->trial->crash = NULL;
	c->trial->crash_key = 0;
	link_look_anew(&c->looker);
	c->child_verdict = WATCH_ON;
	atomic_store(&control->state.child_pid, 0);
	atomic_store(&control->state.child_status, 0);
	atomic_store(&control->state.hits, 0);
	memset(&control->said, 0, sizeof(control->said));
	memset(&control->crash, 0, sizeof(control->crash));
	if (ftruncate(c->link->sink_fd, 0) < 0)
		warning("the sink of a subject cannot be emptied: %s", strerror(errno));
	watchdog_start(&c->watchdog, control);
}
