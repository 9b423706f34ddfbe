/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instruction computes: of those that programs decide by where they go, in registers of 32
 * and 64 bits and in memory. Intel's manual, volume 2, tells what becomes of flags.
 */
#include "explore/cpu_x86_64.h"

#ifdef __x86_64__

#include <string.h>

enum {
	WORK_NONE,
	WORK_MOVE,
	WORK_MOVE_SIGNED, /* the second operand is widened with its sign */
	WORK_ADDRESS,
	WORK_ADD,
	WORK_SUB,
	WORK_AND,
	WORK_OR,
	WORK_XOR,
	WORK_COMPARE,
	WORK_TEST,
	WORK_DIVIDE,
};

enum {
	OPERAND_NONE,
	OPERAND_REGISTER,
	OPERAND_MEMORY,
	OPERAND_IMMEDIATE,
};

/* Decoding */

static uint8_t kind_of(const ZydisDecodedInstruction *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVZX:
	case ZYDIS_MNEMONIC_POP:
		return WORK_MOVE;
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
		return WORK_MOVE_SIGNED;
	case ZYDIS_MNEMONIC_LEA:
		return WORK_ADDRESS;
	case ZYDIS_MNEMONIC_ADD:
		return WORK_ADD;
	case ZYDIS_MNEMONIC_SUB:
		return WORK_SUB;
	case ZYDIS_MNEMONIC_AND:
		return WORK_AND;
	case ZYDIS_MNEMONIC_OR:
		return WORK_OR;
	case ZYDIS_MNEMONIC_XOR:
		return WORK_XOR;
	case ZYDIS_MNEMONIC_CMP:
		return WORK_COMPARE;
	case ZYDIS_MNEMONIC_TEST:
		return WORK_TEST;
	case ZYDIS_MNEMONIC_DIV:
		return WORK_DIVIDE;
	default:
		return WORK_NONE;
	}
}

static bool yields_flags_alone(uint8_t kind)
{
	return kind == WORK_COMPARE || kind == WORK_TEST;
}

static bool is_high_byte(ZydisRegister name)
{
	return name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH;
}

static bool is_general(const ZydisDecodedOperand *o)
{
	switch (ZydisRegisterGetClass(o->reg.value)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return !is_high_byte(o->reg.value);
	default:
		return false;
	}
}

static uint8_t operand_take(const ZydisDecodedOperand *o, uint8_t *slot, int64_t *immediate)
{
	switch (o->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		*slot = cpu_register_slot(o->reg.value);
		return is_general(o) ? OPERAND_REGISTER : OPERAND_NONE;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return o->mem.type == ZYDIS_MEMOP_TYPE_MEM ? OPERAND_MEMORY : OPERAND_NONE;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		*immediate = o->imm.value.s;
		return OPERAND_IMMEDIATE;
	default:
		return OPERAND_NONE;
	}
}

/* It writes a whole register, but not the stack pointer, whose way is told; or no register. */
static bool target_is_followed(const struct cpu_work *work)
{
	if (work->first != OPERAND_REGISTER || yields_flags_alone(work->kind))
		return true;
	return work->target != SLOT(rsp) && work->size >= 4;
}

/* The divisor is its one operand that is told. */
static bool take_divide(struct cpu_work *work, const ZydisDecodedOperand *operands)
{
	work->second = operand_take(operands, &work->source, &work->immediate);
	work->source_size = work->size = (uint8_t)(operands->size / 8);
	return work->second && work->size >= 4;
}

static bool take_address(struct cpu_work *work, struct plan *plan, const ZydisDecodedInstruction *i,
			 const ZydisDecodedOperand *operands)
{
	work->first = operand_take(operands, &work->target, &work->immediate);
	work->size = (uint8_t)(operands->size / 8);
	/* Of no access, and of none that is asked for: it has none. */
	cpu_form_of_address(&plan->forms[0], i, &operands[1]);
	return work->first && target_is_followed(work);
}

