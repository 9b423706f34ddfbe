/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letting a thread go by one instruction, and stopping it by debug registers: Intel's manual,
 * volume 3, "Debug Registers". Register 0 holds the breakpoint, 1 the word that is watched;
 * register 7 says what each is for, 6 which one it was.
 */
#include "explore/cpu.h"

#ifdef __x86_64__

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>

int cpu_step(pid_t tid, int signo)
{
	return ptrace(PTRACE_SINGLESTEP, tid, NULL, (void *)(intptr_t)signo) < 0 ? -1 : 0;
}

enum { DEBUG_BREAK, DEBUG_WATCH, DEBUG_STATUS = 6, DEBUG_CONTROL = 7 };

#define STATUS_HIT(n) (1ul << (n))
#define STATUS_STEP (1ul << 14)

#define CONTROL_ENABLE(n) (1ul << 2 * (n))
#define CONTROL_KIND(n, kind) ((unsigned long)(kind) << (16 + 4 * (n)))
#define CONTROL_ALL(n) (3ul << 2 * (n) | CONTROL_KIND(n, 0xf))

enum { KIND_EXECUTE, KIND_WRITE, KIND_READ_WRITE = 3 };

static void *debug_offset(int n)
{
	return (void *)(offsetof(struct user, u_debugreg) + (size_t)n * sizeof(uint64_t));
}

static int debug_get(pid_t tid, int n, unsigned long *value)
{
	errno = 0;
	*value = (unsigned long)ptrace(PTRACE_PEEKUSER, tid, debug_offset(n), NULL);
	return errno ? -1 : 0;
}

static int debug_put(pid_t tid, int n, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, tid, debug_offset(n), (void *)value) < 0 ? -1 : 0;
}

static int debug_clear(pid_t tid, int n)
{
	unsigned long control;

	if (debug_get(tid, DEBUG_CONTROL, &control) < 0)
		return -1;
	if (!(control & CONTROL_ALL(n)))
		return 0;
	return debug_put(tid, DEBUG_CONTROL, control & ~CONTROL_ALL(n));
}

/*
 * Off first: the kernel checks an address against what its register was for. And of a forked child
 * it says what its parent's registers were for, whatever the child's own are.
 */
static int debug_set(pid_t tid, int n, uint64_t address, unsigned int kind)
{
	unsigned long control;

	if (debug_clear(tid, n) < 0 || debug_put(tid, n, address) < 0 ||
	    debug_get(tid, DEBUG_CONTROL, &control) < 0)
		return -1;
	return debug_put(tid, DEBUG_CONTROL,
			 control | CONTROL_ENABLE(n) | CONTROL_KIND(n, kind));
}

int cpu_break_set(pid_t tid, uint64_t address)
{
	return debug_set(tid, DEBUG_BREAK, address, KIND_EXECUTE);
}

int cpu_break_move(pid_t tid, uint64_t address)
{
	return debug_put(tid, DEBUG_BREAK, address);
}

int cpu_break_clear(pid_t tid)
{
	return debug_clear(tid, DEBUG_BREAK);
}

int cpu_watch_set(pid_t tid, uint64_t address, size_t size, bool reads)
{
	static const unsigned int lengths[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };

	if (!size || size > 8 || size & (size - 1) || address & (size - 1)) {
		errno = EINVAL;
		return -1;
	}
	return debug_set(tid, DEBUG_WATCH, address,
			 (reads ? (unsigned int)KIND_READ_WRITE : KIND_WRITE) | lengths[size] << 2);
}

int cpu_watch_clear(pid_t tid)
{
	return debug_clear(tid, DEBUG_WATCH);
}

/*
 * A step over a system call, or into a signal's handler, ends in the kernel, which says so in words
 * of its own: TRAP_BRKPT the one, SIGTRAP the other.
 */
static int step_in_kernel(pid_t tid, unsigned int *cause)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) < 0)
		return -1;
	if (info.si_signo == SIGTRAP && (info.si_code == TRAP_BRKPT || info.si_code == SIGTRAP))
		*cause = CPU_TRAP_STEP;
	return 0;
}

int cpu_trap_cause(pid_t tid, unsigned int *cause)
{
	unsigned long status;

	*cause = 0;
	if (debug_get(tid, DEBUG_STATUS, &status) < 0 || debug_put(tid, DEBUG_STATUS, 0) < 0)
		return -1;
	if (status & STATUS_STEP)
		*cause |= CPU_TRAP_STEP;
	if (status & STATUS_HIT(DEBUG_BREAK))
		*cause |= CPU_TRAP_BREAK;
	if (status & STATUS_HIT(DEBUG_WATCH))
		*cause |= CPU_TRAP_WATCH;
	return *cause ? 0 : step_in_kernel(tid, cause);
}

#endif
