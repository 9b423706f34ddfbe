/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/gdb.h"

#include <string.h>

#include "base/ascii.h"

/* "fs_base", "eflags": the longest name of a register. */
#define REGISTER_MAX 8

#define PAGER_NEW "--Type <RET> for more, q to quit, c to continue without paging--"
#define PAGER_OLD "---Type <return> to continue, or q <return> to quit---"

/* "# #0  0x…": the stack stands as a comment beside the code that makes it. */
static void take_comment(struct piece *line)
{
	static const char *const frames[] = { "# #", "# from /", "# at " };

	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		if (piece_starts(*line, frames[i])) {
			piece_cut(line, strlen("# "));
			return;
		}
}

struct piece gdb_text(struct piece line)
{
	take_blanks(&line);
	take_comment(&line);
	do
		take_blanks(&line);
	while (take_text(&line, "> ") || take_text(&line, "(gdb) ") ||
	       take_text(&line, PAGER_NEW) || take_text(&line, PAGER_OLD));
	return line;
}

static bool take_number(struct piece *p, uint64_t *number)
{
	struct piece rest = *p;

	if (!take_text(&rest, "#") || !take_decimal(&rest, number) || !rest.len ||
	    (*rest.s != ' ' && *rest.s != '\t'))
		return false;
	take_blanks(&rest);
	*p = rest;
	return rest.len > 0;
}

bool gdb_is_frame(struct piece text)
{
	uint64_t number;

	return take_number(&text, &number);
}

static bool is_word(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '$';
}

/* The sign behind "operator": its brackets open and close nothing. */
static size_t operator_len(struct piece p, size_t at)
{
	static const char *const signs[] = {
		"operator()", "operator<<", "operator<=>", "operator<=", "operator<",
		"operator->*", "operator->", "operator>>", "operator>=", "operator>",
	};
	struct piece rest = { p.s + at, p.len - at };

	if (rest.s[0] != 'o' || (at && is_word(p.s[at - 1])))
		return 0;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (piece_starts(rest, signs[i]))
			return strlen(signs[i]);
	return 0;
}

/*
 * Where the " (" of the arguments is. The name has brackets of its own: those of templates, of
 * "(anonymous namespace)", and of a minimal symbol's parameters.
 */
static size_t args_find(struct piece p)
{
	int depth = 0;

	for (size_t i = 0; i < p.len;) {
		size_t skip = operator_len(p, i);
		char c = p.s[i];

		if (skip) {
			i += skip;
			continue;
		}
		if (!depth && c == ' ' && i + 1 < p.len && p.s[i + 1] == '(')
			return i;
		if (c == '(' || c == '<' || c == '{')
			depth++;
		else if (c == ')' || c == '}' || (c == '>' && i && p.s[i - 1] != '-'))
			depth -= depth > 0;
		i++;
	}
	/* Brackets that do not match: the last pair there is. */
	return depth ? piece_find_last(p, " (") : p.len;
}

/*
 * Cut " at file:line" or " from module" off the end. Arguments may hold any text, also such a place
 * in a string, and gdb cuts long ones in the middle; so the last one counts.
 */
static void take_place(struct piece *p, struct session_frame *frame)
{
	size_t at, from;

	if (piece_ends(*p, ")"))
		return;
	at = piece_find_last(*p, ") at ");
	from = piece_find_last(*p, ") from ");
	if (at < p->len && (from == p->len || at > from)) {
		frame->file = piece_trim(piece_from(*p, at + strlen(") at ")));
		p->len = at + 1;
	} else if (from < p->len) {
		frame->module = piece_trim(piece_from(*p, from + strlen(") from ")));
		p->len = from + 1;
	}
}

/* "Frame 0x7f…, for file /f.py, line 525, in string_at (ptr=0)" */
static bool python_frame_parse(struct piece p, struct session_frame *frame)
{
	struct piece rest = p, skipped;

	if (!take_text(&rest, "Frame ") || !take_until(&rest, "for file ", &skipped) ||
	    !take_until(&rest, ", line ", &frame->file) || !take_decimal(&rest, &frame->line) ||
	    !take_text(&rest, ", in "))
		return false;
	frame->name = (struct piece){ rest.s, piece_find(rest, " (") };
	frame->python = true;
	return true;
}

static void take_pc(struct piece *p, struct session_frame *frame)
{
	struct piece rest = *p;

	if (take_text(&rest, "0x...") || take_hex(&rest, false, &frame->pc)) {
		take_blanks(&rest);
		frame->has_pc = rest.s[-1] == ' ' && take_text(&rest, "in ");
	}
	if (frame->has_pc)
		*p = rest;
	take_blanks(p);
}

bool gdb_frame_parse(struct piece text, struct session_frame *frame)
{
	size_t args;

	*frame = (struct session_frame){ .number = 0 };
	text = piece_trim(text);
	if (!take_number(&text, &frame->number))
		return false;
	if (python_frame_parse(text, frame))
		return true;
	take_pc(&text, frame);
	if (piece_starts(text, "<signal handler called>")) {
		frame->handler = true;
		return true;
	}
	if (piece_starts(text, "<function called from gdb>")) {
		frame->has_pc = true; /* it called, nothing is inlined */
		return true;
	}
	take_place(&text, frame);
	args = args_find(text);
	frame->bare = args == text.len;
	frame->name = (struct piece){ text.s, args };
	frame->args = piece_trim(piece_from(text, args));
	if (frame->bare)
		take_word(&text, &frame->name);
	return frame->name.len > 0;
}

