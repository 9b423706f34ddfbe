/* SPDX-License-Identifier: Apache-2.0 */
/* Which file of a repository a path means that was written down on another machine. */
#include <ctype.h>
#include <string.h>

#include "source/places.h"

/* So many names at the end of two paths, such as src/render.c, may well be alike by chance. */
#define PARTS_OF_MANY 2

static const char *without_dots(const char *path)
{
	while (!strncmp(path, "./", 2) || !strncmp(path, "../", 3))
		path = strchr(path, '/') + 1;
	return path;
}

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

	path = without_dots(path);
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

/* Where in `path` the part begins that is the end of `found`, too. */
static size_t common_begin(const char *path, const char *found)
{
	size_t x = strlen(path), y = strlen(found), begin = x;

	while (x && y && path[x - 1] == found[y - 1]) {
		x--;
		y--;
		if (!x || path[x - 1] == '/')
			begin = x;
	}
	return begin;
}

/* "proj", "proj-2.18.0", "proj-main": what a checkout of "OWNER/proj" is called. */
static bool is_checkout(const char *directory, size_t len, const char *repository)
{
	const char *slash = strrchr(repository, '/'), *rest;
	size_t n;

	repository = slash ? slash + 1 : repository;
	n = strlen(repository);
	rest = directory + n;
	if (!n || len < n || strncmp(directory, repository, n) != 0)
		return false;
	if (len == n || !strncmp(rest, "-main/", 6) || !strncmp(rest, "-master/", 8))
		return true;
	rest += strchr("-_@", *rest) != NULL;
	rest += *rest == 'v';
	return rest > directory + n && isdigit((unsigned char)*rest);
}

/* The path's last directory before what it has in common with the file, which begins at `begin`. */
static bool in_checkout(const struct repository *repository, const char *path, size_t begin)
{
	size_t end = begin ? begin - 1 : 0, at = end;

	while (at && path[at - 1] != '/')
		at--;
	return end > at && (is_checkout(path + at, end - at, repository_name(repository)) ||
			    is_checkout(path + at, end - at, repository->directory));
}

bool path_is_doubtful(const struct repository *repository, const char *path, const char *found)
{
	size_t begin, parts = 1;

	path = without_dots(path);
	begin = common_begin(path, found);
	for (const char *p = path + begin; (p = strchr(p, '/')); p++)
		parts++;
	return begin && parts <= PARTS_OF_MANY && !in_checkout(repository, path, begin);
}

const char *path_submodule(const struct repository *repository, const char *path,
			   const char *found)
{
	const struct tree *tree = &repository->tree;
	size_t begin;

	path = without_dots(path);
	begin = common_begin(path, found);
	for (size_t i = 0; i < tree->nsubmodules; i++) {
		const char *name = tree->submodules[i], *at = path;
		size_t len = strlen(name);

		for (; (at = strstr(at, name)); at++) {
			size_t end = (size_t)(at - path) + len;

			if ((at > path && at[-1] != '/') || at[len] != '/')
				continue;
			/* What is called as it is may be above a checkout of the repository. */
			if (end + 1 >= begin || !in_checkout(repository, path, begin))
				return name;
		}
	}
	return NULL;
}
