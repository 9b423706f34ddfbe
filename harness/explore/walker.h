/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W under ptrace: taken at the start of its window, walked through it one instruction at a time,
 * let go. No other thread is traced.
 *
 * The calling thread becomes W's tracer; a tracer that dies takes the process with it. What W
 * touches at each step is worked out before the step, by decoding, from its registers; whether
 * memory has changed is then looked at, not assumed.
 */
#ifndef FORKPOINT_EXPLORE_WALKER_H
#define FORKPOINT_EXPLORE_WALKER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "explore/cpu.h"
#include "explore/reach.h"
#include "run/course.h"

struct walker {
	pid_t pid, tid;
	pid_t zygote; /* that the process is a fork of; 0: none */
	const struct control *control;
	struct cpu_registers registers; /* of W, where it stands */
	struct reach reach;
	uint64_t leave_pc;
	int signo;       /* that W was about to take; given to it with the next step */
	bool attached;
	bool running;    /* in a step that is not over, or in a system call */
	bool aside;      /* its last stop was none of its own: somebody stopped or continued it */
	bool braked;     /* a breakpoint still stands where it was run to */
	bool masked;     /* SIGCHLD is blocked, `mask` was the mask before */
	sigset_t mask;
	struct walker_code *code; /* what was decoded, by address; NULL: nothing is observed */
	/* Where the last step whose effect was told has stored, in what others can see. */
	struct cpu_access stores[CPU_ACCESSES_MAX];
	size_t nstores;
	bool stores_known; /* that is all that it can have changed */
};

enum walk_state {
	WALK_ON,      /* W stands at a point of its window */
	WALK_OVER,    /* W stands at the first instruction of window_leave() */
	WALK_BLOCKED, /* W sleeps in a system call, so that others must move; see walker_resume() */
	WALK_ASTRAY,  /* W has run, and not come where it was foretold to come: see stride_run() */
	WALK_GONE,    /* the thread has ended, or the process, or it is telling of its crash */
};

/* What one step did, as far as others can see it. */
struct walk_effect {
	bool changed; /* memory that a forked child would see is not what it was, or may not be */
	bool touched; /* it met memory that another thread can change, or called the kernel */
	bool called;  /* it was a system call */
	bool waited;  /* it was a futex's: it may have waited there, or woken somebody */
};

/*
 * W has announced that it stands (control_walk.standing): take hold of it, and bring it to its
 * window's first instruction. 0, or -1 and a sentence (no ptrace; the subject has gone). End in
 * either case.
 */
int walker_begin(struct walker *walker, struct course *course, struct strbuf *err);
/* From here on steps tell their effect: look which memory is W's alone. 0, or -1 and a sentence. */
int walker_observe(struct walker *walker, struct strbuf *err);
/* The same by a copy of the process's memory that was taken while W stood where it stands. */
void walker_observe_copy(struct walker *walker, const struct pagecopy *copy);
/* Lets W run on as it was, if it lives. */
void walker_end(struct walker *walker);

/*
 * One instruction. WALK_BLOCKED: the step has begun and is not over; F may have to move first.
 * `effect` may be NULL, and is only told after walker_observe().
 */
enum walk_state walker_step(struct walker *walker, struct walk_effect *effect);
/* After WALK_BLOCKED: has the step come to its end meanwhile? Waits for up to timeout_ns. */
enum walk_state walker_resume(struct walker *walker, uint64_t timeout_ns);

/* Run at full speed to an address and the n-th time (from 1) that W comes by. */
enum walk_state walker_run_to(struct walker *walker, uint64_t pc, unsigned int times);

/*
 * The same the next time, when nothing is to be on the way that waits; to the first stop, which may
 * be a signal's. WALK_BLOCKED: it waits all the same. Nothing is told of its effect.
 */
enum walk_state walker_run_straight(struct walker *walker, uint64_t pc);

/*
 * W stands before an instruction that repeats itself: make so many of its rounds, at full speed
 * where they are counted by a register, which then says so many; else one by one.
 */
enum walk_state walker_run_rounds(struct walker *walker, unsigned int rounds);

/*
 * Another thread of the process, which sleeps: take hold of it as well. 0, or -1 with errno. To be
 * ended in either case, before W's walker is.
 */
int walker_take(struct walker *walker, const struct walker *w, pid_t tid);
/* One instruction that does not wait, in the vdso, too; nothing is told of its effect. */
enum walk_state walker_advance(struct walker *walker);
/*
 * A system call that may wait, of an instruction of that length. WALK_BLOCKED: it has not come back
 * within 100 us; see walker_resume(), walker_hold(). Not stepped: a thread that is interrupted in a
 * step gets that step's SIGTRAP all the same, when nobody traces it any more.
 */
enum walk_state walker_call(struct walker *walker, size_t length);

/* After WALK_BLOCKED: stop W in its system call, which goes on with the next run. */
enum walk_state walker_hold(struct walker *walker);

/* Run at full speed out of the window. WALK_ON: on the way it got a signal. */
enum walk_state walker_run_out(struct walker *walker);
#endif
