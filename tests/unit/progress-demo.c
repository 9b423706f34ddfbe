/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not a test by itself: a run of two cells as the main process would report it, with the live line
 * on standard error. tests/13-progress.t looks at what a terminal shows of it. Run without that, it
 * is a valid TAP stream.
 */
#include <jansson.h>
#include <time.h>
#include <unistd.h>

#include "report/progress.h"
#include "report/report.h"

int main(void)
{
	struct progress *progress = progress_new(STDERR_FILENO);
	struct output *out = output_over(STDOUT_FILENO, "standard output");
	struct report *report = report_new(false);
	/* The line is drawn ten times a second at most. */
	struct timespec pause = { .tv_nsec = 120000000 };
	json_t *cell = json_pack("{s:s, s:s, s:s, s:s, s:{s:i}, s:[s]}", "scenario",
				 "fork-lru-list",
				 "python", "3.13.5", "explore", "starve", "verdict", "as-expected",
				 "outcomes", "SIGSEGV", 3, "expected", "SIGSEGV");
	int status;

	report_own(report, out);
	report_add(report, progress_reporter(progress));
	report_add(report, reporter_summary_new(out, false, REPORT_WIDTH));
	report_add(report, reporter_tap_new(out, 13, false));
	report_begin(report, 2);
	for (int i = 0; i < 2; i++) {
		progress_start(progress, 0, "fork-lru-list @ 3.13.5 starve");
		progress_draw(progress);
		nanosleep(&pause, NULL);
		progress_draw(progress);
		progress_stop(progress, 0);
		report_cell(report, cell);
	}
	status = report_end(report, NULL);
	report_free(report);
	progress_free(progress);
	json_decref(cell);
	return status;
}
