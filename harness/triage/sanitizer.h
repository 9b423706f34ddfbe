/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reports of the sanitizers have in common: their frames, and how a section names the
 * thread whose stack it is.
 *
 *	    #0 0x55d0c5eb850c in foo(int, char const*) /src/foo.cc:12:3
 *	    #1 0x7f53d3245249  (/lib/libfoo.so+0x2190) (BuildId: 0123abcd)
 *	    #2 main /src/main.c:7:1 (probe+0x1375)
 */
#ifndef FORKPOINT_TRIAGE_SANITIZER_H
#define FORKPOINT_TRIAGE_SANITIZER_H

#include "triage/readers.h"

/* "#12 …"; what stands behind the number. */
bool sanitizer_frame(struct piece line, uint64_t *number, struct piece *rest);
/*
 * Is it one that stands where its report's head is cut off? Debuggers number their frames, too;
 * theirs have no "in name path:line" without a blank before the arguments.
 */
bool sanitizer_frame_alone(struct piece line);
/* The frame at the thread's end: `rest` from sanitizer_frame(). */
void sanitizer_add_frame(struct trace *trace, struct crash_thread *thread, struct piece rest);
/*
 * A thread as one is named in `text`: "by thread T1 (worker):", "in thread T1 'worker'", "by main
 * thread". It is called "T1", or "main thread", until its own name is told. `role` NULL: none. The
 * first one is the culprit.
 */
struct crash_thread *sanitizer_add_thread(struct trace *trace, struct piece text,
					  const char *role);
/* "Thread T1 'worker' (tid=27673, running) created by …": T1 is called worker from now on. */
void sanitizer_name_threads(struct trace *trace, struct piece line);
/* The kind of "SUMMARY: AddressSanitizer: kind file.c:12 in func". */
struct piece sanitizer_summary_kind(struct piece line);

#endif
