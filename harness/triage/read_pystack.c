/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pystack, of a process or a core. It prints the oldest frame first; here that is the last.
 *
 *	Core file information:
 *	state: t zombie: True niceness: 0
 *	pid: 24244 ppid: 23951 sid: 13212
 *	executable: python3 arguments: python3 t.py crash
 *
 *	The process died due receiving signal SIGSEGV
 *	Traceback for thread 24244 (python3) [Has the GIL] (most recent call last):
 *	    (C) File "Modules/main.c", line 739, in pymain_main (inlined) (libpython3.12.so.1.0)
 *	    (Python) File "/srv/t.py", line 9, in main
 *	        ctypes.string_at(0)
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/readers.h"

#define HEADING_END "(most recent call last):"

static bool is_thread(struct piece text, uint64_t *tid, struct piece *rest)
{
	text = piece_trim(text);
	if (!take_text(&text, "Traceback for thread ") || !take_decimal(&text, tid) ||
	    !piece_ends(text, HEADING_END))
		return false;
	*rest = (struct piece){ text.s, text.len - strlen(HEADING_END) };
	return true;
}

/* One whose thread's heading is cut off. */
static bool is_frame(struct piece text)
{
	return (piece_starts(text, "(C) File \"") || piece_starts(text, "(Python) File \"")) &&
	       piece_has(text, "\", line ") && piece_has(text, ", in ");
}

static bool pystack_begins(const struct lines *lines)
{
	struct piece text = piece_trim(lines->line), rest;
	uint64_t tid;

	if (!text.len)
		return false;
	if (*text.s == 'T')
		return is_thread(text, &tid, &rest);
	if (*text.s == '(')
		return is_frame(text);
	return piece_starts(text, "Core file information:") ||
	       piece_starts(text, "Using executable found in the core file: ");
}

/* " (name) [Has the GIL,Garbage collecting] " */
static struct crash_thread *thread_read(struct trace *trace, uint64_t tid, struct piece rest)
{
	struct crash_thread *thread = trace_add_thread(trace);
	size_t bracket = piece_find_last(rest, "[");
	struct piece name = piece_trim((struct piece){ rest.s, bracket });

	if (!thread)
		return NULL;
	thread->tid = (pid_t)(tid & INT32_MAX);
	thread->pid = trace->crash->pid;
	thread->has_gil = piece_has(rest, "Has the GIL");
	if (piece_has(rest, "Waiting for the GIL"))
		thread->wait.what = xstrdup("GIL");
	if (take_text(&name, "(") && piece_ends(name, ")"))
		thread->name = piece_copy((struct piece){ name.s, name.len - 1 });
	return thread;
}

/* "in name (inlined) (library)" of a C frame */
static void native_name(struct crash_frame *frame, struct piece text)
{
	size_t open = piece_find_last(text, " (");

	if (open < text.len && piece_ends(text, ")")) {
		frame_module(frame, (struct piece){ text.s + open + 2, text.len - open - 3 });
		text.len = open;
	}
	if (piece_ends(text, " (inlined)")) {
		text.len -= strlen(" (inlined)");
		frame->inlined = true;
	}
	frame_name(frame, text);
}

/* False: it is none. */
static bool frame_read(struct trace *trace, struct crash_thread *thread, struct piece text)
{
	bool python = take_text(&text, "(Python) File \"");
	struct crash_frame *frame;
	struct piece file;
	uint64_t line = 0;
	size_t at;

	if (!python && !take_text(&text, "(C) File \""))
		return false;
	at = piece_find_last(text, "\", line ");
	if (at == text.len) {
		trace->incomplete = true; /* it ends in the file's name */
		return true;
	}
	file = (struct piece){ text.s, at };
	at += strlen("\", line ");
	text = (struct piece){ text.s + at, text.len - at };
	frame = trace_add_frame(trace, thread);
	if (!frame)
		return true;
	frame->python = python;
	/* What it does not know is "???" in line 0, or the library in place of the source. */
	if (take_decimal(&text, &line) && line && line <= INT32_MAX) {
		frame->file = piece_copy(file);
		frame->line = (int)line;
	}
	if (!take_text(&text, ", in "))
		trace->incomplete = true;
	else if (python)
		frame_name(frame, text);
	else
		native_name(frame, text);
	return true;
}

/*
 * Oldest first no more. A long thread's newest frames are a ring (trace_add_frame()) that begins at
 * `first`, and trace_settle() still takes it for one.
 */
