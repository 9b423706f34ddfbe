/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPython as it is found in a process, or a core file: its interpreters, who has the GIL, and what
 * each thread runs. Read by addresses from memory that stands still; the process lends no help, and
 * need not be in order: what is torn is said to be.
 */
#ifndef FORKPOINT_OBSERVE_PYTHON_H
#define FORKPOINT_OBSERVE_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "embed/traceback.h"
#include "observe/maps.h"
#include "observe/memory.h"
#include "observe/unwind.h"

struct python_frame {
	bool entry;       /* none, but where C has called the evaluator */
	uint64_t address; /* of an entry: on the stack of the thread that made the call */
	char *function, *file;
	int line;         /* -1: none */
};

/* A thread state. A thread has one for each interpreter that it has run in. */
struct python_thread {
	uint64_t address;
	pid_t tid;        /* as the process itself calls it; the scene translates that */
	uint64_t ident;   /* pthread_self(), which a fork does not change */
	size_t interp;    /* in struct python */
	bool has_gil;
	struct python_frame *frames; /* innermost first */
	size_t nframes;
	size_t left_out;  /* frames beyond PYTHON_FRAMES_MAX; counted, not read */
	bool torn;        /* the chain ends where it should not */
};

struct python_interp {
	uint64_t address;
	int64_t id;
	uint64_t gil;     /* 0: none */
	bool gil_taken;   /* by whom: python_thread.has_gil, perhaps of another interpreter */
	bool collecting;
};

struct python {
	struct python *next; /* another one in the same process; NULL: there is none */
	uint32_t release;  /* PY_VERSION_HEX; its lower half is 0 where that is not told */
	bool free_threaded;
	struct traceback_offsets offsets;
	char *module;      /* path of the library or program that the runtime is in */
	bool finalizing;
	pid_t finalizing_tid; /* 0: its thread state is in no list */
	struct python_interp *interps;
	size_t ninterps;
	struct python_thread *threads;
	size_t nthreads;
	bool torn;         /* a list of interpreters or thread states ends where it should not */
	bool late;         /* time was over before all was read */
};

#define PYTHON_FRAMES_MAX 1000

/*
 * `session` has begun on these maps and this memory. What is not read by `deadline_ns` (of
 * clock_now()) is left out. NULL: there is no CPython in it (*why is empty), or none that can be
 * read (*why says why).
 */
struct python *python_read(const struct maps *maps, struct memory *memory,
			   struct unwind_session *session, uint64_t deadline_ns,
			   struct strbuf *why);
/* The thread state is of this thread, after all. */
void python_claim(struct python *python, struct python_thread *thread, pid_t tid);
void python_free(struct python *python); /* all of them; NULL is fine */

#endif
