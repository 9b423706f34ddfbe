/* SPDX-License-Identifier: Apache-2.0 */
#include "source/source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "source/history.h"
#include "source/places.h"
#include "source/repository.h"
#include "source/revision.h"

struct source {
	struct repository repository;
	char *revision; /* as given; NULL: it was not */
	char *lack;     /* there is no git: a sentence */
};

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Directories and revisions ("main@{1}") may both have an @ in them: the last that makes sense. */
static char *split(const char *where, char **revision)
{
	char *directory = xstrdup(where);

	*revision = NULL;
	if (is_directory(directory))
		return directory;
	for (size_t i = strlen(where); i > 0; i--) {
		if (where[i - 1] != '@')
			continue;
		directory[i - 1] = '\0';
		if (is_directory(directory)) {
			*revision = xstrdup(where + i);
			return directory;
		}
	}
	free(directory);
	return NULL;
}

static int open_repository(struct source *source, const char *directory, struct strbuf *err)
{
	struct strbuf why = STRBUF_INIT;
	int result = 0;

	switch (git_open(&source->repository.git, directory, &why)) {
	case GIT_OPENED:
		repository_look(&source->repository, directory);
		break;
	case GIT_NONE:
		source->lack = strbuf_detach(&why);
		break;
	case GIT_REFUSED:
		strbuf_addf(err, "--source: %s is no git repository that can be read: %s",
			    directory, why.buf);
		result = -1;
		break;
	}
	strbuf_release(&why);
	return result;
}

/* Told before any report is written. */
static int check_revision(struct source *source, struct strbuf *err)
{
	struct strbuf why = STRBUF_INIT;
	struct revision revision;
	int result;

	if (!source->revision || source->lack)
		return 0;
	result = revision_resolve(&source->repository, source->revision, NULL, &revision, &why);
	if (result < 0)
		strbuf_addf(err, "--source: %s", why.buf);
	revision_release(&revision);
	strbuf_release(&why);
	return result;
}

struct source *source_open(const char *where, struct strbuf *err)
{
	struct source *source = xcalloc(1, sizeof(*source));
	char *directory = split(where, &source->revision);

	if (!directory)
		strbuf_addf(err, "--source: there is no directory '%s': give that of a git "
			    "repository, and a revision behind an @ if need be", where);
	else if (open_repository(source, directory, err) == 0 && check_revision(source, err) == 0) {
		free(directory);
		return source;
	}
	free(directory);
	source_close(source);
	return NULL;
}

void source_close(struct source *source)
{
	repository_release(&source->repository);
	free(source->revision);
	free(source->lack);
	free(source);
}

const char *source_lack(const struct source *source)
{
	return source->lack;
}

struct account_source *source_look(struct source *source, const struct trace *trace,
				   const struct triage *triage)
{
	struct account_source *looked = xcalloc(1, sizeof(*looked));
	struct revision revision = { 0 };
	struct strbuf err = STRBUF_INIT;

	if (source->lack) {
		looked->why = xstrdup(source->lack);
		return looked;
	}
	looked->name = xstrdup(repository_name(&source->repository));
	if (revision_resolve(&source->repository, source->revision, trace, &revision, &err) < 0)
		looked->why = xstrdup(err.buf);
	if (revision.missed)
		source_note(looked, xstrdup(revision.missed));
	if (revision.commit) {
		places_find(&source->repository, &revision, trace, looked);
		history_find(&source->repository, &revision, triage->pattern, looked);
		looked->url = remote_tree(&source->repository.remote, revision.ref);
		looked->ref = xstrdup(revision.ref);
		looked->commit = xstrdup(revision.commit);
	}
	if (revision.why)
		looked->why = xstrdup(revision.why);
	revision_release(&revision);
	strbuf_release(&err);
	return looked;
}

static void place_release(struct account_place *place)
{
	free(place->path);
	free(place->doubt);
	free(place->url);
	for (size_t i = 0; i < place->nlines; i++)
		free(place->lines[i]);
	free(place->lines);
}

static void commit_release(struct account_commit *commit)
{
	free(commit->id);
	free(commit->subject);
	free(commit->why);
	free(commit->url);
	free(commit->request);
	free(commit->request_url);
}

void source_release(struct account_source *looked)
{
	for (size_t i = 0; i < looked->nplaces; i++)
		place_release(&looked->places[i]);
	for (size_t i = 0; i < looked->ncommits; i++)
		commit_release(&looked->commits[i]);
	for (size_t i = 0; i < looked->nnotes; i++)
		free(looked->notes[i]);
	free(looked->places);
	free(looked->commits);
	free(looked->notes);
	free(looked->name);
	free(looked->ref);
	free(looked->commit);
	free(looked->why);
	free(looked->url);
	free(looked->code_lack);
	free(looked->history_lack);
	free(looked);
}
