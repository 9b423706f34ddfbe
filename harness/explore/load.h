/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU saturation: stress-ng where it is installed, else threads of our own that spin.
 */
#ifndef FORKPOINT_EXPLORE_LOAD_H
#define FORKPOINT_EXPLORE_LOAD_H

#include <sys/types.h>

#include "base/strbuf.h"

/* What the process of our own is called in /proc, of 15 bytes at most. */
#define LOAD_NAME "forkpoint-load"

struct load {
	pid_t pid;
	char tool[64]; /* "stress-ng 0.15.06", "built-in spinner" */
};

/* One spinning worker for each CPU. 0, or -1 and a sentence. */
int load_start(struct load *load, struct strbuf *err);
void load_stop(struct load *load);

#endif
