/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What forkpoint itself writes: a cell of `run --json`, each of whose findings is a report, or a
 * line of `triage --json`.
 *
 *	{"schema":1,"scenario":"fork-held-mutex","python":"3.13.18",…,"findings":[{"outcome":…
 *	{"schema":1,"file":"crash.txt","format":"gdb","signal":"SIGSEGV",…,"frames":[{"n":0,…
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/json_text.h"
#include "triage/readers.h"

/* From "schema" to the key that tells what it is. */
#define KEYS_SPAN 64

static bool forkpoint_begins(const struct lines *lines)
{
	struct piece text, key, rest;

	if (!lines->line.len || !memchr(lines->line.s, '{', lines->line.len) ||
	    !json_text_begins(lines, &text, &key) || !piece_is(key, "schema"))
		return false;
	rest = (struct piece){ key.s, (size_t)(text.s + text.len - key.s) };
	rest.len = rest.len < KEYS_SPAN ? rest.len : KEYS_SPAN;
	return piece_has(rest, "\"scenario\"") || piece_has(rest, "\"file\"");
}

static void set_trust(struct crash_frame *frame, struct piece word)
{
	/* A name of which it says that it is none is worth no more than a chance find. */
	if (frame->function && piece_is(word, trust_name(TRUST_NONE)))
		frame->trust = TRUST_SCANNED;
	for (int i = TRUST_SCANNED; frame->function && i <= TRUST_EXACT; i++)
		if (piece_is(word, trust_name((enum trust)i)))
			frame->trust = (enum trust)i;
}

static void add_frame(struct trace *trace, struct crash_thread *thread, const json_t *json)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece file = json_piece(json_object_get(json, "file"));

	frame_name(frame, json_piece(json_object_get(json, "function")));
	set_trust(frame, json_piece(json_object_get(json, "trust")));
	frame_module(frame, json_piece(json_object_get(json, "module")));
	json_number(json_object_get(json, "offset"), &frame->module_offset);
	if (file.len) {
		frame->file = piece_copy(file);
		frame->line = json_int(json_object_get(json, "line"));
	}
}

static void add_frames(struct trace *trace, const json_t *frames, struct piece name)
{
	struct crash_thread *thread;
	const json_t *json;
	size_t i;

	if (!json_array_size(frames))
		return;
	thread = trace_add_thread(trace);
	thread->culprit = true;
	thread->name = name.len ? piece_copy(name) : NULL;
	json_array_foreach(frames, i, json)
		add_frame(trace, thread, json);
}

/* "SIGSEGV", "hang", "timeout": an outcome of a trial. */
static void set_outcome(struct trace *trace, struct piece word)
{
	static const struct {
		const char *word;
		enum crash_kind kind;
	} kinds[] = {
		{ "hang", CRASH_KIND_HANG },
		{ "parked", CRASH_KIND_HANG },
		{ "timeout", CRASH_KIND_LATE },
	};

	trace->crash->signo = piece_starts(word, "SIG") ? signal_number(word) : 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (piece_is(word, kinds[i].word))
			trace->crash->kind = kinds[i].kind;
}

static void add_message(struct trace *trace, struct piece text)
{
	struct lines lines;

	for (lines_begin(&lines, text.s, text.len); lines.line.s; lines_next(&lines))
		trace_add_message(trace, lines.line);
}

static void read_finding(struct trace *trace, const json_t *finding)
{
	struct crash *crash = trace->crash;
	struct piece degraded = json_piece(json_object_get(finding, "degraded"));

	set_outcome(trace, json_piece(json_object_get(finding, "outcome")));
	crash->code = json_int(json_object_get(finding, "si_code"));
	crash->has_addr = json_number(json_object_get(finding, "address"), &crash->addr);
	if (degraded.len)
		crash->degraded = piece_copy(degraded);
	add_message(trace, json_piece(json_object_get(finding, "message")));
	add_frames(trace, json_object_get(finding, "frames"), (struct piece){ NULL, 0 });
	trace_add_fact(trace, "replay", json_piece(json_object_get(finding, "replay")));
}

static void add_facts(struct trace *trace, const json_t *json)
{
	trace_add_fact(trace, FACT_PYTHON, json_piece(json_object_get(json, "python")));
	trace_add_fact(trace, "flavour", json_piece(json_object_get(json, "flavour")));
	trace_add_fact(trace, "scenario", json_piece(json_object_get(json, "scenario")));
}

/* The first report is there already, the others are added behind it. */
struct reports {
	struct trace *last;
	size_t n;
};

static struct trace *add_report(struct reports *reports)
{
	if (reports->n++)
		reports->last = trace_add_next(reports->last);
	return reports->last;
}

static void read_cell(struct reports *reports, const json_t *cell)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(cell, "findings"), i, finding) {
		if (reports->n >= TRACES_MAX)
			return;
		read_finding(add_report(reports), finding);
		add_facts(reports->last, cell);
	}
}

static void read_account(struct trace *trace, const json_t *account)
{
	set_outcome(trace, json_piece(json_object_get(account, "signal")));
	add_frames(trace, json_object_get(account, "frames"),
		   json_piece(json_object_get(account, "thread")));
	trace->incomplete |= json_is_true(json_object_get(account, "incomplete"));
	add_facts(trace, account);
}

static void read_object(struct reports *reports, const json_t *json)
{
	if (json_object_get(json, "scenario"))
		read_cell(reports, json);
	else if (reports->n < TRACES_MAX)
		read_account(add_report(reports), json);
}

static void forkpoint_read(struct lines *lines, struct trace *trace)
{
	struct reports reports = { .last = trace };
	struct piece text, key;
	const json_t *element;
	const char *behind;
	bool mended;
	json_t *json;
	size_t i;

	json_text_begins(lines, &text, &key);
	json = json_text_read(text, &behind, &mended);
	if (json_is_object(json))
		read_object(&reports, json);
	json_array_foreach(json, i, element)
		read_object(&reports, element);
	reports.last->incomplete |= mended;
	json_decref(json);
	lines_skip(lines, behind);
}

const struct trace_reader forkpoint_reader = { "forkpoint", forkpoint_begins, forkpoint_read };