static bool take_two(struct cpu_work *work, const ZydisDecodedOperand *operands)
{
	work->first = operand_take(&operands[0], &work->target, &work->immediate);
	work->second = operand_take(&operands[1], &work->source, &work->immediate);
	work->size = (uint8_t)(operands[0].size / 8);
	work->source_size = (uint8_t)(operands[1].size / 8);
	return work->first && work->second && target_is_followed(work) &&
	       work->size <= sizeof(uint64_t);
}

/* What is popped: the second operand is hidden, behind the stack pointer. */
static bool take_pop(struct cpu_work *work, const ZydisDecodedOperand *operands)
{
	work->first = operand_take(operands, &work->target, &work->immediate);
	work->second = OPERAND_MEMORY;
	work->size = work->source_size = (uint8_t)(operands->size / 8);
	return work->first == OPERAND_REGISTER && target_is_followed(work);
}

void cpu_decode_work(struct cpu_instruction *instruction, struct plan *plan,
		     const ZydisDecodedInstruction *i, const ZydisDecodedOperand *operands)
{
	struct cpu_work *work = &instruction->work;
	bool taken;

	*work = (struct cpu_work){ .kind = kind_of(i), .target = SLOT_NOTHING,
				   .source = SLOT_NOTHING };
	if (instruction->wild || !work->kind) {
		work->kind = WORK_NONE;
		return;
	}
	if (work->kind == WORK_DIVIDE)
		taken = take_divide(work, operands);
	else if (work->kind == WORK_ADDRESS)
		taken = take_address(work, plan, i, operands);
	else if (i->mnemonic == ZYDIS_MNEMONIC_POP)
		taken = take_pop(work, operands);
	else
		taken = take_two(work, operands);
	if (!taken)
		work->kind = WORK_NONE;
}

/* Doing */

enum {
	FLAG_CARRY = 1,
	FLAG_PARITY = 1 << 2,
	FLAG_ZERO = 1 << 6,
	FLAG_SIGN = 1 << 7,
	FLAG_OVERFLOW = 1 << 11,
};

static_assert(CPU_FLAGS_FOLLOWED == (FLAG_CARRY | FLAG_PARITY | FLAG_ZERO | FLAG_SIGN |
				     FLAG_OVERFLOW), "those that conditions take");

static uint64_t mask_of(uint8_t size)
{
	return size == sizeof(uint64_t) ? UINT64_MAX : (1ull << 8 * size) - 1;
}

static uint64_t sign_of(uint64_t value, uint8_t size)
{
	return value >> (8 * size - 1) & 1;
}

static uint64_t widened(uint64_t value, uint8_t size)
{
	value &= mask_of(size);
	return sign_of(value, size) ? value | ~mask_of(size) : value;
}

static void result_give(struct cpu_results *results, size_t slot, uint64_t value)
{
	results->known |= BIT(slot);
	results->raw[slot] = value;
}

static void flags_give(struct cpu_results *results, const struct cpu_ahead *ahead, uint8_t size,
		       uint64_t result, bool carry, bool overflow)
{
	uint64_t others = ahead->registers.raw[SLOT(eflags)] & ~(uint64_t)CPU_FLAGS_FOLLOWED;
	uint64_t flags = 0;

	flags |= carry ? FLAG_CARRY : 0;
	flags |= overflow ? FLAG_OVERFLOW : 0;
	flags |= result ? 0 : FLAG_ZERO;
	flags |= sign_of(result, size) ? FLAG_SIGN : 0;
	flags |= __builtin_parity((uint8_t)result) ? 0 : FLAG_PARITY;
	result_give(results, SLOT(eflags), others | flags);
}

/* A value of an operand; false: it is not known. */
static bool value_of(const struct cpu_ahead *ahead, const struct cpu_work *work, uint8_t operand,
		     uint8_t slot, const uint64_t *loaded, uint64_t *value)
{
	switch (operand) {
	case OPERAND_REGISTER:
		*value = ahead->registers.raw[slot];
		return !(ahead->unknown & BIT(slot));
	case OPERAND_MEMORY:
		*value = loaded ? *loaded : 0;
		return loaded;
	case OPERAND_IMMEDIATE:
		*value = (uint64_t)work->immediate;
		return true;
	default:
		return false;
	}
}

