/* SPDX-License-Identifier: Apache-2.0 */
#include "report/standard.h"

#include <string.h>
#include <unistd.h>

static int add_json(struct report *report, const struct report_wish *wish, struct strbuf *err)
{
	struct strbuf why = STRBUF_INIT;
	struct output *out = output_open(wish->json, wish->inputs, &why);

	if (!out) {
		strbuf_addf(err, "--json: %s", why.buf);
		strbuf_release(&why);
		return -1;
	}
	report_own(report, out);
	report_add(report, reporter_jsonl_new(out));
	return 0;
}

/* The summary stands before the TAP in the list so that it can begin before the plan ends. */
static void add_tap(struct report *report, const struct report_wish *wish)
{
	struct output *out = output_over(STDOUT_FILENO, "standard output");

	report_own(report, out);
	report_add(report, reporter_summary_new(out, report_wants_color(out), report_width(out)));
	report_add(report, reporter_tap_new(out, wish->tap, wish->require_all));
}

struct report *report_standard(const struct report_wish *wish, struct strbuf *err)
{
	struct report *report;

	if (output_check_inputs(STDOUT_FILENO, "standard output", wish->inputs, err) < 0)
		return NULL;
	report = report_new(wish->require_all);
	if (wish->progress)
		report_add(report, progress_reporter(wish->progress));
	if (wish->json && add_json(report, wish, err) < 0) {
		report_free(report);
		return NULL;
	}
	if (!wish->json || strcmp(wish->json, "-") != 0)
		add_tap(report, wish);
	return report;
}
