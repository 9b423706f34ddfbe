/* SPDX-License-Identifier: Apache-2.0 */
#include "report/yaml.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/*
 * prove's reader matches a quoted string by a regular expression with a group for each character,
 * and perl gives up on such a group at 32,766 repetitions (perl 5.28 and before). A message that
 * long is for --json in any case.
 */
#define STRING_MAX 4000

/* YAML wants a key within 1,024 characters of its colon; an escape makes four of one. */
#define KEY_MAX 200

/* jansson limits what it parses to 2,048 levels; nobody writes a result that is as deep as this. */
#define DEPTH_MAX 16

static void add_indent(struct strbuf *sb, size_t n)
{
	while (n--)
		strbuf_addch(sb, ' ');
}

/*
 * Can the text stand without quotes? Only what begins with a letter and cannot be a number, a truth
 * value or null in YAML 1.1 or 1.2; no colon, no '#', no blank.
 */
static bool is_plain(const char *s, size_t len)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off",
					     "null", "y", "n", "nan", "inf" };

	if (!len || len > KEY_MAX || !isalpha((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_-./+", s[i] ? s[i] : ' '))
			return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && !strncasecmp(s, words[i], len))
			return false;
	return true;
}

static void add_escape(struct strbuf *sb, uint32_t c)
{
	switch (c) {
	case '\n':
		strbuf_addstr(sb, "\\n");
		break;
	case '\t':
		strbuf_addstr(sb, "\\t");
		break;
	case '"':
	case '\\':
		strbuf_addf(sb, "\\%c", (int)c);
		break;
	default:
		if (c < 0x100)
			strbuf_addf(sb, "\\x%02x", c);
		else
			strbuf_addf(sb, "\\u%04x", c);
	}
}

/*
 * In double quotes. `item`: of a list; there prove's reader takes `- "word: rest"` for a map with
 * the key `"word`, so a colon that ends the first word is written as an escape.
 */
static void add_quoted(struct strbuf *sb, const char *s, size_t len, size_t limit, bool item)
{
	size_t shown = 0, words = 0, n;
	bool in_word = false;

	strbuf_addch(sb, '"');
	for (; len && shown < limit; s += n, len -= n, shown += n) {
		uint32_t c;

		n = text_decode(s, len, &c);
		if (c == ' ') {
			in_word = false;
		} else if (!in_word && c != ':') {
			in_word = true;
			words++;
		}
		if (c == TEXT_INVALID)
			strbuf_addstr(sb, "\xef\xbf\xbd");
		else if (!text_is_printable(c) || c == '"' || c == '\\')
			add_escape(sb, c);
		else if (item && c == ':' && words <= 1)
			strbuf_addstr(sb, "\\x3a");
		else
			strbuf_add(sb, s, n);
	}
	if (len)
		strbuf_addf(sb, "… (%zu bytes more)", len);
	strbuf_addch(sb, '"');
}

static void add_string(struct strbuf *sb, const char *s, size_t len, size_t limit, bool item)
{
	if (is_plain(s, len))
		strbuf_add(sb, s, len);
	else
		add_quoted(sb, s, len, limit, item);
}

/* Six digits: a rate from trials has no more. YAML 1.1 takes 1e-05 for a word, 1.0e-05 not. */
static void add_real(struct strbuf *sb, double number)
{
	char text[32], *exponent;

	snprintf(text, sizeof(text), "%.6g", number);
	exponent = strchr(text, 'e');
	if (!exponent || strchr(text, '.'))
		strbuf_addstr(sb, text);
	else
		strbuf_addf(sb, "%.*s.0%s", (int)(exponent - text), text, exponent);
}

static void add_scalar(struct strbuf *sb, const json_t *value, bool item)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		add_string(sb, json_string_value(value), json_string_length(value), STRING_MAX,
			   item);
		break;
	case JSON_INTEGER:
		strbuf_addf(sb, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		add_real(sb, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		strbuf_addstr(sb, json_is_true(value) ? "true" : "false");
		break;
	default:
		strbuf_addch(sb, '~');
	}
}

static bool is_nested(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) > 0 :
				      json_is_object(value) && json_object_size(value) > 0;
}

static void add_nested(struct strbuf *sb, size_t indent, const json_t *value, size_t depth);

/* What follows the colon or the dash, to the line's end. */
static void add_value(struct strbuf *sb, size_t indent, const json_t *value, bool item,
		      size_t depth)
{
	if (is_nested(value) && depth < DEPTH_MAX) {
		strbuf_addch(sb, '\n');
		add_nested(sb, indent + 2, value, depth + 1);
		return;
	}
	strbuf_addch(sb, ' ');
	if (is_nested(value))
		strbuf_addstr(sb, "\"(nested too deeply)\"");
	else if (json_is_array(value))
		strbuf_addstr(sb, "[]");
	else if (json_is_object(value))
		strbuf_addstr(sb, "{}");
	else
		add_scalar(sb, value, item);
	strbuf_addch(sb, '\n');
}

static void add_member(struct strbuf *sb, size_t indent, const char *key, const json_t *value,
		       size_t depth)
{
	add_indent(sb, indent);
	add_string(sb, key, strlen(key), KEY_MAX, false);
	strbuf_addch(sb, ':');
	add_value(sb, indent, value, false, depth);
}

/*
 * A map in a list stands below its dash, not beside it: there prove's reader wants the first key
 * to be one word.
 */
static void add_nested(struct strbuf *sb, size_t indent, const json_t *value, size_t depth)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
			add_member(sb, indent, key, member, depth);
		return;
	}
	json_array_foreach(value, i, member) {
		add_indent(sb, indent);
		strbuf_addch(sb, '-');
		add_value(sb, indent, member, true, depth);
	}
}

void yaml_add_member(struct strbuf *sb, size_t indent, const char *key, const json_t *value)
{
	if (value && !json_is_null(value))
		add_member(sb, indent, key, value, 0);
}
