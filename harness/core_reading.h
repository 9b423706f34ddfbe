/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a core file says, as text or as JSON, read in a process of its own (base/apart.h) and in a
 * sandbox (base/sandbox.h): the file, and those that it names, are hostile.
 */
#ifndef FORKPOINT_CORE_READING_H
#define FORKPOINT_CORE_READING_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "observe/core_libs.h"
#include "observe/stacktext.h"
#include "symbols/substitute.h"
#include "symbols/symbols.h"

struct core_input;

struct core_reading {
	const char *path;
	const char *executable;           /* NULL: as the core says */
	const struct core_search *search; /* never NULL */
	struct symbols *symbols;          /* NULL: none are given */
	const struct substitutions *substitutions; /* NULL: the same */
	enum stacktext_frames frames;     /* of text */
	bool json;                        /* one object in a line, which triage knows */
	const struct core_input *input;   /* set by core_reading_run() */
};

/*
 * The exit status: EXIT_AS_EXPECTED, or EXIT_HARNESS if it is no core, or not all of one. What is
 * added to `out` may still steer a terminal. `notes` gets sentences, one a line.
 */
int core_reading_run(const struct core_reading *reading, struct strbuf *out, struct strbuf *notes);
/* The notes as warnings. */
void core_reading_warn(const struct strbuf *notes);
/*
 * A core as a report that triage reads, its frames improved already. 0, or -1: it is none. What is
 * to be said has been said.
 */
int core_reading_report(const char *path, struct symbols *symbols,
			const struct substitutions *substitutions, struct strbuf *report);

#endif
