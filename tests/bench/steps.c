/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stepping costs, each figure beside its peer, measured in turns in one process.
 *
 * steps fork PYTHON SCENARIO
 *	REDUCED EXACT FORK: nanoseconds a point with the reduction, a point with --exact, and a
 *	fork with its handlers and its check while W stands still and nobody steps, of as many as
 *	the window has points. Each with the beginning and the end of the one subject that it
 *	takes, and under each setting of the allocator
 * steps finalize PYTHON SCENARIO
 *	POINT TRIAL COVERED LEFT-OUT: nanoseconds a point with --exact, so that each is tried; a
 *	plain trial of a zygote that finalizes, the mean of what it took before and after;
 *	nanoseconds a point of the window when it is walked with the reduction; and the part of
 *	its points that were not tried then
 * steps found PYTHON SCENARIO N
 *	FOUND SLOWEST MEDIAN: of N walks from a warm host, how many met a bad outcome, and
 *	nanoseconds of the slowest and of the median
 * steps seed PYTHON SCENARIO N
 *	MET N: of N times 20 forks under load, how many met one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/signals.h"
#include "explore/load.h"
#include "explore/step.h"
#include "matrix/unit.h"

#define WALKS 15
#define TRIALS 100
#define SEED_FORKS 20

static struct strbuf err = STRBUF_INIT;
static bool nobody;
static const volatile bool *interrupted = &nobody;

static void check(int ok, const char *what)
{
	if (!ok || *interrupted)
		die(EXIT_HARNESS, "%s: %s", what, err.buf);
}

/* Of all maps of a cell: there is one for each setting of the allocator. */
struct seen {
	uint64_t points, tried, bad;
	size_t of[ALLOCATOR_COUNT]; /* its points */
};

/* A walk of the whole window, under each setting; nanoseconds. */
static uint64_t walk(struct bench *bench, const struct unit *unit, bool twin, struct seen *seen)
{
	struct cell *cell = bench_cell(bench, unit, twin, &err);
	const struct map *maps;
	uint64_t begun, took;

	check(cell != NULL, "no cell");
	begun = clock_now();
	check(unit->strategy->explore(cell, &err) == LINK_DONE, "the walk failed");
	took = clock_now() - begun;
	maps = cell->explored;
	*seen = (struct seen){ .bad = tally_bad_hits(&cell->tally) };
	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		seen->of[i] = maps[i].n;
		seen->points += maps[i].n;
		seen->tried += maps[i].tried;
	}
	bench_cell_free(cell);
	return took;
}

/* So many forks while W stands at its window, which it then goes through. */
static void forks_of_one(struct cell *cell, size_t n)
{
	struct control_order order;
	struct trial trial, child;
	struct operator f;

	strategy_step.order(cell, 0, &order);
	f.course = course_begin(cell->link, &order, cell->cache, &cell->keys, cell->interrupted,
				&trial);
	check(step_await_window(f.course), "the window was not reached");
	for (size_t i = 0; i < n; i++) {
		operator_tell(&f, WALK_FORK);
		check(operator_await(&f) == OPERATOR_DONE, "a fork did not come back");
		course_take_child(f.course, &child);
		trial_release(&child);
	}
	course_let_go(f.course);
	operator_tell(&f, WALK_LEAVE);
	check(course_end(f.course, &err) == LINK_DONE, "the subject did not end");
	trial_release(&trial);
}

/* As many forks as the window has points under each setting; nanoseconds. */
static uint64_t plain_forks(struct bench *bench, const struct unit *unit, const struct seen *seen)
{
	struct cell *cell = bench_cell(bench, unit, true, &err);
	uint64_t begun;

	check(cell != NULL, "no cell");
	begun = clock_now();
	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		if (!cell_has(cell, (enum allocator)i))
			continue;
		cell_use(cell, (enum allocator)i);
		forks_of_one(cell, seen->of[i]);
	}
	begun = clock_now() - begun;
	bench_cell_free(cell);
	return begun;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *took)
{
	qsort(took, WALKS, sizeof(*took), compare);
	return took[WALKS / 2];
}

/*
 * Warm: hosts are up and names known from the second walk on. A walk takes some milliseconds, so
 * that whatever else runs shows in one, and all three are made in turns; medians of WALKS are told.
 */
static void bench_forks(struct bench *reduced, struct bench *exact, const struct unit *unit)
{
	uint64_t a[WALKS], b[WALKS], plain[WALKS];
	struct seen seen, all;

	walk(reduced, unit, true, &seen);
	walk(exact, unit, true, &all);
	check(seen.points > 0 && seen.points == all.points, "no point");
	for (int i = 0; i < WALKS; i++) {
		a[i] = walk(reduced, unit, true, &seen);
		b[i] = walk(exact, unit, true, &all);
		plain[i] = plain_forks(reduced, unit, &seen);
	}
	printf("%llu %llu %llu\n", (unsigned long long)(median(a) / seen.points),
	       (unsigned long long)(median(b) / seen.points),
	       (unsigned long long)(median(plain) / seen.points));
}

