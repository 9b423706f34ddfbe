/* SPDX-License-Identifier: Apache-2.0 */
/* Which file and line of a revision a frame is, and the lines around it. */
#ifndef FORKPOINT_SOURCE_PLACES_H
#define FORKPOINT_SOURCE_PLACES_H

#include "source/repository.h"
#include "source/revision.h"
#include "triage/account.h"
#include "triage/trace.h"

/* Fill in `places` and what could not be had of them, `notes`. */
void places_find(struct repository *repository, const struct revision *revision,
		 const struct trace *trace, struct account_source *source);

/*
 * The file of the tree that a path of elsewhere means: the longest end of it that is there, without
 * the directories in which somebody built it. NULL: none is, or several. `doubt`: NULL, or why it
 * may be another one (static).
 */
const char *place_by_path(const struct tree *tree, const char *path, const char **doubt);

/*
 * source/path.c, as the above. Nothing but the last names of the path, of which many projects have
 * such, speak for this file, which place_by_path() found: it may well be another project's.
 */
bool path_is_doubtful(const struct repository *repository, const char *path, const char *found);
/* The submodule in which the path is; NULL: in none. Of the repository's tree. */
const char *path_submodule(const struct repository *repository, const char *path,
			   const char *found);

struct definition {
	char *path;
	int line;      /* 0: not found */
	size_t equals; /* other places that look like it as much */
};

/*
 * Where a function seems to be defined, among the files of `within`: a file, a directory with a
 * slash at its end, or NULL for all source files. 0, or -1: nowhere. source/definition.c.
 */
int definition_find(const struct repository *repository, const char *commit,
		    const char *function, const char *within, struct definition *definition,
		    struct strbuf *err);

/*
 * Does this function of the report stand at that line of a text? By what its lines look like:
 * STANDING_UNKNOWN if the name is none that could be looked for. source/definition.c.
 */
enum standing { STANDING_UNKNOWN, STANDING_NOT, STANDING_HERE };
enum standing definition_stands(const char *text, size_t size, long line, const char *function);

/* Add a sentence to the notes, which takes it. */
void source_note(struct account_source *source, char *sentence);

#endif
