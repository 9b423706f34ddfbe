/* SPDX-License-Identifier: Apache-2.0 */
/* The map of a window: ways to its points, points that were not tried, segments. */
#include "base/rng.h"
#include "explore/map.h"
#include "run/cell.h"
#include "tests/unit/tap.h"

/* What a way may cost, by hand and slowly: a stop is as dear as two steps (map.c). */
#define STOP_COST 2

/* Where W stands that goes this way; SIZE_MAX if it comes nowhere. */
static size_t travel(const struct map *map, struct map_route route)
{
	size_t at = 0, times = 0;

	while (route.pc && times < route.times && ++at < map->n)
		/* No stop between two rounds of one instruction. */
		times += map->points[at].pc == route.pc && !map->points[at].again;
	at += route.steps + route.rounds;
	return at < map->n ? at : SIZE_MAX;
}

static size_t cost_of(struct map_route route)
{
	return (route.pc ? (size_t)route.times * STOP_COST : 0) + route.steps;
}

/* Over every point that a breakpoint can stop at, however far back. */
static size_t cheapest(const struct map *map, size_t k)
{
	size_t best;

	/* Rounds cost next to nothing. */
	while (map->points[k].again)
		k--;
	best = k;
	for (size_t at = 1; at <= k; at++) {
		size_t times = 0;

		if (map->points[at].again)
			continue;
		for (size_t i = 1; i <= at; i++)
			times += map->points[i].pc == map->points[at].pc && !map->points[i].again;
		if (times * STOP_COST + (k - at) < best)
			best = times * STOP_COST + (k - at);
	}
	return best;
}

struct faults {
	unsigned int astray, dear, astray_without;
};

static struct faults routes_check(const struct map *map)
{
	struct faults faults = { 0 };

	for (size_t k = 0; k < map->n; k++) {
		struct map_route route = map_route(map, k, true);
		struct map_route bare = map_route(map, k, false);

		faults.astray += travel(map, route) != k;
		faults.dear += cost_of(route) > cheapest(map, k);
		faults.astray_without += travel(map, bare) != k;
		faults.astray_without += bare.steps || (bare.rounds && !map->points[k].again);
	}
	return faults;
}

static void routes_by_chance(void)
{
	struct faults all = { 0 };
	uint64_t rng = 4;

	for (int turn = 0; turn < 200; turn++) {
		struct map map = { 0 };
		struct faults faults;
		uint64_t places = 1 + rng_next(&rng) % 40;

		for (uint64_t n = 1 + rng_next(&rng) % 300; n; n--)
			map_add(&map, 0x1000 + rng_next(&rng) % places, 0);
		faults = routes_check(&map);
		all.astray += faults.astray;
		all.dear += faults.dear;
		all.astray_without += faults.astray_without;
		map_release(&map);
	}
	CHECK_INT(all.astray, 0, "each way leads to its point");
	CHECK_INT(all.astray_without, 0, "and so does each without stepping");
	CHECK_INT(all.dear, 0, "none is dearer than the cheapest there is");
}

static void routes_by_hand(void)
{
	static const uint64_t way[] = { 1, 2, 3, 2, 3, 9, 9, 9, 9, 2, 7 };
	struct map map = { 0 };
	struct map_route route;

	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
		map_add(&map, way[i], 0);
	route = map_route(&map, 1, true);
	CHECK(route.pc == 0 && route.steps == 1, "a step is cheaper than a stop");
	route = map_route(&map, 0, false);
	CHECK(route.pc == 0 && route.steps == 0, "to where W stands there is no way to go");
	route = map_route(&map, 10, true);
	CHECK(route.pc == 7 && route.times == 1 && route.steps == 0, "a stop than many steps");
	route = map_route(&map, 9, false);
	CHECK(route.pc == 2 && route.times == 3, "an address that comes often is counted");
	CHECK(!map.points[5].again && map.points[6].again && map.points[8].again,
	      "the same address again is one more round");
	route = map_route(&map, 8, false);
	CHECK(route.pc == 9 && route.times == 1 && route.steps == 0 && route.rounds == 3,
	      "a round is come to from the first");
	map_release(&map);
}

