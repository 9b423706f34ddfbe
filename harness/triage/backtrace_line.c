/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/backtrace_line.h"

#include <string.h>

#include "base/ascii.h"
#include "triage/failure_handler.h"
#include "triage/symbols_line.h"

struct piece backtrace_text(struct piece line)
{
	struct piece text = piece_trim(line), rest = text, host;
	size_t colon;
	uint64_t pid;

	if (!take_text(&rest, "[") || !take_until(&rest, "] ", &host))
		return text;
	colon = piece_find_last(host, ":");
	if (colon == host.len || !colon)
		return text;
	piece_cut(&host, colon + 1);
	return take_decimal(&host, &pid) && !host.len ? piece_trim(rest) : text;
}

/* "[ 2] ", "[bt] (2) ", "2: ", "#2 ", "(2) ", "2  " */
static bool take_number(struct piece *p)
{
	struct piece rest = *p;
	uint64_t number;

	if (take_text(&rest, "[bt]"))
		take_blanks(&rest);
	if (!take_text(&rest, "[") && !take_text(&rest, "("))
		take_text(&rest, "#");
	take_blanks(&rest);
	if (!take_decimal(&rest, &number))
		return false;
	if (!take_text(&rest, "]") && !take_text(&rest, ")"))
		take_text(&rest, ":");
	if (!rest.len || !is_blank_char(*rest.s))
		return false;
	*p = piece_trim(rest);
	return true;
}

static bool symbols_frame(struct piece text, struct backtrace_frame *frame)
{
	if (!piece_ends(text, "]") && !piece_ends(text, ")"))
		return false;
	if (!take_number(&text) || !symbols_line(text))
		return false;
	frame->symbols = text;
	return true;
}

/* The last word, where it is a place in a source: "???:0" is none, but is taken off. */
static void cut_source(struct piece *p, struct piece *source)
{
	size_t at = piece_find_last(*p, " ");
	struct piece word = piece_from(*p, at + 1);

	if (at == p->len || !(piece_is_place(word) || piece_is(word, ":0")))
		return;
	if (!piece_is(word, ":0") && !piece_starts(word, "???:") &&
	    !piece_starts(word, "??:"))
		*source = word;
	*p = piece_trim((struct piece){ p->s, at });
}

/* "(module+0x12)" or "[path:12]" at the end, what is known of it being taken off. */
static void cut_brackets(struct piece *p, struct backtrace_frame *frame)
{
	size_t open = piece_ends(*p, ")") ? piece_find_last(*p, "(")
		    : piece_ends(*p, "]") ? piece_find_last(*p, "[") : p->len, plus;
	struct piece inside, digits;

	if (open == p->len)
		return;
	inside = (struct piece){ p->s + open + 1, p->len - open - 2 };
	plus = piece_find_last(inside, "+0x");
	if (plus < inside.len && p->s[open] == '(') {
		digits = piece_from(inside, plus + 1);
		if (!take_hex(&digits, false, &frame->module_offset))
			return;
		frame->module = (struct piece){ inside.s, plus };
	} else if (p->s[open] == '[' && piece_is_place(inside)) {
		frame->source = inside;
	} else {
		return;
	}
	*p = piece_trim((struct piece){ p->s, open });
}

/* "2 0x0000000000001149 probe_get()  /src/table.c:61" */
static bool ucx_frame(struct piece text, struct backtrace_frame *frame)
{
	uint64_t number;

	if (!take_decimal(&text, &number) || !take_text(&text, " "))
		return false;
	take_blanks(&text);
	if (!take_hex(&text, false, &frame->pc) || !take_text(&text, " "))
		return false;
	text = piece_trim(text);
	if (!piece_is_place(text) && !piece_ends(text, " :0"))
		return false;
	cut_source(&text, &frame->source);
	frame->name = text;
	return true;
}

/* "#2 0x55d0c5eb850c name …"; with "in" before it, it is a debugger's or a sanitizer's. */
static bool hash_frame(struct piece text, struct backtrace_frame *frame)
{
	uint64_t number;

	if (!take_text(&text, "#") || !take_decimal(&text, &number) || !take_text(&text, " "))
		return false;
	take_blanks(&text);
	if (!take_hex(&text, false, &frame->pc) || (text.len && *text.s != ' '))
		return false;
	text = piece_trim(text);
	if (piece_starts(text, "in "))
		return false;
	cut_brackets(&text, frame);
	if (!frame->source.len)
		cut_source(&text, &frame->source);
	frame->name = text;
	return true;
}

/* "2# name at path:12", "2# name in module", "2# 0x0000000000001149 in module", "2# name" */
static bool boost_frame(struct piece text, struct backtrace_frame *frame)
{
	uint64_t number;
	size_t at;

	if (!take_decimal(&text, &number) || !take_text(&text, "# ") || number > 100000)
		return false;
	text = piece_trim(text);
	at = piece_find_last(text, " at ");
	if (at < text.len && piece_is_place(text)) {
		frame->source = piece_from(text, at + 4);
		text.len = at;
	} else {
		at = piece_find_last(text, " in ");
		if (at < text.len) {
			frame->module = piece_from(text, at + 4);
			text.len = at;
		}
	}
	if (!take_hex(&text, false, &frame->pc))
		frame->name = text;
	return frame->name.len || frame->pc;
}

