/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines in which the debuggers of Windows, and Breakpad, write down stacks, innermost first:
 *
 *	00 0000008a`7a2fe0f8 00007ffb`12345678 probe!probe_get+0x12 [C:\src\table.c @ 61]
 *	ntdll!NtWaitForSingleObject+0x14
 *	>	probe.pyd!probe_get(int key) Line 61	C
 *	0x00007FF9E8545A2C, C:\py\_probe.pyd(0x00007FF9E84F0000) + 0x55A2C byte(s), f() + …
 *	 0  probe.dll!probe_get [table.c : 61 + 0x3]
 */
#ifndef FORKPOINT_TRIAGE_WINDOWS_LINE_H
#define FORKPOINT_TRIAGE_WINDOWS_LINE_H

#include "triage/readers.h"

struct windows_frame {
	uint64_t pc, offset, module_offset;
	struct piece module, name, file; /* s NULL: not told */
	uint64_t line;
	bool inlined;
};

/* A frame that no other tool writes so; *frame is filled in. */
bool windows_frame(struct piece line, struct windows_frame *frame);
/* "module + 0x1234", which others write as well: only among frames. */
bool windows_module_alone(struct piece line, struct windows_frame *frame);
void windows_frame_add(struct trace *trace, struct crash_thread *thread,
		       const struct windows_frame *frame);
/*
 * Does the line tell of an exception: in words that only Windows has for a program that died? The
 * signal that it is elsewhere, or 0; *code: its number.
 */
bool windows_tells(struct piece line, uint64_t *code);
/*
 * "Faulting module name: ", of which people who copy the event write "Faulting module : " as well.
 * It is taken off.
 */
bool windows_take_key(struct piece *p, const char *key);
int windows_signal(uint64_t code);

#endif
