/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at crashes and hangs while a trial runs: each kind once, the others are counted.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/procfs.h"
#include "embed/futex.h"
#include "run/link_private.h"

/* Of a crashed process's output; a runaway loop's prints are not evidence. */
#define MESSAGE_MAX 65536

/* True if this crash has not been seen yet and there is somebody to see it. */
static bool is_news(struct looker *l, uint64_t key)
{
	struct crash_keys *keys = l->keys;

	l->trial->crash_key = key;
	if (!l->cache || !keys || crash_keys_has(keys, key))
		return false;
	keys->v = xrealloc(keys->v, (keys->n + 1) * sizeof(*keys->v));
	keys->v[keys->n++] = key;
	l->is_news = true;
	return true;
}

/* What was captured so far is not what the trial came to: forget it, so that it is news again. */
static void capture_drop(struct looker *l)
{
	trial_release(l->trial);
	l->trial->crash_key = 0;
	if (l->is_news)
		l->keys->n--;
	link_look_anew(l);
}

void link_look_anew(struct looker *l)
{
	l->is_news = l->stuck = false;
	l->pid_died = 0;
	l->signo = 0;
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

static void crash_take(struct looker *l, const struct control_crash *crash)
{
	struct strbuf message = STRBUF_INIT;

	capture_drop(l);
	l->pid_died = (pid_t)crash->pid;
	l->signo = crash->signo;
	link_read_sink(l->link, &message, MESSAGE_MAX);
	if (is_news(l, signal_key(crash, &message))) {
		l->trial->crash = capture_signal(l->cache, crash, message.buf);
		l->trial->crash->in_child =
			crash->pid == atomic_load(&l->link->control->state.child_pid);
		l->trial->crash->in_window = met_in_window(l->link->control);
	}
	strbuf_release(&message);
}

void link_look_crash(struct looker *l)
{
	struct control_crash *crash = &l->link->control->crash;

	/* After the watchdog's word nothing that dies is the outcome. */
	if (!l->stuck)
		crash_take(l, crash);
	atomic_store(&crash->state, CRASH_RELEASED);
	futex_wake(&crash->state);
}

void link_look_settle(struct looker *l, pid_t died, enum outcome outcome)
{
	pid_t child = (pid_t)atomic_load(&l->link->control->state.child_pid);

	if (l->stuck)
		return;
	if (l->pid_died != died || l->signo != (int)outcome)
		capture_drop(l);
	else if (l->trial->crash)
		l->trial->crash->in_child = died == child;
}

static uint64_t hang_key(const struct control *control)
{
	uint32_t where[2] = { atomic_load(&control->state.stage),
			      atomic_load(&control->state.child_pid) != 0 };
	uint64_t key = hash_add(HASH_START, "hang", 4);

	return hash_add(key, where, sizeof(where));
}

/* The subject and what it has forked, nearest first; the caller frees. */
static size_t family(struct looker *l, pid_t **pids)
{
	pid_t *below;
	int n = procfs_descendants(l->pid, &below);

	*pids = xcalloc((size_t)(n > 0 ? n : 0) + 1, sizeof(pid_t));
	(*pids)[0] = l->pid;
	for (int i = 0; i < n; i++)
		(*pids)[i + 1] = below[i];
	if (n >= 0)
		free(below);
	return (size_t)(n > 0 ? n : 0) + 1;
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

void link_look_stuck(struct looker *l, const struct watchdog *watchdog, enum watch watch)
{
	struct strbuf message = STRBUF_INIT;
	pid_t *pids;
	size_t n;

	capture_drop(l);
	l->stuck = true;
	if (!l->pid || !is_news(l, hang_key(l->link->control) + watch))
		return;
	n = family(l, &pids);
	link_read_sink(l->link, &message, MESSAGE_MAX);
	l->trial->crash = capture_hang(l->cache, stuck_kind(watch), pids, n, message.buf);
	l->trial->crash->in_child = watchdog->culprit != l->pid;
	l->trial->crash->in_window = met_in_window(l->link->control);
	free(pids);
	strbuf_release(&message);
}
