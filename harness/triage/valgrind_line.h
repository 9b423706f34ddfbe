/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of Valgrind's logs: their prefix, their frames, and what they say of an error.
 */
#ifndef FORKPOINT_TRIAGE_VALGRIND_LINE_H
#define FORKPOINT_TRIAGE_VALGRIND_LINE_H

#include "triage/readers.h"

/*
 * "==123== text", "--00:00:00:01.234 123-- text", "**123** text": the number, and the text without
 * blanks around. False: there is no such prefix; *text is the line then, and *pid is left alone.
 */
bool valgrind_text(struct piece line, struct piece *text, uint64_t *pid);

struct valgrind_frame {
	bool innermost; /* "at", not "by" */
	uint64_t pc;
	struct piece name, module, source; /* s NULL: not told */
};

/* "at 0x4F09A50: name(int) (in /lib/a.so)", "by 0x4F09A50: name (a.c:12)". */
bool valgrind_frame(struct piece text, struct valgrind_frame *frame);
/*
 * What the first line of an error says: how the sanitizers call such a thing. *signo is set if it
 * is a signal that ends the process, and a name is told all the same. NULL: it begins no error.
 */
const char *valgrind_error(struct piece text, int *signo);
/*
 * What introduces a further stack of an error: its thread's role. *finding: what the error is by
 * that, NULL: what its first line says.
 */
const char *valgrind_section(struct piece text, const char *error, const char **finding);

#endif
