/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "run/cell.h"
#include "run/outcome.h"

void map_release(struct map *map)
{
	free(map->points);
	places_free(map->places);
	json_decref(map->pairs);
	memset(map, 0, sizeof(*map));
}

struct map_point *map_add(struct map *map, uint64_t pc, uint64_t sp)
{
	if (map->n == map->room) {
		map->room = map->room ? 2 * map->room : 256;
		map->points = xrealloc(map->points, map->room * sizeof(*map->points));
	}
	map->points[map->n] = (struct map_point){
		.pc = pc, .sp = sp, .again = map->n && map->points[map->n - 1].pc == pc,
	};
	return &map->points[map->n++];
}

bool map_is_whole(const struct map *map, struct strbuf *err)
{
	if (map->n < MAP_POINTS_MAX)
		return true;
	strbuf_addf(err, "W does not leave its window within %zu instructions: it spins there, or "
		    "the window is too wide to be walked: try --explore starve", MAP_POINTS_MAX);
	return false;
}

const struct map_point *map_deciding(const struct map *map, size_t k)
{
	while (k && !map->points[k].tried)
		k--;
	return &map->points[k];
}

void map_fill(struct map *map)
{
	for (size_t k = 1; k < map->n; k++) {
		struct map_point *point = &map->points[k];

		if (point->tried || point->waits)
			continue;
		point->outcome = point[-1].outcome;
		point->key = point[-1].key;
		if (point->stage.reached == FINAL_UNKNOWN)
			point->stage = point[-1].stage;
		point->waits = point[-1].waits;
	}
}

/*
 * A stop at a breakpoint costs about two steps: the stop itself, and the step past it that the
 * processor makes before the breakpoint is armed again.
 */
#define STOP_COST 2

/*
 * How often W has come by the address of point k when it stands there. It stands at point 0 from
 * the beginning, stopped by a breakpoint, and no other stops it there again.
 */
static unsigned int map_times(const struct map *map, size_t k)
{
	unsigned int times = 0;

	for (size_t i = 1; i <= k; i++)
		times += map->points[i].pc == map->points[k].pc && !map->points[i].again;
	return times;
}

/*
 * Further back than this a way cannot be cheaper by more than it costs to look for it: the address
 * of one of the last 64 points is nearly always a rare one.
 */
#define ROUTE_BACK 64

struct map_route map_route(const struct map *map, size_t k, bool stepping)
{
	struct map_route best = { .pc = 0 };
	size_t cost, last = k;

	while (map->points[k].again)
		k--;
	best.steps = (unsigned int)k;
	cost = stepping ? k : SIZE_MAX;
	for (size_t back = 0; back < k && back < ROUTE_BACK && back < cost; back++) {
		unsigned int times;

		/* No breakpoint stops between two rounds. */
		if (map->points[k - back].again)
			continue;
		times = map_times(map, k - back);
		if (times * STOP_COST + back < cost) {
			cost = times * STOP_COST + back;
			best = (struct map_route){ map->points[k - back].pc, times,
						   (unsigned int)back, 0 };
		}
		if (!stepping)
			break;
	}
	best.rounds = (unsigned int)(last - k);
	return best;
}

static bool same_segment(const struct map_point *a, const struct map_point *b)
{
	return a->outcome == b->outcome && a->key == b->key && a->waits == b->waits;
}

