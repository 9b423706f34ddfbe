/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal's context into the record that the driver reads, in the machine's own order
 * (observe/machine.h has the names). Async-signal-safe.
 */
#ifndef FORKPOINT_EMBED_REGISTERS_H
#define FORKPOINT_EMBED_REGISTERS_H

#include <sys/ucontext.h>

#include "embed/subject.h"

#if defined(__x86_64__)
static inline void registers_copy(struct control_crash *crash, const ucontext_t *uc)
{
	const greg_t *gregs = uc->uc_mcontext.gregs;

	/* r8 … rip, eflags: what comes later is no register of the user's. */
	crash->nregs = REG_EFL + 1;
	for (unsigned int i = 0; i < crash->nregs; i++)
		crash->regs[i] = (uint64_t)gregs[i];
	crash->pc = (uint64_t)gregs[REG_RIP];
	crash->sp = (uint64_t)gregs[REG_RSP];
	crash->fp = (uint64_t)gregs[REG_RBP];
}
#elif defined(__aarch64__)
static inline void registers_copy(struct control_crash *crash, const ucontext_t *uc)
{
	const mcontext_t *mc = &uc->uc_mcontext;

	for (unsigned int i = 0; i < 31; i++)
		crash->regs[i] = mc->regs[i];
	crash->regs[31] = mc->sp;
	crash->regs[32] = mc->pc;
	crash->regs[33] = mc->pstate;
	crash->nregs = 34;
	crash->pc = mc->pc;
	crash->sp = mc->sp;
	crash->fp = mc->regs[29];
}
#else
#error "registers.h: which registers does this machine have?"
#endif

#endif
