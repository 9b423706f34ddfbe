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
#include "base/procfs.h"
#include "base/signals.h"
#include "embed/futex.h"
#include "run/link_private.h"
#include "run/watchdog.h"

/* Of a crashed process's output; a runaway loop's prints are not evidence. */
#define MESSAGE_MAX 65536

/* HOST_EXIT_HARNESS of embed/frame.h: the frame itself could not go on. */
#define SUBJECT_EXIT_HARNESS 74

/*
 * A killed subject is gone within milliseconds, and so says its zygote. If it does not, the zygote
 * is stuck itself and the link is lost; after Ctrl-C nobody wants to wait and see.
 */
#define END_PATIENCE_NS (5 * NSEC_PER_SEC)
#define END_PATIENCE_INTERRUPTED_NS (200 * NSEC_PER_MSEC)

/* While a trial runs. */
struct course {
	struct link *link;
	struct watchdog watchdog;
	struct capture_cache *cache;
	struct crash_keys *keys;
	struct trial *trial;
	pid_t pid;          /* the subject; 0 until it has started */
	int pidfd;          /* ISOLATION_EXEC: readable at its end */
	bool over;
	int status;         /* wait status, once over */
	enum watch verdict;
	/* The last announcement: of which process and signal, and is its key new in `keys`? */
	pid_t crash_pid;
	int crash_signo;
	bool crash_is_news;
	uint64_t ended_ns;  /* when the subject was told to end; 0: it was not */
	const volatile bool *interrupted;
};

/* True if this crash has not been seen yet and there is somebody to see it. */
static bool is_news(struct course *c, uint64_t key)
{
	struct crash_keys *keys = c->keys;

	c->trial->crash_key = key;
	if (!c->cache || !keys || crash_keys_has(keys, key))
		return false;
	keys->v = xrealloc(keys->v, (keys->n + 1) * sizeof(*keys->v));
	keys->v[keys->n++] = key;
	c->crash_is_news = true;
	return true;
}

/* What was captured so far is not what the trial came to: forget it, so that it is news again. */
static void capture_drop(struct course *c)
{
	trial_release(c->trial);
	c->trial->crash_key = 0;
	if (c->crash_is_news)
		c->keys->n--;
	c->crash_is_news = false;
	c->crash_pid = 0;
	c->crash_signo = 0;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return hash;
}

#define HASH_START 0xcbf29ce484222325ull

/*
 * A fault is told by its address in the code; abort() always stands at the same place, and what
 * tells one from another is the message. Numbers in a message (addresses, pids) do not count.
 */
static uint64_t signal_key(const struct control_crash *crash, const struct strbuf *message)
{
	uint64_t key = hash_add(HASH_START, &crash->signo, sizeof(crash->signo));

	key = hash_add(key, &crash->code, sizeof(crash->code));
	key = hash_add(key, &crash->pc, sizeof(crash->pc));
	for (size_t i = 0; crash->signo == SIGABRT && i < message->len; i++)
		if (message->buf[i] < '0' || message->buf[i] > '9')
			key = hash_add(key, &message->buf[i], 1);
	return key ? key : 1;
}

/* Did another thread stand in its window when the operation began? Without windows none tells. */
static bool met_in_window(const struct control *control)
{
	return atomic_load(&control->state.windows) && atomic_load(&control->state.hits);
}

/* A thread has announced its crash: look, then let it die. */
static void on_announcement(struct course *c)
{
	struct control_crash *crash = &c->link->control->crash;
	struct strbuf message = STRBUF_INIT;
	char bytes[16];

	while (read(c->link->announce_fds[0], bytes, sizeof(bytes)) > 0)
		;
	if (atomic_load(&crash->state) != CRASH_ANNOUNCED)
		return;
	/* After the watchdog's word nothing that dies is the outcome. */
	if (c->verdict == WATCH_ON) {
		capture_drop(c);
		c->crash_pid = (pid_t)crash->pid;
		c->crash_signo = crash->signo;
		link_read_sink(c->link, &message, MESSAGE_MAX);
	}
	if (c->verdict == WATCH_ON && is_news(c, signal_key(crash, &message))) {
		c->trial->crash = capture_signal(c->cache, crash, message.buf);
		c->trial->crash->in_child =
			crash->pid == atomic_load(&c->link->control->state.child_pid);
		c->trial->crash->in_window = met_in_window(c->link->control);
	}
	atomic_store(&crash->state, CRASH_RELEASED);
	futex_wake(&crash->state);
	strbuf_release(&message);
}

static uint64_t hang_key(const struct control *control)
{
	uint32_t where[2] = { atomic_load(&control->state.stage),
			      atomic_load(&control->state.child_pid) != 0 };
	uint64_t key = hash_add(HASH_START, "hang", 4);

	return hash_add(key, where, sizeof(where));
}

/* The subject and what it has forked, nearest first; the caller frees. */
static size_t family(struct course *c, pid_t **pids)
{
	pid_t *below;
	int n = procfs_descendants(c->pid, &below);

	*pids = xcalloc((size_t)(n > 0 ? n : 0) + 1, sizeof(pid_t));
	(*pids)[0] = c->pid;
	for (int i = 0; i < n; i++)
		(*pids)[i + 1] = below[i];
	if (n >= 0)
		free(below);
	return (size_t)(n > 0 ? n : 0) + 1;
}

static void end_subject(struct course *c)
{
	struct link_request request = { LINK_KILL };

	c->ended_ns = clock_now();
	if (c->link->isolation == ISOLATION_EXEC)
		kill(-c->pid, SIGKILL);
	else
		send(c->link->link_fd, &request, sizeof(request), MSG_NOSIGNAL);
}

