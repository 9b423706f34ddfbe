/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a run: takes one JSON object a cell (report/result.h) and hands it to every writer;
 * counts, and computes the exit status. Knows nobody who makes the objects.
 *
 *	report = report_new(require_all);
 *	report_add(report, reporter_tap_new(out, 13, require_all));
 *	report_begin(report, number_of_cells);
 *	report_cell(report, object);          one for each cell, in the order they end
 *	status = report_end(report, NULL);    or the reason of a bail out
 *	report_free(report);
 *
 * One process and one thread only may use a report (several writers ruin TAP). Not child-safe:
 * nothing stays in a buffer between two calls, though, so a fork duplicates no output.
 */
#ifndef FORKPOINT_REPORT_REPORT_H
#define FORKPOINT_REPORT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "report/result.h"
#include "report/output.h"

struct report_tally {
	size_t cells;
	size_t verdicts[RESULT_VERDICTS];
	size_t missing;      /* of the skipped ones: what is lacking can be had */
	json_int_t trials, hits, crashes, hangs;
	double seconds;      /* of all cells, so more than the clock's with several jobs */
	bool incomplete;     /* a writer could not write all, or a record could not be read */
	bool require_all;
	bool interrupted;
	bool abandoned;      /* nobody reads one of the outputs any more */
	const char *nothing; /* why there is no cell at all; NULL: not known */
};

/*
 * The exit status of a run: 130 after an interruption, else 3 if the harness failed or results are
 * missing, else 141 if who read an output went away, else 1 if a verdict differs, is vacuous, or
 * what --require-all demands is missing, else 77 if nothing was run, else 0. Pure.
 */
int report_exit_status(const struct report_tally *tally);

/*
 * A writer: TAP, JSON Lines, the summary, … Each function but free() may be NULL. A writer keeps
 * no result back: when cell() returns, the cell has been handed to its output.
 */
struct reporter {
	/* The number of cells to come; 0: not known. */
	void (*begin)(struct reporter *self, size_t cells);
	void (*cell)(struct reporter *self, const json_t *cell);
	/* `bail` is why the run stopped before its end, or NULL. */
	void (*end)(struct reporter *self, const struct report_tally *tally, const char *bail);
	void (*free)(struct reporter *self);
};

struct report;

struct report *report_new(bool require_all);
void report_add(struct report *report, struct reporter *reporter);
/* Takes the output over: it is closed when the report ends, after all writers have. */
void report_own(struct report *report, struct output *out);
void report_begin(struct report *report, size_t cells);
/* The object stays the caller's. */
void report_cell(struct report *report, const json_t *cell);
/* A result was lost on its way here; why has been said. */
void report_lost(struct report *report);
/* Nobody reads any of the outputs any more. */
bool report_is_unheard(const struct report *report);
/* Why no cell will come. The sentence stays the caller's, until the report has ended. */
void report_nothing(struct report *report, const char *why);
/* After Ctrl-C. */
void report_interrupted(struct report *report);
const struct report_tally *report_tally(const struct report *report);
/* Ends all writers and closes the outputs. Returns the exit status. */
int report_end(struct report *report, const char *bail);
void report_free(struct report *report);

/*
 * The writers. `out` is not theirs: report_own() it once.
 *
 * TAP: version 13 or 14; with require_all a cell that is `missing` is `not ok` instead of SKIP.
 * Pictures in it are as wide as report_width() says when it is made.
 */
struct reporter *reporter_tap_new(struct output *out, unsigned int version, bool require_all);
/* One object a line, as it came. */
struct reporter *reporter_jsonl_new(struct output *out);
/*
 * The table at the end, as TAP diagnostics, at most `width` columns wide. Add it before the TAP
 * writer: a plan that comes last, and "Bail out!", end the stream.
 */
struct reporter *reporter_summary_new(struct output *out, bool color, size_t width);

/*
 * How wide lines for people may be: COLUMNS where it is set, else the terminal's width, else
 * REPORT_WIDTH; never narrower or wider than these bounds.
 */
#define REPORT_WIDTH_MIN 40
#define REPORT_WIDTH 100
size_t report_width(const struct output *out);

/* Colours are for terminals, and not with NO_COLOR (set and not empty) or TERM=dumb. */
bool report_wants_color(const struct output *out);

#endif
