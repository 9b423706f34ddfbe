/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every thread did when a core was made of its process: the same record that a living process
 * gives, by the same unwinding and merging. Call it in a process that may be lost (base/apart.h):
 * the core and the files that it names are hostile, and libraries read them.
 */
#ifndef FORKPOINT_OBSERVE_CORE_LOOK_H
#define FORKPOINT_OBSERVE_CORE_LOOK_H

#include "base/strbuf.h"
#include "observe/core.h"
#include "observe/core_libs.h"
#include "observe/crash.h"

/* No instruction is longer. */
#define CORE_CODE_MAX 16

struct core_look {
	const struct core *core;
	const struct core_search *search;
	const char *given;   /* the executable that the user names; NULL: none */
	/* Answers: */
	char *executable;    /* as the core names it; NULL: it does not */
	char *executable_file; /* where it is here; NULL: nowhere */
	const char *access;  /* "to write", "to execute it": of a fault; NULL: not told */
	unsigned char code[CORE_CODE_MAX]; /* what the thread that the signal came to was to run */
	size_t ncode;        /* 0: not to be had */
	struct crash *crash;
	struct strbuf notes; /* sentences, one a line: what has not been found */
};

/*
 * 0, or -1 and a sentence: the given executable is none of the process. What cannot be had is said
 * in crash->degraded and in the notes.
 */
int core_look(struct core_look *look, struct strbuf *err);
void core_look_release(struct core_look *look);

#endif
