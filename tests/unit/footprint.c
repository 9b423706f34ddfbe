/* SPDX-License-Identifier: Apache-2.0 */
/* Which accesses depend on a footprint, and what of it the kernel leaves in a system call. */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "explore/footprint.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#define PLACE 0x10000ull

static bool meets(const struct footprint *footprint, uint64_t address, uint32_t size, bool writes)
{
	struct cpu_access access = { address, size, !writes, writes };

	return footprint_meets(footprint, &access);
}

static void dependence_check(void)
{
	struct footprint f = { .n = 0 };

	CHECK(!meets(&f, PLACE, 8, true), "nothing depends on one who has met nothing");
	footprint_add(&f, PLACE, 8, false);
	CHECK(!meets(&f, PLACE, 8, false), "two reads are independent");
	CHECK(meets(&f, PLACE, 8, true), "a write depends on a read");
	footprint_add(&f, PLACE + 8, 8, true);
	CHECK(meets(&f, PLACE + 8, 8, false), "a read depends on a write");
	CHECK(meets(&f, PLACE + 8, 8, true), "two writes depend on each other");
	CHECK(!meets(&f, PLACE + 16, 8, true) && !meets(&f, PLACE - 8, 8, true),
	      "neighbours are independent");
	footprint_add(&f, PLACE, 8, true);
	footprint_add(&f, PLACE, 8, false);
	CHECK(meets(&f, PLACE, 8, false), "what is written and read is still written");
	CHECK_INT(f.n, 2, "a word counts once");
	footprint_release(&f);
	CHECK(!meets(&f, PLACE, 8, true), "released, it is as at first");
}

static void size_check(void)
{
	struct footprint f = { .n = 0 };

	footprint_add(&f, PLACE + 1, 1, true);
	CHECK(meets(&f, PLACE + 6, 2, false), "bytes of one word are taken for one another");
	CHECK(!meets(&f, PLACE + 8, 1, true), "those of the next are not");
	CHECK(meets(&f, PLACE - 1, 2, false), "an access may reach into the word");
	CHECK(meets(&f, PLACE - 64, 128, false), "and across it");
	CHECK(!meets(&f, PLACE - 64, 64, true) && !meets(&f, PLACE, 0, true), "or end before it");
	footprint_release(&f);
	footprint_add(&f, PLACE + 4, 16, true);
	CHECK_INT(f.n, 3, "what spans words is in each of them");
	CHECK(meets(&f, PLACE, 4, false) && meets(&f, PLACE + 15, 1, false) &&
	      meets(&f, PLACE + 20, 1, false) && !meets(&f, PLACE + 24, 1, true),
	      "from its first byte to its last");
	footprint_release(&f);
	footprint_add(&f, PLACE, 0, true);
	CHECK_INT(f.n, 0, "nothing is nowhere");
	footprint_release(&f);
}

/* Page by page and close together, as stacks and heaps are; none of the gaps between. */
static void growth_check(void)
{
	enum { WORDS = 10000, STRIDE = 4096 + 16 };
	struct footprint f = { .n = 0 };
	unsigned int found = 0, invented = 0;

	for (uint64_t i = 0; i < WORDS; i++)
		footprint_add(&f, PLACE + i * STRIDE, 8, i % 2);
	CHECK_INT(f.n, WORDS, "%d words are added", WORDS);
	for (uint64_t i = 0; i < WORDS; i++) {
		uint64_t address = PLACE + i * STRIDE;

		found += meets(&f, address, 8, true) && meets(&f, address, 8, false) == i % 2;
		invented += meets(&f, address + 8, 8, true) || meets(&f, address - 8, 8, true);
	}
	CHECK_INT(found, WORDS, "each is found, as what it was added");
	CHECK_INT(invented, 0, "and no other");
	footprint_release(&f);
}

/* System calls that a child is about to make, and what it meets in them, if that is known. */

#define LIMIT (PLACE + 0x1000)
#define SET (PLACE + 0x2000)
#define OLD (PLACE + 0x3000)

struct known {
	const char *what;
	long number, arguments[4];
	bool known, limited;
	struct cpu_access met[2];
};

#define PRIVATE FUTEX_PRIVATE_FLAG
#define READS(at, size) { (at), (size), true, false }
#define WRITES(at, size) { (at), (size), false, true }

