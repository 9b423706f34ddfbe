/* SPDX-License-Identifier: Apache-2.0 */
/* What is W's alone, and what nobody can change, of a real process that stands still. */
#include <stdint.h>

#include "explore/cpu.h"
#include "explore/reach.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

/*
 * Depths below the stack pointer, far enough from each other and from what frames above it may have
 * stored of frames that are gone.
 */
#define DEPTH_KNOWN 400000
#define DEPTH_LATER 700000
#define DEPTH_ELSE 900000
#define DEPTH_ALL (1 << 20)

static volatile uintptr_t known;
static const char constant[32] = "nobody writes here";
static char variable[32];

__attribute__((noinline)) static void stack_touch(void)
{
	memset(__builtin_alloca(DEPTH_ALL), 0, DEPTH_ALL);
	__asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) static void child(void)
{
	stack_touch();
	__asm__ volatile("int3");
	known = (uintptr_t)__builtin_frame_address(0) - DEPTH_KNOWN;
	__asm__ volatile("int3");
	known = 0;
	/* No pointer is stored in two halves, and this is no pointer. */
	memcpy(variable + 4, &(uintptr_t){ (uintptr_t)__builtin_frame_address(0) - DEPTH_KNOWN },
	       sizeof(uintptr_t));
	__asm__ volatile("int3");
}

/* On to its next trap, and what can be seen of it there. */
static uint64_t look(pid_t pid, struct reach *reach)
{
	struct pagecopy copy = { .nareas = 0 };
	struct cpu_registers registers;
	struct strbuf why = STRBUF_INIT;

	reach_release(reach);
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 || traced_wait(pid) != SIGTRAP ||
	    cpu_fetch(pid, &registers) < 0)
		traced_fail("going on with the child");
	if (pagecopy_take(&copy, pid, getpid(), &why) < 0)
		traced_fail("reading the child's memory");
	reach_begin(reach, &copy, cpu_sp(&registers));
	pagecopy_release(&copy);
	strbuf_release(&why);
	CHECK_INT(reach->high, cpu_sp(&registers) & ~7ull, "down from its stack pointer");
	return cpu_sp(&registers);
}

static void stack_check(struct reach *reach, uint64_t sp)
{
	CHECK(!reach_is_private(reach, sp, 8), "the frame that entered the window is not private");
	CHECK(!reach_is_private(reach, sp - 4, 8), "nor what reaches into it");
	CHECK(!reach_is_private(reach, (uintptr_t)variable, 8), "nor what is no stack");
	CHECK(!reach_is_private(reach, reach->low - 8, 8), "nor what is below the stack");
	CHECK(!reach_is_private(reach, reach->low - 4, 8), "nor what reaches below it");
	CHECK(reach_is_private(reach, sp - DEPTH_ELSE, 64), "what is deep in it is");
}

static void zone_check(const struct reach *reach, uint64_t at, bool seen, const char *when)
{
	CHECK_INT(reach_is_private(reach, at, 8), !seen, "%s: the place itself", when);
	CHECK_INT(reach_is_private(reach, at + REACH_ZONE - 64, 8), !seen, "%s: above it", when);
	CHECK_INT(reach_is_private(reach, at - REACH_ZONE + 64, 8), !seen, "%s: below it", when);
	CHECK(reach_is_private(reach, at + REACH_ZONE + 4096, 8) &&
	      reach_is_private(reach, at - REACH_ZONE - 4096, 8), "%s: not far from it", when);
}

static void stored_check(struct reach *reach, uint64_t sp)
{
	uint64_t at = sp - DEPTH_LATER, words[3] = { 0, at, 0 };

	reach_stored(reach, (uintptr_t)variable, &at, 4);
	reach_stored(reach, (uintptr_t)variable + 4, &at, 8);
	zone_check(reach, at, false, "half a pointer, or one that is not aligned, was stored");
	reach_stored(reach, (uintptr_t)variable + 4, (char *)words + 4, 20);
	zone_check(reach, at, true, "an address was stored in the middle of others");
	for (uint64_t i = 0; i < 4 * REACH_ZONES_MAX; i++) {
		words[0] = at + 8 * i;
		reach_stored(reach, (uintptr_t)variable, words, 8);
	}
	zone_check(reach, at, true, "neighbours of it were stored, too");
	for (uint64_t i = 0; i < 2 * REACH_ZONES_MAX; i++) {
		words[0] = reach->low + i % 2 * 4096;
		reach_stored(reach, (uintptr_t)variable, words, 8);
	}
	CHECK(reach_is_private(reach, sp - DEPTH_KNOWN, 8), "the same ones are found but once");
	reach_lost(reach);
	CHECK(!reach_is_private(reach, sp - DEPTH_KNOWN, 8), "what is lost is not private");
}

static void constant_check(const struct reach *reach)
{
	uint64_t end = reach->constant[0].end;

	CHECK(reach_is_constant(reach, (uintptr_t)constant, sizeof(constant)), "constants are so");
	CHECK(reach_is_constant(reach, (uintptr_t)child, 16), "and code");
	CHECK(reach_is_constant(reach, (uintptr_t)strlen, 16), "and that of a library");
	CHECK(!reach_is_constant(reach, (uintptr_t)variable, 8), "a variable is not");
	CHECK(!reach_is_constant(reach, (uintptr_t)&end, 8), "nor is a stack");
	CHECK(!reach_is_constant(reach, 8, 8), "nor what is not there");
	CHECK(!reach_is_constant(reach, reach->constant[reach->nconstant - 1].end, 8),
	      "nor what is behind all");
	CHECK(reach_is_constant(reach, end - 8, 8) && !reach_is_constant(reach, end - 4, 8),
	      "it has an end");
}

int main(void)
{
	struct reach reach = { 0 };
	pid_t pid = traced_start(child);
	uint64_t sp = look(pid, &reach);

	stack_check(&reach, sp);
	zone_check(&reach, sp - DEPTH_KNOWN, false, "nobody knows of a place in it");
	constant_check(&reach);
	sp = look(pid, &reach);
	/* The address is that of the child's frame, which is near its stack pointer. */
	zone_check(&reach, sp - DEPTH_KNOWN, true, "a variable knows of a place");
	sp = look(pid, &reach);
	zone_check(&reach, sp - DEPTH_KNOWN, false, "what is not aligned is no address");
	stored_check(&reach, sp);
	reach_release(&reach);
	traced_end(pid);
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
