/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug symbols that a report did not have: what files in directories of the user's say of its
 * frames' addresses. Function, file and line, and the functions that the compiler has inlined.
 *
 * Files are found by build-id (.build-id/ab/cdef….debug, NAME.BUILDID.debug) and by name
 * (NAME.debug, NAME), anywhere below a directory, and through a module's debug link. Each is read
 * in a process of its own (base/apart.h): debug files are hostile, as the report is.
 */
#ifndef FORKPOINT_SYMBOLS_SYMBOLS_H
#define FORKPOINT_SYMBOLS_SYMBOLS_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "triage/trace.h"

struct symbols;

struct symbols *symbols_new(void);
void symbols_free(struct symbols *symbols); /* NULL is fine */
/* Another directory. 0, or -1 and a sentence. */
int symbols_add(struct symbols *symbols, const char *directory, struct strbuf *err);
/* Is a directory one of another root, as sandbox_is_other_root() has it? */
bool symbols_other_root(const struct symbols *symbols);
/* As an option's (base/options.h) parser: *value is a struct symbols *, made if it is NULL. */
int symbols_parse(const char *directory, void *value, struct strbuf *err);

/*
 * Improves the frames of all reports of a text in place; their numbers change where inlined ones
 * come in between. A report's facts say which files were used and how they were found. `notes` gets
 * a sentence a line for what a user should know (once each): a file of another build, a file that
 * cannot be read.
 */
void symbols_improve(struct symbols *symbols, struct traces *traces, const char *text, size_t size,
		     struct strbuf *notes);

#endif
