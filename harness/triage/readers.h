/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader of a format is, and what readers share. For harness/triage/read_*.c and report.c.
 *
 * At each line of the input the readers are asked, in the order of enum trace_format, whether a
 * report of theirs begins there. The first that says so reads it; else the line is passed over. So
 * a file may hold several reports, of several formats, and prose between them.
 */
#ifndef FORKPOINT_TRIAGE_READERS_H
#define FORKPOINT_TRIAGE_READERS_H

#include "triage/lines.h"
#include "triage/trace.h"

struct trace_reader {
	const char *name; /* trace_format_name() */
	/*
	 * Does a report of this format begin at the current line? Cheap: it is asked at each line
	 * of any file. It may peek at some lines behind.
	 */
	bool (*begins)(const struct lines *lines);
	/*
	 * It does: fill in the report, and take all lines that belong to it, one at least. The
	 * current line is the first one behind it then. A report that turns out to be empty (no
	 * thread, no message) is dropped by the caller.
	 */
	void (*read)(struct lines *lines, struct trace *trace);
};

/* By enum trace_format. No name: there is none yet. */
extern const struct trace_reader forkpoint_reader, crashtracker_json_reader, macos_reader,
	crashtracker_reader, asan_reader, tsan_reader, fatal_error_reader, faulthandler_reader,
	coredumpctl_reader, eu_stack_reader, pystack_reader, py_spy_reader, lldb_reader, gdb_reader,
	rust_reader, glibc_reader, valgrind_reader, windows_reader, backtrace_reader, raw_reader,
	drawn_reader, message_reader;

/* Adding to a report */

/* The first value that is given for a key stays. */
void trace_add_fact(struct trace *trace, const char *key, struct piece value);
/*
 * A line to what the process wrote, its last 64 KiB. While it is read, crash->message is empty or
 * not, and need not be up to date.
 */
void trace_add_message(struct trace *trace, struct piece line);
/*
 * Another report that the same lines hold, for a text whose reports cannot be told apart by lines
 * (an array in JSON). `trace` is the one before it, and has none behind it yet.
 */
struct trace *trace_add_next(struct trace *trace);
/* A thread at the end; NULL: there are too many, and the report is incomplete. */
struct crash_thread *trace_add_thread(struct trace *trace);
/*
 * A frame at the end of a thread. Beyond the first and last of them (TRACE_FRAMES_*) they are left
 * out, in the middle; beyond TRACE_ALL_FRAMES_MAX, at the end: the thread does not have it then,
 * but one frame at least. `thread` NULL: NULL. Never keep the pointer over the next one.
 */
struct crash_frame *trace_add_frame(struct trace *trace, struct crash_thread *thread);

/* When a reader has come to its end: for trace.c. */
void trace_settle(struct trace *trace);

/*
 * A name as the report has it: demangled if it is mangled, and exact. Blank, "??" and "<unknown>"
 * are no name.
 */
void frame_name(struct crash_frame *frame, struct piece name);
/* "path:line" or "path:line:column" or a path alone. */
void frame_source(struct crash_frame *frame, struct piece source);
void frame_module(struct crash_frame *frame, struct piece module);
/* Of the module; what is too long for one, or no hexadecimal digits, is none. */
void frame_build_id(struct crash_frame *frame, struct piece id);
/*
 * Call it when the last frame of a thread is filled in. If it has the address of the one before it,
 * under another name, that one is inlined in it. (Under the same name, it calls itself.)
 */
void frame_mark_inlined(struct crash_thread *thread);
/*
 * Of the stack of a signal's handler, how many innermost frames are its own, the signal's in libc
 * included: 0 if that is not found among the first few.
 */
size_t frames_of_handler(const struct crash_frame *frames, size_t n);
/* They are taken away. */
void thread_drop_handler(struct crash_thread *thread);
/* "SIGSEGV", "SEGV", "segmentation fault", "11": its number; 0: not known. */
int signal_number(struct piece name);

/* triage/standing.c: where a thread stands, by the innermost names on its stack. */

/* Is it inside abort()? That is no place to wait in: it dies of SIGABRT. */
bool thread_aborts(const struct crash_thread *thread);
/* Is it in a call in which threads wait, for a lock, time or input? It does not crash then. */
bool thread_waits(const struct crash_thread *thread);
/* Where nobody has said what happened: what shows by where its first thread stands. */
void crash_settle_kind(struct crash *crash);
/*
 * For tools that do not tell which thread it is about: marks it. Of a crash it is the one that
 * aborts, or does not wait; then, and of a process, who has the GIL, else `otherwise` (NULL: the
 * first). One without frames only if there is no other: of a forked child, Python may know a thread
 * by its parent's number, and the tool finds no stack of that.
 */
void crash_find_culprit(struct crash *crash, struct crash_thread *otherwise);

#endif
