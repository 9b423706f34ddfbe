/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/markdown.h"

#include <string.h>

#include "base/text.h"

#define TAB_WIDTH 8

/* One line, clean, not too long. */
static void line_clean(struct strbuf *sb, const char *text)
{
	size_t len = strnlen(text, 4 * MARKDOWN_TEXT_MAX + 1);

	text_add_line(sb, text, len);
	text_cut(sb, MARKDOWN_TEXT_MAX);
}

/* What Markdown sees in the middle of a line: backslashes take it away. */
static bool is_markup(char c)
{
	return c && strchr("\\`*_{}[]#|~$!", c);
}

/* Addresses and people's names become links by themselves; HTML is HTML. */
static bool is_entity(const char *at)
{
	return strchr("<>&@", *at) || !strncmp(at, "://", 3) || !strncmp(at, "www.", 4);
}

void markdown_add_text(struct strbuf *sb, const char *text)
{
	struct strbuf clean = STRBUF_INIT;

	line_clean(&clean, text);
	for (size_t i = 0; i < clean.len; i++) {
		char c = clean.buf[i];

		if (is_entity(clean.buf + i))
			strbuf_addf(sb, "&#%d;", c);
		else
			strbuf_addf(sb, is_markup(c) ? "\\%c" : "%c", c);
	}
	strbuf_release(&clean);
}

static size_t longest_run(const char *text, char c)
{
	size_t best = 0, run = 0;

	for (; *text; text++) {
		run = *text == c ? run + 1 : 0;
		best = run > best ? run : best;
	}
	return best;
}

static void add_repeated(struct strbuf *sb, char c, size_t n)
{
	while (n--)
		strbuf_addch(sb, c);
}

/* In a cell a bar ends it, even within code, unless a backslash is before it. */
static void add_code(struct strbuf *sb, const char *text, bool cell)
{
	struct strbuf clean = STRBUF_INIT;
	size_t fence;
	bool pad;

	line_clean(&clean, text);
	if (!clean.buf[strspn(clean.buf, " ")]) {
		strbuf_addstr(sb, "(empty)");
		strbuf_release(&clean);
		return;
	}
	fence = longest_run(clean.buf, '`') + 1;
	/* Blanks at both ends are taken for padding, and a backtick must not meet the fence. */
	pad = fence > 1 || clean.buf[0] == ' ' || clean.buf[clean.len - 1] == ' ';
	add_repeated(sb, '`', fence);
	strbuf_addstr(sb, pad ? " " : "");
	for (size_t i = 0; i < clean.len; i++) {
		if (cell && clean.buf[i] == '|')
			strbuf_addch(sb, '\\');
		strbuf_addch(sb, clean.buf[i]);
	}
	strbuf_addstr(sb, pad ? " " : "");
	add_repeated(sb, '`', fence);
	strbuf_release(&clean);
}

void markdown_add_code(struct strbuf *sb, const char *text)
{
	add_code(sb, text, false);
}

void markdown_add_code_cell(struct strbuf *sb, const char *text)
{
	add_code(sb, text, true);
}

void markdown_add_link(struct strbuf *sb, const char *text, const char *url)
{
	if (!url) {
		markdown_add_code(sb, text);
		return;
	}
	strbuf_addch(sb, '[');
	/* Code binds closer than a link's brackets. */
	markdown_add_code(sb, text);
	strbuf_addf(sb, "](%s)", url);
}

static size_t fence_length(const char *const *lines, size_t n)
{
	size_t length = 3;

	for (size_t i = 0; i < n; i++) {
		size_t run = longest_run(lines[i], '`') + 1;

		length = run > length ? run : length;
	}
	return length;
}

void markdown_fence_begin(struct strbuf *sb, const char *const *lines, size_t n,
			  const char *language)
{
	add_repeated(sb, '`', fence_length(lines, n));
	strbuf_addf(sb, "%s\n", language ? language : "text");
}

void markdown_fence_line(struct strbuf *sb, const char *line)
{
	struct strbuf wide = STRBUF_INIT, clean = STRBUF_INIT;
	size_t len = strnlen(line, 4 * MARKDOWN_TEXT_MAX + 1), column = 0;

	for (size_t i = 0; i < len; i++, column++) {
		if (line[i] != '\t') {
			strbuf_addch(&wide, line[i]);
			continue;
		}
		add_repeated(&wide, ' ', TAB_WIDTH - column % TAB_WIDTH);
		column += TAB_WIDTH - 1 - column % TAB_WIDTH;
	}
	text_add_line(&clean, wide.buf, wide.len);
	text_cut(&clean, MARKDOWN_TEXT_MAX);
	strbuf_rtrim(&clean);
	strbuf_addf(sb, "%s\n", clean.buf);
	strbuf_release(&wide);
	strbuf_release(&clean);
}

void markdown_fence_end(struct strbuf *sb, const char *const *lines, size_t n)
{
	add_repeated(sb, '`', fence_length(lines, n));
	strbuf_addch(sb, '\n');
}
