/* SPDX-License-Identifier: Apache-2.0 */
#include "report/borders.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "report/lines.h"
#include "report/result.h"
#include "report/segment.h"

#define NAME_WIDTH 32
#define FRAMES 2

/* "near f+0x14 (libx.so)", without its module; a name that is merely near is marked so. */
static void add_frame(struct strbuf *sb, const char *text)
{
	static const char near[] = "near ";
	struct strbuf name = STRBUF_INIT;
	bool is_near = !strncmp(text, near, strlen(near));
	size_t len;

	text += is_near ? strlen(near) : 0;
	len = strlen(text);
	if (len && text[len - 1] == ')')
		for (size_t i = len; i--; )
			if (!strncmp(text + i, " (", 2)) {
				len = i;
				break;
			}
	strbuf_add(&name, text, len);
	segment_add_name(sb, name.buf, is_near, NAME_WIDTH);
	strbuf_release(&name);
}

static void add_frames(struct strbuf *sb, const json_t *side)
{
	const json_t *frames = json_object_get(side, "frames");

	for (size_t i = 0; i < FRAMES && i < json_array_size(frames); i++) {
		const char *text = json_string_value(json_array_get(frames, i));

		if (!text)
			return;
		strbuf_addstr(sb, i ? " < " : ": ");
		add_frame(sb, text);
	}
}

static void add_text(struct strbuf *sb, const char *text)
{
	text_add_line(sb, text, strlen(text));
}

/* "read and write" of what has happened. */
static const char *past(const char *access)
{
	static const char *const words[][2] = {
		{ "read", "read" }, { "write", "wrote" }, { "read and write", "read and wrote" },
		{ "system call", "called the kernel" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(access, words[i][0]))
			return words[i][1];
	return access;
}

static void add_worker(struct strbuf *sb, const json_t *w)
{
	const char *what = result_text(w, "what", "");

	strbuf_addstr(sb, "W ");
	add_text(sb, past(result_text(w, "access", "?")));
	strbuf_addstr(sb, *what ? " " : "");
	add_text(sb, what);
	add_frames(sb, w);
}

static void add_other(struct strbuf *sb, const json_t *f)
{
	bool writes = !strcmp(result_text(f, "access", ""), "write");

	add_text(sb, !strcmp(result_text(f, "who", "F"), "child") ? "its child " : "F ");
	strbuf_addf(sb, "%s it", writes ? "writes" : "reads");
	add_frames(sb, f);
}

/* Cut to the width; `number` is empty, or that of the point. */
static void add_line(struct strbuf *sb, int indent, const char *number, const struct strbuf *text,
		     size_t width)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "# %*s  %s", indent, number, text->buf);
	text_cut(&line, width);
	strbuf_addf(sb, "%s\n", line.buf);
	strbuf_release(&line);
}

static void add_pair(struct strbuf *sb, const json_t *segment, const json_t *pair, int indent,
		     size_t width)
{
	const json_t *f = json_object_get(pair, "f");
	struct strbuf number = STRBUF_INIT, w = STRBUF_INIT, other = STRBUF_INIT;

	strbuf_addf(&number, "%" JSON_INTEGER_FORMAT, result_count(segment, "from"));
	add_worker(&w, json_object_get(pair, "w"));
	add_line(sb, indent, number.buf, &w, width);
	if (json_is_object(f)) {
		add_other(&other, f);
		add_line(sb, indent, "", &other, width);
	}
	strbuf_release(&number);
	strbuf_release(&w);
	strbuf_release(&other);
}

/* As wide as the number of the last border. */
static int indent_of(const json_t *map)
{
	struct strbuf last = STRBUF_INIT;
	int indent;

	strbuf_addf(&last, "%" JSON_INTEGER_FORMAT,
		    result_count(json_array_get(map, json_array_size(map) - 1), "from"));
	indent = (int)last.len;
	strbuf_release(&last);
	return indent;
}

void borders_add(struct strbuf *sb, const json_t *map, size_t width)
{
	struct strbuf rest = STRBUF_INIT;
	json_t *segment;
	size_t i, n = 0;

	json_array_foreach((json_t *)map, i, segment) {
		const json_t *pair = json_object_get(segment, "pair");

		if (!json_is_object(pair) || n++ >= BORDERS_SHOWN)
			continue;
		if (n == 1) {
			strbuf_addstr(sb, "#\n");
			lines_add_wrapped(sb, "at each border: what W did last before it, and what "
					  "F, or its child, does with that", width);
		}
		add_pair(sb, segment, pair, indent_of(map), width);
	}
	if (n > BORDERS_SHOWN) {
		strbuf_addf(&rest, "%zu more border%s: --json has them", n - BORDERS_SHOWN,
			    n - BORDERS_SHOWN == 1 ? "" : "s");
		lines_add_wrapped(sb, rest.buf, width);
	}
	strbuf_release(&rest);
}
