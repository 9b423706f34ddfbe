/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/message_line.h"
#include "triage/paste.h"
#include "triage/trace_join.h"

static const struct trace_reader *const readers[TRACE_FORMATS] = {
	[TRACE_FORKPOINT] = &forkpoint_reader,
	[TRACE_MACOS] = &macos_reader,
	[TRACE_CRASHTRACKER_JSON] = &crashtracker_json_reader,
	[TRACE_CRASHTRACKER] = &crashtracker_reader,
	[TRACE_ASAN] = &asan_reader,
	[TRACE_TSAN] = &tsan_reader,
	[TRACE_FATAL_ERROR] = &fatal_error_reader,
	[TRACE_FAULTHANDLER] = &faulthandler_reader,
	[TRACE_COREDUMPCTL] = &coredumpctl_reader,
	[TRACE_EU_STACK] = &eu_stack_reader,
	[TRACE_PYSTACK] = &pystack_reader,
	[TRACE_PY_SPY] = &py_spy_reader,
	[TRACE_LLDB] = &lldb_reader,
	[TRACE_GDB] = &gdb_reader,
	[TRACE_RUST] = &rust_reader,
	[TRACE_GLIBC] = &glibc_reader,
	[TRACE_VALGRIND] = &valgrind_reader,
	[TRACE_WINDOWS] = &windows_reader,
	[TRACE_BACKTRACE] = &backtrace_reader,
	[TRACE_RAW] = &raw_reader,
	[TRACE_DRAWN] = &drawn_reader,
	[TRACE_MESSAGE] = &message_reader,
};

const char *trace_format_name(enum trace_format format)
{
	static const char *const names[] = {
		[TRACE_FORKPOINT] = "forkpoint",
		[TRACE_MACOS] = "macos",
		[TRACE_CRASHTRACKER_JSON] = "crashtracker-json",
		[TRACE_CRASHTRACKER] = "crashtracker",
		[TRACE_ASAN] = "asan",
		[TRACE_TSAN] = "tsan",
		[TRACE_FATAL_ERROR] = "fatal-error",
		[TRACE_FAULTHANDLER] = "faulthandler",
		[TRACE_COREDUMPCTL] = "coredumpctl",
		[TRACE_EU_STACK] = "eu-stack",
		[TRACE_PYSTACK] = "pystack",
		[TRACE_PY_SPY] = "py-spy",
		[TRACE_LLDB] = "lldb",
		[TRACE_GDB] = "gdb",
		[TRACE_RUST] = "rust",
		[TRACE_GLIBC] = "glibc",
		[TRACE_VALGRIND] = "valgrind",
		[TRACE_WINDOWS] = "windows",
		[TRACE_BACKTRACE] = "backtrace",
		[TRACE_RAW] = "raw",
		[TRACE_DRAWN] = "drawn",
		[TRACE_MESSAGE] = "message",
	};

	return names[format];
}

const char *trace_fact(const struct trace *trace, const char *key)
{
	for (size_t i = 0; i < trace->nfacts; i++)
		if (!strcmp(trace->facts[i].key, key))
			return trace->facts[i].value;
	return NULL;
}

void trace_release(struct trace *trace)
{
	crash_free(trace->crash);
	for (size_t i = 0; i < trace->nfacts; i++) {
		free(trace->facts[i].key);
		free(trace->facts[i].value);
	}
	free(trace->facts);
}

void traces_release(struct traces *traces)
{
	for (size_t i = 0; i < traces->n; i++)
		trace_release(&traces->v[i]);
	free(traces->v);
	*traces = (struct traces){ .n = 0 };
}

static size_t parts_of(const struct trace *trace)
{
	size_t n = trace->crash->nthreads;

	for (size_t i = 0; i < trace->crash->nthreads; i++)
		n += trace->crash->threads[i].nframes;
	return n;
}

static void traces_add(struct traces *traces, struct trace *trace)
{
	struct trace *last = traces->n ? &traces->v[traces->n - 1] : NULL;

	if (trace_is_empty(trace)) {
		trace_hold(&traces->held, trace);
		return;
	}
	trace_take_held(&traces->held, trace);
	if (last && traces_belong_together(last, trace)) {
		trace_join(last, trace);
		*last = *trace;
		return;
	}
	if (traces->n == TRACES_MAX || traces->nparts >= TRACES_PARTS_MAX) {
		traces->more = true;
		trace_release(trace);
		return;
	}
	if ((traces->n & (traces->n - 1)) == 0)
		traces->v = xrealloc(traces->v, (traces->n ? 2 * traces->n : 1) *
				     sizeof(*traces->v));
	traces->nparts += parts_of(trace);
	traces->v[traces->n++] = *trace;
}

/* What a reader has made of some lines: a report, and those behind it. */
static void traces_add_all(struct traces *traces, struct trace *first)
{
	struct trace *next = first->next;

	first->next = NULL;
	trace_settle(first);
	traces_add(traces, first);
	while (next) {
		struct trace one = *next;

		free(next);
		next = one.next;
		one.next = NULL;
		trace_settle(&one);
		traces_add(traces, &one);
	}
}

/* So many wait. */
#define TELLING_MAX 8

/* Lines that wait until it is known which report stands nearest. */
struct telling {
	struct {
		struct piece line;
		size_t number;
	} v[TELLING_MAX];
	size_t n;
	size_t ended; /* the line behind the last report */
};

