/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `py-spy dump`, with --native and --locals or without.
 *
 *	Process 22218: python3 t.py
 *	Python v3.12.1 (/usr/bin/python3.12)
 *
 *	Thread 22218 (active+gil): "MainThread"
 *	    clock_nanosleep (libc.so.6)
 *	    main (t.py:10)
 *	        Arguments:
 *	            n: 0
 */
#include <string.h>

#include "triage/readers.h"

#define FRAME_INDENT 4

static size_t indent(struct piece line)
{
	size_t n = 0;

	while (n < line.len && line.s[n] == ' ')
		n++;
	return n;
}

static bool is_process(struct piece text, uint64_t *pid)
{
	return take_text(&text, "Process ") && take_decimal(&text, pid) &&
	       take_text(&text, ": ") && piece_trim(text).len;
}

static bool is_version(struct piece text)
{
	return take_text(&text, "Python v") && piece_has(text, ".");
}

struct heading {
	uint64_t tid;
	struct piece state, name;
};

/* "Thread 0x7F12 (idle): "name"": a thread id of Linux is decimal, another's hexadecimal. */
static bool is_thread(struct piece text, struct heading *heading)
{
	uint64_t id;

	*heading = (struct heading){ .tid = 0 };
	text = piece_trim(text);
	if (!take_text(&text, "Thread "))
		return false;
	/* Of what people tell again, the number is left out. */
	if (!piece_starts(text, "(") && !take_hex(&text, false, &id) &&
	    !take_decimal(&text, &heading->tid))
		return false;
	take_blanks(&text);
	if (!take_text(&text, "(") || !take_until(&text, ")", &heading->state) ||
	    !(piece_starts(heading->state, "active") || piece_starts(heading->state, "idle")))
		return false;
	if (take_text(&text, ": \"")) {
		heading->name = text;
		heading->name.len -= piece_ends(text, "\"");
		return true;
	}
	return !text.len || piece_is(text, ":");
}

/* "connect (urllib3/connection.py:812)" and nothing else. */
static bool is_python_frame(struct piece text)
{
	size_t open = piece_find(text, " (");
	struct piece name = { text.s, open }, place;
	uint64_t line;

	if (!open || open == text.len || !piece_ends(text, ")") || piece_has_char(name, ' '))
		return false;
	place = piece_from(text, open + strlen(" ("));
	place.len--;
	open = piece_find_last(place, ".py:");
	if (open == place.len)
		return false;
	piece_cut(&place, open + strlen(".py:"));
	return take_decimal(&place, &line) && !place.len;
}

/* Frames alone, two at least: whoever pasted them has left the thread's heading out. */
static bool is_headless(const struct lines *lines)
{
	return is_python_frame(piece_trim(lines->line)) &&
	       is_python_frame(piece_trim(lines_peek(lines, 1)));
}

static bool py_spy_begins(const struct lines *lines)
{
	struct piece text = lines->line;
	struct heading heading;
	uint64_t pid;

	take_blanks(&text);
	if (!text.len)
		return false;
	if (text.s[text.len - 1] == ')' && is_headless(lines))
		return true;
	if (*text.s == 'T')
		return is_thread(text, &heading);
	return *text.s == 'P' && is_process(text, &pid) &&
	       is_version(piece_trim(lines_peek(lines, 1)));
}

/* "Python v3.12.1 (/usr/bin/python3.12)" */
static void version_read(struct trace *trace, struct piece text)
{
	struct piece release, program;

	take_text(&text, "Python v");
	if (!take_until(&text, " (", &release)) {
		trace_add_fact(trace, FACT_PYTHON, text);
		return;
	}
	trace_add_fact(trace, FACT_PYTHON, release);
	program = text;
	program.len -= piece_ends(text, ")");
	trace_add_fact(trace, FACT_PROGRAM, program);
}

static void process_read(struct trace *trace, struct piece text, uint64_t pid)
{
	struct piece number;

	trace->crash->pid = (pid_t)(pid & INT32_MAX);
	if (take_until(&text, ": ", &number))
		trace_add_fact(trace, "command line", text);
}

