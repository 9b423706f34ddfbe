/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stack tells of frames of which the report says too little: by their addresses, and by who
 * stands beside them.
 */
#include <string.h>

#include "triage/facts.h"
#include "triage/rules.h"

/* More than any executable or library has of code; a 64-bit process has room between them. */
#define PROGRAM_SPAN ((uint64_t)1 << 30)
/* More than any libc, any CPython has of code. */
#define LIBC_SPAN ((uint64_t)4 << 20)
#define CPYTHON_SPAN ((uint64_t)16 << 20)

static bool is_near(uint64_t a, uint64_t b, uint64_t span)
{
	return a && b && (a > b ? a - b : b - a) < span;
}

static const struct crash_frame *frame_of(const struct facts *facts, int i)
{
	return &facts->culprit->frames[i];
}

/* A function with a name, of which neither the report nor any rule says whose it is. */
static bool is_unclaimed(const struct facts *facts, int i)
{
	return facts->frames[i].origin.kind == KIND_UNKNOWN && facts->frames[i].name &&
	       !frame_of(facts, i)->module && !frame_of(facts, i)->python;
}

static void claim(struct facts *facts, int i, enum frame_kind kind)
{
	facts->frames[i].category = frame_kind_category(kind);
	facts->frames[i].origin = (struct frame_origin){
		.kind = kind,
		.category = frame_kind_category(kind),
		.owner = frame_kind_owner(kind),
	};
}

/*
 * Does its name tell where the library is? The C runtime's _start is in each executable, and what
 * has a source may be of one of CPython's extension modules.
 */
static bool is_anchor(const struct facts *facts, int i, enum frame_kind kind)
{
	static const char *const start[] = { "_start", NULL };
	const struct crash_frame *frame = frame_of(facts, i);
	const char *library = kind == KIND_LIBC ? "libc." : "libpython";
	const char *base = module_base(frame->module);

	return facts->frames[i].origin.kind == kind && frame->pc && !frame->file &&
	       (base ? !strncmp(base, library, strlen(library)) : !facts_named(facts, i, start));
}

/* What lies between two functions of a library is the library's, too. */
static void claim_between(struct facts *facts, enum frame_kind kind, uint64_t span)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (int i = 0; i < facts->nframes; i++) {
		uint64_t pc = frame_of(facts, i)->pc;

		if (!is_anchor(facts, i, kind))
			continue;
		first = pc < first ? pc : first;
		last = pc > last ? pc : last;
	}
	if (first >= last || last - first >= span)
		return;
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = frame_of(facts, i);

		if (facts->frames[i].origin.kind == KIND_UNKNOWN && !frame->module &&
		    !frame->python && !frame->file && frame->pc > first && frame->pc < last)
			claim(facts, i, kind);
	}
}

/* Where the executable is: each has these two, and nobody else. 0: they are not on any stack. */
static uint64_t program_address(const struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++) {
		const struct crash_thread *thread = &crash->threads[i];

		for (size_t k = 0; k < thread->nframes; k++) {
			const struct crash_frame *frame = &thread->frames[k];

			if (frame->function && frame->trust == TRUST_EXACT && !frame->python &&
			    !frame->module && (!strcmp(frame->function, "_start") ||
					       !strcmp(frame->function, "main")))
				return frame->pc;
		}
	}
	return 0;
}

/* By its address alone it may as well be what the executable links: native code beside Python. */
static void claim_program_frame(struct facts *facts, int i)
{
	claim(facts, i, KIND_PROGRAM);
	facts->frames[i].origin.owner = ATTRIBUTION_EXTENSION;
}

/*
 * The executable's own functions, by their addresses. Unless it is Python itself, or libraries are
 * so near to it that addresses tell nothing.
 */
static void claim_program(struct facts *facts)
{
	uint64_t at = program_address(facts->crash);

	for (int i = 0; i < facts->nframes; i++) {
		enum frame_category category = facts->frames[i].category;

		if ((category == CATEGORY_CPYTHON || is_anchor(facts, i, KIND_LIBC)) &&
		    is_near(frame_of(facts, i)->pc, at, PROGRAM_SPAN))
			return;
	}
	for (int i = 0; i < facts->nframes; i++)
		if (is_unclaimed(facts, i) && is_near(frame_of(facts, i)->pc, at, PROGRAM_SPAN))
			claim_program_frame(facts, i);
}

/* The outermost frame of libc's fork(); -1: none. */
static int libc_fork(const struct facts *facts)
{
	static const char *const names[] = {
		"fork", "__fork", "__run_fork_handlers", "__run_prefork_handlers",
		"__run_postfork_handlers", NULL,
	};

	for (int i = facts->nframes - 1; i >= 0; i--)
		if (facts_named(facts, i, names))
			return i;
	return -1;
}

/*
 * What libc's fork() calls, and is not libc's own by its address, is an at-fork handler. CPython
 * and the C++ runtime have none of that kind, so it is somebody's own.
 */
static void claim_handler(struct facts *facts)
{
	int fork = libc_fork(facts), i = fork - 1;

	while (i >= 0 && (facts->frames[i].category == CATEGORY_LIBC ||
			  (!facts->frames[i].name && !frame_of(facts, i)->module)))
		i--;
	if (i < 0 || !is_unclaimed(facts, i) || !frame_of(facts, i)->pc ||
	    !frame_of(facts, fork)->pc ||
	    is_near(frame_of(facts, i)->pc, frame_of(facts, fork)->pc, LIBC_SPAN))
		return;
	claim(facts, i, KIND_EXTENSION);
}

void facts_claim_frames(struct facts *facts)
{
	claim_between(facts, KIND_LIBC, LIBC_SPAN);
	claim_between(facts, KIND_CPYTHON, CPYTHON_SPAN);
	claim_program(facts);
	claim_handler(facts);
}

/* From the system call to the function of CPython's that says what it is for. */
#define WAIT_DEPTH 12

static bool name_like(const struct crash_frame *frame, const char *const *patterns)
{
	for (; frame->function && frame->trust == TRUST_EXACT && *patterns; patterns++)
		if (pattern_matches(*patterns, frame->function, strlen(frame->function)))
			return true;
	return false;
}

bool stack_waits_in_cpython(const struct facts *facts, const struct crash_thread *thread)
{
	static const char *const locks[] = {
		"_PyMutex_Lock*", "PyMutex_Lock*", "_PyRawMutex_LockSlow", "take_gil",
		"PyThread_acquire_lock*", "_PyThreadState_WaitAttach", "tstate_wait_attach", NULL,
	};
	static const char *const parks[] = { "_PySemaphore_*", "_PyParkingLot_Park*", NULL };
	static const char *const events[] = { "PyEvent_Wait*", "_PyEvent_Wait*", NULL };
	bool parked = false;

	for (size_t i = 0; i < thread->nframes && i < WAIT_DEPTH; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		enum frame_category category = thread == facts->culprit ?
			facts->frames[i].category : frame_categorise(frame, facts->rules);

		if (category == CATEGORY_LIBC || (!frame->function && !frame->module))
			continue;
		/* Others than CPython cannot park. */
		if (category != CATEGORY_CPYTHON)
			return parked;
		if (name_like(frame, locks))
			return true;
		if (!name_like(frame, parks))
			return parked && !name_like(frame, events);
		parked = true;
	}
	return false;
}