/* Nothing of itself, whatever it is. */
static bool is_nothing(const struct cpu_work *work)
{
	return (work->kind == WORK_XOR || work->kind == WORK_SUB) &&
	       work->first == OPERAND_REGISTER && work->second == OPERAND_REGISTER &&
	       work->target == work->source;
}

static void sum_do(struct cpu_results *results, const struct cpu_ahead *ahead,
		   const struct cpu_work *work, uint64_t a, uint64_t b)
{
	uint64_t mask = mask_of(work->size), result;
	bool carry = false, overflow = false;

	a &= mask;
	b &= mask;
	switch (work->kind) {
	case WORK_ADD:
		result = (a + b) & mask;
		carry = result < a;
		overflow = sign_of((a ^ result) & (b ^ result), work->size);
		break;
	case WORK_SUB:
	case WORK_COMPARE:
		result = (a - b) & mask;
		carry = a < b;
		overflow = sign_of((a ^ b) & (a ^ result), work->size);
		break;
	case WORK_OR:
		result = a | b;
		break;
	case WORK_XOR:
		result = a ^ b;
		break;
	default:
		result = a & b;
	}
	flags_give(results, ahead, work->size, result, carry, overflow);
	if (work->first == OPERAND_REGISTER && !yields_flags_alone(work->kind))
		result_give(results, work->target, result);
}

/* A quotient that has no room is a fault, and one of more than 64 bits is left to the processor. */
static void divide_do(struct cpu_results *results, const struct cpu_ahead *ahead,
		      const struct cpu_work *work, uint64_t divisor)
{
	const uint64_t *raw = ahead->registers.raw;
	uint64_t mask = mask_of(work->size), high = raw[SLOT(rdx)] & mask;
	uint64_t low = raw[SLOT(rax)] & mask;

	divisor &= mask;
	if (ahead->unknown & (BIT(SLOT(rax)) | BIT(SLOT(rdx))) || high >= divisor ||
	    (work->size == sizeof(uint64_t) && high))
		return;
	if (work->size < sizeof(uint64_t))
		low |= high << 8 * work->size;
	result_give(results, SLOT(rax), low / divisor);
	result_give(results, SLOT(rdx), low % divisor);
}

static void move_do(struct cpu_results *results, const struct cpu_work *work, uint64_t value)
{
	if (work->first != OPERAND_REGISTER)
		return;
	if (work->kind == WORK_MOVE_SIGNED)
		value = widened(value, work->source_size);
	else if (work->second != OPERAND_IMMEDIATE)
		value &= mask_of(work->source_size);
	result_give(results, work->target, value & mask_of(work->size));
}

static void address_do(struct cpu_results *results, const struct cpu_ahead *ahead,
		       const struct cpu_instruction *instruction)
{
	const struct cpu_work *work = &instruction->work;
	struct plan plan;

	memcpy(&plan, instruction->opaque, sizeof(plan));
	if (cpu_form_is_known(&plan.forms[0], ahead->unknown))
		result_give(results, work->target,
			    cpu_form_address(&plan.forms[0], ahead->registers.raw) &
			    mask_of(work->size));
}

void cpu_work_do(struct cpu_results *results, const struct cpu_ahead *ahead,
		 const struct cpu_instruction *instruction, const uint64_t *loaded)
{
	const struct cpu_work *work = &instruction->work;
	uint64_t a = 0, b = 0;
	bool first, second;

	results->known = 0;
	if (work->kind == WORK_ADDRESS)
		address_do(results, ahead, instruction);
	if (work->kind == WORK_NONE || work->kind == WORK_ADDRESS)
		return;
	second = value_of(ahead, work, work->second, work->source, loaded, &b);
	if (work->kind == WORK_DIVIDE && second)
		divide_do(results, ahead, work, b);
	else if (work->kind <= WORK_MOVE_SIGNED && second)
		move_do(results, work, b);
	if (work->kind == WORK_DIVIDE || work->kind <= WORK_MOVE_SIGNED)
		return;
	first = value_of(ahead, work, work->first, work->target, loaded, &a);
	if (is_nothing(work))
		sum_do(results, ahead, work, 0, 0);
	else if (first && second)
		sum_do(results, ahead, work, a, b);
}

#endif
