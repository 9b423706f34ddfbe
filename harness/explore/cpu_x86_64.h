/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the decoding files of x86-64 share.
 */
#ifndef FORKPOINT_EXPLORE_CPU_X86_64_H
#define FORKPOINT_EXPLORE_CPU_X86_64_H

#include <Zydis/Zydis.h>

#include "explore/cpu.h"

/* Fills in `straight` and what belongs to `jumps`; all else is known. */
void cpu_decode_flow(struct cpu_instruction *instruction, const ZydisDecodedInstruction *decoded,
		     const ZydisDecodedOperand *operands);

#endif
