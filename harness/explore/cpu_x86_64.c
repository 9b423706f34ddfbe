/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding is Zydis's; what follows from registers is worked out here, since it is done at every
 * step. An instruction's memory operands are kept as forms: which registers make up the address.
 */
#include "explore/cpu.h"

#ifdef __x86_64__

#include <Zydis/Zydis.h>
#include <assert.h>
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "explore/cpu_x86_64.h"

#define SLOT(name) (offsetof(struct user_regs_struct, name) / sizeof(uint64_t))
#define SLOTS (sizeof(struct user_regs_struct) / sizeof(uint64_t))

/* Behind the kernel's registers is one that is always 0, so that every address is one sum. */
#define SLOT_NOTHING SLOTS

static_assert(SLOT_NOTHING < CPU_REGISTERS, "the registers fit, and the one that is 0");

enum {
	FORM_READS = 1,
	FORM_WRITES = 2,
	FORM_NARROW = 4,   /* 32-bit addresses, wrapping there */
	FORM_LOW_BYTE = 8, /* of the index register (xlat) */
	FORM_BITS = 16,    /* bt and its kin: `bits` is a register that counts bits from there */
};

/* segment's base + base + (index << shift) + displacement */
struct form {
	int64_t displacement;
	uint16_t size;
	uint8_t base, index, segment, bits; /* slots */
	uint8_t shift;
	uint8_t flags;
};

struct plan {
	struct form forms[CPU_ACCESSES_MAX];
	uint8_t n;
	uint64_t counter; /* bits of rcx which are 0 when nothing is to be done; 0: not counted */
};

static_assert(sizeof(struct plan) <= sizeof(((struct cpu_instruction *)0)->opaque), "a plan fits");

bool cpu_supported(void)
{
	return true;
}

int cpu_fetch(pid_t tid, struct cpu_registers *registers)
{
	registers->raw[SLOT_NOTHING] = 0;
	return ptrace(PTRACE_GETREGS, tid, NULL, registers->raw) < 0 ? -1 : 0;
}

uint64_t cpu_pc(const struct cpu_registers *registers)
{
	return registers->raw[SLOT(rip)];
}

uint64_t cpu_sp(const struct cpu_registers *registers)
{
	return registers->raw[SLOT(rsp)];
}

int cpu_return_address(pid_t tid, const struct cpu_registers *registers, uint64_t *address)
{
	void *sp = (void *)(uintptr_t)cpu_sp(registers);

	errno = 0;
	*address = (uint64_t)ptrace(PTRACE_PEEKDATA, tid, sp, NULL);
	return errno ? -1 : 0;
}

uint64_t cpu_rounds(const struct cpu_registers *registers)
{
	return registers->raw[SLOT(rcx)];
}

int cpu_rounds_set(pid_t tid, struct cpu_registers *registers, uint64_t pc, uint64_t rounds)
{
	registers->raw[SLOT(rip)] = pc;
	registers->raw[SLOT(rcx)] = rounds;
	return ptrace(PTRACE_SETREGS, tid, NULL, registers->raw) < 0 ? -1 : 0;
}

long cpu_call(const struct cpu_registers *registers)
{
	return (long)registers->raw[SLOT(rax)];
}

uint64_t cpu_call_argument(const struct cpu_registers *registers, unsigned int n)
{
	static const size_t slots[] = { SLOT(rdi), SLOT(rsi), SLOT(rdx), SLOT(r10), SLOT(r8),
					SLOT(r9) };

	return registers->raw[slots[n]];
}

long cpu_call_result(const struct cpu_registers *registers)
{
	return (long)registers->raw[SLOT(rax)];
}

/* Results that no program sees: the call is made again, or goes on, when the thread does. */
#define RESULT_RESTARTS_FIRST (-516) /* ERESTART_RESTARTBLOCK, of include/linux/errno.h */
#define RESULT_RESTARTS_LAST (-512)  /* ERESTARTSYS */

long cpu_waits_in(const struct cpu_registers *registers)
{
	long result = cpu_call_result(registers);

	return result >= RESULT_RESTARTS_FIRST && result <= RESULT_RESTARTS_LAST ?
		(long)registers->raw[SLOT(orig_rax)] : -1;
}

