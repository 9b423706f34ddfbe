/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two libraries of fork-atfork-order, and how they know of each other: the sampler is handed
 * the profile's function, as plug-ins of one product are. Neither includes anything of Python's.
 * Both register their at-fork handlers when they are loaded.
 *
 * Each tells the order of its handlers to whoever set a `note`; the words are literals.
 */
#ifndef FORKPOINT_SCENARIOS_SO_PROFILE_H
#define FORKPOINT_SCENARIOS_SO_PROFILE_H

#include <stdint.h>

typedef void atfork_note_fn(const char *handler);

/* Which of its two precautions the profile takes; the scenario's variants. */
enum profile_guard {
	PROFILE_LOCKED,   /* its prepare handler takes its lock, its child handler renews it */
	PROFILE_UNSHARED, /* its pages are kept out of children; its child handler maps new ones */
};

/* so_profile.so; 0, or -1 without memory. */
typedef int profile_start_fn(enum profile_guard guard, atfork_note_fn *note); /* profile_start */
/* Count one sample of a thread. Usable in the child once the profile's child handler has run. */
typedef void profile_add_fn(uint32_t thread); /* profile_add */
typedef uint64_t profile_total_fn(void);      /* profile_total */

/* so_sampler.so */
typedef void sampler_start_fn(profile_add_fn *add, atfork_note_fn *note); /* sampler_start */

#endif
