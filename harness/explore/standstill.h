/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W and F that wait for each other.
 *
 * That a thread is asleep says little: a lock that is waited for in rounds (the GIL) is let go of
 * and asked for again, and a nap ends by itself. They stand still if each is found asleep where it
 * was found before, though the other one has had its turn in between. Whether that is for
 * ever the watchdog has to judge, once: subjects are forked from one zygote, so another one whose
 * threads sleep at the same addresses waits for the same things.
 */
#ifndef FORKPOINT_EXPLORE_STANDSTILL_H
#define FORKPOINT_EXPLORE_STANDSTILL_H

#include <stdbool.h>
#include <stdint.h>

#include "explore/cpu.h"

/* Where each of them waits. All zero: nowhere. */
struct standstill {
	uint64_t operator_waits_for; /* the word */
	uint64_t pc, sp;             /* W's */
};

/*
 * A round may have more than one place to wait at. So that it is found to have closed, a place is
 * kept for longer and longer (R. P. Brent, An improved Monte Carlo factorization algorithm, BIT 20,
 * 1980). All zero at first.
 */
struct standstill_round {
	struct standstill kept;
	unsigned int asked, length;
};

/*
 * F waits for a word, and so does W, which stands there: is that where they were before, so that a
 * round has closed? The place is `kept` then.
 */
bool standstill_again(struct standstill_round *round, uint64_t operator_waits_for,
		      const struct cpu_registers *w);

/* More different ones than a window has are judged one by one. */
#define STANDSTILLS_MAX 32

/* Those that the watchdog has called a hang. */
struct standstills {
	struct standstill v[STANDSTILLS_MAX];
	unsigned int n;
};

void standstills_add(struct standstills *list, const struct standstill *s);
bool standstills_have(const struct standstills *list, const struct standstill *s);

#endif
