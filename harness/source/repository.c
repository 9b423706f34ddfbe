/* SPDX-License-Identifier: Apache-2.0 */
#include "source/repository.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

/* Of the last value that git prints between NULs or line ends; NULL: none. Allocated. */
static char *config_get(const struct git *repository, const char *key)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *value = NULL;

	if (git(repository, &out, &err, "config", "--local", "-z", "--get", key) == 0)
		value = xstrdup(out.buf);
	strbuf_release(&out);
	strbuf_release(&err);
	return value;
}

/* That of "origin", else of the first remote. */
static char *remote_url(const struct git *repository)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *url = config_get(repository, "remote.origin.url");

	/* KEY, line end, VALUE, NUL. */
	if (!url && git(repository, &out, &err, "config", "--local", "-z", "--get-regexp",
			"^remote\\..*\\.url$") == 0 && strchr(out.buf, '\n'))
		url = xstrdup(strchr(out.buf, '\n') + 1);
	strbuf_release(&out);
	strbuf_release(&err);
	return url;
}

void repository_look(struct repository *repository, const char *directory)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *url = remote_url(&repository->git);

	repository->directory = xstrdup(directory);
	remote_parse(&repository->remote, url ? url : "");
	repository->shallow = git(&repository->git, &out, &err, "rev-parse",
				  "--is-shallow-repository") == 0 && !strcmp(out.buf, "true\n");
	free(url);
	strbuf_release(&out);
	strbuf_release(&err);
}

static void tree_release(struct tree *tree)
{
	free(tree->commit);
	free(tree->text);
	free(tree->paths);
	free(tree->submodules);
	*tree = (struct tree){ 0 };
}

void repository_release(struct repository *repository)
{
	tree_release(&repository->tree);
	remote_release(&repository->remote);
	git_close(&repository->git);
	free(repository->directory);
}

const char *repository_name(const struct repository *repository)
{
	const char *slash;

	if (repository->remote.name)
		return repository->remote.name;
	slash = strrchr(repository->directory, '/');
	return slash && slash[1] ? slash + 1 : repository->directory;
}

char *repository_commit(const struct repository *repository, const char *revision)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *name = xstrfmt("%s^{commit}", revision), *commit = NULL;

	/* A dash would be an option's. */
	if (*revision && *revision != '-' && git(&repository->git, &out, &err, "rev-parse",
						 "--verify", "--quiet", name) == 0) {
		strbuf_rtrim(&out);
		if (out.len >= 40 && strspn(out.buf, "0123456789abcdef") == out.len)
			commit = xstrdup(out.buf);
	}
	free(name);
	strbuf_release(&out);
	strbuf_release(&err);
	return commit;
}

static void list_add(const char ***list, size_t *n, const char *path)
{
	if ((*n & (*n - 1)) == 0)
		*list = xrealloc(*list, (*n ? 2 * *n : 1) * sizeof(**list));
	(*list)[(*n)++] = path;
}

/* "MODE TYPE ID<tab>PATH<NUL>": links have no text of their own. */
static void tree_parse(struct tree *tree, size_t len)
{

	for (char *p = tree->text, *end = tree->text + len; p < end; p += strlen(p) + 1) {
		char *tab = strchr(p, '\t');

		if (tab && !strncmp(p, "100", 3))
			list_add(&tree->paths, &tree->n, tab + 1);
		else if (tab && !strncmp(p, "160", 3))
			list_add(&tree->submodules, &tree->nsubmodules, tab + 1);
	}
}

const struct tree *repository_tree(struct repository *repository, const char *commit,
				   struct strbuf *err)
{
	struct strbuf out = STRBUF_INIT;
	struct tree *tree = &repository->tree;
	size_t len;

	if (tree->commit && !strcmp(tree->commit, commit))
		return tree;
	tree_release(tree);
	if (git(&repository->git, &out, err, "ls-tree", "-r", "-z", "--full-tree", commit) != 0) {
		strbuf_release(&out);
		return NULL;
	}
	len = out.len;
	tree->commit = xstrdup(commit);
	tree->cut = len >= GIT_OUTPUT_MAX;
	tree->text = strbuf_detach(&out);
	tree_parse(tree, len);
	return tree;
}
