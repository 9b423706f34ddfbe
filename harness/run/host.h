/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: building the one of an interpreter, and asking it what it offers.
 *
 * A host is built by embed/host.mk into the cache; a second call finds nothing to do. Several
 * processes may build at once: a lock file beside each host makes the second wait for the first.
 */
#ifndef FORKPOINT_RUN_HOST_H
#define FORKPOINT_RUN_HOST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/strbuf.h"
#include "run/interp.h"

/*
 * The path of the interpreter's host, built if need be by so many compilers at once. NULL and a
 * sentence; else free() it.
 */
char *host_build(const struct interp *interp, unsigned int compilers, struct strbuf *err);

/* Is there one already? It may be out of date. */
bool host_exists(const struct interp *interp);

/* Where it is once it is built; NULL and a sentence. */
char *host_path(const struct interp *interp, struct strbuf *err);

/* See whether Python starts in it. `home` may be NULL. 0, or -1 and a sentence. */
int host_try_at(const char *path, const char *home, struct strbuf *err);

/* What `host --describe` says; NULL and a sentence. */
json_t *host_describe_at(const char *path, struct strbuf *err);

/* Both together, with a compiler for each CPU. */
json_t *host_describe(const struct interp *interp, struct strbuf *err);

#endif
