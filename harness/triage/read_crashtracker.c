/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash as the pages of libdatadog's crash tracker show it:
 *
 *	Error UnixSignal: Process terminated with SI_TKILL (SIGABRT)
 *	#0 0x0000ffffb293cb3c raise
 *	#1 0x0000ffffb2927e00 abort
 *	#2 0x0000ffffb1a4453c WraptFunctionWrapperBase_call (src/_wrappers.c:2455:14)
 *
 * The first line may be missing. Debuggers number their frames in the same way, so a stack alone is
 * taken for one of these only if nothing in it is theirs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/crashtracker.h"

/* Lines that may stand between the first one and the stack. */
#define HEADER_LINES 3

static bool take_header(struct piece line, struct piece *kind, struct piece *sentence)
{
	struct piece rest = piece_trim(line);

	*kind = (struct piece){ NULL, 0 };
	if (take_text(&rest, "Error ") && take_until(&rest, ": ", kind) && kind->len < 32 &&
	    !memchr(kind->s, ' ', kind->len)) {
		*sentence = rest;
		return true;
	}
	*kind = (struct piece){ NULL, 0 };
	*sentence = piece_trim(line);
	return piece_starts(*sentence, "Process terminated with ") && piece_has(*sentence, "(SIG");
}

/* "was merged": blanks stand within the brackets of a name. */
static bool is_prose(struct piece name)
{
	return name.len && memchr(name.s, ' ', name.len) && !memchr(name.s, '(', name.len) &&
	       !memchr(name.s, '<', name.len) && !memchr(name.s, '{', name.len) &&
	       !piece_has(name, "operator");
}

/* It has been written by nothing else: see the top. */
static bool is_own(struct piece line, struct crashtracker_line *parsed)
{
	if (!crashtracker_line_parse(line, parsed))
		return false;
	if (piece_has(parsed->name, " at ") || piece_has(parsed->name, " from ") ||
	    piece_has(parsed->name, " + 0x") || piece_has(parsed->name, " - 1"))
		return false;
	if (parsed->source.len)
		return true;
	if (!parsed->has_pc && is_prose(parsed->name))
		return false;
	/* Arguments are told by name or value there, and by their types here. */
	return !memchr(parsed->name.s ? parsed->name.s : "", '=', parsed->name.len) &&
	       !piece_ends(parsed->name, "()") && !piece_ends(parsed->name, ",") &&
	       !piece_ends(parsed->name, "(");
}

static bool stack_begins(const struct lines *lines)
{
	struct crashtracker_line first, second;
	struct piece next;

	if (!lines->line.len || *lines->line.s != '#' || !is_own(lines->line, &first))
		return false;
	next = lines_peek(lines, 1);
	if (next.s && piece_is(piece_trim(next), "[...]"))
		next = lines_peek(lines, 2);
	if (next.s && crashtracker_line_parse(next, &second) && second.n == first.n + 1)
		return is_own(next, &second);
	/* One line alone may stand in any text. */
	return first.source.len || (first.has_pc && first.name.len);
}

static bool stack_is_near(const struct lines *lines)
{
	struct crashtracker_line parsed;

	for (size_t i = 1; i <= HEADER_LINES; i++) {
		struct piece line = lines_peek(lines, i);

		if (!line.s)
			return false;
		if (crashtracker_line_parse(line, &parsed) && !parsed.n)
			return true;
	}
	return false;
}

static bool crashtracker_begins(const struct lines *lines)
{
	struct piece kind, sentence;

	if (!lines->line.len)
		return false;
	if (*lines->line.s == '#')
		return stack_begins(lines);
	if (!memchr("EP \t", *lines->line.s, 4) ||
	    !take_header(lines->line, &kind, &sentence))
		return false;
	return piece_has(sentence, "Process terminated with ") || stack_is_near(lines);
}

static void read_header(struct lines *lines, struct trace *trace)
{
	struct piece kind, sentence;
	size_t n = 0;

	if (!take_header(lines->line, &kind, &sentence))
		return;
	crashtracker_read_reason(trace, sentence);
	if (kind.len && !piece_is(kind, "UnixSignal"))
		trace->crash->finding = piece_copy(kind);
	lines_next(lines);
	if (!stack_is_near(lines))
		return;
	for (struct crashtracker_line parsed; n < HEADER_LINES && lines->line.s &&
	     !crashtracker_line_parse(lines->line, &parsed); n++) {
		if (!piece_is_blank(lines->line))
			trace_add_message(trace, lines->line);
		lines_next(lines);
	}
}

static void crashtracker_read(struct lines *lines, struct trace *trace)
{
	struct crashtracker_line parsed;
	struct piece first = piece_trim(lines->line);
	struct crash_thread *thread;

	read_header(lines, trace);
	if (!lines->line.s || !crashtracker_line_parse(lines->line, &parsed)) {
		/* The sentence is all there is. */
		trace->incomplete = true;
		if (!*trace->crash->message)
			trace_add_message(trace, first);
		return;
	}
	thread = trace_add_thread(trace);
	thread->culprit = true;
	crashtracker_read_frames(lines, trace, thread);
}

const struct trace_reader crashtracker_reader = {
	"crashtracker", crashtracker_begins, crashtracker_read,
};
