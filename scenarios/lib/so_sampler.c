/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library that depends on the other: a sampler. In the child it begins anew by adding the one
 * thread that is left to the profile.
 */
#include "scenarios/lib/so_profile.h"

#include <pthread.h>
#include <stddef.h>

static profile_add_fn *profile_add;
static atfork_note_fn *note_handler;

sampler_start_fn sampler_start;

void sampler_start(profile_add_fn *add, atfork_note_fn *note)
{
	profile_add = add;
	note_handler = note;
}

static void note(const char *handler)
{
	if (note_handler)
		note_handler(handler);
}

static void before_fork(void)
{
	note("prepare sampler");
}

static void after_in_parent(void)
{
	note("parent sampler");
}

static void after_in_child(void)
{
	note("child sampler");
	if (profile_add)
		profile_add(1);
}

__attribute__((constructor)) static void sampler_load(void)
{
	pthread_atfork(before_fork, after_in_parent, after_in_child);
}
