/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of how much of a window a map covers. */
#include "explore/map.h"

#include <stdlib.h>

#include "tap.h"

/* A window of so many points, of which every `nth` was tried. */
static void check(enum map_end end, size_t points, size_t nth, bool destroys, const char *wanted)
{
	struct map map = { .end = end };
	char *text;

	for (size_t k = 0; k < points; k++) {
		struct map_point *point = map_add(&map, 0x1000 + k, 0);

		point->tried = k % nth == 0;
		map.tried += point->tried;
	}
	text = map_coverage(&map, destroys);
	CHECK_STR(text ? text : "nothing", wanted, "%zu points, each %zu. of them tried%s", points,
		  nth, destroys ? ", a subject each" : "");
	free(text);
	map_release(&map);
}

int main(void)
{
	check(MAP_LEFT, 0, 1, false, "nothing");
	check(MAP_LEFT, 65, 10, false,
	      "65 of 65 points, 7 forks: no other fork point exists in this window");
	check(MAP_LEFT, 65, 1, false,
	      "65 of 65 points, 65 forks, exact: an experiment at each point");
	check(MAP_LEFT, 1, 1, false, "1 of 1 point, 1 fork, exact: an experiment at each point");
	check(MAP_LEFT, 9, 9, false,
	      "9 of 9 points, 1 fork: no other fork point exists in this window");
	check(MAP_LEFT, 2582, 4, true, "2582 of 2582 points, 646 subjects");
	check(MAP_LEFT, 5, 1, true,
	      "5 of 5 points, 5 subjects, exact: an experiment at each point");
	check(MAP_CUT, 412, 412, false,
	      "412 points, up to where W ended, 1 fork: no other fork point exists up to there");
	check(MAP_CUT, 2, 1, false,
	      "2 points, up to where W ended, 2 forks, exact: an experiment at each point");
	check(MAP_WAITS, 33, 4, true, "33 points, up to where W waits, 9 subjects");
	return tap_done();
}