static void thread_turn(struct crash_thread *thread)
{
	size_t n = thread->nframes, first = thread->left_out % TRACE_FRAMES_LAST;
	struct crash_frame *copy;

	if (!n)
		return;
	copy = xcalloc(n, sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		size_t from = n - 1 - i;

		if (thread->left_out && from >= TRACE_FRAMES_FIRST)
			from = TRACE_FRAMES_FIRST +
			       (first + from - TRACE_FRAMES_FIRST) % TRACE_FRAMES_LAST;
		copy[i] = thread->frames[from];
	}
	for (size_t i = 0; i < n; i++) {
		size_t to = i;

		if (thread->left_out && to >= TRACE_FRAMES_FIRST)
			to = TRACE_FRAMES_FIRST +
			     (first + to - TRACE_FRAMES_FIRST) % TRACE_FRAMES_LAST;
		thread->frames[to] = copy[i];
	}
	free(copy);
}

/* "The process died due receiving signal SIGSEGV sent by pid 12" and its kin */
static bool failure_read(struct crash *crash, struct piece text)
{
	struct piece word;

	if (take_text(&text, "The process died due a segmentation fault accessing address: ")) {
		crash->kind = CRASH_KIND_SIGNAL;
		crash->signo = SIGSEGV;
		crash->has_addr = take_hex(&text, false, &crash->addr);
		return true;
	}
	if (take_text(&text, "The process died due receiving signal ")) {
		crash->kind = CRASH_KIND_SIGNAL;
		if (take_word(&text, &word))
			crash->signo = signal_number(word);
		return true;
	}
	return piece_starts(text, "The core file seems to have been generated on demand");
}

/* A line of the core's header. */
static bool core_read(struct trace *trace, struct piece text)
{
	struct piece word;
	uint64_t pid;

	if (take_text(&text, "pid: ") && take_decimal(&text, &pid)) {
		trace->crash->pid = (pid_t)(pid & INT32_MAX);
	} else if (take_text(&text, "executable: ")) {
		if (take_until(&text, " arguments: ", &word)) {
			trace_add_fact(trace, FACT_PROGRAM, word);
			trace_add_fact(trace, "command line", text);
		} else {
			trace_add_fact(trace, FACT_PROGRAM, text);
		}
	} else if (take_text(&text, "Using executable found in the core file: ")) {
		trace_add_fact(trace, FACT_PROGRAM, text);
	} else {
		return piece_starts(text, "state: ") || piece_starts(text, "uid: ") ||
		       piece_starts(text, "Core file information:");
	}
	return true;
}

/* False: the line is not the report's any more. */
static bool take_line(struct trace *trace, struct piece line, struct crash_thread **thread)
{
	struct piece text = piece_trim(line), rest;
	bool began = trace->crash->nthreads != 0;
	uint64_t tid;

	if (is_thread(text, &tid, &rest)) {
		if (*thread)
			thread_turn(*thread);
		*thread = thread_read(trace, tid, rest);
		return true;
	}
	if (!began && is_frame(text)) {
		*thread = trace_add_thread(trace);
		trace->incomplete = true;
	}
	if (frame_read(trace, *thread, text) || !text.len)
		return true;
	if (piece_is(text, "[...]") || piece_is(text, "...")) {
		trace->incomplete = true;
		return true;
	}
	if (!began && (core_read(trace, text) || failure_read(trace->crash, text)))
		return true;
	if (piece_starts(text, "* - Unable to merge native stack")) {
		trace->incomplete = true;
		return true;
	}
	return piece_starts(text, "The frame stack for thread ") ||
	       (began && (*line.s == ' ' || *line.s == '\t')); /* source, arguments, locals */
}

/* The last that it prints, if no number tells. */
static struct crash_thread *main_thread(const struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].tid == crash->pid)
			return &crash->threads[i];
	return crash->nthreads ? &crash->threads[crash->nthreads - 1] : NULL;
}

static void pystack_read(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread = NULL;

	trace->crash->kind = CRASH_KIND_LOOK;
	while (lines->line.s && take_line(trace, lines->line, &thread))
		lines_next(lines);
	if (thread)
		thread_turn(thread);
	crash_find_culprit(trace->crash, main_thread(trace->crash));
}

const struct trace_reader pystack_reader = { "pystack", pystack_begins, pystack_read };
