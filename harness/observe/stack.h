/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack of one thread that its tracer, the calling thread, holds still; nothing else of its
 * process is looked at or moved.
 */
#ifndef FORKPOINT_OBSERVE_STACK_H
#define FORKPOINT_OBSERVE_STACK_H

#include <sys/types.h>

#include "observe/capture.h"
#include "observe/crash.h"
#include "observe/maps.h"

/*
 * The innermost frames, up to `max`, with names; added to `thread`. `maps` are the process's. None
 * if the thread has gone.
 */
void stack_take(struct capture_cache *cache, const struct maps *maps, pid_t pid, pid_t tid,
		size_t max, struct crash_thread *thread);

#endif
