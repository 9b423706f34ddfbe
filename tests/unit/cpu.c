/* SPDX-License-Identifier: Apache-2.0 */
/* What is foreseen of instructions, one by one, against what the manuals say. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/user.h>

#include "explore/cpu.h"
#include "tests/unit/tap.h"

#ifdef __x86_64__

/* Each register holds its number's thousands: rax 0x1000, rcx 0x2000, … r15 0x10000. */
static void registers_known(struct cpu_registers *registers)
{
	struct user_regs_struct u = {
		.rax = 0x1000, .rcx = 0x2000, .rdx = 0x3000, .rbx = 0x4000, .rsp = 0x5000,
		.rbp = 0x6000, .rsi = 0x7000, .rdi = 0x8000, .r8 = 0x9000, .r9 = -1ull,
		.r10 = 1ull << 32, .r11 = 0xc000, .rip = 0x400000, .fs_base = 0x700000,
		.gs_base = 0x800000,
	};

	*registers = (struct cpu_registers){ 0 };
	memcpy(registers->raw, &u, sizeof(u));
}

struct known {
	const char *text;
	char code[CPU_CODE_MAX]; /* zeros follow */
	uint8_t length;
	const char *accesses; /* address+size and r, w; or wild, quiet, none, call */
};

static const struct known known[] = {
	{ "push rbx", "\x53", 1, "4ff8+8w" },
	{ "push word 1", "\x66\x6a\x01", 3, "4ffe+2w" },
	{ "push [rsp + 8]", "\xff\x74\x24\x08", 4, "5008+8r 4ff8+8w" },
	{ "pop rbx", "\x5b", 1, "5000+8r" },
	{ "pop [rsp + 8]", "\x8f\x44\x24\x08", 4, "5010+8w 5000+8r" },
	{ "call", "\xe8\x00\x00\x00\x00", 5, "4ff8+8w" },
	{ "call, padded for the linker", "\x66\x48\xe8\x00\x00\x00\x00", 7, "4ff8+8w" },
	{ "call, with a prefix that not all heed", "\x66\xe8\x00\x00\x00\x00", 0, "wild" },
	{ "call [rax]", "\xff\x10", 2, "1000+8r 4ff8+8w" },
	{ "jmp [rip + 0x10]", "\xff\x25\x10\x00\x00\x00", 6, "400016+8r" },
	{ "ret", "\xc3", 1, "5000+8r" },
	{ "bnd ret", "\xf2\xc3", 2, "5000+8r" },
	{ "far ret", "\xcb", 1, "wild" },
	{ "iretq", "\x48\xcf", 2, "wild" },
	{ "enter", "\xc8\x10\x00\x00", 4, "4ff8+8w" },
	{ "enter of a nested function", "\xc8\x10\x00\x01", 4, "wild" },
	{ "leave", "\xc9", 1, "6000+8r" },
	{ "pushf", "\x9c", 1, "4ff8+8w" },
	{ "popf", "\x9d", 1, "5000+8r" },
	{ "movsb", "\xa4", 1, "8000+1w 7000+1r" },
	{ "rep stosq", "\xf3\x48\xab", 3, "8000+8w" },
	{ "repne scasb", "\xf2\xae", 2, "8000+1r" },
	{ "cmpsb", "\xa6", 1, "7000+1r 8000+1r" },
	{ "fs movsb", "\x64\xa4", 2, "8000+1w 707000+1r" },
	{ "lodsd, 32-bit", "\x67\xad", 2, "7000+4r" },
	{ "xlat", "\xd7", 1, "4000+1r" },
	{ "lock cmpxchg [rdi], ecx", "\xf0\x0f\xb1\x0f", 4, "8000+4rw" },
	{ "cmpxchg16b [rdi]", "\x48\x0f\xc7\x0f", 4, "8000+16rw" },
	{ "xchg [rdi], al", "\x86\x07", 2, "8000+1rw" },
	{ "bts [rdi], rax", "\x48\x0f\xab\x07", 4, "8200+8rw" },
	{ "bt [rdi], eax", "\x0f\xa3\x07", 3, "8200+4r" },
	{ "bt [rdi], r9, which is -1", "\x4c\x0f\xa3\x0f", 4, "7ff8+8r" },
	{ "btr [rdi], r9w, which is -1", "\x66\x44\x0f\xb3\x0f", 5, "7ffe+2rw" },
	{ "bts [rdi], 77", "\x0f\xba\x2f\x4d", 4, "8000+4rw" },
	{ "mov eax, fs:[0x28]", "\x64\x8b\x04\x25\x28\x00\x00\x00", 8, "700028+4r" },
	{ "mov gs:[rax + rcx * 4 - 1], dx", "\x66\x65\x89\x54\x88\xff", 6, "808fff+2w" },
	{ "mov eax, [r9d - 8], r9 being -1", "\x67\x41\x8b\x41\xf8", 5, "fffffff7+4r" },
	{ "mov eax, [r10d + 4]", "\x67\x41\x8b\x42\x04", 5, "4+4r" },
	{ "mov eax, fs:[r10d + 4]", "\x64\x67\x41\x8b\x42\x04", 6, "700004+4r" },
	{ "push [r10d + 4]", "\x67\x41\xff\x72\x04", 5, "4+8r 4ff8+8w" },
	{ "mov eax, [eip - 0x400006]", "\x67\x8b\x05\xfa\xff\xbf\xff", 7, "1+4r" },
	{ "mov al, [0x1122334455667788]", "\xa0\x88\x77\x66\x55\x44\x33\x22\x11", 9,
	  "1122334455667788+1r" },
	{ "movaps [rdi], xmm0", "\x0f\x29\x07", 3, "8000+16w" },
	{ "vmovdqu [rdi], ymm0", "\xc5\xfe\x7f\x07", 4, "8000+32w" },
	{ "vmovdqu64 [rdi + 0x40], zmm0", "\x62\xf1\xfe\x48\x7f\x47\x01", 7, "8040+64w" },
	{ "vmovdqu32 [rdi] {k1}, zmm0", "\x62\xf1\x7e\x49\x7f\x07", 6, "8000+64w" },
	{ "vpgatherdd", "\x62\xf2\x7d\x49\x90\x0c\x07", 7, "wild" },
	{ "maskmovdqu", "\x66\x0f\xf7\xc1", 4, "8000+16w" },
	{ "cmovz eax, [rdi]", "\x0f\x44\x07", 3, "8000+4r" },
	{ "fxsave [rdi]", "\x0f\xae\x07", 3, "8000+512w" },
	{ "clflush [rdi]", "\x0f\xae\x3f", 3, "8000+1r" },
	{ "clzero", "\x0f\x01\xfc", 3, "wild" },
	{ "mov ss, eax", "\x8e\xd0", 2, "wild" },
	{ "xbegin", "\xc7\xf8\x00\x00\x00\x00", 6, "wild" },
	{ "lea rax, [rdi]", "\x48\x8d\x07", 3, "quiet" },
	{ "nop [rax]", "\x0f\x1f\x00", 3, "quiet" },
	{ "endbr64", "\xf3\x0f\x1e\xfa", 4, "quiet" },
	{ "prefetcht0 [rdi]", "\x0f\x18\x0f", 3, "quiet" },
	{ "mfence", "\x0f\xae\xf0", 3, "quiet" },
	{ "rdtsc", "\x0f\x31", 2, "quiet chance" },
	{ "rdrand eax", "\x0f\xc7\xf0", 3, "quiet chance" },
	{ "cpuid", "\x0f\xa2", 2, "quiet chance" },
	{ "syscall", "\x0f\x05", 2, "call" },
	{ "int 0x80", "\xcd\x80", 2, "call" },
	{ "no instruction", "\x06", 0, "wild" },
};

