/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/machine.h"

#ifdef __x86_64__

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

/* System V psABI, AMD64, figure 3.36: DWARF register number mapping. */
enum {
	DWARF_RAX, DWARF_RDX, DWARF_RCX, DWARF_RBX, DWARF_RSI, DWARF_RDI, DWARF_RBP, DWARF_RSP,
	DWARF_R8, DWARF_R9, DWARF_R10, DWARF_R11, DWARF_R12, DWARF_R13, DWARF_R14, DWARF_R15,
	DWARF_RA,
	DWARF_COUNT,
};

#define KNOWN_ALL ((1ull << DWARF_COUNT) - 1)

/* DWARF number to index in a signal context's gregs. */
static const int context_index[DWARF_COUNT] = {
	[DWARF_RAX] = REG_RAX, [DWARF_RDX] = REG_RDX, [DWARF_RCX] = REG_RCX,
	[DWARF_RBX] = REG_RBX, [DWARF_RSI] = REG_RSI, [DWARF_RDI] = REG_RDI,
	[DWARF_RBP] = REG_RBP, [DWARF_RSP] = REG_RSP, [DWARF_R8] = REG_R8,
	[DWARF_R9] = REG_R9,   [DWARF_R10] = REG_R10, [DWARF_R11] = REG_R11,
	[DWARF_R12] = REG_R12, [DWARF_R13] = REG_R13, [DWARF_R14] = REG_R14,
	[DWARF_R15] = REG_R15, [DWARF_RA] = REG_RIP,
};

static void registers_take(const struct user_regs_struct *u, struct machine_registers *registers)
{
	registers->pc = u->rip;
	registers->thread_pointer = u->fs_base;
	registers->known = KNOWN_ALL;
	memcpy(registers->dwarf,
	       (uint64_t[DWARF_COUNT]){ u->rax, u->rdx, u->rcx, u->rbx, u->rsi, u->rdi, u->rbp,
					u->rsp, u->r8, u->r9, u->r10, u->r11, u->r12, u->r13,
					u->r14, u->r15, u->rip },
	       sizeof(uint64_t[DWARF_COUNT]));
}

int machine_fetch(pid_t tid, struct machine_registers *registers)
{
	struct user_regs_struct u;
	struct iovec iov = { &u, sizeof(u) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS, &iov) < 0)
		return -1;
	registers_take(&u, registers);
	return 0;
}

bool machine_from_core(const uint64_t *regs, size_t n, struct machine_registers *registers)
{
	struct user_regs_struct u;

	if (n * sizeof(*regs) < sizeof(u))
		return false;
	memcpy(&u, regs, sizeof(u));
	registers_take(&u, registers);
	return true;
}

/* Whoever came into the kernel by a fault or an interrupt has a negative orig_rax. */
bool machine_core_syscall(const uint64_t *regs, size_t n, long *nr, uint64_t args[6])
{
	struct user_regs_struct u;

	if (n * sizeof(*regs) < sizeof(u))
		return false;
	memcpy(&u, regs, sizeof(u));
	if ((int64_t)u.orig_rax < 0)
		return false;
	*nr = (long)u.orig_rax;
	memcpy(args, (uint64_t[6]){ u.rdi, u.rsi, u.rdx, u.r10, u.r8, u.r9 }, 6 * sizeof(*args));
	return true;
}

bool machine_from_context(const uint64_t *regs, size_t n, struct machine_registers *registers)
{
	if (n <= REG_RIP)
		return false;
	for (int i = 0; i < DWARF_COUNT; i++)
		registers->dwarf[i] = regs[context_index[i]];
	registers->pc = regs[REG_RIP];
	registers->known = KNOWN_ALL;
	return true;
}

void machine_from_blocked(uint64_t sp, uint64_t pc, struct machine_registers *registers)
{
	registers->pc = pc;
	registers->dwarf[DWARF_RSP] = sp;
	registers->dwarf[DWARF_RA] = pc;
	registers->known = 1ull << DWARF_RSP | 1ull << DWARF_RA;
}

/*
 * glibc's descriptor is 2304 bytes in 2.36 and 2.43 alike; musl's is smaller. What stands within
 * these bytes and belongs to somebody else is thread-local data, where no shared lock lives.
 */
#define DESCRIPTOR_SIZE 2304

bool machine_descriptor_holds(uint64_t thread_pointer, uint64_t address)
{
	/* The thread pointer is the descriptor's address. */
	return thread_pointer && address - thread_pointer < DESCRIPTOR_SIZE;
}

/* The order of <sys/ucontext.h>'s gregs. */
const char *machine_register_name(size_t n)
{
	static const char *const names[] = {
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",   "rdi",
		"rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "eflags",
	};

	return n < sizeof(names) / sizeof(names[0]) ? names[n] : "?";
}

uint64_t machine_sp(const struct machine_registers *registers)
{
	return registers->dwarf[DWARF_RSP];
}

bool machine_undo_call(struct machine_registers *registers, struct memory *memory)
{
	uint64_t back;

	if (!memory_read_u64(memory, registers->dwarf[DWARF_RSP], &back))
		return false;
	registers->pc = registers->dwarf[DWARF_RA] = back;
	registers->dwarf[DWARF_RSP] += sizeof(back);
	return true;
}

#endif
