/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/shell_line.h"

#include <signal.h>

/* Longer lines are not asked: the command stands at their end, and theirs is a short one. */
#define LINE_MAX_LEN 4096

/* "Segmentation fault (core dumped)", "Abort trap: 6". A name as SIGSEGV stands in any text. */
static int phrase_signal(struct piece p)
{
	size_t end = piece_find(p, " (core dumped)");
	struct piece word, number;
	uint64_t value;

	if (end == p.len)
		end = piece_find(p, ": ");
	number = (struct piece){ p.s + end, p.len - end };
	if (take_text(&number, ": ") && (!take_decimal(&number, &value) || number.len))
		return 0;
	word = piece_trim((struct piece){ p.s, end });
	if (piece_is(word, "Abort trap") || piece_is(word, "abort"))
		return SIGABRT;
	if (!piece_has(word, " ") && !piece_is(word, "Aborted"))
		return 0;
	return signal_number(word);
}

/* Before the command there are two blanks at least. */
static int padded_signal(struct piece p)
{
	take_blanks(&p);
	p.len = piece_find(p, "  ");
	return phrase_signal(p);
}

/* "[1]  + 123 abort  python x.py", or without the pid. */
static int job_signal(struct piece p)
{
	uint64_t number;

	if (!take_text(&p, "[") || !take_decimal(&p, &number) || !take_text(&p, "]"))
		return 0;
	take_blanks(&p);
	if (take_text(&p, "+") || take_text(&p, "-"))
		take_blanks(&p);
	take_decimal(&p, &number);
	return padded_signal(p);
}

static int script_signal(struct piece p)
{
	struct piece script;
	uint64_t number;

	if (take_until(&p, ": line ", &script)) {
		if (!take_decimal(&p, &number) || !take_text(&p, ": "))
			return 0;
	} else if (!take_text(&p, "bash: ")) {
		return 0;
	}
	take_blanks(&p);
	return take_decimal(&p, &number) ? padded_signal(p) : 0;
}

int shell_signal(struct piece line)
{
	struct piece p = piece_trim(line);
	int signo;

	if (!p.len || p.len > LINE_MAX_LEN)
		return 0;
	if (*p.s == '[')
		return job_signal(p);
	if (take_text(&p, "zsh: "))
		return padded_signal(p);
	/* "abort" alone may be anybody's word. */
	signo = piece_is(p, "abort") ? 0 : phrase_signal(p);
	return signo ? signo : script_signal(p);
}

int shell_take(struct lines *lines, struct trace *trace)
{
	struct piece line = lines->line;
	bool skip = line.s && piece_is_blank(line);
	int signo;

	if (skip)
		line = lines_peek(lines, 1);
	signo = line.s ? shell_signal(line) : 0;
	if (!signo)
		return 0;
	if (skip)
		lines_next(lines);
	lines_next(lines);
	if (!trace->crash->signo && trace->crash->kind == CRASH_KIND_SIGNAL)
		trace->crash->signo = signo;
	return signo;
}
