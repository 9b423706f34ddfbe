/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/paste.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/log_json.h"
#include "triage/log_line.h"
#include "triage/paste_bytes.h"

/* A quotation in a log in a quotation. */
#define ROUNDS_MAX 4
/* Of Markdown. */
#define INDENT_MIN 4

/* A text that is written over itself, from its beginning on. */
struct writer {
	struct paste *paste;
	char *to;
	size_t nlines;
	unsigned char *steps;
};

/* Blanks and tabs at its beginning. */
static size_t indent_of(struct piece line)
{
	size_t n = 0;

	while (n < line.len && is_blank_char(line.s[n]))
		n++;
	return n;
}

/* How many of the first `n` bytes both have. */
static size_t common_len(const char *a, struct piece b, size_t n)
{
	size_t i = 0;

	while (i < n && i < b.len && a[i] == b.s[i])
		i++;
	return i;
}

static bool is_indented(const char *from, size_t n)
{
	return n && (*from == '\t' || n >= INDENT_MIN);
}

/*
 * A block of Markdown's code begins in the current line: by how much it is indented, and in
 * *behind where it ends. 0: it is none. Stacks are often indented, but not what begins a report;
 * one with which the text begins is such a block if there is nothing else.
 */
static size_t block_of(const struct lines *lines, bool first_line, const char **behind)
{
	struct lines ahead = *lines;
	const char *first = ahead.line.s;
	size_t indent = indent_of(ahead.line);
	struct piece begins = { first + indent, ahead.line.len - indent };
	bool stack = begins.len && (*begins.s == '#' || piece_starts(begins, "frame #"));

	*behind = lines->next;
	if (!is_indented(first, indent) || !begins.len || (stack && !first_line))
		return 0;
	for (; ahead.line.s; lines_next(&ahead)) {
		size_t common = common_len(first, ahead.line, indent);

		if (common < indent && piece_is_blank(ahead.line))
			continue;
		if (!is_indented(first, common))
			break;
		indent = common;
		*behind = ahead.next;
	}
	return stack && ahead.line.s ? 0 : indent;
}

static void write_line(struct writer *writer, struct piece line, bool ended, size_t step)
{
	memmove(writer->to, line.s, line.len);
	writer->to += line.len;
	if (ended)
		*writer->to++ = '\n';
	if (writer->steps)
		writer->steps[writer->nlines] = (unsigned char)step;
	writer->nlines++;
}

static bool is_ended(const struct lines *lines)
{
	return lines->next > lines->line.s && lines->next[-1] == '\n';
}

/* By how many lines of the text one of what is read is behind the one before it. */
static size_t step_to(const struct paste *paste, size_t line)
{
	return paste->steps && line <= paste->nsteps ? paste->steps[line - 1] : 1;
}

