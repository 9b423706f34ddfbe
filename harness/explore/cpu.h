/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stepping needs of a machine: registers, decoding, breakpoints, the single step. A machine's
 * files are cpu_MACHINE*.c, which compile to nothing elsewhere; cpu_none.c stands for all others.
 *
 * All functions on a thread are for one in ptrace stop under the calling thread. They return 0, or
 * -1 with errno (ESRCH: it is gone).
 */
#ifndef FORKPOINT_EXPLORE_CPU_H
#define FORKPOINT_EXPLORE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CPU_REGISTERS 40 /* x86-64 has 27 in the kernel's order, AArch64 34 */

/* As the kernel gives them; read by the functions below alone. */
struct cpu_registers {
	uint64_t raw[CPU_REGISTERS];
};

/* False: nothing is known of this machine. Every function below fails with ENOSYS then. */
bool cpu_supported(void);

int cpu_fetch(pid_t tid, struct cpu_registers *registers);
uint64_t cpu_pc(const struct cpu_registers *registers);
uint64_t cpu_sp(const struct cpu_registers *registers);
/* For a thread that stands at a function's first instruction: where that returns to. 0, or -1. */
int cpu_return_address(pid_t tid, const struct cpu_registers *registers, uint64_t *address);
/* For a thread that stands before a system call: its number. */
long cpu_call(const struct cpu_registers *registers);
/* And its arguments, n from 0 to 5. */
uint64_t cpu_call_argument(const struct cpu_registers *registers, unsigned int n);
/* For one that stands right behind it: what it returned, an error as -errno. */
long cpu_call_result(const struct cpu_registers *registers);

/*
 * For one that was stopped inside a system call, in which it waits: that one's number. -1: it does
 * not stand in one, or nobody can tell.
 */
long cpu_waits_in(const struct cpu_registers *registers);

/* Bytes below the stack pointer that a function may use without moving it. */
#define CPU_RED_ZONE 128

/* No instruction is longer. */
#define CPU_CODE_MAX 16

/* Where an instruction leads, and what it does to registers; read by cpu_ahead_*() alone. */
struct cpu_flow {
	uint64_t changes;  /* registers whose values behind it nobody knows, a bit each */
	int32_t jump;      /* so far, from its end on */
	int32_t stack;     /* the stack pointer behind it: so far from `base` */
	uint8_t base;      /* a register's number */
	uint8_t kind;
	uint8_t condition;
};

/* What an instruction computes, and of what; read by cpu_ahead_*() alone. */
struct cpu_work {
	uint8_t kind;        /* 0: that is not worked out */
	uint8_t size;        /* bytes of the result */
	uint8_t source_size; /* and of the second operand, which may have to be widened */
	uint8_t first, second; /* kinds of operands */
	uint8_t target, source; /* registers' numbers */
	int64_t immediate;
};

/*
 * One decoded instruction, whatever its registers hold. May be kept for as long as the code stands.
 * `opaque` is the machine's own.
 */
struct cpu_instruction {
	uint8_t length;
	bool system_call; /* it enters the kernel on purpose */
	bool repeats;     /* it comes again and again at one address (rep movs): a bad breakpoint */
	bool counted;     /* so many times as a register says, which counts down: cpu_rounds() */
	bool wild;        /* what memory it touches cannot be told: it counts as all of it */
	bool quiet;       /* it touches no memory whatever the registers hold */
	bool chance;      /* what it yields differs from run to run (the time, the processor) */
	struct cpu_flow flow;
	struct cpu_work work;
	uint64_t opaque[10];
};

/* `n` bytes of code, up to CPU_CODE_MAX. What cannot be decoded is wild, with length 0. */
void cpu_decode(const uint8_t *code, size_t n, struct cpu_instruction *instruction);

struct cpu_access {
	uint64_t address;
	uint32_t size;
	bool reads;
	bool writes;
};

/* Implicit operands included: push, call, stos, cmpxchg. None that is not wild has more. */
#define CPU_ACCESSES_MAX 4

