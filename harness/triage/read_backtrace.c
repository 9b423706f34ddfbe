/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks that programs and their libraries write of themselves, and what they say before them:
 *
 *	[host:79] *** Process received signal ***
 *	[host:79] Signal: Segmentation fault (11)
 *	[host:79] Failing at address: 0x41
 *	[host:79] [ 0] /lib/libc.so.6(+0x3f040)[0x7f0000003040]
 *	[host:79] *** End of error message ***
 *
 *	#  SIGSEGV (0xb) at pc=0x00007f0000001149, pid=12, tid=13
 *	# Problematic frame:
 *	# C  [libprobe.so+0x1149]  probe_get+0x39
 *
 * Their frames are in backtrace_line.h. Without such words two frames in a row are a report.
 */
#include <signal.h>
#include <string.h>

#include "triage/backtrace_line.h"
#include "triage/symbols_line.h"

/* Lines of what is said. */
#define SAID_MAX 60

/* "Signal: Segmentation fault (11)", "Received signal 11 SEGV_MAPERR 000000000008", … */
static int said_signal(struct piece text)
{
	struct piece before, word;
	uint64_t number;
	size_t open;

	if (take_text(&text, "Signal: ")) {
		open = piece_find_last(text, "(");
		if (open == text.len)
			return 0;
		piece_cut(&text, open + 1);
		return take_decimal(&text, &number) && piece_is(text, ")") && number < 128 ?
		       (int)number : 0;
	}
	if (piece_has_char(text, '*') && piece_has(text, "*** Check failure stack trace: ***"))
		return SIGABRT;
	if (take_text(&text, "Received signal ") || take_text(&text, "Caught signal ") ||
	    (*text.s == '[' && take_until(&text, " Caught signal ", &before)))
		return take_decimal(&text, &number) && take_text(&text, " ") && number < 128 ?
		       (int)number : 0;
	if (take_text(&text, "#  SIG") && take_word(&text, &word) && piece_has(text, " at pc=0x"))
		return signal_number(word);
	return 0;
}

static bool is_heading(struct piece text)
{
	return (piece_has_char(text, '*') && piece_has(text, "*** Process received signal ***")) ||
	       (text.len && said_signal(text));
}

/* What stands between a heading and the frames. */
static bool is_said(struct piece text)
{
	static const char *const begins[] = {
		"Signal code: ", "Failing at address: ", "Associated errno: ", "# ", "#\n",
		"==== backtrace (", "*** ", "Native frames: ", "PC: @",
	};

	if (piece_is(text, "#") || is_heading(text))
		return true;
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (piece_starts(text, begins[i]))
			return true;
	return false;
}

static bool backtrace_begins(const struct lines *lines)
{
	struct backtrace_frame frame;
	struct piece text = backtrace_text(lines->line);
	enum backtrace_style style;

	if (text.len < 6)
		return false;
	if (is_heading(text))
		return true;
	style = backtrace_line(lines->line, &frame);
	if (style == BACKTRACE_NONE)
		return false;
	return backtrace_line(lines_peek(lines, 1), &frame) == style;
}

static void read_said(struct lines *lines, struct trace *trace)
{
	struct crash *crash = trace->crash;
	struct backtrace_frame frame;

	for (size_t n = 0; lines->line.s && n < SAID_MAX; n++, lines_next(lines)) {
		struct piece text = backtrace_text(lines->line), before;

		/* A frame may stand in the words themselves. */
		if (backtrace_line(lines->line, &frame) && !(!n && is_heading(text)))
			return;
		if (!is_said(text) && (text.len || !n))
			return;
		if (!text.len)
			continue;
		trace_add_message(trace, text);
		if (!crash->signo)
			crash->signo = said_signal(text);
		if (!crash->has_addr && (take_text(&text, "Failing at address: ") ||
					 take_until(&text, " at address ", &before)))
			crash->has_addr = take_hex(&text, false, &crash->addr);
	}
}

static void add_frame(struct trace *trace, struct crash_thread *thread,
		      const struct backtrace_frame *from)
{
	struct crash_frame *frame;

	if (from->symbols.s) {
		symbols_line_add(trace, thread, from->symbols);
		return;
	}
	frame = trace_add_frame(trace, thread);
	if (!frame)
		return;
	frame->pc = from->pc;
	frame->module_offset = from->module_offset;
	frame_module(frame, from->module);
	frame_source(frame, from->source);
	if (!piece_is(from->name, "(unknown)"))
		frame_name(frame, from->name);
	if (frame->function)
		frame->offset = from->offset;
	frame_mark_inlined(thread);
}

/* What writes a stack down is innermost in it, where nobody has left it out. */
static bool is_written_by_handler(const struct crash_thread *thread)
{
	static const char *const words[] = { "StackTrace", "SignalHandler", "stacktrace" };
	const char *name = thread->nframes ? thread->frames[0].function : NULL;

	for (size_t i = 0; name && i < sizeof(words) / sizeof(*words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

/* Open MPI and others begin with the signal's frame itself. */
static void drop_handler(const struct crash *crash, struct crash_thread *thread)
{
	bool told = crash->signo && crash->signo != SIGABRT;

	if (told || is_written_by_handler(thread))
		thread_drop_handler(thread);
}

/* The JVM's account has its frames once more, and all of them, far below. */
static void skip_to_native_frames(struct lines *lines)
{
	struct lines ahead = *lines;

	while (lines_next(&ahead))
		if (piece_starts(ahead.line, "Native frames: ")) {
			lines_next(&ahead);
			*lines = ahead;
			return;
		} else if (piece_starts(ahead.line, "#  SIG")) {
			return;
		}
}

static void read_frames(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread = NULL;
	struct backtrace_frame frame;
	enum backtrace_style style = BACKTRACE_NONE, next;

	for (; lines->line.s; lines_next(lines)) {
		next = backtrace_line(lines->line, &frame);
		if (next == BACKTRACE_NONE || (thread && next != style))
			break;
		style = next;
		if (!thread) {
			thread = trace_add_thread(trace);
			thread->culprit = true;
		}
		add_frame(trace, thread, &frame);
	}
	if (thread)
		drop_handler(trace->crash, thread);
	if (lines->line.s && piece_has(lines->line, "*** End of error message ***"))
		lines_next(lines);
}

static void backtrace_read(struct lines *lines, struct trace *trace)
{
	bool jvm = piece_starts(lines->line, "#  SIG");
	struct lines at;

	read_said(lines, trace);
	at = *lines;
	if (jvm)
		skip_to_native_frames(lines);
	read_frames(lines, trace);
	if (jvm && !trace->crash->nthreads) {
		*lines = at;
		read_frames(lines, trace);
	}
	crash_settle_kind(trace->crash);
}

const struct trace_reader backtrace_reader = {
	"backtrace", backtrace_begins, backtrace_read,
};