bool map_is_border(const struct map *map, size_t k)
{
	const struct map_point *point = &map->points[k];

	return k && k < map->n &&
	       (point[-1].outcome != point->outcome || point[-1].key != point->key);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static void place_json(json_t *segment, const struct crash_frame *frame)
{
	char *symbol = frame->function ? xstrfmt("%s+0x%llx", frame->function,
						 (unsigned long long)frame->offset) : NULL;
	char *source = frame->file ? xstrfmt("%s:%d", frame->file, frame->line) : NULL;

	json_object_set_new(segment, "symbol", text_or_null(symbol));
	json_object_set_new(segment, "trust", json_string(trust_name(frame->trust)));
	json_object_set_new(segment, "source", text_or_null(source));
	json_object_set_new(segment, "module", text_or_null(frame->module));
	json_object_set_new(segment, "offset", json_integer((json_int_t)frame->module_offset));
	free(symbol);
	free(source);
}

/* The first point's, and the last that is another one. */
static json_t *stage_json(const struct map *map, size_t from, size_t to)
{
	struct final_stage first = map->points[from].stage;
	struct strbuf text = STRBUF_INIT;
	json_t *stage;

	if (first.reached == FINAL_UNKNOWN)
		return json_null();
	final_stage_text(first, &text);
	while (to > from && final_stage_same(map->points[to].stage, first))
		to--;
	if (to > from) {
		strbuf_addstr(&text, ", then ");
		final_stage_text(map->points[to].stage, &text);
	}
	stage = json_string(text.buf);
	strbuf_release(&text);
	return stage;
}

static json_t *pair_json(const struct map *map, size_t k)
{
	char key[32];
	json_t *pair;

	snprintf(key, sizeof(key), "%zu", k);
	pair = json_object_get(map->pairs, key);
	return pair ? json_incref(pair) : json_null();
}

static json_t *finding_json(const struct cell *cell, const struct map_point *point)
{
	int number = cell ? cell_finding_number(cell, point->key, point->outcome) : -1;

	return number < 0 ? json_null() : json_integer(number);
}

static json_t *segment_json(const struct map *map, const struct cell *cell, size_t from, size_t to)
{
	const struct map_point *first = &map->points[from];
	json_t *segment = json_object();
	struct crash_frame frame;

	places_name(map->places, first->pc, &frame);
	json_object_set_new(segment, "from", json_integer((json_int_t)from));
	json_object_set_new(segment, "to", json_integer((json_int_t)to));
	json_object_set_new(segment, "outcome", json_string(outcome_name(first->outcome)));
	json_object_set_new(segment, "finding", finding_json(cell, first));
	json_object_set_new(segment, "waits", json_boolean(first->waits));
	place_json(segment, &frame);
	crash_frame_release(&frame);
	json_object_set_new(segment, "stage", stage_json(map, from, to));
	json_object_set_new(segment, "pair", pair_json(map, from));
	return segment;
}

json_t *map_json(const struct map *map, const struct cell *cell)
{
	json_t *list = json_array();
	size_t from = 0;

	for (size_t k = 1; k <= map->n; k++) {
		if (k < map->n && same_segment(&map->points[from], &map->points[k]))
			continue;
		json_array_append_new(list, segment_json(map, cell, from, k - 1));
		from = k;
	}
	return list;
}

/* "65 of 65 points": how many the window has is known only if W left it. */
static char *points_counted(const struct map *map)
{
	const char *plural = map->n == 1 ? "" : "s";

	if (map->end == MAP_LEFT)
		return xstrfmt("%zu of %zu point%s", map->n, map->n, plural);
	return xstrfmt("%zu point%s, up to where W %s", map->n, plural,
		       map->end == MAP_WAITS ? "waits" : "ended");
}

char *map_coverage(const struct map *map, bool destroys)
{
	const char *plural = map->tried == 1 ? "" : "s";
	bool exact = true;
	char *points, *counts, *text;

	if (!map->n)
		return NULL;
	for (size_t k = 0; k < map->n; k++)
		exact &= map->points[k].tried;
	points = points_counted(map);
	counts = xstrfmt("%s, %llu %s%s", points, (unsigned long long)map->tried,
			 destroys ? "subject" : "fork", plural);
	free(points);
	if (exact)
		text = xstrfmt("%s, exact: an experiment at each point", counts);
	else if (!destroys)
		text = xstrfmt("%s: no other fork point exists %s", counts,
			       map->end == MAP_LEFT ? "in this window" : "up to there");
	else
		return counts;
	free(counts);
	return text;
}
