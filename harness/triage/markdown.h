/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from elsewhere made fit for Markdown: whatever the bytes are, what comes out stands where it
 * was put (in its line, its cell, its block), begins no markup or HTML of its own, and is valid
 * UTF-8. For GitHub's dialect, which others read as well. Pure.
 */
#ifndef FORKPOINT_TRIAGE_MARKDOWN_H
#define FORKPOINT_TRIAGE_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Longer texts are cut, with a sign of it. In characters. */
#define MARKDOWN_TEXT_MAX 400

/* In running text or a cell of a table; not where a line begins. */
void markdown_add_text(struct strbuf *sb, const char *text);
/* As `code` in running text; in a cell of a table. Nothing at all: "(empty)". */
void markdown_add_code(struct strbuf *sb, const char *text);
void markdown_add_code_cell(struct strbuf *sb, const char *text);
/* [`text`](url); url NULL: without a link. The url is one that we made. */
void markdown_add_link(struct strbuf *sb, const char *text, const char *url);

/* A block of code: begin with all its text, which is only looked at for how it can be fenced. */
void markdown_fence_begin(struct strbuf *sb, const char *const *lines, size_t n,
			  const char *language);
void markdown_fence_line(struct strbuf *sb, const char *line);
/* The same lines to begin and end. */
void markdown_fence_end(struct strbuf *sb, const char *const *lines, size_t n);

#endif
