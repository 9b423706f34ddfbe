/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that shall be looked up, and what becomes of them then. Pure. */
#ifndef FORKPOINT_SYMBOLS_IMPROVE_H
#define FORKPOINT_SYMBOLS_IMPROVE_H

#include "symbols/lookup.h"
#include "triage/trace.h"

/* Is there something to be had of it, by debug symbols? */
bool frame_is_wanted(const struct crash_thread *thread, size_t n);
/* Is its address one that a call returns to? */
bool frame_is_after_call(const struct trace *trace, const struct crash_thread *thread, size_t n);

struct improvement {
	size_t frame; /* of the thread, before any is improved */
	const struct lookup_answer *answer;
	enum debug_match match;
};

/* `v` is ascending. Keeps within the limits of trace.h: inlined functions beyond are left out. */
void thread_improve(struct trace *trace, struct crash_thread *thread, const struct improvement *v,
		    size_t n);

#endif
