/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/walker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "explore/effect.h"
#include "explore/passes.h"
#include "explore/rest.h"
#include "observe/view.h"

/*
 * A step that does not enter the kernel ends; one that does may wait for another thread. Whether it
 * does is seen in two looks so far apart.
 */
#define CALL_LOOK_NS (100 * NSEC_PER_USEC)

/* Of 10 ms: windows take microseconds, and a finalization beside them has its own thread. */
#define SPIN_TICKS 5

/* On its way to a point W comes by what it came by before, within milliseconds. */
#define ROUTE_PATIENCE_NS NSEC_PER_SEC

/* Setting a counter up costs as much as some stops at a breakpoint. */
#define COUNTED_PASSES 6

/* A thread that sleeps where nothing can disturb it does so for milliseconds. */
#define STOP_PATIENCE_NS NSEC_PER_SEC

/*
 * W has crashed, and its handler has begun to tell: nothing behind that is its window. If it is F
 * that has crashed, the trial is over as well.
 */
static bool somebody_crashed(const struct walker *walker)
{
	return atomic_load(&walker->control->crash.state) != CRASH_NONE;
}

/* W stands still: at what, and is that the end? */
static enum walk_state walker_look(struct walker *walker)
{
	if (cpu_fetch(walker->tid, &walker->registers) < 0 || somebody_crashed(walker))
		return WALK_GONE;
	return cpu_pc(&walker->registers) == walker->leave_pc ? WALK_OVER : WALK_ON;
}

static enum walk_state walker_stopped(struct walker *walker, int status)
{
	int signo = WSTOPSIG(status);

	walker->running = false;
	if (!WIFSTOPPED(status)) {
		walker->attached = false;
		return WALK_GONE;
	}
	/* A stop of the tracer's own making has an event above the signal, or is SIGTRAP. */
	walker->signo = status >> 16 || signo == SIGTRAP ? 0 : signo;
	walker->aside = status >> 16 == PTRACE_EVENT_STOP;
	return walker_look(walker);
}

/* The ends of processes are left to whom they belong. A thread that has ended is nobody's child. */
static enum walk_state await_stop(struct walker *walker)
{
	int status;

	while (waitpid(walker->tid, &status, __WALL) < 0) {
		if (errno != EINTR) {
			walker->attached = false;
			return WALK_GONE;
		}
	}
	return walker_stopped(walker, status);
}

/* A stop of W's sends us SIGCHLD, as does the end of a child. */
static void sigchld_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
}

enum walk_state walker_resume(struct walker *walker, uint64_t timeout_ns)
{
	uint64_t until = clock_now() + timeout_ns, now;
	struct timespec left;
	sigset_t set;
	int status;

	sigchld_set(&set);
	for (;;) {
		pid_t pid = waitpid(walker->tid, &status, __WALL | WNOHANG);

		if (pid == walker->tid)
			return walker_stopped(walker, status);
		if (pid < 0 && errno != EINTR) {
			walker->attached = false;
			return WALK_GONE;
		}
		now = clock_now();
		if (now >= until)
			break;
		left = (struct timespec){ (time_t)((until - now) / NSEC_PER_SEC),
					  (long)((until - now) % NSEC_PER_SEC) };
		sigtimedwait(&set, NULL, &left);
	}
	walker->running = true;
	return WALK_BLOCKED;
}

/* One that has used so much CPU on its way out of a window spins, and waits in that way. */
static bool walker_rests(const struct walker *walker, struct rest *rest, uint64_t *ticks)
{
	if (rest_look(rest, walker->pid, walker->tid) != REST_NONE)
		return true;
	if (!*ticks)
		*ticks = rest->task.cpu_ticks + SPIN_TICKS;
	return rest->task.cpu_ticks >= *ticks;
}

/* A stop, however long it takes a loaded machine; or W sleeps, so that only others can wake it. */
static enum walk_state await_stop_or_rest(struct walker *walker)
{
	struct rest rest = { .asleep = 0 };
	enum walk_state state;
	uint64_t ticks = 0;

	do
		state = walker_resume(walker, CALL_LOOK_NS);
	while (state == WALK_BLOCKED && !walker_rests(walker, &rest, &ticks));
	return state;
}

static int walker_continue(struct walker *walker, int how)
{
	long ret = ptrace((enum __ptrace_request)how, walker->tid, NULL,
			  (void *)(intptr_t)walker->signo);

	walker->signo = 0;
	return ret < 0 ? -1 : 0;
}

/* As walker_run_to(), counted by the kernel, as far as it comes. */
static enum walk_state run_counted(struct walker *walker, uint64_t pc, unsigned int *times)
{
	int fd = passes_count(walker->tid, pc, *times);
	enum walk_state state = WALK_ON;

	/* Other signals stop it as well. */
	while (fd >= 0 && *times && state == WALK_ON) {
		if (walker_continue(walker, PTRACE_CONT) < 0)
			state = WALK_GONE;
		else
			state = walker_resume(walker, ROUTE_PATIENCE_NS);
		if (state == WALK_ON && cpu_pc(&walker->registers) == pc)
			*times = 0;
	}
	if (fd >= 0)
		close(fd);
	return state;
}

enum walk_state walker_run_to(struct walker *walker, uint64_t pc, unsigned int times)
{
	enum walk_state state = WALK_ON;

