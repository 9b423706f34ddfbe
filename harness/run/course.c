/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trial: give the order, wait for the subject's end, look after it meanwhile.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/signals.h"
#include "embed/futex.h"
#include "run/course_private.h"

/* HOST_EXIT_HARNESS of embed/frame.h: the frame itself could not go on. */
#define SUBJECT_EXIT_HARNESS 74

/*
 * A killed subject is gone within milliseconds, and so says its zygote. If it does not, the zygote
 * is stuck itself and the link is lost; after Ctrl-C nobody wants to wait and see.
 */
#define END_PATIENCE_NS (5 * NSEC_PER_SEC)
#define END_PATIENCE_INTERRUPTED_NS (200 * NSEC_PER_MSEC)

static void end_subject(struct course *c)
{
	struct link_request request = { LINK_KILL };

	c->ended_ns = clock_now();
	if (c->link->isolation == ISOLATION_EXEC)
		kill(-c->pid, SIGKILL);
	else
		send(c->link->link_fd, &request, sizeof(request), MSG_NOSIGNAL);
}

static int on_link(struct course *c, struct strbuf *err)
{
	struct link_reply reply;

	if (recv(c->link->link_fd, &reply, sizeof(reply), 0) != (ssize_t)sizeof(reply)) {
		link_tell_death(c->link, err);
		return -1;
	}
	if (reply.event == LINK_STARTED) {
		c->pid = c->looker.pid = c->link->subject = reply.pid;
	} else if (reply.event == LINK_ENDED) {
		c->over = true;
		c->status = reply.status;
		c->link->subject = 0;
	} else if (reply.event == LINK_FAILED) {
		strbuf_addf(err, "the host cannot start a subject: %s: raise the limits on "
			    "processes and memory", strerror(reply.error));
		return -1;
	}
	return 0;
}

/* The subject was our own child: sweep its group while its pid is still its own, then reap it. */
static void on_exec_end(struct course *c)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
	/* What it had forked is our child now (we are a subreaper), and has been killed. */
	while (waitpid(-c->pid, NULL, 0) > 0)
		;
	c->over = true;
}

static void order_give(struct link *link, const struct control_order *order)
{
	struct control *control = link->control;
	char bytes[64];

	while (read(link->announce_fds[0], bytes, sizeof(bytes)) > 0)
		;
	memcpy(&control->order, order, sizeof(*order));
	memset(&control->state, 0, sizeof(control->state));
	memset(&control->crash, 0, sizeof(control->crash));
	memset(&control->said, 0, sizeof(control->said));
	memset(&control->walk, 0, sizeof(control->walk));
	if (ftruncate(link->sink_fd, 0) < 0)
		warning("the sink of a subject cannot be emptied: %s", strerror(errno));
}

