/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of any text, by all readers or, with FUZZ_READER=NAME in the environment, by one
 * that is asked alone; classified and told as users see it. Of each report it holds that it stays
 * within its limits, that all its text is clean, and that so is what is told.
 */
#include <jansson.h>

#include "symbols/context.h"
#include "tests/fuzz/fuzz.h"
#include "triage/account.h"
#include "triage/readers.h"
#include "triage/triage.h"

static const struct trace_reader *const readers[] = {
	&forkpoint_reader, &macos_reader, &crashtracker_json_reader, &crashtracker_reader,
	&asan_reader, &tsan_reader, &fatal_error_reader, &faulthandler_reader, &coredumpctl_reader,
	&eu_stack_reader, &pystack_reader, &py_spy_reader, &lldb_reader, &gdb_reader, &rust_reader,
	&glibc_reader, &valgrind_reader, &windows_reader, &backtrace_reader, &raw_reader,
	&drawn_reader, &message_reader,
};

_Static_assert(sizeof(readers) / sizeof(*readers) == TRACE_FORMATS, "each reader is here");

static int chosen = -1; /* all */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ_READER");

	(void)argc;
	(void)argv;
	for (int i = 0; name && i < TRACE_FORMATS; i++)
		if (!strcmp(trace_format_name((enum trace_format)i), name))
			chosen = i;
	if (name && chosen < 0) {
		fprintf(stderr, "FUZZ_READER: there is no reader '%s'\n", name);
		exit(2);
	}
	return 0;
}

static void check_frame(const struct crash_frame *frame)
{
	FUZZ_CHECK(fuzz_is_clean(frame->function, false));
	FUZZ_CHECK(fuzz_is_clean(frame->module, false));
	FUZZ_CHECK(fuzz_is_clean(frame->file, false));
	FUZZ_CHECK(frame->line >= 0);
	FUZZ_CHECK(!frame->function || strlen(frame->function) <= TRACE_TEXT_MAX);
	FUZZ_CHECK((frame->trust == TRUST_NONE) == !frame->function);
}

static void check_thread(const struct crash_thread *thread)
{
	FUZZ_CHECK(thread->nframes <= TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST);
	FUZZ_CHECK(fuzz_is_clean(thread->name, false));
	FUZZ_CHECK(fuzz_is_clean(thread->role, false));
	FUZZ_CHECK(fuzz_is_clean(thread->wait.what, false));
	for (size_t i = 0; i < thread->nframes; i++)
		check_frame(&thread->frames[i]);
}

static void check_told(const struct trace *trace)
{
	struct triage *triage = triage_classify(trace->crash, NULL);
	json_t *json = account_json("FILE", trace, triage, NULL, NULL);
	char *line = json_dumps(json, JSON_COMPACT);
	struct strbuf report = STRBUF_INIT;

	account_md(&report, "FILE", "2000-01-01T00:00:00Z", trace, triage, NULL, NULL);
	FUZZ_CHECK(strlen(report.buf) == report.len && fuzz_is_clean(report.buf, true));
	FUZZ_CHECK(line && fuzz_is_clean(line, false));
	FUZZ_CHECK(fuzz_is_clean(triage->signature, false));
	FUZZ_CHECK(fuzz_is_clean(triage->detail, false));
	strbuf_release(&report);
	free(line);
	json_decref(json);
	triage_free(triage);
}

static void check_trace(const struct trace *trace)
{
	const struct crash *crash = trace->crash;
	size_t culprits = 0, frames = 0;

	FUZZ_CHECK(trace->line > 0 && !trace->next && !trace->said.buf);
	FUZZ_CHECK(fuzz_is_clean(crash->message, true));
	FUZZ_CHECK(fuzz_is_clean(crash->finding, false));
	FUZZ_CHECK(fuzz_is_clean(crash->maps, true));
	FUZZ_CHECK(crash->signo >= 0 && crash->nthreads <= TRACE_THREADS_MAX);
	for (size_t i = 0; i < trace->nfacts; i++)
		FUZZ_CHECK(fuzz_is_clean(trace->facts[i].value, false));
	for (size_t i = 0; i < crash->nthreads; i++) {
		check_thread(&crash->threads[i]);
		culprits += crash->threads[i].culprit;
		frames += crash->threads[i].nframes;
	}
	FUZZ_CHECK(culprits <= 1 && frames <= TRACE_ALL_FRAMES_MAX + TRACE_THREADS_MAX);
	check_told(trace);
}

/* One reader's report, and those that it holds besides. */
static void check_and_drop(struct trace *trace)
{
	struct traces one = { .n = 1 };
	struct trace *next;

	for (; trace; trace = next) {
		next = trace->next;
		trace->next = NULL;
		trace_settle(trace);
		check_trace(trace);
		one.v = trace;
		one.n = 1;
		traces_release(&one); /* frees what trace_add_next() has allocated, too */
	}
}

static void read_with(const struct trace_reader *reader, const char *data, size_t size)
{
	struct lines lines;

	lines_begin(&lines, data, size);
	while (lines.line.s) {
		struct trace *trace;

		if (!reader->begins(&lines)) {
			lines_next(&lines);
			continue;
		}
		trace = calloc(1, sizeof(*trace));
		FUZZ_CHECK(trace);
		trace->format = (enum trace_format)chosen;
		trace->line = lines.number;
		trace->crash = crash_new();
		reader->read(&lines, trace);
		FUZZ_CHECK(!lines.line.s || lines.number > trace->line);
		check_and_drop(trace);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct traces traces;

	if (chosen >= 0) {
		read_with(readers[chosen], (const char *)data, size);
		return 0;
	}
	traces_read((const char *)data, size, &traces);
	FUZZ_CHECK(traces.n <= TRACES_MAX);
	context_apply(&traces, (const char *)data, size);
	for (size_t i = 0; i < traces.n; i++)
		check_trace(&traces.v[i]);
	traces_release(&traces);
	return 0;
}