/* Decoding */

static uint8_t register_slot(ZydisRegister name)
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

static bool enters_kernel(const ZydisDecodedInstruction *i)
{
	return i->meta.category == ZYDIS_CATEGORY_SYSCALL ||
	       i->meta.category == ZYDIS_CATEGORY_INTERRUPT;
}

static bool is_chance(const ZydisDecodedInstruction *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_LSL: /* the number of the processor, as the vDSO asks for it */
	case ZYDIS_MNEMONIC_RDPID:
	case ZYDIS_MNEMONIC_RDPMC:
	case ZYDIS_MNEMONIC_RDPRU:
	case ZYDIS_MNEMONIC_RDRAND:
	case ZYDIS_MNEMONIC_RDSEED:
	case ZYDIS_MNEMONIC_RDTSC:
	case ZYDIS_MNEMONIC_RDTSCP:
		return true;
	default:
		return false;
	}
}

/*
 * AMD and Intel do not agree on near branches with an operand-size prefix, down to their length.
 * With REX.W it means nothing to either; calls to __tls_get_addr() are padded so.
 */
static bool is_disputed(const ZydisDecodedInstruction *i)
{
	return (i->meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR ||
		i->meta.branch_type == ZYDIS_BRANCH_TYPE_SHORT) &&
	       i->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE && !i->raw.rex.W;
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
	form->bits = register_slot(bits->reg.value);
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
	bool on_stack = register_slot(o->mem.base) == SLOT(rsp);

	form->size = operand_size(i, o);
	form->base = register_slot(o->mem.base);
	form->index = register_slot(o->mem.index);
	form->segment = register_slot(o->mem.segment);
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

/* A step does not end behind what sets ss, but behind the instruction after it. */
static bool sets_stack_segment(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->reg.value == ZYDIS_REGISTER_SS &&
	       o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

/* False: it touches more than forms can tell. */
static bool plan_make(struct plan *plan, const ZydisDecodedInstruction *i,
		      const ZydisDecodedOperand *operands)
{
	if (touches_secretly(i) || is_disputed(i))
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

#define ATTRIB_REPEATS (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)

void cpu_decode(const uint8_t *code, size_t n, struct cpu_instruction *instruction)
{
	ZydisDecoder decoder;
	ZydisDecodedInstruction i;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT] = { 0 };
	struct plan plan = { .n = 0 };

	*instruction = (struct cpu_instruction){ .wild = true };
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, n, &i, operands)))
		return;
	instruction->length = is_disputed(&i) ? 0 : i.length;
	instruction->system_call = enters_kernel(&i);
	instruction->repeats = (i.attributes & ATTRIB_REPEATS) != 0;
	instruction->chance = is_chance(&i);
	if (instruction->repeats)
		plan.counter = i.address_width == 32 ? UINT32_MAX : UINT64_MAX;
	instruction->wild = !instruction->system_call && !plan_make(&plan, &i, operands);
	/* Without a condition on flags, which may end it sooner. */
	instruction->counted = i.attributes & ZYDIS_ATTRIB_HAS_REP && !instruction->wild &&
			       i.address_width == 64;
	instruction->quiet = !instruction->wild && !instruction->system_call && !plan.n;
	cpu_decode_flow(instruction, &i, operands);
	if (!instruction->wild)
		memcpy(instruction->opaque, &plan, sizeof(plan));
}

/* Foreseeing */

/* The unit that holds the bit, units being as large as the operand; bits may count downwards. */
static uint64_t bits_offset(uint64_t bits, unsigned int size)
{
	int64_t count = size == 2 ? (int16_t)bits : size == 4 ? (int32_t)bits : (int64_t)bits;

	return (uint64_t)(count >> (__builtin_ctz(size) + 3)) * size;
}

static uint64_t form_address(const struct form *form, const uint64_t *raw)
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
			.address = form_address(&plan.forms[i], raw),
			.size = plan.forms[i].size,
			.reads = plan.forms[i].flags & FORM_READS,
			.writes = plan.forms[i].flags & FORM_WRITES,
		};
	return plan.n;
}

#endif
