/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/macos.h"

#include <signal.h>
#include <string.h>

#include "base/ascii.h"

/* Numbers as Linux has them, by which signals are told apart everywhere here. */
void macos_exception(struct trace *trace, struct piece type, struct piece name)
{
	static const struct {
		const char *type;
		int signo;
	} types[] = {
		{ "EXC_BAD_ACCESS", SIGSEGV },      { "EXC_CRASH", SIGABRT },
		{ "EXC_BAD_INSTRUCTION", SIGILL },  { "EXC_ARITHMETIC", SIGFPE },
		{ "EXC_BREAKPOINT", SIGTRAP },
	};
	struct crash *crash = trace->crash;

	if (!crash->signo)
		crash->signo = signal_number(name);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!crash->signo && piece_is(type, types[i].type))
			crash->signo = types[i].signo;
}

void macos_subtype(struct trace *trace, struct piece subtype)
{
	struct crash *crash = trace->crash;
	struct piece word;

	if (crash->has_addr || !take_until(&subtype, " at ", &word))
		return;
	if (piece_is(piece_trim(word), "KERN_INVALID_ADDRESS"))
		crash->code = SEGV_MAPERR;
	else if (piece_is(piece_trim(word), "KERN_PROTECTION_FAILURE"))
		crash->code = SEGV_ACCERR;
	crash->has_addr = take_hex(&subtype, false, &crash->addr);
}

/* "Python", "python3.12". */
static bool is_python(struct piece name)
{
	size_t slash = piece_find_last(name, "/");

	if (slash < name.len)
		name = (struct piece){ name.s + slash + 1, name.len - slash - 1 };
	if (!take_text(&name, "Python") && !take_text(&name, "python"))
		return false;
	while (name.len && (ascii_is_digit(*name.s) || *name.s == '.')) {
		name.s++;
		name.len--;
	}
	return !name.len;
}

void macos_version(struct trace *trace, struct piece process, struct piece version)
{
	struct piece word;

	/* "3.13.0 (3.13.0)" */
	if (is_python(process) && take_word(&version, &word) && word.len &&
	    ascii_is_digit(*word.s))
		trace_add_fact(trace, FACT_PYTHON, word);
}

/* "symbol + 12 (file.c:34)", "symbol (in image) (file.c:34)", "0x10000 + 12" */
static void set_symbol(struct crash_frame *frame, struct piece rest)
{
	size_t open = piece_find_last(rest, " ("), plus;
	struct piece number, name;
	uint64_t offset = 0, address;

	if (open < rest.len && piece_ends(rest, ")") &&
	    piece_has((struct piece){ rest.s + open, rest.len - open }, ":")) {
		frame_source(frame, (struct piece){ rest.s + open + 2, rest.len - open - 3 });
		rest.len = open;
	}
	plus = piece_find_last(rest, " + ");
	if (plus < rest.len) {
		number = (struct piece){ rest.s + plus + 3, rest.len - plus - 3 };
		take_decimal(&number, &offset);
		rest.len = plus;
	}
	name = piece_trim(rest);
	if (piece_ends(name, " [inlined]")) {
		frame->inlined = true;
		name.len -= strlen(" [inlined]");
	}
	if (take_hex(&rest, false, &address) || piece_is(name, "0")) {
		frame->module_offset = offset; /* of the image, whose beginning it is */
		return;
	}
	frame_name(frame, name);
	frame->offset = offset;
}

/* The image's name may have blanks in it; behind it is a tab, several blanks, or an address. */
static bool take_image(struct piece *rest, struct piece *image)
{
	size_t at = 0;

	while (at < rest->len && rest->s[at] != '\t' &&
	       !(rest->s[at] == ' ' && (at + 1 == rest->len || rest->s[at + 1] == ' ' ||
					(at + 2 < rest->len && rest->s[at + 1] == '0' &&
					 rest->s[at + 2] == 'x'))))
		at++;
	*image = (struct piece){ rest->s, at };
	rest->s += at;
	rest->len -= at;
	take_blanks(rest);
	return at > 0;
}

bool macos_frame(struct trace *trace, struct crash_thread *thread, struct piece line)
{
	struct piece rest = line, image;
	struct crash_frame *frame;
	uint64_t n, pc = 0;

	if (!thread || !take_decimal(&rest, &n) || !rest.len || (*rest.s != ' ' && *rest.s != '\t'))
		return false;
	take_blanks(&rest);
	if (!take_image(&rest, &image))
		return false;
	trace->incomplete |= !rest.len || n != thread->nframes + thread->left_out;
	take_hex(&rest, false, &pc);
	frame = trace_add_frame(trace, thread);
	frame->pc = pc;
	if (!piece_is(image, "???"))
		frame_module(frame, image);
	set_symbol(frame, piece_trim(rest));
	return true;
}

void macos_mark_frames(struct crash_thread *thread)
{
	for (size_t i = 0; i + 1 < thread->nframes; i++)
		if (thread->frames[i].function && !strcmp(thread->frames[i].function, "_sigtramp"))
			thread->frames[i + 1].signal_frame = true;
}
