/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a fork leave the process that forks as it was? The prepare and parent handlers run in it,
 * and one subject can serve many points only if they undo what they do (step_forks.c).
 *
 * A picture is all writable memory of a process, taken while all its threads stand still. Two
 * pictures, with one fork in between, tell. Left out, each for a reason that stands beside it: the
 * control page; F's stack from the frame of subject_main() on, and what the kernel writes into a
 * thread (struct rseq), see handlers.c; and what W alone can see, see picture_equals(). The
 * kernel's own state (open files, timers) is in no picture.
 */
#ifndef FORKPOINT_EXPLORE_HANDLERS_H
#define FORKPOINT_EXPLORE_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "explore/pagecopy.h"
#include "explore/reach.h"

struct picture;

struct picture_subject {
	pid_t pid;
	pid_t operator_tid;      /* F; it has answered, and waits for a command, or is about to */
	uint64_t operator_frame; /* control_walk.operator_frame */
	pid_t zygote;            /* that the process is a fork of; 0: none */
};

/*
 * A thread that the caller traces stands already; the others are held meanwhile. NULL and the
 * reason.
 *
 * Of a fork of a zygote, only pages that are its own are read (pages.h); the others are what the
 * zygote has there, which does nothing meanwhile. Where a page became the process's own since the
 * picture `before` (NULL: this is the first), that one gets it from the zygote; where it ceased to
 * be so, this one gets what it reads as now. What neither has nobody has written.
 */
struct picture *picture_take(const struct picture_subject *subject, struct picture *before,
			     struct strbuf *why);
/* The memory itself, with what is left out; as long as the picture lives. */
const struct pagecopy *picture_copy(const struct picture *picture);
void picture_free(struct picture *picture); /* NULL is fine */

/*
 * W has stored there since: what stands there now is what the picture is to have. F has done
 * nothing meanwhile.
 */
void picture_refresh(struct picture *picture, const struct picture_subject *subject,
		     uint64_t address, size_t size);

/*
 * Are they the same? If not, the first places that differ are added to `where`. `a` is what `b` was
 * taken with as the one before. A page of which one of them is not known counts as a difference.
 *
 * W may have moved since `a`, so what is W's alone (`reach`) is left out: no handler of F's knows
 * where it is, as no child does.
 */
bool picture_equals(const struct picture *a, const struct picture *b, const struct reach *reach,
		    struct strbuf *where);

#endif
