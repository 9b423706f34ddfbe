/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing W and F together: gates, holds by signal, random delays.
 *
 * A held W waits on s->operated. It goes on when the operation is over, or when F is seen to be
 * blocked (it may be waiting for W: a lock, a join), or when the order's limit is reached. That F
 * is blocked is read from /proc: the same system call, with the same arguments and the same stack,
 * in BLOCKED_SAMPLES looks in a row. Everything in here that W runs is async-signal-safe.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "embed/frame.h"
#include "embed/futex.h"
#include "harness/base/clock.h"
#include "harness/base/rng.h"

/*
 * How long a look lasts and how many must agree. Too few, and an F that merely writes a file passes
 * for blocked: W then goes on early and the trial is a miss, never a false crash. Too many, and
 * each twin that joins W costs that time. Five looks of 1 ms bridge the longest wait seen in a fork
 * or a finalization that was not for W (2 ms, a page fault under load).
 */
#define BLOCKED_SAMPLES 5
#define BLOCKED_LOOK_NS 1000000u

/*
 * F waits this long for W to reach its marker before it operates without it. Only a scenario whose
 * marker is never reached pays it, and is then judged vacuous.
 */
#define MARKER_PATIENCE_NS 1000000000u

#define SYSCALL_TEXT 256

static SHARED_U32 meet_standing; /* W stands: at its gate, or in the signal's handler */

/* SIGRTMIN is a call in glibc, and its first ones are taken by other tools. */
static int meet_signal(void)
{
	return SIGRTMIN + 7;
}

static void append(char *out, size_t *len, const char *text)
{
	while (*text)
		out[(*len)++] = *text++;
	out[*len] = '\0';
}

static void append_number(char *out, size_t *len, unsigned int n)
{
	char digits[11];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	while (i > 0)
		out[(*len)++] = digits[--i];
	out[*len] = '\0';
}

/* What F's thread is doing, as the kernel words it; "running" counts as nothing. 0 or -1. */
static int operator_look(struct subject *s, char text[SYSCALL_TEXT])
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	int fd;

	append(path, &len, "/proc/self/task/");
	append_number(path, &len, atomic_load(&s->control->state.operator_tid));
	append(path, &len, "/syscall");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, SYSCALL_TEXT - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return text[0] == 'r' ? -1 : 0;
}

/* F that waits for its own forked child does not wait for W. */
static bool waits_for_child(const char *text)
{
	char wait4_text[16] = "", waitid_text[16] = "";
	size_t len = 0;

	append_number(wait4_text, &len, SYS_wait4);
	append(wait4_text, &len, " ");
	len = 0;
	append_number(waitid_text, &len, SYS_waitid);
	append(waitid_text, &len, " ");
	return !strncmp(text, wait4_text, strlen(wait4_text)) ||
	       !strncmp(text, waitid_text, strlen(waitid_text));
}

/* W: stand still until the operation is over, blocked, or the limit is reached. */
static void stand(struct subject *s, bool for_ever)
{
	uint64_t hold_ns = (uint64_t)s->control->order.hold_max_us * NSEC_PER_USEC;
	uint64_t until = clock_now() + hold_ns;
	uint64_t look_ns = hold_ns && hold_ns < BLOCKED_LOOK_NS ? hold_ns : BLOCKED_LOOK_NS;
	char last[SYSCALL_TEXT] = "", now[SYSCALL_TEXT];
	unsigned int same = 0;

	atomic_store(&s->control->state.held, 1);
	atomic_store(&meet_standing, 1);
	futex_wake(&meet_standing);
	while (for_ever)
		futex_wait(&s->stopping, atomic_load(&s->stopping), 0);
	while (!atomic_load(&s->operated)) {
		futex_wait(&s->operated, 0, look_ns);
		if (operator_look(s, now) || waits_for_child(now) || strcmp(now, last) != 0)
			same = 0;
		else if (++same >= BLOCKED_SAMPLES)
			return;
		strcpy(last, now);
		if (clock_now() > until && !s->control->state.child_pid)
			return;
	}
}

