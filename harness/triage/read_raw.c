/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses with or without names, as people paste them out of a crash tracker's page:
 *
 *	0x7f6e81c51fb7 PyUnicode_AsUTF8AndSize
 *	0x7f6e81ccd60c
 *	0x7f6e769d7850 pycbc::Connection::open_bucket(_object*)
 *	0x7f6e769d7850 take_gil libpython3.12.so.1.0+0x1d2f10
 *	0x7f6e769d7850 _memalloc.cpython-312-x86_64-linux-gnu.so+0x4f10
 *	0x7f6e769d7850 PyOS_AfterFork_Child libpython3.12.so.1.0
 */

#include "triage/readers.h"

/* Shorter numbers are not taken for an address of a shared library. */
#define DIGITS_MIN 6

static bool is_frame(struct piece line, uint64_t *pc)
{
	struct piece rest = piece_trim(line);
	size_t len = rest.len;

	if (!take_hex(&rest, false, pc) || len - rest.len < DIGITS_MIN + 2)
		return false;
	/* Two numbers are a range: of gdb's `info proc mappings`, of `info sharedlibrary`. */
	return !rest.len || ((*rest.s == ' ' || *rest.s == '\t') &&
			     !piece_starts(piece_trim(rest), "0x"));
}

/* Two in a row, for one number alone may stand in any text. */
static bool raw_begins(const struct lines *lines)
{
	struct piece next = lines_peek(lines, 1);
	uint64_t pc;

	return is_frame(lines->line, &pc) && next.s && is_frame(next, &pc);
}

/* "libfoo.so.1+0x123" at the end, in brackets or not, and "libfoo.so.1" alone. */
static bool cut_module(struct piece *p, struct crash_frame *frame)
{
	size_t blank = piece_find_last(*p, " ");
	struct piece word = *p, module;
	uint64_t offset = 0;

	if (blank < p->len)
		word = (struct piece){ p->s + blank + 1, p->len - blank - 1 };
	p->len = blank < p->len ? blank : 0;
	take_text(&word, "(");
	if (!take_until(&word, "+", &module)) {
		word.len -= piece_ends(word, ")");
		module = word;
		if (!piece_has(word, ".so.") && !piece_ends(word, ".so"))
			return false;
	} else if (!piece_has(module, ".so") || !take_hex(&word, false, &offset)) {
		return false;
	}
	frame_module(frame, module);
	frame->module_offset = offset;
	return true;
}

static void raw_read(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread = trace_add_thread(trace);
	uint64_t pc;

	thread->culprit = true;
	for (; lines->line.s && is_frame(lines->line, &pc); lines_next(lines)) {
		struct crash_frame *frame = trace_add_frame(trace, thread);
		struct piece rest = piece_trim(lines->line), whole;

		frame->pc = pc;
		take_hex(&rest, false, &pc);
		rest = whole = piece_trim(rest);
		frame_name(frame, cut_module(&rest, frame) ? rest : whole);
	}
	crash_settle_kind(trace->crash);
}

const struct trace_reader raw_reader = { "raw", raw_begins, raw_read };