static void describe(char *out, size_t size, const struct cpu_instruction *instruction,
		     const struct cpu_registers *registers)
{
	struct cpu_access a[CPU_ACCESSES_MAX];
	size_t n = cpu_accesses(instruction, registers, a);
	FILE *f = fmemopen(out, size, "w");

	if (!f)
		exit(3);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%jx+%u%s%s", i ? " " : "", (uintmax_t)a[i].address, a[i].size,
			a[i].reads ? "r" : "", a[i].writes ? "w" : "");
	if (!n)
		fputs(instruction->wild ? "wild" : instruction->quiet ? "quiet" :
		      instruction->system_call ? "call" : "none", f);
	if (instruction->chance)
		fputs(" chance", f);
	fclose(f);
}

static void known_check(void)
{
	char text[128];
	struct cpu_registers registers;
	struct cpu_instruction instruction;

	registers_known(&registers);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		cpu_decode((const uint8_t *)known[i].code, CPU_CODE_MAX, &instruction);
		describe(text, sizeof(text), &instruction, &registers);
		CHECK_STR(text, known[i].accesses, "%s", known[i].text);
		CHECK_INT(instruction.length, known[i].length, "its length");
	}
	cpu_decode((const uint8_t *)"\xf3\xa4", 2, &instruction);
	CHECK(instruction.repeats, "rep movsb repeats");
	registers.raw[offsetof(struct user_regs_struct, rcx) / 8] = 0;
	CHECK_INT(cpu_accesses(&instruction, &registers, (struct cpu_access[4]){ 0 }), 0,
		  "no times it touches nothing");
	registers.raw[offsetof(struct user_regs_struct, rcx) / 8] = 1ull << 32;
	cpu_decode((const uint8_t *)"\x67\xf3\xa4", 3, &instruction);
	CHECK_INT(cpu_accesses(&instruction, &registers, (struct cpu_access[4]){ 0 }), 0,
		  "nor if ecx is 0 and ecx counts");
	cpu_decode((const uint8_t *)"\x48\x8b", 2, &instruction);
	CHECK(instruction.wild && !instruction.length, "half an instruction is none");
}