bool gdb_frame_is_cut(struct piece text)
{
	static const char *const ends[] = { ",", "(", " at", " from", " in" };

	text = piece_trim(text);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (piece_ends(text, ends[i]))
			return true;
	return false;
}

bool gdb_frame_goes_on(struct piece text, struct piece next)
{
	next = gdb_text(next);
	if (piece_starts(next, "at ") || piece_starts(next, "from "))
		return true;
	if (!next.len || *next.s == '#' || piece_starts(next, "Thread "))
		return false;
	return gdb_frame_is_cut(text);
}

void gdb_thread_parse(struct piece p, struct session_thread *thread)
{
	struct piece rest = p, skipped;
	size_t quote;

	if (take_until(&rest, "LWP ", &skipped))
		take_decimal(&rest, &thread->tid);
	rest = p;
	if (take_until(&rest, "process ", &skipped) && take_decimal(&rest, &thread->pid) &&
	    !thread->tid)
		thread->tid = thread->pid;
	if (!take_until(&p, "\"", &skipped))
		return;
	quote = piece_find_last(p, "\"");
	if (quote < p.len)
		thread->name = (struct piece){ p.s, quote };
}

bool gdb_is_thread(struct piece text, struct session_thread *thread)
{
	struct piece rest = piece_trim(text);

	*thread = (struct session_thread){ .number = 0 };
	if (take_text(&rest, "[Switching to thread ")) {
		if (!take_decimal(&rest, &thread->number) || !take_text(&rest, " ("))
			return false;
	} else if (!take_text(&rest, "Thread ") || !take_decimal(&rest, &thread->number) ||
		   !take_text(&rest, " (") || !piece_ends(rest, "):")) {
		return false;
	}
	gdb_thread_parse(rest, thread);
	return true;
}

bool gdb_python_parse(struct piece text, struct session_frame *frame)
{
	struct piece rest = piece_trim(text), word;

	*frame = (struct session_frame){ .python = true };
	if (take_text(&rest, "<built-in method ") && take_word(&rest, &word)) {
		frame->name = word;
		return true;
	}
	if (!take_text(&rest, "File \"") || !take_until(&rest, "\", line ", &frame->file) ||
	    !take_decimal(&rest, &frame->line))
		return false;
	if (take_text(&rest, ", in "))
		frame->name = rest;
	return true;
}

bool gdb_is_signal(struct piece text, struct session_thread *thread, struct piece *what)
{
	struct piece skipped;

	*thread = (struct session_thread){ .number = 0 };
	if (take_text(&text, "Program ")) {
		if (!take_text(&text, "received signal ") &&
		    !take_text(&text, "terminated with signal "))
			return false;
	} else if (take_text(&text, "Thread ") && take_decimal(&text, &thread->number)) {
		if (!take_until(&text, "received signal ", &skipped))
			return false;
		gdb_thread_parse(skipped, thread);
	} else {
		return false;
	}
	*what = text;
	return true;
}

bool gdb_is_current(struct piece text, struct session_thread *thread)
{
	*thread = (struct session_thread){ .number = 0 };
	if (take_text(&text, "* ")) { /* of `info threads` */
		take_blanks(&text);
		if (!take_decimal(&text, &thread->number) || !piece_has(text, "LWP "))
			return false;
	} else if (!take_text(&text, "[Current thread is ") ||
		   !take_decimal(&text, &thread->number)) {
		return false;
	}
	gdb_thread_parse(text, thread);
	return true;
}

bool gdb_is_row(struct piece text)
{
	uint64_t number;

	if (!take_decimal(&text, &number) || !number || !text.len || *text.s != ' ')
		return false;
	take_blanks(&text);
	return piece_starts(text, "Thread ") && piece_has(text, "LWP ");
}

/* "rax            0x7f1c4f1d2f10      139759" of `info registers` */
static bool is_register(struct piece text)
{
	struct piece name;

	if (!take_word(&text, &name) || name.len > REGISTER_MAX)
		return false;
	take_blanks(&text);
	return piece_starts(text, "0x");
}

bool gdb_is_noise(struct piece line, struct piece text)
{
	static const char *const noise[] = {
		"warning: ", "No locals.", "No symbol table", "No arguments.", "[New ", "[Thread ",
		"[Inferior ", "[Switching", "[Detaching", "Using host ", "Reading symbols",
		"Missing ", "Downloading", "Debuginfod ", "Continuing.", "(gdb)", "```", "bt", "Id ",
		"thread apply", "info threads", "py-bt", "=> 0x", "Dump of assembler",
		"End of assembler", "$",
		/* The advice on scripts that it did not load. */
		"To enable execution", "line to your configuration file", "To completely disable",
		"set auto-load ", "For more information about", "\"Auto-loading safe path\"",
	};
	struct piece rest = text;
	uint64_t number;

	if (!line.len || *line.s == ' ' || *line.s == '\t' || !text.len ||
	    piece_starts(line, "(gdb)"))
		return true;
	/* A line of the source; who pastes it may have made blanks of the tab. */
	if (take_decimal(&rest, &number) && (take_text(&rest, "\t") || take_text(&rest, "  ")))
		return true;
	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++)
		if (piece_starts(text, noise[i]))
			return true;
	return is_register(text);
}

bool gdb_is_breakpoint(struct piece text)
{
	struct piece before;
	uint64_t number;

	if (piece_starts(text, "Thread ") && !take_until(&text, " hit ", &before))
		return false;
	if (!take_text(&text, "Temporary breakpoint ") && !take_text(&text, "Breakpoint "))
		return false;
	return take_decimal(&text, &number) && piece_starts(text, ", ");
}
