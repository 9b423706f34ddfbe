/* SPDX-License-Identifier: Apache-2.0 */
#include "run/interp.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/paths.h"
#include "run/interp_file.h"
#include "run/machine.h"

/* Of two interpreters of one release, the one whose source stands first is used. */
static unsigned int source_rank(const char *source)
{
	static const char *const order[] = {
		"prefix", "pyenv", "uv", "system", "uv-install", "debian-", "maven",
	};
	unsigned int n = sizeof(order) / sizeof(order[0]);

	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(order[i]);

		if (!strcmp(source, order[i]) ||
		    (order[i][len - 1] == '-' && !strncmp(source, order[i], len)))
			return i;
	}
	return n;
}

static int compare_interps(const void *one, const void *other)
{
	const struct interp *a = one, *b = other;
	unsigned int rank_a = source_rank(a->source), rank_b = source_rank(b->source);
	int order = release_compare(&a->release, &b->release);

	if (order)
		return order;
	if (a->flavour != b->flavour)
		return a->flavour < b->flavour ? -1 : 1;
	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	order = strcmp(a->source, b->source);
	return order ? order : strcmp(a->file, b->file);
}

static void list_add(struct interp_list *list, struct interp *interp)
{
	if (list->n == list->alloc) {
		list->alloc = list->alloc ? 2 * list->alloc : 16;
		list->v = xrealloc(list->v, list->alloc * sizeof(*list->v));
	}
	list->v[list->n++] = *interp;
}

static void list_add_broken(struct interp_list *list, struct interp *interp, struct strbuf *why)
{
	list->broken = xrealloc(list->broken, (list->nbroken + 1) * sizeof(*list->broken));
	list->broken[list->nbroken].interp = *interp;
	list->broken[list->nbroken].why = strbuf_detach(why);
	list->nbroken++;
}

static bool is_added(const struct interp *interp)
{
	return !strcmp(interp->source, "prefix");
}

bool interp_is_supported(const struct release *release)
{
	return release->major == 3 && release->minor >= 12;
}

static void load_one(struct interp_list *list, const char *file)
{
	struct strbuf why = STRBUF_INIT;
	struct interp interp;
	bool usable = interp_file_read(file, &interp, &why) == 0;

	if (!interp.name || !interp_is_supported(&interp.release))
		interp_clear(&interp);
	else if (usable)
		list_add(list, &interp);
	else if (interp_is_fetched(&interp) || is_added(&interp))
		list_add_broken(list, &interp, &why);
	else
		interp_clear(&interp);
	strbuf_release(&why);
}

/* A directory that is not there holds none. */
static int load_directory(struct interp_list *list, const char *path, struct strbuf *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir) {
		if (errno == ENOENT)
			return 0;
		strbuf_addf(err, "cannot read '%s': %s", path, strerror(errno));
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		char *file;

		/* Names with a dot are fetches under way. */
		if (entry->d_name[0] == '.')
			continue;
		file = xstrfmt("%s/%s/interp", path, entry->d_name);
		load_one(list, file);
		free(file);
	}
	closedir(dir);
	return 0;
}

static const char remedy[] = ": set FORKPOINT_CACHE to a directory of yours";

/* What the machine has cannot be noted in a store that cannot be made, and would pass for none. */
static int make_store(const char *store, struct strbuf *err)
{
	if (paths_make_directories(store, err) == 0)
		return 0;
	strbuf_addstr(err, remedy);
	return -1;
}

/* Nor in one that cannot be written; but what others have put there will do. */
static int check_store(const struct interp_list *list, const char *store, struct strbuf *err)
{
	if (list->n || list->nbroken || access(store, W_OK) == 0)
		return 0;
	strbuf_addf(err, "cannot write in '%s': %s%s", store, strerror(errno), remedy);
	return -1;
}

int interp_list_load(struct interp_list *list, struct strbuf *err)
{
	struct strbuf store = STRBUF_INIT, added = STRBUF_INIT;
	int ret = -1;

	*list = (struct interp_list){ 0 };
	if (paths_cache(&store, err) < 0 || paths_config(&added, err) < 0)
		goto out;
	strbuf_addstr(&store, "/interpreters");
	strbuf_addstr(&added, "/interpreters");
	if (make_store(store.buf, err) < 0)
		goto out;
	machine_look(store.buf, false);
	if (load_directory(list, added.buf, err) < 0 || load_directory(list, store.buf, err) < 0 ||
	    check_store(list, store.buf, err) < 0) {
		interp_list_release(list);
		goto out;
	}
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), compare_interps);
	/* Room for interp_find(), which must not move what was handed out. */
	list->alloc = list->n + INTERP_PATHS_MAX;
	list->v = xrealloc(list->v, list->alloc * sizeof(*list->v));
	ret = 0;
out:
	strbuf_release(&store);
	strbuf_release(&added);
	return ret;
}

void interp_list_release(struct interp_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		interp_clear(&list->v[i]);
	for (size_t i = 0; i < list->nbroken; i++) {
		interp_clear(&list->broken[i].interp);
		free(list->broken[i].why);
	}
	free(list->v);
	free(list->broken);
	*list = (struct interp_list){ 0 };
}

size_t interp_defaults(const struct interp_list *list, const struct interp ***out)
{
	size_t n = 0;

	*out = xcalloc(list->n + 1, sizeof(**out));
	for (size_t i = 0; i < list->n; i++) {
		const struct interp *interp = &list->v[i];

		if (interp->flavour != FLAVOUR_RELEASE)
			continue;
		if (n && release_compare(&(*out)[n - 1]->release, &interp->release) == 0)
			continue;
		(*out)[n++] = interp;
	}
	return n;
}