/* Where there was one line, there may be several. */
static void write_json(struct writer *writer, struct piece text, bool ended, size_t step)
{
	char *at = writer->to, *end = log_json_text(text, at), *lf;

	for (; (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1, step = 0) {
		writer->steps[writer->nlines++] = (unsigned char)step;
	}
	writer->to = end;
	if (ended)
		*writer->to++ = '\n';
	writer->steps[writer->nlines++] = (unsigned char)step;
}

/* What stands before lines like those around. */
struct sight {
	enum log_shape shape; /* of the run of lines that ends at `behind` */
	const char *behind;
	struct piece logger;  /* whose name is on each line of the run; of no length: nobody's */
	size_t indent;        /* of the block that ends there */
	const char *block;
	bool blank;           /* the line before was, or there was none */
	const char *data;     /* where all begins */
};

/* So many lines have it: a name in one alone may be what the line says. */
#define LOGGER_MIN 2

/* Words in brackets or before a bar are something only if there are several. */
static size_t run_min(enum log_shape shape)
{
	return shape == LOG_PIPE || shape == LOG_TAG ? 2 : 1;
}

static bool same_logger(struct piece rest, struct piece logger)
{
	struct piece name;

	return log_logger(&rest, &name) && name.len == logger.len &&
	       !memcmp(name.s, logger.s, name.len);
}

/* From the current line on, over lines without anything. */
static void run_see(struct sight *sight, const struct lines *lines)
{
	struct lines ahead = *lines;
	struct piece rest, behind;
	size_t n = 0;

	sight->shape = log_shape(ahead.line, &rest);
	sight->behind = ahead.next;
	sight->logger.len = 0;
	if (sight->shape == LOG_NONE)
		return;
	behind = rest;
	if (sight->shape != LOG_TIME || !log_logger(&behind, &sight->logger))
		sight->logger.len = 0;
	for (; ahead.line.s; lines_next(&ahead)) {
		if (!ahead.line.len)
			continue;
		if (log_shape(ahead.line, &rest) != sight->shape)
			break;
		if (sight->logger.len && !same_logger(rest, sight->logger))
			sight->logger.len = 0;
		sight->behind = ahead.next;
		n++;
	}
	if (n < LOGGER_MIN)
		sight->logger.len = 0;
	if (n < run_min(sight->shape))
		sight->shape = LOG_NONE;
}

/* The line without what stands before it. */
static struct piece look(struct sight *sight, const struct lines *lines, bool *json)
{
	struct piece line = lines->line, rest = line;
	size_t indent = 0;

	*json = false;
	if (!line.len) {
		sight->blank = true;
		return line;
	}
	if (line.s >= sight->behind)
		run_see(sight, lines);
	if (sight->shape != LOG_NONE) {
		log_shape(line, &rest);
		if (sight->logger.len)
			log_logger(&rest, &sight->logger);
		*json = sight->shape == LOG_JSON;
		sight->blank = false;
		return rest;
	}
	if (line.s >= sight->block) {
		sight->indent = 0;
		if (sight->blank && is_blank_char(*line.s))
			sight->indent = block_of(lines, line.s == sight->data, &sight->block);
	}
	if (line.s < sight->block)
		indent = indent_of(line) < sight->indent ? indent_of(line) : sight->indent;
	piece_cut(&rest, indent);
	sight->blank = piece_is_blank(line);
	return rest;
}

/*
 * Is there anything to take away? *nlines: there are not more then; *changes: there may be more
 * than before.
 */
static bool survey(const struct paste *paste, size_t *nlines, bool *changes)
{
	struct sight sight = { .behind = paste->data, .block = paste->data,
			       .data = paste->data, .blank = true };
	struct lines lines;
	bool found = false, json;

	*changes = false;
	*nlines = 0;
	for (lines_begin(&lines, paste->data, paste->size); lines.line.s; lines_next(&lines)) {
		struct piece rest = look(&sight, &lines, &json);

		found |= rest.len != lines.line.len;
		++*nlines;
		for (size_t i = 0; json && i + 1 < rest.len; i++)
			*nlines += rest.s[i] == '\\';
		*changes |= json;
	}
	return found;
}

static void writer_begin(struct writer *writer, struct paste *paste, size_t nlines, bool changes)
{
	*writer = (struct writer){ .paste = paste, .to = paste_own(paste) };
	if (changes || paste->steps)
		writer->steps = xmalloc(nlines + 1);
}

static void writer_end(struct writer *writer)
{
	struct paste *paste = writer->paste;

	paste->size = (size_t)(writer->to - paste->own);
	if (!writer->steps)
		return;
	free(paste->steps);
	paste->steps = writer->steps;
	paste->nsteps = writer->nlines;
}

/* False: there is nothing of that kind. */
static bool strip_prefixes(struct paste *paste)
{
	struct sight sight = { .blank = true };
	struct writer writer;
	struct lines lines;
	size_t nlines;
	bool json, changes;

	if (!paste->size || !survey(paste, &nlines, &changes))
		return false;
	writer_begin(&writer, paste, nlines, changes);
	sight.data = sight.behind = sight.block = paste->data;
	for (lines_begin(&lines, paste->data, paste->size); lines.line.s;) {
		struct piece rest = look(&sight, &lines, &json);
		bool ended = is_ended(&lines);
		size_t step = step_to(paste, lines.number);

		lines_next(&lines);
		if (json)
			write_json(&writer, rest, ended, step);
		else
			write_line(&writer, rest, ended, step);
	}
	writer_end(&writer);
	return true;
}

/* Of lines that are not blank: fewer are paragraphs. */
#define DOUBLED_MIN 8

/* A blank line behind one that stays goes. *stays: the one before does; the line's own then. */
static bool is_dropped(struct piece line, bool *stays)
{
	bool drop = *stays && piece_is_blank(line);

	*stays = !drop;
	return drop;
}

/* Behind each line that is not blank there is one that is. *nlines: so many lines stay. */
static bool is_doubled(const struct paste *paste, size_t *nlines)
{
	struct lines lines;
	size_t n = 0;
	bool before = false, stays = false;

	*nlines = 0;
	for (lines_begin(&lines, paste->data, paste->size); lines.line.s; lines_next(&lines)) {
		bool blank = piece_is_blank(lines.line);

		if (before && !blank)
			return false;
		before = !blank;
		n += !blank;
		*nlines += !is_dropped(lines.line, &stays);
	}
	return n >= DOUBLED_MIN;
}

static void single_lines(struct paste *paste)
{
	struct writer writer;
	struct lines lines;
	size_t nlines, step = 0;
	bool stays = false;

	if (!paste->size || !is_doubled(paste, &nlines))
		return;
	writer_begin(&writer, paste, nlines, true);
	for (lines_begin(&lines, paste->data, paste->size); lines.line.s;) {
		struct piece line = lines.line;
		bool ended = is_ended(&lines), drop = is_dropped(line, &stays);

		step += step_to(paste, lines.number);
		lines_next(&lines);
		if (drop)
			continue;
		write_line(&writer, line, ended, step);
		step = 0;
	}
	writer_end(&writer);
}

void paste_clean(struct paste *paste, const char *data, size_t size)
{
	*paste = (struct paste){ .data = data, .size = size };
	paste_decode(paste);
	paste_mend_line_ends(paste);
	paste_strip_escapes(paste);
	paste_mend_blanks(paste);
	single_lines(paste); /* before what follows a blank line is looked at */
	for (int i = 0; i < ROUNDS_MAX && strip_prefixes(paste); i++)
		paste_strip_escapes(paste);
	if (paste->own)
		single_lines(paste);
}

size_t paste_line(const struct paste *paste, size_t line, size_t *at, size_t *number)
{
	while (*at < line)
		*number += step_to(paste, ++*at);
	while (*at > line)
		*number -= step_to(paste, (*at)--);
	return *number;
}

void paste_release(struct paste *paste)
{
	free(paste->own);
	free(paste->steps);
	*paste = (struct paste){ .data = NULL };
}
