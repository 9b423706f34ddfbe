/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `starve`: threads are held back, on real cores, so that F runs where W would hardly ever be
 * overtaken.
 *
 * The model is rr's chaos mode (O'Callahan and others; rr, src/Scheduler.cc), which schedules
 * threads one at a time: a thread is sometimes starved for long stretches while others run, and
 * time slices are mostly of any length, one in ten very short and one in ten short, because some
 * bugs need a switch within a few instructions and most need none. What rr does by scheduling is
 * done here by holding W:
 *
 *   - where the scenario's marker is itself the critical point, at that marker (a gate): the race
 *     is met each time;
 *   - else by a signal, at whatever instruction W has reached after a random delay drawn as rr
 *     draws its time slices. W stands there while F operates: starved to the end of the operation
 *     in half of the trials, for a random part of it in the others. One trial in ten holds nobody,
 *     as rr leaves most priorities alone.
 *
 * Unlike rr, several threads run at once between the holds, so nothing is lost of what only true
 * parallelism can show; and no hardware counters are needed.
 */
#include "base/rng.h"
#include "explore/strategy.h"

static bool starve_is_random(const struct cell *cell)
{
	return !cell->scenario->gated;
}

/* rr's time slices, in nanoseconds of F's delay: one in ten within 100 ns, one within 10 us. */
static uint32_t slice_max(uint64_t *rng, uint32_t max)
{
	switch (rng_next(rng) % 10) {
	case 0:
		return 100;
	case 1:
		return 10000;
	default:
		return max;
	}
}

/* A hold shorter than the operation: 16 us to 8 ms, each doubling as likely as the next. */
static uint32_t hold_partial(uint64_t *rng)
{
	return 16u << (rng_next(rng) % 10);
}

static void starve_order(const struct cell *cell, uint64_t trial, struct control_order *order)
{
	uint64_t rng;

	cell_order(cell, trial, order);
	rng = order->seed;
	if (cell->scenario->gated) {
		order->meet = MEET_GATE;
		return;
	}
	order->delay_max_ns = slice_max(&rng, order->delay_max_ns);
	if (!cell->scenario->workers || rng_next(&rng) % 10 == 0)
		return;
	order->meet = MEET_SIGNAL;
	if (rng_next(&rng) & 1)
		order->hold_max_us = hold_partial(&rng);
}

static enum link_result starve_explore(struct cell *cell, struct strbuf *err)
{
	return strategy_loop(cell, &strategy_starve, err);
}

const struct strategy strategy_starve = {
	.name = "starve",
	.doc = "hold threads back at gates and at random instructions, as rr's chaos mode does",
	.is_random = starve_is_random,
	.explore = starve_explore,
	.order = starve_order,
};
