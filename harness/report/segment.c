/* SPDX-License-Identifier: Apache-2.0 */
#include "report/segment.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "report/kind.h"
#include "report/result.h"

#define ANONYMOUS "(anonymous namespace)::"

/* The end of "operator()" or "operator<<" at p, whose signs are no brackets; or p. */
static const char *after_operator(const char *p)
{
	static const char word[] = "operator";

	if (strncmp(p, word, strlen(word)) != 0)
		return p;
	p += strlen(word);
	return strncmp(p, "()", 2) ? p + strspn(p, "<>=-!+*/%^&|~[],") : p + 2;
}

/* What is in round or angle brackets goes, and so do the result's type and a last " const". */
static void add_bare_name(struct strbuf *sb, const char *p, const char *end)
{
	size_t depth = 0, start = sb->len;
	bool operator = false;

	while (p < end) {
		const char *next = after_operator(p);

		if (!depth && next != p) {
			strbuf_add(sb, p, (size_t)(next - p));
			operator = true;
			p = next;
			continue;
		}
		if (!depth && !strncmp(p, ANONYMOUS, strlen(ANONYMOUS))) {
			p += strlen(ANONYMOUS);
			continue;
		}
		if (*p == '(' || *p == '<')
			depth++;
		else if (depth && (*p == ')' || *p == '>'))
			depth--;
		else if (!depth && !strncmp(p, " const", (size_t)(end - p)))
			return;
		else if (!depth && *p == ' ' && !operator)
			sb->buf[sb->len = start] = '\0';
		else if (!depth)
			strbuf_addch(sb, *p);
		p++;
	}
}

/* Outer namespaces go first. */
static void narrow(struct strbuf *name, size_t width)
{
	const char *inner = name->buf, *next;
	struct strbuf cut = STRBUF_INIT;

	while (text_width(inner) > width && (next = strstr(inner, "::")) && next[2])
		inner = next + 2;
	strbuf_addstr(&cut, inner);
	text_cut(&cut, width);
	strbuf_release(name);
	*name = cut;
}

static const char *text_of(const json_t *segment, const char *key)
{
	const char *text = json_string_value(json_object_get(segment, key));

	return text ? text : "";
}

void segment_add_range(struct strbuf *sb, const json_t *segment)
{
	json_int_t from = result_count(segment, "from"), to = result_count(segment, "to");

	strbuf_addf(sb, "%" JSON_INTEGER_FORMAT, from);
	if (to != from)
		strbuf_addf(sb, "-%" JSON_INTEGER_FORMAT, to);
}

void segment_add_name(struct strbuf *sb, const char *symbol, bool near, size_t width)
{
	const char *offset = strrchr(symbol, '+');
	struct strbuf name = STRBUF_INIT;
	size_t rest;

	/* A '+' that no digit follows is an operator's. */
	if (!offset || offset[1] != '0')
		offset = symbol + strlen(symbol);
	rest = text_width(offset) + near;
	add_bare_name(&name, symbol, offset);
	if (!name.len)
		strbuf_add(&name, symbol, (size_t)(offset - symbol));
	if (!name.len)
		strbuf_addch(&name, '?');
	narrow(&name, width > rest ? width - rest : 1);
	strbuf_addstr(&name, offset);
	strbuf_addstr(sb, near ? "~" : "");
	text_add_line(sb, name.buf, name.len);
	strbuf_release(&name);
}

void segment_add_symbol(struct strbuf *sb, const json_t *segment, size_t width)
{
	segment_add_name(sb, text_of(segment, "symbol"),
			 !strcmp(text_of(segment, "trust"), "near"), width);
}

/* The last component of a path. */
static void add_base(struct strbuf *sb, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	text_add_line(sb, base, strlen(base));
}

void segment_add_module(struct strbuf *sb, const json_t *segment)
{
	const char *module = text_of(segment, "module");

	if (!*module)
		return;
	add_base(sb, module);
	strbuf_addf(sb, "+0x%llx", (unsigned long long)result_count(segment, "offset"));
}

void segment_add_source(struct strbuf *sb, const json_t *segment)
{
	add_base(sb, text_of(segment, "source"));
}

