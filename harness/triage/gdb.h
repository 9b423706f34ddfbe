/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines that gdb writes, one by one: for read_gdb.c, which puts them together.
 */
#ifndef FORKPOINT_TRIAGE_GDB_H
#define FORKPOINT_TRIAGE_GDB_H

#include <stdbool.h>
#include <stdint.h>

#include "triage/session.h"

/* Without indentation, quotation marks of mail, prompts and the pager's question. */
struct piece gdb_text(struct piece line);

/*
 * Does a frame begin in this text? Its number only is looked at: "#12 " with something behind it.
 */
bool gdb_is_frame(struct piece text);
/* Of a whole frame, lines that it was wrapped over joined. False: it is none. */
bool gdb_frame_parse(struct piece text, struct session_frame *frame);
/* Is the frame cut off by the end of this line, so that it goes on in the next one? */
bool gdb_frame_goes_on(struct piece text, struct piece next);
/* Does it end where no frame does? */
bool gdb_frame_is_cut(struct piece text);

/* "(Thread 0x7f… (LWP 123) "name")": what stands behind a thread's number. */
void gdb_thread_parse(struct piece p, struct session_thread *thread);
/* "Thread 3 (…):", "[Switching to thread 3 (…)]" */
bool gdb_is_thread(struct piece text, struct session_thread *thread);

/*
 * "Program received signal SIGSEGV, Segmentation fault.", "Thread 3 "name" received …": `what` is
 * what stands behind "signal".
 */
bool gdb_is_signal(struct piece text, struct session_thread *thread, struct piece *what);
/* "[Current thread is 1 (…)]", and the line of `info threads` that has a star */
bool gdb_is_current(struct piece text, struct session_thread *thread);
/* "2    Thread 0x7f0000001640 (LWP 12) …": a line of `info threads` that has none. */
bool gdb_is_row(struct piece text);
/* What gdb writes and what tells nothing; `line`: as it stood, `text`: gdb_text() of it. */
bool gdb_is_noise(struct piece line, struct piece text);

/*
 * `File "f.py", line 3, in name` of py-bt, or a built-in function's line; what it is not: false.
 * file is a piece of nothing then for a built-in.
 */
bool gdb_python_parse(struct piece text, struct session_frame *frame);

/* "Thread 1 "x" hit Breakpoint 1, f (…) at f.c:1", "Breakpoint 1, f (…)". */
bool gdb_is_breakpoint(struct piece text);

#endif
