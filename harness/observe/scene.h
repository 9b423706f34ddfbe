/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that does not move: held still, or dead and left in a core file. Its maps, its memory
 * and where its threads stand become stacks with names, native and Python frames in one.
 */
#ifndef FORKPOINT_OBSERVE_SCENE_H
#define FORKPOINT_OBSERVE_SCENE_H

#include <sys/types.h>

#include "observe/crash.h"
#include "observe/maps.h"
#include "observe/memory.h"
#include "observe/python.h"
#include "observe/unwind.h"
#include "observe/waits.h"

struct wait_notes;

/*
 * Whoever looks adds the threads to the record, then fills the stacks by unwind_thread(), one for
 * each. All but the session is the scene's own.
 */
struct scene {
	pid_t pid;
	size_t first, n;             /* its threads in the record */
	struct unwind_stack *stacks; /* of each of them */
	pid_t *own_tids;             /* what it calls them; NULL: the same as we */
	struct maps maps;
	struct memory *memory;
	struct unwind_session *session; /* begun on these maps and this memory */
	pid_t announced;             /* the thread that a signal came to; 0: none */
	struct python *python;       /* NULL: none, or none is wanted */
};

/* Which of its threads calls itself so; 0: none. */
pid_t scene_tid(const struct scene *scene, const struct crash *crash, pid_t own);
/*
 * What CPython has in memory, as far as it can be read in so many nanoseconds; who has its GIL and
 * the like goes into the record. After the threads' registers, of which the notes have something.
 */
void scene_read_python(struct scene *scene, struct crash *crash, const struct wait_notes *notes,
		       uint64_t within_ns);
/* The locks of CPython that its threads wait for, into the notes. After that and wait_read(). */
void scene_read_locks(const struct scene *scene, struct wait_notes *notes);
/* The stacks into the record, with names and Python frames. Memory is not needed any more. */
void scene_tell(struct scene *scene, struct crash *crash);
void scene_release(struct scene *scene);

/* Add to what is missing of a record, and why. */
void crash_degrade(struct crash *crash, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
