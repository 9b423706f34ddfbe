/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do F's own handlers undo in its process what they do? One subject can serve many points only if a
 * fork leaves it as it was (step_forks.c).
 *
 * Two pictures of memory (handlers.h) tell, with a fork in between that is wanted anyway: the first
 * is taken when one fork has come through, which may do what is done once and for all; the second
 * behind the next fork. What W does in between is known step by step, and the first picture is kept
 * as if it had been taken right before that fork.
 */
#ifndef FORKPOINT_EXPLORE_UNDONE_H
#define FORKPOINT_EXPLORE_UNDONE_H

#include <stdbool.h>

#include "explore/step.h"

struct picture;

struct undone {
	struct operator *operator;
	const struct walker *walker;
	struct strbuf *unsound; /* gets a sentence when they do not, or nobody can tell */
	struct picture *before; /* the first one; NULL: there is none, or it is old */
	bool checked;           /* they do */
	bool gone;              /* the subject has ended meanwhile */
};

/*
 * The first picture, where there is none and one is needed. W stands, a fork has come through, and
 * F waits. False: it cannot be taken.
 */
bool undone_begin(struct undone *undone);
/* W goes on and nobody will know what it does: the picture is worth nothing. */
void undone_forget(struct undone *undone);
/*
 * W has come to a point at which F is to fork. It has changed nothing on its way that others can
 * see but by its last step. If nobody knows what that was, the picture is forgotten.
 */
void undone_refresh(struct undone *undone);
/*
 * There was a picture, and the fork behind it has come through, with that outcome. Where memory
 * differs, F forks again at the same point, for what is done twice or thrice may not be done again.
 */
bool undone_check(struct undone *undone, enum outcome outcome);
/* W stands behind its window, and the second fork was never wanted: it is made here. */
bool undone_end(struct undone *undone);

#endif
