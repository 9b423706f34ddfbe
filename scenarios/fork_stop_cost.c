/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-stop-cost: what it costs to stop a sampler before fork, and what not stopping it costs.
 *
 * The cache of fork-lru-list can be kept whole in two ways. One stops the sampler in Python's
 * `before` hook and joins it (fork-stop-sampler shows where that must happen); the child may then
 * clear the cache as it pleases. But a sampler sleeps between its samples, and fork waits until it
 * wakes: up to a whole interval, half of one on average. The other leaves the sampler alone and
 * gives the child a fresh cache; fork waits for nothing. The profiler in which the race was found
 * took the second way for this reason: its interval grows to 100 ms.
 *
 * Both are right, so nothing goes wrong here. What is to be seen is the time for which fork held up
 * its caller (measured_ns, and told in words): the scenario stops, its twin does not.
 *
 * The sampler is a thread of this file's own, not a worker: nothing races, and a worker held back
 * by a strategy would make the wait the strategy's.
 *
 * The child's handler uses malloc and free, as in fork-lru-list.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <time.h>

#include "scenarios/lib/hooks.h"
#include "scenarios/lib/lru.h"
#include "scenarios/lib/stall.h"
#include "scenarios/scenario.h"

/* A usual interval of samplers, and a tenth of what adaptive ones go up to. */
#define INTERVAL_NS 10000000u

#define CAPACITY 256
#define KEYS 320
#define STACK_DEPTH 32 /* frames looked up for a sample */

static struct lru cache;
static uint64_t next_key;
static pthread_t sampler;
static SHARED_U32 sampler_stops;
static uint64_t first_sleep_ns;
static struct subject *subject;

static void clear_in_child(void)
{
	if (!subject->twin)
		lru_clear(&cache);
	else if (lru_init(&cache, CAPACITY))
		subject_say(subject, OUTCOME_WRONG, "the child has no memory for a fresh cache");
}

/* Not to be woken by a request to stop: that is what the real sampler's sleep is like. */
static void sleep_whole(uint64_t ns)
{
	struct timespec left = { 0, (long)ns };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

static void sample(void)
{
	for (int i = 0; i < STACK_DEPTH; i++, next_key++)
		if (!lru_lookup(&cache, next_key % KEYS))
			lru_store(&cache, next_key % KEYS);
}

static void *sampler_run(void *unused)
{
	uint64_t sleep_ns = first_sleep_ns;

	do {
		sleep_whole(sleep_ns);
		sample();
		sleep_ns = INTERVAL_NS;
	} while (!atomic_load(&sampler_stops));
	return unused;
}

static void stop_without_gil(struct subject *s)
{
	(void)s;
	Py_BEGIN_ALLOW_THREADS
	atomic_store(&sampler_stops, 1);
	pthread_join(sampler, NULL);
	Py_END_ALLOW_THREADS
}

static void setup(struct subject *s)
{
	static const struct fork_hooks stop = { .before = stop_without_gil };

	subject = s;
	if (lru_init(&cache, CAPACITY))
		subject_say(s, OUTCOME_WRONG, "no memory for the cache");
	pthread_atfork(NULL, NULL, clear_in_child);
	/* So that fork finds the sampler at any time of its interval. */
	first_sleep_ns = subject_random(s) % INTERVAL_NS;
	if (pthread_create(&sampler, NULL, sampler_run, NULL)) {
		subject_say(s, OUTCOME_WRONG, "no thread could be started for the sampler");
		return;
	}
	if (!s->twin)
		fork_hooks_register(s, &stop);
	stall_watch(s);
}

static void child(struct subject *s)
{
	const char *why = cache.count ? "the child's cache is not empty after its handler" : NULL;

	sample();
	if (!why)
		why = lru_check(&cache);
	if (why)
		subject_say(s, OUTCOME_WRONG, why);
}

static void check(struct subject *s)
{
	stall_say(s, s->twin ? "the sampler was left alone, the child made a fresh cache"
			     : "it waited for a sampler that wakes every 10 ms");
}

static const char *const links[] = {
	"https://github.com/DataDog/dd-trace-py/pull/17042",
	NULL,
};

static const struct expectation expectations[] = {
	{
		.releases = "",
		.allows = "ok",
		.source = "by construction",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_stop_cost = {
	.name = "fork-stop-cost",
	.race = "none: fork waits for a sampler thread to wake, stop and be joined",
	.symptom = "fork takes up to a sampling interval longer",
	.fix = "the sampler is left alone and the child makes a fresh cache",
	.links = links,
	.operation = OPERATION_FORK,
	.expectations = expectations,
	.setup = setup,
	.child = child,
	.check = check,
};
