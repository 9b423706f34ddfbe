/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of this process that wait, and one that does not, seen from beside them. */
#include "explore/rest.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/tap.h"

#define LOOK_NS 100000
#define PATIENCE_NS (20 * NSEC_PER_SEC)

/* The longest in a queue's wait after which CPython hands a lock over. */
#define FAIR_NS NSEC_PER_MSEC

static sem_t gate;                     /* that nobody opens before the end */
static _Atomic(sem_t *) queued;        /* the same, on a thread's stack */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static atomic_bool over;
static atomic_int tid;

static void wait_for_gate(void)
{
	while (sem_wait(&gate))
		;
}

static void wait_in_queue(void)
{
	sem_t mine;

	sem_init(&mine, 0, 0);
	atomic_store(&queued, &mine);
	while (sem_wait(&mine))
		;
}

static void wait_in_rounds(void)
{
	pthread_mutex_lock(&mutex);
	while (!atomic_load(&over)) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_NS / 2;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&never, &mutex, &until);
	}
	pthread_mutex_unlock(&mutex);
}

static void work(void)
{
	while (!atomic_load(&over))
		;
}

static void *thread_main(void *arg)
{
	void (**run)(void) = arg;

	atomic_store(&tid, (int)syscall(SYS_gettid));
	(*run)();
	return NULL;
}

/* What becomes of looks at a thread that does this; and for how long it was seen asleep. */
static enum resting look_at(void (*run)(void), unsigned int most, struct rest *rest,
			    uint64_t *asleep_ns)
{
	static const struct timespec pause = { 0, LOOK_NS };
	uint64_t until = clock_now() + PATIENCE_NS;
	enum resting now = REST_NONE;
	pthread_t thread;
	pid_t at;

	*rest = (struct rest){ .asleep = 0 };
	atomic_store(&tid, 0);
	if (pthread_create(&thread, NULL, thread_main, &run))
		abort();
	while (!(at = (pid_t)atomic_load(&tid)))
		;
	while (most-- && now == REST_NONE && clock_now() < until) {
		nanosleep(&pause, NULL);
		now = rest_look(rest, getpid(), at);
	}
	*asleep_ns = clock_now() - rest->same_ns;
	atomic_store(&over, true);
	sem_post(&gate);
	if (atomic_load(&queued))
		sem_post(atomic_load(&queued));
	pthread_join(thread, NULL);
	CHECK_INT(rest_look(rest, getpid(), at), REST_GONE, "it has ended");
	atomic_store(&over, false);
	atomic_store(&queued, NULL);
	return now;
}

int main(void)
{
	struct rest rest;
	uint64_t asleep_ns;

	sem_init(&gate, 0, 0);
	CHECK_INT(look_at(wait_for_gate, UINT32_MAX, &rest, &asleep_ns), REST_ASLEEP,
		  "one that waits for a semaphore is asleep");
	CHECK(rest_is_endless(&rest), "without a limit");
	sem_init(&gate, 0, 0);
	CHECK_INT(look_at(wait_in_queue, UINT32_MAX, &rest, &asleep_ns), REST_ASLEEP,
		  "one that waits for a semaphore on its own stack, too");
	CHECK(asleep_ns > FAIR_NS, "but not before a lock would have been handed over to it");
	CHECK_INT(look_at(wait_in_rounds, UINT32_MAX, &rest, &asleep_ns), REST_ROUNDS,
		  "one that waits again and again does it in rounds");
	CHECK(!rest_is_endless(&rest), "each with a limit");
	CHECK_INT(look_at(work, 50, &rest, &asleep_ns), REST_NONE, "one that works does not rest");
	return tap_done();
}