/*
 * Where each leads, from 0x400000, what the stack pointer is there, 0x5000 before, and what it has
 * stored. The other registers are cpu-sweep.c's.
 */
static const struct {
	const char *text;
	char code[CPU_CODE_MAX];
	const char *way;
} ways[] = {
	{ "mov rax, [rdi]", "\x48\x8b\x07", "400003 sp 5000" },
	{ "cmovz eax, [rdi]", "\x0f\x44\x07", "400003 sp 5000" },
	{ "mov rbp, rsp", "\x48\x89\xe5", "400003 sp 5000" },
	{ "nop [rax]", "\x0f\x1f\x00", "400003 sp 5000" },
	{ "mov [rdi], rax", "\x48\x89\x07", "400003 sp 5000 8000+8" },
	{ "xchg [rdi], al", "\x86\x07", "400002 sp 5000 8000+1" },
	{ "lock cmpxchg [rdi], ecx", "\xf0\x0f\xb1\x0f", "400004 sp 5000 8000+4" },
	{ "push rbx", "\x53", "400001 sp 4ff8 4ff8+8" },
	{ "push word 1", "\x66\x6a\x01", "400003 sp 4ffe 4ffe+2" },
	{ "push [rsp + 8]", "\xff\x74\x24\x08", "400004 sp 4ff8 4ff8+8" },
	{ "pop rbx", "\x5b", "400001 sp 5008" },
	{ "pop [rsp + 8]", "\x8f\x44\x24\x08", "unknown" },
	{ "pop rsp", "\x5c", "unknown" },
	{ "leave", "\xc9", "400001 sp 6008" },
	{ "leave, 16 bits", "\x66\xc9", "unknown" },
	{ "popf", "\x9d", "unknown" },
	{ "pushf", "\x9c", "unknown" },
	{ "sub rsp, 8", "\x48\x83\xec\x08", "400004 sp 4ff8" },
	{ "sub rsp, 0x12345678", "\x48\x81\xec\x78\x56\x34\x12", "400007 sp ffffffffedcbf988" },
	{ "add rsp, -8", "\x48\x83\xc4\xf8", "400004 sp 4ff8" },
	{ "sub esp, 8", "\x83\xec\x08", "unknown" },
	{ "sub rsp, rax", "\x48\x29\xc4", "unknown" },
	{ "and rsp, -64", "\x48\x83\xe4\xc0", "unknown" },
	{ "mov esp, eax", "\x89\xc4", "unknown" },
	{ "xchg rsp, rax", "\x48\x94", "unknown" },
	{ "jmp", "\xeb\x02", "400004 sp 5000" },
	{ "jmp, far away", "\xe9\x00\x01\x00\x00", "400105 sp 5000" },
	{ "jmp rax", "\xff\xe0", "unknown" },
	{ "jmp [rip + 0x10]", "\xff\x25\x10\x00\x00\x00", "[400016] sp 5000" },
	{ "jmp [rax + rcx * 8]", "\xff\x24\xc8", "[11000] sp 5000" },
	{ "jrcxz", "\xe3\x02", "unknown" },
	{ "loop", "\xe2\x02", "unknown" },
	{ "call", "\xe8\x00\xff\xff\xff", "3fff05 sp 4ff8 4ff8+8" },
	{ "call, padded for the linker", "\x66\x48\xe8\x01\x00\x00\x00", "400008 sp 4ff8 4ff8+8" },
	{ "call [rsp + 8]", "\xff\x54\x24\x08", "[5008] sp 4ff8 4ff8+8" },
	{ "call rax", "\xff\xd0", "unknown" },
	{ "ret", "\xc3", "[5000] sp 5008" },
	{ "ret 16", "\xc2\x10\x00", "[5000] sp 5018" },
	{ "bnd ret", "\xf2\xc3", "[5000] sp 5008" },
	{ "far ret", "\xcb", "unknown" },
	{ "rep movsb", "\xf3\xa4", "unknown" },
	{ "movsb", "\xa4", "unknown" },
	{ "repne scasb", "\xf2\xae", "unknown" },
	{ "syscall", "\x0f\x05", "unknown" },
	{ "int3", "\xcc", "unknown" },
	{ "rdfsbase", "\xf3\x0f\xae\xc0", "unknown" },
	{ "xbegin", "\xc7\xf8\x00\x00\x00\x00", "unknown" },
	{ "clzero", "\x0f\x01\xfc", "unknown" },
	{ "no instruction", "\x06", "unknown" },
};

