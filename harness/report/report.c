/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

#define WRITERS_MAX 8

struct report {
	struct report_tally tally;
	struct reporter *reporters[WRITERS_MAX];
	size_t nreporters;
	struct output *outputs[WRITERS_MAX];
	size_t noutputs;
};

int report_exit_status(const struct report_tally *tally)
{
	const size_t *verdicts = tally->verdicts;

	if (tally->interrupted)
		return EXIT_INTERRUPTED;
	if (verdicts[RESULT_BROKEN] || tally->incomplete)
		return EXIT_HARNESS;
	if (tally->abandoned)
		return EXIT_ABANDONED;
	if (verdicts[RESULT_UNEXPECTED] || verdicts[RESULT_VACUOUS] ||
	    (tally->require_all && tally->missing))
		return EXIT_UNEXPECTED;
	if (verdicts[RESULT_SKIPPED] == tally->cells)
		return EXIT_SKIPPED;
	return EXIT_AS_EXPECTED;
}

struct report *report_new(bool require_all)
{
	struct report *report = xcalloc(1, sizeof(*report));

	report->tally.require_all = require_all;
	return report;
}

void report_add(struct report *report, struct reporter *reporter)
{
	if (report->nreporters == WRITERS_MAX)
		bug("more than %d writers", WRITERS_MAX);
	report->reporters[report->nreporters++] = reporter;
}

void report_own(struct report *report, struct output *out)
{
	if (report->noutputs == WRITERS_MAX)
		bug("more than %d outputs", WRITERS_MAX);
	report->outputs[report->noutputs++] = out;
}

void report_begin(struct report *report, size_t cells)
{
	for (size_t i = 0; i < report->nreporters; i++)
		if (report->reporters[i]->begin)
			report->reporters[i]->begin(report->reporters[i], cells);
}

static void count_cell(struct report_tally *tally, const json_t *cell)
{
	enum result_verdict verdict = result_verdict(cell);

	tally->cells++;
	tally->verdicts[verdict]++;
	tally->missing += verdict == RESULT_SKIPPED && result_flag(cell, "missing");
	tally->trials += result_count(cell, "trials");
	tally->hits += result_count(cell, "hits");
	tally->crashes += result_crashes(cell);
	tally->hangs += result_hangs(cell);
	tally->seconds += json_number_value(json_object_get(cell, "seconds"));
}

void report_cell(struct report *report, const json_t *cell)
{
	count_cell(&report->tally, cell);
	for (size_t i = 0; i < report->nreporters; i++)
		if (report->reporters[i]->cell)
			report->reporters[i]->cell(report->reporters[i], cell);
}

void report_lost(struct report *report)
{
	report->tally.incomplete = true;
}

bool report_is_unheard(const struct report *report)
{
	for (size_t i = 0; i < report->noutputs; i++)
		if (!output_is_abandoned(report->outputs[i]))
			return false;
	return report->noutputs > 0;
}

void report_nothing(struct report *report, const char *why)
{
	report->tally.nothing = why;
}

void report_interrupted(struct report *report)
{
	report->tally.interrupted = true;
}

const struct report_tally *report_tally(const struct report *report)
{
	return &report->tally;
}

int report_end(struct report *report, const char *bail)
{
	for (size_t i = 0; i < report->nreporters; i++)
		if (report->reporters[i]->end)
			report->reporters[i]->end(report->reporters[i], &report->tally, bail);
	for (size_t i = 0; i < report->noutputs; i++) {
		report->tally.abandoned |= output_is_abandoned(report->outputs[i]);
		if (output_close(report->outputs[i]) < 0)
			report->tally.incomplete = true;
	}
	report->noutputs = 0;
	return report_exit_status(&report->tally);
}

void report_free(struct report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->nreporters; i++)
		report->reporters[i]->free(report->reporters[i]);
	for (size_t i = 0; i < report->noutputs; i++)
		output_close(report->outputs[i]);
	free(report);
}

bool report_wants_color(const struct output *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return output_is_terminal(out) && !(no_color && *no_color) &&
	       term && strcmp(term, "dumb") != 0;
}

size_t report_width(const struct output *out)
{
	const char *columns = getenv("COLUMNS");
	size_t width = columns ? strtoul(columns, NULL, 10) : 0;

	if (!width)
		width = output_columns(out);
	if (!width || width > REPORT_WIDTH)
		return REPORT_WIDTH;
	return width < REPORT_WIDTH_MIN ? REPORT_WIDTH_MIN : width;
}
