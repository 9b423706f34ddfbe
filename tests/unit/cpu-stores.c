/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreseen stores against all writable memory of a child that goes through chosen instructions and
 * libc step by step: each byte that changed must have been foreseen.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/errors.h"
#include "explore/cpu.h"
#include "observe/maps.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

/* What the child does in view */

static char bytes[256] __attribute__((aligned(64)));
static __thread volatile int own = 1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) static void view_begins(void)
{
	__asm__ volatile("int3");
}

__attribute__((noinline)) static void view_ends(void)
{
	__asm__ volatile("");
}

static void rep_stos(size_t times)
{
	char *to = bytes + 64;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(times) : "a"(0x31) : "memory");
}

static void rep_movs(size_t times)
{
	char *to = bytes + 128, *from = bytes + 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(times) : : "memory");
}

static void do_chosen(void)
{
	uint64_t word = 5, old = 5;

	rep_stos(0);
	rep_stos(1);
	rep_stos(5);
	rep_movs(0);
	rep_movs(1);
	rep_movs(5);
	__asm__ volatile("std; rep movsb; cld"
			 : "+D"((char *){ bytes + 200 }), "+S"((char *){ bytes + 90 }),
			   "+c"((size_t){ 3 }) : : "memory");
	__asm__ volatile("lock cmpxchg %2, %1" : "+a"(old), "+m"(word) : "r"(7ul) : "memory");
	__asm__ volatile("lock cmpxchg %2, %1" : "+a"(old), "+m"(word) : "r"(9ul) : "memory");
	__asm__ volatile("xchg %0, %1" : "+r"(old), "+m"(word));
	__asm__ volatile("btsq %1, (%0)" : : "r"(bytes + 64), "r"(-100l) : "memory", "cc");
	__asm__ volatile("btcl %1, (%0)" : : "r"(bytes + 64), "r"(901) : "memory", "cc");
	__asm__ volatile("sub $128, %%rsp; push %0; pop 8(%%rsp); pushw $3; popw (%%rsp)\n"
			 "push 16(%%rsp); lea 8(%%rsp), %%rsp; enter $32, $0; leave\n"
			 "add $128, %%rsp" : : "r"(word) : "memory", "cc");
	__asm__ volatile("movaps %%xmm0, %0; movq %%xmm1, 17+%0; movntps %%xmm0, 32+%0"
			 : "=m"(*bytes) : : "memory");
	__asm__ volatile("fxsave64 %0" : "=m"(*(char (*)[512])__builtin_alloca_with_align(512, 512))
			 : : "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vmovups %%ymm0, 3+%0; vmaskmovps %%ymm0, %%ymm1, 64+%0;"
				 "vzeroupper" : "=m"(*bytes) : : "memory");
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile("vpternlogd $255, %%zmm9, %%zmm9, %%zmm9; kmovw %1, %%k1\n"
				 "vmovdqu32 %%zmm9, 64+%0%{%%k1%}; vmovups %%zmm9, 128+%0\n"
				 "vpcompressd %%zmm9, 5+%0%{%%k1%}; vzeroupper"
				 : "=m"(*bytes) : "r"(0x1234) : "memory");
	own += 4;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void do_libc(void)
{
	static jmp_buf back;
	static char text[200];
	int v[64];
	char *volatile blocks[8];

	for (size_t i = 0; i < 8; i++)
		blocks[i] = memset(malloc(24 << i), (int)i, 24u << i);
	for (size_t i = 0; i < 8; i += 2)
		blocks[i] = realloc(blocks[i], 40u << i);
	memmove(blocks[7] + 3, blocks[7], 2000);
	memcpy(blocks[6], blocks[7], 777);
	for (size_t i = 0; i < 8; i++)
		free(blocks[i]);
	for (int i = 0; i < 64; i++)
		v[i] = i * 37 % 64;
	qsort(v, 64, sizeof(v[0]), compare);
	snprintf(text, sizeof(text), "%d %s %.6f %p %lx", v[7], "words", sqrt(2.0 + own),
		 (void *)text, strtoul("12345", NULL, 10));
	if (!setjmp(back))
		longjmp(back, 1);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	bytes[0] = (char)(strtod(text + 3, NULL) + (double)strlen(text) + (double)getppid());
	free(strdup(text));
}

static void child(void)
{
	memset(__builtin_alloca(1 << 16), 1, 1 << 16); /* so that the stack need not grow */
	view_begins();
	do_chosen();
	do_libc();
	view_ends();
}

/* All of its writable memory, now and a step ago */

static struct maps maps;
static char *now, *then;
static size_t total;

static void memory_read(pid_t pid, char *to)
{
	for (size_t i = 0; i < maps.nranges; i++) {
		size_t size = maps.ranges[i].end - maps.ranges[i].start;
		struct iovec local = { to, size };
		struct iovec remote = { (void *)(uintptr_t)maps.ranges[i].start, size };

		if (!maps.ranges[i].writable)
			continue;
		if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)size)
			traced_fail("reading memory");
		to += size;
	}
}

