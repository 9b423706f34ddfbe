/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that say where source files are that were built somewhere else, as gdb's `set
 * substitute-path` has them: they are asked in the order given, and the first that matches a path
 * is the one that is used. FROM matches whole directories at the path's beginning.
 */
#ifndef FORKPOINT_SYMBOLS_SUBSTITUTE_H
#define FORKPOINT_SYMBOLS_SUBSTITUTE_H

#include "base/strbuf.h"
#include "triage/trace.h"

struct substitution {
	char *from, *to; /* without slashes at their ends */
};

/* All zero: there are none. */
struct substitutions {
	struct substitution *v;
	size_t n;
};

/* Another one, "FROM=TO". 0, or -1 and what is wrong with it. */
int substitutions_add(struct substitutions *substitutions, const char *text, struct strbuf *err);
/* The same for an option (base/options.h): *value is a struct substitutions. */
int substitutions_parse(const char *text, void *value, struct strbuf *err);
void substitutions_release(struct substitutions *substitutions);

/* The path that is meant, allocated; NULL: no rule matches. */
char *substitute(const struct substitutions *substitutions, const char *path);
/* The source files of all frames. */
void substitute_all(const struct substitutions *substitutions, struct traces *traces);

#endif
