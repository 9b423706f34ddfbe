/* SPDX-License-Identifier: Apache-2.0 */
#include "report/record_map.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/record_outcomes.h"
#include "report/result.h"

/* A walk gives up in a window that has more (explore/map.h). */
#define POINTS_MAX (1 << 18)

#define MISSING "for the key is missing"

static int check_text(const struct part *part, const char *key)
{
	const json_t *value = part_member(part, key);

	return !value || json_is_string(value) ? 0 :
		part_refuse(part, key, value, "which is no text");
}

/* Which of W and F did what, with what, and where. */
static int check_side(const struct part *side, bool who)
{
	const json_t *access = part_member(side, "access"), *frames = part_member(side, "frames");
	json_int_t size;
	json_t *frame;
	size_t i;

	if (!json_is_object(side->object))
		return part_refuse(side, "access", side->object,
				   "in a side of a pair that is no object");
	if (!json_is_string(access))
		return part_refuse(side, "access", access, "which is no text");
	if (part_read_count(side, "size", &size) < 0 || check_text(side, "what") < 0)
		return -1;
	if (who && !json_is_string(part_member(side, "who")))
		return part_refuse(side, "who", part_member(side, "who"), "which is no text");
	if (!json_is_array(frames))
		return part_refuse(side, "frames", frames, "which is no list");
	json_array_foreach((json_t *)frames, i, frame)
		if (!json_is_string(frame))
			return part_refuse(side, "frames", frame, "which is no frame");
	return 0;
}

static int check_pair(const struct part *segment)
{
	const json_t *pair = json_object_get(segment->object, "pair");
	char w[320], f[320];

	if (json_is_null(pair))
		return 0;
	if (!json_is_object(pair))
		return part_refuse(segment, "pair", pair, pair ? "which is no pair" : MISSING);
	snprintf(w, sizeof(w), "%spair.w.", segment->name);
	snprintf(f, sizeof(f), "%spair.f.", segment->name);
	if (check_side(&(struct part){ json_object_get(pair, "w"), w, segment->why }, false) < 0)
		return -1;
	pair = json_object_get(pair, "f");
	if (json_is_null(pair))
		return 0;
	return check_side(&(struct part){ pair, f, segment->why }, true);
}

/* Of the cell's findings the one that the segment's crashes are counted in. */
static int check_finding(const struct part *segment, const json_t *findings)
{
	const json_t *number = json_object_get(segment->object, "finding");
	const json_t *finding = json_array_get(findings, (size_t)json_integer_value(number));
	const json_t *outcome = part_member(segment, "outcome");

	if (json_is_null(number))
		return 0;
	if (!json_is_integer(number) || !finding)
		return part_refuse(segment, "finding", number,
				   number ? "and there is no such finding" : MISSING);
	return json_equal(json_object_get(finding, "outcome"), outcome) ? 0 :
		part_refuse(segment, "finding", number, "which has another outcome");
}

static int check_trust(const struct part *segment)
{
	static const char *const names[] = { "exact", "near", "none" };
	const json_t *trust = part_member(segment, "trust");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_is_string(trust) && !strcmp(json_string_value(trust), names[i]))
			return 0;
	return part_refuse(segment, "trust", trust, "which is no degree of trust");
}

static int check_place(const struct part *segment)
{
	const json_t *offset = part_member(segment, "offset");

	if (check_text(segment, "symbol") < 0 || check_text(segment, "source") < 0 ||
	    check_text(segment, "module") < 0 || check_text(segment, "stage") < 0 ||
	    check_trust(segment) < 0)
		return -1;
	return !offset || json_is_integer(offset) ? 0 :
		part_refuse(segment, "offset", offset, "which is no offset");
}

/* What the segments of a map are held against. */
struct whole {
	const json_t *outcomes; /* of the trials that it was made by; NULL: not told */
	const json_t *findings;
	json_int_t points;
};

/* *next: the point that it has to begin with; then the one after its last. */
static int check_segment(const struct part *segment, const struct whole *whole, json_int_t *next)
{
	const json_t *outcome = part_member(segment, "outcome");
	const json_t *waits = part_member(segment, "waits");
	json_int_t from, to;
	char fault[64];

	if (!json_is_object(segment->object))
		return part_refuse(segment, "from", segment->object,
				   "in a segment that is no object");
	if (part_read_count(segment, "from", &from) < 0 || part_read_count(segment, "to", &to) < 0)
		return -1;
	snprintf(fault, sizeof(fault), "where the segment has to begin with %" JSON_INTEGER_FORMAT,
		 *next);
	if (from != *next)
		return part_refuse(segment, "from", part_member(segment, "from"), fault);
	if (to < from)
		return part_refuse(segment, "to", part_member(segment, "to"),
				   "before the segment's begin");
	if (!json_is_string(outcome) || result_gravity(json_string_value(outcome)) < 0)
		return part_refuse(segment, "outcome", outcome, "which is no outcome");
	if (whole->outcomes && !result_count(whole->outcomes, json_string_value(outcome)))
		return part_refuse(segment, "outcome", outcome, "and no trial came to that");
	if (!json_is_boolean(waits))
		return part_refuse(segment, "waits", waits, "neither true nor false");
	*next = to + 1;
	if (check_pair(segment) < 0 || check_finding(segment, whole->findings) < 0)
		return -1;
	return check_place(segment);
}

