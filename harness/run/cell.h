/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell (scenario × interpreter × strategy × isolation, the bug or its twin) while it is being
 * explored: what strategies (explore/strategy.h) work with.
 */
#ifndef FORKPOINT_RUN_CELL_H
#define FORKPOINT_RUN_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "run/catalog.h"
#include "run/interp.h"
#include "run/link.h"
#include "run/verdict.h"

/* Crashes and hangs of one kind (one crash key) in a cell. */
struct finding {
	uint64_t key;
	enum outcome outcome;
	uint64_t count;
	uint64_t by_allocator[ALLOCATOR_COUNT]; /* of them under each setting */
	uint64_t first_trial;  /* its number, for the replay line */
	enum allocator allocator; /* of the first */
	struct control_order order; /* of the first */
	struct crash *crash;   /* the first, as captured; NULL: it could not be */
};

/*
 * Of more kinds than this in one cell, those that nobody expected are kept; the others are counted
 * as outcomes only.
 */
#define CELL_FINDINGS_MAX 16

/* What the user allows a cell; 0 in trials: as many as it takes. */
struct cell_limits {
	uint64_t budget_ns;
	uint64_t trials;
	uint64_t seed;
	bool exact;      /* step: an experiment at each point, wherever W has changed nothing too */
	const char *out; /* directory for a file a finding; NULL: none */
};

/* A cell under one setting of the allocator. */
struct cell_setting {
	struct link *link;  /* not owned; NULL: the cell is not tried under it */
	struct tally tally; /* the cell's part of it */
	uint64_t first_trial[OUTCOME_COUNT]; /* the first one with that outcome */
	json_t *notes;      /* a strategy's own results of this setting. Owned */
};

struct cell {
	/* What it is. Not owned. */
	const struct interp *interp;
	const struct catalog *catalog;
	const struct catalog_scenario *scenario;
	unsigned int variant;
	bool twin;
	enum isolation isolation;
	const struct expected *expected;
	struct expected widened; /* its own row, where a strategy allows more than the table */
	struct cell_limits limits;

	/* How it is run. Not owned. */
	struct cell_setting settings[ALLOCATOR_COUNT];
	bool settings_asked_for;  /* by the user, so none of them is to be left out */
	enum allocator allocator; /* of the next trial: cell_use() */
	struct link *link;        /* its host */
	struct capture_cache *cache;
	const volatile bool *interrupted;

	/* What came out. Owned: cell_release(). */
	struct tally tally;
	struct crash_keys keys;
	struct finding findings[CELL_FINDINGS_MAX];
	unsigned int nfindings;
	uint64_t left_out;     /* crashes and hangs that are in no finding */
	uint64_t started_ns;
	char text[256];        /* the last thing said that was not ok */
	json_t *notes;         /* a strategy's own results, merged into the cell's JSON object */
	void *explored;        /* a strategy's own; NULL: nothing */
	void (*explored_free)(void *explored);
};

void cell_begin(struct cell *cell);
void cell_release(struct cell *cell);

/*
 * Make the next trials under this setting, which the cell has a link for. A cell that has several
 * is under the first of them when it begins.
 */
void cell_use(struct cell *cell, enum allocator allocator);
bool cell_has(const struct cell *cell, enum allocator allocator);

/* An order for this cell with everything filled in but how to meet. */
void cell_order(const struct cell *cell, uint64_t trial, struct control_order *order);

/*
 * Run one trial, under the cell's settings in turn where it has several, and count it: into
 * cell->tally and, if not NULL, into `part`. Number and order are kept with a finding, for replay.
 */
enum link_result cell_trial(struct cell *cell, const struct control_order *order, uint64_t trial,
			    struct tally *part, struct strbuf *err);

/*
 * Count a trial: as cell_trial() does, for who runs it otherwise. Takes its crash over if it is the
 * first of its kind.
 */
void cell_note(struct cell *cell, const struct control_order *order, uint64_t trial,
	       struct trial *result, struct tally *part);

/*
 * What a reader should look at first: what nobody expected, then what came most often. NULL: there
 * is none.
 */
const struct finding *cell_main_finding(const struct cell *cell);

/*
 * The number of the finding, from 0 on, that a trial with this crash key and outcome is counted in;
 * -1: it is in none.
 */
int cell_finding_number(const struct cell *cell, uint64_t crash_key, enum outcome outcome);

/* So many budgets of time, or the trials, are used up, or somebody pressed Ctrl-C. */
bool cell_exhausted(const struct cell *cell, unsigned int budgets);

#endif