static void way_describe(char *out, size_t size, struct cpu_ahead ahead, const char *code)
{
	struct cpu_instruction instruction;
	struct cpu_access stores[CPU_ACCESSES_MAX];
	FILE *f = fmemopen(out, size, "w");
	enum cpu_way way;
	uint64_t address;
	int n;

	if (!f)
		exit(3);
	cpu_decode((const uint8_t *)code, CPU_CODE_MAX, &instruction);
	n = cpu_ahead_stores(&ahead, &instruction, stores);
	way = cpu_ahead_way(&ahead, &instruction, &address);
	if (way == CPU_WAY_UNKNOWN) {
		fputs("unknown", f);
	} else {
		cpu_ahead_go(&ahead, &instruction, NULL, address);
		fprintf(f, way == CPU_WAY_READ ? "[%jx] sp %jx" : "%jx sp %jx", (uintmax_t)address,
			(uintmax_t)cpu_sp(&ahead.registers));
		for (int i = 0; i < n; i++)
			fprintf(f, " %jx+%u", (uintmax_t)stores[i].address, stores[i].size);
	}
	fclose(f);
}

static void way_check(void)
{
	struct cpu_ahead ahead = { .unknown = 0 };
	char text[128];

	registers_known(&ahead.registers);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		way_describe(text, sizeof(text), ahead, ways[i].code);
		CHECK_STR(text, ways[i].way, "%s: where it leads", ways[i].text);
	}
}

