/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cpu_accesses() foresees, against what the processor does, opcode by opcode. Each encoding is
 * executed once, with registers that point to memory that may not be touched, only be read, or be
 * written: a fault tells the address that it touched, and what changed tells what it wrote. Where
 * it leads, and what each register holds behind it that is said to be known, is what cpu_ahead_*()
 * say; with other numbers in them: cpu-work.c.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/user.h>

#include "explore/cpu.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

/* Below 4 GiB, so that 32-bit addresses get there, too. */
#define REGION_SIZE 0x4000ul
#define SHUT ((char *)0x20000000)
#define READABLE ((char *)0x21000000)
#define OPEN ((char *)0x22000000)
#define CODE ((uint8_t *)0x23000000)

/* Where the n-th register points, in its region: apart from the others, and off the ends. */
#define SPOT(n) (0x1040ul + 0x140ul * (n))

enum { ALL_SHUT, ALL_READABLE, ALL_OPEN, EVEN_SHUT, ODD_SHUT, WAYS };

static char before[REGION_SIZE];
static struct user_regs_struct initial;
static struct user_fpregs_struct initial_fp;
static unsigned int executed, told, missed, followed, known;
static bool every_way;

/* The tracer writes the code, and reads what is written, by its own mappings. */
static void region_make(void *address, int protection)
{
	if (mmap(address, REGION_SIZE, protection, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		 -1, 0) != address)
		traced_fail("mapping memory");
}

static void regions_make(void)
{
	region_make(OPEN, PROT_READ | PROT_WRITE);
	region_make(CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
	region_make(READABLE, PROT_READ | PROT_WRITE);
	region_make(SHUT, PROT_READ | PROT_WRITE);
}

static void child(void)
{
	if (mprotect(SHUT, REGION_SIZE, PROT_NONE) < 0 ||
	    mprotect(READABLE, REGION_SIZE, PROT_READ) < 0)
		_exit(1);
	__asm__ volatile("int3");
}

static char *region_of(unsigned int way, unsigned int n)
{
	switch (way) {
	case ALL_SHUT:
		return SHUT;
	case ALL_READABLE:
		return READABLE;
	case ALL_OPEN:
		return OPEN;
	default:
		return (n + way) % 2 ? SHUT : OPEN;
	}
}

static void registers_set(struct user_regs_struct *u, unsigned int way)
{
	unsigned long long *general[] = {
		&u->rax, &u->rcx, &u->rdx, &u->rbx, &u->rsp, &u->rbp, &u->rsi, &u->rdi,
		&u->r8, &u->r9, &u->r10, &u->r11, &u->r12, &u->r13, &u->r14, &u->r15,
	};

	*u = initial;
	for (unsigned int n = 0; n < 16; n++)
		*general[n] = (uintptr_t)region_of(way, n) + SPOT(n);
	u->rip = (uintptr_t)CODE;
	u->orig_rax = -1ull;
}

static bool covers(const struct cpu_access *a, size_t n, uint64_t address, bool writes)
{
	for (size_t i = 0; i < n; i++)
		if (address - a[i].address < a[i].size && (a[i].writes || !writes))
			return true;
	return false;
}

static void miss(unsigned int way, const char *what, uint64_t address,
		 const struct cpu_access *a, size_t n)
{
	if (missed++ >= 20)
		return;
	printf("# way %u, %s %#jx:", way, what, (uintmax_t)address);
	for (int i = 0; i < CPU_CODE_MAX; i++)
		printf(" %02x", CODE[i]);
	for (size_t i = 0; i < n; i++)
		printf(" [%#jx+%u%s%s]", (uintmax_t)a[i].address, a[i].size,
		       a[i].reads ? " r" : "", a[i].writes ? " w" : "");
	printf("\n");
}

static void fault_check(pid_t pid, unsigned int way, const struct cpu_access *a, size_t n)
{
	siginfo_t info;
	uint64_t address;

	/* An address that is none, or an instruction that is not for users: no page is told of. */
	if (ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) < 0 || info.si_code == SI_KERNEL)
		return;
	address = (uintptr_t)info.si_addr;
	told++;
	if (!covers(a, n, address, address - (uintptr_t)READABLE < REGION_SIZE))
		miss(way, "touched", address, a, n);
}

