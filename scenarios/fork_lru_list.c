/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-lru-list: a child clears a cache that another thread was in the middle of changing.
 *
 * A profiler's sampler thread keeps the frames it has seen in a least-recently-used cache. It is
 * not stopped for a fork. The child inherits the cache as it stood at that instant, possibly
 * between two stores of one operation, and no thread that would ever make the others. The
 * profiler's at-fork child handler clears the cache, so that the child begins with an empty one.
 * That walks the list.
 *
 * One instant is fatal: a hit moves its entry to the front, and after the first of the six stores
 * the entry leads to the front while its old neighbour still leads to it. The walk comes to entries
 * that it has freed already. What users saw was some hundred crashes a week, in free(), below
 * fork(), in children that had done nothing yet.
 *
 * The fix leaves the old containers alone and makes fresh ones: nothing of an unknown state is
 * read. It leaks the old ones, once a fork, and holds nobody up (see fork-stop-cost).
 *
 * The handler breaks the rule that a child of a threaded process calls async-signal-safe functions
 * only: that is what the real one did. glibc allows it to use malloc.
 */
#include <pthread.h>

#include "scenarios/lib/lru.h"
#include "scenarios/lib/stall.h"
#include "scenarios/scenario.h"

/*
 * A cache of 256 is filled in some 20 us, so that a trial costs hardly more than its fork, and is
 * long enough for the walk to leave what malloc keeps at hand for reuse. With keys out of 288 about
 * eight of nine look-ups are hits, which splice; the others drop and insert. A sample looks up each
 * frame of a stack.
 */
#define CAPACITY 256
#define KEYS 288
#define STACK_DEPTH 32

static struct lru cache;
static uint64_t sampler_random;
static struct subject *subject;

static void clear_in_child(void)
{
	if (!subject->twin)
		lru_clear(&cache);
	else if (lru_init(&cache, CAPACITY))
		subject_say(subject, OUTCOME_WRONG, "the child has no memory for a fresh cache");
}

static void setup(struct subject *s)
{
	subject = s;
	sampler_random = subject_random(s) | 1;
	if (lru_init(&cache, CAPACITY))
		subject_say(s, OUTCOME_WRONG, "no memory for the cache");
	for (uint64_t key = 0; key < CAPACITY; key++)
		lru_store(&cache, key);
	pthread_atfork(NULL, NULL, clear_in_child);
	stall_watch(s);
}

/* xorshift64: W's own, since subject_random() is F's. */
static uint64_t sampler_key(void)
{
	sampler_random ^= sampler_random << 13;
	sampler_random ^= sampler_random >> 7;
	sampler_random ^= sampler_random << 17;
	return sampler_random % KEYS;
}

static void use_cache(struct subject *s, uint64_t key)
{
	window_enter(s);
	if (!lru_lookup(&cache, key))
		lru_store(&cache, key);
	window_leave(s);
}

static void work(struct subject *s)
{
	while (worker_cycle(s))
		for (int i = 0; i < STACK_DEPTH; i++)
			use_cache(s, sampler_key());
}

/* The child goes on to profile: its cache must work as a new one does. */
static void child(struct subject *s)
{
	const char *why = NULL;

	if (cache.count != 0)
		why = "the child's cache is not empty after its handler";
	for (uint64_t key = 0; !why && key < 2 * CAPACITY; key++) {
		if (lru_lookup(&cache, key))
			why = "the child's cache has a frame that nobody put there";
		else if (lru_store(&cache, key))
			why = "the child has no memory for a frame";
		else if (!lru_lookup(&cache, key - key % 3))
			why = "the child's cache has lost a frame";
	}
	if (!why)
		why = lru_check(&cache);
	if (why)
		subject_say(s, OUTCOME_WRONG, why);
}

static void check(struct subject *s)
{
	stall_say(s, "nobody was stopped");
}

static const char *const links[] = {
	"https://github.com/DataDog/dd-trace-py/pull/17042",
	NULL,
};

/*
 * Which of the two signals depends on what free() finds first and so on the C library and its
 * tunables: with a tcache the double free is seen (SIGABRT), without one older releases of glibc
 * follow a pointer that free() has scrambled (SIGSEGV). Of the hits 3 to 6 % died here, but that is
 * the share of one instruction, and another processor may retire its stores in other groups: the
 * floor is far below.
 */
static const struct expectation expectations[] = {
	{
		.releases = "",
		.shows = "SIGABRT SIGSEGV",
		.allows = "ok SIGABRT SIGSEGV",
		.floor = 0.001,
		.source = "dd-trace-py 17042; measured on 3.12.1 to 3.15.2",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_lru_list = {
	.name = "fork-lru-list",
	.race = "a sampler thread changes its cache of frames while another thread forks, and the "
		"child's at-fork handler clears that cache",
	.symptom = "the child dies below fork(), in free(), now and then",
	.fix = "the child makes a fresh cache and never touches the old one",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_WINDOW,
	.workers = 1,
	.expectations = expectations,
	.setup = setup,
	.work = work,
	.child = child,
	.check = check,
};