/* Nanoseconds of a trial of the same cell that is met at a gate. */
static uint64_t plain_trials(struct bench *bench, const struct unit *unit)
{
	struct cell *cell = bench_cell(bench, unit, false, &err);
	uint64_t begun, took;

	check(cell != NULL, "no cell");
	begun = clock_now();
	for (uint64_t i = 0; i < TRIALS; i++)
		check(strategy_trial(&strategy_starve, cell, i, NULL, &err) == LINK_DONE,
		      "a trial failed");
	took = clock_now() - begun;
	bench_cell_free(cell);
	return took / TRIALS;
}

static void bench_finalize(struct bench *reduced, struct bench *exact, const struct unit *unit)
{
	struct seen seen, all;
	uint64_t before = plain_trials(reduced, unit);
	uint64_t took = walk(reduced, unit, false, &seen), tried = walk(exact, unit, false, &all);
	uint64_t after = plain_trials(reduced, unit);

	check(seen.points > 0 && all.tried > 0, "nothing was tried");
	printf("%llu %llu %llu %.3f\n", (unsigned long long)(tried / all.tried),
	       (unsigned long long)((before + after) / 2),
	       (unsigned long long)(took / seen.points),
	       1 - (double)seen.tried / (double)seen.points);
}

static void bench_found(struct bench *bench, const struct unit *unit, unsigned int times)
{
	uint64_t *took = xcalloc(times, sizeof(*took));
	unsigned int found = 0;
	struct seen seen;

	walk(bench, unit, false, &seen); /* warm */
	for (unsigned int i = 0; i < times; i++) {
		took[i] = walk(bench, unit, false, &seen);
		found += seen.bad > 0;
	}
	qsort(took, times, sizeof(*took), compare);
	printf("%u %llu %llu\n", found, (unsigned long long)took[times - 1],
	       (unsigned long long)took[times / 2]);
	free(took);
}

static void bench_seed(struct bench *bench, const struct unit *unit, unsigned int times)
{
	unsigned int met = 0;
	struct load load;

	check(load_start(&load, LOAD_SECONDS, &err) == 0, "no load");
	for (unsigned int i = 0; i < times; i++) {
		struct cell *cell = bench_cell(bench, unit, false, &err);

		check(cell != NULL, "no cell");
		for (uint64_t fork = 0; fork < SEED_FORKS; fork++)
			check(strategy_trial(&strategy_storm, cell, i * SEED_FORKS + fork, NULL,
					     &err) == LINK_DONE, "a trial failed");
		met += cell->tally.outcomes[OUTCOME_OK] < cell->tally.trials;
		bench_cell_free(cell);
	}
	load_stop(&load);
	printf("%u %u\n", met, times);
}

int main(int argc, char **argv)
{
	const struct strategy *step[] = { &strategy_step, NULL };
	struct cell_limits limits = { .seed = 1, .budget_ns = NSEC_PER_SEC };
	struct cell_limits exactly = { .seed = 1, .budget_ns = NSEC_PER_SEC, .exact = true };
	struct plan_request request = { .strategies = step, .twins = TWINS_BOTH, .shard = 1,
					.shards = 1, .nscenarios = 1 };
	struct python_list pythons;
	struct bench *bench, *exact;
	struct plan plan;

	if (argc < 4)
		die(EXIT_USAGE, "usage: steps fork|finalize|found|seed PYTHON SCENARIO [N]");
	check(surroundings_mend(&err) == 0, "not here");
	interrupted = signals_take();
	request.scenarios = &argv[3];
	check(python_list_load(&pythons, &argv[2], 1, 1, &err) == 0, "no interpreter");
	check(plan_make(&plan, &pythons, &request, &err) == 0 && plan.n > 0, "no scenario");
	bench = bench_new(&limits, interrupted);
	exact = bench_new(&exactly, interrupted);
	if (!strcmp(argv[1], "fork"))
		bench_forks(bench, exact, &plan.units[0]);
	else if (!strcmp(argv[1], "finalize"))
		bench_finalize(bench, exact, &plan.units[0]);
	else if (argc > 4 && !strcmp(argv[1], "found"))
		bench_found(bench, &plan.units[0], (unsigned int)atoi(argv[4]));
	else if (argc > 4 && !strcmp(argv[1], "seed"))
		bench_seed(bench, &plan.units[0], (unsigned int)atoi(argv[4]));
	bench_free(exact);
	bench_free(bench);
	plan_release(&plan);
	python_list_release(&pythons);
	processes_sweep();
	return 0;
}
