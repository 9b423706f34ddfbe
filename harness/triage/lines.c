/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/lines.h"

#include <string.h>

#include "base/ascii.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "triage/trace.h"

/* The line that begins at `at`, and where the next one does. */
static struct piece line_at(const char *at, const char *end, const char **next)
{
	const char *lf;
	struct piece line = { NULL, 0 };

	*next = end;
	if (at >= end)
		return line;
	lf = memchr(at, '\n', (size_t)(end - at));
	line = (struct piece){ at, (size_t)((lf ? lf : end) - at) };
	if (lf)
		*next = lf + 1;
	if (line.len && line.s[line.len - 1] == '\r')
		line.len--;
	return line;
}

void lines_begin(struct lines *lines, const char *data, size_t size)
{
	/* Nothing may be at no place, and there is no place behind that. */
	*lines = (struct lines){ .next = data, .end = size ? data + size : data };
	lines_next(lines);
}

bool lines_next(struct lines *lines)
{
	lines->line = line_at(lines->next, lines->end, &lines->next);
	lines->number += lines->line.s != NULL;
	return lines->line.s != NULL;
}

void lines_skip(struct lines *lines, const char *at)
{
	while (lines->line.s && lines->line.s < at)
		lines_next(lines);
}

struct piece lines_peek(const struct lines *lines, size_t n)
{
	const char *next = lines->next;
	struct piece line = lines->line;

	while (n-- && line.s)
		line = line_at(next, lines->end, &next);
	return line;
}

size_t piece_find_last(struct piece p, const char *text)
{
	size_t len = strlen(text);

	for (size_t at = p.len >= len ? p.len - len + 1 : 0; at-- > 0;)
		if (!memcmp(p.s + at, text, len))
			return at;
	return p.len;
}

bool take_word(struct piece *p, struct piece *word)
{
	struct piece rest = *p;

	take_blanks(&rest);
	if (!rest.len)
		return false;
	*word = (struct piece){ rest.s, 0 };
	while (rest.len && !is_blank_char(*rest.s)) {
		word->len++;
		piece_cut(&rest, 1);
	}
	*p = rest;
	return true;
}

static bool take_number(struct piece *p, unsigned int base, uint64_t *value)
{
	struct piece rest = *p;
	uint64_t n = 0;

	for (; rest.len; piece_cut(&rest, 1)) {
		char c = ascii_lower(*rest.s);
		unsigned int digit = c >= '0' && c <= '9' ? (unsigned int)(c - '0') :
				     c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;

		if (digit >= base)
			break;
		if (n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	if (rest.s == p->s)
		return false;
	*p = rest;
	*value = n;
	return true;
}

bool take_decimal(struct piece *p, uint64_t *value)
{
	return take_number(p, 10, value);
}

bool take_hex(struct piece *p, bool bare, uint64_t *value)
{
	struct piece rest = *p;

	if (!take_text(&rest, "0x") && !take_text(&rest, "0X") && !bare)
		return false;
	if (!take_number(&rest, 16, value))
		return false;
	*p = rest;
	return true;
}

char *piece_copy(struct piece p)
{
	struct strbuf text = STRBUF_INIT;

	text_add_line(&text, p.len ? p.s : "", p.len < TRACE_TEXT_MAX ? p.len : TRACE_TEXT_MAX);
	/* A byte that is no UTF-8 has become three. No character is cut in two. */
	if (text.len > TRACE_TEXT_MAX) {
		text.len = TRACE_TEXT_MAX;
		while (((unsigned char)text.buf[text.len] & 0xc0) == 0x80)
			text.len--;
		text.buf[text.len] = '\0';
	}
	return strbuf_detach(&text);
}

bool piece_is_place(struct piece word)
{
	size_t colon = piece_find_last(word, ":");
	struct piece digits = { word.s + colon + 1, word.len - colon - 1 };
	uint64_t number;

	return colon && colon < word.len && take_decimal(&digits, &number) && !digits.len;
}