/*
 * What the instruction will touch when it is executed once with these registers (a repeated one:
 * one round of it). The number of accesses; 0 for a wild one, which the caller treats as all.
 */
size_t cpu_accesses(const struct cpu_instruction *instruction,
		    const struct cpu_registers *registers,
		    struct cpu_access accesses[CPU_ACCESSES_MAX]);

/*
 * Where a thread that stands will come to, and what its registers will hold there, as far as they,
 * and what it loads, tell: begun with those that it has, all of which are known. The commonest
 * instructions are worked out (moves, comparisons, sums, what jumps are decided by); what any other
 * one changes is not known from there on. Of flags those that conditions take are followed.
 */
struct cpu_ahead {
	struct cpu_registers registers; /* program counter and stack pointer are always known */
	uint64_t unknown;               /* which of the others are not, a bit each */
};

/* What the instruction there will store. The number; -1: that cannot be told. */
int cpu_ahead_stores(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		     struct cpu_access stores[CPU_ACCESSES_MAX]);

enum cpu_way {
	CPU_WAY_UNKNOWN, /* or what becomes of the stack pointer is; or it enters the kernel */
	CPU_WAY_KNOWN,   /* to *address */
	CPU_WAY_READ,    /* to what stands at *address */
};

enum cpu_way cpu_ahead_way(const struct cpu_ahead *ahead,
			   const struct cpu_instruction *instruction, uint64_t *address);
/* What its result takes from memory, of 8 bytes at most. False: nothing, or nobody knows where. */
bool cpu_ahead_load(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		    struct cpu_access *load);
/*
 * Behind it, whose way is not unknown, the thread stands at `pc`. `loaded`: what stands where
 * cpu_ahead_load() says; NULL: that is not known, or it says nothing.
 */
void cpu_ahead_go(struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		  const uint64_t *loaded, uint64_t pc);
/* The thread stands there now: do its registers hold what was foretold of them? */
bool cpu_ahead_agrees(const struct cpu_ahead *ahead, const struct cpu_registers *registers);

/* The register that says how often a counted instruction is still to be made. */
uint64_t cpu_rounds(const struct cpu_registers *registers);
/* A thread that stands: let it stand elsewhere, with so many rounds before it. 0, or -1. */
int cpu_rounds_set(pid_t tid, struct cpu_registers *registers, uint64_t pc, uint64_t rounds);

/*
 * Let the thread execute one instruction, giving it a signal (0: none). Returns at once; the stop
 * comes by waitpid(). Where an instruction cannot be stepped alone (AArch64: between load-exclusive
 * and store-exclusive, whose monitor a step clears) the whole sequence is one.
 *
 * A breakpoint at the very address that has not been told yet is told first, and nothing executed.
 * x86-64: pushf stores the trap flag as a step has it, and popf of that makes the program trap on
 * its own, for ever.
 */
int cpu_step(pid_t tid, int signo);

/*
 * Stop this thread, and no other, before it executes the instruction at an address; at once, if it
 * stands there without having been stopped by a breakpoint. From there it can be stepped or run on.
 * The text is not changed. One at a time; clear it before the thread is let go.
 */
int cpu_break_set(pid_t tid, uint64_t address);
/* One that is set already, for this thread: somewhere else. A quarter of the cost. */
int cpu_break_move(pid_t tid, uint64_t address);
int cpu_break_clear(pid_t tid);

/*
 * Stop it after it has written an aligned word of 1, 2, 4 or 8 bytes (or read it, if `reads`).
 * EINVAL: another one. One beside the above. What the kernel does in a system call is not seen.
 */
int cpu_watch_set(pid_t tid, uint64_t address, size_t size, bool reads);
int cpu_watch_clear(pid_t tid);

/*
 * Why a thread stands still after SIGTRAP: bits of CPU_TRAP_*, none for a trap of the program's own
 * or a stop of ptrace's. Forgets it, so that the next stop tells of itself.
 */
enum {
	CPU_TRAP_STEP = 1,
	CPU_TRAP_BREAK = 2,
	CPU_TRAP_WATCH = 4,
};
int cpu_trap_cause(pid_t tid, unsigned int *cause);

#endif
