/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostic lines of TAP ("# …") that keep to a width. Internal to report/. Pure. */
#ifndef FORKPOINT_REPORT_LINES_H
#define FORKPOINT_REPORT_LINES_H

#include <stddef.h>

#include "base/strbuf.h"

/* "# text", on as many lines as it takes; a word that is too long stays whole. */
void lines_add_wrapped(struct strbuf *sb, const char *text, size_t width);

/*
 * "# one · two · three": an item that has no room in `line` any more sends it to `sb` and begins
 * the next. What is left in `line` is the caller's to add.
 */
void lines_add_item(struct strbuf *sb, struct strbuf *line, size_t width, const char *item);

#endif
