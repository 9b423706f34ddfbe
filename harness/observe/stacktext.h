/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of a record as text that a person reads.
 */
#ifndef FORKPOINT_OBSERVE_STACKTEXT_H
#define FORKPOINT_OBSERVE_STACKTEXT_H

#include "base/strbuf.h"
#include "observe/crash.h"

/* Which frames. */
enum stacktext_frames {
	STACKTEXT_MERGED, /* Python frames, in place of the evaluator's that run them */
	STACKTEXT_NATIVE,
	STACKTEXT_PYTHON,
};

/* What CPython is in process `pid`, some lines; nothing if there is none. */
void stacktext_python(struct strbuf *out, const struct crash *crash, pid_t pid);

/*
 * A line of what the thread is and does, and one for each frame, innermost first. `pid` is the
 * process that is shown; another one's thread is told to be that. 0: each tells its process.
 */
void stacktext_thread(struct strbuf *out, const struct crash_thread *thread, pid_t pid,
		      enum stacktext_frames which);

/* Is the frame among these? */
bool stacktext_shows(const struct crash_frame *frame, enum stacktext_frames which);

#endif