static void message_append(struct crash *crash, struct piece line)
{
	char *text, *both;

	if (strlen(crash->message) >= TRACE_TEXT_MAX)
		return;
	text = piece_copy(line);
	both = xstrfmt("%s%s\n", crash->message, text);
	free(crash->message);
	crash->message = both;
	free(text);
}

static bool is_behind(const struct telling *telling, size_t i)
{
	return telling->v[i].number - telling->ended <= TRACE_NEAR_LINES;
}

/*
 * A line that stands near no report is one of its own, behind the first `n` of them, or part of the
 * one that the line before it is. Returns by how many they have become more.
 */
static size_t telling_alone(const struct telling *telling, size_t i, struct traces *traces,
			    size_t n)
{
	struct piece line = telling->v[i].line;
	struct trace trace = { .format = TRACE_MESSAGE, .line = telling->v[i].number };
	struct trace *last = n ? &traces->v[n - 1] : NULL;
	size_t behind = traces->n;
	struct lines lines;

	if (last && last->format == TRACE_MESSAGE && last->end == trace.line) {
		message_append(last->crash, line);
		last->end++;
		return 0;
	}
	lines_begin(&lines, line.s, line.len);
	trace.crash = crash_new();
	trace.end = trace.line + 1;
	message_reader.read(&lines, &trace);
	traces_add_all(traces, &trace);
	if (traces->n == behind)
		return 0;
	trace = traces->v[behind];
	memmove(&traces->v[n + 1], &traces->v[n], (behind - n) * sizeof(trace));
	traces->v[n] = trace;
	return 1;
}

/* NULL: only lines that stand alone are before, which are far from any report. */
static struct crash *report_before(const struct traces *traces, size_t n)
{
	return n && traces->v[n - 1].format != TRACE_MESSAGE ? traces->v[n - 1].crash : NULL;
}

static void telling_keep(struct telling *telling, struct traces *traces, const struct lines *lines)
{
	struct crash *before = report_before(traces, traces->n);

	if (!message_is_telling(lines->line))
		return;
	if (telling->n == TELLING_MAX) { /* the first is not the nearest to what comes */
		if (before && is_behind(telling, 0))
			message_append(before, telling->v[0].line);
		else
			telling_alone(telling, 0, traces, traces->n);
		memmove(telling->v, telling->v + 1, sizeof(*telling->v) * --telling->n);
	}
	telling->v[telling->n].line = lines->line;
	telling->v[telling->n++].number = lines->number;
}

/*
 * The report before is the last of `n`, and the next one, if there is one, the one behind them.
 * Programs say such things before they die, so of two that are as near it is the next one.
 */
static void telling_settle(struct telling *telling, struct traces *traces, size_t n)
{
	struct crash *before = report_before(traces, n);
	struct crash *next = traces->n > n ? traces->v[n].crash : NULL;
	size_t begins = next ? traces->v[n].line : 0;

	for (size_t i = 0; i < telling->n; i++) {
		size_t number = telling->v[i].number;
		bool is_next = next && begins - number <= TRACE_NEAR_LINES;
		bool is_before = before && is_behind(telling, i);

		if (is_next && (!is_before || begins - number <= number - telling->ended))
			message_append(next, telling->v[i].line);
		else if (is_before)
			message_append(before, telling->v[i].line);
		else
			n += telling_alone(telling, i, traces, n);
	}
	telling->n = 0;
}

static const struct trace_reader *reader_of(const struct lines *lines, enum trace_format *format)
{
	if (!lines->line.len)
		return NULL; /* no report begins with nothing, and there may be very many such */
	for (int i = 0; i < TRACE_MESSAGE; i++)
		if (readers[i] && readers[i]->begins(lines)) {
			*format = (enum trace_format)i;
			return readers[i];
		}
	return NULL;
}

static void text_read(const char *data, size_t size, struct traces *traces)
{
	struct telling telling = { .n = 0 };
	struct lines lines;

	*traces = (struct traces){ .n = 0 };
	lines_begin(&lines, data, size);
	while (lines.line.s && !traces->more) {
		struct trace trace = { .line = lines.number };
		const struct trace_reader *reader = reader_of(&lines, &trace.format);
		size_t before = traces->n;

		if (!reader) {
			telling_keep(&telling, traces, &lines);
			lines_next(&lines);
			continue;
		}
		trace.crash = crash_new();
		reader->read(&lines, &trace);
		/* A reader that takes nothing is not to be asked again. */
		if (lines.line.s && lines.number == trace.line)
			lines_next(&lines);
		trace.end = lines.number;
		traces_add_all(traces, &trace);
		telling_settle(&telling, traces, before);
		telling.ended = trace.end;
	}
	telling_settle(&telling, traces, traces->n);
}

void traces_read(const char *data, size_t size, struct traces *traces)
{
	size_t at = 0, number = 0;
	struct paste paste;

	paste_clean(&paste, data, size);
	text_read(paste.data, paste.size, traces);
	trace_drop_held(&traces->held);
	for (size_t i = 0; i < traces->n; i++) {
		struct trace *trace = &traces->v[i];

		trace->line = paste_line(&paste, trace->line, &at, &number);
		if (trace->end)
			trace->end = paste_line(&paste, trace->end, &at, &number);
	}
	paste_release(&paste);
}
