/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreters of one run, each with its host built and its scenarios read.
 */
#ifndef FORKPOINT_MATRIX_PYTHON_H
#define FORKPOINT_MATRIX_PYTHON_H

#include <stdbool.h>
#include <stddef.h>

#include "run/catalog.h"
#include "run/interp.h"

struct python {
	char *name;                  /* "3.13.18d"; what was asked for if it is not there */
	const struct interp *interp; /* NULL: not there */
	char *host;                  /* NULL: not built */
	struct catalog catalog;      /* empty without a host */
	char *problem;               /* why it cannot run, and what to type; NULL: it can */
	bool missing;                /* the problem is only that it is not installed */
};

struct python_list {
	struct interp_list found;
	struct python *v;
	size_t n;
};

/*
 * The interpreters that the specs name, or without specs every release that should be there: what
 * is found, and what the lock file wants besides. Builds hosts, `jobs` at once, and has each
 * describe itself. One that cannot be had, built or started is in the list with its problem. -1 and
 * a sentence if a spec names nothing that forkpoint can ever run, or nothing can be looked up at
 * all; 1 if interrupted.
 */
int python_list_load(struct python_list *list, char *const *specs, size_t nspecs, unsigned int jobs,
		     struct strbuf *err);
void python_list_release(struct python_list *list);

#endif
