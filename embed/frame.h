/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of embed/ share among themselves: the frame in which a scenario runs.
 * Scenarios do not include this; their contract is scenarios/scenario.h.
 */
#ifndef FORKPOINT_EMBED_FRAME_H
#define FORKPOINT_EMBED_FRAME_H

#include <stdbool.h>
#include <sys/types.h>

#include "scenarios/scenario.h"

/* Exit statuses of a host and its children, apart from those of any program that dies by itself. */
enum {
	HOST_EXIT_CHILD_FINE = 73, /* the forked child ran to its end */
	HOST_EXIT_HARNESS = 74,    /* the frame could not do its part; said.text tells why */
	HOST_EXIT_USAGE = 2,
};

/* describe.c: every scenario of this host, ended by NULL. */
extern const struct scenario *const host_scenarios[];
unsigned int host_scenario_count(void);
/* Write what this host can do to stdout, as JSON. 0 or -1. */
int host_describe(void);

/* subject.c: run one trial in this process; never returns. The caller holds the GIL. */
void subject_main(struct control *control) __attribute__((noreturn));
/* The subject of this process; NULL in a zygote. Child-safe, async-signal-safe. */
struct subject *subject_current(void);
/* pthread_atfork child handler; a host registers it before anybody else can register one. */
void subject_in_child(void);
/* The frame cannot go on (no thread, no process): say why and end. Async-signal-safe. */
void subject_fail(struct subject *s, const char *why) __attribute__((noreturn));
/* Move the stage forward. Async-signal-safe. */
void subject_stage(struct subject *s, enum stage stage);
/* Record that the operation begins now: a hit if W stands in its window. Async-signal-safe. */
void subject_note_hit(struct subject *s);

/* operation.c: do the scenario's operation. F, GIL held. */
void operation_run(struct subject *s);
/* Did the forked child run to its end? */
bool operation_child_is_fine(const struct subject *s);

/* worker.c */
void workers_start(struct subject *s);

/* meet.c: bring W and F together as the order says. */
void meet_install(struct subject *s);
/* F, without the GIL: returns at the moment at which the operation shall begin. */
void meet_before(struct subject *s);
/* F: the operation is over (or has gone as far as it can): whoever is held goes on. */
void meet_after(struct subject *s);
/* W, between two cycles: in the quiet control, stand here until asked to stop. */
void meet_stand_quiet(struct subject *s);

/* walk.c, for MEET_WALK. */
/* W, last thing in window_enter(), which returns to `enter_pc`: stand until the driver steps it. */
void walk_stand(struct subject *s, uint64_t enter_pc);
/*
 * F, GIL held, before any thread is started. `frame` is subject_main()'s: while F waits for a
 * command, all on its stack from there on is forkpoint's own.
 */
void walk_prepare(struct subject *s, const void *frame);
/*
 * F: the driver's next command. The last one counts as carried out. Without the GIL, unless W needs
 * it no more. errno stays what it was, for the driver compares memory between two.
 */
enum walk_command walk_next(struct subject *s);
/* F: the command is carried out. walk_next() says so by itself. */
void walk_answer(struct subject *s);
/* F, before the operation: is it W at its window that the driver walks? Else all goes as usual. */
bool walk_is_on(const struct subject *s);
/*
 * W, last thing in window_leave(): it has left its window. Once the operation is over, what comes
 * behind this window is no outcome of it. W has come out of it well, and is no more.
 */
void walk_rest(struct subject *s);
/* F: is the command one of many forks? */
bool walk_is_forking(const struct subject *s);
/* F: is it to stand after the operation, until W has ended? */
bool walk_is_resting(const struct subject *s);

/* announce.c: crash handlers for all threads, and the calling thread's alternate stack. */
void announce_install(struct control *control);
void announce_thread_stack(void);

#endif
