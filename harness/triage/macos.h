/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ways in which macOS writes a crash report have in common. For read_macos.c, the
 * text, and macos_json.c, an .ips file.
 */
#ifndef FORKPOINT_TRIAGE_MACOS_H
#define FORKPOINT_TRIAGE_MACOS_H

#include "triage/readers.h"

/* "EXC_CRASH", "SIGABRT". */
void macos_exception(struct trace *trace, struct piece type, struct piece name);
/* "KERN_INVALID_ADDRESS at 0x0000000000000110"; other things it may be are left out. */
void macos_subtype(struct trace *trace, struct piece subtype);
/* The version of a process of that name or path; it is CPython's if that is an interpreter. */
void macos_version(struct trace *trace, struct piece process, struct piece version);

/* "3   libsystem_c.dylib   0x7ff8 abort + 126"; false: it is no frame, or there is no thread. */
bool macos_frame(struct trace *trace, struct crash_thread *thread, struct piece line);
/* What a signal interrupted, when all frames are there. */
void macos_mark_frames(struct crash_thread *thread);

/* macos_json.c */
bool macos_json_begins(const struct lines *lines);
void macos_json_read(struct lines *lines, struct trace *trace);

#endif
