/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's registers, and instructions decoded, by Zydis. What their memory operands are is
 * worked out in cpu_x86_64_forms.c, where they lead in cpu_x86_64_flow.c.
 */
#include "explore/cpu_x86_64.h"

#ifdef __x86_64__

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

bool cpu_supported(void)
{
	return true;
}

int cpu_fetch(pid_t tid, struct cpu_registers *registers)
{
	registers->raw[SLOT_NOTHING] = 0;
	return ptrace(PTRACE_GETREGS, tid, NULL, registers->raw) < 0 ? -1 : 0;
}

uint64_t cpu_pc(const struct cpu_registers *registers)
{
	return registers->raw[SLOT(rip)];
}

uint64_t cpu_sp(const struct cpu_registers *registers)
{
	return registers->raw[SLOT(rsp)];
}

int cpu_return_address(pid_t tid, const struct cpu_registers *registers, uint64_t *address)
{
	void *sp = (void *)(uintptr_t)cpu_sp(registers);

	errno = 0;
	*address = (uint64_t)ptrace(PTRACE_PEEKDATA, tid, sp, NULL);
	return errno ? -1 : 0;
}

uint64_t cpu_rounds(const struct cpu_registers *registers)
{
	return registers->raw[SLOT(rcx)];
}

int cpu_rounds_set(pid_t tid, struct cpu_registers *registers, uint64_t pc, uint64_t rounds)
{
	registers->raw[SLOT(rip)] = pc;
	registers->raw[SLOT(rcx)] = rounds;
	return ptrace(PTRACE_SETREGS, tid, NULL, registers->raw) < 0 ? -1 : 0;
}

long cpu_call(const struct cpu_registers *registers)
{
	return (long)registers->raw[SLOT(rax)];
}

uint64_t cpu_call_argument(const struct cpu_registers *registers, unsigned int n)
{
	static const size_t slots[] = { SLOT(rdi), SLOT(rsi), SLOT(rdx), SLOT(r10), SLOT(r8),
					SLOT(r9) };

	return registers->raw[slots[n]];
}

long cpu_call_result(const struct cpu_registers *registers)
{
	return (long)registers->raw[SLOT(rax)];
}

/* Results that no program sees: the call is made again, or goes on, when the thread does. */
#define RESULT_RESTARTS_FIRST (-516) /* ERESTART_RESTARTBLOCK, of include/linux/errno.h */
#define RESULT_RESTARTS_LAST (-512)  /* ERESTARTSYS */

long cpu_waits_in(const struct cpu_registers *registers)
{
	long result = cpu_call_result(registers);

	return result >= RESULT_RESTARTS_FIRST && result <= RESULT_RESTARTS_LAST ?
		(long)registers->raw[SLOT(orig_rax)] : -1;
}

/* Decoding */

static bool enters_kernel(const ZydisDecodedInstruction *i)
{
	return i->meta.category == ZYDIS_CATEGORY_SYSCALL ||
	       i->meta.category == ZYDIS_CATEGORY_INTERRUPT;
}

static bool is_chance(const ZydisDecodedInstruction *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_LSL: /* the number of the processor, as the vDSO asks for it */
	case ZYDIS_MNEMONIC_RDPID:
	case ZYDIS_MNEMONIC_RDPMC:
	case ZYDIS_MNEMONIC_RDPRU:
	case ZYDIS_MNEMONIC_RDRAND:
	case ZYDIS_MNEMONIC_RDSEED:
	case ZYDIS_MNEMONIC_RDTSC:
	case ZYDIS_MNEMONIC_RDTSCP:
		return true;
	default:
		return false;
	}
}

/*
 * AMD and Intel do not agree on near branches with an operand-size prefix, down to their length.
 * With REX.W it means nothing to either; calls to __tls_get_addr() are padded so.
 */
bool cpu_is_disputed(const ZydisDecodedInstruction *i)
{
	return (i->meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR ||
		i->meta.branch_type == ZYDIS_BRANCH_TYPE_SHORT) &&
	       i->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE && !i->raw.rex.W;
}

#define ATTRIB_REPEATS (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)

void cpu_decode(const uint8_t *code, size_t n, struct cpu_instruction *instruction)
{
	ZydisDecoder decoder;
	ZydisDecodedInstruction i;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT] = { 0 };
	struct plan plan = { .n = 0 };

	*instruction = (struct cpu_instruction){ .wild = true };
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, n, &i, operands)))
		return;
	instruction->length = cpu_is_disputed(&i) ? 0 : i.length;
	instruction->system_call = enters_kernel(&i);
	instruction->repeats = (i.attributes & ATTRIB_REPEATS) != 0;
	instruction->chance = is_chance(&i);
	if (instruction->repeats)
		plan.counter = i.address_width == 32 ? UINT32_MAX : UINT64_MAX;
	instruction->wild = !instruction->system_call && !cpu_plan_make(&plan, &i, operands);
	/* Without a condition on flags, which may end it sooner. */
	instruction->counted = i.attributes & ZYDIS_ATTRIB_HAS_REP && !instruction->wild &&
			       i.address_width == 64;
	instruction->quiet = !instruction->wild && !instruction->system_call && !plan.n;
	cpu_decode_flow(instruction, &i, operands);
	cpu_decode_work(instruction, &plan, &i, operands);
	if (!instruction->wild)
		memcpy(instruction->opaque, &plan, sizeof(plan));
}

#endif
