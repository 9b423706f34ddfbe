/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/strategy.h"

#include <string.h>

const struct strategy *const strategies[] = {
	&strategy_step, &strategy_starve, &strategy_storm, NULL,
};

const struct strategy *strategy_find(const char *name)
{
	for (int i = 0; strategies[i]; i++)
		if (!strcmp(strategies[i]->name, name))
			return strategies[i];
	return NULL;
}

enum link_result strategy_trial(const struct strategy *strategy, struct cell *cell, uint64_t trial,
				struct tally *part, struct strbuf *err)
{
	struct control_order order;

	if (strategy->trial)
		return strategy->trial(cell, trial, part, err);
	strategy->order(cell, trial, &order);
	return cell_trial(cell, &order, trial, part, err);
}

/* With --trials the user has said how many; nothing is decided earlier. */
static bool decided(const struct cell *cell, const struct strategy *strategy)
{
	return !cell->limits.trials && verdict_decided(cell->expected, &cell->tally,
						       strategy->is_random(cell), STRATEGY_ENOUGH);
}

/* A cell that would end without the crash that it is to show gets more time for it. */
static bool spent(const struct cell *cell)
{
	return cell_exhausted(cell, verdict_awaits(cell->expected, &cell->tally) ?
			      STRATEGY_PATIENCE : 1);
}

enum link_result strategy_loop(struct cell *cell, const struct strategy *strategy,
			       struct strbuf *err)
{
	for (uint64_t trial = 0; !spent(cell) && !decided(cell, strategy); trial++) {
		enum link_result result = strategy_trial(strategy, cell, trial, NULL, err);

		if (result != LINK_DONE)
			return result;
	}
	return *cell->interrupted ? LINK_INTERRUPTED : LINK_DONE;
}
