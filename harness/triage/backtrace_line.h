/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines in which programs and their libraries write down stacks of their own, innermost first:
 *
 *	[host:79] [ 2] /usr/lib/libprobe.so(probe_get+0x39)[0x7f0000001149]     Open MPI
 *	  [bt] (3) /usr/lib/libprobe.so(+0x39) [0x7f0000001149]                  XGBoost, MXNet
 *	 2 0x0000000000001149 probe_get()  /src/table.c:61                       UCX
 *	#2 0x55d0c5eb850c probe::get() [../../table.cc:61]                       Chromium
 *	 #2 0x00007f0000001149 probe::get() (/usr/lib/libprobe.so+0x1149)        LLVM
 *	 2# probe::get() at /src/table.cc:61                                     Boost
 *	frame #2: probe::get() + 0x39 (0x7f0000001149 in /usr/lib/libprobe.so)   PyTorch
 *	C  [libprobe.so+0x1149]  probe_get+0x39                                  the JVM
 *	    @     0x7f0000001149 probe::get()                                    glog, Abseil
 *	 2: 0xb090e0 probe::get() [node]                                         Node.js
 */
#ifndef FORKPOINT_TRIAGE_BACKTRACE_LINE_H
#define FORKPOINT_TRIAGE_BACKTRACE_LINE_H

#include "triage/readers.h"

enum backtrace_style {
	BACKTRACE_NONE = 0,
	BACKTRACE_SYMBOLS,
	BACKTRACE_UCX,
	BACKTRACE_HASH,
	BACKTRACE_BOOST,
	BACKTRACE_PYTORCH,
	BACKTRACE_JVM,
	BACKTRACE_GLOG,
	BACKTRACE_NODE,
};

struct backtrace_frame {
	uint64_t pc;
	uint64_t offset, module_offset;
	struct piece symbols;  /* all of it, as backtrace_symbols() has it; s NULL: not so */
	struct piece name, module, source;
};

/* NONE: it is no frame. */
enum backtrace_style backtrace_line(struct piece line, struct backtrace_frame *frame);
/* Behind "[host:79] " of Open MPI. */
struct piece backtrace_text(struct piece line);

#endif
