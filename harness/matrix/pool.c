/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "base/signals.h"
#include "matrix/result.h"
#include "matrix/worker.h"

/*
 * A worker ends its trial and its hosts within milliseconds, and within some 300 ms if it is in the
 * middle of a capture. Whoever pressed Ctrl-C waits no longer than a second for all of it.
 */
#define GRACE_NS (600 * NSEC_PER_MSEC)

#define TICK_NS (100 * NSEC_PER_MSEC)

/* What a killed worker leaves dies with it (PR_SET_PDEATHSIG), a generation after the other. */
#define ORPHANS_NS (2 * NSEC_PER_SEC)

struct slot {
	pid_t pid;              /* 0: no worker */
	int fd;
	const struct unit *unit; /* NULL: idle */
	size_t results;          /* of the unit, so far */
	struct strbuf line;      /* what has come of the next message */
};

struct pool {
	const struct plan *plan;
	const struct cell_limits *limits;
	const struct pool_hooks *hooks;
	const volatile bool *interrupted;
	struct slot *slots;
	unsigned int n;
	size_t next; /* unit to give out */
	uint64_t orphans_until_ns; /* a worker has been killed: whose it was may be below us now */
};

static int slot_start(struct pool *pool, struct slot *slot, struct strbuf *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		strbuf_addf(err, "no socket to a worker: %s", strerror(errno));
		return -1;
	}
	slot->pid = fork();
	if (slot->pid == 0) {
		for (unsigned int i = 0; i < pool->n; i++)
			if (pool->slots[i].fd > 0)
				close(pool->slots[i].fd);
		close(pair[0]);
		worker_main(pair[1], pool->plan, pool->limits, pool->interrupted, parent);
	}
	close(pair[1]);
	if (slot->pid < 0) {
		strbuf_addf(err, "no process for a worker: %s", strerror(errno));
		close(pair[0]);
		slot->pid = 0;
		return -1;
	}
	slot->fd = pair[0];
	return 0;
}

/* A unit that must run alone waits until the others are done, and they for it. */
static bool pool_may_begin(const struct pool *pool, const struct unit *unit)
{
	for (unsigned int i = 0; i < pool->n; i++) {
		const struct unit *running = pool->slots[i].unit;

		if (running && (unit->strategy->exclusive || running->strategy->exclusive))
			return false;
	}
	return true;
}

static void slot_unit_over(struct pool *pool, struct slot *slot)
{
	pool->hooks->unit_ends(pool->hooks->context, (size_t)(slot - pool->slots));
	slot->unit = NULL;
}

/* One message: a result, or an empty line when the unit is over. */
static void slot_message(struct pool *pool, struct slot *slot, const char *text, size_t len)
{
	json_error_t error;
	json_t *json;

	if (len == 0) {
		slot_unit_over(pool, slot);
		return;
	}
	json = json_loadb(text, len, 0, &error);
	if (!json)
		bug("a worker's result cannot be read: %s", error.text);
	slot->results++;
	pool->hooks->result(pool->hooks->context, json);
	json_decref(json);
}

static void slot_messages(struct pool *pool, struct slot *slot)
{
	char *start = slot->line.buf, *end;

	while ((end = memchr(start, '\n', slot->line.len - (size_t)(start - slot->line.buf)))) {
		slot_message(pool, slot, start, (size_t)(end - start));
		start = end + 1;
	}
	slot->line.len -= (size_t)(start - slot->line.buf);
	memmove(slot->line.buf, start, slot->line.len);
}

/* The worker is gone. What of its unit has no result gets one: that it died, and of what. */
static void slot_end(struct pool *pool, struct slot *slot)
{
	int status = 0;
	char *why;

	close(slot->fd);
	slot->fd = 0;
	while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR)
		;
	slot->pid = 0;
	strbuf_reset(&slot->line);
	if (status != 0)
		pool->orphans_until_ns = clock_now() + ORPHANS_NS;
	if (!slot->unit)
		return;
	why = status ? xstrfmt("the worker died (%s %d): its unit is lost, the others are not",
			       WIFSIGNALED(status) ? "signal" : "exit status",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)) :
		       xstrdup("somebody ended the worker (SIGTERM or SIGHUP): its unit is lost, "
			       "the others are not");
	for (; !*pool->interrupted && slot->results < unit_cells(slot->unit); slot->results++) {
		bool twin = slot->unit->twins == TWINS_ONLY || slot->results == 1;
		json_t *json = result_broken(slot->unit, twin, why);

		pool->hooks->result(pool->hooks->context, json);
		json_decref(json);
	}
	free(why);
	slot_unit_over(pool, slot);
}

