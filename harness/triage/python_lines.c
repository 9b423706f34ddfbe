/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/python_lines.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

#define CALL_FIRST "(most recent call first):"

bool python_fatal(struct piece line, struct piece *what)
{
	struct piece before;

	return take_until(&line, "Fatal Python error: ", &before) &&
	       (*what = piece_trim(line), true);
}

int python_fatal_signal(struct piece what)
{
	size_t len = 0;

	/* "Segmentation fault (core dumped)", or a full stop: it has been retold. */
	while (len < what.len && what.s[len] != '(' && what.s[len] != '.' && what.s[len] != '\\')
		len++;
	what = piece_trim((struct piece){ what.s, len });
	/* "Aborted", and older ones with a blank in them: no function's name. */
	return piece_has(what, " ") || piece_is(what, "Aborted") ? signal_number(what) : 0;
}

bool windows_exception(struct piece line, struct trace *trace)
{
	struct piece before;

	if (!take_until(&line, "Windows fatal exception: ", &before))
		return false;
	trace_add_fact(trace, FACT_PLATFORM, (struct piece){ "Windows", strlen("Windows") });
	trace_add_fact(trace, "exception", line);
	if (piece_starts(line, "access violation") || piece_starts(line, "stack overflow"))
		trace->crash->signo = SIGSEGV;
	else if (piece_starts(line, "float") || piece_starts(line, "int"))
		trace->crash->signo = SIGFPE;
	return true;
}

/* "Thread 0x00000508 [name] (most recent call first):" */
bool python_thread_heading(struct piece line, bool *current, uint64_t *id, struct piece *name)
{
	struct piece p = piece_trim(line);

	*id = 0;
	*name = (struct piece){ NULL, 0 };
	*current = take_text(&p, "Current thread ");
	if (!*current && piece_is(p, "Stack " CALL_FIRST))
		return *current = true;
	if (!*current && !take_text(&p, "Thread "))
		return false;
	/* Of a transcription, the number may be gone. */
	if (!take_hex(&p, false, id) && !take_text(&p, "0x...") && !piece_starts(p, "("))
		return false;
	take_blanks(&p);
	if (!piece_ends(p, CALL_FIRST))
		return false;
	p = piece_trim((struct piece){ p.s, p.len - strlen(CALL_FIRST) });
	if (take_text(&p, "[") && piece_ends(p, "]"))
		*name = (struct piece){ p.s, p.len - 1 };
	return true;
}

/* "File "x.py", line 12 in f": a traceback of an exception has a comma before "in". */
static bool python_frame(struct piece line, struct piece *file, uint64_t *number,
			 struct piece *name)
{
	struct piece p = piece_trim(line);

	*number = 0;
	if (!take_text(&p, "File "))
		return false;
	if (take_text(&p, "\"") ? !take_until(&p, "\", line ", file) :
				  !take_until(&p, ", line ", file))
		return false;
	if (!take_decimal(&p, number) && !take_text(&p, "???") && !take_text(&p, "??"))
		return false;
	if (!take_text(&p, " in "))
		return false;
	*name = p;
	return true;
}

/* "Binary file "x.so", at f+0x12 [0x7f0000001012]" */
bool python_native_frame(struct piece line, struct crash_frame *frame)
{
	struct piece p = piece_trim(line), module, place = { NULL, 0 };
	uint64_t offset = 0;
	size_t plus;

	if (!take_text(&p, "Binary file \"") || !take_until(&p, "\"", &module))
		return false;
	if (!frame)
		return true;
	if (!piece_is(module, "<unknown>"))
		frame_module(frame, module);
	if ((!take_text(&p, ", at ") || !take_until(&p, " [", &place)) &&
	    !take_until(&p, "[", &place))
		place = piece_trim(p); /* people leave the address out */
	take_hex(&p, false, &frame->pc);
	plus = piece_find_last(place, "+");
	if (plus == place.len)
		return true;
	p = (struct piece){ place.s + plus + 1, place.len - plus - 1 };
	take_hex(&p, false, &offset);
	place.len = plus;
	frame_name(frame, place);
	if (frame->function)
		frame->offset = offset;
	else
		frame->module_offset = offset;
	/* Elsewhere than in ELF, dladdr() names the next symbol before it, however far. */
	if (frame->function && !piece_has(module, ".so") && piece_has(module, ".dylib"))
		frame->trust = TRUST_NEAR;
	return true;
}

bool python_c_stack(struct piece line)
{
	return piece_is(piece_trim(line), "Current thread's C stack trace " CALL_FIRST);
}

bool python_dump_begins(struct piece line)
{
	struct piece p = piece_trim(line), file, name;
	uint64_t number;
	bool current;

	if (!p.len || !strchr("TCSFB", *p.s))
		return false;
	return python_thread_heading(p, &current, &number, &name) || python_c_stack(p) ||
	       python_frame(p, &file, &number, &name) ||
	       (python_native_frame(p, NULL) && piece_has(p, " [0x"));
}

static void add_character(struct strbuf *sb, uint64_t c)
{
	if (c < 0x80) {
		strbuf_addch(sb, (char)c);
		return;
	}
	if (c >= 0x10000)
		strbuf_addch(sb, (char)(0xf0 | (c >> 18 & 7)));
	if (c >= 0x800)
		strbuf_addch(sb, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12));
	strbuf_addch(sb, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6));
	strbuf_addch(sb, (char)(0x80 | (c & 0x3f)));
}

/* \xf6, \u0142, \U0001f40d: what is not ASCII in a name. It has no backslash of its own. */
static bool take_escape(struct piece *p, struct strbuf *sb)
{
	size_t digits = piece_starts(*p, "\\x") ? 2 : piece_starts(*p, "\\u") ? 4 :
			piece_starts(*p, "\\U") ? 8 : 0;
	struct piece hex = { p->s + 2, digits };
	uint64_t c;

	if (!digits || p->len < digits + 2 || !take_hex(&hex, true, &c) || hex.len)
		return false;
	add_character(sb, c);
	p->s += digits + 2;
	p->len -= digits + 2;
	return true;
}

static void unescaped_name(struct crash_frame *frame, struct piece name)
{
	struct strbuf text = STRBUF_INIT;

	name.len = name.len < TRACE_TEXT_MAX ? name.len : TRACE_TEXT_MAX;
	while (name.len)
		if (!take_escape(&name, &text)) {
			strbuf_addch(&text, *name.s++);
			name.len--;
		}
	frame_name(frame, (struct piece){ text.buf, text.len });
	strbuf_release(&text);
}

/* The release is told by where its library is. */
static void release_of(struct trace *trace, struct piece file)
{
	struct piece before;
	uint64_t minor;

	if (take_until(&file, "/lib/python3.", &before) && take_decimal(&file, &minor) &&
	    minor < 100) {
		char told[sizeof("3.99")];
		int len = snprintf(told, sizeof(told), "3.%u", (unsigned int)minor);

		trace_add_fact(trace, FACT_PYTHON, (struct piece){ told, (size_t)len });
	}
}

void python_add_frame(struct trace *trace, struct crash_thread *thread, struct piece line)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece file, name;
	uint64_t number;

	if (!frame || !python_frame(line, &file, &number, &name))
		return;
	unescaped_name(frame, name);
	if (file.len && !piece_is(file, "???"))
		frame->file = piece_copy(file);
	frame->line = number <= INT32_MAX ? (int)number : 0;
	frame->python = true;
	release_of(trace, file);
}

bool python_is_frame(struct piece line)
{
	struct piece file, name;
	uint64_t number;

	return python_frame(line, &file, &number, &name);
}
