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
	MESSAGE_FINALIZING,      /* CPython: its runtime is being finalized */
	MESSAGE_NOT_INITIALIZED, /* PyO3: Python is not there, or not any more */
	MESSAGE_FORK_ABORT,      /* a library will not be used in a forked child */
	MESSAGE_FORK_SPOKEN,     /* something is not as it should be after a fork */
	MESSAGE_FORK_WARNED,     /* a library, or Python, says that a fork is none that it stands */
	MESSAGE_CLASS_INIT,      /* Objective-C: a class was being initialised at the fork */
	MESSAGE_BAD_FILE,        /* a file that was open is not open any more */
	MESSAGE_MUTEX_BROKEN,    /* a lock's own structure is in no state that it can be in */
	MESSAGE_STACK_OVERFLOW,  /* the stack is used up */
	MESSAGE_UNWIND_FORBIDDEN, /* Rust, C++: an unwinding met code that it must not leave */
	MESSAGE_THROWN_PYTHON,   /* C++: an exception nobody caught holds a Python error */
	MESSAGE_THROWN,          /* C++: an exception nobody caught */
	MESSAGE_UNRAISABLE,      /* Python: an error that could not be raised was left aside */
	MESSAGE_REFCOUNT,        /* CPython: an object's count is not possible */
	MESSAGE_FREED_STATE,     /* faulthandler: a thread state is filled with freed bytes */
	MESSAGE_KINDS,
};

struct frame_fact {
	struct frame_origin origin;
	enum frame_category category; /* the origin's */
	char *name; /* bare; NULL unless the name is exact */
	bool namesake; /* called like a function of libc's, and somebody's own */
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
	int signal;  /* outermost signal on the stack: what is further in was not called */
	int native;  /* innermost frame of somebody's own, or of an allocator's at-fork handler */
	int entry;   /* the CPython function that `native` called; only if it did */
	int finalize; /* Py_FinalizeEx, Py_EndInterpreter */
	int unwind;  /* a forced unwinding: pthread_exit and its kin */
	int exit;    /* innermost frame that runs destructors at the end of a process or thread */
	bool in_child;
	bool python_child; /* Python frames tell that multiprocessing forked this process */
	bool interpreting; /* Python code runs on the culprit */
	const struct crash_thread *finalizer; /* another thread, inside Py_FinalizeEx */
	const struct crash_thread *lock_owner; /* whom the culprit waits for, if in the record */
	char *message[MESSAGE_KINDS]; /* the line, NULL if not said */
};

/* Both must outlive the facts; `rules` may be NULL. */
void facts_collect(struct facts *facts, const struct crash *crash,
		   const struct frame_rules *rules);
void facts_release(struct facts *facts);
/* Is the exact name of the frame one of these (NULL-terminated), and not a namesake's? */
bool facts_named(const struct facts *facts, int frame, const char *const *names);
/* The innermost frame whose exact name is one of these; -1: none. */
int facts_find(const struct facts *facts, const char *const *names);
/* Does the exact name of a frame match one of these patterns (rules.h)? */
bool facts_like(const struct facts *facts, int frame, const char *const *patterns);
int facts_find_like(const struct facts *facts, const char *const *patterns);
/* Is that a crash, or stacks and findings of which nothing says that it is none? */
bool facts_troubled(const struct facts *facts);
bool facts_hang(const struct facts *facts); /* a hang, or stacks that somebody looked at */
bool facts_recorded_hang(const struct facts *facts); /* one that the harness has seen itself */
/* Does the culprit wait for a lock: by the record's word, or its innermost frames'? */
bool facts_lock_wait(const struct facts *facts);
/* "crashed", "hangs", …: what the process does, for sentences. Static. */
const char *facts_verb(const struct facts *facts);
/*
 * "name" or "module+0x12", for sentences: the same each time, wherever things were loaded.
 * Allocated.
 */