static int course_start(struct course *c, struct strbuf *err)
{
	struct link_request request = { LINK_RUN };

	if (c->link->isolation == ISOLATION_ZYGOTE) {
		if (send(c->link->link_fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
			return on_link(c, err);
		return 0;
	}
	c->pid = c->looker.pid = link_spawn(c->link, "--exec", -1);
	c->pidfd = c->pid > 0 ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;
	if (c->pidfd >= 0)
		return 0;
	strbuf_addf(err, "no process for a subject: %s: raise the limit on processes",
		    strerror(errno));
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		on_exec_end(c);
	}
	return -1;
}

static int course_fail(struct course *c, int error, const char *what)
{
	strbuf_addf(&c->error, "%s: %s", what, strerror(error));
	return -1;
}

static void on_announcement(struct course *c)
{
	char bytes[64];

	while (read(c->link->announce_fds[0], bytes, sizeof(bytes)) > 0)
		;
	if (atomic_load(&c->link->control->crash.state) == CRASH_ANNOUNCED)
		link_look_crash(&c->looker);
}

/* Until something happens, but no longer than that. How many things have, or -1. */
static int course_wait(struct course *c, uint64_t timeout_ns)
{
	struct pollfd fds[2] = {
		{ .fd = c->link->announce_fds[0], .events = POLLIN },
		{ .fd = c->link->isolation == ISOLATION_EXEC ? c->pidfd : c->link->link_fd,
		  .events = POLLIN },
	};
	int n = signals_poll(fds, 2, timeout_ns);

	if (n < 0 && errno != EINTR)
		return course_fail(c, errno, "cannot wait for a subject");
	if (n > 0 && fds[0].revents)
		on_announcement(c);
	if (n > 0 && fds[1].revents) {
		if (c->link->isolation == ISOLATION_ZYGOTE)
			return on_link(c, &c->error) < 0 ? -1 : n;
		on_exec_end(c);
	}
	return n;
}

/* One round of waiting, under the watchdog. */
static int course_step(struct course *c)
{
	int n = course_wait(c, WATCHDOG_LOOK_NS);

	if (n == 0 && c->verdict == WATCH_ON) {
		c->verdict = watchdog_look(&c->watchdog);
		if (c->verdict != WATCH_ON) {
			link_look_stuck(&c->looker, &c->watchdog, c->verdict);
			end_subject(c);
		}
	}
	return n < 0 ? -1 : 0;
}

static bool course_is_lost(const struct course *c)
{
	uint64_t patience = *c->interrupted ? END_PATIENCE_INTERRUPTED_NS : END_PATIENCE_NS;

	return c->ended_ns && clock_now() - c->ended_ns > patience;
}

static int course_run(struct course *c)
{
	bool ending = false;

	while (!c->over) {
		if (course_step(c) < 0)
			return -1;
		if (*c->interrupted && !c->ended_ns)
			c->ended_ns = clock_now();
		if (*c->interrupted && !ending && c->pid) {
			end_subject(c);
			ending = true;
		}
		if (course_is_lost(c)) {
			strbuf_addf(&c->error, "the host %s does not answer any more: somebody has "
				    "stopped it, or it is stuck in the kernel: run it again",
				    c->link->host);
			return -1;
		}
	}
	return 0;
}

struct course *course_begin(struct link *link, const struct control_order *order,
			    struct capture_cache *cache, struct crash_keys *keys,
			    const volatile bool *interrupted, struct trial *trial)
{
	struct course *c = xcalloc(1, sizeof(*c));

	c->link = link;
	c->trial = trial;
	c->pidfd = -1;
	c->interrupted = interrupted;
	c->looker = (struct looker){ .link = link, .cache = cache, .keys = keys, .trial = trial };
	c->error = (struct strbuf)STRBUF_INIT;
	memset(trial, 0, sizeof(*trial));
	order_give(link, order);
	watchdog_start(&c->watchdog, link->control);
	c->broken = course_start(c, &c->error) < 0;
	return c;
}

struct control *course_control(struct course *c)
{
	return c->link->control;
}

pid_t course_zygote(const struct course *c)
{
	return c->link->zygote;
}

void course_tell(struct course *c, enum walk_command command)
{
	struct control_walk *walk = &c->link->control->walk;
	uint32_t count = (atomic_load(&walk->command) & ~WALK_COMMAND_MASK) + WALK_COMMAND_NEXT;

	atomic_store(&walk->command, count | (uint32_t)command);
	futex_wake(&walk->command);
}

void course_let_go(struct course *c)
{
	struct control_walk *walk = &c->link->control->walk;

	atomic_store(&walk->go, 1);
	futex_wake(&walk->go);
}

bool course_poll(struct course *c, uint64_t timeout_ns)
{
	if (!c->broken && !c->over && !*c->interrupted)
		c->broken = course_wait(c, timeout_ns) < 0;
	return !c->broken && !c->over && !*c->interrupted;
}

void course_expect_standstill(struct course *c)
{
	c->standstill = true;
}

const char *course_stuck_why(const struct course *c, enum watch verdict)
{
	if (c->known)
		return "its threads wait for each other, as in an earlier trial that hung";
	return verdict == WATCH_ON ? NULL : watchdog_why(&c->watchdog, verdict);
}

enum outcome course_stuck_outcome(enum watch verdict)
{
	return verdict == WATCH_HANG ? OUTCOME_HANG : OUTCOME_TIMEOUT;
}

/* Reaped, the subject's pid may be another's: nobody may be sent a signal by it from now on. */
static void course_free(struct course *c)
{
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->over)
		atomic_store(&c->link->control->state.subject_pid, 0);
	strbuf_release(&c->error);
	free(c);
}

enum link_result course_end(struct course *c, struct strbuf *err)
{
	const struct control_word *wrong = &c->link->control->said.words[WORD_WRONG];
	enum link_result result = LINK_DONE;

	/* What directed it is gone, so it may have stood still for long without being stuck. */
	watchdog_start(&c->watchdog, c->link->control);
	if (c->standstill)
		watchdog_expect_standstill(&c->watchdog);
	if (!c->broken)
		c->broken = course_run(c) < 0;
	if (c->broken && c->pid > 0 && !c->over)
		end_subject(c);
	if (!c->broken && WIFEXITED(c->status) && WEXITSTATUS(c->status) == SUBJECT_EXIT_HARNESS &&
	    wrong->text[0]) {
		strbuf_addf(&c->error, "a subject could not do its part: %.*s",
			    (int)sizeof(wrong->text) - 1, wrong->text);
		c->broken = true;
	}
	if (!c->broken) {
		link_conclude(c->link, course_stuck_why(c, c->verdict),
			      course_stuck_outcome(c->verdict), c->status, c->trial);
		link_look_settle(&c->looker, WIFSIGNALED(c->status) ? c->pid :
				 (pid_t)atomic_load(&c->link->control->state.child_pid),
				 c->trial->outcome);
	}
	if (*c->interrupted)
		result = LINK_INTERRUPTED;
	else if (c->broken)
		result = LINK_BROKEN;
	if (result == LINK_BROKEN)
		strbuf_addstr(err, c->error.buf);
	course_free(c);
	return result;
}

enum link_result course_end_stuck(struct course *c, struct strbuf *err)
{
	if (!c->broken && !c->over && c->pid > 0) {
		c->known = true;
		c->verdict = WATCH_HANG;
		c->watchdog.culprit = c->pid;
		link_look_stuck(&c->looker, &c->watchdog, c->verdict);
		end_subject(c);
	}
	return course_end(c, err);
}

enum link_result course_abandon(struct course *c, struct strbuf *err)
{
	if (!c->broken && !c->over && c->pid > 0) {
		end_subject(c);
		c->verdict = WATCH_LIMIT; /* nobody is to look at it */
	}
	return course_end(c, err);
}

enum link_result link_trial(struct link *link, const struct control_order *order,
			    struct capture_cache *cache, struct crash_keys *keys,
			    const volatile bool *interrupted, struct trial *trial,
			    struct strbuf *err)
{
	return course_end(course_begin(link, order, cache, keys, interrupted, trial), err);
}
