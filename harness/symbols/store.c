/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "triage/frames.h"

/* Packages of debug symbols are some ten directories deep. */
#define DEPTH_MAX 32

#define BUILD_ID_DIGITS_MIN 4
#define BUILD_ID_DIGITS_MAX 128

static void add_file(struct store *store, const char *path, size_t root)
{
	struct store_file *file;

	if (store->n == STORE_FILES_MAX) {
		store->cut = true;
		return;
	}
	if (!(store->n & (store->n - 1)))
		store->v = xrealloc(store->v, (store->n ? 2 * store->n : 1) * sizeof(*store->v));
	file = &store->v[store->n++];
	file->path = xstrdup(path);
	file->shown = file->path + root;
	file->base = strrchr(file->path, '/') + 1;
	store->sorted = false;
}

static bool is_directory(int at, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Takes fd. `path` is its name, with a slash at its end; as long as before afterwards. */
static void walk(struct store *store, int fd, struct strbuf *path, size_t root, int depth)
{
	DIR *dir = fdopendir(fd);
	size_t len = path->len;
	struct dirent *entry;

	if (!dir) {
		close(fd);
		return;
	}
	while (!store->cut && (entry = readdir(dir))) {
		int below = -1;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		strbuf_addstr(path, entry->d_name);
		if (!is_directory(dirfd(dir), entry)) {
			add_file(store, path->buf, root);
		} else {
			if (depth < DEPTH_MAX)
				below = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY |
					       O_NOFOLLOW | O_CLOEXEC);
			strbuf_addch(path, '/');
			if (below >= 0)
				walk(store, below, path, root, depth + 1);
			else
				store->unread = true;
		}
		path->len = len;
		path->buf[len] = '\0';
	}
	closedir(dir);
}

int store_add(struct store *store, const char *directory, struct strbuf *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct strbuf path = STRBUF_INIT;

	if (fd < 0) {
		strbuf_addstr(err, "cannot read '");
		text_add_line(err, directory, strlen(directory));
		strbuf_addf(err, "': %s: give a directory with debug files", strerror(errno));
		return -1;
	}
	store->other_root |= sandbox_is_other_root(directory);
	strbuf_addf(&path, "%s/", directory);
	walk(store, fd, &path, path.len, 0);
	strbuf_release(&path);
	return 0;
}

void store_release(struct store *store)
{
	for (size_t i = 0; i < store->n; i++)
		free(store->v[i].path);
	free(store->v);
	*store = (struct store){ .n = 0 };
}

static int by_base(const void *a, const void *b)
{
	const struct store_file *x = a, *y = b;
	int order = strcmp(x->base, y->base);

	return order ? order : strcmp(x->path, y->path);
}

/* The first whose base name is not before a text. */
static size_t lower_bound(struct store *store, const char *base)
{
	size_t low = 0, high = store->n;

	if (!store->sorted && store->n)
		qsort(store->v, store->n, sizeof(*store->v), by_base);
	store->sorted = true;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(store->v[mid].base, base) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool is_build_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return !text[n] && n >= BUILD_ID_DIGITS_MIN && n <= BUILD_ID_DIGITS_MAX && n % 2 == 0;
}

/* Directories that two paths have in common at their ends, their last parts left out. */
static size_t common_directories(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b), n = 0;

	while (x && a[x - 1] != '/')
		x--;
	while (y && b[y - 1] != '/')
		y--;
	/* Both stand behind a slash: is the part before it the same? */
	while (x > 1 && y > 1) {
		size_t i = x - 1, k = y - 1;

		while (i && a[i - 1] != '/')
			i--;
		while (k && b[k - 1] != '/')
			k--;
		if (x - i != y - k || strncmp(a + i, b + k, x - i) != 0)
			break;
		n++;
		x = i;
		y = k;
	}
	return n;
}

/* What a file's name says of it, best first. */
enum called {
	CALLED_ID,      /* by the build-id */
	CALLED_WITH_ID, /* by the module's name and the build-id */
	CALLED_DEBUG,
	CALLED_PLAIN,   /* as the module itself */
	CALLED_NOTHING,
};

