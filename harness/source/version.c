/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version in a path: ".../ddtrace-2.18.0.dist-info/…", ".../cpython-3.12.1/Python/ceval.c".
 * Many packages leave theirs in the paths of a process, so the name before it must be of this
 * repository: its own, its directory's, or one of the packages at its top.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "source/revision.h"
#include "triage/frames.h"

#define FRAMES_MAX 20000
#define NAME_LENGTH_MAX 100
#define NAMES_MAX 200
/* Places in a path at which a version may stand. */
#define TRIES_MAX 4

size_t version_length(const char *text)
{
	static const char *const endings[] = { "a", "b", "rc", ".dev", ".post" };
	size_t n = strspn(text, "0123456789"), dots = 0;

	while (n && text[n] == '.' && isdigit((unsigned char)text[n + 1])) {
		n += 1 + strspn(text + n + 1, "0123456789");
		dots++;
	}
	if (!dots)
		return 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t len = strlen(endings[i]);

		if (!strncmp(text + n, endings[i], len) && isdigit((unsigned char)text[n + len])) {
			n += len + strspn(text + n + len, "0123456789");
			i = (size_t)-1; /* "1.0rc1.dev2" has two */
		}
	}
	return n;
}

/* As package indexes compare names. */
static bool same_name(const char *a, size_t len, const char *b, size_t b_len)
{
	if (len != b_len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int x = tolower((unsigned char)a[i]), y = tolower((unsigned char)b[i]);

		if ((x == '_' || x == '.' ? '-' : x) != (y == '_' || y == '.' ? '-' : y))
			return false;
	}
	return true;
}

/* Directories that are in many repositories name none. */
static bool is_common(const char *name, size_t len)
{
	static const char *const common[] = {
		"src", "lib", "libs", "include", "test", "tests", "doc", "docs", "python", "tools",
		"build", "bin", "scripts", "vendor", "third_party", "examples", "benchmarks",
	};

	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (same_name(name, len, common[i], strlen(common[i])))
			return true;
	return false;
}

/* The names that count, pointing into the repository. */
struct names {
	const char *v[NAMES_MAX];
	size_t len[NAMES_MAX], n;
};

static void names_add(struct names *names, const char *name, size_t len)
{
	/* Git lists a directory's files in a row. */
	if (names->n == NAMES_MAX || is_common(name, len) ||
	    (names->n && same_name(name, len, names->v[names->n - 1], names->len[names->n - 1])))
		return;
	names->v[names->n] = name;
	names->len[names->n++] = len;
}

static void names_collect(struct names *names, const struct repository *repository)
{
	const char *own = module_base(repository_name(repository));
	const char *directory = module_base(repository->directory);

	names_add(names, own, strlen(own));
	names_add(names, directory, strlen(directory));
	for (size_t i = 0; i < repository->tree.n; i++) {
		size_t top = strcspn(repository->tree.paths[i], "/");

		if (repository->tree.paths[i][top])
			names_add(names, repository->tree.paths[i], top);
	}
}

static bool names_have(const struct names *names, const char *name, size_t len)
{
	for (size_t i = 0; i < names->n; i++)
		if (same_name(name, len, names->v[i], names->len[i]))
			return true;
	return false;
}

static char *version_in(const struct names *names, const char *path)
{
	int tried = 0;

	for (const char *dash = path ? strchr(path, '-') : NULL; dash && tried < TRIES_MAX;
	     dash = strchr(dash + 1, '-')) {
		size_t version = version_length(dash + 1), len = 0;

		if (!version)
			continue;
		while (len < NAME_LENGTH_MAX && dash - len > path && *(dash - len - 1) != '/')
			len++;
		if (len && names_have(names, dash - len, len))
			return xstrfmt("%.*s", (int)version, dash + 1);
		tried++;
	}
	return NULL;
}

char *version_in_paths(const struct repository *repository, const struct trace *trace)
{
	struct names names = { .n = 0 };
	size_t seen = 0;

	names_collect(&names, repository);
	for (size_t t = 0; t < trace->crash->nthreads; t++) {
		const struct crash_thread *thread = &trace->crash->threads[t];

		for (size_t i = 0; i < thread->nframes && seen < FRAMES_MAX; i++, seen++) {
			char *version = version_in(&names, thread->frames[i].module);

			if (!version)
				version = version_in(&names, thread->frames[i].file);
			if (version)
				return version;
		}
	}
	return NULL;
}
