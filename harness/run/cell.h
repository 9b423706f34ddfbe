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
	uint64_t first_trial;  /* its number, for the replay line */
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
	const char *out; /* directory for a file a finding; NULL: none */
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
	struct cell_limits limits;

	/* How it is run. Not owned. */
	struct link *link;
	struct capture_cache *cache;
	const volatile bool *interrupted;

	/* What came out. Owned: cell_release(). */
	struct tally tally;
	uint64_t first_trial[OUTCOME_COUNT]; /* the first one with that outcome */
	struct crash_keys keys;
	struct finding findings[CELL_FINDINGS_MAX];
	unsigned int nfindings;
	uint64_t left_out;     /* crashes and hangs that are in no finding */
	uint64_t started_ns;
	char text[256];        /* the last thing said that was not ok */
	json_t *notes;         /* a strategy's own results, merged into the cell's JSON object */
};

void cell_begin(struct cell *cell);
void cell_release(struct cell *cell);

/* An order for this cell with everything filled in but how to meet. */
void cell_order(const struct cell *cell, uint64_t trial, struct control_order *order);

/*
 * Run one trial and count it: into cell->tally and, if not NULL, into `part`. Number and order are
 * kept with a finding, for replay.
 */
enum link_result cell_trial(struct cell *cell, const struct control_order *order, uint64_t trial,
			    struct tally *part, struct strbuf *err);

/*
 * What a reader should look at first: what nobody expected, then what came most often. NULL: there
 * is none.
 */
const struct finding *cell_main_finding(const struct cell *cell);

/* So many budgets of time, or the trials, are used up, or somebody pressed Ctrl-C. */
bool cell_exhausted(const struct cell *cell, unsigned int budgets);

#endif
