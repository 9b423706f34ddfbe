/* SPDX-License-Identifier: Apache-2.0 */
/* What forkpoint itself writes, read back. */
#include <signal.h>

#include "tests/unit/reading.h"
#include "tests/unit/triage.h"
#include "triage/account.h"
#include "triage/crash_json.h"

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
	json = account_json("cells.jsonl", &traces.v[0], triage, NULL, NULL);
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

#define HANDLER "work @/srv/host\nreset_in_child @/srv/host\n? @" LIBC "\nfork @" LIBC "\n"

static struct crash *lost_owner(void)
{
	struct crash *crash = crash_make(0, "pthread_mutex_lock @" LIBC "\n" HANDLER, NULL);

	crash->in_child = true;
	wait_set(&crash->threads[0], "mutex", 71, 70);
	add_thread(crash, 70, 71, "hold_it @/srv/host\nstart_thread @" LIBC "\n");
	return crash;
}

static struct crash *own_lock(void)
{
	struct strbuf stack = STRBUF_INIT;
	struct crash *crash;

	/* Deep enough that the handler is none of the first frames. */
	strbuf_addstr(&stack, "_PyMutex_LockTimed @" LIBPYTHON "\n");
	for (int i = 0; i < 60; i++)
		strbuf_addstr(&stack, "~PyObject_Call @" LIBPYTHON "\n");
	strbuf_addstr(&stack, "PyRun_SimpleString @" LIBPYTHON "\n" HANDLER);
	crash = crash_make(0, stack.buf, NULL);
	wait_set(&crash->threads[0], "PyMutex", 0, 0);
	strbuf_release(&stack);
	return crash;
}

static struct crash *loop_in_child(void)
{
	struct crash *crash = crash_make(0, HANDLER, NULL);

	crash->kind = CRASH_KIND_SPIN;
	crash->in_child = true;
	crash->threads[0].state = 'R';
	return crash;
}

static struct crash *child_in_window(void)
{
	struct crash *crash = crash_make(SIGSEGV, "work @/srv/host\nmain @/srv/host\n", NULL);

	crash->in_child = crash->in_window = true;
	return crash;
}

static struct crash *dead_bytes(void)
{
	struct crash *crash = crash_make(SIGSEGV, "PyList_Append @" LIBPYTHON "\nwork\n", NULL);

	crash->regs = xcalloc(2, sizeof(*crash->regs));
	crash->nregs = 2;
	crash->regs[1] = 0xddddddddddddddddu;
	crash->has_addr = true;
	crash->addr = 0xdddddddddddddd10u;
	return crash;
}

static struct crash *swallowed(void)
{
	struct crash *crash = crash_make(SIGABRT, "abort @" LIBC "\nwork @/srv/host\n",
					 "FATAL: exception not rethrown\n");

	crash->maps = xstrdup("7f00-7f10 r-xp 0 00:00 1 " LIBC "\n"
			      "7f10-7f20 r-xp 0 00:00 2 " LIBPYTHON "\n"
			      "7f20-7f30 rw-p 0 00:00 2 " LIBPYTHON "\n");
	return crash;
}

static struct crash *finalized_by_another(void)
{
	struct crash *crash = crash_make(SIGSEGV, "PyGILState_Ensure @" LIBPYTHON "\n"
					 "work @/srv/host\n", NULL);

	add_thread(crash, 100, 101, "Py_FinalizeEx @" LIBPYTHON "\nmain @/srv/host\n");
	return crash;
}

/* All that a classification says, as text. Allocated. */
static char *classified(const struct crash *crash)
{
	struct triage *triage = triage_classify(crash, NULL);
	json_t *json = json_object();
	char *text;

	account_add_triage(json, triage);
	text = json_dumps(json, 0);
	json_decref(json);
	triage_free(triage);
	return text;
}

/* A recording with this crash in it. Allocated. */
static char *recorded(const struct crash *crash)
{
	json_t *finding = json_object(), *whole;
	char *text;

	json_object_set_new(finding, "outcome",
			    json_string(crash->signo == SIGABRT ? "SIGABRT" :
					crash->signo ? "SIGSEGV" : "hang"));
	crash_json_add(finding, crash);
	whole = json_pack("{s:i,s:s,s:[o]}", "schema", 1, "scenario", "fork-probe", "findings",
			  finding);
	text = json_dumps(whole, 0);
	json_decref(whole);
	return text;
}

/* Whatever a crash is called when it is met, it is called when its record is read. */
static void test_record(void)
{
	static const struct {
		const char *what;
		struct crash *(*make)(void);
	} rows[] = {
		{ "a lock whose owner is in another process", lost_owner },
		{ "a handler deep on the stack that wants CPython's lock", own_lock },
		{ "a loop without end in a child", loop_in_child },
		{ "a child whose parent was in its window", child_in_window },
		{ "registers with bytes of freed memory", dead_bytes },
		{ "an unwinding swallowed in a process with Python", swallowed },
		{ "another thread that finalizes", finalized_by_another },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct crash *crash = rows[i].make();
		char *met = classified(crash), *text = recorded(crash), *again;
		struct traces traces;

		reports_read(text, &traces);
		again = traces.n ? classified(traces.v[0].crash) : NULL;
		CHECK_STR(again, met, "%s: the record says the same", rows[i].what);
		traces_release(&traces);
		free(again);
		free(met);
		free(text);
		crash_free(crash);
	}
}

static void test_record_keys(void)
{
	struct crash *crash = lost_owner();
	json_t *some = json_object(), *none = json_object();
	const char *key;
	json_t *value;
	char *text;

	crash_json_add(some, crash);
	crash_json_add(none, NULL);
	CHECK_INT(json_object_size(some), json_object_size(none), "the same keys each time");
	json_object_foreach(none, key, value)
		CHECK(json_is_null(value), "%s of no crash is null", key);
	text = recorded(crash);
	check_stands(text, "a record with threads");
	free(text);
	json_decref(some);
	json_decref(none);
	crash_free(crash);
}

int main(void)
{
	test_cell();
	test_account();
	test_around();
	test_record();
	test_record_keys();
	check_stands(cell, "a cell");
	return tap_done();
}