	if (times >= COUNTED_PASSES)
		state = run_counted(walker, pc, &times);
	if (!times || state != WALK_ON)
		return state;
	if (cpu_break_set(walker->tid, pc) < 0)
		return WALK_GONE;
	while (times && state == WALK_ON) {
		if (walker_continue(walker, PTRACE_CONT) < 0)
			return WALK_GONE;
		state = walker_resume(walker, ROUTE_PATIENCE_NS);
		if (state == WALK_ON && cpu_pc(&walker->registers) == pc)
			times--;
	}
	walker->braked = false;
	if ((state == WALK_ON || state == WALK_OVER) && cpu_break_clear(walker->tid) < 0)
		return WALK_GONE;
	return state;
}

enum walk_state walker_run_straight(struct walker *walker, uint64_t pc)
{
	enum walk_state state;

	if (walker->braked ? cpu_break_move(walker->tid, pc) < 0
			   : cpu_break_set(walker->tid, pc) < 0)
		return WALK_GONE;
	walker->braked = true;
	do
		state = walker_continue(walker, PTRACE_CONT) < 0 ? WALK_GONE :
								  await_stop_or_rest(walker);
	while (state == WALK_ON && walker->aside);
	return state;
}

static bool in_vdso(const struct walker *walker)
{
	uint64_t pc = cpu_pc(&walker->registers);

	return pc >= walker->control->walk.vdso_start && pc < walker->control->walk.vdso_end;
}

/*
 * W has come to the vdso's code, which stands in for a system call, and counts as one: a step goes
 * to its end. How many instructions it takes depends on the time.
 */
static enum walk_state vdso_leave(struct walker *walker)
{
	uint64_t address;

	if (cpu_return_address(walker->tid, &walker->registers, &address) < 0)
		return WALK_GONE;
	return walker_run_to(walker, address, 1);
}

/* Where it was run to, nothing is to stop it again. */
static int walker_begin_step(struct walker *walker)
{
	int ret = walker->braked ? cpu_break_clear(walker->tid) : 0;

	walker->braked = false;
	if (!ret)
		ret = cpu_step(walker->tid, walker->signo);
	walker->signo = 0;
	return ret;
}

/* A step that nobody asks about. */
static enum walk_state step_blindly(struct walker *walker)
{
	enum walk_state state;

	do {
		if (walker_begin_step(walker) < 0)
			return WALK_GONE;
		state = walker_resume(walker, ROUTE_PATIENCE_NS);
	} while (state == WALK_ON && walker->aside);
	return state == WALK_ON && in_vdso(walker) ? vdso_leave(walker) : state;
}

enum walk_state walker_advance(struct walker *walker)
{
	enum walk_state state;

	do
		state = walker_begin_step(walker) < 0 ? WALK_GONE : await_stop(walker);
	while (state == WALK_ON && walker->aside);
	return state;
}

static int walker_begin_call(struct walker *walker, size_t length)
{
	walker->braked = true;
	if (cpu_break_set(walker->tid, cpu_pc(&walker->registers) + length) < 0)
		return -1;
	return walker_continue(walker, PTRACE_CONT);
}

enum walk_state walker_call(struct walker *walker, size_t length)
{
	if (walker_begin_call(walker, length) < 0)
		return WALK_GONE;
	return walker_resume(walker, CALL_LOOK_NS);
}

/* Not stepped, as in walker_call(); but what a signal's handler returns by goes somewhere else. */
static enum walk_state step_call(struct walker *walker)
{
	struct cpu_instruction instruction;
	enum walk_state state;
	int ret;

	if (cpu_call(&walker->registers) == SYS_rt_sigreturn)
		return walker_advance(walker);
	effect_decode(walker, &instruction);
	ret = walker_begin_call(walker, instruction.length);
	while ((state = ret < 0 ? WALK_GONE : await_stop_or_rest(walker)) == WALK_ON &&
	       walker->aside)
		ret = walker_continue(walker, PTRACE_CONT);
	return state;
}

enum walk_state walker_step(struct walker *walker, struct walk_effect *effect)
{
	struct effect_stores stores;
	enum walk_state state;

	if (!effect)
		return step_blindly(walker);
	effect_foresee(walker, effect, &stores);
	state = effect->called ? step_call(walker) : walker_advance(walker);
	if (state == WALK_ON && in_vdso(walker)) {
		effect->changed = effect->touched = effect->called = true;
		walker->stores_known = false;
		state = vdso_leave(walker);
	}
	effect_look(walker, &stores, effect);
	return state;
}

enum walk_state walker_run_rounds(struct walker *walker, unsigned int rounds)
{
	uint64_t pc = cpu_pc(&walker->registers), all = cpu_rounds(&walker->registers);
	struct cpu_instruction instruction;
	enum walk_state state = WALK_ON;

	effect_decode(walker, &instruction);
	if (!instruction.counted || rounds >= all) {
		while (rounds-- && state == WALK_ON)
			state = step_blindly(walker);
		return state;
	}
	if (cpu_rounds_set(walker->tid, &walker->registers, pc, rounds) < 0)
		return WALK_GONE;
	state = walker_run_to(walker, pc + instruction.length, 1);
	if (state == WALK_ON &&
	    cpu_rounds_set(walker->tid, &walker->registers, pc, all - rounds) < 0)
		return WALK_GONE;
	return state;
}

/* A breakpoint that stays until W is let go: it stops there or nowhere. */
enum walk_state walker_run_out(struct walker *walker)
{
	if (cpu_break_set(walker->tid, walker->leave_pc) < 0 ||
	    walker_continue(walker, PTRACE_CONT) < 0)
		return WALK_GONE;
	return await_stop_or_rest(walker);
}

enum walk_state walker_hold(struct walker *walker)
{
	if (ptrace(PTRACE_INTERRUPT, walker->tid, NULL, NULL) < 0)
		return WALK_GONE;
	return walker_resume(walker, STOP_PATIENCE_NS);
}