static void slot_give(struct pool *pool, struct slot *slot)
{
	const struct unit *unit = &pool->plan->units[pool->next];
	uint32_t index = (uint32_t)pool->next;

	if (!pool_may_begin(pool, unit))
		return;
	if (send(slot->fd, &index, sizeof(index), MSG_NOSIGNAL) != (ssize_t)sizeof(index)) {
		slot_end(pool, slot); /* killed while it was idle: there will be another */
		return;
	}
	slot->unit = unit;
	slot->results = 0;
	pool->next++;
	pool->hooks->unit_begins(pool->hooks->context, (size_t)(slot - pool->slots), slot->unit);
}

static void slot_read(struct pool *pool, struct slot *slot)
{
	char chunk[65536];
	ssize_t n = recv(slot->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n > 0) {
		strbuf_add(&slot->line, chunk, (size_t)n);
		slot_messages(pool, slot);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		slot_end(pool, slot);
	}
}

static bool pool_busy(const struct pool *pool)
{
	for (unsigned int i = 0; i < pool->n; i++)
		if (pool->slots[i].unit)
			return true;
	return false;
}

static bool is_worker(const struct pool *pool, pid_t pid)
{
	for (unsigned int i = 0; i < pool->n; i++)
		if (pool->slots[i].pid == pid)
			return true;
	return false;
}

/* End and reap what a worker that was killed has left. Who is not a worker was one's. */
static void pool_end_orphans(struct pool *pool)
{
	pid_t *pids;
	int n = procfs_children(getpid(), &pids);

	for (int i = 0; i < n; i++) {
		if (is_worker(pool, pids[i]))
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, WNOHANG);
	}
	if (n >= 0)
		free(pids);
}

static void pool_wait(struct pool *pool)
{
	struct pollfd fds[POOL_WORKERS_MAX];

	for (unsigned int i = 0; i < pool->n; i++)
		fds[i] = (struct pollfd){ .fd = pool->slots[i].pid ? pool->slots[i].fd : -1,
					  .events = POLLIN };
	if (signals_poll(fds, pool->n, TICK_NS) > 0)
		for (unsigned int i = 0; i < pool->n; i++)
			if (fds[i].revents)
				slot_read(pool, &pool->slots[i]);
	if (pool->orphans_until_ns > clock_now())
		pool_end_orphans(pool);
	pool->hooks->tick(pool->hooks->context);
}

/*
 * Keep as many workers alive as there is work for, and give it to those who have none. -1 if there
 * can be no worker at all.
 */
static int pool_staff(struct pool *pool, struct strbuf *err)
{
	bool any = false;

	for (unsigned int i = 0; i < pool->n; i++) {
		struct slot *slot = &pool->slots[i];
		bool wanted = !slot->unit && pool->next < pool->plan->n && !*pool->interrupted;

		if (wanted && (slot->pid || slot_start(pool, slot, err) == 0))
			slot_give(pool, slot);
		any |= slot->pid != 0;
	}
	if (!any && pool->next < pool->plan->n && !*pool->interrupted)
		return -1;
	strbuf_reset(err);
	return 0;
}

/* Closing its socket tells an idle worker to end; a busy one is told by SIGTERM. */
static void pool_dismiss(struct pool *pool)
{
	uint64_t until = clock_now() + GRACE_NS;

	for (unsigned int i = 0; i < pool->n; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->pid && slot->unit)
			kill(slot->pid, SIGTERM);
		else if (slot->pid)
			shutdown(slot->fd, SHUT_WR);
	}
	for (unsigned int i = 0; i < pool->n; i++) {
		struct slot *slot = &pool->slots[i];

		while (slot->pid && clock_now() < until)
			pool_wait(pool);
		if (slot->pid) {
			kill(slot->pid, SIGKILL);
			slot_end(pool, slot);
		}
		strbuf_release(&slot->line);
	}
	processes_sweep();
}

int pool_run(const struct plan *plan, const struct cell_limits *limits, unsigned int jobs,
	     const struct pool_hooks *hooks, struct strbuf *err)
{
	struct pool pool = { .plan = plan, .limits = limits, .hooks = hooks,
			     .interrupted = signals_take() };
	int ret = 0;

	pool.n = jobs < POOL_WORKERS_MAX ? jobs : POOL_WORKERS_MAX;
	if (pool.n > plan->n)
		pool.n = (unsigned int)plan->n;
	pool.slots = xcalloc(pool.n, sizeof(*pool.slots));
	for (unsigned int i = 0; i < pool.n; i++)
		strbuf_init(&pool.slots[i].line);
	do {
		ret = pool_staff(&pool, err);
		if (ret == 0 && pool_busy(&pool))
			pool_wait(&pool);
	} while (ret == 0 && !*pool.interrupted &&
		 (pool_busy(&pool) || pool.next < plan->n));
	pool_dismiss(&pool);
	free(pool.slots);
	return ret < 0 ? -1 : *pool.interrupted;
}
