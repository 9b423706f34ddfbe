/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files below some directories may have the debug symbols of a module. Names alone are looked
 * at here: nothing is opened, and no link to a directory is followed.
 */
#ifndef FORKPOINT_SYMBOLS_STORE_H
#define FORKPOINT_SYMBOLS_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Files of all directories; what is more is not known. */
#define STORE_FILES_MAX 200000
/* For one module. */
#define STORE_FOUND_MAX 64

struct store_file {
	char *path;
	const char *shown; /* from its directory on; points into path */
	const char *base;  /* points into path */
};

struct store {
	struct store_file *v;
	size_t n;
	bool sorted;
	bool cut;    /* there are more */
	bool unread; /* directories below were too deep, or could not be read */
	bool other_root; /* as sandbox_is_other_root() has it */
};

/* 0, or -1 and a sentence: it cannot be read. All zero is empty. */
int store_add(struct store *store, const char *directory, struct strbuf *err);
void store_release(struct store *store);

struct store_found {
	const struct store_file *v[STORE_FOUND_MAX];
	size_t n;
};

/*
 * Those that may be a module's, best first. `build_id` NULL: not known; then only those count whose
 * directories agree best with the module's.
 */
void store_find(struct store *store, const char *module, const char *build_id,
		struct store_found *found);
/* Those of a name, nearest to a file first: what its debug link means. */
void store_find_link(struct store *store, const struct store_file *from, const char *base,
		     struct store_found *found);
/* Is it a build-id: hexadecimal digits, at least two bytes? */
bool is_build_id(const char *text);

#endif
