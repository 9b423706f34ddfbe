/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in several pieces and is one report: a message and the stacks behind it, a debugger's
 * word of a signal and what was asked of it later. For trace.c.
 */
#ifndef FORKPOINT_TRIAGE_TRACE_JOIN_H
#define FORKPOINT_TRIAGE_TRACE_JOIN_H

#include "triage/readers.h"

/* How many lines may be between. */
#define TRACE_NEAR_LINES 20

/* trace.c's: what is in it, not the trace itself. */
void trace_release(struct trace *trace);

/* It says nothing that could be classified. */
bool trace_is_empty(const struct trace *trace);
/*
 * Two reports, one behind the other: a message alone, and then stacks without one, or with the same
 * words in gdb's arguments: what the process said, and what it did then. Or an assertion, and a
 * stack through the function in which it stands. Or the last words of a process, and what a
 * sanitizer says of it on the very next line. Or where gdb stopped, and the stack that it was asked
 * for. Not two that tell of two signals.
 */
bool traces_belong_together(const struct trace *said, const struct trace *did);
/* What `from` tells goes to `to`, and `from` is released. */
void trace_join(struct trace *from, struct trace *to);

/*
 * An empty trace is kept if it tells of a signal, else released; *held, NULL for none, is the last
 * one so kept. Of the next report that is not empty it is part, if that is near and may be.
 */
void trace_hold(struct trace **held, struct trace *empty);
void trace_take_held(struct trace **held, struct trace *trace);
void trace_drop_held(struct trace **held);

#endif