/* After a system call: what is mapped may have changed. */
static void memory_begin(pid_t pid)
{
	maps_release(&maps);
	if (maps_read(&maps, pid) < 0)
		traced_fail("reading maps");
	total = 0;
	for (size_t i = 0; i < maps.nranges; i++)
		if (maps.ranges[i].writable)
			total += maps.ranges[i].end - maps.ranges[i].start;
	now = xrealloc(now, total);
	then = xrealloc(then, total);
	memory_read(pid, then);
}

static uint64_t memory_address(size_t offset)
{
	for (size_t i = 0; i < maps.nranges; i++) {
		size_t size = maps.ranges[i].end - maps.ranges[i].start;

		if (!maps.ranges[i].writable)
			continue;
		if (offset < size)
			return maps.ranges[i].start + offset;
		offset -= size;
	}
	return 0;
}

static bool is_foreseen(uint64_t address, const struct cpu_access *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].writes && address - a[i].address < a[i].size)
			return true;
	return false;
}

/* Bytes that changed, and nobody foresaw it; *changed if any did. */
static unsigned int memory_compare(pid_t pid, const struct cpu_access *a, size_t n, bool *changed)
{
	unsigned int surprises = 0;
	char *swap = now;

	memory_read(pid, now);
	*changed = memcmp(now, then, total) != 0;
	for (size_t i = 0; *changed && i < total; i++)
		if (now[i] != then[i] && !is_foreseen(memory_address(i), a, n))
			surprises++;
	now = then;
	then = swap;
	return surprises;
}

struct tally {
	unsigned int steps, stores, calls, wild, surprises;
};

static bool view_step(pid_t pid, struct tally *tally)
{
	struct cpu_registers registers;
	struct cpu_instruction instruction;
	struct cpu_access a[CPU_ACCESSES_MAX];
	unsigned int surprises;
	bool changed;
	size_t n;

	if (cpu_fetch(pid, &registers) < 0 || cpu_pc(&registers) == (uintptr_t)view_ends)
		return false;
	/* The child's code is this program's, too. */
	cpu_decode((const uint8_t *)(uintptr_t)cpu_pc(&registers), CPU_CODE_MAX, &instruction);
	n = cpu_accesses(&instruction, &registers, a);
	if (cpu_step(pid, 0) < 0 || traced_wait(pid) != SIGTRAP)
		return false;
	tally->steps++;
	tally->calls += instruction.system_call;
	tally->wild += instruction.wild;
	if (instruction.system_call) {
		memory_begin(pid);
		return true;
	}
	surprises = memory_compare(pid, a, n, &changed);
	tally->stores += changed;
	tally->surprises += surprises;
	if (surprises)
		printf("# %u bytes unforeseen at %#jx\n", surprises, (uintmax_t)cpu_pc(&registers));
	return true;
}

static void view_check(void)
{
	pid_t pid = traced_start(child);
	struct tally tally = { 0 };
	struct cpu_registers registers;

	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 || traced_wait(pid) != SIGTRAP)
		traced_fail("beginning with the child");
	memory_begin(pid);
	while (view_step(pid, &tally))
		;
	printf("# %u steps, %u changed memory of %zu bytes, %u system calls, %u wild\n",
	       tally.steps, tally.stores, total, tally.calls, tally.wild);
	CHECK(cpu_fetch(pid, &registers) == 0 && cpu_pc(&registers) == (uintptr_t)view_ends,
	      "the child was stepped to its end");
	CHECK(tally.steps > 5000 && tally.stores > 1000 && tally.calls > 0, "and had much to do");
	CHECK_INT(tally.surprises, 0, "each byte that changed was foreseen");
	CHECK_INT(tally.wild, 0, "without calling anything wild");
	traced_end(pid);
	maps_release(&maps);
	free(now);
	free(then);
}

int main(void)
{
	traced_pin(); /* the kernel writes the processor's number into a thread's rseq area */
	view_check();
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
