/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last resort: a chain of calls that somebody has drawn by hand, lines or words joined by
 * arrows, or by bullets and indentation where a crash is spoken of:
 *
 *	SIGSEGV in getenv
 *	  → probe::Config::load()
 *	  → probe::Worker::run()
 *
 *	main() -> run_loop() -> probe_get() -> abort()
 *
 * Which end is innermost tell the names at them, and where it is said to crash. Such a chain may
 * leave anything out: it is incomplete, and what comes of it is never sure (crash->retold).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/drawn_line.h"

/* More words than that nobody draws. */
#define WORDS_MAX 256
/* Functions, to be taken for a chain. */
#define FUNCTIONS_MIN 3
/* Of a line as "SIGSEGV in getenv", but its first word. */
#define HEADING_MAX 200
/* Lines that are looked at for them. */
#define AHEAD_MAX 6

struct chain {
	struct drawn_word *words; /* WORDS_MAX */
	size_t n;
	size_t functions;
	size_t known;    /* names that stand on stacks of programs that die */
	bool gap;
	bool bar;        /* the last line was one, see drawn_is_bar() */
	bool weak;       /* some join of it stands in any text as well */
	bool called_by;
	int crash;       /* drawn_crash(), of any of them */
	size_t crash_at; /* which */
	size_t indent;   /* of the last line, if it has no mark */
};

static size_t indent_of(struct piece line)
{
	size_t n = 0;

	while (n < line.len && is_blank_char(line.s[n]))
		n++;
	return n;
}

static void chain_add(struct chain *chain, const struct drawn_word *word)
{
	chain->gap |= word->gap;
	if (word->gap)
		return;
	if (word->crash && !chain->crash) {
		chain->crash = word->crash;
		chain->crash_at = chain->n;
	}
	chain->weak |= word->join == DRAWN_WEAK;
	chain->called_by |= word->join == DRAWN_CALLED_BY;
	chain->functions += word->function;
	chain->known += drawn_known(word->name) != 0;
	if (chain->n < WORDS_MAX)
		chain->words[chain->n++] = *word;
	else
		chain->gap = true;
}

/*
 * A line of the chain; false: it is none, and nothing is added. A line without a mark begins it, or
 * stands deeper than the one before, unless `joined`: it begins one, or an arrow is before it.
 */
static bool chain_take_line(struct chain *chain, struct piece line, bool joined)
{
	struct drawn_word words[16];
	struct piece rest = line;
	size_t n = 0;

	if (piece_is_blank(line))
		return false;
	while (rest.len && n < sizeof(words) / sizeof(*words)) {
		if (!drawn_take(&rest, !n, &words[n]))
			return false;
		/* Once it is a chain, a name may be a word like others. */
		if (!words[n].gap && !words[n].function && chain->functions < FUNCTIONS_MIN)
			return false;
		n++;
	}
	if (!n || rest.len)
		return false;
	if (words[0].join == DRAWN_PLAIN && !joined) {
		if (n == 1 && indent_of(line) <= chain->indent)
			return false;
		chain->weak |= n == 1;
	}
	chain->indent = indent_of(line);
	for (size_t i = 0; i < n; i++)
		chain_add(chain, &words[i]);
	return true;
}

/* The same, or an arrow that stands alone. */
static bool chain_go_on(struct chain *chain, struct piece line)
{
	bool empty = !chain->n && !chain->gap, joined = chain->bar || empty;

	chain->bar = !empty && drawn_is_bar(line);
	return chain->bar || chain_take_line(chain, line, joined);
}

/*
 * Most lines of any text are told from such a one by their first word: that is an arrow or its
 * like, or has a sign of a function in it, or stands where "SIGSEGV in" does.
 */
static bool may_begin(struct piece line)
{
	struct piece text = piece_trim(line), word;

	if (text.len < 3 || !take_word(&text, &word))
		return false;
	if ((unsigned char)*word.s >= 0xe2 || strchr("-<=>*|+`~", *word.s))
		return true;
	for (size_t i = 0; i < word.len; i++)
		if (word.s[i] && strchr("_:(!", word.s[i]))
			return true;
	text = piece_trim(text);
	if (!text.len || (unsigned char)*text.s >= 0xe2 || strchr("-<=>(@", *text.s))
		return drawn_known(word);
	return text.len < HEADING_MAX && piece_has(text, "in ");
}

static bool drawn_begins(const struct lines *lines)
{
	struct drawn_word words[WORDS_MAX], heading;
	struct chain chain = { .words = words };
	struct lines ahead = *lines;

	if (!may_begin(lines->line))
		return false;
	if (drawn_heading(lines->line, &heading)) {
		chain_add(&chain, &heading);
		lines_next(&ahead);
	}
	for (size_t i = 0; i < AHEAD_MAX && ahead.line.s; i++, lines_next(&ahead)) {
		if (!chain_go_on(&chain, ahead.line))
			return false;
		if (chain.functions >= FUNCTIONS_MIN)
			return true;
	}
	return false;
}

/* Is it told of a program that died, and not of how one works? */
static bool is_of_a_crash(const struct chain *chain)
{
	if (chain->functions < FUNCTIONS_MIN)
		return false;
	return chain->crash || (!chain->weak && chain->known > 1);
}

/* Positive: the first word is innermost. */
static int direction(const struct chain *chain)
{
	int sum = 0;

	if (chain->crash && 2 * chain->crash_at + 1 != chain->n)
		return 2 * chain->crash_at + 1 < chain->n ? 1 : -1;
	for (size_t i = 0; i < chain->n; i++) {
		int known = drawn_known(chain->words[i].name);
		bool early = 2 * i + 1 < chain->n, late = 2 * i + 1 > chain->n;

		if (known == 1 || known == -1)
			sum += known * (early - late);
	}
	if (sum)
		return sum;
	return chain->called_by || chain->weak ? 1 : -1;
}

static void add_frame(struct trace *trace, struct crash_thread *thread,
		      const struct drawn_word *word)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);

	frame_name(frame, word->name);
	frame_module(frame, word->module);
	frame_source(frame, word->source);
}

static void kind_settle(struct crash *crash, int told)
{
	if (told > 0)
		crash->signo = told;
	else if (told == DRAWN_HANGS)
		crash->kind = CRASH_KIND_LOOK;
	else if (!told)
		crash_settle_kind(crash);
}

static void chain_settle(const struct chain *chain, struct trace *trace)
{
	struct crash_thread *thread;
	bool forward = direction(chain) > 0;

	thread = trace_add_thread(trace);
	thread->culprit = true;
	for (size_t i = 0; i < chain->n; i++)
		add_frame(trace, thread, &chain->words[forward ? i : chain->n - 1 - i]);
	trace->incomplete = true;
	trace->crash->retold = true;
	kind_settle(trace->crash, chain->crash);
}

static void drawn_read(struct lines *lines, struct trace *trace)
{
	struct chain chain = { .words = xcalloc(WORDS_MAX, sizeof(*chain.words)) };
	struct drawn_word heading;

	if (drawn_heading(lines->line, &heading)) {
		chain_add(&chain, &heading);
		lines_next(lines);
	}
	while (lines->line.s) {
		if (!chain_go_on(&chain, lines->line))
			break;
		lines_next(lines);
	}
	/* Else it is left empty, and its lines are passed over. */
	if (is_of_a_crash(&chain))
		chain_settle(&chain, trace);
	free(chain.words);
}

const struct trace_reader drawn_reader = { "drawn", drawn_begins, drawn_read };
