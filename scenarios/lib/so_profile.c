/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library that others depend on: a profile that samples are added to. It takes care of forks
 * by itself, and does it right: after its child handler the child has an empty, working profile.
 */
#include "scenarios/lib/so_profile.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

#define SLOTS 512

struct table {
	uint64_t samples[SLOTS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct table *table; /* under lock */
static enum profile_guard guard;
static atfork_note_fn *note_handler;

profile_start_fn profile_start;
profile_add_fn profile_add;
profile_total_fn profile_total;

static struct table *table_map(void)
{
	struct table *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		return NULL;
	/* A big buffer is not worth copying to each child, and must not be flushed twice. */
	if (guard == PROFILE_UNSHARED && madvise(t, sizeof(*t), MADV_DONTFORK))
		return NULL;
	return t;
}

int profile_start(enum profile_guard how, atfork_note_fn *note)
{
	guard = how;
	note_handler = note;
	table = table_map();
	return table ? 0 : -1;
}

void profile_add(uint32_t thread)
{
	pthread_mutex_lock(&lock);
	table->samples[thread % SLOTS]++;
	pthread_mutex_unlock(&lock);
}

uint64_t profile_total(void)
{
	uint64_t total = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < SLOTS; i++)
		total += table->samples[i];
	pthread_mutex_unlock(&lock);
	return total;
}

static void note(const char *handler)
{
	if (note_handler)
		note_handler(handler);
}

static void before_fork(void)
{
	note("prepare profile");
	if (guard == PROFILE_LOCKED)
		pthread_mutex_lock(&lock);
}

static void after_in_parent(void)
{
	note("parent profile");
	if (guard == PROFILE_LOCKED)
		pthread_mutex_unlock(&lock);
}

static void after_in_child(void)
{
	note("child profile");
	pthread_mutex_init(&lock, NULL);
	table = table_map();
}

__attribute__((constructor)) static void profile_load(void)
{
	pthread_atfork(before_fork, after_in_parent, after_in_child);
}
