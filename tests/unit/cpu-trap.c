/* SPDX-License-Identifier: Apache-2.0 */
/* Single steps, breakpoints and watched words of a traced thread, and what its traps tell. */
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "explore/cpu.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

#define OTHERS_TURNS 1000

/* Shared, so that this program sees what the child does. */
static struct shared {
	volatile int turns, others_turns, forked_well, handled;
	volatile uint64_t word __attribute__((aligned(8)));
} *shared;

__attribute__((noinline)) static void target(volatile int *turns)
{
	++*turns;
}

static void *other(void *unused)
{
	for (int i = 0; i < OTHERS_TURNS; i++)
		target(&shared->others_turns);
	return unused;
}

static void handle(int signo)
{
	(void)signo;
	shared->handled++;
}

__attribute__((noinline)) static void milestone(void)
{
	__asm__ volatile("int3");
}

static void child(void)
{
	pthread_t thread;
	pid_t forked;
	int status = -1;

	signal(SIGUSR1, handle);
	milestone();
	if (pthread_create(&thread, NULL, other, NULL) == 0)
		pthread_join(thread, NULL);
	forked = fork();
	if (forked == 0) {
		target(&shared->others_turns);
		_exit(42);
	}
	waitpid(forked, &status, 0);
	shared->forked_well = WIFEXITED(status) && WEXITSTATUS(status) == 42;
	target(&shared->turns);
	target(&shared->turns);
	target(&shared->turns);
	milestone();
	milestone();
	shared->word = 1;
	milestone();
	(void)shared->word;
	milestone();
	((volatile uint8_t *)&shared->word)[3] = 7;
	((volatile uint8_t *)&shared->word)[7] = 7;
	milestone();
	getppid();
	milestone();
}

static uint64_t place(pid_t pid)
{
	struct cpu_registers registers;

	if (cpu_fetch(pid, &registers) < 0)
		traced_fail("reading registers");
	return cpu_pc(&registers);
}

static unsigned int cause_of(pid_t pid)
{
	unsigned int cause = ~0u;

	if (cpu_trap_cause(pid, &cause) < 0)
		traced_fail("reading the cause");
	return cause;
}

/* On to the next trap, whose cause is returned. */
static unsigned int go_on(pid_t pid)
{
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0)
		return ~0u;
	for (int signo; (signo = traced_wait(pid)) != SIGTRAP;)
		if (!signo || ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)signo) < 0)
			return ~0u;
	return cause_of(pid);
}

static unsigned int step(pid_t pid, int signo)
{
	if (cpu_step(pid, signo) < 0 || traced_wait(pid) != SIGTRAP)
		return ~0u;
	return cause_of(pid);
}

static void break_check(pid_t pid)
{
	const uint64_t address = (uintptr_t)target;

	CHECK_INT(go_on(pid), 0, "a trap of the program's own has none of these causes");
	CHECK_INT(cpu_break_set(pid, address), 0, "a breakpoint is set");
	CHECK_INT(go_on(pid), CPU_TRAP_BREAK, "it is come by");
	CHECK_INT(shared->others_turns, OTHERS_TURNS + 1, "other threads and processes pass it");
	CHECK(shared->forked_well, "and end well");
	CHECK(place(pid) == address && shared->turns == 0, "the thread stands before it");
	CHECK_INT(cause_of(pid), 0, "the cause is told once");
	CHECK_INT(step(pid, 0), CPU_TRAP_STEP, "a step leads away from a breakpoint");
	CHECK(place(pid) > address && place(pid) <= address + CPU_CODE_MAX, "by an instruction");
	CHECK_INT(go_on(pid), CPU_TRAP_BREAK, "it is come by again");
	CHECK_INT(shared->turns, 1, "after its first turn");
	cpu_break_clear(pid);
	CHECK_INT(cpu_break_set(pid, address), 0, "set anew where the thread stands");
	CHECK_INT(go_on(pid), CPU_TRAP_BREAK, "it is not told again, but the next time");
	CHECK_INT(shared->turns, 2, "after the second turn");
	CHECK_INT(cpu_break_clear(pid), 0, "it is cleared");
	CHECK_INT(go_on(pid), 0, "and stops nobody any more");
	CHECK_INT(shared->turns, 3, "in the third turn");
}

static void step_onto_check(pid_t pid)
{
	uint64_t before = place(pid), next;

	CHECK_INT(step(pid, 0), CPU_TRAP_STEP, "a step is a step");
	next = place(pid);
	CHECK(next != before, "it moves");
	cpu_break_set(pid, next);
	CHECK_INT(step(pid, 0), CPU_TRAP_BREAK, "a breakpoint that it stands at is told first");
	CHECK(place(pid) == next, "without moving");
	CHECK_INT(step(pid, 0), CPU_TRAP_STEP, "and stepped from then");
	CHECK(place(pid) != next, "it moves again");
	cpu_break_clear(pid);
	CHECK_INT(go_on(pid), 0, "a milestone");
}

