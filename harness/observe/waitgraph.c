/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/waitgraph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "observe/waits.h"

const char *wait_end_name(enum wait_end end)
{
	static const char *const names[] = {
		[WAIT_END_RUNS] = "runs",       [WAIT_END_OUTSIDE] = "outside",
		[WAIT_END_UNKNOWN] = "unknown", [WAIT_END_PARKED] = "parked",
		[WAIT_END_LOST] = "lost",       [WAIT_END_CIRCLE] = "circle",
	};

	return names[end];
}

/* Whom it waits for. Who waits in rounds for the GIL waits. */
static const struct crash_thread *next_of(const struct crash *crash,
					  const struct crash_thread *thread)
{
	const struct crash_wait *wait = &thread->wait;

	if (!wait->owner || wait->owner_missing || wait_is_for_process(wait))
		return NULL;
	return waits_thread(crash, wait->owner);
}

/* Of a thread that waits for no other one that is known. */
static enum wait_end end_of(const struct crash_thread *thread)
{
	const struct crash_wait *wait = &thread->wait;

	if (wait->owner_missing)
		return WAIT_END_LOST;
	if (waits_is_parked(wait))
		return WAIT_END_PARKED;
	if (!wait->syscall && !wait->what)
		return WAIT_END_RUNS;
	if (wait->timed || wait_is_for_process(wait) || !wait->address)
		return WAIT_END_OUTSIDE;
	return WAIT_END_UNKNOWN;
}

static bool has_been(struct wait_chain *chain, const struct crash_thread *thread)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->v[i] == thread) {
			chain->back = i;
			return true;
		}
	return false;
}

void wait_chain_follow(struct wait_chain *chain, const struct crash *crash,
		       const struct crash_thread *thread)
{
	const struct crash_thread *next;

	*chain = (struct wait_chain){ .n = 0 };
	for (;;) {
		chain->v = xrealloc(chain->v, (chain->n + 1) * sizeof(*chain->v));
		chain->v[chain->n++] = thread;
		next = next_of(crash, thread);
		if (!next) {
			chain->end = end_of(thread);
			return;
		}
		if (has_been(chain, next)) {
			chain->end = WAIT_END_CIRCLE;
			return;
		}
		thread = next;
	}
}

void wait_chain_release(struct wait_chain *chain)
{
	free(chain->v);
	*chain = (struct wait_chain){ .n = 0 };
}

enum wait_end waitgraph_worst(const struct crash *crash, pid_t pid)
{
	enum wait_end worst = WAIT_END_RUNS;

	for (size_t i = 0; i < crash->nthreads; i++) {
		struct wait_chain chain;

		if (crash->threads[i].pid != pid)
			continue;
		wait_chain_follow(&chain, crash, &crash->threads[i]);
		if (chain.end > worst)
			worst = chain.end;
		wait_chain_release(&chain);
	}
	return worst;
}

/* Is the thread in a chain that begins at another one? Then it is told there. */
static bool is_waited_for(const struct crash *crash, const struct crash_thread *thread)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].pid == thread->pid &&
		    next_of(crash, &crash->threads[i]) == thread)
			return true;
	return false;
}

/* The first of a circle that nobody outside waits for tells it. */
static bool tells(const struct crash *crash, const struct wait_chain *chain)
{
	const struct crash_thread *thread = chain->v[0];

	if (chain->end != WAIT_END_CIRCLE || chain->back)
		return (chain->n > 1 || chain->end >= WAIT_END_PARKED) &&
		       !is_waited_for(crash, thread);
	for (size_t i = 0; i < chain->n; i++) {
		if (chain->v[i] < thread)
			return false;
		for (size_t k = 0; k < crash->nthreads; k++) {
			struct wait_chain other;
			bool leads_here;

			wait_chain_follow(&other, crash, &crash->threads[k]);
			leads_here = other.end == WAIT_END_CIRCLE && other.back > 0 &&
				     other.v[other.back] == chain->v[i];
			wait_chain_release(&other);
			if (leads_here)
				return false;
		}
	}
	return true;
}

