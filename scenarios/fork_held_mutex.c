/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-held-mutex: a lock that another thread holds at fork is held for ever in the child.
 *
 * The child has a copy of the lock, taken, and no copy of the thread that would give it back. The
 * first to want it in the child, here the library's own at-fork child handler, blocks. What users
 * see is a worker process that never starts: it uses no CPU, and its one thread stands in
 * pthread_mutex_lock() below fork(). The lock's owner is the id of a thread that lives in the
 * parent only, and there it is innocent: it will let go in a moment.
 *
 * The fix is the classic one that POSIX made pthread_atfork() for: the prepare handler takes the
 * lock, so that nobody else holds it at that instant; the parent gives it back; the child makes a
 * new one.
 */
#include <pthread.h>
#include <string.h>

#include "scenarios/scenario.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/*
 * Samples by depth of stack, under lock. So many that the time for which the lock is held is nearly
 * all spent on them, between the markers, and not on the way from the lock to the marker.
 */
#define DEPTHS 1024
static unsigned long samples[DEPTHS];

static void lock_before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void unlock_in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

static void renew_in_child(void)
{
	pthread_mutex_init(&lock, NULL);
}

/* The child starts to count anew. */
static void reset_in_child(void)
{
	pthread_mutex_lock(&lock);
	memset(samples, 0, sizeof(samples));
	pthread_mutex_unlock(&lock);
}

static void setup(struct subject *s)
{
	/* Child handlers run oldest first: the lock is renewed before it is used. */
	if (s->twin)
		pthread_atfork(lock_before_fork, unlock_in_parent, renew_in_child);
	pthread_atfork(NULL, NULL, reset_in_child);
}

static void work(struct subject *s)
{
	while (worker_cycle(s)) {
		pthread_mutex_lock(&lock);
		window_enter(s);
		for (int depth = 0; depth < DEPTHS; depth++)
			samples[depth]++;
		window_leave(s);
		pthread_mutex_unlock(&lock);
	}
}

static void child(struct subject *s)
{
	if (samples[0] != 0)
		subject_say(s, OUTCOME_WRONG, "the child's count was not reset by its handler");
	pthread_mutex_lock(&lock);
	samples[0]++;
	pthread_mutex_unlock(&lock);
}

static const char *const links[] = {
	"https://github.com/python/cpython/issues/84622",
	"https://github.com/python/cpython/issues/50970",
	NULL,
};

static const struct expectation expectations[] = {
	{
		.releases = "",
		.shows = "hang",
		.allows = "ok hang",
		.source = "POSIX, fork(): the child has the calling thread only; "
			  "measured on 3.12.1 to 3.15.2",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_held_mutex = {
	.name = "fork-held-mutex",
	.race = "a sampler thread holds a mutex while another thread forks, and the child's "
		"at-fork handler takes that mutex",
	.symptom = "the child blocks below fork() for ever, without using CPU",
	.fix = "a prepare handler takes the mutex, the parent gives it back, the child renews it",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_GATED | SCENARIO_WINDOW | SCENARIO_TWIN_RETIRES,
	.workers = 1,
	.expectations = expectations,
	.setup = setup,
	.work = work,
	.child = child,
};
