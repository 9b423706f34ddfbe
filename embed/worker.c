/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker threads of a subject: W, and its kin where a scenario wants several.
 */
#include <signal.h>
#include <string.h>

#include "embed/frame.h"
#include "embed/futex.h"

static __thread struct worker *self;

struct worker *worker_self(void)
{
	return self;
}

/* Runs when the thread is ended from below (pthread_exit), never after work() has returned. */
static void worker_unwound(void *arg)
{
	struct worker *w = arg;

	atomic_store(&w->unwound, 1);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct subject *s = w->subject;

	self = w;
	announce_thread_stack();
	atomic_store(&w->tid, (uint32_t)syscall(SYS_gettid));
	if (w->index == 0)
		atomic_store(&s->control->state.worker_tid, atomic_load(&w->tid));
	futex_wake(&w->tid);
	pthread_cleanup_push(worker_unwound, w);
	s->scenario->work(s);
	atomic_store(&w->returned, 1);
	pthread_cleanup_pop(0);
	return NULL;
}

void workers_start(struct subject *s)
{
	if (!s->scenario->work)
		return;
	for (unsigned int i = 0; i < s->scenario->workers; i++) {
		struct worker *w = &s->workers[i];

		w->subject = s;
		w->index = i;
		if (pthread_create(&w->thread, NULL, worker_main, w))
			subject_fail(s, "no thread could be started: raise the limit on processes");
		s->nworkers++;
	}
	for (unsigned int i = 0; i < s->nworkers; i++)
		while (!atomic_load(&s->workers[i].tid))
			futex_wait(&s->workers[i].tid, 0, 0);
}

bool worker_cycle(struct subject *s)
{
	atomic_fetch_add_explicit(&self->cycles, 1, memory_order_relaxed);
	subject_progress(s);
	meet_stand_quiet(s);
	return !worker_should_stop(s);
}

bool worker_should_stop(const struct subject *s)
{
	return atomic_load(&s->stopping) != 0;
}

/*
 * Polled, since a worker that woke us at each cycle would run in step with F, and the race needs it
 * not to. 50 us is some hundred cycles of a cache, and one or two of a GIL cycle.
 */
void workers_await_cycles(struct subject *s, unsigned int cycles)
{
	for (unsigned int i = 0; i < s->nworkers; i++) {
		struct worker *w = &s->workers[i];

		while (atomic_load(&w->cycles) < cycles && !atomic_load(&w->returned)) {
			struct timespec ts = { 0, 50000 };

			nanosleep(&ts, NULL);
		}
	}
}

void worker_await_operation(struct subject *s)
{
	while (!atomic_load(&s->operated))
		futex_wait(&s->operated, 0, 0);
}

void workers_stop_and_join(struct subject *s)
{
	atomic_store(&s->stopping, 1);
	for (unsigned int i = 0; i < s->nworkers; i++) {
		if (s->workers[i].joined)
			continue;
		pthread_join(s->workers[i].thread, NULL);
		s->workers[i].joined = true;
	}
}
