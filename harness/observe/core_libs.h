/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a process had mapped, found again: where the core says, or below directories that
 * the user names. One is taken only if it is of the build that was mapped, as far as the core
 * tells.
 */
#ifndef FORKPOINT_OBSERVE_CORE_LIBS_H
#define FORKPOINT_OBSERVE_CORE_LIBS_H

#include "base/strbuf.h"
#include "observe/core.h"
#include "observe/maps.h"

/* Directories, in the order in which they are searched. All zero is empty. */
struct core_search {
	char **v;
	size_t n;
};

/* The directories of "DIR:DIR". */
void core_search_add_path(struct core_search *search, const char *path);
/* A directory and all below it, ordered by name; 0, or -1 and a sentence. */
int core_search_add_root(struct core_search *search, const char *root, struct strbuf *err);
void core_search_release(struct core_search *search);

struct core_lib {
	char *file;                 /* where it has been found; NULL: nowhere */
	const unsigned char *bytes; /* of the file */
	size_t size;
	char *id;                   /* the build-id that the core tells; NULL: none */
};

struct core_libs {
	struct core_lib *v; /* of maps->modules, one by one */
	size_t n;
};

/*
 * Finds them, and sets the modules' `file`. `executable` is where module `main` is to be had (NULL:
 * where it was). `notes` gets a sentence a line for each that is missing or of another build.
 */
void core_libs_find(struct core_libs *libs, struct maps *maps, const struct core *core,
		    const struct core_search *search, size_t main, const char *executable,
		    struct strbuf *notes);
void core_libs_release(struct core_libs *libs);

/*
 * Bytes that the core has, or has left out since they are in a file that cannot have been written
 * to in memory. Of one page.
 */
bool core_libs_read(const struct core_libs *libs, const struct maps *maps, const struct core *core,
		    uint64_t address, void *out, size_t size);

#endif
