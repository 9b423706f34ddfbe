/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment of a cell's "map": a range of the window's points at which the same came of the
 * operation. In words for people. Internal to report/. Pure.
 */
#ifndef FORKPOINT_REPORT_SEGMENT_H
#define FORKPOINT_REPORT_SEGMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* More segments than these are for --json. */
#define SEGMENTS_SHOWN 16

/* "34", or "0-33". */
void segment_add_range(struct strbuf *sb, const json_t *segment);

/*
 * "PyGILState_Ensure+0x77", without lists of arguments and of template arguments; "~" stands before
 * a name that is merely near. "?": it has none. Beyond `width` columns outer namespaces are left
 * out first, then the end of the name; never the offset.
 */
void segment_add_symbol(struct strbuf *sb, const json_t *segment, size_t width);
/* The same of a text. */
void segment_add_name(struct strbuf *sb, const char *symbol, bool near, size_t width);

/* "libc.so.6+0x8f4b0", and "lru.c:64"; nothing where it is not known. */
void segment_add_module(struct strbuf *sb, const json_t *segment);
void segment_add_source(struct strbuf *sb, const json_t *segment);

/*
 * The "map" of a cell, or of a setting of the allocator, in few lines, as a new JSON value: a
 * text for each segment, "34 SIGSEGV, f+0x14, …", with the stage that F had reached, and the
 * kind of crash where several have the same outcome: `findings` are the cell's. One alone stands
 * without a list; of a long map the rest is counted in the last text. NULL: there is no map.
 */
json_t *segments_in_brief(const json_t *walk, const json_t *findings);
/* Are two maps the same, but for the numbers of their findings? */
bool segments_equal(const json_t *a, const json_t *b);
/*
 * "allocators": of each setting what is not null and not as in the cell, a map in brief. NULL:
 * there are not two settings to be told apart.
 */
json_t *allocators_in_brief(const json_t *cell);
/* "9 more segments: --json has them", if not all are shown. */
void segments_add_rest(struct strbuf *sb, const json_t *map);

#endif
