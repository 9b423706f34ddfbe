/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `storm`: nobody is held; the operation comes as fast as it goes, first on a quiet machine, then
 * with every CPU saturated. Whether the load helps is not assumed: both rates are in the report,
 * each with its bound. A storm uses its whole budget, for its business is rates, and runs alone, or
 * one cell's load would be another's quiet.
 */
#include "base/clock.h"
#include "explore/load.h"
#include "explore/strategy.h"
#include "run/stats.h"

static bool storm_is_random(const struct cell *cell)
{
	return cell->scenario->window || !cell->scenario->gated;
}

static void storm_order(const struct cell *cell, uint64_t trial, struct control_order *order)
{
	cell_order(cell, trial, order);
}

/* Counted as the whole cell's rate is: of the hits, those that were not ok; null without any. */
static json_t *part_json(const struct tally *part)
{
	uint64_t bad = tally_bad_hits(part);

	json_t *rate = json_null(), *bound = json_null();

	if (part->hits) {
		rate = json_real(stats_rounded((double)bad / (double)part->hits, 3));
		bound = json_real(stats_rounded_up(stats_upper95(bad, part->hits), 3));
	}
	return json_pack("{s:I,s:I,s:I,s:o,s:o}", "trials", (json_int_t)part->trials, "hits",
			 (json_int_t)part->hits, "bad", (json_int_t)bad, "rate", rate,
			 "rate_upper95", bound);
}

/*
 * Trials until the time or their number is up; nothing is decided early. `load` is what is to go on
 * meanwhile; NULL: nothing.
 */
static enum link_result storm_part(struct cell *cell, uint64_t *next, uint64_t trials,
				   uint64_t until_ns, struct load *load, struct tally *part,
				   struct strbuf *err)
{
	while (!cell_exhausted(cell, 1) && clock_now() < until_ns && part->trials < trials) {
		struct control_order order;
		enum link_result result;

		storm_order(cell, *next, &order);
		result = cell_trial(cell, &order, *next, part, err);
		if (result != LINK_DONE)
			return result;
		(*next)++;
		if (load && load_keep(load, err) < 0)
			return LINK_BROKEN;
	}
	if (load && !*cell->interrupted && load_check(load, err) < 0)
		return LINK_BROKEN;
	return *cell->interrupted ? LINK_INTERRUPTED : LINK_DONE;
}

static enum link_result storm_loaded(struct cell *cell, struct strbuf *err)
{
	uint64_t next = 0;
	struct tally quiet = { 0 }, loaded = { 0 };
	uint64_t half = cell->limits.trials ? (cell->limits.trials + 1) / 2 : UINT64_MAX;
	uint64_t until = cell->limits.trials ? UINT64_MAX :
			 cell->started_ns + cell->limits.budget_ns / 2;
	enum link_result result = storm_part(cell, &next, half, until, NULL, &quiet, err);
	struct load load = { 0 };

	if (result != LINK_DONE)
		return result;
	if (load_start(&load, LOAD_SECONDS, err) < 0)
		return LINK_BROKEN;
	result = storm_part(cell, &next, UINT64_MAX, UINT64_MAX, &load, &loaded, err);
	load_stop(&load);
	json_object_set_new(cell->notes, "load",
			    json_pack("{s:s,s:o,s:o}", "tool", load.tool, "without",
				      part_json(&quiet), "with", part_json(&loaded)));
	return result;
}

static enum link_result storm_explore(struct cell *cell, struct strbuf *err)
{
	/* What no luck enters, no load changes. */
	if (!storm_is_random(cell))
		return strategy_loop(cell, &strategy_storm, err);
	return storm_loaded(cell, err);
}

const struct strategy strategy_storm = {
	.name = "storm",
	.doc = "as fast as possible, on a quiet machine and with the CPUs saturated",
	.is_random = storm_is_random,
	.exclusive = true,
	.explore = storm_explore,
	.order = storm_order,
};
