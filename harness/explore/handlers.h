/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a fork leave the process that forks as it was? The prepare and parent handlers run in it,
 * and one subject can serve many points only if they undo what they do (step_forks.c).
 *
 * A picture is all writable memory of a process, taken while all its threads stand still. Two
 * pictures, with one fork in between, tell. Left out, each for a reason that stands beside it in
 * handlers.c: the control page, F's stack below its stack pointer, and what the kernel writes into
 * a thread (struct rseq). The kernel's own state (open files, timers) is in no picture.
 */
#ifndef FORKPOINT_EXPLORE_HANDLERS_H
#define FORKPOINT_EXPLORE_HANDLERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strbuf.h"

struct picture;

/*
 * Of process `pid`, in which `operator_tid` waits in a system call. A thread that the caller traces
 * stands already; the others are held meanwhile. NULL and the reason.
 *
 * Of a fork of `zygote` (0: it is none), only pages that are its own are read (pages.h); the others
 * are what the zygote has there, which does nothing meanwhile. Where a page became the process's
 * own since the picture `before` (NULL: this is the first), that one gets it from the zygote; where
 * it ceased to be so, this one gets what it reads as now. What neither has nobody has written.
 */
struct picture *picture_take(pid_t pid, pid_t operator_tid, pid_t zygote, struct picture *before,
			     struct strbuf *why);
void picture_free(struct picture *picture); /* NULL is fine */

/*
 * Are they the same? If not, the first places that differ are added to `where`. `a` is what `b` was
 * taken with as the one before. A page of which one of them is not known counts as a difference.
 */
bool picture_equals(const struct picture *a, const struct picture *b, struct strbuf *where);

#endif
