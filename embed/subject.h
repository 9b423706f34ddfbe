/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control block: the one page that the driver and the subject of a trial share.
 *
 * The driver creates it (a memfd), maps it and hands it to the host as descriptor
 * SUBJECT_FD_CONTROL; the host maps it MAP_SHARED, so the subject and every process the subject
 * forks write to the same page. Nothing in it is a pointer. It has six parts, each on a cache
 * line of its own:
 *
 *   offset  part      written by                  read by
 *        0  header    driver, once                host, which refuses another version
 *       64  order     driver, between trials      subject
 *      256  state     subject and its children    driver, at any time
 *      512  crash     a crashing thread           driver, when state says CRASH_ANNOUNCED
 *     1024  said      subject and its children    driver, when the trial is over
 *     3904  walk      both, while W is stepped    both
 *
 * One trial at a time uses a page. All fields that are read while the other side may write are
 * atomics; the rest is handed over by the process's end or by crash.state.
 *
 * Includable from C and C++; knows neither Python nor the driver.
 */
#ifndef FORKPOINT_EMBED_SUBJECT_H
#define FORKPOINT_EMBED_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <atomic>
#define SHARED_U32 std::atomic<uint32_t>
#define SHARED_U64 std::atomic<uint64_t>
extern "C" {
#else
#include <stdatomic.h>
#define SHARED_U32 _Atomic uint32_t
#define SHARED_U64 _Atomic uint64_t
#endif

#define CONTROL_MAGIC 0x746e7066u /* "fpnt" */
#define CONTROL_VERSION 7u
#define CONTROL_SIZE 4096u
#define CONTROL_MEMORY_NAME "forkpoint-control" /* as it stands in /proc/PID/maps */

/*
 * Descriptors of a host. They are fixed so that a host can be started by hand from a shell.
 * LINK is a SOCK_SEQPACKET pair (struct link_request in, struct link_reply out), used by a zygote
 * only; SINK takes the subject's stdout and stderr; ANNOUNCE is the write end of a pipe, into which
 * a crashing thread writes one byte.
 */
enum {
	SUBJECT_FD_CONTROL = 3,
	SUBJECT_FD_LINK = 4,
	SUBJECT_FD_SINK = 5,
	SUBJECT_FD_ANNOUNCE = 6,
};

/*
 * The outcome of one trial. 1 to 64 is the signal that ended the subject or its forked child, so
 * that a histogram is one array.
 */
enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_SIGNAL_FIRST = 1,
	OUTCOME_SIGNAL_LAST = 64,
	OUTCOME_HANG,    /* the process does not end: a deadlock */
	OUTCOME_PARKED,  /* CPython holds W for ever by design, and the process ends */
	OUTCOME_EXIT,    /* W's thread was ended under it (pthread_exit) */
	OUTCOME_WRONG,   /* an invariant is broken, or the subject ended without a word */
	OUTCOME_TIMEOUT, /* its time was over: a loop, a process that was stopped; no deadlock */
	OUTCOME_COUNT,
};

/* How W and F are made to meet in this trial. */
enum meet {
	MEET_FREE = 0, /* nobody is held: the threads race */
	MEET_GATE,     /* W stands at its marker until the operation is done or blocked */
	MEET_SIGNAL,   /* W is stopped by a signal at whatever instruction it has reached */
	MEET_QUIET,    /* control: W stands before its window and never enters it */
	MEET_WALK,     /* W is stepped through its window, and F operates when it is told to */
};

struct control_order {
	uint32_t scenario;     /* index in the host's table */
	uint32_t variant;      /* index in the scenario's variants, 0 if it has none */
	uint32_t twin;         /* 0: the bug, 1: the fix */
	uint32_t meet;         /* enum meet */
	uint64_t seed;         /* of this trial; all randomness of the subject comes from it */
	uint32_t delay_max_ns; /* F waits a random time up to this before it operates */
	uint32_t hold_max_us;  /* W is held no longer than this */
	uint32_t announce;     /* 1: a crashing thread waits for the driver before it dies */
	/* control_name_hash() of the scenario: a host of other sources may have another there. */
	uint32_t name_hash;
	uint32_t window; /* MEET_WALK: which of W's windows, from 1 */
};

/* FNV-1a, 32 bits. Async-signal-safe. */
static inline uint32_t control_name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