static void stores_check(unsigned int way, const struct cpu_access *a, size_t n)
{
	if (!memcmp(OPEN, before, REGION_SIZE))
		return;
	told++;
	for (size_t i = 0; i < REGION_SIZE; i++)
		if (OPEN[i] != before[i] && !covers(a, n, (uintptr_t)OPEN + i, true)) {
			miss(way, "wrote", (uintptr_t)OPEN + i, a, n);
			break;
		}
	memcpy(OPEN, before, REGION_SIZE);
}

/* Of flags, what stepping itself changes; and the auxiliary carry, which no condition takes. */
#define FLAGS_OF_STEPPING 0x10100ull
#define FLAG_AUXILIARY 0x10ull

static uint64_t register_at(const struct cpu_registers *registers, size_t slot)
{
	return registers->raw[slot] & (slot == offsetof(struct user_regs_struct, eflags) / 8 ?
				       ~(FLAGS_OF_STEPPING | FLAG_AUXILIARY) : ~0ull);
}

/* What it has loaded, which stands there again. */
static const uint64_t *loaded_by(const struct cpu_ahead *ahead,
				 const struct cpu_instruction *instruction, uint64_t *word)
{
	const char *const regions[] = { READABLE, OPEN, (const char *)CODE };
	struct cpu_access load;

	*word = 0;
	if (!cpu_ahead_load(ahead, instruction, &load))
		return NULL;
	for (size_t i = 0; i < 3; i++)
		if (load.address - (uintptr_t)regions[i] <= REGION_SIZE - load.size)
			return memcpy(word, (const char *)(uintptr_t)load.address, load.size);
	return NULL;
}

/* It has come through: is it where it was said to come, with what it was said to have? */
static void ahead_check(pid_t pid, unsigned int way, const struct cpu_instruction *instruction,
			const struct cpu_registers *registers)
{
	struct cpu_ahead ahead = { .registers = *registers };
	struct cpu_registers now = { 0 };
	uint64_t address, word;
	size_t orig_rax = offsetof(struct user_regs_struct, orig_rax) / 8;

	if (cpu_ahead_way(&ahead, instruction, &address) != CPU_WAY_KNOWN)
		return;
	if (cpu_fetch(pid, &now) < 0)
		traced_fail("reading registers");
	cpu_ahead_go(&ahead, instruction, loaded_by(&ahead, instruction, &word), address);
	followed++;
	for (size_t slot = 0; slot < sizeof(struct user_regs_struct) / 8; slot++) {
		if (slot == orig_rax || ahead.unknown >> slot & 1)
			continue;
		known++;
		if (register_at(&now, slot) != register_at(&ahead.registers, slot))
			miss(way, "another register", slot, NULL, 0);
	}
}

static void execute(pid_t pid, const struct cpu_instruction *instruction, unsigned int way)
{
	struct user_regs_struct u;
	struct cpu_registers registers = { 0 };
	struct cpu_access a[CPU_ACCESSES_MAX];
	size_t n;
	int signo;

	registers_set(&u, way);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &u) < 0 ||
	    ptrace(PTRACE_SETFPREGS, pid, NULL, &initial_fp) < 0 || cpu_fetch(pid, &registers) < 0)
		traced_fail("setting registers");
	n = cpu_accesses(instruction, &registers, a);
	if (cpu_step(pid, 0) < 0)
		traced_fail("stepping");
	signo = traced_wait(pid);
	if (!signo)
		traced_fail("waiting for the child");
	executed++;
	if (signo == SIGSEGV)
		fault_check(pid, way, a, n);
	stores_check(way, a, n);
	if (signo == SIGTRAP)
		ahead_check(pid, way, instruction, &registers);
}

/* One way for each encoding, any: neighbours go others. */
static unsigned int way_of(const uint8_t *code, size_t n)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ code[i]) * 16777619;
	return (hash >> 16) % WAYS;
}

/* Bytes behind it are its operands, if it has some; nops follow. */
static void encoding_try(pid_t pid, const uint8_t *code, size_t n)
{
	struct cpu_instruction instruction;

	memset(CODE, 1, 32);
	memcpy(CODE, code, n);
	cpu_decode(CODE, CPU_CODE_MAX, &instruction);
	if (instruction.wild || instruction.system_call)
		return;
	memset(CODE + instruction.length, 0x90, 32);
	if (!memcmp(CODE, "\x0f\x01\xef", 3)) /* wrpkru shuts what should be open */
		return;
	for (unsigned int way = 0; way < WAYS; way++)
		if (every_way || way == way_of(code, n))
			execute(pid, &instruction, way);
}

