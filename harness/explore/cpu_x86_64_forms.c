/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory an instruction touches. Its operands are kept as forms (which registers make up the
 * address), since what follows from them is worked out at every step.
 */
#include "explore/cpu_x86_64.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <string.h>

uint8_t cpu_register_slot(ZydisRegister name)
{
	/* The order of their numbers in instructions, which is Zydis's. */
	static const uint8_t general[] = {
		SLOT(rax), SLOT(rcx), SLOT(rdx), SLOT(rbx), SLOT(rsp), SLOT(rbp),
		SLOT(rsi), SLOT(rdi), SLOT(r8), SLOT(r9), SLOT(r10), SLOT(r11),
		SLOT(r12), SLOT(r13), SLOT(r14), SLOT(r15),
	};
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);

	if (name == ZYDIS_REGISTER_FS)
		return SLOT(fs_base);
	if (name == ZYDIS_REGISTER_GS)
		return SLOT(gs_base);
	if (name == ZYDIS_REGISTER_RIP || name == ZYDIS_REGISTER_EIP) /* `whole` is none of these */
		return SLOT(rip);
	if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15)
		return general[whole - ZYDIS_REGISTER_RAX];
	return SLOT_NOTHING; /* none, or a segment whose base is 0 */
}

/*
 * What is not told by its operands: memory named by plain registers or by none, shadow stacks,
 * transactions (all of whose stores come at once), other worlds. What only a kernel may do faults.
 */
static bool touches_secretly(const ZydisDecodedInstruction *i)
{
	if (i->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED ||
	    i->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return true;
	switch (i->meta.isa_ext) {
	case ZYDIS_ISA_EXT_CLZERO:
	case ZYDIS_ISA_EXT_ENQCMD:
	case ZYDIS_ISA_EXT_MONITOR:
	case ZYDIS_ISA_EXT_MONITORX:
	case ZYDIS_ISA_EXT_MPX:
	case ZYDIS_ISA_EXT_PADLOCK:
	case ZYDIS_ISA_EXT_RTM:
	case ZYDIS_ISA_EXT_SGX:
	case ZYDIS_ISA_EXT_SMX:
	case ZYDIS_ISA_EXT_SVM:
	case ZYDIS_ISA_EXT_UINTR:
	case ZYDIS_ISA_EXT_VMFUNC:
	case ZYDIS_ISA_EXT_VTX:
	case ZYDIS_ISA_EXT_WAITPKG:
		return true;
	default:
		break;
	}
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_ENTER: /* of nested functions: it copies frames */
		return i->raw.imm[1].value.u != 0;
	case ZYDIS_MNEMONIC_INCSSPD:
	case ZYDIS_MNEMONIC_INCSSPQ:
	case ZYDIS_MNEMONIC_RSTORSSP:
	case ZYDIS_MNEMONIC_SAVEPREVSSP:
	case ZYDIS_MNEMONIC_WRSSD:
	case ZYDIS_MNEMONIC_WRSSQ:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_LLWPCB:
	case ZYDIS_MNEMONIC_LWPINS:
	case ZYDIS_MNEMONIC_LWPVAL:
	case ZYDIS_MNEMONIC_SLWPCB:
		return true;
	default:
		return i->meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
	}
}

/* Its memory operand is an address, and whatever is there, nothing comes of it. */
static bool only_names(const ZydisDecodedInstruction *i)
{
	return i->meta.category == ZYDIS_CATEGORY_CLDEMOTE ||
	       i->meta.category == ZYDIS_CATEGORY_NOP ||
	       i->meta.category == ZYDIS_CATEGORY_PREFETCH ||
	       i->meta.category == ZYDIS_CATEGORY_PREFETCHWT1 ||
	       i->meta.category == ZYDIS_CATEGORY_WIDENOP;
}

/* What xsave stores is decided by registers of its own; what the system has enabled bounds it. */
static uint16_t xsave_size(void)
{
	unsigned int a, enabled, c, d;

	if (!__get_cpuid_count(0xd, 0, &a, &enabled, &c, &d) || enabled > UINT16_MAX)
		return 0;
	return (uint16_t)enabled;
}

/* Bytes of an operand, 0 if they cannot be told. */
static uint16_t operand_size(const ZydisDecodedInstruction *i, const ZydisDecodedOperand *o)
{
	switch (i->meta.category) {
	case ZYDIS_CATEGORY_XSAVE:
	case ZYDIS_CATEGORY_XSAVEOPT:
		return xsave_size();
	case ZYDIS_CATEGORY_CLFLUSHOPT:
	case ZYDIS_CATEGORY_CLWB:
		return 1; /* like a load it faults, if nothing is there */
	default:
		return i->mnemonic == ZYDIS_MNEMONIC_CLFLUSH ? 1 : o->size / 8;
	}
}