/* Where the subject is. Monotonic within a trial; a watchdog's stall names the last one. */
enum stage {
	STAGE_NONE = 0,
	STAGE_SETUP,
	STAGE_WORKING,   /* W runs */
	STAGE_OPERATING, /* F is inside the operation */
	STAGE_CHILD,     /* a forked child is running its handlers or its check */
	STAGE_CHECKING,  /* the operation is over */
	STAGE_OVER,
};

struct control_state {
	SHARED_U32 progress;     /* counts; a subject whose progress stands still may be stuck */
	SHARED_U32 stage;        /* enum stage */
	SHARED_U32 subject_pid;
	SHARED_U32 child_pid;    /* the forked child, 0 when there is none */
	SHARED_U32 worker_tid;   /* W */
	SHARED_U32 operator_tid; /* F */
	SHARED_U32 windows;      /* how often W entered its window */
	SHARED_U32 hits;         /* operations that began while W stood in the window */
	SHARED_U32 held;         /* W was really held (MEET_GATE, MEET_SIGNAL, MEET_QUIET) */
	SHARED_U32 child_status; /* wait status of the forked child, CHILD_STATUS_SET added */
	SHARED_U64 measured_ns;  /* what a scenario measures (fork-stop-cost: the stall of fork) */
};

#define CHILD_STATUS_SET 0x80000000u

enum crash_state {
	CRASH_NONE = 0,
	CRASH_CLAIMED,   /* a thread is filling in the record */
	CRASH_ANNOUNCED, /* record complete, the thread waits (futex on crash.state) */
	CRASH_RELEASED,  /* the driver has seen enough; the thread goes on to die */
};

#define CONTROL_REGISTERS 34 /* x86-64 has 17 worth keeping, AArch64 31 + sp + pc + pstate */

struct control_crash {
	SHARED_U32 state; /* enum crash_state */
	uint32_t pid;
	uint32_t tid;
	int32_t signo;
	int32_t code;     /* si_code: SI_TKILL is abort(), SEGV_MAPERR a fault, SI_USER kill() */
	uint32_t nregs;
	uint64_t addr;    /* si_addr where the signal has one */
	uint64_t pc;
	uint64_t sp;
	uint64_t fp;
	uint64_t regs[CONTROL_REGISTERS]; /* in the order of the machine's ucontext */
};

/*
 * How a trial ended, in the subject's own words, best first. There is one of each: the worst word
 * counts, whenever it is said, and of two that are as bad the first. So nobody waits for another
 * (words are said in signal handlers and by processes that die), and nothing worse is lost.
 */
enum word {
	WORD_OK,
	WORD_PARKED,
	WORD_EXIT,
	WORD_WRONG, /* any other outcome */
	WORD_COUNT,
};

enum word_state {
	WORD_UNSAID = 0,
	WORD_SAID,
	WORD_BEGUN, /* being written, or its writer died over it: only the outcome holds */
};

struct control_word {
	SHARED_U32 state;  /* enum word_state */
	uint32_t outcome;  /* enum outcome, where the word is WORD_WRONG */
	char text[700];    /* why, NUL-terminated */
};

struct control_said {
	struct control_word words[WORD_COUNT];
};

/* Async-signal-safe. */
static inline enum word control_word_of(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_OK:
		return WORD_OK;
	case OUTCOME_PARKED:
		return WORD_PARKED;
	case OUTCOME_EXIT:
		return WORD_EXIT;
	default:
		return WORD_WRONG;
	}
}

/*
 * MEET_WALK. W announces that it is about to leave window_enter() and waits for `go`; F waits for
 * commands. Whoever has changed a word that the driver waits for writes a byte to ANNOUNCE.
 */
enum walk_command {
	WALK_NONE = 0,
	WALK_FORK,    /* fork once, reap the child, answer, and wait for the next command */
	WALK_OPERATE, /* do the operation as in any trial, answer, and wait */
	WALK_REST,    /* no more forks: the operation is over; answer, and wait */
	WALK_LEAVE,   /* no (more) operation: check, and end */
};

/*
 * Where the runtime keeps what tells how far its finalization is: addresses in the subject, 0 where
 * this release has no such field or its internal headers are not there. For who looks from outside,
 * since libpythons have no symbols for fields.
 */
enum runtime_field {
	RUNTIME_FINALIZING,       /* pointer: the thread state that finalizes */
	RUNTIME_THREADS,          /* pointer: the main interpreter's newest thread state */
	RUNTIME_MODULES,          /* pointer: its sys.modules */
	RUNTIME_GILSTATE_INTERP,  /* pointer: the interpreter that PyGILState_Ensure attaches to */
	RUNTIME_MAIN_INTERP,      /* pointer: the main interpreter */
	RUNTIME_TSS,              /* int: does the key of PyGILState's thread states exist? */
	RUNTIME_FIELDS,
};

