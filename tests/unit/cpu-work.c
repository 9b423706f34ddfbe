/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What instructions are said to compute, against what the processor makes of the same numbers: all
 * of those that are worked out, in each form and size, with borders and with random numbers. Every
 * register that is said to be known must hold what was foretold.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/user.h>

#include "explore/cpu.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

#define REGION_SIZE 0x1000ul
#define DATA ((uint8_t *)0x22000000)
#define CODE ((uint8_t *)0x23000000)
#define MIDDLE (DATA + REGION_SIZE / 2)

#define ROUNDS 20
#define SLOT(name) (offsetof(struct user_regs_struct, name) / sizeof(uint64_t))

static pid_t pid;
static struct user_regs_struct initial;
static uint64_t state = 88172645463325252u;

/* What all encodings under one heading came to. */
static struct {
	unsigned int executed, known, wrong;
} seen;

static uint64_t random_word(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Where signs, carries and halves change, as often as not. */
static uint64_t number(void)
{
	static const uint64_t borders[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX,
	};
	uint64_t word = random_word();

	return word & 1 ? borders[word >> 8 & 15] : word >> (word >> 1 & 63);
}

static void child(void)
{
	__asm__ volatile("int3");
}

static void region_make(void *address, int protection)
{
	if (mmap(address, REGION_SIZE, protection, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		 -1, 0) != address)
		traced_fail("mapping memory");
}

/* Numbers everywhere, but rdi and the stack pointer lead to memory. */
static void numbers_give(struct user_regs_struct *u)
{
	unsigned long long *general[] = {
		&u->rax, &u->rcx, &u->rdx, &u->rbx, &u->rbp, &u->rsi, &u->r8, &u->r9,
	};

	*u = initial;
	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		*general[i] = number();
	u->rdi = u->rsp = (uintptr_t)MIDDLE;
	u->rip = (uintptr_t)CODE;
	u->orig_rax = -1ull;
	u->eflags = (u->eflags & ~0x8d5ull) | (random_word() & 0x8d5);
	for (size_t i = 0; i < 8; i++)
		((uint64_t *)(void *)MIDDLE)[i] = number();
}

static void miss(const struct cpu_registers *told, const struct cpu_registers *now)
{
	if (seen.wrong++ >= 5)
		return;
	printf("#");
	for (int i = 0; i < CPU_CODE_MAX; i++)
		printf(" %02x", CODE[i]);
	for (size_t slot = 0; slot < SLOT(orig_rax) + 12 && slot < CPU_REGISTERS; slot++)
		if (told->raw[slot] != now->raw[slot])
			printf(" [%zu: told %#jx, is %#jx]", slot, (uintmax_t)told->raw[slot],
			       (uintmax_t)now->raw[slot]);
	printf("\n");
}

/* Once, with other numbers. `result`: the slot by which it is seen whether it was worked out. */
static void work_check(const struct cpu_instruction *instruction, size_t result)
{
	struct cpu_registers before = { 0 }, now = { 0 };
	struct user_regs_struct u;
	struct cpu_ahead ahead;
	struct cpu_access load;
	uint64_t word = 0, address;
	bool loads;

	numbers_give(&u);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &u) < 0 || cpu_fetch(pid, &before) < 0)
		traced_fail("setting registers");
	ahead = (struct cpu_ahead){ .registers = before };
	loads = cpu_ahead_load(&ahead, instruction, &load) &&
		load.address - (uintptr_t)DATA <= REGION_SIZE - load.size;
	if (loads)
		memcpy(&word, (const void *)(uintptr_t)load.address, load.size);
	if (cpu_step(pid, 0) < 0)
		traced_fail("stepping");
	if (traced_wait(pid) != SIGTRAP) /* a quotient that has no room */
		return;
	if (cpu_fetch(pid, &now) < 0)
		traced_fail("reading registers");
	seen.executed++;
	if (cpu_ahead_way(&ahead, instruction, &address) != CPU_WAY_KNOWN)
		return;
	cpu_ahead_go(&ahead, instruction, loads ? &word : NULL, address);
	seen.known += !(ahead.unknown >> result & 1);
	if (!cpu_ahead_agrees(&ahead, &now))
		miss(&ahead.registers, &now);
}