/*
 * Here rather than at the marker alone: between two cycles W holds nothing, neither a lock nor a
 * guard, and it can be stopped and joined, as a sampler that does not sample can.
 */
void meet_stand_quiet(struct subject *s)
{
	if (s->control->order.meet != MEET_QUIET)
		return;
	atomic_store(&s->control->state.held, 1);
	atomic_store(&meet_standing, 1);
	futex_wake(&meet_standing);
	while (!atomic_load(&s->stopping))
		futex_wait(&s->stopping, 0, BLOCKED_LOOK_NS);
}

static void hold_handler(int signo)
{
	struct subject *s = subject_current();
	int saved = errno;

	(void)signo;
	if (s)
		stand(s, false);
	errno = saved;
}

void meet_install(struct subject *s)
{
	struct sigaction sa = { .sa_handler = hold_handler, .sa_flags = SA_RESTART };

	atomic_store(&meet_standing, 0);
	if (s->control->order.meet == MEET_SIGNAL)
		sigaction(meet_signal(), &sa, NULL);
}

static bool stands_at_gate(const struct subject *s, const struct worker *w)
{
	return w && w->index == 0 && s->control->order.meet == MEET_GATE &&
	       !atomic_load(&s->operated) && !atomic_load(&meet_standing);
}

void window_enter(struct subject *s)
{
	struct worker *w = worker_self();

	if (s->control->order.meet == MEET_QUIET)
		stand(s, true);
	if (!w || w->index == 0)
		atomic_store(&s->in_window, 1);
	atomic_fetch_add_explicit(&s->control->state.windows, 1, memory_order_relaxed);
	if (stands_at_gate(s, w))
		stand(s, false);
	if (w && w->index == 0)
		walk_stand(s, (uint64_t)(uintptr_t)__builtin_return_address(0));
}

void window_leave(struct subject *s)
{
	struct worker *w = worker_self();

	if (!w || w->index == 0)
		atomic_store(&s->in_window, 0);
	walk_rest(s);
}

/* F: wait until `word` is set, W has come to its end, or patience has. */
static void await_worker(struct subject *s, SHARED_U32 *word)
{
	uint64_t until = clock_now() + MARKER_PATIENCE_NS;

	while (!atomic_load(word) && !atomic_load(&s->workers[0].returned) &&
	       !atomic_load(&s->workers[0].unwound) && clock_now() < until)
		futex_wait(word, 0, BLOCKED_LOOK_NS);
}

/*
 * Spun, not slept: a sleep ends on the timer's grid and with W's core idle, and what is wanted is
 * any instant.
 */
static void delay_random(struct subject *s)
{
	uint32_t max = s->control->order.delay_max_ns;
	uint64_t until;

	if (!max)
		return;
	until = clock_now() + subject_random(s) % max;
	while (clock_now() < until)
		;
}

static void hold_by_signal(struct subject *s)
{
	pid_t tid = (pid_t)atomic_load(&s->workers[0].tid);

	await_worker(s, &s->control->state.windows);
	delay_random(s);
	if (!syscall(SYS_tgkill, getpid(), tid, meet_signal()))
		await_worker(s, &meet_standing);
}

void meet_before(struct subject *s)
{
	if (!s->nworkers)
		return;
	switch ((enum meet)s->control->order.meet) {
	case MEET_GATE:
	case MEET_QUIET:
		await_worker(s, &meet_standing);
		break;
	case MEET_SIGNAL:
		hold_by_signal(s);
		break;
	case MEET_FREE:
		await_worker(s, &s->control->state.windows);
		delay_random(s);
		break;
	case MEET_WALK:
		await_worker(s, &s->control->walk.standing);
		if (walk_is_on(s))
			walk_next(s);
		break;
	}
}

void meet_after(struct subject *s)
{
	atomic_store(&s->operated, 1);
	futex_wake(&s->operated);
	if (walk_is_on(s))
		walk_answer(s);
}
