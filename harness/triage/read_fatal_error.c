/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that has found out that it is wrong, and says so: Py_FatalError() and CPython's debug
 * allocator, and assertions in C, CPython's or others'.
 *
 *	Fatal Python error: _PyMem_DebugMalloc: Python memory allocator called without the GIL
 *	Python runtime state: finalizing (tstate=0x00007f0000001000)
 *
 *	python: Python/pystate.c:345: unbind: Assertion `tstate != NULL' failed.
 *
 *	Debug memory block at address p=0x7f0000001000: API 'm'
 *	    10 bytes originally requested
 *
 * What is said is the message, line by line; the stacks that follow are in python_dump.h.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/python_dump.h"
#include "triage/python_lines.h"
#include "triage/shell_line.h"

/* Of one report. More would be somebody else's. */
#define SAID_MAX 200

/* "Assertion `x' failed", glibc's; with other quotes, CPython's; macOS: "Assertion failed: (". */
static bool is_assertion(struct piece line)
{
	size_t at = piece_find(line, "Assertion ");
	struct piece p = { line.s + at, line.len - at };

	if (at == line.len)
		return false;
	take_text(&p, "Assertion ");
	if (at == 0 && piece_starts(p, "failed: ("))
		return true;
	return (piece_starts(p, "`") || piece_starts(p, "'") || piece_starts(p, "\"")) &&
	       piece_has(p, " failed") && at > 2 && line.s[at - 2] == ':';
}

static bool is_fatal(struct piece line)
{
	struct piece what;

	return (python_fatal(line, &what) && !python_fatal_signal(what)) ||
	       piece_has(line, "_enter_buffered_busy: could not acquire lock");
}

static bool fatal_error_begins(const struct lines *lines)
{
	return is_fatal(lines->line) || is_assertion(lines->line) ||
	       piece_starts(piece_trim(lines->line), "Debug memory block at address p=");
}

/* Lines that belong to what is said before the stacks. */
static bool is_said(struct piece line)
{
	static const char *const begins[] = {
		"Python runtime state: ", "Enable tracemalloc to get", "Memory block allocated at",
		"object address ", "object refcount ", "object type ", "object type name:",
		"object repr ", "<object at ", "Debug memory block", "Traceback (most recent call last)",
		"    ",
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (piece_starts(line, begins[i]))
			return true;
	return is_fatal(line) || is_assertion(line);
}

static void said_facts(struct piece line, struct trace *trace)
{
	windows_exception(line, trace);
	if (take_text(&line, "Python runtime state: "))
		trace_add_fact(trace, "runtime state", line);
}

/* The stack of an allocation, or an exception's: not where it died. Up to the next blank line. */
static bool is_other_stack(struct piece line)
{
	return piece_starts(line, "Memory block allocated at") ||
	       piece_starts(line, "Traceback (most recent call last)");
}

/* Is there more to come behind the current, blank line? */
static bool goes_on(const struct lines *lines)
{
	struct piece next = lines_peek(lines, 1);

	return next.s && is_said(next);
}

static void read_said(struct lines *lines, struct trace *trace)
{
	bool other = false;

	for (size_t n = 0; lines->line.s && n < SAID_MAX; n++, lines_next(lines)) {
		struct piece line = lines->line;

		if (piece_is_blank(line)) {
			other = false;
			if (!goes_on(lines))
				return;
			continue;
		}
		if (n && python_dump_begins(line) && !other)
			return;
		if (n && !other && !is_said(line))
			return;
		trace_add_message(trace, line);
		said_facts(line, trace);
		other = is_other_stack(line) || (other && *line.s == ' ');
	}
}

/* "int f<T>(T *)" or "f": the word before the arguments. */
static struct piece bare_function(struct piece name)
{
	size_t end = piece_find(name, "(");
	struct piece head = { name.s, end };
	size_t blank = piece_find_last(head, " ");

	if (end == name.len || blank == head.len)
		return head;
	head = (struct piece){ head.s + blank + 1, head.len - blank - 1 };
	while (take_text(&head, "*") || take_text(&head, "&"))
		;
	return head;
}

/* "Python/pystate.c:345: unbind: Assertion …" says where; perhaps nothing else does. */
static void assertion_frame(struct piece line, struct trace *trace)
{
	struct crash_thread *thread;
	struct crash_frame *frame;
	struct piece file, program = { NULL, 0 }, p = piece_trim(line);
	uint64_t number = 0;

	p.len = piece_find(p, ": Assertion ");
	if (!take_until(&p, ":", &file))
		return;
	/* "python: " before it: what failed. */
	if (piece_starts(p, " ")) {
		program = file;
		take_blanks(&p);
		if (!take_until(&p, ":", &file))
			return;
	}
	if (!take_decimal(&p, &number) || !take_text(&p, ": "))
		return;
	trace_add_fact(trace, FACT_PROGRAM, program);
	thread = trace_add_thread(trace);
	frame = trace_add_frame(trace, thread);
	thread->culprit = true;
	frame_name(frame, bare_function(p));
	frame_source(frame, file);
	frame->line = number <= INT32_MAX ? (int)number : 0;
}

static void fatal_error_read(struct lines *lines, struct trace *trace)
{
	struct crash *crash = trace->crash;
	struct piece first = lines->line, what;

	read_said(lines, trace);
	python_dump_read(lines, trace);
	/* At its start, CPython exits with a status instead. */
	if (!crash->signo && !(python_fatal(first, &what) && piece_starts(what, "init_")))
		crash->signo = SIGABRT;
	shell_take(lines, trace);
	if (!crash->nthreads && is_assertion(first))
		assertion_frame(first, trace);
}

const struct trace_reader fatal_error_reader = {
	"fatal-error", fatal_error_begins, fatal_error_read,
};
