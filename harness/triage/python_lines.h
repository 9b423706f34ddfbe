/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The single lines of what CPython writes when it dies; python_dump.h says how they follow one
 * another.
 */
#ifndef FORKPOINT_TRIAGE_PYTHON_LINES_H
#define FORKPOINT_TRIAGE_PYTHON_LINES_H

#include "triage/readers.h"

/* This and "Windows fatal exception: " may stand behind what was being written. */
bool python_fatal(struct piece line, struct piece *what);
/* What it says: "Segmentation fault", not "function: message". 0: none. */
int python_fatal_signal(struct piece what);
/* Signal and facts; false: the line does not say so. */
bool windows_exception(struct piece line, struct trace *trace);

/* "Thread 0x00000508 [name] (most recent call first):"; id 0, name empty: not told. */
bool python_thread_heading(struct piece line, bool *current, uint64_t *id, struct piece *name);
/* "Current thread's C stack trace (most recent call first):" */
bool python_c_stack(struct piece line);
/* "File "x.py", line 12 in f": a traceback of an exception has a comma before "in". */
bool python_is_frame(struct piece line);
void python_add_frame(struct trace *trace, struct crash_thread *thread, struct piece line);
/* "Binary file "x.so", at f+0x12 [0x7f0000001012]"; into the frame, unless that is NULL. */
bool python_native_frame(struct piece line, struct crash_frame *frame);
/* One of those but the first ones: a heading or a frame. */
bool python_dump_begins(struct piece line);

#endif
