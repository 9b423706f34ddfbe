/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenario contract: one way to go wrong, in one file, with its twin.
 *
 * Two threads matter. W ("worker") does what a sampler, a profiler or an extension does; the
 * stretch of its code in which the race can strike stands between window_enter() and
 * window_leave(). F is the process's main thread; it does the operation: fork, finalize, … The
 * frame (embed/subject.c) runs every trial in this order, in a process of its own:
 *
 *   F, GIL held      setup(s)
 *   W                work(s)            one thread for each of .workers
 *   F, GIL held      before(s)          last thing before the operation (a twin's fix, often)
 *   F, GIL held      the operation      at a moment, and with W held where, the strategy says
 *   child            child(s)           after a fork, all at-fork handlers run, GIL held
 *   F                check(s)           after the operation; GIL held unless Python is finalized
 *
 * Every function is optional. Whoever finds out how the trial ended says so with subject_say();
 * child() that returns means OK for the child. A trial in which nobody said anything, and nobody
 * died, is OUTCOME_WRONG. Crashes need no word: the driver sees them.
 *
 * A twin is the same code with the fix, chosen by s->twin; the frame does the same for both.
 *
 * Adding a scenario: write its file, with one `const struct scenario` at the bottom, and add its
 * line to scenarios/list.h.
 */
#ifndef FORKPOINT_SCENARIO_H
#define FORKPOINT_SCENARIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "embed/subject.h"

#ifdef __cplusplus
extern "C" {
#endif

struct subject;

enum operation {
	OPERATION_FORK,     /* PyOS_BeforeFork, fork, PyOS_AfterFork_Child or _Parent, waitpid */
	OPERATION_FINALIZE, /* Py_FinalizeEx */
	OPERATION_REINIT,   /* Py_FinalizeEx, then Py_InitializeEx(0) */
	OPERATION_NONE,     /* nothing: setup and check are the trial */
};

/* Flags of a scenario. */
enum {
	/*
	 * The marker itself is the critical point, so that a gate there meets the race each time:
	 * three trials decide the cell.
	 */
	SCENARIO_GATED = 1 << 0,
	/* Has window markers: a trial is a hit only if the operation began while W was inside. */
	SCENARIO_WINDOW = 1 << 1,
	/*
	 * The twin's fix takes W out of its window before the operation (it joins the thread), so a
	 * trial of the twin counts as a hit if W had entered its window at all.
	 */
	SCENARIO_TWIN_RETIRES = 1 << 2,
	/* Not part of the matrix unless named: the harness's tests of itself. */
	SCENARIO_HIDDEN = 1 << 3,
};

/*
 * What may happen, on which release. The first row that fits decides. A row without .shows means
 * that nothing bad is expected. A scenario's twin has the row {"ok", "ok"} unless rows with
 * .twin = true say otherwise.
 *
 * Ranges: comma-separated comparisons that must all hold, "<3.13.8", ">=3.13,<3.15", "" for every
 * release. Outcome sets: words separated by blanks: ok, hang, parked, exit, wrong, timeout,
 * SIGSEGV…
 */
struct expectation {
	const char *releases;
	const char *flavours; /* NULL: each; else words of "release debug free-threaded" */
	const char *variant;  /* NULL: each */
	bool twin;
	const char *shows;    /* one of these must be seen; NULL: no such demand */
	const char *allows;   /* nothing outside shows and allows may be seen */
	/*
	 * For a random meeting: the least share of hits that end in .shows. A cell whose trials
	 * exclude this rate at 95 % without having seen one is `unexpected`, not `not-seen`.
	 * 0: not declared.
	 */
	double floor;
	const char *source;   /* how this is known: an issue, a release note, or "measured" */
};

/* A way of doing the same thing that shares the scenario's race, twin and table. */
struct variant {
	const char *name;     /* appended to the scenario's name: finalize-restore/noexcept */
	const char *doc;
	const char *releases; /* where it can exist at all; NULL: everywhere */
};

struct scenario {
	const char *name;    /* that of list.h, with dashes: fork_reload is "fork-reload" */
	const char *race;    /* one sentence: which two things race */
	const char *symptom; /* one sentence: what a user sees */
	const char *fix;     /* one sentence: what the twin does differently */
	const char *const *links; /* NULL-terminated */
	enum operation operation;
	unsigned int flags;
	unsigned int workers; /* threads that run work(); 0 without .work */
	const struct variant *variants;         /* ended by a NULL name; NULL: one, nameless */
	const struct expectation *expectations; /* ended by NULL releases */

	/* NULL if this interpreter can run it, else why not (static string). */
	const char *(*unsupported)(void);
	void (*setup)(struct subject *s);
	void (*work)(struct subject *s);
	void (*before)(struct subject *s);
	void (*child)(struct subject *s);
	void (*check)(struct subject *s);
};

/* How a worker stands, as seen from another thread of the same process. */
enum fate {
	FATE_RUNNING,
	FATE_RETURNED, /* work() returned */
	FATE_ENDED,    /* the thread is gone, and work() never returned: pthread_exit */
	FATE_PARKED,   /* in pause(), where CPython holds threads for ever */
};

#define SUBJECT_WORKERS_MAX 16

struct worker {
	struct subject *subject;
	unsigned int index;
	pthread_t thread;
	SHARED_U32 tid;      /* 0 until the thread runs */
	SHARED_U32 returned; /* work() came back */
	SHARED_U32 unwound;  /* a cleanup handler ran: the thread was ended from below */
	SHARED_U32 cycles;   /* worker_cycle() calls */
	bool joined;
};

struct subject {
	struct control *control;
	const struct scenario *scenario;
	unsigned int variant; /* index */
	bool twin;
	uint64_t rng;
	/* Private memory on purpose: a forked child has the value of the instant of the fork. */
	SHARED_U32 in_window;
	SHARED_U32 stopping;
	SHARED_U32 operated; /* the operation is over */
	unsigned int nworkers;
	struct worker workers[SUBJECT_WORKERS_MAX];
	void *data; /* the scenario's own */
};

/*
 * Window markers, called by W. Async-signal-safe; window_enter() may block (a gate).
 * Nothing but the race may stand between them, for what lies inside is what is explored.
 */
void window_enter(struct subject *s);
void window_leave(struct subject *s);

/* True for the named variant of the scenario. Child-safe. */
bool subject_is(const struct subject *s, const char *variant);

/*
 * Say how the trial ended. The worst word counts, whoever says it and when (ok, parked, exit, then
 * anything else), and of two as bad the first: a later `ok` takes nothing back, and a later `wrong`
 * is not lost. `why` is copied. Async-signal-safe, child-safe.
 */
void subject_say(struct subject *s, enum outcome outcome, const char *why);

/*
 * Tell the watchdog that something moved, as worker_cycle() does. A deadlock is seen at once.
 * Besides that, a process of which for 400 ms no thread ran, waited for a CPU or a disk, or told of
 * progress is a hang, and so is an F that has not run for a second while workers cycle. One long
 * wait with a time limit (sleep(), a condition with a timeout) is let off while it lasts, many
 * short ones are not: whoever polls calls this. Async-signal-safe, child-safe.
 */
void subject_progress(struct subject *s);

/* A random number from the trial's seed. Not for two threads at once. Child-safe. */
uint64_t subject_random(struct subject *s);

/* W's loop condition and heartbeat: one cycle of work is done. False when W should return. */
bool worker_cycle(struct subject *s);

/* The calling worker; NULL in F. */
struct worker *worker_self(void);

/* True once somebody asked the workers to stop. Async-signal-safe. */
bool worker_should_stop(const struct subject *s);

/* Block until each worker has cycled at least `cycles` times. F only, without the GIL. */
void workers_await_cycles(struct subject *s, unsigned int cycles);

/* Block W until the operation is over. Takes no lock, never returns early. */
void worker_await_operation(struct subject *s);

/* Ask all workers to stop, and join them. The caller has released the GIL if they need it. */
void workers_stop_and_join(struct subject *s);

/*
 * Wait until the worker's fate is other than FATE_RUNNING and cannot change any more, and say
 * which it is. Reads /proc/self/task; never returns FATE_RUNNING: a worker that only runs on is
 * for the watchdog to judge.
 */
enum fate worker_await_fate(struct subject *s, unsigned int index);

/* worker_await_fate() on every worker, said: ok, exit or parked (the worst of them). */
void subject_say_fates(struct subject *s);

#ifdef __cplusplus
}
#endif
#endif
