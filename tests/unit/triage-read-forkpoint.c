/* SPDX-License-Identifier: Apache-2.0 */
/* What forkpoint itself writes, read back. */
#include <signal.h>

#include "tests/unit/reading.h"
#include "triage/account.h"

static const char cell[] =
	"{\"schema\":1,\"scenario\":\"fork-probe/one\",\"twin\":false,\"python\":\"3.13.5\","
	"\"flavour\":\"release\",\"trials\":9,\"triage\":{\"pattern\":\"other\"},\"findings\":["
	"{\"outcome\":\"SIGSEGV\",\"count\":2,\"replay\":\"fp2:one\",\"message\":\"first line\\n"
	"second\\n\",\"si_code\":1,\"address\":248,\"frames\":["
	"{\"n\":0,\"function\":\"probe_get\",\"module\":\"/venv/_probe.so\",\"offset\":4352,"
	"\"file\":\"/build/a:b.c\",\"line\":61,\"trust\":\"exact\"},"
	"{\"n\":1,\"function\":\"perror\",\"module\":\"/usr/lib/libc.so.6\",\"offset\":17,"
	"\"file\":null,\"line\":0,\"trust\":\"near\"},"
	"{\"n\":2,\"function\":null,\"module\":null,\"offset\":0,\"file\":null,\"line\":0,"
	"\"trust\":\"none\"}],\"degraded\":null},"
	"{\"outcome\":\"hang\",\"message\":\"\",\"si_code\":null,\"address\":null,\"frames\":["
	"{\"n\":0,\"function\":\"futex_wait\",\"module\":null,\"offset\":0,\"file\":null,\"line\":0,"
	"\"trust\":\"scanned\"}],\"degraded\":\"no ptrace: it is not allowed\"},"
	"{\"outcome\":\"SIGKILL\",\"message\":null,\"frames\":null,\"degraded\":\"no capture\"}],"
	"\"replay\":\"fp2:one\"}\n";

static void test_first(const struct traces *traces)
{
	const struct trace *trace = &traces->v[0];

	CHECK_FORMAT(traces, 0, "forkpoint", "a cell of `run --json` is known");
	CHECK_INT(trace->crash->signo, SIGSEGV, "the outcome is the signal");
	CHECK_INT(trace->crash->code, 1, "with its code");
	CHECK(trace->crash->has_addr && trace->crash->addr == 248, "and address");
	CHECK_STR(trace->crash->message, "first line\nsecond\n", "and message");
	CHECK(trace->crash->threads[0].culprit, "its thread is the one");
	CHECK_STACK(traces, 0, 0, "probe_get /build/a:b.c:61\nperror\n?\n", "frames");
	CHECK_INT(frame_at(traces, 0, 0, 0)->trust, TRUST_EXACT, "an exact name");
	CHECK_INT(frame_at(traces, 0, 0, 1)->trust, TRUST_NEAR, "one that is only near");
	CHECK_INT(frame_at(traces, 0, 0, 2)->trust, TRUST_NONE, "none");
	CHECK_INT(frame_at(traces, 0, 0, 0)->module_offset, 4352, "offsets in the module");
	CHECK_STR(trace_fact(trace, FACT_PYTHON), "3.13.5", "the release");
	CHECK_STR(trace_fact(trace, "scenario"), "fork-probe/one", "the scenario");
	CHECK_STR(trace_fact(trace, "replay"), "fp2:one", "and how to repeat it");
	CHECK(!trace->incomplete, "nothing is missing");
}

static void test_cell(void)
{
	struct traces traces;

	reports_read(cell, &traces);
	CHECK_INT(traces.n, 2, "each finding with a capture is a report");
	if (traces.n == 2) {
		test_first(&traces);
		CHECK_INT(traces.v[1].crash->kind, CRASH_KIND_HANG, "a hang is one");
		CHECK_INT(traces.v[1].crash->signo, 0, "without a signal");
		CHECK_STR(traces.v[1].crash->degraded, "no ptrace: it is not allowed",
			  "what is missing is told on");
		CHECK_INT(frame_at(&traces, 1, 0, 0)->trust, TRUST_SCANNED, "a scanned name");
		CHECK_STR(trace_fact(&traces.v[1], FACT_PYTHON), "3.13.5", "of the same release");
	}
	traces_release(&traces);
}

/* What `triage --json` says of a report can be read like the report. */
static void test_account(void)
{
	struct traces traces, again;
	struct triage *triage;
	json_t *json;
	char *text;

	reports_read(cell, &traces);
	triage = triage_classify(traces.v[0].crash, NULL);
	json = account_json("cells.jsonl", &traces.v[0], triage, NULL);
	text = json_dumps(json, JSON_INDENT(2));
	reports_read(text, &again);
	CHECK_FORMAT(&again, 0, "forkpoint", "an account is known");
	CHECK_STACK(&again, 0, 0, "probe_get /build/a:b.c:61\nperror\n?\n", "with its frames");
	CHECK_INT(again.n ? again.v[0].crash->signo : 0, SIGSEGV, "and its signal");
	CHECK_STR(again.n ? trace_fact(&again.v[0], FACT_PYTHON) : NULL, "3.13.5", "and release");
	CHECK_INT(again.n ? frame_at(&again, 0, 0, 1)->trust : 0, TRUST_NEAR, "and trust");
	traces_release(&again);
	traces_release(&traces);
	triage_free(triage);
	json_decref(json);
	free(text);
}

static void test_around(void)
{
	int half = (int)(strstr(cell, ",{\"n\":2") - cell) + 30;
	char *many = xstrfmt("ok 1\n%s%snot ok 2\n%.*s", cell, cell, half, cell);
	struct traces traces;

	reports_read(many, &traces);
	CHECK_INT(traces.n, 5, "cells behind each other, and one that is cut off");
	CHECK(traces.n == 5 && traces.v[4].incomplete, "which is not all");
	CHECK_STR(frame_at(&traces, 4, 0, 1) ? frame_at(&traces, 4, 0, 1)->function : NULL,
		  "perror", "but what there is of it is read");
	CHECK_INT(traces.n == 5 ? traces.v[2].line : 0, 3, "each knows its line");
	traces_release(&traces);
	free(many);

	many = xstrfmt("[%.*s,%s]\n", (int)strlen(cell) - 1, cell, cell);
	reports_read(many, &traces);
	CHECK_INT(traces.n, 4, "cells in an array");
	CHECK_FORMAT(&traces, 3, "forkpoint", "which is another way to write them");
	traces_release(&traces);
	free(many);

	reports_read("{\"schema\":1,\"name\":\"x\",\"frames\":[{\"function\":\"f\"}]}\n", &traces);
	CHECK_INT(traces.n, 0, "another schema is not taken for one");
	traces_release(&traces);
}

int main(void)
{
	test_cell();
	test_account();
	test_around();
	check_stands(cell, "a cell");
	return tap_done();
}
