/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/log_line.h"

#include "base/ascii.h"
#include "triage/paste_bytes.h"

/* The name of a service, a pod, a logger. */
#define WORD_MAX 128

/* '0' a digit, other characters themselves. */
static bool take_shape(struct piece *p, const char *shape)
{
	size_t len = strlen(shape);

	if (p->len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == '0' ? !ascii_is_digit(p->s[i]) : p->s[i] != shape[i])
			return false;
	piece_cut(p, len);
	return true;
}

/* "03:04:05", ".678901" or ",678" */
static bool take_clock(struct piece *p)
{
	struct piece rest = *p;

	if (!take_shape(&rest, "00:00:00"))
		return false;
	if (rest.len > 1 && (*rest.s == '.' || *rest.s == ',') && ascii_is_digit(rest.s[1])) {
		piece_cut(&rest, 1);
		while (rest.len && ascii_is_digit(*rest.s))
			piece_cut(&rest, 1);
	}
	*p = rest;
	return true;
}

static bool take_zone(struct piece *p)
{
	return take_text(p, "Z") || take_shape(p, "+00:00") || take_shape(p, "-00:00") ||
	       take_shape(p, "+0000") || take_shape(p, "-0000");
}

/* A prefix ends with a blank, or with the line. */
static bool take_end(struct piece *p)
{
	return !p->len || take_text(p, " ") || take_text(p, "\t");
}

/* "2026-01-02T03:04:05.678Z ", in brackets or not. */
static bool take_time(struct piece *p)
{
	struct piece rest = *p;
	bool bracket = take_text(&rest, "[");

	if (!take_shape(&rest, "0000-00-00") && !take_shape(&rest, "0000/00/00"))
		return false;
	if ((!take_text(&rest, "T") && !take_text(&rest, " ")) || !take_clock(&rest))
		return false;
	take_zone(&rest);
	if ((bracket && !take_text(&rest, "]")) || !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

static bool is_word_char(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '@' ||
	       c == ':';
}

/* It begins with a letter. */
static bool take_name(struct piece *p, struct piece *name)
{
	size_t len = 0;

	if (!p->len || !ascii_is_alnum(*p->s) || ascii_is_digit(*p->s))
		return false;
	while (len < p->len && len < WORD_MAX && is_word_char(p->s[len]))
		len++;
	*name = (struct piece){ p->s, len };
	piece_cut(p, len);
	return true;
}

/* "python[12]: ", "sh: " if a bare name will do. The kernel's own lines are readers' to know. */
static bool take_process(struct piece *p, bool bare)
{
	struct piece rest = *p, name;
	uint64_t pid;

	if (!take_name(&rest, &name))
		return false;
	if (take_text(&rest, "[")) {
		if (!take_decimal(&rest, &pid) || !take_text(&rest, "]:"))
			return false;
	} else if (!bare || !piece_ends(name, ":") || piece_is(name, "kernel:")) {
		return false;
	}
	if (!take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "host python[12]: " */
static bool take_host(struct piece *p, bool bare)
{
	struct piece rest = *p, name;

	if (!take_name(&rest, &name) || !take_text(&rest, " ") || !take_process(&rest, bare))
		return false;
	*p = rest;
	return true;
}

static bool take_syslog(struct piece *p)
{
	static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
	struct piece rest = *p;
	char month[] = "Jan ";

	if (rest.len < 16)
		return false;
	memcpy(month, rest.s, 4);
	if (!memmem(months, sizeof(months) - 1, month, 4))
		return false;
	piece_cut(&rest, 4);
	if ((!take_shape(&rest, "00 ") && !take_shape(&rest, " 0 ")) || !take_clock(&rest) ||
	    !take_text(&rest, " ") || !take_host(&rest, true))
		return false;
	*p = rest;
	return true;
}

/* "stderr F ", and GitLab's "00O " */
static bool take_stream(struct piece *p)
{
	static const char *const streams[] = { "stderr F", "stdout F", "stderr P", "stdout P" };
	struct piece rest = *p;

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++)
		if (take_text(&rest, streams[i]) && take_end(&rest))
			return *p = rest, true;
	rest = *p;
	if (take_shape(&rest, "00O") || take_shape(&rest, "00E")) {
		if (!take_text(&rest, "+") && !take_end(&rest))
			return false;
		*p = rest;
		return true;
	}
	return false;
}

/* "worker: ", which is no program that says something of itself. */
static void take_logger(struct piece *p)
{
	struct piece rest = *p, name;

	if (take_text(&rest, "- "))
		*p = rest;
	if (take_text(&rest, "[") && take_name(&rest, &name) && take_text(&rest, "] "))
		*p = rest;
	rest = *p;
	if (take_name(&rest, &name) && piece_find(name, ":") == name.len - 1 &&
	    !piece_is(name, "SUMMARY:") && take_end(&rest))
		*p = rest;
}

/* "ERROR worker: ", "[ERROR] ", "- ERROR - " */
static void take_level(struct piece *p)
{
	static const char *const levels[] = {
		"DEBUG", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "TRACE",
	};
	struct piece rest = *p;
	bool bracket;

	take_text(&rest, "- ");
	bracket = take_text(&rest, "[");
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		struct piece behind = rest;

		if (!take_text(&behind, levels[i]))
			continue;
		while (bracket && take_text(&behind, " "))
			;
		if ((bracket && !take_text(&behind, "]")) || !take_end(&behind))
			continue;
		take_logger(&behind);
		*p = behind;
		return;
	}
}

/* "web-1  | " */
static bool take_pipe(struct piece *p)
{
	struct piece rest = *p, name;

	if (!take_name(&rest, &name) || !rest.len || *rest.s != ' ')
		return false;
	for (size_t n = 0; n < WORD_MAX && take_text(&rest, " "); n++)
		;
	if (!take_text(&rest, "|") || !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "[pod/web/main] "; of one that tools write themselves, nothing stands behind it. */
static bool take_tag(struct piece *p)
{
	struct piece rest = *p, name;

	if (!take_text(&rest, "[") || !take_name(&rest, &name) || !take_text(&rest, "]") ||
	    !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

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

/* One object in the line, of plain members: a report in JSON has stacks, that is, lists. */
static bool is_json(struct piece line, struct piece *text)
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
			while (rest.len && (is_word_char(*rest.s) || *rest.s == '+'))
				piece_cut(&rest, 1);
		}
		take_blanks(&rest);
	} while (take_text(&rest, ","));
	return found && piece_is(rest, "}");
}

static enum log_shape outer_shape(struct piece *p)
{
	if (!p->len)
		return LOG_NONE;
	switch (*p->s) {
	case '>':
		piece_cut(p, 1);
		return take_end(p) ? LOG_QUOTE : LOG_NONE;
	case '[':
		return take_time(p) ? LOG_TIME : take_tag(p) ? LOG_TAG : LOG_NONE;
	case '{':
		return is_json(*p, p) ? LOG_JSON : LOG_NONE;
	default:
		break;
	}
	if (ascii_is_digit(*p->s))
		return take_time(p) ? LOG_TIME : LOG_NONE;
	return take_syslog(p) ? LOG_SYSLOG : take_pipe(p) ? LOG_PIPE : LOG_NONE;
}

enum log_shape log_shape(struct piece line, struct piece *rest)
{
	enum log_shape shape;

	*rest = line;
	shape = outer_shape(rest);
	if (shape == LOG_TIME && !take_stream(rest) && !take_host(rest, false))
		take_level(rest);
	return shape;
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
