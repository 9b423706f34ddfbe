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

/* Directories that two paths have in common at their ends; the file itself counts. */
static size_t common_end(const char *a, const char *b, bool *all_of_b)
{
	size_t x = strlen(a), y = strlen(b), parts = 0;

	while (x && y && a[x - 1] == b[y - 1]) {
		x--;
		y--;
		if (a[x] == '/')
			parts++;
	}
	*all_of_b = !y && (!x || a[x - 1] == '/');
	/* A part counts if it is whole on both sides. */
	if ((!x || a[x - 1] == '/') && (!y || b[y - 1] == '/'))
		parts += a[x] != '/';
	return parts;
}

const char *place_by_path(const struct tree *tree, const char *path, const char **doubt)
{
	size_t best = 0, equals = 0;
	const char *found = NULL;
	bool best_whole = false, deep;

	while (!strncmp(path, "./", 2) || !strncmp(path, "../", 3))
		path = strchr(path, '/') + 1;
	deep = strchr(path, '/') != NULL;
	for (size_t i = 0; i < tree->n; i++) {
		bool whole;
		size_t parts = common_end(path, tree->paths[i], &whole);

		if (!parts || (deep && parts < 2 && !whole))
			continue;
		/* All of a path in the tree is the best sign; then the longest end. */
		if (found && (whole != best_whole ? best_whole : parts < best))
			continue;
		equals = found && whole == best_whole && parts == best ? equals + 1 : 0;
		found = tree->paths[i];
		best = parts;
		best_whole = whole;
	}
	*doubt = NULL;
	if (!found || equals)
		return NULL;
	if (!best_whole)
		*doubt = "only the end of the path in the report is that of this file";
	else if (best < 2 && deep)
		*doubt = "of the path in the report, the file's name alone is that of this file";
	return found;
}

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

static void excerpt_read(struct repository *repository, const struct revision *revision,
			 struct account_place *place)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	char *name;

	if (place->line <= 0)
		return;
	name = xstrfmt("%s:%s", revision->commit, place->path);
	/* The text as it was committed: no filter, no conversion. */
	if (git(&repository->git, &text, &err, "cat-file", "blob", name) != 0)
		add_doubt(place, err.buf);
	else if (memchr(text.buf, '\0', text.len < 8000 ? text.len : 8000))
		add_doubt(place, "the file is no text");
	else
		excerpt_cut(place, &text);
	free(name);
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

static bool place_of(struct repository *repository, const struct revision *revision,
		     const struct crash_frame *frame, size_t *searches,
		     struct account_place *place, struct strbuf *err)
{
	const char *doubt, *path = NULL;

	if (frame->file)
		path = place_by_path(&repository->tree, frame->file, &doubt);
	if (path) {
		place->path = xstrdup(path);
		place->line = frame->line > 0 ? frame->line : 0;
		add_doubt(place, doubt);
		return true;
	}
	return place_by_function(repository, revision, frame, searches, place, err);
}

static void place_add(struct repository *repository, const struct revision *revision,
		      struct account_place *place, struct account_source *source)
{
	if (is_known_place(source, place)) {
		free(place->path);
		free(place->doubt);
		return;
	}
	excerpt_read(repository, revision, place);
	place->url = remote_file(&repository->remote, revision->ref, place->path, place->line);
	source->places = xrealloc(source->places, (source->nplaces + 1) * sizeof(*place));
	source->places[source->nplaces++] = *place;
}

static void searches_failed(struct account_source *source, struct strbuf *err)
{
	source_note(source, xstrfmt("uncertain: not all frames were looked for in the source: %s",
				    err->buf));
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
		struct account_place place = { .frame = i };

		if (source->nplaces == PLACES_MAX) {
			source_note(source, xstrfmt("frames beyond #%zu were not looked for in "
						    "the source", i - 1));
			break;
		}
		if (place_of(repository, revision, &thread->frames[i], &searches, &place, &err))
			place_add(repository, revision, &place, source);
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
