/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an instruction leads, and which registers are known behind it: as much as going ahead of a
 * thread takes. What it computes is not worked out; only the stack pointer is followed.
 */
#include "explore/cpu_x86_64.h"

#ifdef __x86_64__

#include <string.h>

enum {
	KIND_UNKNOWN,
	KIND_NEXT,
	KIND_JUMP,   /* `jump` away, if `condition` is met */
	KIND_MEMORY, /* to what the first memory operand that is read has */
};

/* Behind the sixteen conditions in the order of their numbers in instructions. */
#define CONDITION_ALWAYS 16

/* The program counter is no change: it is followed. */
static uint64_t register_bit(ZydisRegister name)
{
	switch (ZydisRegisterGetClass(name)) {
	case ZYDIS_REGCLASS_FLAGS:
		return BIT(SLOT(eflags));
	case ZYDIS_REGCLASS_IP:
		return 0;
	default:
		return BIT(cpu_register_slot(name));
	}
}

/* Flags are among the operands of most that change them, but not of cmc. */
static bool changes_flags(const ZydisDecodedInstruction *i)
{
	const ZydisAccessedFlags *flags = i->cpu_flags;

	return flags && (flags->modified | flags->set_0 | flags->set_1 | flags->undefined);
}

static uint64_t changes_of(const ZydisDecodedInstruction *i, const ZydisDecodedOperand *operands)
{
	uint64_t changes = changes_flags(i) ? BIT(SLOT(eflags)) : 0;

	for (const ZydisDecodedOperand *o = operands; o < operands + i->operand_count; o++)
		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
			changes |= register_bit(o->reg.value);
	return changes & ~BIT(SLOT_NOTHING);
}

/* Bytes that its hidden operand on the stack has. */
static int32_t stack_operand_size(const ZydisDecodedInstruction *i,
				  const ZydisDecodedOperand *operands)
{
	for (const ZydisDecodedOperand *o = operands; o < operands + i->operand_count; o++)
		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			return o->size / 8;
	return 0;
}

static bool is_whole(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetClass(o->reg.value) == ZYDIS_REGCLASS_GPR64;
}

/* What becomes of the stack pointer, which the instruction changes; false: that is not told. */
static bool stack_follow(struct cpu_flow *flow, const ZydisDecodedInstruction *i,
			 const ZydisDecodedOperand *o)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_CALL:
		flow->stack = -stack_operand_size(i, o);
		return true;
	case ZYDIS_MNEMONIC_POP:
		flow->stack = stack_operand_size(i, o);
		return is_whole(o) && o->reg.value != ZYDIS_REGISTER_RSP;
	case ZYDIS_MNEMONIC_RET:
		flow->stack = stack_operand_size(i, o);
		if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			flow->stack += (int32_t)o->imm.value.u;
		return true;
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_SUB:
		if (!is_whole(o) || o[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return false;
		flow->stack = (int32_t)(i->mnemonic == ZYDIS_MNEMONIC_ADD ? o[1].imm.value.s :
									     -o[1].imm.value.s);
		return true;
	case ZYDIS_MNEMONIC_LEAVE:
		flow->base = SLOT(rbp);
		flow->stack = stack_operand_size(i, o);
		return flow->stack == sizeof(uint64_t);
	default:
		return false;
	}
}

static uint8_t kind_of(struct cpu_flow *flow, const ZydisDecodedInstruction *i)
{
	bool near = i->opcode_map == ZYDIS_OPCODE_MAP_0F && (i->opcode & 0xf0) == 0x80;
	bool conditional = near || (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
				    (i->opcode & 0xf0) == 0x70);

	switch (i->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
		break;
	default:
		return i->meta.branch_type == ZYDIS_BRANCH_TYPE_NONE ? KIND_NEXT : KIND_UNKNOWN;
	}
	if (i->mnemonic == ZYDIS_MNEMONIC_RET)
		return KIND_MEMORY;
	if (!conditional && i->mnemonic != ZYDIS_MNEMONIC_JMP &&
	    i->mnemonic != ZYDIS_MNEMONIC_CALL)
		return KIND_UNKNOWN;
	flow->condition = conditional ? i->opcode & 15 : CONDITION_ALWAYS;
	flow->jump = (int32_t)i->raw.imm[0].value.s;
	if (i->raw.imm[0].is_relative)
		return KIND_JUMP;
	return i->raw.modrm.mod != 3 ? KIND_MEMORY : KIND_UNKNOWN;
}

/*
 * Of these Zydis does not tell all registers that they change: rsi and rdi; fs's and gs's base. And
 * some of the system's (sldt, smsw) are made by the kernel, which makes a step two.
 */
static bool changes_secretly(const ZydisDecodedInstruction *i)
{
	return i->meta.category == ZYDIS_CATEGORY_STRINGOP ||
	       i->meta.category == ZYDIS_CATEGORY_RDWRFSGS ||
	       i->meta.category == ZYDIS_CATEGORY_SYSTEM;
}