struct control_runtime {
	uint64_t address[RUNTIME_FIELDS];
	uint64_t gil, gil_size; /* the main interpreter's lock; a wait for it is on a word in it */
};

struct control_walk {
	SHARED_U32 command;  /* driver: enum walk_command in the low byte, a counter above it */
	SHARED_U32 taken;    /* F: the last command that it has begun to carry out */
	SHARED_U32 answered; /* F: the last command that it has carried out */
	SHARED_U32 standing; /* W: 1 at the window's start */
	SHARED_U32 go;       /* driver: W may go on */
	SHARED_U32 ready;    /* F: 1 once it waits for its first command */
	SHARED_U32 left;     /* W: 1 once it has left the window that it stood at */
	/* W, before `standing`. Addresses in the subject. */
	uint64_t enter_pc;   /* where window_enter() returns to: the window's first instruction */
	uint64_t leave_pc;   /* the first instruction of window_leave() */
	uint64_t vdso_start, vdso_end; /* both 0: there is none */
	struct control_runtime runtime;
	/* F, before `ready`: the frame of subject_main(); an address in the subject. */
	uint64_t operator_frame;
};

#define WALK_COMMAND_MASK 0xffu
#define WALK_COMMAND_NEXT 0x100u

struct control {
	uint32_t magic;
	uint32_t version;
	uint32_t size;
	uint32_t reserved[13];
	struct control_order order;
	char pad_order[192 - sizeof(struct control_order)];
	struct control_state state;
	char pad_state[256 - sizeof(struct control_state)];
	struct control_crash crash;
	char pad_crash[512 - sizeof(struct control_crash)];
	struct control_said said;
	char pad_said[2880 - sizeof(struct control_said)];
	struct control_walk walk;
};

#ifdef __cplusplus
#define CONTROL_ASSERT(what) static_assert(what, #what)
#else
#define CONTROL_ASSERT(what) _Static_assert(what, #what)
#endif
CONTROL_ASSERT(offsetof(struct control, order) == 64);
CONTROL_ASSERT(offsetof(struct control, state) == 256);
CONTROL_ASSERT(offsetof(struct control, crash) == 512);
CONTROL_ASSERT(offsetof(struct control, said) == 1024);
CONTROL_ASSERT(offsetof(struct control, walk) == 3904);
CONTROL_ASSERT(sizeof(struct control) <= CONTROL_SIZE);

/*
 * The word that counts: its outcome, and in *text, which may be NULL, its reason. False: nothing
 * was said. For whoever reads, when the trial is over; what it reads may be garbage.
 */
static inline bool control_said(const struct control *control, enum outcome *outcome,
				const char **text)
{
	static const enum outcome outcomes[WORD_COUNT] = {
		OUTCOME_OK, OUTCOME_PARKED, OUTCOME_EXIT, OUTCOME_WRONG,
	};

	for (int i = WORD_COUNT; i-- > 0;) {
		const struct control_word *word = &control->said.words[i];
		uint32_t state = word->state;

		if (state == WORD_UNSAID)
			continue;
		*outcome = outcomes[i];
		if (i == WORD_WRONG && state == WORD_SAID && word->outcome < OUTCOME_COUNT)
			*outcome = (enum outcome)word->outcome;
		if (text)
			*text = state == WORD_SAID ? word->text :
				"the subject ended in the middle of saying so";
		return true;
	}
	return false;
}

/* Driver to zygote. RUN starts a subject with the order that stands in the control block. */
enum link_op {
	LINK_RUN = 1,
	LINK_KILL, /* SIGKILL to the running subject's process group; no answer but LINK_ENDED */
	LINK_QUIT,
};

struct link_request {
	uint32_t op; /* enum link_op */
};

/* Zygote to driver. */
enum link_event {
	LINK_READY = 1, /* Python is initialised; once */
	LINK_STARTED,   /* pid is the subject */
	LINK_ENDED,     /* the subject is reaped and its process group is empty */
	LINK_FAILED,    /* the subject could not be started: error is an errno */
};

struct link_reply {
	uint32_t event; /* enum link_event */
	int32_t pid;
	int32_t status; /* wait status, with LINK_ENDED */
	int32_t error;
};

#ifdef __cplusplus
}
#endif
#endif
