/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "observe/core_libs.h"

/* Below one root; what is deeper, or more, is not of an application. */
#define DIRECTORIES_MAX 65536u
#define DEPTH_MAX 64u

static void search_add(struct core_search *search, char *directory)
{
	search->v = xrealloc(search->v, (search->n + 1) * sizeof(*search->v));
	search->v[search->n++] = directory;
}

void core_search_add_path(struct core_search *search, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, ":");

		if (len)
			search_add(search, xstrfmt("%.*s", (int)len, path));
		path += len + (path[len] == ':');
	}
}

static int is_directory(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int name_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Symbolic links are not followed. -1: the directory cannot be read. */
static int tree_add(struct core_search *search, const char *directory, unsigned int depth)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_directory, name_compare);

	if (n < 0)
		return -1;
	search_add(search, xstrdup(directory));
	for (int i = 0; i < n; i++) {
		char *below = xstrfmt("%s/%s", directory, entries[i]->d_name);

		if (depth < DEPTH_MAX && search->n < DIRECTORIES_MAX)
			tree_add(search, below, depth + 1);
		free(below);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int core_search_add_root(struct core_search *search, const char *root, struct strbuf *err)
{
	if (!tree_add(search, root, 0))
		return 0;
	strbuf_addf(err, "cannot search %s: %s", root, strerror(errno));
	return -1;
}

void core_search_release(struct core_search *search)
{
	for (size_t i = 0; i < search->n; i++)
		free(search->v[i]);
	free(search->v);
	*search = (struct core_search){ 0 };
}