char *facts_describe(const struct facts *facts, int frame);
/* facts_messages.c. Allocated lines into `message`, indexed by enum message_kind. */
void messages_find(const char *text, char *message[MESSAGE_KINDS]);

/* facts_stack.c */

/* Says of frames of the culprit whose they are where the report, and the rules, do not. */
void facts_claim_frames(struct facts *facts);
/* Do the names on its stack say that it waits inside CPython for a lock? */
bool stack_waits_in_cpython(const struct facts *facts, const struct crash_thread *thread);

/* facts_party.c */

/* Changes whose frames of the culprit are, by their neighbours. */
void facts_claim_parties(struct facts *facts);
/* Is the frame an allocator's that is not the platform's own: jemalloc, tcmalloc, mimalloc? */
bool facts_is_allocator(const struct facts *facts, int frame);

/* Whose code a sanitizer's last line names; UNKNOWN: nobody's own, or there is no such line. */
enum attribution summary_owner(const struct facts *facts);

/* facts_program.c */

/* Changes whose frames of the culprit are that stand in a module without a suffix. */
void facts_claim_program(struct facts *facts);
/* Has an excerpt cut the path in the middle? */
bool facts_module_is_cut(const char *module);

/* cpython_api.c. Is a function called Py… one of CPython's, by what its name begins with? */
bool facts_names_cpython(const char *function);

/* facts_reporter.c. The outermost frame of what told of the crash by itself; -1: none. */
int facts_reporter(const struct facts *facts);

/*
 * facts_lean.c. The likeliest party where no code of anybody's is to be seen; UNKNOWN: nothing
 * speaks for one. *frame: by which frame, or -1.
 */
enum attribution facts_lean(const struct facts *facts, int *frame);

/* facts_owner.c */

/*
 * frame_find_origin(), and more: where a report names no modules, a function that no rule knows and
 * whose source or namespace is nobody's known is somebody's own.
 */
void facts_origin(const struct facts *facts, const struct crash_frame *frame,
		  struct frame_origin *origin);
/* Who answers for what the culprit does, if no pattern knows better. *frame: by which frame. */
enum attribution facts_owner(const struct facts *facts, int *frame);
/* The same of any thread's native frames, else CPython if it has frames of it, else unknown. */
enum attribution thread_owner(const struct facts *facts, const struct crash_thread *thread);
/* Only CPython's own code and libc beneath it, innermost to `frame`, which is not asked. */
bool facts_only_cpython(const struct facts *facts, int frame);
/* ctypes calls what the program told it to call, and calls back what the program keeps alive. */
bool facts_through_ctypes(const struct facts *facts);

/* facts_python.c */

/* Of a stack of Python code: a package's, or the application's, innermost first. */
enum attribution python_owner(const struct facts *facts);
/*
 * Python code cannot crash: it is what it called, and the standard library calls CPython; ctypes,
 * what the program says; and others, most often the extensions that were loaded.
 */
enum attribution python_crash_owner(const struct facts *facts);
/*
 * Of a stream whose lock a thread had when it was ended or parked: the owner of the Python code
 * that another thread runs, else INTERACTION.
 */
enum attribution stream_owner(const struct facts *facts);
/*
 * multiprocessing's start method "fork" goes on in the child on the same Python stack: _launch()
 * calls os.fork(), and then the child's _bootstrap().
 */
bool thread_is_python_child(const struct crash_thread *thread);

/*
 * namesake.c. Is the frame somebody's own function that is called like one of libc's: by its
 * qualified name (Repo::fork), its module or its source?
 */
bool facts_is_namesake(const struct crash_frame *frame, const struct frame_fact *fact);

/* The innermost frame of a thread that is somebody's own, described; NULL if none. Allocated. */
char *thread_describe_native(const struct facts *facts, const struct crash_thread *thread);
bool thread_waits_for(const struct crash_thread *thread, const char *what);
/* Does it wait inside CPython for a lock whose holder memory does not show? */
bool thread_waits_in_cpython(const struct facts *facts, const struct crash_thread *thread);

#endif
