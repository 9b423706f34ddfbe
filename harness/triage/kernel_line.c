/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/kernel_line.h"

#include <signal.h>

/* What is said behind "name[123]:" or "traps: name[123]", and the signal it comes to. */
static const struct fault_word {
	const char *word;
	int signo;
} fault_words[] = {
	{ "]: segfault at ", SIGSEGV },
	{ "] general protection ", SIGSEGV },
	{ "] trap invalid opcode ", SIGILL },
	{ "] trap divide error ", SIGFPE },
	{ "] trap int3 ", SIGTRAP },
	{ "] trap stack segment ", SIGBUS },
};

static const struct fault_word *fault_word(struct piece line, size_t *at)
{
	for (size_t i = 0; i < sizeof(fault_words) / sizeof(*fault_words); i++) {
		*at = piece_find(line, fault_words[i].word);
		if (*at < line.len)
			return &fault_words[i];
	}
	return NULL;
}

bool kernel_line_begins(struct piece line)
{
	size_t at;

	return (piece_has(line, " ip ") || piece_has(line, " ip:")) && fault_word(line, &at);
}

/* "ip 00007f…" or "ip:7f…", behind a blank. */
static bool number_of(struct piece line, const char *blank, const char *colon, uint64_t *value)
{
	struct piece before;

	return (take_until(&line, blank, &before) || take_until(&line, colon, &before)) &&
	       take_hex(&line, true, value);
}

/* "name[123", its beginning being behind the last blank before it or at the line's start. */
static void read_subject(struct piece head, struct trace *trace, struct crash_thread *thread)
{
	size_t bracket = piece_find_last(head, "["), blank;
	struct piece digits = { head.s + bracket + 1, head.len - bracket - 1 };
	struct piece name = { head.s, bracket };
	uint64_t tid;

	if (bracket == head.len || !take_decimal(&digits, &tid) || tid > INT32_MAX)
		return;
	thread->tid = trace->crash->tid = (pid_t)tid;
	/* A thread's name may hold blanks; what logs put before it ends with one of these. */
	blank = piece_find_last(name, ": ");
	if (blank == name.len)
		blank = piece_find_last(name, "] ");
	if (blank < name.len)
		name = (struct piece){ name.s + blank + 2, name.len - blank - 2 };
	if (name.len && *name.s == '[' && piece_has(name, "] "))
		take_until(&name, "] ", &digits);
	if (!piece_is_blank(name))
		thread->name = piece_copy(piece_trim(name));
}

/*
 * "libfoo.so[7f0000000000+5000]". Without the place in the file it is the distance from the mapping
 * that holds the instruction, which the kernel told; that need not be the object's first one.
 */
static void read_module(struct piece rest, struct crash_frame *frame)
{
	size_t bracket = piece_find_last(rest, "[");
	struct piece numbers = { rest.s + bracket + 1, rest.len - bracket - 1 };
	uint64_t first, start;

	if (bracket == rest.len || !take_hex(&numbers, true, &first))
		return;
	frame_module(frame, (struct piece){ rest.s, bracket });
	if (take_text(&numbers, ",") && take_hex(&numbers, true, &start)) {
		frame->module_offset = first;
		frame->offset_kind = OFFSET_OF_FILE;
	} else if (frame->pc >= first) {
		frame->module_offset = frame->pc - first;
		frame->offset_kind = OFFSET_OF_CODE;
	}
}

void kernel_line_read(struct piece line, struct trace *trace)
{
	struct crash *crash = trace->crash;
	size_t at;
	const struct fault_word *word = fault_word(line, &at);
	struct crash_thread *thread = trace_add_thread(trace);
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece rest = { line.s + at, line.len - at }, before;
	uint64_t error;

	crash->signo = word->signo;
	thread->culprit = true;
	read_subject((struct piece){ line.s, at }, trace, thread);
	crash->has_addr = number_of(rest, " segfault at ", " address ", &crash->addr);
	number_of(rest, " ip ", " ip:", &crash->pc);
	number_of(rest, " sp ", " sp:", &crash->sp);
	frame->pc = crash->pc;
	/* Bit 0 of x86's page fault: the page is there. */
	if (word->signo == SIGSEGV && crash->has_addr &&
	    number_of(rest, " error ", " error:", &error))
		crash->code = error & 1 ? SEGV_ACCERR : SEGV_MAPERR;
	if (take_until(&rest, " in ", &before))
		read_module(rest, frame);
}
