/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F followed through its operation, one instruction at a time, so that points of W's window are
 * known to be equal without an experiment at each.
 *
 * Where F comes to wait for W, all memory that it has met until then is its footprint. It is held
 * there, and W goes on. An instruction of W's that is independent of the footprint has the same
 * effect before F's operation begins as after, and F's instructions have theirs: both orders lead
 * to one state, in which F waits and W stands behind that instruction. From one state on there is
 * one future. So the next point is equal to this one, and so is each after it, up to the first
 * instruction that does depend on the footprint, or enters the kernel.
 *
 * F has to wait for W: one that is done has done much more than can be followed (a fork copies all
 * memory, a finalization takes millions of instructions).
 */
#ifndef FORKPOINT_EXPLORE_FOLLOW_H
#define FORKPOINT_EXPLORE_FOLLOW_H

#include "explore/footprint.h"
#include "explore/step.h"

/* When following is worth its while. All zero at first. */
struct follow_policy {
	bool never;          /* each point is to have an experiment of its own */
	bool waited;         /* in the last experiment F had to wait for W */
	unsigned int skip;   /* so many experiments without, for the last following was in vain */
	unsigned int length; /* of that pause; each is twice as long as the one before */
};

bool follow_is_due(struct follow_policy *policy);
/* What came of an experiment, followed or not. */
void follow_note(struct follow_policy *policy, enum operator_state state, bool in_vain);

struct follow {
	struct walker f;
	struct footprint footprint;
	bool known;   /* F waits for W and is held, and its whole footprint is known */
	bool strayed; /* W has gone another way than before, and not because of F: by chance */
};

/*
 * Tell F to operate, and follow it; if that cannot be done to the end, let it go, and wait for it
 * as operator_await() does. What became of it. End before W is let go.
 */
enum operator_state follow_begin(struct follow *follow, struct operator *f,
				 const struct walker *w);
/*
 * If it is known: W, at point k, is stepped if that makes no difference to F. True: it stands at
 * point k + 1, which is equal. *state: where it is.
 */
bool follow_w(struct follow *follow, struct walker *w, const struct map *map, size_t k,
	      enum walk_state *state);
/* Lets F go, in its wait. */
void follow_end(struct follow *follow);

#endif