/* `rest` is what follows the module's name in a file's. */
static enum called called_as(const char *rest, const char *build_id)
{
	size_t len = strlen(rest);
	char *id;
	bool is_id;

	if (!len)
		return CALLED_PLAIN;
	if (!strcmp(rest, ".debug"))
		return CALLED_DEBUG;
	if (*rest != '.' || len < strlen(".debug") + 1 || strcmp(rest + len - 6, ".debug") != 0)
		return CALLED_NOTHING;
	id = xstrfmt("%.*s", (int)(len - 7), rest + 1);
	is_id = is_build_id(id) && (!build_id || !strncmp(build_id, id, strlen(id)));
	free(id);
	return is_id ? CALLED_WITH_ID : CALLED_NOTHING;
}

struct ranked {
	const struct store_file *file;
	enum called called;
	size_t common;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->common != y->common)
		return x->common > y->common ? -1 : 1;
	if (x->called != y->called)
		return x->called < y->called ? -1 : 1;
	return strcmp(x->file->path, y->file->path);
}

struct ranking {
	struct ranked *v;
	size_t n;
};

static void rank_add(struct ranking *ranking, const struct store_file *file, enum called called,
		     size_t common)
{
	if (!(ranking->n & (ranking->n - 1)))
		ranking->v = xrealloc(ranking->v, (ranking->n ? 2 * ranking->n : 1) *
				      sizeof(*ranking->v));
	ranking->v[ranking->n++] = (struct ranked){ file, called, common };
}

static void rank_settle(struct ranking *ranking, bool best_only, struct store_found *found)
{
	if (ranking->n)
		qsort(ranking->v, ranking->n, sizeof(*ranking->v), by_rank);
	for (size_t i = 0; i < ranking->n && found->n < STORE_FOUND_MAX; i++) {
		if (best_only && ranking->v[i].common < ranking->v[0].common)
			break;
		found->v[found->n++] = ranking->v[i].file;
	}
	free(ranking->v);
}

/* ab/cdef….debug, or without the end: there the module itself may be. */
static void find_id(struct store *store, const char *build_id, struct ranking *ranking)
{
	size_t len = strlen(build_id) - 2;

	for (size_t i = lower_bound(store, build_id + 2); i < store->n; i++) {
		const struct store_file *file = &store->v[i];
		const char *rest = file->base + len;

		if (strncmp(file->base, build_id + 2, len) != 0)
			break;
		if ((*rest && strcmp(rest, ".debug") != 0) || file->base - file->path < 4 ||
		    strncmp(file->base - 3, build_id, 2) != 0 || file->base[-4] != '/')
			continue;
		/* Before all that is found by a name, wherever that is. */
		rank_add(ranking, file, *rest ? CALLED_ID : CALLED_PLAIN, SIZE_MAX);
	}
}

void store_find(struct store *store, const char *module, const char *build_id,
		struct store_found *found)
{
	const char *base = module_base(module);
	struct ranking ranking = { .n = 0 };
	size_t len = strlen(base);

	found->n = 0;
	if (build_id)
		find_id(store, build_id, &ranking);
	for (size_t i = len ? lower_bound(store, base) : store->n; i < store->n; i++) {
		const struct store_file *file = &store->v[i];
		enum called called;

		if (strncmp(file->base, base, len) != 0)
			break;
		called = called_as(file->base + len, build_id);
		if (called != CALLED_NOTHING)
			rank_add(&ranking, file, called, common_directories(module, file->path));
	}
	rank_settle(&ranking, !build_id, found);
}

void store_find_link(struct store *store, const struct store_file *from, const char *base,
		     struct store_found *found)
{
	struct ranking ranking = { .n = 0 };

	found->n = 0;
	for (size_t i = lower_bound(store, base); i < store->n; i++) {
		const struct store_file *file = &store->v[i];

		if (strcmp(file->base, base) != 0)
			break;
		if (file != from)
			rank_add(&ranking, file, CALLED_DEBUG,
				 common_directories(from->path, file->path));
	}
	rank_settle(&ranking, false, found);
}
