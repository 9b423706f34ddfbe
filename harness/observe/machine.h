/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs from machine to machine: which register is which, to the kernel, to a signal's
 * context and to DWARF. One file a machine, machine_*.c, which compiles to nothing elsewhere.
 */
#ifndef FORKPOINT_OBSERVE_MACHINE_H
#define FORKPOINT_OBSERVE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "observe/memory.h"

#define MACHINE_DWARF_MAX 33

/* The stack pointer's number, and the machine's in an ELF header. */
#ifdef __aarch64__
#define MACHINE_DWARF_SP 31
#define MACHINE_ELF 183 /* EM_AARCH64 */
#else
#define MACHINE_DWARF_SP 7
#define MACHINE_ELF 62 /* EM_X86_64 */
#endif

struct machine_registers {
	uint64_t pc;
	uint64_t dwarf[MACHINE_DWARF_MAX]; /* by DWARF number */
	uint64_t known;                    /* bit set: dwarf[bit] holds */
	uint64_t thread_pointer;           /* 0: not known */
};

/* Of a thread in ptrace stop. 0, or -1 with errno. */
int machine_fetch(pid_t tid, struct machine_registers *registers);
/*
 * From what a core file has of a thread: words in the order of PTRACE_GETREGSET's NT_PRSTATUS.
 * False: too few.
 */
bool machine_from_core(const uint64_t *regs, size_t n, struct machine_registers *registers);
/*
 * The system call that such a thread is in, with its arguments; false: it is in none, or the
 * registers do not tell.
 */
bool machine_core_syscall(const uint64_t *regs, size_t n, long *nr, uint64_t args[6]);
/* From a signal's context, in its own order (struct control_crash.regs). False: too few. */
bool machine_from_context(const uint64_t *regs, size_t n, struct machine_registers *registers);
/* What /proc/PID/task/TID/syscall gives of a blocked thread. */
void machine_from_blocked(uint64_t sp, uint64_t pc, struct machine_registers *registers);
/* Name of the n-th register of a signal's context, in the order above. Static string. */
const char *machine_register_name(size_t n);
uint64_t machine_sp(const struct machine_registers *registers);
/*
 * Is the address inside the descriptor (libc's struct pthread) of the thread that has this thread
 * pointer? glibc and musl.
 */
bool machine_descriptor_holds(uint64_t thread_pointer, uint64_t address);
/*
 * A call through a bad pointer stands at an address that is no code. Go back to the state right
 * after such a call would have returned. False if the return address cannot be read.
 */
bool machine_undo_call(struct machine_registers *registers, struct memory *memory);

#endif
