/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One live process while it is looked at: its threads held still, unwound, let go, given names.
 */
#ifndef FORKPOINT_OBSERVE_VIEW_H
#define FORKPOINT_OBSERVE_VIEW_H

#include "embed/subject.h"
#include "observe/crash.h"
#include "observe/unwind.h"

struct strbuf;
struct wait_notes;

/* Who is looked at. */
struct view_request {
	pid_t pid;
	const struct control_crash *announced; /* of one of its threads; NULL: none has */
	bool locks; /* CPython's own are wanted, too: what a thread waits for is told by them */
};

/*
 * Add all threads of a process to the record, with their stacks, native and Python frames merged,
 * and waits (to be settled when all processes are in); what cannot be had is said in
 * crash->degraded.
 */
void view_capture(struct crash *crash, const struct view_request *request,
		  struct unwind_session *session, struct wait_notes *notes);

/* "no ptrace: why; what to do" for an errno of ptrace, of a child of ours. */
void view_ptrace_remedy(struct strbuf *text, int error);

#endif
