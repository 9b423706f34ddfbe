/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/symbols_line.h"

/* Where the bracket opens that closes at the end: a demangled name has some of its own. */
static size_t open_find(struct piece p)
{
	size_t depth = 0;

	if (!piece_ends(p, ")"))
		return p.len;
	for (size_t i = p.len; i-- > 0;) {
		depth += p.s[i] == ')';
		if (p.s[i] == '(' && !--depth)
			return i;
	}
	return p.len;
}

/* "module(symbol+0x12)[0x7f…]" or "module(+0x12) [0x7f…]", as backtrace_symbols() has it. */
static bool symbols_frame(struct piece line, struct piece *module, struct piece *place,
			  uint64_t *pc)
{
	struct piece p = piece_trim(line), rest;
	size_t open, bracket = piece_find_last(p, "[0x");

	*pc = 0;
	if (bracket < p.len) {
		rest = (struct piece){ p.s + bracket + 1, p.len - bracket - 1 };
		if (!take_hex(&rest, false, pc) || !piece_is(rest, "]"))
			return false;
		p = piece_trim((struct piece){ p.s, bracket });
	}
	/* No name, and no place in the file; or not even a file. */
	if (*pc && !piece_ends(p, ")") && (!p.len || piece_has(p, "/"))) {
		*module = p;
		*place = (struct piece){ NULL, 0 };
		return !piece_has(p, " ");
	}
	open = open_find(p);
	if (!open || open == p.len || piece_has((struct piece){ p.s, open }, ": "))
		return false;
	*module = (struct piece){ p.s, open };
	*place = (struct piece){ p.s + open + 1, p.len - open - 2 };
	/* Without an address, only an offset tells it from other text in brackets. */
	return (piece_has(*place, "+0x") || (*pc && !place->len)) && !piece_has(*module, " ");
}

/* "/lib/libprobe.so(_ZN5prob[...]": of one that is cut within the name the module is left. */
static bool cut_module(struct piece line, struct piece *module)
{
	struct piece p = piece_trim(line);
	size_t open = piece_find(p, "(");

	*module = (struct piece){ p.s, open };
	return open < p.len && piece_ends(p, "[...]") && *p.s == '/' &&
	       piece_has(*module, ".so") && !piece_has(*module, " ");
}

bool symbols_line_cut(struct piece line)
{
	struct piece module;

	return cut_module(line, &module);
}

bool symbols_line(struct piece line)
{
	struct piece module, place;
	uint64_t pc;

	line = piece_trim(line);
	return line.len && (piece_ends(line, "]") || piece_ends(line, ")")) &&
	       symbols_frame(line, &module, &place, &pc);
}

void symbols_line_add(struct trace *trace, struct crash_thread *thread, struct piece line)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece module, place, name;
	uint64_t offset = 0;

	if (cut_module(line, &module)) {
		frame_module(frame, module);
		return;
	}
	symbols_frame(line, &module, &place, &frame->pc);
	frame_module(frame, module);
	if (!take_until(&place, "+0x", &name) || !take_hex(&place, true, &offset))
		return;
	frame_name(frame, name);
	/* dladdr() has looked at the symbol's size: it covers the address. */
	*(frame->function ? &frame->offset : &frame->module_offset) = offset;
}