/* "frame #2: probe::get() + 0x39 (0x7f0000001149 in /usr/lib/libprobe.so)" */
static bool pytorch_frame(struct piece text, struct backtrace_frame *frame)
{
	struct piece inside, offset;
	uint64_t number;
	size_t open, plus;

	if (!take_text(&text, "frame #") || !take_decimal(&text, &number) ||
	    !take_text(&text, ": ") || !piece_ends(text, ")"))
		return false;
	open = piece_find_last(text, " (0x");
	if (open == text.len)
		return false;
	inside = piece_from(text, open + 2);
	inside.len--;
	if (!take_hex(&inside, false, &frame->pc) || !take_text(&inside, " in "))
		return false;
	frame->module = inside;
	text.len = open;
	plus = piece_find_last(text, " + 0x");
	offset = piece_from(text, plus + (plus < text.len ? 3 : 0));
	if (plus < text.len && take_hex(&offset, false, &number) && !offset.len) {
		text.len = plus;
		*(piece_is(text, "<unknown function>") ? &frame->module_offset : &frame->offset) =
			number;
	}
	if (!piece_is(text, "<unknown function>"))
		frame->name = text;
	return true;
}

/* "C  [libprobe.so+0x1149]  probe_get+0x39", "# C  [libprobe.so+0x1149]" */
static bool jvm_frame(struct piece text, struct backtrace_frame *frame)
{
	struct piece inside, digits;
	size_t plus;

	if (take_text(&text, "#"))
		take_blanks(&text);
	if (take_text(&text, "j  ") || take_text(&text, "J ") || take_text(&text, "v  ~")) {
		frame->name = piece_trim(text);
		return piece_has(text, "+") || piece_has(text, "::");
	}
	if (!take_text(&text, "C  [") && !take_text(&text, "V  ["))
		return false;
	if (!take_until(&text, "]", &inside))
		return false;
	plus = piece_find_last(inside, "+0x");
	digits = piece_from(inside, plus + (plus < inside.len));
	if (plus == inside.len || !take_hex(&digits, false, &frame->module_offset))
		return false;
	frame->module = (struct piece){ inside.s, plus };
	frame->name = piece_trim(text);
	plus = piece_find_last(frame->name, "+0x");
	digits = piece_from(frame->name, plus + (plus < frame->name.len));
	if (plus < frame->name.len && take_hex(&digits, false, &frame->offset))
		frame->name.len = plus;
	return true;
}

/* "2: 0xb090e0 probe::get() [node]" */
static bool node_frame(struct piece text, struct backtrace_frame *frame)
{
	uint64_t number;
	size_t open;

	if (!take_decimal(&text, &number) || !take_text(&text, ": ") ||
	    !take_hex(&text, false, &frame->pc) || !take_text(&text, " ") || !piece_ends(text, "]"))
		return false;
	open = piece_find_last(text, "[");
	if (open == text.len)
		return false;
	frame->name = piece_trim((struct piece){ text.s, open });
	frame->module = (struct piece){ text.s + open + 1, text.len - open - 2 };
	return true;
}

static const struct {
	enum backtrace_style style;
	bool (*parse)(struct piece text, struct backtrace_frame *frame);
	const char *first; /* what it begins with; "0" is any digit */
} styles[] = {
	{ BACKTRACE_SYMBOLS, symbols_frame, "0[(#" }, { BACKTRACE_UCX, ucx_frame, "0" },
	{ BACKTRACE_HASH, hash_frame, "#" },         { BACKTRACE_BOOST, boost_frame, "0" },
	{ BACKTRACE_PYTORCH, pytorch_frame, "f" },   { BACKTRACE_JVM, jvm_frame, "CVjJv#" },
	{ BACKTRACE_NODE, node_frame, "0" },
};

enum backtrace_style backtrace_line(struct piece line, struct backtrace_frame *frame)
{
	struct piece text = backtrace_text(line);
	char first;

	*frame = (struct backtrace_frame){ .pc = 0 };
	if (!text.len || text.len > TRACE_TEXT_MAX)
		return BACKTRACE_NONE;
	first = ascii_is_digit(*text.s) ? '0' : *text.s;
	for (size_t i = 0; first && i < sizeof(styles) / sizeof(*styles); i++) {
		if (!strchr(styles[i].first, first))
			continue;
		*frame = (struct backtrace_frame){ .pc = 0 };
		if (styles[i].parse(text, frame))
			return styles[i].style;
	}
	*frame = (struct backtrace_frame){ .pc = 0 };
	return failure_handler_frame(text, &frame->pc, &frame->name) ? BACKTRACE_GLOG
								     : BACKTRACE_NONE;
}
