/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/windows_line.h"

#include <signal.h>
#include <string.h>

#include "base/ascii.h"

/* Of the address of a frame. */
#define ADDRESS_DIGITS 8

/* "00007ffb`12345678", "--------`--------", "7ffb12345678", of eight digits or more. */
static bool is_address(struct piece word, uint64_t *value)
{
	size_t digits = 0;

	*value = 0;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.s[i];

		if (c == '`')
			continue;
		if (!ascii_is_hex(c) && c != '-')
			return false;
		if (ascii_is_hex(c))
			*value = *value << 4 | (uint64_t)(ascii_is_digit(c) ? c - '0' :
							  ascii_lower(c) - 'a' + 10);
		digits++;
	}
	return digits >= ADDRESS_DIGITS && digits <= 16;
}

/* The number and the addresses before a frame; the last of them is where it returns to. */
static size_t take_addresses(struct piece *p)
{
	struct piece rest = *p, word;
	size_t n = 0;
	uint64_t value;

	while (take_word(&rest, &word)) {
		bool number = !n && word.len <= 3 && ascii_is_hex(*word.s);

		if (piece_is(word, ":"))
			*p = rest;
		else if (is_address(word, &value))
			n++, *p = rest;
		else if (piece_is(word, "(Inline") && take_word(&rest, &word))
			n++, *p = rest; /* "Function)" */
		else if (!number)
			break;
	}
	take_blanks(p);
	return n;
}

static bool is_module_char(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '.' || c == '-' || c == '+';
}

static bool is_name_char(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '?' || c == '`' || c == '<' ||
	       c == '@' || c == '$' || c == '~' || c == ':';
}

/* "module!": nothing but a name is before the sign, and a name is behind it. */
static bool take_module(struct piece *p, struct piece *module)
{
	size_t bang = 0;

	while (bang < p->len && is_module_char(p->s[bang]))
		bang++;
	if (bang < 2 || bang + 1 >= p->len || p->s[bang] != '!' || !is_name_char(p->s[bang + 1]))
		return false;
	*module = (struct piece){ p->s, bang };
	piece_cut(p, bang + 1);
	return true;
}

/* " [C:\src\table.c @ 61]", " [table.c : 61 + 0x3]" */
static void cut_source(struct piece *p, struct windows_frame *frame)
{
	size_t open = piece_find_last(*p, " ["), at;
	struct piece inside, digits;

	if (open == p->len || !piece_ends(*p, "]"))
		return;
	inside = piece_from(*p, open + 2);
	inside.len--;
	at = piece_find_last(inside, " @ ");
	if (at == inside.len)
		at = piece_find_last(inside, " : ");
	if (at == inside.len)
		return;
	digits = piece_from(inside, at + 3);
	take_decimal(&digits, &frame->line);
	frame->file = (struct piece){ inside.s, at };
	p->len = open;
}

/* " Line 61\tC++", "\tC++", " Unknown", " + 0x21 bytes": what Visual Studio adds. */
static bool cut_studio(struct piece *p, struct windows_frame *frame)
{
	static const char *const languages[] = { "\tC++", "\tC", "\tUnknown", " C++", " C",
						 " Unknown", "\tC#" };
	size_t at;
	struct piece digits;
	bool cut = false;

	for (size_t i = 0; i < sizeof(languages) / sizeof(*languages) && !cut; i++)
		if (piece_ends(*p, languages[i])) {
			p->len -= strlen(languages[i]);
			cut = true;
		}
	*p = piece_trim(*p);
	at = piece_find_last(*p, " Line ");
	digits = piece_from(*p, at + (at < p->len ? 6 : 0));
	if (at < p->len && take_decimal(&digits, &frame->line)) {
		p->len = at;
		cut = true;
	}
	return cut;
}

