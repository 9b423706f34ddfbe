/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Lines: each cell as it came, one a line, written when the cell is done. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "report/report.h"

struct jsonl {
	struct reporter reporter;
	struct output *out;
};

/* 15 digits: each decimal number of as many comes back as it was, and 0.1 is not 0.1000…01. */
#define FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(15))

static json_t *made_valid(const json_t *value);

static json_t *text_made_valid(const char *s, size_t len)
{
	struct strbuf sb = STRBUF_INIT;
	json_t *text;

	text_add_utf8(&sb, s, len);
	text = json_stringn(sb.buf, sb.len);
	strbuf_release(&sb);
	return text;
}

static json_t *object_made_valid(const json_t *value)
{
	json_t *copy = json_object(), *member;
	const char *key;

	json_object_foreach((json_t *)value, key, member) {
		json_t *name = text_made_valid(key, strlen(key));

		json_object_set_new(copy, json_string_value(name), made_valid(member));
		json_decref(name);
	}
	return copy;
}

/* A deep copy in which all strings are UTF-8. */
static json_t *made_valid(const json_t *value)
{
	json_t *copy, *item;
	size_t i;

	if (json_is_object(value))
		return object_made_valid(value);
	if (json_is_string(value))
		return text_made_valid(json_string_value(value), json_string_length(value));
	if (!json_is_array(value))
		return json_deep_copy(value);
	copy = json_array();
	json_array_foreach(value, i, item)
		json_array_append_new(copy, made_valid(item));
	return copy;
}

/*
 * jansson refuses strings that are no UTF-8, which a maker can get past it. A result is not
 * dropped for that.
 */
static char *dump(const json_t *cell)
{
	char *text = json_dumps(cell, FORMAT);
	json_t *valid;

	if (text)
		return text;
	valid = made_valid(cell);
	text = json_dumps(valid, FORMAT);
	json_decref(valid);
	if (!text)
		bug("a cell cannot be written as JSON: it is no object");
	return text;
}

static void jsonl_cell(struct reporter *self, const json_t *cell)
{
	struct jsonl *jsonl = (struct jsonl *)self;
	struct strbuf line = STRBUF_INIT;
	char *text = dump(cell);

	strbuf_addf(&line, "%s\n", text);
	free(text);
	output_record(jsonl->out, line.buf, line.len);
	strbuf_release(&line);
}

static void jsonl_free(struct reporter *self)
{
	free(self);
}

struct reporter *reporter_jsonl_new(struct output *out)
{
	struct jsonl *jsonl = xcalloc(1, sizeof(*jsonl));

	jsonl->reporter.cell = jsonl_cell;
	jsonl->reporter.free = jsonl_free;
	jsonl->out = out;
	return &jsonl->reporter;
}
