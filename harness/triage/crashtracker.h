/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text and the JSON of libdatadog's crash tracker have in common: lines of a stack
 *
 *	#3 0x0000ffffa3f47cc4 Datadog::Sampler::postfork_child (src/sampler.cpp:226:9)
 *
 * and the sentence "Process terminated with SEGV_MAPERR (SIGSEGV)". For its two readers.
 */
#ifndef FORKPOINT_TRIAGE_CRASHTRACKER_H
#define FORKPOINT_TRIAGE_CRASHTRACKER_H

#include "triage/readers.h"

struct crashtracker_line {
	uint64_t n, pc;
	bool has_pc;
	struct piece name, source; /* without bytes: not given */
};

/* False: it is no line of such a stack. */
bool crashtracker_line_parse(struct piece line, struct crashtracker_line *parsed);
/* Takes the lines of one stack, the current line being its first. */
void crashtracker_read_frames(struct lines *lines, struct trace *trace,
			      struct crash_thread *thread);
/*
 * A frame with the address of the one that follows was inlined into that one; what a signal handler
 * returns to was interrupted. To be called when all frames of the thread are there.
 */
void crashtracker_mark_frames(struct crash_thread *thread);
/*
 * Signal and its code out of the sentence; another sentence, or what stands behind it, becomes part
 * of the message. True: it was the sentence.
 */
bool crashtracker_read_reason(struct trace *trace, struct piece sentence);
/* "SEGV_MAPERR": si_code as Linux has it; false: not known. */
bool crashtracker_code(struct piece name, int *code);

#endif
