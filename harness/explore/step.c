/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `step`: every point of W's window. W is stopped before each of its instructions in turn, and F
 * operates there. What that shows and what not: docs/stepping.md.
 */
#include "explore/step.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/errors.h"
#include "explore/critical.h"
#include "explore/strategy.h"

/*
 * Any number would do. It is the same in each run, so that the same window is walked; other paths
 * through it are other windows.
 */
#define STEP_SEED 1

static bool step_fits(const struct catalog_scenario *scenario)
{
	return scenario->window && scenario->workers == 1;
}

static const char *step_unable(void)
{
	static struct strbuf why = STRBUF_INIT;
	static bool tried;

	if (!cpu_supported())
		return "there is no single-stepping for this kind of processor yet: try "
		       "--explore starve";
	if (!tried && capture_check_ptrace(&why) == 0 && capture_check_memory(&why) == 0)
		strbuf_reset(&why);
	tried = true;
	return why.len ? why.buf : NULL;
}

static bool step_is_random(const struct cell *cell)
{
	(void)cell;
	return false;
}

static bool is_fork(const struct cell *cell)
{
	return !strcmp(cell->scenario->operation, "fork");
}

/* Does the operation leave the process as it was, so that one subject serves for all points? */
static bool leaves_whole(const struct cell *cell)
{
	return is_fork(cell) && !(cell->twin && cell->scenario->twin_retires);
}

/* A walk costs milliseconds there, else seconds. */
static bool step_tries_allocators(const struct cell *cell)
{
	return leaves_whole(cell);
}

static void step_order(const struct cell *cell, uint64_t trial, struct control_order *order)
{
	cell_order(cell, trial, order);
	order->seed = STEP_SEED;
	order->meet = MEET_WALK;
	order->window = 1;
}

/* One map for each setting of the allocator: W's way through its window may be another. */
static void explored_free(void *explored)
{
	struct map *maps = explored;

	for (int i = 0; i < ALLOCATOR_COUNT; i++)
		map_release(&maps[i]);
	free(explored);
}

static struct map *cell_map(struct cell *cell)
{
	if (!cell->explored) {
		cell->explored = xcalloc(ALLOCATOR_COUNT, sizeof(struct map));
		cell->explored_free = explored_free;
	}
	return (struct map *)cell->explored + cell->allocator;
}

/* `unsound` is empty unless the walk was to have one subject and needed many. */
static void note_walk(struct cell *cell, const struct map *map, const struct strbuf *unsound)
{
	json_t *notes = cell->settings[cell->allocator].notes;
	bool fresh = !leaves_whole(cell) || unsound->len;
	char *coverage = map_coverage(map, fresh);

	json_object_set_new(notes, "points", json_integer((json_int_t)map->n));
	json_object_set_new(notes, "forks", json_integer((json_int_t)map->tried));
	if (coverage)
		json_object_set_new(notes, "coverage", json_string(coverage));
	free(coverage);
	json_object_set_new(notes, "fresh_subjects", json_boolean(fresh));
	if (unsound->len)
		json_object_set_new(notes, "fresh_reason", json_string(unsound->buf));
}

/* When all findings are known. The walk under the first setting stands for the cell. */
static void note_maps(struct cell *cell)
{
	const struct map *maps = cell->explored;

	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		json_t *notes = cell->settings[i].notes;

		if (!json_object_get(notes, "points"))
			continue;
		json_object_set_new(notes, "map", map_json(&maps[i], cell));
		if (!json_object_get(cell->notes, "map"))
			json_object_update(cell->notes, notes);
	}
}

/* Under the setting that is in use. `fresh`: each point needed a subject of its own. */
static enum link_result step_walk(struct cell *cell, bool *fresh, struct strbuf *err)
{
	struct strbuf unsound = STRBUF_INIT;
	struct map *map = cell_map(cell);
	enum link_result result = LINK_DONE;
	int slack = prctl(PR_GET_TIMERSLACK);

