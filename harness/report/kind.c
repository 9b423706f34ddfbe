/* SPDX-License-Identifier: Apache-2.0 */
#include "report/kind.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "report/result.h"
#include "report/segment.h"

/* Of a message, and of a name. */
#define TEXT_WIDTH 72
#define NAME_WIDTH 40
#define FRAMES 2

static const json_t *finding_of(const json_t *segment)
{
	const json_t *finding = json_object_get(segment, "finding");

	return json_is_integer(finding) ? finding : NULL;
}

static bool is_ambiguous(const json_t *map, const json_t *segment)
{
	const json_t *finding = finding_of(segment);
	const char *outcome = result_text(segment, "outcome", "");
	json_t *other;
	size_t i;

	json_array_foreach((json_t *)map, i, other)
		if (!strcmp(result_text(other, "outcome", ""), outcome) &&
		    !json_equal(json_object_get(other, "finding"), finding))
			return finding != NULL;
	return false;
}

void kind_add_number(struct strbuf *sb, const json_t *map, const json_t *segment)
{
	if (is_ambiguous(map, segment))
		strbuf_addf(sb, " #%" JSON_INTEGER_FORMAT, 1 + result_count(segment, "finding"));
}

static void add_message(struct strbuf *sb, const char *message)
{
	struct strbuf line = STRBUF_INIT;

	text_add_line(&line, message, strcspn(message, "\n"));
	text_cut(&line, TEXT_WIDTH);
	strbuf_addstr(sb, line.buf);
	strbuf_release(&line);
}

static void add_frames(struct strbuf *sb, const json_t *frames)
{
	json_t *frame;
	size_t i, n = 0;

	json_array_foreach((json_t *)frames, i, frame) {
		const char *function = result_text(frame, "function", NULL);

		if (json_is_true(json_object_get(frame, "python")))
			continue;
		if (!function || n == FRAMES)
			break;
		strbuf_addstr(sb, n++ ? " < " : "");
		segment_add_name(sb, function, !strcmp(result_text(frame, "trust", ""), "near"),
				 NAME_WIDTH);
	}
}

void kind_add_text(struct strbuf *sb, const json_t *findings, const json_t *segment)
{
	const json_t *number = finding_of(segment), *finding;
	const char *message;

	if (!number)
		return;
	finding = json_array_get(findings, (size_t)json_integer_value(number));
	message = result_text(finding, "message", "");
	if (!strcmp(result_text(finding, "outcome", ""), "SIGABRT") && *message)
		add_message(sb, message);
	else
		add_frames(sb, json_object_get(finding, "frames"));
}

/* Does an earlier segment tell of it? */
static bool is_told(const json_t *map, size_t at)
{
	const json_t *finding = finding_of(json_array_get(map, at));

	while (at--)
		if (json_equal(json_object_get(json_array_get(map, at), "finding"), finding))
			return true;
	return false;
}

void kinds_add(struct strbuf *sb, const json_t *map, const json_t *findings, size_t width)
{
	json_t *segment;
	size_t i;

	json_array_foreach((json_t *)map, i, segment) {
		const char *word = result_word(result_text(segment, "outcome", ""));
		struct strbuf line = STRBUF_INIT, text = STRBUF_INIT;

		kind_add_text(&text, findings, segment);
		if (text.len && is_ambiguous(map, segment) && !is_told(map, i)) {
			strbuf_addstr(&line, "#");
			kind_add_number(&line, map, segment);
			strbuf_addf(&line, " %s: %s", word, text.buf);
			text_cut(&line, width);
			strbuf_addf(sb, "%s\n", line.buf);
		}
		strbuf_release(&line);
		strbuf_release(&text);
	}
}
