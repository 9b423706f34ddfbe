/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/json_text.h"

#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "triage/json_mend.h"

/* Blanks and line ends that may stand before the first member. */
#define BLANKS_MAX 64

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The name after "{", within the text. */
static bool take_key(struct piece text, struct piece *key)
{
	size_t at = 1, from;

	while (at < text.len && at < BLANKS_MAX && is_space(text.s[at]))
		at++;
	if (at >= text.len || text.s[at] != '"')
		return false;
	from = ++at;
	while (at < text.len && at < from + BLANKS_MAX && text.s[at] != '"' && text.s[at] != '\n')
		at++;
	*key = (struct piece){ text.s + from, at - from };
	return at < text.len && text.s[at] == '"' && at > from;
}

bool json_text_begins(const struct lines *lines, struct piece *text, struct piece *key)
{
	struct piece line = piece_trim(lines->line);

	if (!line.len)
		return false;
	if (piece_starts(line, "[{\"")) {
		*text = (struct piece){ line.s, (size_t)(lines->end - line.s) };
		return take_key((struct piece){ text->s + 1, text->len - 1 }, key);
	}
	if (*line.s != '{') {
		/* Behind other words of the line. */
		size_t at = piece_find(line, "{\"");

		if (at == line.len)
			return false;
		line.s += at;
	}
	*text = (struct piece){ line.s, (size_t)(lines->end - line.s) };
	return take_key(*text, key);
}

json_t *json_text_read(struct piece text, const char **behind, bool *mended)
{
	size_t size = text.len < JSON_TEXT_MAX ? text.len : JSON_TEXT_MAX, end;
	struct strbuf copy = STRBUF_INIT;
	json_error_t error;
	json_t *value;

	*behind = text.s + 1;
	*mended = false;
	if (!text.len)
		return NULL;
	value = json_loadb(text.s, size, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error);
	if (value) {
		*behind = text.s + error.position;
		return value;
	}
	*mended = true;
	end = json_mend((struct piece){ text.s, size }, &copy);
	*behind = text.s + (end ? end : 1);
	if (copy.len)
		value = json_loadb(copy.buf, copy.len, JSON_ALLOW_NUL, &error);
	strbuf_release(&copy);
	return value;
}

struct piece json_piece(const json_t *value)
{
	if (!json_is_string(value))
		return (struct piece){ NULL, 0 };
	return (struct piece){ json_string_value(value), json_string_length(value) };
}

bool json_number(const json_t *value, uint64_t *number)
{
	struct piece text = json_piece(value);

	if (json_is_integer(value)) {
		*number = (uint64_t)json_integer_value(value);
		return true;
	}
	if (json_is_real(value)) {
		double real = json_real_value(value);

		if (!(real >= 0 && real < 0x1p64))
			return false;
		*number = (uint64_t)real;
		return true;
	}
	if (!text.len)
		return false;
	return piece_starts(text, "0x") || piece_starts(text, "0X") ?
	       take_hex(&text, false, number) : take_decimal(&text, number);
}

int json_int(const json_t *value)
{
	json_int_t number = json_integer_value(value);

	return json_is_integer(value) && number >= INT32_MIN && number <= INT32_MAX ?
	       (int)number : 0;
}

bool json_has(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_array_size(value) || json_object_size(value) || json_piece(value).len;
}

json_t *json_of_text(const char *text)
{
	struct strbuf clean = STRBUF_INIT;
	json_t *json;

	if (!text)
		return json_null();
	text_add_utf8(&clean, text, strlen(text));
	json = json_string(clean.buf);
	strbuf_release(&clean);
	return json;
}

void json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		no_memory();
}

void json_append(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		no_memory();
}
