/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an instruction leads: to the one behind it, or, if it is a plain jump, where its flags say.
 */
#include "explore/cpu.h"

#ifdef __x86_64__

#include "explore/cpu_x86_64.h"

#include <stddef.h>
#include <sys/user.h>

#define SLOT_FLAGS (offsetof(struct user_regs_struct, eflags) / sizeof(uint64_t))

static bool moves_stack(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o->reg.value) ==
			ZYDIS_REGISTER_RSP &&
	       o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static bool is_straight(const ZydisDecodedInstruction *i, const ZydisDecodedOperand *operands)
{
	if (i->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
		return false;
	switch (i->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return false;
	default:
		break;
	}
	for (const ZydisDecodedOperand *o = operands; o < operands + i->operand_count; o++)
		if (moves_stack(o) || (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
				       o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return false;
	return true;
}

/* Behind the sixteen conditions in the order of their numbers in instructions. */
#define CONDITION_ALWAYS 16

static void jump_make(struct cpu_instruction *instruction, const ZydisDecodedInstruction *i)
{
	bool near = i->opcode_map == ZYDIS_OPCODE_MAP_0F && (i->opcode & 0xf0) == 0x80;
	bool conditional = near || (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
				    (i->opcode & 0xf0) == 0x70);

	if (!conditional && (i->mnemonic != ZYDIS_MNEMONIC_JMP || !i->raw.imm[0].is_relative))
		return;
	instruction->jumps = true;
	instruction->condition = conditional ? i->opcode & 15 : CONDITION_ALWAYS;
	instruction->distance = (int32_t)i->raw.imm[0].value.s;
}

void cpu_decode_flow(struct cpu_instruction *instruction, const ZydisDecodedInstruction *i,
		     const ZydisDecodedOperand *operands)
{
	if (instruction->wild)
		return;
	instruction->straight = !instruction->system_call && !instruction->repeats &&
				is_straight(i, operands);
	jump_make(instruction, i);
}

/* Intel's manual, volume 1, appendix B: "EFLAGS Condition Codes". */
static bool is_met(uint8_t condition, uint64_t flags)
{
	bool carry = flags & 1, parity = flags >> 2 & 1, zero = flags >> 6 & 1;
	bool sign = flags >> 7 & 1, overflow = flags >> 11 & 1;
	const bool met[] = { overflow, carry, zero, carry || zero, sign, parity,
			     sign != overflow, zero || sign != overflow };

	return condition == CONDITION_ALWAYS || met[condition >> 1] != (condition & 1);
}

uint64_t cpu_jump(const struct cpu_instruction *instruction,
		  const struct cpu_registers *registers)
{
	uint64_t next = cpu_pc(registers) + instruction->length;

	return is_met(instruction->condition, registers->raw[SLOT_FLAGS]) ?
		next + (uint64_t)(int64_t)instruction->distance : next;
}

#endif
