/* SPDX-License-Identifier: Apache-2.0 */
/* A repository, and what of it the parts of this module share. */
#ifndef FORKPOINT_SOURCE_REPOSITORY_H
#define FORKPOINT_SOURCE_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>

#include "source/git.h"
#include "source/remote.h"

/* The files of a revision, regular ones alone, and where it has those of other repositories. */
struct tree {
	char *commit; /* NULL: of none yet */
	char *text;   /* owns all paths */
	const char **paths;
	size_t n;
	const char **submodules;
	size_t nsubmodules;
	bool cut;     /* there are more */
};

struct repository {
	struct git git;
	char *directory; /* as it was given */
	struct remote remote;
	bool shallow;
	struct tree tree; /* the one that was asked for last */
};

/* The rest of the fields, once git is open. */
void repository_look(struct repository *repository, const char *directory);
void repository_release(struct repository *repository);
/* "OWNER/NAME", or the directory's own name. Points into it. */
const char *repository_name(const struct repository *repository);

/* The commit that a revision is, all of its digits, allocated; NULL: there is none. */
char *repository_commit(const struct repository *repository, const char *revision);
/* The files of a commit; NULL and a sentence. Of the repository, until the next call. */
const struct tree *repository_tree(struct repository *repository, const char *commit,
				   struct strbuf *err);

#endif
