/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text read line by line, and the small things that stand in a line of a crash report. A line
 * ends with LF, CRLF, or the text's end; NUL is a character like others. Nothing is copied: a
 * struct piece points into the text. Pure.
 */
#ifndef FORKPOINT_TRIAGE_LINES_H
#define FORKPOINT_TRIAGE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not terminated by NUL. All zero: nothing. */
struct piece {
	const char *s;
	size_t len;
};

struct lines {
	const char *next, *end;
	struct piece line; /* the current one, without its end; s NULL: there is none any more */
	size_t number;     /* of it, from 1 */
};

/* The first line is the current one then. */
void lines_begin(struct lines *lines, const char *data, size_t size);
/* False: that was the last one. */
bool lines_next(struct lines *lines);
/* The line that begins at `at`, which is behind the current one, is the current one then. */
void lines_skip(struct lines *lines, const char *at);
/* The n-th line behind the current one (1: the next); s NULL: there is none. */
struct piece lines_peek(const struct lines *lines, size_t n);

/*
 * The small ones are here, for each line of a file of any size is asked by them for some hundred
 * words whose lengths are known where they stand.
 */
static inline bool is_blank_char(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut n bytes off the beginning; of a piece that is nowhere (s NULL) there are none. */
static inline void piece_cut(struct piece *p, size_t n)
{
	if (!n)
		return;
	p->s += n;
	p->len -= n;
}

static inline bool piece_is(struct piece p, const char *text)
{
	return p.len == strlen(text) && !memcmp(p.s, text, p.len);
}

static inline bool piece_starts(struct piece p, const char *prefix)
{
	size_t len = strlen(prefix);

	return p.len >= len && !memcmp(p.s, prefix, len);
}

static inline bool piece_ends(struct piece p, const char *suffix)
{
	size_t len = strlen(suffix);

	return p.len >= len && !memcmp(p.s + p.len - len, suffix, len);
}

/* All behind the first `at` bytes, which it has. */
static inline struct piece piece_from(struct piece p, size_t at)
{
	piece_cut(&p, at);
	return p;
}

/* Where it stands in p; len: it does not. */
static inline size_t piece_find(struct piece p, const char *text)
{
	size_t len = strlen(text);
	const char *at = p.len && p.len >= len ? memmem(p.s, p.len, text, len) : NULL;

	return at ? (size_t)(at - p.s) : p.len;
}

size_t piece_find_last(struct piece p, const char *text);
/* "path:12" or "path:12:3" */
bool piece_is_place(struct piece word);

/* Cheaper than to look for a text that begins with it. */
static inline bool piece_has_char(struct piece p, char c)
{
	return p.len && memchr(p.s, c, p.len);
}

static inline bool piece_has(struct piece p, const char *text)
{
	return piece_find(p, text) < p.len;
}

/*
 * The takers cut what they take off the beginning of *p. What they do not find they leave, and say
 * false; a piece or number they would have set is left alone then.
 */
static inline void take_blanks(struct piece *p)
{
	while (p->len && is_blank_char(*p->s))
		piece_cut(p, 1);
}

static inline bool take_text(struct piece *p, const char *text)
{
	if (!piece_starts(*p, text))
		return false;
	piece_cut(p, strlen(text));
	return true;
}

/* Up to a text, which is taken as well. */
static inline bool take_until(struct piece *p, const char *text, struct piece *before)
{
	size_t at = piece_find(*p, text);

	if (at == p->len)
		return false;
	*before = (struct piece){ p->s, at };
	piece_cut(p, at + strlen(text));
	return true;
}

/* Blanks and tabs at its ends are left out. */
static inline struct piece piece_trim(struct piece p)
{
	take_blanks(&p);
	while (p.len && is_blank_char(p.s[p.len - 1]))
		p.len--;
	return p;
}

static inline bool piece_is_blank(struct piece p)
{
	return piece_trim(p).len == 0;
}

/* Up to the next blank, or all that is left; false: nothing is left. */
bool take_word(struct piece *p, struct piece *word);
/* Digits. A number that is too large for its type is none. */
bool take_decimal(struct piece *p, uint64_t *value);
/* With 0x before it, or without it (`bare`). */
bool take_hex(struct piece *p, bool bare, uint64_t *value);

/* A copy that is fit for output: valid UTF-8 in one line, TRACE_TEXT_MAX at most. Allocated. */
char *piece_copy(struct piece p);

#endif