static enum crash_kind stuck_kind(enum watch watch)
{
	switch (watch) {
	case WATCH_HANG:
		return CRASH_KIND_HANG;
	case WATCH_SPIN:
		return CRASH_KIND_SPIN;
	case WATCH_STOPPED:
		return CRASH_KIND_STOPPED;
	default:
		return CRASH_KIND_LATE;
	}
}

static void on_stuck(struct course *c, enum watch watch)
{
	struct strbuf message = STRBUF_INIT;

	c->verdict = watch;
	capture_drop(c);
	if (c->pid && is_news(c, hang_key(c->link->control) + watch)) {
		pid_t *pids;
		size_t n = family(c, &pids);

		link_read_sink(c->link, &message, MESSAGE_MAX);
		c->trial->crash = capture_hang(c->cache, stuck_kind(watch), pids, n, message.buf);
		c->trial->crash->in_child = c->watchdog.culprit != c->pid;
		c->trial->crash->in_window = met_in_window(c->link->control);
		free(pids);
		strbuf_release(&message);
	}
	end_subject(c);
}

static int on_link(struct course *c, struct strbuf *err)
{
	struct link_reply reply;

	if (recv(c->link->link_fd, &reply, sizeof(reply), 0) != (ssize_t)sizeof(reply)) {
		link_tell_death(c->link, err);
		return -1;
	}
	if (reply.event == LINK_STARTED) {
		c->pid = c->link->subject = reply.pid;
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
	c->pid = link_spawn(c->link, "--exec", -1);
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

/* One round of waiting: until something happens, or it is time to look. */
static int course_step(struct course *c, struct strbuf *err)
{
	struct pollfd fds[2] = {
		{ .fd = c->link->announce_fds[0], .events = POLLIN },
		{ .fd = c->link->isolation == ISOLATION_EXEC ? c->pidfd : c->link->link_fd,
		  .events = POLLIN },
	};
	int n = signals_poll(fds, 2, WATCHDOG_LOOK_NS);

	if (n < 0 && errno != EINTR) {
		strbuf_addf(err, "cannot wait for a subject: %s", strerror(errno));
		return -1;
	}
	if (n > 0 && fds[0].revents)
		on_announcement(c);
	if (n > 0 && fds[1].revents) {
		if (c->link->isolation == ISOLATION_ZYGOTE)
			return on_link(c, err);
		on_exec_end(c);
	}
	if (n == 0 && c->verdict == WATCH_ON) {
		enum watch watch = watchdog_look(&c->watchdog);

		if (watch != WATCH_ON)
			on_stuck(c, watch);
	}
	return 0;
}

static bool course_is_lost(const struct course *c)
{
	uint64_t patience = *c->interrupted ? END_PATIENCE_INTERRUPTED_NS : END_PATIENCE_NS;

	return c->ended_ns && clock_now() - c->ended_ns > patience;
}

static int course_run(struct course *c, struct strbuf *err)
{
	bool ending = false;

	while (!c->over) {
		if (course_step(c, err) < 0)
			return -1;
		if (*c->interrupted && !c->ended_ns)
			c->ended_ns = clock_now();
		if (*c->interrupted && !ending && c->pid) {
			end_subject(c);
			ending = true;
		}
		if (course_is_lost(c)) {
			strbuf_addf(err, "the host %s does not answer any more: somebody has "
				    "stopped it, or it is stuck in the kernel: run it again",
				    c->link->host);
			return -1;
		}
	}
	return 0;
}

/* A child may crash, and its parent die of something else: a capture goes with its own outcome. */
static void capture_settle(struct course *c)
{
	pid_t child = (pid_t)atomic_load(&c->link->control->state.child_pid);
	pid_t died = WIFSIGNALED(c->status) ? c->pid : child;

	if (c->verdict != WATCH_ON)
		return;
	if (c->crash_pid != died || c->crash_signo != (int)c->trial->outcome)
		capture_drop(c);
	else if (c->trial->crash)
		c->trial->crash->in_child = died == child;
}

enum link_result link_trial(struct link *link, const struct control_order *order,
			    struct capture_cache *cache, struct crash_keys *keys,
			    const volatile bool *interrupted, struct trial *trial,
			    struct strbuf *err)
{
	struct course c = { .link = link, .cache = cache, .keys = keys, .trial = trial,
			    .pidfd = -1, .interrupted = interrupted };
	const struct control_word *wrong = &link->control->said.words[WORD_WRONG];
	int ret;

	memset(trial, 0, sizeof(*trial));
	order_give(link, order);
	watchdog_start(&c.watchdog, link->control);
	ret = course_start(&c, err);
	if (ret == 0)
		ret = course_run(&c, err);
	if (ret < 0 && c.pid > 0 && !c.over)
		end_subject(&c);
	if (c.pidfd >= 0)
		close(c.pidfd);
	if (ret == 0 && WIFEXITED(c.status) && WEXITSTATUS(c.status) == SUBJECT_EXIT_HARNESS &&
	    wrong->text[0]) {
		strbuf_addf(err, "a subject could not do its part: %.*s",
			    (int)sizeof(wrong->text) - 1, wrong->text);
		ret = -1;
	}
	if (ret < 0)
		return *interrupted ? LINK_INTERRUPTED : LINK_BROKEN;
	link_conclude(link, c.verdict == WATCH_ON ? NULL : watchdog_why(&c.watchdog, c.verdict),
		      c.verdict == WATCH_HANG ? OUTCOME_HANG : OUTCOME_TIMEOUT, c.status, trial);
	capture_settle(&c);
	/* Reaped: from now on the pid may be another's, and nobody may be sent a signal by it. */
	atomic_store(&link->control->state.subject_pid, 0);
	return *interrupted ? LINK_INTERRUPTED : LINK_DONE;
}
