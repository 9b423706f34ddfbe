/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules look at: a crash read once, in the words of this domain. Frames by whose they are,
 * where fork and finalization stand on the stack, what the messages say.
 */
#ifndef FORKPOINT_TRIAGE_FACTS_H
#define FORKPOINT_TRIAGE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/crash.h"
#include "triage/frames.h"

/* What a process wrote before it died; each is one sentence of glibc's, C++'s or CPython's. */
enum message_kind {
	MESSAGE_HEAP_REUSED,     /* glibc found a chunk freed twice, or written after free */
	MESSAGE_HEAP_CORRUPT,    /* glibc found its heap damaged, by whatever */
	MESSAGE_NOT_RETHROWN,    /* a forced unwinding was swallowed */
	MESSAGE_TERMINATE,       /* std::terminate without an exception */
	MESSAGE_TSTATE_DEAD,     /* CPython: thread state of a runtime that is gone */
	MESSAGE_TSTATE_FOREIGN,  /* CPython: works with a thread state it does not know */
	MESSAGE_GIL_NOT_HELD,    /* CPython: called without the GIL */
	MESSAGE_SHUTDOWN_IO,     /* CPython: a stream's lock held by a thread that was ended */
	MESSAGE_KINDS,
};

struct frame_fact {
	struct frame_origin origin;
	enum frame_category category; /* the origin's */
	char *name; /* bare; NULL unless the name is exact */
};

struct facts {
	const struct crash *crash;
	const struct frame_rules *rules;    /* the user's; NULL: none */
	const struct crash_thread *culprit; /* NULL: no thread at all */
	struct frame_fact *frames;          /* the culprit's */
	int nframes;
	/* Indices in the culprit's frames; -1: none. */
	int fork;    /* outermost frame of fork() or of CPython's part of it */
	int handler; /* outermost frame of somebody's own that fork called: an at-fork handler */
	int native;  /* innermost frame of somebody's own */
	int entry;   /* the CPython function that `native` called; only if it did */
	int finalize; /* Py_FinalizeEx, Py_EndInterpreter */
	int unwind;  /* a forced unwinding: pthread_exit and its kin */
	bool in_child;
	bool interpreting; /* Python code runs on the culprit */
	const struct crash_thread *finalizer; /* another thread, inside Py_FinalizeEx */
	const struct crash_thread *lock_owner; /* whom the culprit waits for, if in the record */
	char *message[MESSAGE_KINDS]; /* the line, NULL if not said */
};

/* Both must outlive the facts; `rules` may be NULL. */
void facts_collect(struct facts *facts, const struct crash *crash,
		   const struct frame_rules *rules);
void facts_release(struct facts *facts);
/* Is the exact name of the frame one of these (NULL-terminated)? */
bool facts_named(const struct facts *facts, int frame, const char *const *names);
/* "crashed", "hangs", …: what the process does, for sentences. Static. */
const char *facts_verb(const struct facts *facts);
/*
 * "name" or "module+0x12", for sentences: the same each time, wherever things were loaded.
 * Allocated.
 */
char *facts_describe(const struct facts *facts, int frame);
/* The innermost frame of a thread that is somebody's own, described; NULL if none. Allocated. */
char *thread_describe_native(const struct facts *facts, const struct crash_thread *thread);
bool thread_waits_for(const struct crash_thread *thread, const char *what);
/* Does it wait inside CPython for a lock whose holder memory does not show? */
bool thread_waits_in_cpython(const struct facts *facts, const struct crash_thread *thread);

#endif