static const struct known calls[] = {
	{ "a wait in a futex", SYS_futex, { PLACE, FUTEX_WAIT }, true, false,
	  { READS(PLACE, 4) } },
	{ "a wait with a time limit", SYS_futex, { PLACE, FUTEX_WAIT, 0, LIMIT }, true, true,
	  { READS(PLACE, 4), READS(LIMIT, 16) } },
	{ "a private wait", SYS_futex, { PLACE, FUTEX_WAIT | PRIVATE }, true, false,
	  { READS(PLACE, 4) } },
	{ "a wait until a time", SYS_futex,
	  { PLACE, FUTEX_WAIT_BITSET | PRIVATE | FUTEX_CLOCK_REALTIME, 0, LIMIT }, true, true,
	  { READS(PLACE, 4), READS(LIMIT, 16) } },
	{ "a wait by bits", SYS_futex, { PLACE, FUTEX_WAIT_BITSET }, true, false,
	  { READS(PLACE, 4) } },
	{ "a wake", SYS_futex, { PLACE, FUTEX_WAKE | PRIVATE, 1, LIMIT }, true, false,
	  { READS(PLACE, 4) } },
	{ "a wake by bits", SYS_futex, { PLACE, FUTEX_WAKE_BITSET, 1 }, true, false,
	  { READS(PLACE, 4) } },
	{ "a wake with an operation", SYS_futex, { PLACE, FUTEX_WAKE_OP, 1, 1 }, .known = false },
	{ "a lock that inherits priority", SYS_futex, { PLACE, FUTEX_LOCK_PI, 0, LIMIT },
	  .known = false },
	{ "a requeue", SYS_futex, { PLACE, FUTEX_CMP_REQUEUE, 1, 1 }, .known = false },
	{ "a look at the signal mask", SYS_rt_sigprocmask, { 0, 0, OLD, 8 }, true, false,
	  { WRITES(OLD, 8) } },
	{ "a change of the signal mask", SYS_rt_sigprocmask, { 0, SET, 0, 8 }, true, false,
	  { READS(SET, 8) } },
	{ "an exchange of it", SYS_rt_sigprocmask, { 0, SET, OLD, 8 }, true, false,
	  { READS(SET, 8), WRITES(OLD, 8) } },
	{ "a look at the clock", SYS_clock_gettime, { 0, PLACE }, true, false,
	  { WRITES(PLACE, 16) } },
	{ "a process's question who it is", SYS_getpid, { PLACE }, true, false, { READS(0, 0) } },
	{ "a thread's", SYS_gettid, { PLACE }, true, false, { READS(0, 0) } },
	{ "a mapping", SYS_mmap, { 0, 4096, 0, 0 }, .known = false },
	{ "a new thread", SYS_clone, { 0, PLACE }, .known = false },
	{ "a message", SYS_write, { 1, PLACE, 1 }, .known = false },
};

#define NCALLS (sizeof(calls) / sizeof(calls[0]))

static void child(void)
{
	for (size_t i = 0; i < NCALLS; i++)
		syscall(calls[i].number, calls[i].arguments[0], calls[i].arguments[1],
			calls[i].arguments[2], calls[i].arguments[3]);
}

static void step(pid_t pid)
{
	if (cpu_step(pid, 0) < 0 || traced_wait(pid) != SIGTRAP)
		traced_fail("stepping");
}

/* Bring the child before its next system call; returns that instruction's length. */
static unsigned int before_call(pid_t pid, struct cpu_registers *registers)
{
	struct cpu_instruction instruction;

	for (;;) {
		if (cpu_fetch(pid, registers) < 0)
			traced_fail("reading registers");
		cpu_decode((const uint8_t *)(uintptr_t)cpu_pc(registers), CPU_CODE_MAX,
			   &instruction);
		if (instruction.system_call)
			return instruction.length;
		step(pid);
	}
}

static void call_check(const struct known *call, const struct cpu_registers *registers)
{
	struct footprint f = { .n = 0 };
	size_t words = 0;

	CHECK(cpu_call(registers) == call->number, "%s is stood before", call->what);
	CHECK_INT(footprint_call_has_limit(registers), call->limited, "has it a time limit?");
	CHECK_INT(footprint_add_call(&f, registers), call->known, "is it known what it does?");
	for (size_t i = 0; call->known && i < 2; i++) {
		const struct cpu_access *met = &call->met[i];

		if (!met->size)
			continue;
		CHECK(meets(&f, met->address, 1, true) &&
		      meets(&f, met->address + met->size - 1, 1, true), "what it meets");
		CHECK_INT(meets(&f, met->address, met->size, false), met->writes, "it writes?");
		words += (met->size + 7) / 8;
	}
	if (call->known)
		CHECK_INT(f.n, words, "it meets nothing else");
	footprint_release(&f);
}

/* None is made: the child is put behind each. */
static void calls_check(void)
{
	pid_t pid = traced_start(child);
	struct cpu_registers registers;

	for (size_t i = 0; i < NCALLS;) {
		unsigned int length = before_call(pid, &registers);

		if (!i && cpu_call(&registers) != calls[0].number) {
			step(pid); /* what is left of its stop */
			continue;
		}
		call_check(&calls[i++], &registers);
		if (cpu_rounds_set(pid, &registers, cpu_pc(&registers) + length, 0) < 0)
			traced_fail("leaving a call out");
	}
	traced_end(pid);
}

int main(void)
{
	dependence_check();
	size_check();
	growth_check();
	if (cpu_supported())
		calls_check();
	return tap_done();
}
