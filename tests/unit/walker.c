/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a step is said to have done, against all writable memory of a child that is walked: a byte
 * that others can see and that is not what it was must have been told, and nothing else.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "base/errors.h"
#include "explore/walker.h"
#include "observe/maps.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#ifdef __x86_64__

/* What the child does in view. A label is one instruction of which it is known what it does. */

static const int constant = 7;
static int variable __attribute__((used));
static void *volatile known __attribute__((used));
static char bytes[64];

extern const char at_store[], at_same[], at_load[], at_constant[], at_private[], at_escape[],
	at_public[], at_call[];

/* Below the frame in which the window begins, and far below what libc may know of. */
__attribute__((noinline)) static void work_known(void)
{
	char far[300000];
	long number = SYS_getppid;

	__asm__ volatile("at_store: movl $1, variable(%%rip)\n"
			 "at_same: movl $1, variable(%%rip)\n"
			 "at_load: movl variable(%%rip), %%edx\n"
			 "at_constant: movl %2, %%edx\n"
			 "at_private: movl $1, (%1)\n"
			 "at_escape: movq %1, known(%%rip)\n"
			 "at_public: movl $2, (%1)\n"
			 "at_call: syscall\n"
			 : "+a"(number) : "r"(far), "m"(constant)
			 : "rdx", "rcx", "r11", "memory", "cc");
}

static void work_much(void)
{
	static char text[100];
	static struct timespec now;
	char *volatile block;
	char *to = bytes;
	size_t times = 9;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(times) : "a"(0x31) : "memory");
	block = malloc(100);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "%d %s %p", constant, bytes, (void *)block);
	memcpy(block, text, 60);
	free(block);
	bytes[20] = (char)getppid();
}

__attribute__((noinline)) static void view_begins(void)
{
	__asm__ volatile("int3");
}

__attribute__((noinline)) static void view_ends(void)
{
	__asm__ volatile("");
}

/* So that the stack need not grow, and no address of it is left in it. */
__attribute__((noinline)) static void stack_touch(void)
{
	memset(__builtin_alloca(1 << 19), 0, 1 << 19);
	__asm__ volatile("" : : : "memory");
}

static void child(void)
{
	stack_touch();
	view_begins();
	work_known();
	work_much();
	view_ends();
}

/* All of its writable memory, now and a step ago. */

struct picture {
	char *bytes;
	struct maps maps;
};

static void picture_take(struct picture *picture, pid_t pid)
{
	size_t total = 0;

	if (maps_read(&picture->maps, pid) < 0)
		traced_fail("reading maps");
	for (size_t i = 0; i < picture->maps.nranges; i++)
		if (picture->maps.ranges[i].writable)
			total += picture->maps.ranges[i].end - picture->maps.ranges[i].start;
	picture->bytes = xrealloc(picture->bytes, total);
	total = 0;
	for (size_t i = 0; i < picture->maps.nranges; i++) {
		const struct maps_range *range = &picture->maps.ranges[i];
		struct iovec local = { picture->bytes + total, range->end - range->start };
		struct iovec remote = { (void *)(uintptr_t)range->start, local.iov_len };

		if (!range->writable)
			continue;
		if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)local.iov_len)
			traced_fail("reading memory");
		total += local.iov_len;
	}
}

static void picture_drop(struct picture *picture)
{
	maps_release(&picture->maps);
	free(picture->bytes);
}

/* Has a byte changed that was not W's alone? Only without a system call: nothing was mapped. */
static bool others_see(const struct picture *a, const struct picture *b, const struct reach *reach)
{
	size_t offset = 0;

	for (size_t i = 0; i < a->maps.nranges; i++) {
		const struct maps_range *range = &a->maps.ranges[i];
		size_t size = range->end - range->start;

		if (!range->writable)
			continue;
		if (memcmp(a->bytes + offset, b->bytes + offset, size) != 0)
			for (size_t at = 0; at < size; at++)
				if (a->bytes[offset + at] != b->bytes[offset + at] &&
				    !reach_is_private(reach, range->start + at, 1))
					return true;
		offset += size;
	}
	return false;
}

struct tally {
	unsigned int steps, seen, unseen, called, missed, invented, untouched;
	unsigned int met; /* labels */
	unsigned int in_vdso;
};

static void label_check(uint64_t pc, const struct walk_effect *e, struct tally *tally)
{
	static const struct {
		const char *label, *what;
		struct walk_effect wanted;
	} known_ones[] = {
		{ at_store, "a store to a variable", { true, true, false, false } },
		{ at_same, "a store of what is there", { false, true, false, false } },
		{ at_load, "a load of a variable", { false, true, false, false } },
		{ at_constant, "a load of a constant", { false, false, false, false } },
		{ at_private, "a store to its own stack", { false, false, false, false } },
		{ at_escape, "a store of its address", { true, true, false, false } },
		{ at_public, "a store to the stack that is known", { true, true, false, false } },
		{ at_call, "a system call", { true, true, true, false } },
	};

	for (size_t i = 0; i < sizeof(known_ones) / sizeof(known_ones[0]); i++) {
		const struct walk_effect *wanted = &known_ones[i].wanted;

		if (pc != (uintptr_t)known_ones[i].label)
			continue;
		tally->met++;
		CHECK(e->changed == wanted->changed && e->touched == wanted->touched &&
		      e->called == wanted->called, "%s: changed %d, touched %d, called %d",
		      known_ones[i].what, wanted->changed, wanted->touched, wanted->called);
	}
}

