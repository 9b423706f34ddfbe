/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a window: what comes of the operation at each of its points. Point k is the moment
 * before W's k-th instruction in the window, counted from 0; so a window of n instructions has n
 * points, and whatever F does, it does it at one of them.
 */
#ifndef FORKPOINT_EXPLORE_MAP_H
#define FORKPOINT_EXPLORE_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "embed/subject.h"
#include "explore/stage.h"
#include "observe/places.h"

struct map_point {
	uint64_t pc, sp;
	enum outcome outcome;
	uint64_t key;  /* of its crash or hang, as in struct trial; 0: none */
	struct final_stage stage; /* of F, when it had come back or first waited for W */
	bool tried;    /* by an experiment of its own; else it equals the point before it */
	bool waits;    /* F could not come through here: it waited for W, and went on with it */
	bool again;    /* one more round of the same instruction (rep movs) */
	bool touched;  /* by its instruction W meets memory that others can see */
	bool called;   /* it enters the kernel, or the vdso */
};

/* How W's way through its window came to its end. */
enum map_end {
	MAP_CUT = 0, /* W ended on it, or the whole process did */
	MAP_WAITS,   /* W waits there for somebody else */
	MAP_LEFT,    /* W left its window */
};

struct map {
	enum map_end end;
	struct map_point *points;
	size_t n;
	size_t room;
	uint64_t tried; /* forks, or subjects */
	json_t *pairs;   /* critical pairs, by the number of the point that a segment begins with;
			    NULL: none. Owned */
	struct places *places; /* names of its addresses; NULL: not known. Owned */
};

void map_release(struct map *map);
/* A new zeroed point at the end. Pointers to earlier ones are void afterwards. */
struct map_point *map_add(struct map *map, uint64_t pc, uint64_t sp);
/*
 * A window has some hundred points, or some thousands. One of so many is none that somebody waits
 * for; most likely W spins in it.
 */
#define MAP_POINTS_MAX ((size_t)1 << 18)
/* False, and why: it has more. */
bool map_is_whole(const struct map *map, struct strbuf *err);
/* The point whose experiment speaks for point k. */
const struct map_point *map_deciding(const struct map *map, size_t k);
/* Does another verdict begin at point k? */
bool map_is_border(const struct map *map, size_t k);
/* Copy outcomes to the points that were not tried. */
void map_fill(struct map *map);

/*
 * How to bring W to a point at full speed: run to `pc` for the `times`-th time, then step, then
 * make some `rounds` of the instruction that W stands before. Costs about `times` stops and `steps`
 * steps; the cheapest way is chosen. W stands at point 0, and has been stopped there; a `pc` of 0:
 * step from it.
 */
struct map_route {
	uint64_t pc;
	unsigned int times;
	unsigned int steps;
	unsigned int rounds;
};

/* `stepping` false: without a single step, by the point's own address. */
struct map_route map_route(const struct map *map, size_t k, bool stepping);

/*
 * The points joined to segments, each with the place of its first instruction and, of a crash or
 * hang, its number among the cell's findings, as they are at the end. `cell` NULL: there are none.
 */
struct cell;
json_t *map_json(const struct map *map, const struct cell *cell);

/*
 * How much of the window that is, in one sentence: "65 of 65 points, 7 forks: no other fork point
 * exists in this window". It claims nothing beyond that one window and one preemption, and nothing
 * behind the point that W did not come beyond. `destroys`: each experiment took a subject. The
 * caller's to free; NULL: the window has no point.
 */
char *map_coverage(const struct map *map, bool destroys);

#endif