/* "name+0x12", "name() + 0x1 byte(s)" */
static bool cut_offset(struct piece *p, uint64_t *offset)
{
	size_t at = piece_find_last(*p, "+0x"), skip = 1;
	struct piece digits;

	if (at == p->len) {
		at = piece_find_last(*p, " + 0x");
		skip = 3;
	}
	if (at == p->len)
		return false;
	digits = piece_from(*p, at + skip);
	if (!take_hex(&digits, false, offset) ||
	    (digits.len && !piece_starts(digits, " byte") && *digits.s != ' '))
		return false;
	p->len = at;
	return true;
}

/* "0x00007FF9E8545A2C, C:\py\python312.dll(0x00007FF9E84F0000) + 0x55A2C byte(s), f() + …" */
static bool bytes_frame(struct piece p, struct windows_frame *frame)
{
	struct piece base;

	if (!take_hex(&p, false, &frame->pc) || !take_text(&p, ", ") ||
	    !take_until(&p, "(0x", &frame->module) || !take_until(&p, ") + ", &base) ||
	    !take_hex(&p, false, &frame->module_offset) || !take_text(&p, " byte(s)"))
		return false;
	if (!take_text(&p, ", "))
		return true;
	if (take_until(&p, ", line ", &base)) {
		frame->file = base;
		take_decimal(&p, &frame->line);
		take_text(&p, ", ");
	}
	cut_offset(&p, &frame->offset);
	frame->name = p;
	return true;
}

bool windows_frame(struct piece line, struct windows_frame *frame)
{
	struct piece p = piece_trim(line);
	bool studio, told;
	size_t addresses;

	*frame = (struct windows_frame){ .pc = 0 };
	if (p.len < 8 || p.len > TRACE_TEXT_MAX)
		return false;
	if (piece_starts(p, "0x"))
		return bytes_frame(p, frame);
	if (!piece_has_char(p, '!') && !piece_has_char(p, '+'))
		return false;
	take_text(&p, ">");
	take_blanks(&p);
	frame->inlined = piece_has(p, "(Inline Function)") || take_text(&p, "[Inline Frame] ");
	addresses = take_addresses(&p);
	if (!addresses) { /* a number before it is Breakpad's */
		uint64_t number;

		if (take_decimal(&p, &number) && (!p.len || !is_blank_char(*p.s)))
			return false;
		take_blanks(&p);
	}
	if (!take_module(&p, &frame->module))
		return windows_module_alone(p, frame) && addresses > 1;
	cut_source(&p, frame);
	studio = cut_studio(&p, frame);
	told = cut_offset(&p, &frame->offset) || frame->file.len || studio;
	frame->name = piece_trim(p);
	return frame->name.len && (told || addresses || piece_ends(frame->name, ")"));
}

bool windows_module_alone(struct piece line, struct windows_frame *frame)
{
	struct piece p = piece_trim(line), rest;
	uint64_t number;
	size_t len = 0;

	rest = p;
	if (take_decimal(&rest, &number) && rest.len && is_blank_char(*rest.s))
		p = piece_trim(rest);
	while (len < p.len && is_module_char(p.s[len]) && p.s[len] != '+')
		len++;
	frame->module = (struct piece){ p.s, len };
	piece_cut(&p, len);
	take_blanks(&p);
	if (!len || !take_text(&p, "+"))
		return false;
	take_blanks(&p);
	return take_hex(&p, false, &frame->module_offset) && !p.len;
}

/* A path with the slashes that all else has. */
static void module_add(struct crash_frame *frame, struct piece module)
{
	frame_module(frame, module);
	for (char *p = frame->module; p && *p; p++)
		if (*p == '\\')
			*p = '/';
}

void windows_frame_add(struct trace *trace, struct crash_thread *thread,
		       const struct windows_frame *from)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece name = from->name;
	uint64_t number;

	if (!frame)
		return;
	if (piece_ends(name, "()"))
		name.len -= 2;
	frame->pc = from->pc;
	frame->inlined = from->inlined;
	frame->module_offset = from->module_offset;
	module_add(frame, from->module);
	if (!is_address(name, &number)) /* Visual Studio has no name for it */
		frame_name(frame, name);
	if (frame->function)
		frame->offset = from->offset;
	frame_source(frame, from->file);
	if (from->line <= INT32_MAX)
		frame->line = (int)from->line;
}