/* bt, bts, btr, btc with a register reach as many bytes away as it tells. */
static void form_add_bits(struct form *form, const ZydisDecodedOperand *bits)
{
	if (bits->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return;
	form->bits = cpu_register_slot(bits->reg.value);
	form->flags |= FORM_BITS;
}

static bool is_narrow(const ZydisDecodedInstruction *i, const ZydisDecodedOperandMem *mem)
{
	/* The stack's own operands are not narrowed by the prefix. */
	return i->address_width == 32 &&
	       ZydisRegisterGetClass(mem->base) != ZYDIS_REGCLASS_GPR64;
}

static void form_make(struct form *form, const ZydisDecodedInstruction *i,
		      const ZydisDecodedOperand *o, const ZydisDecodedOperand *next)
{
	bool on_stack = cpu_register_slot(o->mem.base) == SLOT(rsp);

	form->size = operand_size(i, o);
	form->base = cpu_register_slot(o->mem.base);
	form->index = cpu_register_slot(o->mem.index);
	form->segment = cpu_register_slot(o->mem.segment);
	form->shift = (uint8_t)(o->mem.scale > 1 ? __builtin_ctz(o->mem.scale) : 0);
	form->displacement = o->mem.disp.has_displacement ? o->mem.disp.value : 0;
	if (o->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
		form->flags |= FORM_READS;
	if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		form->flags |= FORM_WRITES;
	if (is_narrow(i, &o->mem))
		form->flags |= FORM_NARROW;
	if (form->base == SLOT(rip))
		form->displacement += i->length;
	if (i->mnemonic == ZYDIS_MNEMONIC_XLAT) {
		form->index = SLOT(rax);
		form->flags |= FORM_LOW_BYTE;
	}
	if (i->meta.category == ZYDIS_CATEGORY_BITBYTE)
		form_add_bits(form, next);
	/* What is pushed goes below the stack pointer; pop moves it, then looks at its operand. */
	if (o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && on_stack &&
	    form->flags & FORM_WRITES)
		form->displacement -= form->size;
	else if (o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT && on_stack &&
		 i->mnemonic == ZYDIS_MNEMONIC_POP)
		form->displacement += form->size;
}

void cpu_form_of_address(struct form *form, const ZydisDecodedInstruction *i,
			 const ZydisDecodedOperand *operand)
{
	*form = (struct form){ .size = 0 };
	form_make(form, i, operand, operand);
	/* A segment counts for what goes there, and no more. */
	form->segment = SLOT_NOTHING;
}

bool cpu_form_is_known(const struct form *form, uint64_t unknown)
{
	uint64_t used = BIT(form->base) | BIT(form->index) | BIT(form->segment);

	if (form->flags & FORM_BITS)
		used |= BIT(form->bits);
	return !(used & unknown);
}

/* A step does not end behind what sets ss, but behind the instruction after it. */
static bool sets_stack_segment(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->reg.value == ZYDIS_REGISTER_SS &&
	       o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

bool cpu_plan_make(struct plan *plan, const ZydisDecodedInstruction *i,
		      const ZydisDecodedOperand *operands)
{
	if (touches_secretly(i) || cpu_is_disputed(i))
		return false;
	if (only_names(i))
		return true;
	for (const ZydisDecodedOperand *o = operands; o < operands + i->operand_count; o++) {
		if (sets_stack_segment(o))
			return false;
		if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
			continue;
		if (o->mem.type != ZYDIS_MEMOP_TYPE_MEM || plan->n == CPU_ACCESSES_MAX)
			return false;
		form_make(&plan->forms[plan->n], i, o, o + 1);
		if (!plan->forms[plan->n++].size)
			return false;
	}
	return true;
}

/* The unit that holds the bit, units being as large as the operand; bits may count downwards. */
static uint64_t bits_offset(uint64_t bits, unsigned int size)
{
	int64_t count = size == 2 ? (int16_t)bits : size == 4 ? (int32_t)bits : (int64_t)bits;

	return (uint64_t)(count >> (__builtin_ctz(size) + 3)) * size;
}

uint64_t cpu_form_address(const struct form *form, const uint64_t *raw)
{
	uint64_t index = form->flags & FORM_LOW_BYTE ? raw[form->index] & 0xff : raw[form->index];
	uint64_t address = raw[form->base] + (index << form->shift) + (uint64_t)form->displacement;

	if (form->flags & FORM_BITS)
		address += bits_offset(raw[form->bits], form->size);
	if (form->flags & FORM_NARROW)
		address = (uint32_t)address;
	return raw[form->segment] + address;
}

size_t cpu_accesses(const struct cpu_instruction *instruction,
		    const struct cpu_registers *registers,
		    struct cpu_access accesses[CPU_ACCESSES_MAX])
{
	const uint64_t *raw = registers->raw;
	struct plan plan;

	if (instruction->quiet || instruction->wild)
		return 0;
	memcpy(&plan, instruction->opaque, sizeof(plan));
	if (plan.counter && !(raw[SLOT(rcx)] & plan.counter))
		return 0;
	for (size_t i = 0; i < plan.n; i++)
		accesses[i] = (struct cpu_access){
			.address = cpu_form_address(&plan.forms[i], raw),
			.size = plan.forms[i].size,
			.reads = plan.forms[i].flags & FORM_READS,
			.writes = plan.forms[i].flags & FORM_WRITES,
		};
	return plan.n;
}

#endif
