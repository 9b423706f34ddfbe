/* SPDX-License-Identifier: Apache-2.0 */
/* For machines that have no cpu_*.c of their own. */
#include "explore/cpu.h"

#ifndef __x86_64__

#include <errno.h>
#include <string.h>

bool cpu_supported(void)
{
	return false;
}

static int unsupported(void)
{
	errno = ENOSYS;
	return -1;
}

int cpu_fetch(pid_t tid, struct cpu_registers *registers)
{
	(void)tid;
	memset(registers, 0, sizeof(*registers));
	return unsupported();
}

uint64_t cpu_pc(const struct cpu_registers *registers)
{
	return registers->raw[0];
}

uint64_t cpu_sp(const struct cpu_registers *registers)
{
	return registers->raw[0];
}

int cpu_return_address(pid_t tid, const struct cpu_registers *registers, uint64_t *address)
{
	(void)tid;
	(void)registers;
	(void)address;
	errno = ENOSYS;
	return -1;
}

uint64_t cpu_rounds(const struct cpu_registers *registers)
{
	return registers->raw[0];
}

int cpu_rounds_set(pid_t tid, struct cpu_registers *registers, uint64_t pc, uint64_t rounds)
{
	(void)tid;
	(void)registers;
	(void)pc;
	(void)rounds;
	errno = ENOSYS;
	return -1;
}

long cpu_call(const struct cpu_registers *registers)
{
	return (long)registers->raw[0];
}

uint64_t cpu_call_argument(const struct cpu_registers *registers, unsigned int n)
{
	return registers->raw[n];
}

long cpu_call_result(const struct cpu_registers *registers)
{
	return (long)registers->raw[0];
}

long cpu_waits_in(const struct cpu_registers *registers)
{
	(void)registers;
	return -1;
}

void cpu_decode(const uint8_t *code, size_t n, struct cpu_instruction *instruction)
{
	(void)code;
	(void)n;
	*instruction = (struct cpu_instruction){ .wild = true };
}

size_t cpu_accesses(const struct cpu_instruction *instruction,
		    const struct cpu_registers *registers,
		    struct cpu_access accesses[CPU_ACCESSES_MAX])
{
	(void)instruction;
	(void)registers;
	(void)accesses;
	return 0;
}

int cpu_ahead_stores(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		     struct cpu_access stores[CPU_ACCESSES_MAX])
{
	(void)ahead;
	(void)instruction;
	(void)stores;
	return -1;
}

enum cpu_way cpu_ahead_way(const struct cpu_ahead *ahead,
			   const struct cpu_instruction *instruction, uint64_t *address)
{
	(void)instruction;
	*address = ahead->registers.raw[0];
	return CPU_WAY_UNKNOWN;
}

bool cpu_ahead_load(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		    struct cpu_access *load)
{
	(void)ahead;
	(void)instruction;
	(void)load;
	return false;
}

void cpu_ahead_go(struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		  const uint64_t *loaded, uint64_t pc)
{
	(void)instruction;
	(void)loaded;
	ahead->registers.raw[0] = pc;
}

bool cpu_ahead_agrees(const struct cpu_ahead *ahead, const struct cpu_registers *registers)
{
	return ahead->registers.raw[0] == registers->raw[0];
}

int cpu_step(pid_t tid, int signo)
{
	(void)tid;
	(void)signo;
	return unsupported();
}

int cpu_break_set(pid_t tid, uint64_t address)
{
	(void)tid;
	(void)address;
	return unsupported();
}

int cpu_break_move(pid_t tid, uint64_t address)
{
	return cpu_break_set(tid, address);
}

int cpu_break_clear(pid_t tid)
{
	(void)tid;
	return unsupported();
}

int cpu_watch_set(pid_t tid, uint64_t address, size_t size, bool reads)
{
	(void)tid;
	(void)address;
	(void)size;
	(void)reads;
	return unsupported();
}

int cpu_watch_clear(pid_t tid)
{
	(void)tid;
	return unsupported();
}

int cpu_trap_cause(pid_t tid, unsigned int *cause)
{
	(void)tid;
	*cause = 0;
	return unsupported();
}

#endif
