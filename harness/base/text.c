/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

size_t text_decode(const char *s, size_t len, uint32_t *character)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least; /* smaller numbers have a shorter form, so this one is invalid */
	} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };
	const unsigned char *bytes = (const unsigned char *)s;

	*character = TEXT_INVALID;
	for (size_t n = 0; n < 4; n++) {
		uint32_t c = bytes[0] & (unsigned char)~forms[n].mask;

		if ((bytes[0] & forms[n].mask) != forms[n].lead)
			continue;
		if (n >= len)
			return 1;
		for (size_t i = 1; i <= n; i++) {
			if ((bytes[i] & 0xc0) != 0x80)
				return 1;
			c = c << 6 | (bytes[i] & 0x3f);
		}
		if (c < forms[n].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 1;
		*character = c;
		return n + 1;
	}
	return 1;
}

bool text_is_printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	if (c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff)
		return false;
	/* Bidirectional controls turn what a reader sees round. */
	return !((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
}

void text_add_utf8(struct strbuf *sb, const char *s, size_t len)
{
	size_t n;

	for (; len; s += n, len -= n) {
		uint32_t c;

		n = text_decode(s, len, &c);
		if (c == TEXT_INVALID)
			strbuf_addstr(sb, "\xef\xbf\xbd");
		else
			strbuf_add(sb, s, n);
	}
}

static void add_escaped(struct strbuf *sb, const char *s, size_t len, const char *escape)
{
	size_t n;

	for (; len; s += n, len -= n) {
		uint32_t c;

		n = text_decode(s, len, &c);
		if (c == TEXT_INVALID) {
			strbuf_addstr(sb, "\xef\xbf\xbd");
		} else if (c == '\n' || c == '\r' || c == '\t') {
			strbuf_addch(sb, ' ');
		} else if (!text_is_printable(c)) {
			strbuf_addch(sb, '?');
		} else {
			if (c < 0x80 && strchr(escape, (int)c))
				strbuf_addch(sb, '\\');
			strbuf_add(sb, s, n);
		}
	}
}

void text_add_line(struct strbuf *sb, const char *s, size_t len)
{
	add_escaped(sb, s, len, "");
}

void text_add_tap(struct strbuf *sb, const char *s, size_t len)
{
	add_escaped(sb, s, len, "#\\");
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void text_cut(struct strbuf *sb, size_t width)
{
	size_t n = 0, i;

	if (text_width(sb->buf) <= width)
		return;
	for (i = 0; i < sb->len; i++)
		if (((unsigned char)sb->buf[i] & 0xc0) != 0x80 && ++n == width)
			break;
	sb->len = i;
	sb->buf[i] = '\0';
	if (width)
		strbuf_addstr(sb, "…");
}
