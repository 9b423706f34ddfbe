/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinding the threads of a stopped process with libdwfl. One session serves all processes of one
 * program, one after another: modules that stand where they stood before (forks of one zygote) are
 * kept with their unwind tables.
 */
#ifndef FORKPOINT_OBSERVE_UNWIND_H
#define FORKPOINT_OBSERVE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/image.h"
#include "observe/machine.h"
#include "observe/maps.h"
#include "observe/memory.h"

/*
 * 256 frames of a thread. Native stacks of real programs are below 150; what is deeper is a
 * recursion, and its first 256 frames show that.
 */
#define UNWIND_FRAMES_MAX 256

struct unwind_frame {
	uint64_t pc;
	uint64_t sp;     /* 0: not known. Up to the next frame's, the stack is this one's */
	bool activation; /* pc is where the thread stands, not where a call returns to */
	bool trampoline; /* the kernel's signal return: the next frame was interrupted */
};

struct unwind_stack {
	struct unwind_frame frames[UNWIND_FRAMES_MAX];
	size_t n;
	bool truncated; /* ended before the thread's start */
};

struct unwind_session;

struct unwind_session *unwind_session_new(struct image_cache *images);
void unwind_session_free(struct unwind_session *session);
/* Before the threads of a process: `maps` and `memory` are its, and stay the caller's. */
void unwind_begin(struct unwind_session *session, const struct maps *maps, struct memory *memory,
		  uint64_t deadline_ns);
/*
 * Fills `stack`, innermost frame first; there is always one frame. Bad registers and garbage on
 * the stack shorten it, nothing more.
 */
void unwind_thread(struct unwind_session *session, const struct machine_registers *registers,
		   struct unwind_stack *stack);
/* The image of a module of the process, NULL if there is none to read. */
struct image *unwind_image(struct unwind_session *session, const struct maps_module *module);

#endif
