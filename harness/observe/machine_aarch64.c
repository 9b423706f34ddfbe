/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/machine.h"

#ifdef __aarch64__

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

/* DWARF for the Arm 64-bit Architecture: 0 to 30 are x0 to x30, 31 is sp. */
enum { DWARF_X30 = 30, DWARF_SP = 31, DWARF_COUNT = 32 };

#define KNOWN_ALL ((1ull << DWARF_COUNT) - 1)

/* struct sigcontext: x0 to x30, sp, pc, pstate. */
enum { CONTEXT_PC = 32 };

static void registers_take(const struct user_regs_struct *u, struct machine_registers *registers)
{
	for (int i = 0; i < DWARF_SP; i++)
		registers->dwarf[i] = u->regs[i];
	registers->dwarf[DWARF_SP] = u->sp;
	registers->pc = u->pc;
	registers->known = KNOWN_ALL;
}

int machine_fetch(pid_t tid, struct machine_registers *registers)
{
	struct user_regs_struct u;
	struct iovec iov = { &u, sizeof(u) };
	struct iovec tls = { &registers->thread_pointer, sizeof(registers->thread_pointer) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS, &iov) < 0)
		return -1;
	registers_take(&u, registers);
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_ARM_TLS, &tls) < 0)
		registers->thread_pointer = 0;
	return 0;
}

/* The thread pointer is in a note of its own, which is not read. */
bool machine_from_core(const uint64_t *regs, size_t n, struct machine_registers *registers)
{
	struct user_regs_struct u;

	if (n * sizeof(*regs) < sizeof(u))
		return false;
	memcpy(&u, regs, sizeof(u));
	registers_take(&u, registers);
	return true;
}

/* Registers do not tell a system call from what was left in them. */
bool machine_core_syscall(const uint64_t *regs, size_t n, long *nr, uint64_t args[6])
{
	(void)regs;
	(void)n;
	(void)nr;
	(void)args;
	return false;
}

bool machine_from_context(const uint64_t *regs, size_t n, struct machine_registers *registers)
{
	if (n <= CONTEXT_PC)
		return false;
	memcpy(registers->dwarf, regs, DWARF_COUNT * sizeof(*regs));
	registers->pc = regs[CONTEXT_PC];
	registers->known = KNOWN_ALL;
	return true;
}

void machine_from_blocked(uint64_t sp, uint64_t pc, struct machine_registers *registers)
{
	registers->pc = pc;
	registers->dwarf[DWARF_SP] = sp;
	registers->known = 1ull << DWARF_SP;
}

/*
 * glibc's descriptor is 2304 bytes in 2.36 and 2.43 alike; musl's is smaller. What stands within
 * these bytes and belongs to somebody else is thread-local data, where no shared lock lives.
 */
#define DESCRIPTOR_SIZE 2304

bool machine_descriptor_holds(uint64_t thread_pointer, uint64_t address)
{
	/* The descriptor ends where the thread pointer points. */
	return thread_pointer && address < thread_pointer &&
	       thread_pointer - address <= DESCRIPTOR_SIZE;
}

/* As embed/announce.c stores them: x0 to x30, sp, pc, pstate. */
const char *machine_register_name(size_t n)
{
	static const char *const names[] = {
		"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",
		"x9",  "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
		"x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
		"x27", "x28", "x29", "x30", "sp",  "pc",  "pstate",
	};

	return n < sizeof(names) / sizeof(names[0]) ? names[n] : "?";
}

uint64_t machine_sp(const struct machine_registers *registers)
{
	return registers->dwarf[DWARF_SP];
}

bool machine_undo_call(struct machine_registers *registers, struct memory *memory)
{
	(void)memory; /* the return address is in a register here */
	registers->pc = registers->dwarf[DWARF_X30];
	return true;
}

#endif
