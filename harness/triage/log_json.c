/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/log_json.h"

#include "base/ascii.h"
#include "triage/paste_bytes.h"

/* Behind the opening quote: up to the closing one. */
static bool take_string(struct piece *p, struct piece *string)
{
	size_t at = 0;

	for (; at < p->len && p->s[at] != '"'; at++)
		at += p->s[at] == '\\';
	if (at >= p->len)
		return false;
	*string = (struct piece){ p->s, at };
	piece_cut(p, at + 1);
	return true;
}

static bool is_text_key(struct piece key)
{
	return piece_is(key, "log") || piece_is(key, "message") || piece_is(key, "msg");
}

/* Of a number or a word. */
static bool is_bare_char(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '+' || c == '.' || c == '_';
}

bool log_json_find(struct piece line, struct piece *text)
{
	struct piece rest = piece_trim(line), key, value;
	bool found = false;

	if (!take_text(&rest, "{"))
		return false;
	do {
		take_blanks(&rest);
		if (!take_text(&rest, "\"") || !take_string(&rest, &key))
			return false;
		take_blanks(&rest);
		if (!take_text(&rest, ":"))
			return false;
		take_blanks(&rest);
		if (take_text(&rest, "\"")) {
			if (!take_string(&rest, &value))
				return false;
			if (!found && is_text_key(key)) {
				*text = value;
				found = true;
			}
		} else {
			while (rest.len && is_bare_char(*rest.s))
				piece_cut(&rest, 1);
		}
		take_blanks(&rest);
	} while (take_text(&rest, ","));
	return found && piece_is(rest, "}");
}

static bool take_unit(struct piece *p, unsigned int *unit)
{
	struct piece digits = { p->s + 2, 4 };
	uint64_t value;

	if (p->len < 6 || p->s[0] != '\\' || p->s[1] != 'u' || !take_hex(&digits, true, &value) ||
	    digits.len)
		return false;
	piece_cut(p, 6);
	*unit = (unsigned int)value;
	return true;
}

/* A backslash is the first, and something is behind it. */
static char *take_escape(struct piece *p, char *to)
{
	static const char letters[] = "nrtbf", meant[] = "\n\r\t\b\f";
	unsigned int unit, low;
	const char *letter;

	if (take_unit(p, &unit)) {
		struct piece rest = *p;

		if (unit >= 0xd800 && unit < 0xdc00 && take_unit(&rest, &low) && low >= 0xdc00 &&
		    low < 0xe000) {
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
			*p = rest;
		}
		return utf8_put(to, unit);
	}
	letter = memchr(letters, p->s[1], sizeof(letters) - 1);
	*to++ = letter ? meant[letter - letters] : p->s[1];
	piece_cut(p, 2);
	return to;
}

char *log_json_text(struct piece text, char *to)
{
	char *from = to;

	while (text.len) {
		if (*text.s == '\\' && text.len > 1) {
			to = take_escape(&text, to);
		} else {
			*to++ = *text.s;
			piece_cut(&text, 1);
		}
	}
	while (to > from && (to[-1] == '\n' || to[-1] == '\r'))
		to--;
	return to;
}
