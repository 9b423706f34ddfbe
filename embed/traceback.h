/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracebacks of CPython 3.12 to 3.15 as an array of structs, from inside the process: for crash
 * handlers and profilers. traceback.c and this header are all of it; they need no header of
 * Python's, and compile as C11 for a 64-bit Linux with glibc or musl.
 *
 * What is read may be torn, freed or garbage: each address is read by a system call that fails
 * where a load would crash, chains are bounded, and what does not look like what it should be ends
 * the traceback. Nothing is written, allocated, locked or called in Python; no reference is taken.
 *
 * The second half of this header serves whoever looks at another process, or at a core file.
 */
#ifndef FORKPOINT_EMBED_TRACEBACK_H
#define FORKPOINT_EMBED_TRACEBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRACEBACK_TEXT_MAX 256

/* Texts are UTF-8, end in NUL, and are cut at a character's border, with "..." at the end then. */
struct traceback_frame {
	char filename[TRACEBACK_TEXT_MAX];
	int lineno; /* -1: the instruction belongs to no line */
	char name[TRACEBACK_TEXT_MAX];
};

struct _ts; /* PyThreadState */

/*
 * Once, at a quiet moment, before the first traceback_frames(): finds the runtime, by dlsym(). 0,
 * or -1: there is no Python in this process, or none that is known.
 */
int traceback_init(void);

/*
 * Fill in up to `max` frames, the innermost first, of a thread state of this process, whatever that
 * thread does meanwhile. The number of frames; -1: it is no thread state of this process any more,
 * nothing of it can be read, or traceback_init() has not succeeded. A chain that is torn on the way
 * ends there: fewer frames. errno is left as it was.
 *
 * Async-signal-safe. Needs no GIL and no attached thread state. Less than 4 KiB of stack. Which
 * thread state is to be asked of, note it beforehand: PyGILState_GetThisThreadState() may lock, and
 * so may a thread-local variable of a shared object, whose first use allocates.
 */
int traceback_frames(struct _ts *tstate, struct traceback_frame *frames, int max);

/*
 * From outside.
 */

/* Where this build of CPython keeps things. Bytes from the start of each. */
struct traceback_offsets {
	uint32_t release; /* as PY_VERSION_HEX >> 16: 0x030d */
	bool free_threaded;
	uint32_t runtime_finalizing, runtime_interpreters;
	uint32_t interp_next, interp_id, interp_threads;
	uint32_t interp_gil;             /* a pointer; the next two are of what it points to */
	uint32_t gil_locked, gil_holder;
	uint32_t interp_gc_collecting;
	uint32_t thread_next, thread_interp, thread_id, thread_native_id;
	uint32_t thread_join_lock;       /* 3.12: a weak reference to what it has to its end */
	uint32_t thread_frame;
	bool thread_frame_is_apart;      /* that is a pointer to what has the frame first (3.12) */
	uint32_t frame_previous, frame_code, frame_instruction, frame_owner;
	uint32_t frame_tlbc, code_tlbc;  /* both 0: all threads run the same code */
	uint32_t code_filename, code_name, code_qualname, code_lines, code_first_line;
	uint32_t code_instructions;
	uint32_t code_first_traceable;   /* the instruction before which a frame has not begun */
	uint32_t object_type, type_name, bytes_size, bytes_data;
	uint32_t text_state, text_length;
	uint32_t text_ascii_size;        /* of the head of a text that has characters below 128 */
	uint32_t text_compact_size;      /* and of any other */
};

/* The first bytes of _PyRuntime that are needed, at most. */
#define TRACEBACK_RUNTIME_MAX 1024

/*
 * From a copy of the first n bytes of _PyRuntime, which tells from 3.13 on; `release` is what is
 * known otherwise (as above), 0 nothing. False: no release that is known.
 */
bool traceback_offsets_find(struct traceback_offsets *offsets, const void *runtime, size_t n,
			    uint32_t release);

/* Reads all of it or nothing. */
struct traceback_reader {
	bool (*read)(void *context, uint64_t address, void *to, size_t size);
	void *context;
};

struct traceback_walk {
	const struct traceback_offsets *offsets;
	const struct traceback_reader *reader;
	uint64_t frame;  /* the next one; 0: there is none */
	uint64_t mark;   /* one that has been, to notice a circle */
	uint32_t count;
	uint32_t idle;   /* frames in a row that were no Python's */
	uint64_t code_type; /* 0: not known yet */
};

enum traceback_step {
	TRACEBACK_END,
	TRACEBACK_TORN,   /* it goes on, but nobody can tell how */
	TRACEBACK_PYTHON, /* `code` is filled in */
	TRACEBACK_ENTRY,  /* where C has called the evaluator: a native frame of it ends here */
};

/* A Python frame, as far as it is no text. */
struct traceback_code {
	uint64_t frame, code;
	uint64_t filename, name, qualname; /* str objects */
	int lineno;                        /* -1: none */
};

/* False: nothing of the thread state can be read. */
bool traceback_begin(struct traceback_walk *walk, const struct traceback_offsets *offsets,
		     const struct traceback_reader *reader, uint64_t tstate);
/* Frames that have not begun are left out, as Python's own tracebacks do. */
enum traceback_step traceback_next(struct traceback_walk *walk, struct traceback_code *code);
/* A str object as UTF-8, as in struct traceback_frame, of `size`, which is 1 or more; false: it is
 * none, and `to` is "". */
bool traceback_text(const struct traceback_offsets *offsets, const struct traceback_reader *reader,
		    uint64_t text, char *to, size_t size);

/*
 * The line of the instruction `offset` bytes into the code, by the location table (PEP 626, as of
 * 3.11) of n bytes that is at `address`. -1: none; -2: it is no table.
 */
int traceback_line(const struct traceback_reader *reader, uint64_t address, uint64_t n,
		   int first_line, int64_t offset);

#ifdef __cplusplus
}
#endif
#endif
