/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/failure_handler.h"

#include <stdlib.h>
#include <string.h>

/* "*** SIGSEGV received …", "*** SIGSEGV (@0x8) received …": what is behind the signal. */
static int heading_signal(struct piece line, struct piece *rest)
{
	struct piece before, name;

	if (!take_until(&line, "*** SIG", &before) || !piece_has(line, " received ") ||
	    !take_word(&line, &name))
		return 0;
	*rest = line;
	return signal_number(name);
}

bool failure_handler_begins(struct piece line)
{
	struct piece rest;

	return heading_signal(line, &rest) != 0;
}

bool failure_handler_frame(struct piece line, uint64_t *pc, struct piece *name)
{
	struct piece before, word, rest;
	uint64_t size;

	if (!piece_has_char(line, '@') || !take_until(&line, "@ ", &before))
		return false;
	take_blanks(&line);
	if (!take_hex(&line, false, pc))
		return false;
	*name = rest = piece_trim(line);
	/* The size of the frame, if it is told at all. */
	if (take_word(&rest, &word) && !piece_is_blank(rest) &&
	    (piece_is(word, "(unknown)") || take_decimal(&word, &size)))
		*name = piece_trim(rest);
	if (piece_is(*name, "(unknown)"))
		name->len = 0;
	return true;
}

static void read_frame(struct trace *trace, struct crash_thread *thread, uint64_t pc,
		       struct piece name)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);

	frame->pc = pc;
	frame_name(frame, name);
}

enum place { IN_HANDLER, AT_SIGNAL, BEHIND };

/* The handler's own frames come first, then the signal's, and then those it interrupted. */
static bool is_handlers(enum place *place, struct piece name)
{
	if (*place != BEHIND && (piece_has(name, "FailureSignalHandler") ||
				 piece_has(name, "WriteFailureInfo"))) {
		*place = AT_SIGNAL;
		return true;
	}
	if (*place == AT_SIGNAL && (!name.len || piece_has(name, "restore_rt"))) {
		*place = BEHIND;
		return true;
	}
	*place = BEHIND;
	return false;
}

static void read_heading(struct crash *crash, struct piece line)
{
	struct piece rest, before;
	uint64_t pid;

	crash->signo = heading_signal(line, &rest);
	if (take_until(&rest, " by PID ", &before)) {
		if (take_decimal(&rest, &pid) && pid <= INT32_MAX)
			crash->pid = (pid_t)pid;
		if (take_until(&before, "(@", &rest))
			crash->has_addr = take_hex(&before, false, &crash->addr);
	}
}

void failure_handler_read(struct lines *lines, struct trace *trace)
{
	enum place place = IN_HANDLER;
	struct crash_thread *thread;
	struct piece name;
	uint64_t pc;

	read_heading(trace->crash, piece_trim(lines->line));
	trace_add_message(trace, lines->line);
	thread = trace_add_thread(trace);
	thread->culprit = true;
	while (lines_next(lines) && failure_handler_frame(lines->line, &pc, &name)) {
		bool first = piece_has(lines->line, "PC: @");

		/* Where it was is told once more where the stack comes to it. */
		if (!first && (is_handlers(&place, name) ||
			       (thread->nframes == 1 && thread->frames->pc == pc)))
			continue;
		read_frame(trace, thread, pc, name);
	}
}
