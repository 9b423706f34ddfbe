/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/crashtracker.h"

#include <signal.h>
#include <string.h>

struct code_word {
	const char *word;
	int code;
};

/* Those that its receiver knows by name, with their numbers on Linux. */
static const struct code_word code_words[] = {
	{ "SEGV_MAPERR", SEGV_MAPERR }, { "SEGV_ACCERR", SEGV_ACCERR },
	{ "SEGV_BNDERR", SEGV_BNDERR }, { "SEGV_PKUERR", SEGV_PKUERR },
	{ "BUS_ADRALN", BUS_ADRALN },   { "BUS_ADRERR", BUS_ADRERR },
	{ "BUS_OBJERR", BUS_OBJERR },   { "BUS_MCEERR_AR", BUS_MCEERR_AR },
	{ "BUS_MCEERR_AO", BUS_MCEERR_AO },
	{ "ILL_ILLOPC", ILL_ILLOPC },   { "ILL_ILLOPN", ILL_ILLOPN },
	{ "ILL_ILLADR", ILL_ILLADR },   { "ILL_ILLTRP", ILL_ILLTRP },
	{ "ILL_PRVOPC", ILL_PRVOPC },   { "ILL_PRVREG", ILL_PRVREG },
	{ "ILL_COPROC", ILL_COPROC },   { "ILL_BADSTK", ILL_BADSTK },
	{ "SI_USER", SI_USER },         { "SI_KERNEL", SI_KERNEL },
	{ "SI_QUEUE", SI_QUEUE },       { "SI_TIMER", SI_TIMER },
	{ "SI_MESGQ", SI_MESGQ },       { "SI_ASYNCIO", SI_ASYNCIO },
	{ "SI_SIGIO", SI_SIGIO },       { "SI_TKILL", SI_TKILL },
	{ "SYS_SECCOMP", 1 },
};

bool crashtracker_code(struct piece name, int *code)
{
	for (size_t i = 0; i < sizeof(code_words) / sizeof(*code_words); i++)
		if (piece_is(name, code_words[i].word)) {
			*code = code_words[i].code;
			return true;
		}
	return false;
}

/* "(path:12)", "(path:12:5)" at the end is taken off. */
static void cut_source(struct piece *p, struct piece *source)
{
	size_t at = piece_find_last(*p, " (");
	struct piece inner;

	if (at == p->len || p->s[p->len - 1] != ')')
		return;
	inner = (struct piece){ p->s + at + 2, p->len - at - 3 };
	if (!inner.len || inner.s[inner.len - 1] < '0' || inner.s[inner.len - 1] > '9' ||
	    !memchr(inner.s, ':', inner.len))
		return;
	*source = inner;
	p->len = at;
}

bool crashtracker_line_parse(struct piece line, struct crashtracker_line *parsed)
{
	struct piece rest = line;
	size_t before;

	*parsed = (struct crashtracker_line){ .n = 0 };
	if (!line.len || (*line.s != '#' && *line.s != ' ' && *line.s != '\t'))
		return false;
	rest = piece_trim(rest);
	if (!take_text(&rest, "#") || !take_decimal(&rest, &parsed->n))
		return false;
	before = rest.len;
	rest = piece_trim(rest);
	if (rest.len && rest.len == before)
		return false;
	parsed->has_pc = take_hex(&rest, false, &parsed->pc);
	if (parsed->has_pc && rest.len && *rest.s != ' ' && *rest.s != '\t')
		return false;
	rest = piece_trim(rest);
	if (piece_starts(rest, "in "))
		return false;
	cut_source(&rest, &parsed->source);
	parsed->name = rest;
	return parsed->has_pc || rest.len;
}

static bool continues(struct piece line, uint64_t wanted, struct crashtracker_line *parsed)
{
	return line.s && crashtracker_line_parse(line, parsed) && parsed->n >= wanted;
}

static void add_frame(struct trace *trace, struct crash_thread *thread,
		      const struct crashtracker_line *line)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);

	if (!frame)
		return;
	frame->pc = line->pc;
	frame_name(frame, line->name);
	frame_source(frame, line->source);
	/* Nothing is at 0x0 that could have a name: it is the next frame's address that counts. */
	frame->inlined = line->has_pc && !line->pc && frame->function;
}

/* A line that is no frame, and behind it the stack goes on. */
static bool is_between(const struct lines *lines, uint64_t wanted)
{
	struct crashtracker_line parsed;

	return wanted && continues(lines_peek(lines, 1), wanted, &parsed);
}

void crashtracker_read_frames(struct lines *lines, struct trace *trace,
			      struct crash_thread *thread)
{
	struct crashtracker_line parsed;
	uint64_t wanted = 0;

	for (; lines->line.s; lines_next(lines)) {
		if (continues(lines->line, wanted, &parsed)) {
			/* Some are missing: a gap, or a paste that begins in the middle. */
			trace->incomplete |= parsed.n != wanted;
			add_frame(trace, thread, &parsed);
			wanted = parsed.n + 1;
		} else if (piece_is(piece_trim(lines->line), "[...]") ||
			   piece_is(piece_trim(lines->line), "...")) {
			trace->incomplete = true;
		} else if (is_between(lines, wanted)) {
			trace->incomplete |= !piece_is_blank(lines->line);
		} else {
			break;
		}
	}
	if (thread)
		crashtracker_mark_frames(thread);
}

static bool is_same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* What the kernel lets a signal handler return to: the next frame was interrupted. */
static bool is_return_from_signal(const struct crash_frame *frame)
{
	return is_same(frame->function, "__restore_rt") || is_same(frame->function, "_sigtramp") ||
	       is_same(frame->function, "__kernel_rt_sigreturn");
}

void crashtracker_mark_frames(struct crash_thread *thread)
{
	for (size_t i = 0; i + 1 < thread->nframes; i++) {
		struct crash_frame *frame = &thread->frames[i], *next = frame + 1;

		next->signal_frame = is_return_from_signal(frame);
		/* A function that calls itself comes back to the same place, too. */
		if (frame->pc && frame->pc == next->pc && frame->function &&
		    !is_same(frame->function, next->function))
			frame->inlined = true;
	}
}

bool crashtracker_read_reason(struct trace *trace, struct piece sentence)
{
	struct crash *crash = trace->crash;
	struct piece rest = sentence, before, code, name;

	if (!take_until(&rest, "Process terminated with ", &before) ||
	    !take_word(&rest, &code) || !take_until(&rest, "(", &before) ||
	    !take_until(&rest, ")", &name) || !signal_number(name)) {
		if (!piece_is_blank(sentence))
			trace_add_message(trace, sentence);
		return false;
	}
	if (!crash->signo)
		crash->signo = signal_number(name);
	if (!crash->code)
		crashtracker_code(code, &crash->code);
	rest = piece_trim(rest);
	take_text(&rest, ".");
	if (!piece_is_blank(rest))
		trace_add_message(trace, rest);
	return true;
}