static void add_link(struct strbuf *out, const struct crash_thread *thread)
{
	const struct crash_wait *wait = &thread->wait;

	strbuf_addf(out, "thread %d -> %s", thread->tid, wait->lock_type ? wait->lock_type :
		    wait->what ? wait->what : wait->syscall ? wait->syscall : "nothing");
	if (wait->lock)
		strbuf_addf(out, " at 0x%" PRIx64, wait->lock);
	else if (wait->address && (!wait->what || strcmp(wait->what, "GIL") != 0))
		strbuf_addf(out, " at 0x%" PRIx64, wait->address);
	strbuf_addstr(out, " -> ");
}

/* Who waits for the GIL does so in rounds, which has no meaning. */
static bool has_limit(const struct crash_wait *wait)
{
	return wait->timed && (!wait->what || strcmp(wait->what, "GIL") != 0);
}

static bool circle_ends(const struct wait_chain *chain)
{
	for (size_t i = chain->back; i < chain->n; i++)
		if (has_limit(&chain->v[i]->wait))
			return true;
	return false;
}

static void add_end(struct strbuf *out, const struct wait_chain *chain)
{
	const struct crash_thread *last = chain->v[chain->n - 1];

	switch (chain->end) {
	case WAIT_END_CIRCLE:
		add_link(out, last);
		strbuf_addf(out, "thread %d again: %s", chain->v[chain->back]->tid,
			    circle_ends(chain) ? "none of the circle goes on until one of "
			    "them gives up, as it has a time limit" :
			    "a deadlock, none of the circle goes on");
		break;
	case WAIT_END_LOST:
		add_link(out, last);
		if (last->wait.owner)
			strbuf_addf(out, "thread %d of process %d, which the fork has not taken "
				    "along", last->wait.owner, last->wait.owner_elsewhere);
		else
			strbuf_addstr(out, "a thread that this process has not: it has ended, or "
				      "a fork has not taken it along");
		strbuf_addstr(out, ": nobody will let it go on here");
		break;
	case WAIT_END_PARKED:
		strbuf_addf(out, "thread %d, which CPython holds for ever, by design", last->tid);
		break;
	case WAIT_END_UNKNOWN:
		strbuf_addf(out, "thread %d, which waits for a ", last->tid);
		if (last->wait.lock_type)
			strbuf_addf(out, "%s at 0x%" PRIx64, last->wait.lock_type, last->wait.lock);
		else
			strbuf_addstr(out, last->wait.what ? last->wait.what : "word in memory");
		strbuf_addstr(out, " whose owner nothing tells");
		break;
	case WAIT_END_OUTSIDE:
		strbuf_addf(out, "thread %d, in %s(): no lock", last->tid, last->wait.syscall ?
			    last->wait.syscall : "?");
		break;
	case WAIT_END_RUNS:
		strbuf_addf(out, "thread %d, which runs: slow, no deadlock", last->tid);
		break;
	}
}

static void add_chain(struct strbuf *out, const struct wait_chain *chain)
{
	strbuf_addstr(out, "  ");
	for (size_t i = 0; i + 1 < chain->n; i++)
		add_link(out, chain->v[i]);
	add_end(out, chain);
	strbuf_addch(out, '\n');
}

void waitgraph_tell(struct strbuf *out, const struct crash *crash, pid_t pid)
{
	size_t begun = out->len;

	for (size_t i = 0; i < crash->nthreads; i++) {
		struct wait_chain chain;

		if (crash->threads[i].pid != pid)
			continue;
		wait_chain_follow(&chain, crash, &crash->threads[i]);
		if (tells(crash, &chain)) {
			if (out->len == begun)
				strbuf_addstr(out, "Who waits for whom\n");
			add_chain(out, &chain);
		}
		wait_chain_release(&chain);
	}
}
