/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of addresses of a process: module and offset, function, source line. Taken while the
 * process lives, asked afterwards.
 */
#ifndef FORKPOINT_OBSERVE_PLACES_H
#define FORKPOINT_OBSERVE_PLACES_H

#include <sys/types.h>

#include "observe/capture.h"
#include "observe/crash.h"
#include "observe/image.h"
#include "observe/maps.h"

/*
 * Fill in what is known of an address in a module (NULL: it is in none), whose image is `image`
 * (NULL: not to be had). `after_call`: it is where a call returns to. `frame` is zeroed; what it
 * points to afterwards is the caller's.
 */
void place_name(const struct maps_module *module, struct image *image, uint64_t pc, bool after_call,
		struct crash_frame *frame);

struct places;

/* NULL if the process has gone. The cache must outlive it. */
struct places *places_take(struct capture_cache *cache, pid_t pid);
/* By its maps, which somebody has read already, and keeps. */
struct places *places_of(struct capture_cache *cache, const struct maps *maps);
void places_free(struct places *places); /* NULL is fine */
/* Of an instruction. `frame` as above; zeroed and named by its pc alone if `places` is NULL. */
void places_name(const struct places *places, uint64_t pc, struct crash_frame *frame);

#endif