	/* A wait of 100 us is to last as long, not half as long again. */
	prctl(PR_SET_TIMERSLACK, 1ul);
	*fresh = !leaves_whole(cell);
	if (!*fresh) {
		result = step_forks(cell, map, cell->limits.exact, &unsound, err);
		*fresh = unsound.len;
		if (*fresh)
			map_release(map);
	}
	if (*fresh && result == LINK_DONE)
		result = step_points(cell, map, cell->limits.exact, err);
	if (result == LINK_DONE)
		result = critical_pairs(cell, map, is_fork(cell), err);
	if (result == LINK_DONE)
		note_walk(cell, map, &unsound);
	prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
	strbuf_release(&unsound);
	return result;
}

static enum link_result step_explore(struct cell *cell, struct strbuf *err)
{
	enum allocator first = cell->allocator;
	enum link_result result = LINK_DONE;
	bool fresh = false;

	for (int i = 0; i < ALLOCATOR_COUNT && result == LINK_DONE; i++) {
		/* What was thought to cost milliseconds would cost seconds again. */
		if (fresh && !cell->settings_asked_for)
			cell->settings[i].link = NULL;
		if (!cell_has(cell, (enum allocator)i))
			continue;
		cell_use(cell, (enum allocator)i);
		result = step_walk(cell, &fresh, err);
	}
	if (result == LINK_DONE)
		note_maps(cell);
	cell_use(cell, first);
	return result;
}

/*
 * In a new cell the window has to be found first. Where W never comes to it, point 0 stands for the
 * trial that shows it.
 */
static enum link_result step_check(struct cell *cell, uint64_t k, struct strbuf *none,
				   struct strbuf *err)
{
	struct map *map = cell_map(cell);
	enum link_result result = map->n ? LINK_DONE : step_record(cell, map, err);

	if (result != LINK_DONE || k < map->n)
		return result;
	if (map->n)
		strbuf_addf(none, "W's window has %zu points here, so there is no point %llu: it "
			    "is another window than the one that was walked", map->n,
			    (unsigned long long)k);
	else if (k)
		strbuf_addf(none, "W never comes to its window here, so there is no point %llu",
			    (unsigned long long)k);
	return LINK_DONE;
}

/* As a walk whose window W never comes to. */
static enum link_result trial_without_window(struct cell *cell, struct trial *trial,
					     struct strbuf *err)
{
	struct course *course = step_course(cell, 0, trial);

	if (!step_await_window(course))
		return course_end(course, err);
	course_abandon(course, err);
	strbuf_addstr(err, "W came to its window, to which it did not come before: that depends on "
		      "chance; try --explore starve");
	return LINK_BROKEN;
}

/* A point again, without a single step. */
static enum link_result step_again(struct cell *cell, uint64_t k, struct tally *part,
				   struct strbuf *err)
{
	struct map *map = cell_map(cell);
	struct strbuf none = STRBUF_INIT;
	enum link_result result = step_check(cell, k, &none, err);
	struct control_order order;
	struct trial trial;

	if (result == LINK_DONE && map->n && none.len) {
		strbuf_addstr(err, none.buf);
		result = LINK_BROKEN;
	}
	strbuf_release(&none);
	if (result != LINK_DONE)
		return result;
	result = map->n ? step_point(cell, map, k, &trial, err) :
			  trial_without_window(cell, &trial, err);
	if (result == LINK_DONE) {
		step_order(cell, k, &order);
		cell_note(cell, &order, k, &trial, part);
	}
	trial_release(&trial);
	return result;
}

const struct strategy strategy_step = {
	.name = "step",
	.doc = "walk through W's window, and operate at every point of it",
	.fits = step_fits,
	.covers = true,
	.unable = step_unable,
	.is_random = step_is_random,
	.tries_allocators = step_tries_allocators,
	.explore = step_explore,
	.order = step_order,
	.check = step_check,
	.trial = step_again,
};
