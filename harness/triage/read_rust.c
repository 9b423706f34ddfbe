/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Rust's standard library writes of a panic, in its forms before 1.73 and since:
 *
 *	thread 'main' panicked at 'it broke', src/main.rs:1:28
 *
 *	thread 'worker' (123) panicked at src/main.rs:1:28:
 *	it broke
 *	stack backtrace:
 *	   0: rust_begin_unwind
 *	             at /rustc/0123456789/library/std/src/panicking.rs:689:5
 *	   1:     0x55d0c5ebf1fa - probe::inner::h0123456789abcdef
 *	note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
 *	fatal runtime error: Rust cannot catch foreign exceptions, aborting
 *
 * A panic is a finding: the program may go on. It is a crash where it is said to abort.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/shell_line.h"

/* Lines of one message. */
#define SAID_MAX 64
/* So far ahead the end of a message is looked for. */
#define PEEK_MAX 16

static bool panic_heading(struct piece line, struct piece *thread, struct piece *rest)
{
	struct piece p = piece_trim(line);
	uint64_t id;

	if (!take_text(&p, "thread '") || !take_until(&p, "' ", thread))
		return false;
	if (take_text(&p, "(") && !(take_decimal(&p, &id) && take_text(&p, ") ")))
		return false;
	*rest = p;
	return take_text(rest, "panicked at ");
}

static bool is_runtime_error(struct piece line)
{
	return piece_starts(piece_trim(line), "fatal runtime error: ");
}

/* Said after a panic that is the last. */
static bool is_abort(struct piece line)
{
	line = piece_trim(line);
	return is_runtime_error(line) || piece_ends(line, "panic. aborting.") ||
	       piece_starts(line, "thread panicked while ");
}

static bool rust_begins(const struct lines *lines)
{
	struct piece thread, rest, line = piece_trim(lines->line);

	if (!line.len || (*line.s != 't' && *line.s != 'f' && *line.s != 's'))
		return false;
	return panic_heading(line, &thread, &rest) || is_runtime_error(line) ||
	       piece_is(line, "stack backtrace:");
}

static bool is_note(struct piece line)
{
	return piece_starts(piece_trim(line), "note: ");
}

static bool ends_message(struct piece line)
{
	return piece_is(piece_trim(line), "stack backtrace:") || is_note(line) || is_abort(line);
}

/* A message may have any number of lines; their number is known where its end is marked. */
static size_t lines_of_message(const struct lines *lines)
{
	struct lines ahead = *lines;

	for (size_t n = 0; n < PEEK_MAX && ahead.line.s; n++, lines_next(&ahead))
		if (ends_message(ahead.line))
			return n;
	return 1;
}

static void take_message(struct lines *lines, struct trace *trace)
{
	for (size_t n = lines_of_message(lines); n && lines->line.s; n--, lines_next(lines))
		if (!piece_is_blank(lines->line))
			trace_add_message(trace, lines->line);
}

/* "message', src/main.rs:1:28" at its end, perhaps some lines later. */
static bool old_end(struct piece line, struct piece *place)
{
	size_t at = piece_find_last(line, "', ");

	if (at == line.len)
		return false;
	*place = (struct piece){ line.s + at + 3, line.len - at - 3 };
	return true;
}

static struct piece read_panic(struct lines *lines, struct trace *trace, struct piece rest)
{
	struct piece place = { NULL, 0 };

	trace_add_message(trace, lines->line);
	if (!piece_starts(rest, "'") && piece_ends(rest, ":")) {
		lines_next(lines);
		take_message(lines, trace);
		return (struct piece){ rest.s, rest.len - 1 };
	}
	if (!old_end(rest, &place)) {
		for (size_t n = 0; n < SAID_MAX && lines_next(lines); n++) {
			if (ends_message(lines->line))
				return (struct piece){ NULL, 0 };
			trace_add_message(trace, lines->line);
			if (old_end(lines->line, &place))
				break;
		}
	}
	lines_next(lines);
	return place;
}

/* "   0: name" or "   0:     0x55d0c5ebf1fa - name" */
static bool frame_line(struct piece line, uint64_t *pc, struct piece *name)
{
	struct piece p = piece_trim(line), named;
	uint64_t number;

	*pc = 0;
	if (!take_decimal(&p, &number) || !take_text(&p, ": "))
		return false;
	take_blanks(&p);
	*name = named = p;
	if (take_hex(&named, false, pc) && (take_text(&named, " - ") || !named.len))
		*name = named;
	return true;
}