/* [rbx] with each register or extension, [rbp + 16], [rbx + rcx * 2], [rip + -16 MiB] */
static void operands_try(pid_t pid, uint8_t *code, size_t n)
{
	for (uint8_t reg = 0; reg < 8; reg++) {
		code[n] = (uint8_t)(reg << 3 | 3);
		encoding_try(pid, code, n + 1);
	}
	memcpy(code + n, (uint8_t[]){ 0x75, 16 }, 2);
	encoding_try(pid, code, n + 2);
	memcpy(code + n, (uint8_t[]){ 0x34, 0x4b }, 2);
	encoding_try(pid, code, n + 2);
	memcpy(code + n, (uint8_t[]){ 0x0d, 0, 0, 0, 0xff }, 5);
	encoding_try(pid, code, n + 5);
}

static void legacy_sweep(pid_t pid)
{
	static const uint8_t prefixes[] = { 0, 0x66, 0xf2, 0xf3, 0xf0, 0x67 };
	static const uint8_t maps[][2] = { { 0 }, { 0x0f }, { 0x0f, 0x38 }, { 0x0f, 0x3a } };

	for (size_t p = 0; p < sizeof(prefixes); p++)
		for (int wide = 0; wide < 2; wide++)
			for (size_t m = 0; m < 4; m++)
				for (int opcode = 0; opcode < 256; opcode++) {
					uint8_t code[CPU_CODE_MAX];
					size_t n = 0;

					if (prefixes[p])
						code[n++] = prefixes[p];
					if (wide)
						code[n++] = 0x48;
					for (size_t i = 0; i < 2 && maps[m][i]; i++)
						code[n++] = maps[m][i];
					code[n++] = (uint8_t)opcode;
					operands_try(pid, code, n);
				}
}

static void vex_sweep(pid_t pid)
{
	for (unsigned int v = 0; v < 3 * 4 * 2 * 2 * 256; v++) {
		unsigned int map = 1 + v / 0x1000, pp = v / 0x400 % 4, w = v / 0x200 % 2;
		unsigned int length = v / 0x100 % 2;
		uint8_t code[CPU_CODE_MAX] = {
			0xc4, (uint8_t)(0xe0 | map), (uint8_t)(w << 7 | 0x78 | length << 2 | pp),
			(uint8_t)v,
		};

		operands_try(pid, code, 4);
	}
}

static void evex_sweep(pid_t pid)
{
	for (unsigned int v = 0; v < 3 * 4 * 2 * 2 * 4 * 256; v++) {
		unsigned int map = 1 + v / 0x4000, pp = v / 0x1000 % 4, w = v / 0x800 % 2;
		unsigned int broadcast = v / 0x400 % 2, length = v / 0x100 % 4;
		uint8_t code[CPU_CODE_MAX] = {
			0x62, (uint8_t)(0xf0 | map), (uint8_t)(w << 7 | 0x7c | pp),
			(uint8_t)(length << 5 | broadcast << 4 | 8), (uint8_t)v,
		};

		operands_try(pid, code, 5);
	}
}

static void sweep(pid_t pid, void (*encodings)(pid_t), const char *name)
{
	executed = told = missed = followed = known = 0;
	encodings(pid);
	CHECK_INT(missed, 0, "no access of %s instructions is missed", name);
	CHECK(told > executed / 5, "a fifth of them showed one");
	CHECK(followed > executed / 5 && known > 24 * followed,
	      "a fifth is followed, and most registers are known behind them");
	printf("# %u executed, %u told of an access, %u followed, with %u registers known\n",
	       executed, told, followed, known);
}

/* With an argument each encoding is executed in every way. */
int main(int argc, char **argv)
{
	pid_t pid;

	(void)argv;
	every_way = argc > 1;
	traced_pin();
	regions_make();
	memset(OPEN, 0x5a, REGION_SIZE);
	memcpy(before, OPEN, REGION_SIZE);
	pid = traced_start(child);
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 || traced_wait(pid) != SIGTRAP ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &initial) < 0 ||
	    ptrace(PTRACE_GETFPREGS, pid, NULL, &initial_fp) < 0)
		traced_fail("beginning with the child");
	sweep(pid, legacy_sweep, "legacy");
	sweep(pid, vex_sweep, "VEX");
	sweep(pid, evex_sweep, "EVEX");
	traced_end(pid);
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
