/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks of one session with a debugger. People print the same stack several times: where it
 * stopped, then `bt`, `bt full`, `thread apply all bt`, `py-bt`. Here they become one thread each.
 * Threads are known by the numbers that the debugger gives them.
 */
#ifndef FORKPOINT_TRIAGE_SESSION_H
#define FORKPOINT_TRIAGE_SESSION_H

#include "triage/readers.h"

/* A frame as a debugger prints it; all but the number may be missing. */
struct session_frame {
	uint64_t number;
	uint64_t pc;
	bool has_pc;        /* an address is told, though perhaps not which */
	bool handler;       /* "<signal handler called>" */
	bool inlined;       /* it says so itself */
	bool python;
	bool bare;          /* cut off */
	struct piece name;
	struct piece args;  /* brackets and all */
	struct piece file;  /* with its line behind a colon; without it if `python` */
	uint64_t line;      /* only if `python` */
	struct piece module;
};

struct session_thread {
	uint64_t number, tid, pid; /* 0: not told */
	struct piece name;
};

struct session {
	struct trace *trace;
	uint32_t *by_number;       /* index + 1 of the thread that gdb calls so; 0: none yet */
	size_t nnumbers;
	struct session_thread selected; /* whose stack is printed without a heading */
	struct session_thread current; /* whose stack is open: the last of the trace's threads */
	bool open;
	bool addressed;            /* some frame of it has an address */
	bool numbered;             /* some frame of it has had a number: `last` */
	uint64_t last;
	bool listed;               /* Python frames without numbers: `py-bt`, not `py-bt-full` */
	bool cut;                  /* it began with another frame than #0 */
	bool selected_cut;         /* the selected thread's did */
	bool raised;               /* some stack shows a signal that the process sent itself */
	uint64_t raised_number;
	int raised_signo;
};

void session_begin(struct session *stacks, struct trace *trace);
/* Says which thread is the culprit and releases what is not the trace's. */
void session_end(struct session *stacks);

/* What follows is this thread's. */
void session_open(struct session *stacks, const struct session_thread *thread);
/* The stacks without a heading are, and were, this thread's. */
void session_select(struct session *stacks, const struct session_thread *thread);
/* False: it belongs to another crash, for the selected thread's stack is another already. */
bool session_add(struct session *stacks, const struct session_frame *frame);
/* The thread whose stack is open; NULL: none. */
struct crash_thread *session_current(const struct session *stacks);
bool session_has(const struct session *stacks, uint64_t number);

#endif