static void add_further(struct strbuf *sb, void (*add)(struct strbuf *, const json_t *),
			const json_t *segment)
{
	size_t len;

	strbuf_addstr(sb, ", ");
	len = sb->len;
	add(sb, segment);
	if (sb->len == len)
		sb->buf[sb->len -= strlen(", ")] = '\0';
}

/* The kind of a crash, where others of the map have the same outcome. */
static void add_kind(struct strbuf *sb, const json_t *map, const json_t *findings,
		     const json_t *segment)
{
	struct strbuf kind = STRBUF_INIT;
	size_t len = sb->len;

	kind_add_number(sb, map, segment);
	if (sb->len > len)
		kind_add_text(&kind, findings, segment);
	if (kind.len)
		strbuf_addf(sb, " (%s)", kind.buf);
	strbuf_release(&kind);
}

static json_t *in_brief(const json_t *map, const json_t *findings, const json_t *segment)
{
	const char *stage = text_of(segment, "stage");
	struct strbuf sb = STRBUF_INIT;
	json_t *text;

	segment_add_range(&sb, segment);
	strbuf_addch(&sb, ' ');
	text_add_line(&sb, text_of(segment, "outcome"), strlen(text_of(segment, "outcome")));
	add_kind(&sb, map, findings, segment);
	strbuf_addstr(&sb, result_flag(segment, "waits") ? " (F waits), " : ", ");
	segment_add_symbol(&sb, segment, SIZE_MAX);
	add_further(&sb, segment_add_module, segment);
	add_further(&sb, segment_add_source, segment);
	if (*stage) {
		strbuf_addstr(&sb, "; F: ");
		text_add_line(&sb, stage, strlen(stage));
	}
	text = json_string(sb.buf);
	strbuf_release(&sb);
	return text;
}

void segments_add_rest(struct strbuf *sb, const json_t *map)
{
	size_t n = json_array_size(map);

	if (n > SEGMENTS_SHOWN)
		strbuf_addf(sb, "%zu more segment%s: --json has them", n - SEGMENTS_SHOWN,
			    n - SEGMENTS_SHOWN == 1 ? "" : "s");
}

json_t *segments_in_brief(const json_t *walk, const json_t *findings)
{
	const json_t *map = json_object_get(walk, "map");
	struct strbuf rest = STRBUF_INIT;
	json_t *list, *segment;
	size_t i;

	if (!json_is_array(map))
		return NULL;
	if (json_array_size(map) == 1)
		return in_brief(map, findings, json_array_get(map, 0));
	list = json_array();
	json_array_foreach(map, i, segment)
		if (i < SEGMENTS_SHOWN)
			json_array_append_new(list, in_brief(map, findings, segment));
	segments_add_rest(&rest, map);
	if (rest.len)
		json_array_append_new(list, json_string(rest.buf));
	strbuf_release(&rest);
	return list;
}

/* `findings` are numbered in the order in which they came, under whichever setting. */
static bool segment_equals(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach((json_t *)a, key, value)
		if (strcmp(key, "finding") != 0 && !json_equal(value, json_object_get(b, key)))
			return false;
	return true;
}

bool segments_equal(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b) || json_is_array(a) != json_is_array(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!segment_equals(json_array_get(a, i), json_array_get(b, i)))
			return false;
	return true;
}

static bool equals(const char *key, const json_t *a, const json_t *b)
{
	return strcmp(key, "map") ? json_equal(a, b) : segments_equal(a, b);
}

static json_t *setting_in_brief(const json_t *cell, const json_t *setting)
{
	json_t *brief = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)setting, key, value) {
		if (json_is_null(value) || equals(key, value, json_object_get(cell, key)))
			continue;
		if (strcmp(key, "map") != 0)
			json_object_set(brief, key, value);
		else
			json_object_set_new(brief, key, segments_in_brief(
				setting, json_object_get(cell, "findings")));
	}
	return brief;
}

json_t *allocators_in_brief(const json_t *cell)
{
	json_t *brief = json_object(), *setting;
	const char *name;

	json_object_foreach(json_object_get(cell, "allocators"), name, setting)
		if (json_is_object(setting))
			json_object_set_new(brief, name, setting_in_brief(cell, setting));
	if (json_object_size(brief) > 1)
		return brief;
	json_decref(brief);
	return NULL;
}