static const struct {
	const char *word;
	int signo;
	uint64_t code;
} exceptions[] = {
	{ "access violation", SIGSEGV, 0xc0000005 }, { "ACCESS_VIOLATION", SIGSEGV, 0xc0000005 },
	{ "stack overflow", SIGSEGV, 0xc00000fd },   { "STACK_OVERFLOW", SIGSEGV, 0xc00000fd },
	{ "STACK_BUFFER_OVERRUN", SIGABRT, 0xc0000409 },
	{ "HEAP_CORRUPTION", SIGABRT, 0xc0000374 },  { "ILLEGAL_INSTRUCTION", SIGILL, 0xc000001d },
	{ "INT_DIVIDE_BY_ZERO", SIGFPE, 0xc0000094 }, { "IN_PAGE_ERROR", SIGBUS, 0xc0000006 },
	{ "BREAKPOINT", SIGTRAP, 0x80000003 },
};

int windows_signal(uint64_t code)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (exceptions[i].code == code)
			return exceptions[i].signo;
	return 0;
}

/* One that a program dies of, in the text: "0xC0000005", "c0000005", "-1073741819". */
static bool find_code(struct piece text, uint64_t *code)
{
	struct piece rest = text, before;
	uint64_t number;

	if (take_until(&rest, "-", &before) && take_decimal(&rest, &number) &&
	    number <= UINT32_MAX && windows_signal((uint32_t)-number))
		return *code = (uint32_t)-number, true;
	for (rest = text; rest.len >= 8; piece_cut(&rest, 1)) {
		struct piece word = rest;

		/* Not within a longer number. */
		if (rest.s > text.s && ascii_is_hex(rest.s[-1]))
			continue;
		if (ascii_lower(*word.s) == 'c' && take_hex(&word, true, &number) &&
		    rest.len - word.len == 8 && windows_signal(number))
			return *code = number, true;
	}
	return false;
}

static bool find_word(struct piece text, uint64_t *code)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (piece_has(text, exceptions[i].word)) {
			*code = exceptions[i].code;
			return true;
		}
	return false;
}

bool windows_take_key(struct piece *p, const char *key)
{
	struct piece rest = *p;

	if (!take_text(&rest, key))
		return false;
	if (!take_text(&rest, " name"))
		take_text(&rest, " code");
	take_blanks(&rest);
	if (!take_text(&rest, ":"))
		return false;
	take_blanks(&rest);
	*p = rest;
	return true;
}

bool windows_tells(struct piece line, uint64_t *code)
{
	static const char *const words[] = {
		"Exception thrown at 0x", "Unhandled exception at 0x", "Exception code: 0xc0",
		"Exception Code: 0xc0", "Exception code: 0xC0", "ExceptionCode: c0",
		"EXCEPTION_CODE: (NTSTATUS) 0xc0", " - code c0000", "Crash reason:  EXCEPTION_",
		"Process finished with exit code -1073",
		"exit code 3221225", "exit status 0xc0000", "exit code 0xC0000", "exit code: 0xc0000",
	};
	struct piece p = piece_trim(line), rest = p;

	*code = 0;
	if (p.len < 20 || p.len > TRACE_TEXT_MAX || !strchr("EUPCFe([", *p.s))
		return false;
	if (windows_take_key(&rest, "Faulting module"))
		return true;
	if (windows_take_key(&rest, "Exception"))
		return (piece_starts(rest, "0xc0") || piece_starts(rest, "0xC0")) &&
		       find_code(rest, code);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (piece_has(p, words[i]))
			return find_code(p, code) || find_word(p, code);
	return false;
}