static enum walk_state view_step(struct walker *walker, struct picture pictures[2],
				 struct tally *tally)
{
	uint64_t pc = cpu_pc(&walker->registers);
	struct reach before = walker->reach;
	struct walk_effect effect;
	enum walk_state state = walker_step(walker, &effect);
	struct picture swap = pictures[0];
	bool seen;

	label_check(pc, &effect, tally);
	tally->steps++;
	tally->in_vdso += pc >= walker->control->walk.vdso_start &&
			  pc < walker->control->walk.vdso_end;
	tally->called += effect.called;
	maps_release(&pictures[1].maps);
	picture_take(&pictures[1], walker->pid);
	/* What a call of the kernel's does is not told byte by byte. */
	seen = !effect.called && others_see(&pictures[0], &pictures[1], &before);
	tally->seen += seen;
	tally->unseen += !effect.changed;
	tally->missed += seen && !effect.changed;
	tally->invented += !seen && effect.changed && !effect.called;
	tally->untouched += effect.changed && !effect.touched;
	if (seen != effect.changed && !effect.called)
		printf("# at %#jx: %s\n", (uintmax_t)pc, seen ? "missed" : "invented");
	pictures[0] = pictures[1];
	pictures[1] = swap;
	return state;
}

static void view_check(struct walker *walker)
{
	struct picture pictures[2] = { { .bytes = NULL }, { .bytes = NULL } };
	struct tally tally = { 0 };
	enum walk_state state = WALK_ON;

	picture_take(&pictures[0], walker->pid);
	while (state == WALK_ON)
		state = view_step(walker, pictures, &tally);
	printf("# %u steps, %u changed what others see, %u calls\n", tally.steps, tally.seen,
	       tally.called);
	CHECK_INT(state, WALK_OVER, "the walk comes to the end of the window");
	CHECK(cpu_pc(&walker->registers) == (uintptr_t)view_ends, "where W stands");
	CHECK_INT(tally.met, 8, "by all that is known");
	CHECK(tally.steps > 1000 && tally.seen > 100 && tally.unseen > 100 && tally.called > 1,
	      "and by much more");
	CHECK_INT(tally.in_vdso, 0, "a call into the vdso is one step");
	CHECK_INT(tally.missed, 0, "each change that others can see was told");
	CHECK_INT(tally.invented, 0, "and none that was not");
	CHECK_INT(tally.untouched, 0, "what was changed was touched");
	picture_drop(&pictures[0]);
	picture_drop(&pictures[1]);
}

/* W of a subject, at its window, as walker_begin() leaves it. */
static void walker_make(struct walker *walker, const struct control *control)
{
	sigset_t set;

	*walker = (struct walker){ .control = control, .attached = true, .masked = true };
	walker->pid = walker->tid = traced_start(child);
	walker->leave_pc = (uintptr_t)view_ends;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &walker->mask);
	if (ptrace(PTRACE_CONT, walker->pid, NULL, NULL) < 0 ||
	    traced_wait(walker->pid) != SIGTRAP || cpu_fetch(walker->tid, &walker->registers) < 0)
		traced_fail("beginning with the child");
}

static void end_check(struct walker *walker)
{
	pid_t pid = walker->pid;
	int status = -1;

	walker_end(walker);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "let go, W runs to its end");
}

static void crash_check(void)
{
	static struct control control;
	struct walk_effect effect;
	struct walker walker;
	struct strbuf err = STRBUF_INIT;

	walker_make(&walker, &control);
	if (walker_observe(&walker, &err) < 0)
		traced_fail("reading memory");
	CHECK_INT(walker_step(&walker, &effect), WALK_ON, "W is walked");
	atomic_store(&control.crash.state, CRASH_CLAIMED);
	CHECK_INT(walker_step(&walker, &effect), WALK_GONE, "until it tells of a crash");
	end_check(&walker);
}

int main(void)
{
	static struct control control;
	struct strbuf err = STRBUF_INIT;
	struct walker walker;

	/* Its first page, with all that W calls of it. */
	control.walk.vdso_start = getauxval(AT_SYSINFO_EHDR);
	control.walk.vdso_end = control.walk.vdso_start + (control.walk.vdso_start ? 4096 : 0);
	traced_pin(); /* the kernel writes the processor's number into a thread's rseq area */
	walker_make(&walker, &control);
	CHECK_INT(walker_observe(&walker, &err), 0, "W is observed");
	view_check(&walker);
	end_check(&walker);
	crash_check();
	return tap_done();
}

#else

int main(void)
{
	return tap_skip_all(TAP_NO_STEPPING);
}

#endif