static void add_frame(struct trace *trace, struct crash_thread *thread, uint64_t pc,
		      struct piece name)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);

	frame->pc = pc;
	frame_name(frame, name);
	frame_mark_inlined(thread);
}

static bool at_backtrace(const struct lines *lines)
{
	return lines->line.s && piece_is(piece_trim(lines->line), "stack backtrace:");
}

static void read_backtrace(struct lines *lines, struct trace *trace, struct crash_thread *thread)
{
	struct crash_frame *last = NULL;

	if (!at_backtrace(lines))
		return;
	while (lines_next(lines)) {
		struct piece p = piece_trim(lines->line), name;
		uint64_t pc;

		if (frame_line(p, &pc, &name)) {
			add_frame(trace, thread, pc, name);
			last = &thread->frames[thread->nframes - 1];
		} else if (take_text(&p, "at ")) {
			/* A further one is that of a call inlined there, whose name is not told. */
			if (!thread->left_out)
				frame_source(last, p);
		} else if (!piece_starts(p, "[... omitted ")) {
			break;
		}
	}
}

/* Notes, and what is said if it aborts. */
static void read_end(struct lines *lines, struct trace *trace)
{
	for (size_t n = 0; n < SAID_MAX && lines->line.s; n++, lines_next(lines)) {
		if (is_abort(lines->line)) {
			trace_add_message(trace, piece_trim(lines->line));
			trace->crash->kind = CRASH_KIND_SIGNAL;
			trace->crash->signo = SIGABRT;
		} else if (!is_note(lines->line)) {
			break;
		}
	}
}

/* A panic that came while the one before it unwound the stack, and met what it must not leave. */
static bool is_second(const struct lines *lines, struct piece name, struct piece *rest)
{
	struct piece thread, what = lines_peek(lines, 1);

	return panic_heading(lines->line, &thread, rest) && what.s && thread.len == name.len &&
	       !memcmp(thread.s, name.s, name.len) &&
	       (piece_starts(piece_trim(what), "panic in a function that cannot unwind") ||
		piece_starts(piece_trim(what), "panic in a destructor during cleanup"));
}

/* The same thread's, right behind: one crash. */
static void read_second(struct lines *lines, struct trace *trace, struct piece name)
{
	struct lines ahead = *lines;
	struct crash_thread *thread;
	struct piece rest;

	if (ahead.line.s && piece_is_blank(ahead.line))
		lines_next(&ahead);
	if (!name.len || !ahead.line.s || !is_second(&ahead, name, &rest))
		return;
	*lines = ahead;
	read_panic(lines, trace, rest);
	read_end(lines, trace);
	if (!at_backtrace(lines))
		return;
	thread = trace_add_thread(trace);
	thread->role = xstrdup("second panic");
	read_backtrace(lines, trace, thread);
	read_end(lines, trace);
}

static void read_shell(struct lines *lines, struct trace *trace)
{
	int signo = shell_take(lines, trace);

	if (!signo)
		return;
	trace->crash->kind = CRASH_KIND_SIGNAL;
	trace->crash->signo = signo;
}

static void rust_read(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread;
	struct piece name = { NULL, 0 }, rest, place = { NULL, 0 };

	trace->crash->kind = CRASH_KIND_LOOK;
	if (panic_heading(lines->line, &name, &rest)) {
		trace->crash->kind = CRASH_KIND_FINDING;
		trace->crash->finding = xstrdup("panic");
		place = read_panic(lines, trace, rest);
	}
	read_end(lines, trace);
	if (!place.len && !at_backtrace(lines)) {
		read_shell(lines, trace);
		return;
	}
	thread = trace_add_thread(trace);
	thread->culprit = true;
	if (name.len && !piece_is(name, "<unnamed>"))
		thread->name = piece_copy(name);
	read_backtrace(lines, trace, thread);
	/* Without its stack, the place of the panic is the only one that is told. */
	if (!thread->nframes)
		frame_source(trace_add_frame(trace, thread), place);
	read_end(lines, trace);
	read_second(lines, trace, name);
	read_shell(lines, trace);
}

const struct trace_reader rust_reader = { "rust", rust_begins, rust_read };
