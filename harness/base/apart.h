/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on hostile input in a process of its own, with a library that may not survive it: a forked
 * child of bounded memory and time, in a sandbox where one is asked for and to be had, whose only
 * word is what it writes into a pipe. Call it from a process of one thread. Not async-signal-safe.
 */
#ifndef FORKPOINT_BASE_APART_H
#define FORKPOINT_BASE_APART_H

#include <stddef.h>
#include <stdint.h>

#include "base/sandbox.h"
#include "base/strbuf.h"

struct apart_limits {
	uint64_t memory;      /* address space beyond what this process has, in bytes */
	unsigned int seconds; /* of CPU time; of real time the double */
	size_t output;        /* bytes */
	enum sandbox_kind sandbox;
};

/*
 * `work` runs in the child, and writes to fd, the only descriptor that it has besides the standard
 * ones; it shall use no other output. 0 if it returned within
 * the limits: `out`, which was empty, has all of it then; or -1 and a sentence that goes on from a
 * name ("died of SIGSEGV"). Nothing is said on standard error, and no core file is left.
 */
int apart_run(void (*work)(int fd, void *data), void *data, const struct apart_limits *limits,
	      struct strbuf *out, struct strbuf *err);

#endif
