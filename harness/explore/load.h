/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU saturation: stress-ng where it is installed, else threads of our own that spin.
 */
#ifndef FORKPOINT_EXPLORE_LOAD_H
#define FORKPOINT_EXPLORE_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"

/* What the process of our own is called in /proc, of 15 bytes at most. */
#define LOAD_NAME "forkpoint-load"

/* A load that nobody stops (we were killed, and so was everything that would have) ends itself. */
#define LOAD_SECONDS 600u

struct load {
	pid_t pid;
	bool own;      /* ours, not stress-ng */
	char tool[64]; /* "stress-ng 0.15.06", "built-in spinner" */
	unsigned int seconds;
	uint64_t started_ns;
	uint64_t checked_ns;
};

/*
 * One spinning worker for each CPU, all of them there on return, for so many seconds unless
 * load_keep() is called. A stress-ng that does not come up gives way to ours. 0, or -1 and a
 * sentence.
 */
int load_start(struct load *load, unsigned int seconds, struct strbuf *err);

/* Is it there still? -1 and a sentence: somebody has ended or stopped it, or a part of it. */
int load_check(struct load *load, struct strbuf *err);

/*
 * To be called again and again while the load is to go on: replaces it before its time is over, and
 * checks it now and then. 0, or -1 and a sentence.
 */
int load_keep(struct load *load, struct strbuf *err);

void load_stop(struct load *load);

#endif
