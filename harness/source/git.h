/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git, asked about a repository that nobody vouches for. Nothing that the repository says runs: no
 * hook, pager, filter, textconv, credential helper or remote; neither the user's configuration nor
 * the environment has a part in what comes out. Nothing is written. Time and output are bounded.
 */
#ifndef FORKPOINT_SOURCE_GIT_H
#define FORKPOINT_SOURCE_GIT_H

#include <stdbool.h>

#include "base/strbuf.h"

/* What base/command.h keeps of the output of a command; there may have been more. */
#define GIT_OUTPUT_MAX (16u << 20)

enum git_opened {
	GIT_OPENED,
	GIT_NONE,    /* there is no git that can be run here */
	GIT_REFUSED, /* the directory is no repository that git would read */
};

struct git {
	char *dir; /* the repository's own directory, absolute */
};

/* A directory in the work tree, or the repository itself. A sentence unless GIT_OPENED. */
enum git_opened git_open(struct git *git, const char *directory, struct strbuf *err);
void git_close(struct git *git);

/*
 * `git ARGS…`, ended by NULL. Appends what it prints. Its exit status, or -1 if it could not be
 * run to its end. A sentence is appended to `err` for that, and whenever git complains; a 1 without
 * a complaint is an answer: no.
 */
int git_run(const struct git *git, struct strbuf *out, struct strbuf *err, const char *const *args);
#define git(repository, out, err, ...) \
	git_run(repository, out, err, (const char *const[]){ __VA_ARGS__, NULL })

#endif
