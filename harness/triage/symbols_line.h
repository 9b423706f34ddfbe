/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line as backtrace_symbols() has it:
 *
 *	/lib/libc.so.6(cfree+0x4c)[0x7f000008053c]
 *	./probe(+0x1149) [0x555500001149]
 *	/lib/libprobe.so[0x7f0000001149]
 *	[0x7f0000001149]
 */
#ifndef FORKPOINT_TRIAGE_SYMBOLS_LINE_H
#define FORKPOINT_TRIAGE_SYMBOLS_LINE_H

#include "triage/readers.h"

bool symbols_line(struct piece line);
/* One that somebody has cut off in the middle of a long name: "/lib/libprobe.so(_ZN5prob[...]". */
bool symbols_line_cut(struct piece line);
/* It is either: its frame at the thread's end. */
void symbols_line_add(struct trace *trace, struct crash_thread *thread, struct piece line);

#endif
