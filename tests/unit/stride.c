/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions at one stop: which ones they are is known before, W stands behind them, a
 * signal on the way is told where it came, and so is that W has gone another way.
 */
#include <stdint.h>

#include "explore/effect.h"
#include "explore/stride.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

static int variable __attribute__((used));

extern const char at_first[], at_fault[], at_store[], at_two[], at_branch[], at_behind[],
	at_call[], at_function[], at_ret[], at_return[], at_unknown[], at_far[], at_flags[],
	at_loop[], at_again[], at_memory[], at_less[], at_sum[], at_seven[], at_data[],
	at_wild[];

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
			 "lea at_wild(%%rip), %%rcx\n"
			 "mov %%rcx, -16(%%rsp)\n"
			 "at_two: mov $2, %%eax\n"
			 "at_branch: jmp at_behind\n"
			 "nop\n"
			 "at_behind: push %%rax\n"
			 "mov %%rax, -64(%%rsp)\n"
			 "at_call: call at_function\n"
			 "at_return: pop %%rax\n"
			 "lea -64(%%rsp), %%rdx\n"
			 "bswap %%rdx\n"
			 "bswap %%rdx\n"
			 "at_unknown: mov %%rax, (%%rdx)\n"
			 "jmp *at_table(%%rip)\n"
			 "at_function: nop\n"
			 "at_ret: ret\n"
			 ".pushsection .data.rel.ro, \"aw\"\n"
			 "at_table: .quad at_far\n"
			 ".popsection\n"
			 "at_far: mov variable(%%rip), %%edx\n"
			 "inc %%edx\n"
			 "at_flags: jz at_first\n"
			 "mov $-3, %%eax\n"
			 "at_loop: inc %%eax\n"
			 "nop\n"
			 "at_again: jnz at_loop\n"
			 "at_memory: mov variable(%%rip), %%edx\n"
			 "cmp $7, %%edx\n"
			 "je at_seven\n"
			 "at_less: lea variable(%%rip), %%rcx\n"
			 "cmp %%rcx, %%rdx\n"
			 "jae at_less\n"
			 "at_sum: addl $3, (%%rcx)\n"
			 "nop\n"
			 "at_seven: nop\n"
			 "at_data: lea variable(%%rip), %%rax\n"
			 "push %%rax\n"
			 "at_wild: ret\n"
			 : : : "rax", "rcx", "rdx", "memory", "cc");
}