static int check_segments(const struct part *walk, const struct whole *whole)
{
	const json_t *map = part_member(walk, "map");
	json_int_t next = 0;
	json_t *segment;
	char fault[64];
	size_t i;

	if (!json_is_array(map))
		return part_refuse(walk, "map", map, "which is no list");
	json_array_foreach(map, i, segment) {
		char name[256];
		const struct part part = { segment, name, walk->why };

		snprintf(name, sizeof(name), "%smap[%zu].", walk->name, i);
		if (check_segment(&part, whole, &next) < 0)
			return -1;
	}
	snprintf(fault, sizeof(fault), "and the map has %" JSON_INTEGER_FORMAT, next);
	return next == whole->points ? 0 :
		part_refuse(walk, "points", part_member(walk, "points"), fault);
}

/* The sentence begins with the counts, as map_coverage() has them. */
static int check_coverage(const struct part *walk, json_int_t points, json_int_t forks)
{
	const json_t *coverage = part_member(walk, "coverage");
	long long covered, all, tried;

	if (!coverage)
		return 0;
	if (!json_is_string(coverage))
		return part_refuse(walk, "coverage", coverage, "which is no text");
	if (sscanf(json_string_value(coverage), "%lld of %lld point%*[s,] %lld", &covered, &all,
		   &tried) == 3 && covered == points && all == points && tried == forks)
		return 0;
	return part_refuse(walk, "coverage", coverage, "and 'points' and 'forks' say otherwise");
}

/* An experiment at each point, and one that was begun and came through behind the last. */
static int check_walk(const struct part *walk, const json_t *outcomes, const json_t *findings)
{
	struct whole whole = { .outcomes = outcomes, .findings = findings };
	json_int_t forks;

	if (part_read_count(walk, "points", &whole.points) < 0 ||
	    part_read_count(walk, "forks", &forks) < 0)
		return -1;
	if (whole.points >= POINTS_MAX)
		return part_refuse(walk, "points", part_member(walk, "points"),
				   "more than any walk makes");
	if (whole.points >= 0 && forks > whole.points + 1)
		return part_refuse(walk, "forks", part_member(walk, "forks"),
				   "more than the points allow");
	if (check_coverage(walk, whole.points, forks) < 0)
		return -1;
	if (!part_member(walk, "map"))
		return whole.points < 0 ? 0 :
			part_refuse(walk, "map", NULL, "and there are 'points'");
	return check_segments(walk, &whole);
}

/* Of what `step` alone makes. */
static int check_strategy(const struct part *cell)
{
	static const char *const keys[] = { "points", "forks", "coverage", "map" };

	if (!strcmp(result_text(cell->object, "explore", ""), "step"))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (part_member(cell, keys[i]))
			return part_refuse(cell, keys[i], part_member(cell, keys[i]),
					   "and the cell was not walked by 'step'");
	return 0;
}

/* What came under all settings is what came. */
static int check_sums(const struct part *cell, const json_t *allocators)
{
	const json_t *outcomes = part_member(cell, "outcomes");
	json_int_t trials = 0;
	const char *setting, *outcome;
	json_t *value, *count;

	json_object_foreach((json_t *)allocators, setting, value)
		trials += result_count(value, "trials");
	if (trials != result_count(cell->object, "trials"))
		return part_refuse(cell, "trials", part_member(cell, "trials"),
				   "and 'allocators' say otherwise");
	json_object_foreach((json_t *)outcomes, outcome, count) {
		json_int_t sum = 0;

		json_object_foreach((json_t *)allocators, setting, value)
			sum += result_count(json_object_get(value, "outcomes"), outcome);
		if (sum != json_integer_value(count))
			return part_refuse(&(struct part){ outcomes, "outcomes.", cell->why },
					   outcome, count, "and 'allocators' say otherwise");
	}
	return 0;
}

static int check_setting(const struct part *setting, const json_t *findings)
{
	const json_t *outcomes = part_member(setting, "outcomes");

	if (!json_is_object(outcomes))
		return part_refuse(setting, "outcomes", outcomes, "which is no object");
	if (record_outcomes_check(setting) < 0)
		return -1;
	return check_walk(setting, outcomes, findings);
}

int record_map_check(const struct part *cell)
{
	const json_t *allocators = part_member(cell, "allocators");
	const json_t *findings = part_member(cell, "findings");
	const char *setting;
	json_t *value;

	if (check_strategy(cell) < 0 ||
	    check_walk(cell, part_member(cell, "outcomes"), findings) < 0)
		return -1;
	if (allocators && !json_is_object(allocators))
		return part_refuse(cell, "allocators", allocators, "which is no object");
	json_object_foreach((json_t *)allocators, setting, value) {
		struct strbuf name = STRBUF_INIT;
		int ret;

		strbuf_addstr(&name, "allocators.");
		text_add_line(&name, setting, strlen(setting));
		text_cut(&name, PART_VALUE_WIDTH);
		strbuf_addch(&name, '.');
		ret = json_is_null(value) ? 0 : check_setting(
			&(struct part){ value, name.buf, cell->why }, findings);
		strbuf_release(&name);
		if (ret < 0)
			return -1;
	}
	return allocators ? check_sums(cell, allocators) : 0;
}
