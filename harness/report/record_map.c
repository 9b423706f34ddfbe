/* SPDX-License-Identifier: Apache-2.0 */
#include "report/record_map.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/result.h"

static int check_text(const struct part *part, const char *key)
{
	const json_t *value = part_member(part, key);

	return !value || json_is_string(value) ? 0 :
		part_refuse(part, key, value, "which is no text");
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

/* *next: the point that it has to begin with; then the one after its last. */
static int check_segment(const struct part *segment, json_int_t *next)
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
	if (!json_is_boolean(waits))
		return part_refuse(segment, "waits", waits, "neither true nor false");
	*next = to + 1;
	return check_place(segment);
}

static int check_segments(const struct part *cell, json_int_t points)
{
	const json_t *map = part_member(cell, "map");
	json_int_t next = 0;
	json_t *segment;
	char fault[64];
	size_t i;

	if (!json_is_array(map))
		return part_refuse(cell, "map", map, "which is no list");
	json_array_foreach(map, i, segment) {
		char name[256];
		const struct part part = { segment, name, cell->why };

		snprintf(name, sizeof(name), "%smap[%zu].", cell->name, i);
		if (check_segment(&part, &next) < 0)
			return -1;
	}
	snprintf(fault, sizeof(fault), "and the map has %" JSON_INTEGER_FORMAT, next);
	return next == points ? 0 : part_refuse(cell, "points", part_member(cell, "points"), fault);
}

/* An experiment at each point, and one that was begun and came through behind the last. */
static int check_walk(const struct part *cell)
{
	json_int_t points, forks;

	if (part_read_count(cell, "points", &points) < 0 ||
	    part_read_count(cell, "forks", &forks) < 0 ||
	    check_text(cell, "coverage") < 0)
		return -1;
	if (points >= 0 && forks > points + 1)
		return part_refuse(cell, "forks", part_member(cell, "forks"),
				   "more than the points allow");
	return part_member(cell, "map") ? check_segments(cell, points) : 0;
}

int record_map_check(const struct part *cell)
{
	const json_t *allocators = part_member(cell, "allocators");
	const char *setting;
	json_t *value;

	if (check_walk(cell) < 0)
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
		ret = check_walk(&(struct part){ value, name.buf, cell->why });
		strbuf_release(&name);
		if (ret < 0)
			return -1;
	}
	return 0;
}
