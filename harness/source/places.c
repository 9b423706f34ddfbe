/* SPDX-License-Identifier: Apache-2.0 */
#include "source/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "source/rules.h"
#include "triage/frames.h"

#define LINES_AROUND 10
#define PLACES_MAX 8
/* Frames whose function is looked for: each asks git once or twice. */
#define SEARCHES_MAX 24
#define NOTES_MAX 16

void source_note(struct account_source *source, char *sentence)
{
	for (size_t i = 0; i < source->nnotes; i++)
		if (!strcmp(source->notes[i], sentence)) {
			free(sentence);
			return;
		}
	source->notes = xrealloc(source->notes, (source->nnotes + 1) * sizeof(*source->notes));
	source->notes[source->nnotes++] = sentence;
}

static void add_doubt(struct account_place *place, const char *doubt)
{
	char *both;

	if (!doubt)
		return;
	both = place->doubt ? xstrfmt("%s; %s", place->doubt, doubt) : xstrdup(doubt);
	free(place->doubt);
	place->doubt = both;
}

static void excerpt_add(struct account_place *place, const char *line, size_t len)
{
	if (!place->nlines)
		place->lines = xcalloc(2 * LINES_AROUND + 1, sizeof(*place->lines));
	place->lines[place->nlines++] = xstrfmt("%.*s", (int)(len > 4096 ? 4096 : len), line);
}

/* Lines around place->line of a text; none if it has not so many. */
static void excerpt_cut(struct account_place *place, const struct strbuf *text)
{
	const char *line = text->buf, *end = text->buf + text->len;
	/* The report's number may be any. */
	long number = 1, here = place->line;

	for (; line < end; number++) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));

		eol = eol ? eol : end;
		if (number >= here - LINES_AROUND && number <= here + LINES_AROUND) {
			if (!place->nlines)
				place->first = (int)number;
			excerpt_add(place, line, (size_t)(eol - line));
		}
		if (number > here + LINES_AROUND)
			return;
		line = eol + 1;
	}
	if (number > here)
		return;
	for (size_t i = 0; i < place->nlines; i++)
		free(place->lines[i]);
	place->nlines = 0;
	add_doubt(place, text->len >= GIT_OUTPUT_MAX ? "the file is too large to be shown"
		  : "this revision of the file has no such line, so this is not what crashed");
}

/* A file's text as it was committed: no filter, no conversion. 0, or -1 and a sentence. */
static int file_read(struct repository *repository, const struct revision *revision,
		     const char *path, struct strbuf *text, struct strbuf *err)
{
	char *name = xstrfmt("%s:%s", revision->commit, path);
	int status = git(&repository->git, text, err, "cat-file", "blob", name);

	free(name);
	if (status == 0 && memchr(text->buf, '\0', text->len < 8000 ? text->len : 8000)) {
		strbuf_addstr(err, "the file is no text");
		status = -1;
	}
	return status ? -1 : 0;
}

/* Is the line one of the frame's function? */
static void place_check(struct account_place *place, const struct crash_frame *frame,
			const struct strbuf *text)
{
	enum standing standing = STANDING_UNKNOWN;

	if (place->found || !place->nlines)
		return;
	if (frame->function)
		standing = definition_stands(text->buf, text->len, place->line, frame->function);
	place->stray = standing == STANDING_NOT || (standing == STANDING_UNKNOWN && place->doubt);
	if (standing == STANDING_NOT)
		add_doubt(place, "the function does not seem to stand at this line of the file, "
			  "which may be another one than the report's");
}

static void excerpt_read(struct repository *repository, const struct revision *revision,
			 const struct crash_frame *frame, struct account_place *place)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;

	if (place->line <= 0)
		return;
	if (file_read(repository, revision, place->path, &text, &err) < 0) {
		add_doubt(place, err.buf);
	} else {
		excerpt_cut(place, &text);
		place_check(place, frame, &text);
	}
	strbuf_release(&text);
	strbuf_release(&err);
}

static bool is_known_place(const struct account_source *source, const struct account_place *place)
{
	for (size_t i = 0; i < source->nplaces; i++)
		if (source->places[i].line == place->line &&
		    !strcmp(source->places[i].path, place->path))
			return true;
	return false;
}

static bool tree_has(const struct tree *tree, const char *path)
{
	size_t len = strlen(path);
	bool directory = len && path[len - 1] == '/';

	for (size_t i = 0; i < tree->n; i++)
		if (directory ? !strncmp(tree->paths[i], path, len) : !strcmp(tree->paths[i], path))
			return true;
	return false;
}

/* A file or directory that is called as the module is: that of a module nobody wrote a rule for. */
static char *place_by_stem(const struct tree *tree, const char *module)
{
	size_t len;
	const char *stem = rule_stem(module, &len);

	for (size_t i = 0; len > 2 && i < tree->n; i++) {
		const char *part = tree->paths[i];

		for (; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
			size_t n = strcspn(part, "./");

			if (n != len || strncmp(part, stem, len) != 0)
				continue;
			if (part[n] == '/')
				return xstrfmt("%.*s", (int)(part + n + 1 - tree->paths[i]),
					       tree->paths[i]);
			/* Beside it there may be more of the module, but this is where it is. */
			if (part[n] == '.' && !strchr(part, '/') && strcmp(part + n, ".py") != 0)
				return xstrdup(tree->paths[i]);
		}
	}
	return NULL;
}

/* Where a frame's function may be looked for; NULL with `anywhere` false: nowhere. */
static char *search_within(const struct tree *tree, const struct crash_frame *frame, bool *anywhere)
{
	enum frame_category category = frame_categorise(frame, NULL);
	const char *rule = rule_source(frame->module);

	*anywhere = false;
	if (rule && tree_has(tree, rule))
		return xstrdup(rule);
	if (frame->module && category_is_native(category))
		return place_by_stem(tree, frame->module);
	*anywhere = !frame->module && category == CATEGORY_UNKNOWN && frame->trust == TRUST_EXACT;
	return NULL;
}

