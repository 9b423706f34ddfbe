/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes through the text once, writing what it understands. Each time that a value is complete, or a
 * container is open with nothing in it yet, the text so far could be closed by its brackets alone:
 * that length is kept, and is where everything ends when the text cannot be understood any more.
 */
#include "triage/json_mend.h"

#include <string.h>

#include "base/text.h"
#include "triage/json_text.h"

/* Digits of an integer that surely fits 64 bits, and the longest number that is copied. */
#define INTEGER_DIGITS 18
#define NUMBER_MAX 40

struct mender {
	struct piece rest;
	struct strbuf *out;
	char open[JSON_TEXT_DEPTH]; /* '{' and '[', outermost first */
	size_t depth;
	size_t good;                /* of out */
};

static int peek(struct mender *m)
{
	while (m->rest.len && strchr(" \t\r\n", *m->rest.s) && *m->rest.s) {
		m->rest.s++;
		m->rest.len--;
	}
	return m->rest.len ? (unsigned char)*m->rest.s : -1;
}

static void skip(struct mender *m, size_t n)
{
	m->rest.s += n;
	m->rest.len -= n;
}

static bool take_char(struct mender *m, char c)
{
	if (peek(m) != (unsigned char)c)
		return false;
	strbuf_addch(m->out, c);
	skip(m, 1);
	return true;
}

/* Four digits behind "\u". */
static bool hex4(struct piece p, unsigned int *value)
{
	*value = 0;
	if (p.len < 6 || p.s[0] != '\\' || p.s[1] != 'u')
		return false;
	for (int i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *at = p.s[i] ? strchr(digits, p.s[i]) : NULL;

		if (!at)
			return false;
		*value = *value * 16 + (unsigned int)(at - digits) % 16;
	}
	return true;
}

/* False: the text ends within it. */
static bool take_escape(struct mender *m)
{
	unsigned int first, second;
	struct piece next = { m->rest.s + 6, m->rest.len < 6 ? 0 : m->rest.len - 6 };

	if (m->rest.len < 2 || (m->rest.s[1] == 'u' && m->rest.len < 6))
		return false;
	if (hex4(m->rest, &first)) {
		bool high = first >= 0xd800 && first < 0xdc00;
		size_t len = high && hex4(next, &second) && second >= 0xdc00 &&
			     second < 0xe000 ? 12 : 6;

		if (first >= 0xd800 && first < 0xe000 && len == 6)
			strbuf_addstr(m->out, "\\ufffd");
		else
			strbuf_add(m->out, m->rest.s, len);
		skip(m, len);
		return true;
	}
	if (m->rest.s[1] && strchr("\"\\/bfnrt", m->rest.s[1])) {
		strbuf_add(m->out, m->rest.s, 2);
		skip(m, 2);
		return true;
	}
	strbuf_addstr(m->out, "\\\\");
	skip(m, 1);
	return true;
}

static void take_character(struct mender *m)
{
	uint32_t character;
	size_t len = text_decode(m->rest.s, m->rest.len, &character);

	if (character == TEXT_INVALID && len == 1)
		strbuf_addstr(m->out, "\\ufffd");
	else if (character < 0x20)
		strbuf_addch(m->out, ' ');
	else
		strbuf_add(m->out, m->rest.s, len);
	skip(m, len);
}

/* False: it is cut off. What is there of it is closed then. */
static bool take_string(struct mender *m)
{
	bool whole = true;

	strbuf_addch(m->out, '"');
	skip(m, 1);
	while (whole && m->rest.len && *m->rest.s != '"') {
		if (*m->rest.s == '\\')
			whole = take_escape(m);
		else if (*m->rest.s == '\n')
			whole = false;
		else
			take_character(m);
	}
	strbuf_addch(m->out, '"');
	if (!whole || !m->rest.len)
		return false;
	skip(m, 1);
	return true;
}

static size_t span(struct piece p, const char *set)
{
	size_t n = 0;

	while (n < p.len && p.s[n] && strchr(set, p.s[n]))
		n++;
	return n;
}

static size_t digits(struct piece p, size_t from)
{
	return span((struct piece){ p.s + from, p.len - from }, "0123456789");
}

/* The length of a number as JSON writes it; 0: it is none, or the text ends with it. */
static size_t number_length(struct piece p, bool *integer)
{
	size_t at = p.len && *p.s == '-' ? 1 : 0, n = digits(p, at);

	*integer = true;
	if (!n || (n > 1 && p.s[at] == '0'))
		return 0;
	at += n;
	if (at < p.len && p.s[at] == '.') {
		*integer = false;
		n = digits(p, at + 1);
		if (!n)
			return 0;
		at += 1 + n;
	}
	if (at < p.len && (p.s[at] == 'e' || p.s[at] == 'E')) {
		*integer = false;
		at += at + 1 < p.len && (p.s[at + 1] == '+' || p.s[at + 1] == '-') ? 2 : 1;
		n = at < p.len ? digits(p, at) : 0;
		if (!n || n > 2)
			return 0;
		at += n;
	}
	return at < p.len ? at : 0;
}

static bool take_scalar(struct mender *m)
{
	static const char *const words[] = { "true", "false", "null" };
	bool integer;
	size_t len = number_length(m->rest, &integer);

	for (size_t i = 0; i < 3 && !len; i++)
		if (take_text(&m->rest, words[i])) {
			strbuf_addstr(m->out, words[i]);
			return true;
		}
	if (!len)
		return false;
	if (len > NUMBER_MAX)
		strbuf_addch(m->out, '0');
	else
		strbuf_add(m->out, m->rest.s, len);
	/* Registers and the like need not fit: as a real number it is nearly right. */
	if (integer && len > INTEGER_DIGITS && len <= NUMBER_MAX)
		strbuf_addstr(m->out, "e0");
	skip(m, len);
	return true;
}

/* "key": */
static bool take_member(struct mender *m)
{
	return peek(m) == '"' && take_string(m) && take_char(m, ':');
}

/* A value, or the opening of one. False: nothing more can be understood. */
static bool take_value(struct mender *m)
{
	int c = peek(m);
	bool whole = true;

	if (c == '{' || c == '[') {
		if (m->depth == JSON_TEXT_DEPTH)
			return false;
		m->open[m->depth++] = (char)c;
		take_char(m, (char)c);
	} else if (c == '"') {
		whole = take_string(m);
	} else if (!take_scalar(m)) {
		return false;
	}
	m->good = m->out->len;
	return whole;
}

static char closing(char open)
{
	return open == '{' ? '}' : ']';
}

/* What stands in the innermost container: its end, or a further element. */
static bool take_next(struct mender *m)
{
	char open = m->open[m->depth - 1];
	bool empty = m->out->len && m->out->buf[m->out->len - 1] == open;

	if (take_char(m, closing(open))) {
		m->depth--;
		m->good = m->out->len;
		return true;
	}
	if (!empty && !take_char(m, ','))
		return false;
	if (open == '{' && !take_member(m))
		return false;
	return take_value(m);
}

size_t json_mend(struct piece text, struct strbuf *out)
{
	struct mender m = { .rest = text, .out = out };
	int c = peek(&m);

	if (c != '{' && c != '[')
		return 0;
	for (bool more = take_value(&m); more && m.depth; more = take_next(&m))
		;
	out->len = m.good;
	out->buf[out->len] = '\0';
	while (m.depth)
		strbuf_addch(out, closing(m.open[--m.depth]));
	return (size_t)(m.rest.s - text.s);
}
