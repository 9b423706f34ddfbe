/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash or a hang as it was found: what triage reads, whatever it came from (a live process, a
 * core, a text report). Pure data, no behaviour but making and freeing.
 *
 * Ownership: everything a struct crash points to belongs to it; crash_free() frees all.
 * Unknown is said, not guessed: NULL strings, trust TRUST_NONE, has_* false.
 */
#ifndef FORKPOINT_OBSERVE_CRASH_H
#define FORKPOINT_OBSERVE_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How far a function's name can be believed. */
enum trust {
	TRUST_NONE,    /* no name: module and offset only */
	TRUST_SCANNED, /* found by looking through the stack: perhaps left over from another call */
	TRUST_NEAR,    /* nearest export of a stripped object: the true function may be another */
	TRUST_EXACT,   /* the symbol's range covers the address */
};

/* "exact", "near", "scanned", "none". Static string. */
const char *trust_name(enum trust trust);

/* What an address's offset in a module counts from. */
enum offset_kind {
	OFFSET_OF_MODULE, /* where the module begins in memory */
	OFFSET_OF_CODE,   /* where the mapping with its code begins in memory */
	OFFSET_OF_FILE,   /* the file's first byte; segments need not keep their distances */
};

/*
 * How a file with debug symbols was found to be a module's, where a frame's function and line are
 * from one that the report did not have.
 */
enum debug_match {
	DEBUG_NONE,  /* they are from where the crash is from */
	DEBUG_ID,    /* it has the build-id that the report tells */
	DEBUG_LINK,  /* it has the checksum that the module tells */
	DEBUG_NAME,  /* it is called so, and there is nothing else to go by */
};

/* "build-id", "debug-link", "name"; NULL for DEBUG_NONE. Static string. */
const char *debug_match_name(enum debug_match match);

struct crash_frame {
	uint64_t pc;
	char *function;       /* demangled; NULL with TRUST_NONE */
	uint64_t offset;      /* of pc in function */
	enum trust trust;
	char *module;         /* path of the mapped file; NULL: none (JIT, vdso) */
	uint64_t module_offset;
	enum offset_kind offset_kind;
	char *build_id;       /* of the module, lower-case hexadecimal; NULL: it is not told */
	char *file;           /* source, where there is DWARF */
	int line;
	bool signal_frame;    /* the frame below was interrupted, not called */
	bool inlined;         /* part of the frame below, by the compiler */
	bool python;          /* function, file and line are of Python code */
	bool evaluator;       /* CPython's, which runs the Python frames before it */
	bool method;          /* its first argument is called `this` */
	bool null_argument;   /* one of its arguments is NULL: a name, a value or a string */
	enum debug_match debug; /* what its function, file and line are from */
};

/* What a blocked thread waits for, read from its system call. */
struct crash_wait {
	char *syscall;        /* "futex", "pause", "wait4", …; NULL: not in a system call */
	bool timed;           /* it will wake up by itself */
	uint64_t address;     /* of the futex */
	char *what;           /* "mutex", "condition", "thread join", "GIL", NULL: not known */
	/*
	 * Of CPython, that the thread waits for by that: "threading.RLock", "threading.Lock",
	 * "PyMutex"; NULL: none, or none is known.
	 */
	char *lock_type;
	uint64_t lock;        /* where that is: the object, or the PyMutex */
	pid_t owner;          /* thread id the lock names; 0: none known */
	bool owner_missing;   /* the owner is no thread of this process; 0: nor of another one */
	pid_t owner_elsewhere; /* process of the subject's family where the owner lives; 0: none */
};

struct crash_thread {
	pid_t pid;
	pid_t tid;
	char *name;           /* comm */
	/* Why it is there, if it is no stack of that moment: "freed by", "previous write"; NULL. */
	char *role;
	bool has_gil;
	bool has_python;      /* it has a thread state; whose interpreter is `interp` */
	int64_t interp;       /* the innermost one's id */
	char *runtime;        /* and the module of its CPython; NULL: its process has one only */
	bool python_torn;     /* its Python frames end where they should not */
	char state;           /* as /proc says it; 0: unknown */
	bool culprit;         /* the thread that crashed, or that the hang is about */
	struct crash_wait wait;
	struct crash_frame *frames; /* innermost first */
	size_t nframes;
	size_t left_out;      /* frames in the middle that are not among them */
	bool truncated;       /* the unwinder stopped before the thread's start */
};

/* An interpreter of CPython in a process. */
struct crash_interp {
	int64_t id;
	uint64_t gil;         /* where it is; 0: there is none */
	bool gil_taken;
	pid_t gil_tid;        /* by this thread; 0: by one that is not known */
	bool collecting;      /* a garbage collection runs */
};

/* CPython in a process. */
struct crash_python {
	pid_t pid;
	char *release;        /* "3.13.5"; NULL: not known */
	bool free_threaded;
	char *module;         /* path of the library or program that it is in; NULL: not known */
	bool finalizing;
	pid_t finalizing_tid; /* 0: not known */
	struct crash_interp *interps;
	size_t ninterps;
	char *trouble;        /* why it is not read, or not all of it; NULL: nothing */
};

enum crash_kind {
	CRASH_KIND_SIGNAL,
	CRASH_KIND_HANG,    /* it waits, and nothing will come */
	CRASH_KIND_SPIN,    /* it uses CPU, and nothing comes of it */
	CRASH_KIND_STOPPED, /* a signal (SIGSTOP and its like) stopped all of it */
	CRASH_KIND_LATE,    /* it was not over in time, though it was none of these */
	CRASH_KIND_FINDING, /* a tool has found something: `finding` */
	CRASH_KIND_LOOK,    /* nothing happened that is known of: somebody looked at its stacks */
};

struct crash {
	enum crash_kind kind;
	pid_t pid;
	pid_t tid;
	bool in_child;        /* in the process that the scenario forked */
	bool in_window;       /* in_child: a thread of its parent was in its window at the fork */
	int signo;
	int code;             /* si_code */
	bool has_addr;
	uint64_t addr;
	uint64_t pc, sp, fp;
	uint64_t *regs;       /* machine's own order; NULL: none */
	size_t nregs;
	char *finding;        /* what a tool calls it: "heap-use-after-free"; NULL: none has */
	bool one_thread;      /* a list of all threads is in the report, and has one */
	bool breakpoint;      /* a debugger's breakpoint stopped it there: neither crash nor hang */
	bool retold;          /* its stack is somebody's words, not a tool's: none of it is sure */
	char *message;        /* what the process wrote to stderr, its last 64 KiB; never NULL */
	char *maps;           /* /proc/PID/maps; NULL: not taken */
	struct crash_thread *threads;
	size_t nthreads;
	struct crash_python *pythons; /* of those of its processes that were looked at for it */
	size_t npythons;
	char *degraded;       /* what is missing and why ("no ptrace: …"); NULL: nothing */
};

/* What a frame that stands alone points to. */
void crash_frame_release(struct crash_frame *frame);
struct crash *crash_new(void);
void crash_free(struct crash *crash); /* NULL is fine */
/* A new zeroed thread at the end. Pointers to earlier threads are void afterwards. */
struct crash_thread *crash_add_thread(struct crash *crash);
struct crash_frame *crash_thread_add_frame(struct crash_thread *thread);
/* As crash_add_thread(). */
struct crash_python *crash_add_python(struct crash *crash);
/* The culprit, or the first thread, or NULL. */
const struct crash_thread *crash_culprit(const struct crash *crash);

#endif