static void watch_check(pid_t pid)
{
	const uint64_t address = (uintptr_t)&shared->word;

	CHECK(cpu_watch_set(pid, address + 1, 8, false) < 0 && errno == EINVAL,
	      "a word that is not aligned is not watched");
	CHECK(cpu_watch_set(pid, address, 3, false) < 0 && errno == EINVAL, "nor a strange size");
	CHECK_INT(cpu_watch_set(pid, address, 8, false), 0, "a word is watched");
	CHECK_INT(cpu_break_set(pid, (uintptr_t)milestone), 0, "with a breakpoint beside");
	CHECK_INT(go_on(pid), CPU_TRAP_WATCH, "its store is told");
	CHECK_INT(shared->word, 1, "when it has been done");
	CHECK_INT(go_on(pid), CPU_TRAP_BREAK, "the breakpoint holds");
	CHECK_INT(go_on(pid), 0, "a milestone");
	CHECK_INT(go_on(pid), CPU_TRAP_BREAK, "a load is not told");
	CHECK_INT(go_on(pid), 0, "a milestone");
	CHECK_INT(cpu_watch_set(pid, address + 4, 4, true), 0, "its upper half is watched");
	CHECK_INT(cpu_break_clear(pid), 0, "without the breakpoint");
	CHECK_INT(go_on(pid), CPU_TRAP_WATCH, "a store there is told");
	CHECK_INT(((volatile uint8_t *)&shared->word)[7], 7, "and none below");
	CHECK_INT(cpu_watch_clear(pid), 0, "the watch is cleared");
	CHECK_INT(go_on(pid), 0, "a milestone");
}

/* Loads are told, if wanted, and a step tells of them, too. */
static void watch_loads_check(void)
{
	pid_t pid = traced_start(child);
	unsigned int cause;

	for (int i = 0; i < 4; i++)
		go_on(pid);
	cpu_watch_set(pid, (uintptr_t)&shared->word, 8, true);
	while ((cause = step(pid, 0)) == CPU_TRAP_STEP)
		;
	CHECK_INT(cause, CPU_TRAP_STEP | CPU_TRAP_WATCH, "a step that loads it tells of both");
	traced_end(pid);
}

static void call_check(pid_t pid)
{
	struct cpu_instruction instruction;
	unsigned int calls = 0, cause, others = 0;
	uint64_t before;

	do {
		before = place(pid);
		cpu_decode((const uint8_t *)(uintptr_t)before, CPU_CODE_MAX, &instruction);
		cause = step(pid, 0);
		if (instruction.system_call && instruction.length == 2) {
			calls++;
			CHECK_INT(cause, CPU_TRAP_STEP, "a step over a system call is a step");
			CHECK_INT(place(pid), before + 2, "of one instruction");
		} else if (cause != CPU_TRAP_STEP) {
			others++;
		}
	} while (place(pid) != (uintptr_t)milestone);
	CHECK(calls == 1 && others == 0, "and all others are");
}

static void signal_check(pid_t pid)
{
	uint64_t before = place(pid);

	CHECK_INT(step(pid, SIGUSR1), CPU_TRAP_STEP, "a step with a signal is one");
	CHECK_INT(place(pid), (uintptr_t)handle, "into its handler");
	CHECK_INT(shared->handled, 0, "which has not begun");
	while (step(pid, 0) == CPU_TRAP_STEP && place(pid) != before)
		;
	CHECK(place(pid) == before && shared->handled == 1, "it is stepped through, and back");
}

static void gone_check(pid_t pid)
{
	struct cpu_registers registers;
	unsigned int cause;

	traced_end(pid);
	CHECK(cpu_step(pid, 0) < 0 && errno == ESRCH, "what is gone is not stepped");
	CHECK(cpu_fetch(pid, &registers) < 0 && errno == ESRCH, "and has no registers");
	CHECK(cpu_break_set(pid, 4096) < 0 && errno == ESRCH, "no breakpoint");
	CHECK(cpu_trap_cause(pid, &cause) < 0 && errno == ESRCH, "no cause");
}

int main(void)
{
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		traced_fail("mapping memory");
	pid = traced_start(child);
	break_check(pid);
	step_onto_check(pid);
	watch_check(pid);
	signal_check(pid);
	call_check(pid);
	gone_check(pid);
	watch_loads_check();
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