static bool place_by_function(struct repository *repository, const struct revision *revision,
			      const struct crash_frame *frame, size_t *searches,
			      struct account_place *place, struct strbuf *err)
{
	struct definition definition;
	bool anywhere;
	char *within = search_within(&repository->tree, frame, &anywhere), *name;

	if (!frame->function || (!within && !anywhere) || *searches == SEARCHES_MAX) {
		free(within);
		return false;
	}
	++*searches;
	name = function_bare(frame->function);
	if (definition_find(repository, revision->commit, name, within, &definition, err) == 0) {
		place->path = definition.path;
		place->line = definition.line;
		place->found = true;
		if (anywhere)
			add_doubt(place, "found by the function's name alone, in all the source");
		if (definition.equals)
			add_doubt(place, "the name is defined in other places of it, too");
		if (frame->trust != TRUST_EXACT)
			add_doubt(place, "the function's name in the report is not exact");
	} else if (within && within[strlen(within) - 1] != '/') {
		place->path = xstrdup(within);
		add_doubt(place, "the module's file, in which the function was not found");
	}
	free(name);
	free(within);
	return place->path;
}

/* Of a file that is only called alike: is the frame's function where the report says? */
static bool has_function(struct repository *repository, const struct revision *revision,
			 const struct crash_frame *frame, const char *path, size_t *searches)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	bool has = false;

	if (frame->function && frame->line > 0 && *searches < SEARCHES_MAX) {
		++*searches;
		has = file_read(repository, revision, path, &text, &err) == 0 &&
		      definition_stands(text.buf, text.len, frame->line, frame->function) ==
			      STANDING_HERE;
	}
	strbuf_release(&text);
	strbuf_release(&err);
	return has;
}

/* Frames may have any number of paths. */
static void note_path(struct account_source *source, char *sentence)
{
	if (source->nnotes < NOTES_MAX)
		source_note(source, sentence);
	else
		free(sentence);
}

/*
 * NULL, and a note why: the path is another project's, as far as can be seen. `foreign`: it is for
 * sure, so that the function is not to be looked for either.
 */
static const char *own_path(struct repository *repository, const struct revision *revision,
			    const struct crash_frame *frame, size_t *searches,
			    const char **doubt, bool *foreign, struct account_source *source)
{
	const char *path = place_by_path(&repository->tree, frame->file, doubt), *submodule;

	if (!path)
		return NULL;
	submodule = path_submodule(repository, frame->file, path);
	if (submodule) {
		note_path(source, xstrfmt("%s seems to be of the submodule %s, which was not "
					  "looked into", frame->file, submodule));
		*foreign = true;
		return NULL;
	}
	if (!path_is_doubtful(repository, frame->file, path) ||
	    has_function(repository, revision, frame, path, searches))
		return path;
	note_path(source, xstrfmt("%s was not taken for %s: the end of the path alone is alike, "
				  "and the function is not seen there", frame->file, path));
	return NULL;
}

static bool place_of(struct repository *repository, const struct revision *revision,
		     const struct crash_frame *frame, size_t *searches,
		     struct account_place *place, struct account_source *source,
		     struct strbuf *err)
{
	const char *doubt, *path = NULL;
	bool foreign = false;

	if (frame->file)
		path = own_path(repository, revision, frame, searches, &doubt, &foreign,
				source);
	if (path) {
		place->path = xstrdup(path);
		place->line = frame->line > 0 ? frame->line : 0;
		add_doubt(place, doubt);
		return true;
	}
	return !foreign &&
	       place_by_function(repository, revision, frame, searches, place, err);
}

static void place_add(struct repository *repository, const struct revision *revision,
		      const struct crash_frame *frame, struct account_place *place,
		      struct account_source *source)
{
	if (is_known_place(source, place)) {
		free(place->path);
		free(place->doubt);
		return;
	}
	excerpt_read(repository, revision, frame, place);
	place->url = remote_file(&repository->remote, revision->ref, place->path, place->line);
	source->places = xrealloc(source->places, (source->nplaces + 1) * sizeof(*place));
	source->places[source->nplaces++] = *place;
}

static void searches_failed(struct account_source *source, struct strbuf *err)
{
	source_note(source, xstrfmt("uncertain: not all frames were looked for in the source: %s",
				    err->buf));
	if (!source->code_lack)
		source->code_lack = xstrdup(err->buf);
	strbuf_reset(err);
}

void places_find(struct repository *repository, const struct revision *revision,
		 const struct trace *trace, struct account_source *source)
{
	const struct crash_thread *thread = crash_culprit(trace->crash);
	struct strbuf err = STRBUF_INIT;
	const struct tree *tree = repository_tree(repository, revision->commit, &err);
	size_t searches = 0;

	if (tree && tree->cut)
		source_note(source, xstrdup("uncertain: the revision has more files than could be "
					    "listed"));
	for (size_t i = 0; tree && thread && i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		struct account_place place = { .frame = i };

		if (source->nplaces == PLACES_MAX) {
			source_note(source, xstrfmt("frames beyond #%zu were not looked for in "
						    "the source", i - 1));
			break;
		}
		if (place_of(repository, revision, frame, &searches, &place, source, &err))
			place_add(repository, revision, frame, &place, source);
		if (!err.len)
			continue;
		/* What fails takes its time, and will fail again. */
		searches_failed(source, &err);
		searches = SEARCHES_MAX;
	}
	if (err.len)
		searches_failed(source, &err);
	strbuf_release(&err);
}
