/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that say whose code a frame is. They are data: the built-in ones a table with a date, a
 * user's a text, both in one language. The first rule that matches a frame decides.
 *
 * A text has one rule a line, of words KEY=VALUE in any order; a value with blanks stands in
 * double quotes; '#' begins a comment:
 *
 *	module=_fast.*  category="application extension"  component=fast
 *	module=acme/io/_*.so  function=acme::*  category=extension  component=acme-io
 *	file=src/acme/io*  category=library  component=acme  owner=application
 *
 *	module     matches the mapped file, function the name (exact ones only, without return
 *	           type, arguments and suffixes), file the source: one of the three at least; all
 *	           that are given must match
 *	category   one of frame_kind_name()'s words
 *	component  its name in reports; the module's own if it is not given
 *	owner      who answers for it: extension, third-party, cpython, application, unknown; the
 *	           category's own if it is not given
 *
 * In a pattern '*' stands for any characters, '?' for one, [A-Z_] for one of these; a '[' that is
 * not closed is an error. A path's
 * pattern with a '/' may begin at any directory of the path, and at its root alone if it begins
 * with '/'; without a '/' it matches the base name. module="" is a frame whose module is not known.
 *
 * A rule that does not look at the module says what the code is, but not whose: within somebody's
 * own module it stays somebody's own.
 */
#ifndef FORKPOINT_TRIAGE_RULES_H
#define FORKPOINT_TRIAGE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "triage/frames.h"

struct frame_rule {
	const char *module, *function, *file; /* patterns; NULL: any */
	enum frame_kind kind;
	const char *component;
	bool has_owner; /* else the kind's */
	enum attribution owner;
};

/* The table's date: it changes whenever a rule does. */
#define FRAME_RULES_VERSION "2026-11-21"

extern const struct frame_rule builtin_rules[];
extern const size_t builtin_rules_count;
/* Asked after these, in this order. */
extern const struct frame_rule builtin_programs[];
extern const size_t builtin_programs_count;
extern const struct frame_rule builtin_names[];
extern const size_t builtin_names_count;

/* A text with more is refused. */
#define FRAME_RULES_TEXT_MAX ((size_t)1 << 20)
#define FRAME_RULES_MAX 10000

/*
 * A user's rules, or NULL and a sentence that begins with "NAME:LINE: ". `name` is what the text
 * is called in it. Whatever the bytes are, this ends, in time proportional to their number.
 */
struct frame_rules *frame_rules_parse(const char *name, const char *text, size_t size,
				      struct strbuf *err);
void frame_rules_free(struct frame_rules *rules); /* NULL is fine */
size_t frame_rules_count(const struct frame_rules *rules); /* NULL: 0 */
const struct frame_rule *frame_rules_list(const struct frame_rules *rules);

/* Does a pattern match all of a text? For tests, too. */
bool pattern_matches(const char *pattern, const char *text, size_t len);
/* The same of a path, by the rules above. */
bool pattern_matches_path(const char *pattern, const char *path);

#endif
