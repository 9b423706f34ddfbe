/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/paste_bytes.h"

#include <stdbool.h>
#include <string.h>

#include "base/errors.h"

/* Of an escape sequence that ends. */
#define ESCAPE_MAX 4096

#define ESC '\x1b'
#define BEL '\a'

char *paste_own(struct paste *paste)
{
	if (!paste->own) {
		paste->own = xmalloc(paste->size + 1);
		memcpy(paste->own, paste->data, paste->size);
		paste->data = paste->own;
	}
	return paste->own;
}

char *utf8_put(char *to, unsigned int c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c >= 0x10000) {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
	} else if (c >= 0x800) {
		*to++ = (char)(0xe0 | c >> 12);
	}
	*to++ = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

static unsigned int unit_at(const char *data, bool big)
{
	unsigned int first = (unsigned char)data[0], second = (unsigned char)data[1];

	return big ? first << 8 | second : second << 8 | first;
}

/* Two bytes become three at most. */
static void from_utf16(struct paste *paste, bool big)
{
	const char *data = paste->data + 2;
	size_t n = (paste->size - 2) / 2;
	char *to = paste->own = xmalloc(3 * n + 1);

	for (size_t i = 0; i < n; i++) {
		unsigned int c = unit_at(data + 2 * i, big);

		if (c >= 0xd800 && c < 0xdc00 && i + 1 < n) {
			unsigned int low = unit_at(data + 2 * (i + 1), big);

			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			}
		}
		to = utf8_put(to, c);
	}
	paste->data = paste->own;
	paste->size = (size_t)(to - paste->own);
}

void paste_decode(struct paste *paste)
{
	if (paste->size >= 3 && !memcmp(paste->data, "\xef\xbb\xbf", 3)) {
		paste->data += 3;
		paste->size -= 3;
	} else if (paste->size >= 2 && !memcmp(paste->data, "\xff\xfe", 2)) {
		from_utf16(paste, false);
	} else if (paste->size >= 2 && !memcmp(paste->data, "\xfe\xff", 2)) {
		from_utf16(paste, true);
	}
}

void paste_mend_line_ends(struct paste *paste)
{
	char *text;

	if (!paste->size || memchr(paste->data, '\n', paste->size) ||
	    !memchr(paste->data, '\r', paste->size))
		return;
	text = paste_own(paste);
	for (size_t i = 0; i < paste->size; i++)
		if (text[i] == '\r')
			text[i] = '\n';
}

/* The length of what begins with ESC; what does not end in its line is ESC alone. */
static size_t escape_len(const char *at, size_t size)
{
	size_t max = size < ESCAPE_MAX ? size : ESCAPE_MAX, i = 2;

	if (max < 2)
		return 1;
	if (at[1] == '[') {
		while (i < max && at[i] >= 0x20 && at[i] <= 0x3f)
			i++;
		return i < max && at[i] >= 0x40 && at[i] <= 0x7e ? i + 1 : 1;
	}
	if (at[1] == ']') {
		for (; i < max && at[i] != '\n'; i++) {
			if (at[i] == BEL)
				return i + 1;
			if (at[i] == ESC)
				return i + 1 < max && at[i + 1] == '\\' ? i + 2 : 1;
		}
		return 1;
	}
	return (at[1] == '(' || at[1] == ')') && max > 2 && at[2] != '\n' ? 3 : 1;
}

void paste_strip_escapes(struct paste *paste)
{
	const char *from, *end, *esc;
	char *to;

	if (!paste->size || !memchr(paste->data, ESC, paste->size))
		return;
	from = to = paste_own(paste);
	end = from + paste->size;
	while (from < end) {
		esc = memchr(from, ESC, (size_t)(end - from));
		esc = esc ? esc : end;
		memmove(to, from, (size_t)(esc - from));
		to += esc - from;
		from = esc;
		if (from < end)
			from += escape_len(from, (size_t)(end - from));
	}
	paste->size = (size_t)(to - paste->own);
}

void paste_mend_blanks(struct paste *paste)
{
	static const char wide[] = "\xc2\xa0";
	const char *from, *end, *at;
	char *to;

	if (!paste->size || !memmem(paste->data, paste->size, wide, 2))
		return;
	from = to = paste_own(paste);
	end = from + paste->size;
	while (from < end) {
		at = memmem(from, (size_t)(end - from), wide, 2);
		memmove(to, from, (size_t)((at ? at : end) - from));
		to += (at ? at : end) - from;
		from = at ? at + 2 : end;
		if (at)
			*to++ = ' ';
	}
	paste->size = (size_t)(to - paste->own);
}
