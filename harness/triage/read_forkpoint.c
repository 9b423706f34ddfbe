/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What forkpoint itself writes: a cell of `run --json`, each of whose findings is a report, or a
 * line of `triage --json`, or one of `core --json`.
 *
 *	{"schema":1,"scenario":"fork-held-mutex","python":"3.13.18",…,"findings":[{"outcome":…
 *	{"schema":1,"file":"crash.txt","format":"gdb","signal":"SIGSEGV",…,"frames":[{"n":0,…
 *	{"schema":1,"core":{"file":"core.4711",…,"signal":"SIGSEGV",…},…,"frames":[…
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "triage/crash_json.h"
#include "triage/json_text.h"
#include "triage/readers.h"

/* More than any machine that Python runs on. */
#define REGISTERS_MAX 256

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
	return piece_has(rest, "\"scenario\"") || piece_has(rest, "\"file\"") ||
	       piece_has(rest, "\"core\"");
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
	json_number(json_object_get(json, "pc"), &frame->pc);
	frame->inlined = json_is_true(json_object_get(json, "inlined"));
	frame->signal_frame = json_is_true(json_object_get(json, "signal"));
	frame->python = json_is_true(json_object_get(json, "python"));
	frame->evaluator = json_is_true(json_object_get(json, "evaluator"));
	if (file.len) {
		frame->file = piece_copy(file);
		frame->line = json_int(json_object_get(json, "line"));
	}
}

/*
 * Findings are classified by native frames (matrix/classify.h), so that the same is said of a
 * recording; a core is by all.
 */
enum which { ALL_FRAMES, NATIVE_FRAMES };

static void add_frames(struct trace *trace, struct crash_thread *thread, const json_t *frames,
		       enum which which)
{
	const json_t *json;
	size_t i;

	json_array_foreach(frames, i, json)
		if (which == ALL_FRAMES || !json_is_true(json_object_get(json, "python")))
			add_frame(trace, thread, json);
}

static void add_culprit(struct trace *trace, const json_t *frames, struct piece name,
			enum which which)
{
	struct crash_thread *thread;

	if (!json_array_size(frames))
		return;
	thread = trace_add_thread(trace);
	if (!thread)
		return;
	thread->culprit = true;
	thread->name = name.len ? piece_copy(name) : NULL;
	add_frames(trace, thread, frames, which);
}

/* NULL: there is none. */
static char *text_of(const json_t *object, const char *key)
{
	struct piece text = json_piece(json_object_get(object, key));

	return text.len ? piece_copy(text) : NULL;
}

static void read_wait(struct crash_wait *wait, const json_t *json)
{
	wait->syscall = text_of(json, "syscall");
	wait->what = text_of(json, "what");
	wait->timed = json_is_true(json_object_get(json, "timed"));
	json_number(json_object_get(json, "address"), &wait->address);
	wait->lock_type = text_of(json_object_get(json, "lock"), "type");
	json_number(json_object_get(json_object_get(json, "lock"), "address"), &wait->lock);
	wait->owner = json_int(json_object_get(json, "owner"));
	wait->owner_missing = json_is_true(json_object_get(json, "owner_missing"));
	wait->owner_elsewhere = json_int(json_object_get(json, "owner_elsewhere"));
}

/* crash_json.h; `frames` are the culprit's. */
static void add_thread(struct trace *trace, const json_t *json, const json_t *frames,
		       enum which which)
{
	struct crash_thread *thread = trace_add_thread(trace);
	struct piece state = json_piece(json_object_get(json, "state"));

	if (!thread)
		return;
	thread->pid = json_int(json_object_get(json, "pid"));
	thread->tid = json_int(json_object_get(json, "tid"));
	thread->name = text_of(json, "name");
	thread->culprit = json_is_true(json_object_get(json, "culprit"));
	thread->has_gil = which == ALL_FRAMES && json_is_true(json_object_get(json, "gil"));
	thread->state = state.len && *state.s > ' ' ? *state.s : '\0';
	thread->truncated = json_is_true(json_object_get(json, "truncated"));
	read_wait(&thread->wait, json_object_get(json, "wait"));
	if (thread->culprit)
		trace->crash->tid = thread->tid;
	add_frames(trace, thread, thread->culprit ? frames : json_object_get(json, "frames"),
		   which);
}

/* Older records have the culprit's frames alone. */
static void add_threads(struct trace *trace, const json_t *finding, enum which which)
{
	const json_t *frames = json_object_get(finding, "frames"), *json;
	bool culprit = false;
	size_t i;

	json_array_foreach(json_object_get(finding, "threads"), i, json) {
		add_thread(trace, json, frames, which);
		culprit |= json_is_true(json_object_get(json, "culprit"));
	}
	if (!culprit)
		add_culprit(trace, frames, (struct piece){ NULL, 0 }, which);
}

static void read_registers(struct crash *crash, const json_t *list)
{
	size_t n = json_array_size(list);

	if (!n || n > REGISTERS_MAX)
		return;
	crash->regs = xcalloc(n, sizeof(*crash->regs));
	for (size_t i = 0; i < n; i++)
		json_number(json_array_get(list, i), &crash->regs[crash->nregs++]);
}

/* A line for each file that was mapped. */
static void read_modules(struct crash *crash, const json_t *list)
{
	struct strbuf maps = STRBUF_INIT;
	const json_t *json;
	size_t i;

	json_array_foreach(list, i, json) {
		struct piece path = json_piece(json);

		text_add_line(&maps, path.len ? path.s : "", path.len);
		strbuf_addch(&maps, '\n');
	}
	if (maps.len)
		crash->maps = strbuf_detach(&maps);
	else
		strbuf_release(&maps);
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

/* The outcome does not tell a loop without end from a wait. */
static void set_kind(struct crash *crash, struct piece word)
{
	for (int i = CRASH_KIND_SIGNAL; i <= CRASH_KIND_LOOK; i++)
		if (piece_is(word, crash_kind_word((enum crash_kind)i)))
			crash->kind = (enum crash_kind)i;
}

static void add_message(struct trace *trace, struct piece text)
{
	struct lines lines;

	for (lines_begin(&lines, text.s, text.len); lines.line.s; lines_next(&lines))
		trace_add_message(trace, lines.line);
}

static void read_finding(struct trace *trace, const json_t *finding, enum which which)
{
	struct crash *crash = trace->crash;
	struct piece degraded = json_piece(json_object_get(finding, "degraded"));

	set_outcome(trace, json_piece(json_object_get(finding, "outcome")));
	set_kind(crash, json_piece(json_object_get(finding, "kind")));
	crash->pid = json_int(json_object_get(finding, "pid"));
	crash->in_child = json_is_true(json_object_get(finding, "in_child"));
	crash->in_window = json_is_true(json_object_get(finding, "in_window"));
	crash->code = json_int(json_object_get(finding, "si_code"));
	crash->has_addr = json_number(json_object_get(finding, "address"), &crash->addr);
	if (degraded.len)
		crash->degraded = piece_copy(degraded);
	add_message(trace, json_piece(json_object_get(finding, "message")));
	add_threads(trace, finding, which);
	read_registers(crash, json_object_get(finding, "registers"));
	read_modules(crash, json_object_get(finding, "modules"));
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
	const json_t *controls = json_object_get(cell, "controls");
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(cell, "findings"), i, finding) {
		if (reports->n >= TRACES_MAX)
			return;
		read_finding(add_report(reports), finding, NATIVE_FRAMES);
		add_facts(reports->last, cell);
		experiment_read(controls, json_object_get(finding, "triage"),
				&reports->last->experiment);
	}
}

static void read_account(struct trace *trace, const json_t *account)
{
	set_outcome(trace, json_piece(json_object_get(account, "signal")));
	add_culprit(trace, json_object_get(account, "frames"),
		    json_piece(json_object_get(account, "thread")), ALL_FRAMES);
	trace->incomplete |= json_is_true(json_object_get(account, "incomplete"));
	add_facts(trace, account);
	experiment_read(json_object_get(account, "controls"), account, &trace->experiment);
}

/* Of the first CPython in it; a process hardly has two. */
static void read_core(struct trace *trace, const json_t *look, const json_t *core)
{
	const json_t *python = json_array_get(json_object_get(look, "pythons"), 0);

	read_finding(trace, look, ALL_FRAMES);
	set_outcome(trace, json_piece(json_object_get(core, "signal")));
	trace_add_fact(trace, FACT_PROGRAM, json_piece(json_object_get(core, "executable")));
	trace_add_fact(trace, FACT_PYTHON, json_piece(json_object_get(python, "release")));
}

static void read_object(struct reports *reports, const json_t *json)
{
	const json_t *core = json_object_get(json, "core");

	if (json_object_get(json, "scenario"))
		read_cell(reports, json);
	else if (core && reports->n < TRACES_MAX)
		read_core(add_report(reports), json, core);
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
