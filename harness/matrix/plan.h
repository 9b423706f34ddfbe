/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a run: which cells, in which order, as units of work.
 *
 * A unit is what one worker does in one piece: a bug and its twin on one interpreter by one
 * strategy, since whether the bug's crash is confirmed depends on the twin.
 */
#ifndef FORKPOINT_MATRIX_PLAN_H
#define FORKPOINT_MATRIX_PLAN_H

#include <jansson.h>

#include "explore/strategy.h"
#include "matrix/python.h"

enum twins { TWINS_BOTH, TWINS_WITHOUT, TWINS_ONLY };

/* Under which settings of the allocator a cell is tried: what its strategy finds best, or these. */
enum allocators { ALLOCATORS_AUTO, ALLOCATORS_DEFAULT, ALLOCATORS_NO_TCACHE, ALLOCATORS_BOTH };

struct unit {
	const struct python *python;
	const struct catalog_scenario *scenario; /* NULL: the interpreter cannot run at all */
	unsigned int variant;
	const struct strategy *strategy;
	enum isolation isolation;
	enum twins twins;
	enum allocators allocators;
};

struct plan {
	struct unit *units;
	size_t n;
	size_t cells;
	char *nothing; /* why there is no unit; NULL where there is one */
};

struct plan_request {
	char *const *scenarios; /* "fork-lru-list", "finalize-restore/noexcept"; none: all */
	size_t nscenarios;
	const struct strategy *const *strategies; /* ended by NULL */
	bool best; /* of them only the first that fits a scenario and that this machine can */
	enum isolation isolation;
	enum twins twins;
	enum allocators allocators;
	unsigned int shard, shards; /* shard 1 of 1: all */
};

/*
 * -1 and a sentence if a scenario is asked for that no interpreter knows, or, where there is no
 * interpreter to ask, that scenarios/list.h does not name.
 */
int plan_make(struct plan *plan, const struct python_list *pythons,
	      const struct plan_request *request, struct strbuf *err);
void plan_release(struct plan *plan);

/* How many cells a unit has: the bug, the twin, or both; 1 for an interpreter that cannot run. */
size_t unit_cells(const struct unit *unit);

/* "finalize-restore/noexcept"; free() it. */
char *unit_scenario_name(const struct unit *unit);

/* "fork-lru-list @ 3.13.18 starve", for people; free() it. */
char *unit_title(const struct unit *unit);

#endif
