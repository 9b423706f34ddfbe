/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far finalization has come, read from a subject in which nothing moves.
 *
 * What can be told apart, in this order, and by which field (struct control_runtime):
 *
 *   not begun                the finalizing mark is null. Callbacks of atexit and the wait for
 *                            other threads come before the mark and look the same
 *   finalizing: no thread    the mark is set
 *   may attach
 *   finalizing: no other     besides, the main interpreter's newest thread state is the one that
 *   thread has a state       finalizes: either the others were deleted, or there were none
 *   modules deleted          sys.modules is null
 *   PyGILState has no        the interpreter that PyGILState_Ensure attaches to is null
 *   interpreter
 *   interpreter deleted      there is no main interpreter
 *   PyGILState's key         the key is not there; releases before 3.15 only
 *   deleted
 *   finalized                F has come back and there is no main interpreter
 *   initialized again        F has come back and there is one, and no mark
 *
 * An F that is blocked waits for the GIL if the futex that it sleeps on lies in the GIL; if it lies
 * elsewhere, it is only known that F waits. Unknown is unknown: a host without CPython's internal
 * headers, an operation that does not finalize, a subject that has ended.
 */
#ifndef FORKPOINT_EXPLORE_STAGE_H
#define FORKPOINT_EXPLORE_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "embed/subject.h"

enum final_reached {
	FINAL_UNKNOWN = 0,
	FINAL_NOT_BEGUN,
	FINAL_MARKED,
	FINAL_ALONE,
	FINAL_MODULES,
	FINAL_GILSTATE,
	FINAL_INTERPRETER,
	FINAL_KEY,
	FINAL_DONE,
	FINAL_AGAIN,
};

enum final_waits {
	FINAL_MOVES = 0,
	FINAL_WAITS,
	FINAL_WAITS_GIL,
};

struct final_stage {
	uint8_t reached; /* enum final_reached */
	uint8_t waits;   /* enum final_waits */
};

bool final_stage_same(struct final_stage a, struct final_stage b);

/*
 * F has come back (`done`), or sleeps on the word `waits_for`. One system call. `pid` is the
 * subject, the fields are as it has published them.
 */
struct final_stage final_stage_read(pid_t pid, const struct control_runtime *fields, bool done,
				    uint64_t waits_for);

/* In words, appended. Not for FINAL_UNKNOWN. */
void final_stage_text(struct final_stage stage, struct strbuf *text);

#endif
