/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the failure signal handlers of Abseil and glog write, which many libraries install:
 *
 *	*** SIGSEGV received at time=1760000000 on cpu 1 ***
 *	PC: @     0x7f40001f6a10  (unknown)  getenv
 *	    @     0x555f00346120        480  absl::AbslFailureSignalHandler()
 *	    @     0x7f4000131010  (unknown)  (unknown)
 *
 *	*** SIGSEGV (@0x8) received by PID 123 (TID 0x7f0000001000) from PID 8; stack trace: ***
 *	    @     0x7f4000131010 probe::go()
 *
 * A log's own prefix may stand before each line.
 */
#ifndef FORKPOINT_TRIAGE_FAILURE_HANDLER_H
#define FORKPOINT_TRIAGE_FAILURE_HANDLER_H

#include "triage/readers.h"

/* "@ 0x7f404d131420  (unknown)  name" or "@ 0x7f404d131420 name" */
bool failure_handler_frame(struct piece line, uint64_t *pc, struct piece *name);
bool failure_handler_begins(struct piece line);
/* The heading is the current line. */
void failure_handler_read(struct lines *lines, struct trace *trace);

#endif
