/* SPDX-License-Identifier: Apache-2.0 */
/* Which revision of a repository a trace is about, and how that is known. */
#ifndef FORKPOINT_SOURCE_REVISION_H
#define FORKPOINT_SOURCE_REVISION_H

#include "source/repository.h"
#include "triage/trace.h"

struct revision {
	char *ref;    /* fit for links: tag, branch, or a commit's number; NULL: there is none */
	char *commit;
	char *why;    /* how it was chosen; a clause */
	char *missed; /* what was tried before, and is not there; a sentence, or NULL */
};

/*
 * In this order: `given`; the tag of the version that the report's metadata have; the tag of the
 * version in a path of the trace; the checkout, unless it is of the main branch; the main branch.
 * 0, or -1 and a sentence: what was given is not there. Where it is given, `trace` may be NULL.
 */
int revision_resolve(struct repository *repository, const char *given, const struct trace *trace,
		     struct revision *revision, struct strbuf *err);
void revision_release(struct revision *revision);

/* source/version.c. The version of the repository's own package in the trace's paths; NULL. */
char *version_in_paths(const struct repository *repository, const struct trace *trace);
/* "2.18.0" at the beginning of the text: its length; 0: none is there. */
size_t version_length(const char *text);

#endif
