/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a trace and its classification: one JSON object, or a report in Markdown.
 */
#ifndef FORKPOINT_TRIAGE_ACCOUNT_H
#define FORKPOINT_TRIAGE_ACCOUNT_H

#include <jansson.h>

#include "base/strbuf.h"
#include "triage/trace.h"
#include "triage/triage.h"

/*
 * What a repository has to say of a trace: plain data, which source/source.h gets and owns. URLs
 * are NULL where the host of the repository is none whose addresses are known.
 */
struct account_place {
	size_t frame;      /* of the culprit thread */
	char *path;        /* in the repository */
	int line;          /* of the frame, or of the function that was found; 0: not known */
	bool found;        /* by the function's name: `line` is its definition, not the crash */
	char *doubt;       /* why this may be another place; NULL: no reason known */
	bool stray;        /* the frame's function is not known to stand at `line` */
	char *url;
	int first;         /* number of lines[0] */
	char **lines;      /* as they are in the file; none: `doubt` says why */
	size_t nlines;
};

struct account_commit {
	char *id;          /* all of it */
	char *subject;
	char *why;         /* "changes a.c", "its message speaks of …" */
	char *url;
	char *request;     /* "123": the pull request that the subject names; NULL: none */
	char *request_url;
};

struct account_source {
	char *name;        /* of the repository: "OWNER/NAME" or its directory's name */
	char *ref;         /* as it stands in links; NULL: no revision could be had */
	char *commit;
	char *why;         /* this one: "tag of the version that …" */
	char *url;         /* of the tree */
	struct account_place *places;
	size_t nplaces;
	struct account_commit *commits;
	size_t ncommits;
	char *code_lack;   /* what failed while frames were looked for; NULL: nothing */
	char *history_lack; /* the same of the commits */
	char **notes;      /* what could not be had, and why; sentences */
	size_t nnotes;
};

/* Into an object: all that a classification says, from "pattern" to "evidence". */
void account_add_triage(json_t *object, const struct triage *triage);

/*
 * `file`: what the user called it. `settings`: those it was classified by. `source` NULL: none was
 * looked at. The caller's.
 */
json_t *account_json(const char *file, const struct trace *trace, const struct triage *triage,
		     const struct triage_settings *settings, const struct account_source *source);

/* The same as a line without its end. */
void account_add_json(struct strbuf *out, const char *file, const struct trace *trace,
		      const struct triage *triage, const struct triage_settings *settings,
		      const struct account_source *source);

/* "SIGSEGV", or "hang"; NULL: it does not tell. Static, or in `word`. */
#define ACCOUNT_SIGNAL_MAX 16
const char *account_signal(const struct crash *crash, char word[ACCOUNT_SIGNAL_MAX]);

/* Appends a whole report. `generated` is the time that it shall bear, ISO 8601; else as above. */
void account_md(struct strbuf *out, const char *file, const char *generated,
		const struct trace *trace, const struct triage *triage,
		const struct triage_settings *settings, const struct account_source *source);

#endif
