/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line in which somebody has drawn how functions call each other, by hand:
 *
 *	  → probe::Table::get()
 *	    -> probe::Table::~Table (table.cc:61)   <- segfault
 *	main() -> run_loop() -> probe_get() -> abort()
 */
#ifndef FORKPOINT_TRIAGE_DRAWN_LINE_H
#define FORKPOINT_TRIAGE_DRAWN_LINE_H

#include "triage/readers.h"

/* How it is joined to what stands before it. */
enum drawn_join {
	DRAWN_PLAIN = 0, /* it stands there, that is all */
	DRAWN_WEAK,      /* a bullet or a '>', which stand in any text; "=>" of programs */
	DRAWN_CALLS,     /* "->" */
	DRAWN_CALLED_BY, /* "<-" */
};

struct drawn_word {
	enum drawn_join join;
	struct piece name, module, source; /* s NULL: not told */
	bool gap;      /* "..." */
	bool function; /* it is written as no word of prose is */
	int crash;     /* what stands beside it says that it crashed here; see drawn_crash() */
};

/*
 * The next one of a line, which is cut off its beginning; `first`: it begins the line. False: what
 * is left is nothing that is drawn so.
 */
bool drawn_take(struct piece *line, bool first, struct drawn_word *word);
/* A line that holds nothing but an arrow or a bar. */
bool drawn_is_bar(struct piece line);
/*
 * Does a text say that something crashed: the signal, DRAWN_CRASHED if it does not say by which,
 * DRAWN_HANGS if it waits instead; 0: nothing of it.
 */
#define DRAWN_CRASHED -1
#define DRAWN_HANGS -2
int drawn_crash(struct piece text);
/* "SIGSEGV in getenv", "Segmentation fault in probe::get()". */
bool drawn_heading(struct piece line, struct drawn_word *word);
/* 1: what is innermost where a process dies; -1: what is outermost; 2: CPython's; 0: neither. */
int drawn_known(struct piece name);

#endif