/* Behind an instruction that gives a register an unknown value, what needs it is unknown. */
static void unknown_check(void)
{
	static const struct {
		const char *text;
		char first[CPU_CODE_MAX], second[CPU_CODE_MAX];
		bool leads, stores;
	} pairs[] = {
		{ "mov rdi, rax; mov [rdi], al", "\x48\x89\xc7", "\x88\x07", true, true },
		{ "mov rdi, [rax]; mov [rdi], al", "\x48\x8b\x38", "\x88\x07", true, false },
		{ "imul rdi, rax; mov [rdi], al", "\x48\x0f\xaf\xf8", "\x88\x07", true, false },
		{ "imul rcx, rax; mov [rdi], al", "\x48\x0f\xaf\xc8", "\x88\x07", true, true },
		{ "mov cl, al; mov [rdi + rcx], al", "\x88\xc1", "\x88\x04\x0f", true, false },
		{ "push rdi; mov [rsp], al", "\x57", "\x88\x04\x24", true, true },
		{ "mov di, ax; mov al, [rdi]", "\x66\x89\xc7", "\x8a\x07", true, true },
		{ "mov di, ax; jmp [rdi]", "\x66\x89\xc7", "\xff\x27", false, true },
		{ "test al, al; jz", "\x84\xc0", "\x74\x02", true, true },
		{ "test ah, ah; jz", "\x84\xe4", "\x74\x02", false, true },
		{ "test [rdi], al; jz", "\x84\x07", "\x74\x02", false, true },
		{ "inc eax; jz", "\xff\xc0", "\x74\x02", false, true },
		{ "cmc; jc", "\xf5", "\x72\x02", false, true },
		{ "mov al, 1; jz", "\xb0\x01", "\x74\x02", true, true },
		{ "pop rbp; leave", "\x5d", "\xc9", false, true },
		{ "mov fs, eax; mov fs:[rax], al", "\x8e\xe0", "\x64\x88\x00", true, false },
		{ "imul rax, rbx; bts [rdi], rax", "\x48\x0f\xaf\xc3", "\x48\x0f\xab\x07", true,
		  false },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct cpu_access stores[CPU_ACCESSES_MAX];
		struct cpu_ahead ahead = { .unknown = 0 };
		struct cpu_instruction first, second;
		uint64_t address = 0;

		registers_known(&ahead.registers);
		cpu_decode((const uint8_t *)pairs[i].first, CPU_CODE_MAX, &first);
		cpu_decode((const uint8_t *)pairs[i].second, CPU_CODE_MAX, &second);
		CHECK(cpu_ahead_way(&ahead, &first, &address) == CPU_WAY_KNOWN, "%s",
		      pairs[i].text);
		cpu_ahead_go(&ahead, &first, NULL, address);
		CHECK_INT(cpu_ahead_way(&ahead, &second, &address) != CPU_WAY_UNKNOWN,
			  pairs[i].leads, "is it told where that leads?");
		CHECK_INT(cpu_ahead_stores(&ahead, &second, stores) >= 0, pairs[i].stores,
			  "and what it stores?");
	}
}

/* What the processor itself makes of a condition. Its stack has a red zone. */
#define CONDITIONS(X) X(0, "o") X(1, "no") X(2, "b") X(3, "nb") X(4, "z") X(5, "nz") X(6, "be") \
	X(7, "nbe") X(8, "s") X(9, "ns") X(10, "p") X(11, "np") X(12, "l") X(13, "nl") \
	X(14, "le") X(15, "nle")
#define CONDITION_CASE(n, name) \
	case n: \
		__asm__ volatile("lea -128(%%rsp), %%rsp\n push %1\n popf\n set" name " %0\n" \
				 "lea 128(%%rsp), %%rsp" : "=q"(met) : "r"(flags) : "cc"); \
		break;

static bool is_met(unsigned int condition, uint64_t flags)
{
	bool met = false;

	switch (condition) {
	CONDITIONS(CONDITION_CASE)
	default:
		break;
	}
	return met;
}

static uint64_t flags_of(unsigned int bits)
{
	static const uint64_t flags[] = { 1, 1 << 2, 1 << 6, 1 << 7, 1 << 11 };
	uint64_t all = 0x202;

	for (unsigned int i = 0; i < 5; i++)
		all |= bits >> i & 1 ? flags[i] : 0;
	return all;
}

/* Where it leads. */
static uint64_t target(const struct cpu_ahead *ahead, const uint8_t code[CPU_CODE_MAX])
{
	struct cpu_instruction instruction;
	uint64_t address;

	cpu_decode(code, CPU_CODE_MAX, &instruction);
	return cpu_ahead_way(ahead, &instruction, &address) == CPU_WAY_KNOWN ? address : 0;
}

static void jump_check(void)
{
	struct cpu_ahead ahead = { .unknown = 0 };
	unsigned int wrong = 0;

	registers_known(&ahead.registers);
	for (unsigned int condition = 0; condition < 16; condition++) {
		uint8_t near[CPU_CODE_MAX] = { (uint8_t)(0x70 + condition), 0xf0 };
		uint8_t far[CPU_CODE_MAX] = { 0x0f, (uint8_t)(0x80 + condition), 0, 1 };

		for (unsigned int bits = 0; bits < 32; bits++) {
			uint64_t flags = flags_of(bits), met = is_met(condition, flags);

			ahead.registers.raw[offsetof(struct user_regs_struct, eflags) / 8] = flags;
			wrong += target(&ahead, near) != 0x400000 + 2 - 16 * met;
			wrong += target(&ahead, far) != 0x400000 + 6 + 256 * met;
		}
	}
	CHECK_INT(wrong, 0, "where a jump leads is what the processor makes of it");
}

int main(void)
{
	CHECK(cpu_supported(), "this machine can be stepped");
	known_check();
	way_check();
	unknown_check();
	jump_check();
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
