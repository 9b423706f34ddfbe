/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tally of a cell's trials, and the verdict on it. Pure: what was seen against what the
 * scenario's table allows on this release. An outcome is what happened; the table only judges it.
 */
#ifndef FORKPOINT_RUN_VERDICT_H
#define FORKPOINT_RUN_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "run/catalog.h"
#include "run/link.h"

enum verdict {
	VERDICT_AS_EXPECTED,
	VERDICT_UNEXPECTED, /* an outcome outside the set, or a promised one that did not come */
	VERDICT_NOT_SEEN,   /* a random meeting without the promised outcome: told with its bound */
	VERDICT_VACUOUS,    /* no hit: nothing was tried */
	VERDICT_SKIPPED,
};

/* "as-expected", … Static string. */
const char *verdict_name(enum verdict verdict);

struct tally {
	uint64_t trials;
	uint64_t hits;
	uint64_t outcomes[OUTCOME_COUNT];
	uint64_t hit_outcomes[OUTCOME_COUNT]; /* of the trials that were hits */
	uint64_t measured_sum_ns;
	uint64_t measured; /* trials that measured something */
};

void tally_add(struct tally *tally, const struct trial *trial);
/* Add the counts of `from` to `tally`. */
void tally_merge(struct tally *tally, const struct tally *from);
/* How many of the trials ended in one of the set. */
uint64_t tally_count(const struct tally *tally, const struct outcome_set *set);
/* How many hits were not ok. */
uint64_t tally_bad_hits(const struct tally *tally);
/* The outcomes but ok that the row wants to see; empty if it wants none. */
void expected_bad(const struct expected *expected, struct outcome_set *bad);

/*
 * `random`: the meeting depends on luck, so that absence proves nothing but a bound. One sentence
 * on why is appended to reason.
 */
enum verdict verdict_judge(const struct expected *expected, const struct tally *tally, bool random,
			   struct strbuf *reason);

/*
 * Is there nothing more to learn? A cell that is met each time: after `enough` trials. A random
 * one: once a promised bad outcome was seen `enough` times, or an outcome outside the set came, or
 * the declared floor is excluded; and where nothing bad is promised, once the hits bound the rate
 * of anything bad below VERDICT_CLEAN_BOUND.
 */
#define VERDICT_CLEAN_BOUND 0.005 /* 598 hits */

bool verdict_decided(const struct expected *expected, const struct tally *tally, bool random,
		     uint64_t enough);

/* Is a bad outcome promised that has not come yet, and nothing outside the set come instead? */
bool verdict_awaits(const struct expected *expected, const struct tally *tally);

#endif
