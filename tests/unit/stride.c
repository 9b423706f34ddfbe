/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions at one stop: which ones they are is known before, W stands behind them, and
 * a signal on the way is told where it came.
 */
#include <stdint.h>

#include "explore/effect.h"
#include "explore/stride.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

static int variable __attribute__((used));

extern const char at_first[], at_fault[], at_store[], at_branch[], at_behind[], at_push[],
	at_loop[], at_again[];

static void child(void)
{
	__asm__ volatile("xor %%ecx, %%ecx\n"
			 "int3\n"
			 "at_first: mov $1, %%eax\n"
			 "lea 8(%%rax), %%rdx\n"
			 "mov variable(%%rip), %%edx\n"
			 "at_fault: mov (%%rcx), %%ecx\n"
			 "add %%ecx, %%eax\n"
			 "at_store: mov %%eax, variable(%%rip)\n"
			 "mov $2, %%eax\n"
			 "at_branch: jmp at_behind\n"
			 "nop\n"
			 "at_behind: nop\n"
			 "nop\n"
			 "at_push: push %%rax\n"
			 "pop %%rax\n"
			 "xor %%eax, %%eax\n"
			 "at_loop: inc %%eax\n"
			 "nop\n"
			 "at_again: jnz at_loop\n"
			 : : : "rax", "rcx", "rdx", "memory", "cc");
}

static void walker_make(struct walker *walker, const struct control *control)
{
	struct strbuf err = STRBUF_INIT;

	*walker = (struct walker){ .control = control, .attached = true };
	walker->pid = walker->tid = traced_start(child);
	if (ptrace(PTRACE_CONT, walker->pid, NULL, NULL) < 0 ||
	    traced_wait(walker->pid) != SIGTRAP || cpu_fetch(walker->tid, &walker->registers) < 0 ||
	    walker_observe(walker, &err) < 0)
		traced_fail("beginning with the child");
	strbuf_release(&err);
}

static uint64_t pc_of(const struct walker *walker)
{
	return cpu_pc(&walker->registers);
}

/* As the program would, which has no handler: the register gets an address that is good. */
static void mend(struct walker *walker)
{
	walker->signo = 0;
	if (cpu_rounds_set(walker->tid, &walker->registers, pc_of(walker),
			   (uintptr_t)&variable) < 0)
		traced_fail("setting a register");
}

int main(void)
{
	static struct control control;
	struct walk_effect effect;
	struct stride stride;
	struct walker walker;
	size_t n = 0;

	walker_make(&walker, &control);
	CHECK(pc_of(&walker) == (uintptr_t)at_first, "W stands before them");
	CHECK(stride_plan(&stride, &walker), "there are some");
	CHECK_INT(stride.n, 5, "as many as there are up to the store");
	CHECK(stride.pcs[0] == (uintptr_t)at_first && stride.pcs[3] == (uintptr_t)at_fault &&
	      stride.pcs[5] == (uintptr_t)at_store, "and where");
	walker.leave_pc = (uintptr_t)at_fault;
	CHECK(stride_plan(&stride, &walker) && stride.n == 2, "none leads to the window's end");
	walker.leave_pc = 0;
	stride_plan(&stride, &walker);
	CHECK_INT(stride_run(&stride, &walker, &n), WALK_ON, "W is on its way");
	CHECK_INT(n, 3, "and is stopped by a signal");
	CHECK(pc_of(&walker) == (uintptr_t)at_fault && walker.signo == SIGSEGV, "at the fault");
	CHECK(!stride_plan(&stride, &walker), "a signal that it has to get is stepped into");
	mend(&walker);
	CHECK(stride_plan(&stride, &walker) && stride.n == 2, "from there on there are two");
	CHECK_INT(stride_run(&stride, &walker, &n), WALK_ON, "W goes on");
	CHECK(n == 2 && pc_of(&walker) == (uintptr_t)at_store, "up to the store");
	CHECK(!stride_plan(&stride, &walker), "which is none of them");
	CHECK(walker_step(&walker, &effect) == WALK_ON && effect.changed, "but a step of its own");
	CHECK(!stride_plan(&stride, &walker), "a single one is stepped, too");
	walker_step(&walker, &effect);
	CHECK(pc_of(&walker) == (uintptr_t)at_branch && stride_plan(&stride, &walker) &&
	      stride.n == 3 && stride.pcs[1] == (uintptr_t)at_behind,
	      "a jump before which it stands leads on");
	CHECK(stride_run(&stride, &walker, &n) == WALK_ON && n == 3 &&
	      pc_of(&walker) == (uintptr_t)at_push && !stride_plan(&stride, &walker),
	      "up to what moves the stack pointer");
	CHECK_INT(walker_run_to(&walker, (uintptr_t)at_loop, 1), WALK_ON,
		  "it is run to a place, and the stride's breakpoint is gone");
	CHECK(stride_plan(&stride, &walker) && stride_run(&stride, &walker, &n) == WALK_ON &&
	      pc_of(&walker) == (uintptr_t)at_again, "the next stride sets one anew");
	CHECK(stride_plan(&stride, &walker) && stride.n == 2 &&
	      stride.pcs[1] == (uintptr_t)at_loop, "a jump back leads to where W has been, once");
	walker.reach.nconstant = 0;
	CHECK(!stride_plan(&stride, &walker), "code that somebody may write is stepped");
	kill(walker.pid, SIGKILL);
	walker_end(&walker);
	return tap_done();
}

#else

int main(void)
{
	printf("1..0 # SKIP there is no stepping on this machine yet\n");
	return 0;
}

#endif
