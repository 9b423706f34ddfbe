/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of x86-64 share.
 */
#ifndef FORKPOINT_EXPLORE_CPU_X86_64_H
#define FORKPOINT_EXPLORE_CPU_X86_64_H

#include "explore/cpu.h"

#ifdef __x86_64__

#include <Zydis/Zydis.h>
#include <assert.h>
#include <stddef.h>
#include <sys/user.h>

/* A register's number: its place in what the kernel gives. */
#define SLOT(name) (offsetof(struct user_regs_struct, name) / sizeof(uint64_t))
#define SLOTS (sizeof(struct user_regs_struct) / sizeof(uint64_t))

/* Behind the kernel's registers is one that is always 0, so that every address is one sum. */
#define SLOT_NOTHING SLOTS

static_assert(SLOT_NOTHING < CPU_REGISTERS, "the registers fit, and the one that is 0");

/* SLOT_NOTHING: none of them, or a segment whose base is 0. */
uint8_t cpu_register_slot(ZydisRegister name);

enum {
	FORM_READS = 1,
	FORM_WRITES = 2,
	FORM_NARROW = 4,   /* 32-bit addresses, wrapping there */
	FORM_LOW_BYTE = 8, /* of the index register (xlat) */
	FORM_BITS = 16,    /* bt and its kin: `bits` is a register that counts bits from there */
};

/* A memory operand: segment's base + base + (index << shift) + displacement. */
struct form {
	int64_t displacement;
	uint16_t size;
	uint8_t base, index, segment, bits; /* slots */
	uint8_t shift;
	uint8_t flags;
};

/* All that an instruction touches; cpu_instruction.opaque. */
struct plan {
	struct form forms[CPU_ACCESSES_MAX];
	uint8_t n;
	uint64_t counter; /* bits of rcx which are 0 when nothing is to be done; 0: not counted */
};

static_assert(sizeof(struct plan) <= sizeof(((struct cpu_instruction *)0)->opaque), "a plan fits");

/* A register in sets of them. */
#define BIT(slot) (1ull << (slot))

static_assert(SLOT_NOTHING < 64, "a bit for each register");

/* The address that an instruction computes and does not go to (lea). */
void cpu_form_of_address(struct form *form, const ZydisDecodedInstruction *i,
			 const ZydisDecodedOperand *operand);
/* Is all that its address takes among the registers that are known? */
bool cpu_form_is_known(const struct form *form, uint64_t unknown);

/* False: it touches more than forms can tell. */
bool cpu_plan_make(struct plan *plan, const ZydisDecodedInstruction *i,
		   const ZydisDecodedOperand *operands);
uint64_t cpu_form_address(const struct form *form, const uint64_t *raw);

/* Do processors not agree on what it is? */
bool cpu_is_disputed(const ZydisDecodedInstruction *i);

/* Fill in `flow`, and after it `work`, for lea with a form in `plan`; all else is known. */
void cpu_decode_flow(struct cpu_instruction *instruction, const ZydisDecodedInstruction *decoded,
		     const ZydisDecodedOperand *operands);
void cpu_decode_work(struct cpu_instruction *instruction, struct plan *plan,
		     const ZydisDecodedInstruction *decoded, const ZydisDecodedOperand *operands);

/* Of flags: carry, parity, zero, sign, overflow. */
#define CPU_FLAGS_FOLLOWED 0x8c5

/* Registers that an instruction gives values that are known, a bit each. */
struct cpu_results {
	uint64_t known;
	uint64_t raw[CPU_REGISTERS];
};

/* What it computes of the registers before it, and of what it loads (NULL: not known). */
void cpu_work_do(struct cpu_results *results, const struct cpu_ahead *ahead,
		 const struct cpu_instruction *instruction, const uint64_t *loaded);

#endif
#endif