void cpu_decode_flow(struct cpu_instruction *instruction, const ZydisDecodedInstruction *i,
		     const ZydisDecodedOperand *operands)
{
	struct cpu_flow *flow = &instruction->flow;

	*flow = (struct cpu_flow){ .kind = KIND_UNKNOWN, .base = SLOT(rsp) };
	if (instruction->wild || instruction->system_call || instruction->repeats ||
	    changes_secretly(i))
		return;
	flow->changes = changes_of(i, operands);
	if (flow->changes & BIT(SLOT(rsp)) && !stack_follow(flow, i, operands))
		return;
	flow->changes &= ~BIT(SLOT(rsp));
	flow->kind = kind_of(flow, i);
}

/* Going ahead */

/* Intel's manual, volume 1, appendix B: "EFLAGS Condition Codes". */
static bool is_met(uint8_t condition, uint64_t flags)
{
	bool carry = flags & 1, parity = flags >> 2 & 1, zero = flags >> 6 & 1;
	bool sign = flags >> 7 & 1, overflow = flags >> 11 & 1;
	const bool met[] = { overflow, carry, zero, carry || zero, sign, parity,
			     sign != overflow, zero || sign != overflow };

	return condition == CONDITION_ALWAYS || met[condition >> 1] != (condition & 1);
}

int cpu_ahead_stores(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		     struct cpu_access stores[CPU_ACCESSES_MAX])
{
	struct plan plan;
	int n = 0;

	if (instruction->quiet)
		return 0;
	if (instruction->wild || instruction->system_call || instruction->repeats)
		return -1;
	memcpy(&plan, instruction->opaque, sizeof(plan));
	for (const struct form *form = plan.forms; form < plan.forms + plan.n; form++) {
		if (!(form->flags & FORM_WRITES))
			continue;
		if (!cpu_form_is_known(form, ahead->unknown))
			return -1;
		stores[n++] = (struct cpu_access){
			.address = cpu_form_address(form, ahead->registers.raw),
			.size = form->size,
			.reads = form->flags & FORM_READS,
			.writes = true,
		};
	}
	return n;
}

/* Its first memory operand that is read; false: there is none, or nobody knows where. */
static bool load_find(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		      struct cpu_access *load)
{
	struct plan plan;

	memcpy(&plan, instruction->opaque, sizeof(plan));
	for (const struct form *form = plan.forms; form < plan.forms + plan.n; form++) {
		if (!(form->flags & FORM_READS))
			continue;
		*load = (struct cpu_access){
			.address = cpu_form_address(form, ahead->registers.raw),
			.size = form->size, .reads = true,
		};
		return cpu_form_is_known(form, ahead->unknown);
	}
	return false;
}

static enum cpu_way way_read(const struct cpu_ahead *ahead,
			     const struct cpu_instruction *instruction, uint64_t *address)
{
	struct cpu_access load;

	if (!load_find(ahead, instruction, &load))
		return CPU_WAY_UNKNOWN;
	*address = load.address;
	return CPU_WAY_READ;
}

enum cpu_way cpu_ahead_way(const struct cpu_ahead *ahead,
			   const struct cpu_instruction *instruction, uint64_t *address)
{
	const struct cpu_flow *flow = &instruction->flow;

	*address = cpu_pc(&ahead->registers) + instruction->length;
	if (ahead->unknown & BIT(flow->base))
		return CPU_WAY_UNKNOWN;
	switch (flow->kind) {
	case KIND_NEXT:
		return CPU_WAY_KNOWN;
	case KIND_MEMORY:
		return way_read(ahead, instruction, address);
	case KIND_JUMP:
		if (flow->condition != CONDITION_ALWAYS && ahead->unknown & BIT(SLOT(eflags)))
			return CPU_WAY_UNKNOWN;
		if (is_met(flow->condition, ahead->registers.raw[SLOT(eflags)]))
			*address += (uint64_t)(int64_t)flow->jump;
		return CPU_WAY_KNOWN;
	default:
		return CPU_WAY_UNKNOWN;
	}
}

bool cpu_ahead_load(const struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		    struct cpu_access *load)
{
	return instruction->work.kind && !instruction->quiet &&
	       load_find(ahead, instruction, load) && load->size <= sizeof(uint64_t);
}

void cpu_ahead_go(struct cpu_ahead *ahead, const struct cpu_instruction *instruction,
		  const uint64_t *loaded, uint64_t pc)
{
	const struct cpu_flow *flow = &instruction->flow;
	uint64_t *raw = ahead->registers.raw;
	struct cpu_results results;

	cpu_work_do(&results, ahead, instruction, loaded);
	raw[SLOT(rsp)] = raw[flow->base] + (uint64_t)(int64_t)flow->stack;
	raw[SLOT(rip)] = pc;
	ahead->unknown = (ahead->unknown | flow->changes) & ~results.known;
	for (size_t slot = 0; slot < SLOTS; slot++)
		if (results.known & BIT(slot))
			raw[slot] = results.raw[slot];
}

bool cpu_ahead_agrees(const struct cpu_ahead *ahead, const struct cpu_registers *registers)
{
	for (size_t slot = 0; slot < SLOTS; slot++) {
		uint64_t differs = ahead->registers.raw[slot] ^ registers->raw[slot];

		/* The number of a system call is the kernel's. */
		if (slot == SLOT(orig_rax) || ahead->unknown & BIT(slot))
			continue;
		if (differs & (slot == SLOT(eflags) ? CPU_FLAGS_FOLLOWED : UINT64_MAX))
			return false;
	}
	return true;
}

#endif