/* An opcode with [rdi + 8], [rdi], and registers; `reg`: -1, or the opcode's own extension. */
static void forms_check(const uint8_t *code, size_t n, int reg, size_t result)
{
	static const uint8_t rms[] = { 0x47, 0x07, 0xc0, 0xc1, 0xc2, 0xc3, 0xc6 };
	struct cpu_instruction instruction;

	for (size_t i = 0; i < sizeof(rms); i++) {
		for (unsigned int r = 0; r < (reg < 0 ? 4u : 1u); r++) {
			size_t at = n;

			memcpy(CODE, code, n);
			CODE[at++] = (uint8_t)(rms[i] | (reg < 0 ? r : (unsigned int)reg) << 3);
			if (rms[i] == 0x47)
				CODE[at++] = 8;
			for (size_t k = 0; k < 8; k++) /* a number, if it takes one */
				CODE[at + k] = (uint8_t)number();
			cpu_decode(CODE, CPU_CODE_MAX, &instruction);
			memset(CODE + instruction.length, 0x90, 16);
			for (int round = 0; round < ROUNDS; round++)
				work_check(&instruction, result);
		}
	}
}

/* Each size: plain, with 16 bits, with 64, and with the new byte registers. */
static void opcode_check(const char *opcode, size_t n, int reg, size_t result)
{
	static const uint8_t prefixes[] = { 0, 0x66, 0x48, 0x40 };

	for (size_t p = 0; p < sizeof(prefixes); p++) {
		uint8_t code[8];
		size_t at = 0;

		if (prefixes[p])
			code[at++] = prefixes[p];
		memcpy(code + at, opcode, n);
		forms_check(code, at + n, reg, result);
	}
}

static void heading_begin(void)
{
	seen.executed = seen.known = seen.wrong = 0;
}

/* Of so many executions, `least` in a hundred have a result that is known. */
static void heading_end(const char *what, unsigned int least)
{
	CHECK(!seen.wrong && seen.executed > 200, "%s: what is told is so", what);
	CHECK(100 * seen.known >= least * seen.executed, "and it is told");
	printf("# %u executed, %u worked out\n", seen.executed, seen.known);
}

/* add, or, and, sub, xor, cmp: their numbers, in opcodes and in the groups. */
static void sums_check(void)
{
	static const uint8_t numbers[] = { 0, 1, 4, 5, 6, 7 };
	static const char *const names[] = { "add", "or", "and", "sub", "xor", "cmp" };

	for (size_t i = 0; i < sizeof(numbers); i++) {
		heading_begin();
		for (char low = 0; low < 4; low++)
			opcode_check((char[]){ (char)(numbers[i] << 3 | low) }, 1, -1,
				     SLOT(eflags));
		opcode_check("\x80", 1, numbers[i], SLOT(eflags));
		opcode_check("\x81", 1, numbers[i], SLOT(eflags));
		opcode_check("\x83", 1, numbers[i], SLOT(eflags));
		/* Not followed: what writes less than a register's half; ah and its kin. */
		heading_end(names[i], numbers[i] == 7 ? 95 : 49);
	}
}

static void others_check(void)
{
	heading_begin();
	opcode_check("\x84", 1, -1, SLOT(eflags));
	opcode_check("\x85", 1, -1, SLOT(eflags));
	opcode_check("\xf6", 1, 0, SLOT(eflags));
	opcode_check("\xf7", 1, 0, SLOT(eflags));
	heading_end("test", 95);
	heading_begin();
	opcode_check("\x8b", 1, 0, SLOT(rax));
	opcode_check("\x0f\xb6", 2, 0, SLOT(rax));
	opcode_check("\x0f\xb7", 2, 0, SLOT(rax));
	opcode_check("\x0f\xbe", 2, 0, SLOT(rax));
	opcode_check("\x0f\xbf", 2, 0, SLOT(rax));
	opcode_check("\x63", 1, 0, SLOT(rax));
	heading_end("mov, movzx, movsx", 70);
	heading_begin();
	opcode_check("\x89", 1, -1, SLOT(rax));
	opcode_check("\x8a", 1, -1, SLOT(r9));
	opcode_check("\xc7", 1, 0, SLOT(rcx));
	heading_end("mov of a register and of a number", 70);
	heading_begin();
	opcode_check("\x8d", 1, 0, SLOT(rax));
	opcode_check("\x67\x8d", 2, 0, SLOT(rax));
	heading_end("lea", 20);
	heading_begin();
	opcode_check("\xf7", 1, 6, SLOT(rdx));
	heading_end("div", 30);
	heading_begin();
	for (char reg = 0; reg < 4; reg++)
		opcode_check((char[]){ (char)(0x58 | reg) }, 1, 0, SLOT(rax));
	heading_end("pop", 70);
}

int main(void)
{
	traced_pin();
	region_make(DATA, PROT_READ | PROT_WRITE);
	region_make(CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
	pid = traced_start(child);
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 || traced_wait(pid) != SIGTRAP ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &initial) < 0)
		traced_fail("beginning with the child");
	sums_check();
	others_check();
	traced_end(pid);
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