static bool is_at(const struct stride *stride, size_t i, const char *place)
{
	return i <= stride->n && stride->points[i].pc == (uintptr_t)place;
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

/* W's own stack, and what leads through memory, as far as nobody else can see or change that. */
static void way_check(struct walker *walker)
{
	uint64_t sp = cpu_sp(&walker->registers);
	struct walk_effect effect;
	struct stride stride;
	size_t n;

	walker->reach.all = true;
	CHECK(stride_plan(&stride, walker) && stride.n == 3 && is_at(&stride, 2, at_behind) &&
	      stride.nstores == 1 && stride.stores[0].address == sp - 8,
	      "what is stored where others can see it is the last");
	walker->reach.all = false;
	CHECK(pc_of(walker) == (uintptr_t)at_two && stride_plan(&stride, walker) &&
	      is_at(&stride, 1, at_branch) && is_at(&stride, 2, at_behind) &&
	      is_at(&stride, 4, at_call) && is_at(&stride, 5, at_function),
	      "a jump, W's own stack and a call are no end");
	CHECK(stride.points[2].sp == sp && stride.points[3].sp == sp - 8 &&
	      stride.points[5].sp == sp - 16, "where the stack pointer is is known as well");
	CHECK(stride.n == 6 && is_at(&stride, 6, at_ret),
	      "a return through what was stored on the way is one");
	CHECK(stride_run(&stride, walker, &effect, &n) == WALK_ON && n == 6 && !effect.changed &&
	      pc_of(walker) == (uintptr_t)at_ret && cpu_sp(&walker->registers) == sp - 16,
	      "W comes there");
	CHECK(stride_plan(&stride, walker) && stride.n == 5 && is_at(&stride, 1, at_return) &&
	      is_at(&stride, 5, at_unknown), "from there it leads back, up to a store that is "
	      "anywhere");
	CHECK(stride_run(&stride, walker, &effect, &n) == WALK_ON && n == 5 &&
	      cpu_sp(&walker->registers) == sp, "W comes there");
	CHECK(stride_plan(&stride, walker) && stride.n == 4 && is_at(&stride, 2, at_far) &&
	      is_at(&stride, 4, at_flags), "now it is known where that is; and a jump through "
	      "memory that nobody may write, but not one by flags to come");
	CHECK(stride_run(&stride, walker, &effect, &n) == WALK_ON && n == 4, "W comes there");
	CHECK(stride_plan(&stride, walker) && stride.n > 2 && is_at(&stride, 2, at_loop),
	      "by flags that it has it does");
}

/* Where it must not go. */
static void end_check(struct walker *walker)
{
	struct cpu_registers before;
	struct walk_effect effect;
	struct stride stride;
	size_t n;

	CHECK_INT(walker_run_to(walker, (uintptr_t)at_loop, 1), WALK_ON,
		  "it is run to a place, and the stride's breakpoint is gone");
	CHECK(stride_plan(&stride, walker) &&
	      stride_run(&stride, walker, &effect, &n) == WALK_ON &&
	      pc_of(walker) == (uintptr_t)at_again, "the next stride sets one anew");
	CHECK(stride_plan(&stride, walker) && stride.n == 2 && is_at(&stride, 1, at_loop),
	      "a jump back leads to where W has been, once");
	CHECK_INT(walker_run_to(walker, (uintptr_t)at_data, 1), WALK_ON, "W goes on");
	before = walker->registers;
	CHECK(stride_plan(&stride, walker) &&
	      stride_run(&stride, walker, &effect, &n) == WALK_ON &&
	      pc_of(walker) == (uintptr_t)at_wild, "a return address is pushed");
	CHECK(!stride_plan(&stride, walker) && stride.n == 0, "where there is no code that nobody "
	      "may write a stride does not lead");
	for (size_t i = 0; i < walker->reach.nconstant; i++)
		if (walker->reach.constant[i].start < (uintptr_t)at_data &&
		    walker->reach.constant[i].end > (uintptr_t)at_data)
			walker->reach.constant[i].start = (uintptr_t)at_data + 1;
	walker->registers = before;
	CHECK(!stride_plan(&stride, walker) && stride.n == 0, "nor does it begin elsewhere");
}

static void variable_set(const struct walker *walker, long value)
{
	if (ptrace(PTRACE_POKEDATA, walker->pid, &variable, value) < 0)
		traced_fail("writing memory");
}

/*
 * W goes by memory that others can see, which stands there already; between plan and run somebody
 * stores another number.
 */
static void memory_check(const struct control *control, long other, enum walk_state state,
			 const char *what)
{
	struct walk_effect effect;
	struct stride stride;
	struct walker walker;
	size_t n;

	walker_make(&walker, control);
	mend(&walker);
	CHECK_INT(walker_run_to(&walker, (uintptr_t)at_memory, 1), WALK_ON, "W goes by memory");
	variable_set(&walker, 5);
	CHECK(stride_plan(&stride, &walker) && stride.n == 7 && is_at(&stride, 3, at_less) &&
	      is_at(&stride, 6, at_sum) && stride.nstores == 1 &&
	      stride.stores[0].address == (uintptr_t)&variable,
	      "what it compares is known, and where it stores then");
	variable_set(&walker, other);
	CHECK_INT(stride_run(&stride, &walker, &effect, &n), state, "%s", what);
	if (state == WALK_ON)
		CHECK(n == 7 && effect.changed && walker.nstores == 1,
		      "and that it stored another number is seen");
	kill(walker.pid, SIGKILL);
	walker_end(&walker);
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
	CHECK_INT(stride.n, 6, "as many as there are with the store");
	CHECK(is_at(&stride, 0, at_first) && is_at(&stride, 3, at_fault) &&
	      is_at(&stride, 5, at_store), "and where");
	walker.leave_pc = (uintptr_t)at_fault;
	CHECK(stride_plan(&stride, &walker) && stride.n == 2, "none leads to the window's end");
	walker.leave_pc = 0;
	stride_plan(&stride, &walker);
	CHECK_INT(stride_run(&stride, &walker, &effect, &n), WALK_ON, "W is on its way");
	CHECK(n == 3 && !effect.changed, "and is stopped by a signal, before the store");
	CHECK(pc_of(&walker) == (uintptr_t)at_fault && walker.signo == SIGSEGV, "at the fault");
	CHECK(!stride_plan(&stride, &walker), "a signal that it has to get is stepped into");
	mend(&walker);
	CHECK(stride_plan(&stride, &walker) && stride.n == 3, "from there on there are three");
	CHECK_INT(stride_run(&stride, &walker, &effect, &n), WALK_ON, "W goes on");
	CHECK(n == 3 && effect.changed && walker.nstores == 1 && walker.stores_known &&
	      walker.stores[0].address == (uintptr_t)&variable,
	      "behind the store, of which it is told that it has changed something");
	CHECK_INT(walker_run_to(&walker, (uintptr_t)at_two, 1), WALK_ON, "there is an address "
		  "where a call will store another");
	way_check(&walker);
	end_check(&walker);
	kill(walker.pid, SIGKILL);
	walker_end(&walker);
	memory_check(&control, 5, WALK_ON, "W comes there");
	memory_check(&control, 7, WALK_ASTRAY, "it is told that W went another way");
	memory_check(&control, 6, WALK_ASTRAY, "and that it has another number on the same way");
	return tap_done();
}

#else

int main(void)
{
	printf("1..0 # SKIP there is no stepping on this machine yet\n");
	return 0;
}

#endif
