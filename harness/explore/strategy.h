/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strategy: how W and F are made to meet. One struct, one file each, listed in strategies[].
 *
 * explore() runs trials of a cell by cell_trial() until the cell is decided or exhausted. It leaves
 * what it found in cell->tally and cell->findings, and what only it can tell in cell->notes.
 */
#ifndef FORKPOINT_EXPLORE_STRATEGY_H
#define FORKPOINT_EXPLORE_STRATEGY_H

#include "run/cell.h"

struct strategy {
	const char *name;
	const char *doc; /* one sentence for --help */
	/* NULL: fits all. */
	bool (*fits)(const struct catalog_scenario *scenario);
	/* It goes to points where all is well, too: ok is no surprise in any cell. */
	bool covers;
	/* Why this machine cannot, and what to do; NULL (also for the function): it can. */
	const char *(*unable)(void);
	/*
	 * Does a meeting depend on luck for this cell? Then the absence of a crash is a bound and
	 * no failure.
	 */
	bool (*is_random)(const struct cell *cell);
	/*
	 * Is one setting of the allocator after the other tried in this cell, unless the user says
	 * which? NULL: only libc's own is.
	 */
	bool (*tries_allocators)(const struct cell *cell);
	/* It measures the machine as well: nothing else of this run may go on meanwhile. */
	bool exclusive;
	/* LINK_DONE when the cell is explored as far as it goes. */
	enum link_result (*explore)(struct cell *cell, struct strbuf *err);
	/* How one trial of this strategy is ordered. */
	void (*order)(const struct cell *cell, uint64_t trial, struct control_order *order);
	/*
	 * Is there a trial of that number? If not, a sentence is in `none`. NULL: each is one.
	 */
	enum link_result (*check)(struct cell *cell, uint64_t trial, struct strbuf *none,
				  struct strbuf *err);
	/* NULL: a trial is what its order makes of it. Else as strategy_trial(). */
	enum link_result (*trial)(struct cell *cell, uint64_t trial, struct tally *part,
				  struct strbuf *err);
};

extern const struct strategy strategy_step;

extern const struct strategy strategy_starve;
extern const struct strategy strategy_storm;

/* All of them, the preferred one first, ended by NULL. */
extern const struct strategy *const strategies[];
const struct strategy *strategy_find(const char *name);

/* One trial again, by its number: for replay, and for controls. Counted as by cell_trial(). */
enum link_result strategy_trial(const struct strategy *strategy, struct cell *cell, uint64_t trial,
				struct tally *part, struct strbuf *err);

/* A trial that is met each time needs no more than this to decide its cell (design.md). */
#define STRATEGY_ENOUGH 3

/*
 * Budgets that a cell may use while a crash that it is to show has not been met. The rarest in the
 * scenarios comes in 0.7 % of some 150 trials a second: in 1.5 s it is missed by one run in five,
 * in eight times that by one in 300,000.
 */
#define STRATEGY_PATIENCE 8

/* Trials from number 0 on, ordered by the strategy, until the cell is decided or exhausted. */
enum link_result strategy_loop(struct cell *cell, const struct strategy *strategy,
			       struct strbuf *err);

#endif
