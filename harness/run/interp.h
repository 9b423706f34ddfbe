/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installed interpreters: finding them, the ones a user added, and the specs that name them.
 *
 * What is known of an interpreter is a file of `key=value` lines (an *interpreter file*) that the
 * scripts of embed/interpreters/ write; embed/host.mk builds a host from one. Keys:
 *
 *   release     3.13.18            flavour     release | debug | free-threaded
 *   source      prefix | pyenv | uv | system | uv-install | debian-trixie | debian-sid | maven
 *   prefix      where it lives     home        PyConfig.home; empty: Python finds it by itself
 *   include     -I directory       idirafter   header directory that is searched last; may be empty
 *   lib         path of libpython (.so.1.0 or .a)
 *   libs        what to link besides (for a static libpython: -lm -ldl …); may be empty
 *   loader      dynamic linker for a host; empty: the machine's own
 *   rpath       colon-separated library directories, searched first; may be empty
 *   lib_size    bytes of `lib`, where it was fetched: another size means damage
 */
#ifndef FORKPOINT_RUN_INTERP_H
#define FORKPOINT_RUN_INTERP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "run/release.h"

struct interp {
	struct release release;
	enum flavour flavour;
	char *name;   /* "3.13.18d": release and flavour suffix */
	char *source;
	char *prefix;
	char *file;   /* the interpreter file */
	char *home;   /* NULL: none needed */
	char *lib;
};

/* An interpreter that is known and cannot be used. */
struct interp_broken {
	struct interp interp;
	char *why; /* "its libpython '…' is cut short" */
};

struct interp_list {
	struct interp *v;
	size_t n;
	size_t alloc;
	struct interp_broken *broken;
	size_t nbroken;
};

/*
 * All known interpreters, best source first within a release, releases ascending. Looks at the
 * store, at what the user added, and at the machine: find.sh runs when something it depends on
 * (PATH and other variables, the directories they name) has changed since it last ran. What others
 * own and took away is left out; what was fetched and is damaged stands in .broken. 0, or -1 and a
 * sentence.
 */
int interp_list_load(struct interp_list *list, struct strbuf *err);
void interp_list_release(struct interp_list *list);

/* A release that forkpoint can run, now or once it is out: of Python 3, from 3.12 on. Pure. */
bool interp_is_supported(const struct release *release);

/* The spec names a release, or a line, that forkpoint can run, if it is not here. Pure. */
bool interp_spec_is_possible(const char *spec);

#define INTERP_PATHS_MAX 64u

/*
 * The interpreter that a spec names: "3.13.18", "3.13.18d", a line "3.13" (its newest release
 * build), "3.13d", or the path of a prefix or of an interpreter file. NULL and a sentence that says
 * what was looked for and what to type. A path that is not in the list yet is added at its end:
 * pointers into the list stay valid (INTERP_PATHS_MAX paths at most).
 */
const struct interp *interp_find(struct interp_list *list, const char *spec, struct strbuf *err);

/*
 * Those that run without --python: from 3.12 on, release builds, one each release. Pointers into
 * the list, in an array to free.
 */
size_t interp_defaults(const struct interp_list *list, const struct interp ***out);

#endif
