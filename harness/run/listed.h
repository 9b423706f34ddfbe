/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios' names without a host to ask: as scenarios/list.h has them.
 */
#ifndef FORKPOINT_RUN_LISTED_H
#define FORKPOINT_RUN_LISTED_H

#include <stddef.h>

#include "base/strbuf.h"

struct listed {
	char **names; /* "fork-lru-list" */
	size_t n;
};

/* 0, or -1 and a sentence. */
int listed_load(struct listed *listed, struct strbuf *err);
void listed_release(struct listed *listed);

#endif
