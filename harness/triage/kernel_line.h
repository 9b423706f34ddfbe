/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux logs of a fault that killed a process: address and module of the instruction.
 *
 *	python3[123]: segfault at 8 ip 00007f0000001234 sp 00007ffe00000000 error 4 in
 *	libfoo.so[7f0000000000+5000]
 *	traps: python3[123] general protection fault ip:7f0000001234 sp:7ffe00000000 error:0 in
 *	libfoo.so[7f0000000000+5000]
 *
 * (each in one line). From 6.4 on the brackets begin with the place in the file: [1234,7f…+5000].
 */
#ifndef FORKPOINT_TRIAGE_KERNEL_LINE_H
#define FORKPOINT_TRIAGE_KERNEL_LINE_H

#include "triage/readers.h"

bool kernel_line_begins(struct piece line);
/* Into an empty report: the signal, the thread, and its one frame. */
void kernel_line_read(struct piece line, struct trace *trace);

#endif