static struct crash_thread *thread_read(struct trace *trace, const struct heading *heading)
{
	struct crash_thread *thread = trace_add_thread(trace);

	if (!thread)
		return NULL;
	thread->tid = (pid_t)(heading->tid & INT32_MAX);
	thread->pid = trace->crash->pid;
	thread->has_gil = piece_has(heading->state, "gil");
	if (heading->name.len)
		thread->name = piece_copy(heading->name);
	return thread;
}

static bool is_python_file(struct piece file)
{
	return piece_ends(file, ".py") || piece_starts(file, "<");
}

/* "..." where somebody has left frames out, and what is no frame at all. */
static bool is_left_out(struct piece text)
{
	return piece_is(text, "...") || piece_is(text, "[...]") || piece_has(text, "→");
}

/* "main (t.py:10)", "clock_nanosleep (libc.so.6)", "0x7f1fa744524a (libc.so.6)" */
static void frame_read(struct trace *trace, struct crash_thread *thread, struct piece text)
{
	size_t open = piece_find_last(text, " ("), colon;
	struct piece name = { text.s, open }, place = { NULL, 0 };
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece file, digits = name;
	uint64_t pc;

	if (!frame)
		return;
	if (open < text.len && piece_ends(text, ")"))
		place = (struct piece){ text.s + open + 2, text.len - open - 3 };
	else
		trace->incomplete = true;
	if (take_hex(&digits, false, &pc) && !digits.len)
		frame->pc = pc;
	else
		frame_name(frame, name);
	colon = piece_find_last(place, ":");
	file = (struct piece){ place.s, colon };
	frame->python = is_python_file(file);
	if (frame->python || colon < place.len)
		frame_source(frame, place);
	else
		frame_module(frame, place);
}

/* False: it is not of this report any more. */
static bool take_line(struct trace *trace, struct piece line, struct crash_thread **thread,
		      size_t *frames_at)
{
	struct piece text = piece_trim(line);
	struct heading heading;
	uint64_t pid;
	size_t at = indent(line);

	if (!text.len)
		return true;
	if (is_process(text, &pid)) {
		if (trace->crash->pid || trace->crash->nthreads)
			return false;
		process_read(trace, text, pid);
		return true;
	}
	if (is_version(text) && !trace->crash->nthreads) {
		version_read(trace, text);
		return true;
	}
	if (is_thread(text, &heading)) {
		*thread = thread_read(trace, &heading);
		*frames_at = at + FRAME_INDENT;
		return true;
	}
	if (at == *frames_at && trace->crash->nthreads && is_left_out(text))
		trace->incomplete = true;
	else if (at == *frames_at && trace->crash->nthreads)
		frame_read(trace, *thread, text);
	return at >= *frames_at; /* deeper: arguments and locals */
}

/* NULL: none is called so. */
static struct crash_thread *main_thread(const struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].name && !strcmp(crash->threads[i].name, "MainThread"))
			return &crash->threads[i];
	return NULL;
}

static void headless_read(struct lines *lines, struct trace *trace)
{
	const struct heading none = { .tid = 0 };
	struct crash_thread *thread = thread_read(trace, &none);

	trace->incomplete = true;
	for (; lines->line.s && is_python_frame(piece_trim(lines->line)); lines_next(lines))
		frame_read(trace, thread, piece_trim(lines->line));
	if (thread)
		thread->culprit = true;
}

static void py_spy_read(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread = NULL;
	size_t frames_at = FRAME_INDENT;

	trace->crash->kind = CRASH_KIND_LOOK;
	if (is_headless(lines)) {
		headless_read(lines, trace);
		return;
	}
	while (lines->line.s && take_line(trace, lines->line, &thread, &frames_at))
		lines_next(lines);
	crash_find_culprit(trace->crash, main_thread(trace->crash));
}

const struct trace_reader py_spy_reader = { "py-spy", py_spy_begins, py_spy_read };