static void far_route(void)
{
	struct map map = { 0 };
	struct map_route route;

	for (size_t i = 0; i < 3000; i++)
		map_add(&map, i == 2990 ? 0x5000 : 0x1000 + i % 10 * 4, 0);
	route = map_route(&map, 2999, true);
	CHECK(route.pc == 0x5000 && route.times == 1 && route.steps == 9,
	      "in a long loop the rare address leads to what is behind it");
	map_release(&map);
}

static void point_set(struct map *map, size_t k, enum outcome outcome, uint64_t key)
{
	map->points[k].tried = true;
	map->points[k].outcome = outcome;
	map->points[k].key = key;
}

static int number(const json_t *map, size_t i, const char *key)
{
	return (int)json_integer_value(json_object_get(json_array_get(map, i), key));
}

static const char *text(const json_t *map, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(map, i), key));
}

static void segments_check(void)
{
	struct map map = { 0 };
	static struct cell cell;
	json_t *json;

	for (size_t i = 0; i < 12; i++)
		map_add(&map, 0x1000 + i, 0);
	point_set(&map, 0, OUTCOME_OK, 0);
	point_set(&map, 3, OUTCOME_HANG, 5);
	map.points[5].waits = true;
	map.points[6].waits = true;
	point_set(&map, 7, OUTCOME_HANG, 5);
	point_set(&map, 9, OUTCOME_HANG, 6);
	point_set(&map, 11, OUTCOME_OK, 0);
	map.points[5].outcome = map.points[6].outcome = OUTCOME_HANG;
	map.points[5].key = map.points[6].key = 5;
	map_fill(&map);
	CHECK(map.points[2].outcome == OUTCOME_OK && map.points[4].outcome == OUTCOME_HANG &&
	      map.points[4].key == 5 && map.points[10].key == 6,
	      "a point that was not tried is as the one before it");
	CHECK(map_deciding(&map, 4) == &map.points[3] && map_deciding(&map, 3) == &map.points[3] &&
	      map_deciding(&map, 2) == &map.points[0], "whose experiment speaks for it");
	CHECK(!map.points[4].waits && map.points[5].waits && !map.points[8].waits,
	      "where F waits stays as it was");

	cell.findings[0].key = 6;
	cell.findings[1].key = 5;
	cell.nfindings = 2;
	json = map_json(&map, &cell);
	CHECK(number(json, 1, "finding") == 1 && number(json, 4, "finding") == 0,
	      "a segment names its finding");
	CHECK(json_is_null(json_object_get(json_array_get(json, 0), "finding")),
	      "one that is well has none");
	json_decref(json);

	json = map_json(&map, NULL);
	CHECK_INT(json_array_size(json), 6, "equal neighbours are one segment");
	CHECK(number(json, 0, "from") == 0 && number(json, 0, "to") == 2, "from its first point");
	CHECK(number(json, 1, "from") == 3 && number(json, 1, "to") == 4, "to its last");
	CHECK_STR(text(json, 1, "outcome"), "hang", "with its outcome");
	CHECK(json_is_true(json_object_get(json_array_get(json, 2), "waits")) &&
	      number(json, 2, "from") == 5 && number(json, 2, "to") == 6,
	      "where F waits is a segment of its own");
	CHECK(number(json, 3, "to") == 8 && number(json, 4, "from") == 9,
	      "and so is another kind of the same outcome");
	CHECK(number(json, 5, "from") == 11 && number(json, 5, "to") == 11, "and the last point");
	CHECK_STR(text(json, 0, "trust"), "none", "an address without a name is not trusted");
	CHECK(json_is_null(json_object_get(json_array_get(json, 0), "symbol")), "and has none");
	json_decref(json);
	map_release(&map);

	json = map_json(&map, NULL);
	CHECK_INT(json_array_size(json), 0, "a window that was never reached has no segment");
	json_decref(json);
}

int main(void)
{
	routes_by_hand();
	routes_by_chance();
	far_route();
	segments_check();
	return tap_done();
}
