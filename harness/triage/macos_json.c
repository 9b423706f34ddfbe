/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An .ips file: an object in one line with what it is about, and one with the report. Either may
 * have been pasted alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/json_text.h"
#include "triage/macos.h"
#include "triage/mapped.h"

/* What the second object may begin with, where it is not whole. */
static const char *const first_keys[] = {
	"uptime", "procRole", "exception", "termination", "vmregioninfo", "asi", "faultingThread",
	"threads", "usedImages", "captureTime", "procName", "procPath", "incident", "cpuType",
	"osVersion", "bug_type", "app_name", "modelCode", "translated", NULL,
};

static bool is_header(struct piece line)
{
	return piece_has(line, "\"bug_type\"") && piece_has(line, "\"os_version\"");
}

bool macos_json_begins(const struct lines *lines)
{
	struct piece text, key;

	if (!lines->line.len || (*lines->line.s != '{' && *lines->line.s != ' ' &&
				 *lines->line.s != '\t') ||
	    !piece_starts(piece_trim(lines->line), "{") ||
	    !json_text_begins(lines, &text, &key))
		return false;
	for (size_t i = 0; first_keys[i]; i++)
		if (piece_is(key, first_keys[i]))
			return true;
	return is_header(lines->line);
}

static struct piece text_of(const json_t *object, const char *key)
{
	return json_piece(json_object_get(object, key));
}

static void read_header(struct trace *trace, const json_t *header)
{
	trace_add_fact(trace, FACT_PLATFORM, text_of(header, "os_version"));
	trace_add_fact(trace, FACT_TIME, text_of(header, "timestamp"));
	trace_add_fact(trace, FACT_PROGRAM, text_of(header, "app_name"));
	macos_version(trace, text_of(header, "app_name"), text_of(header, "app_version"));
}

static void read_exception(struct trace *trace, const json_t *exception)
{
	macos_exception(trace, text_of(exception, "type"), text_of(exception, "signal"));
	macos_subtype(trace, text_of(exception, "subtype"));
	trace_add_fact(trace, "exception", text_of(exception, "type"));
	if (text_of(exception, "message").len)
		trace_add_message(trace, text_of(exception, "message"));
}

static void add_lines(struct trace *trace, struct piece text)
{
	struct lines lines;

	for (lines_begin(&lines, text.s, text.len); lines.line.s; lines_next(&lines))
		if (!piece_is_blank(lines.line))
			trace_add_message(trace, lines.line);
}

/* What libraries had to say when it died: {"libsystem_c.dylib":["abort() called"]}. */
static void read_said(struct trace *trace, const json_t *said)
{
	const json_t *list, *line;
	const char *library;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)said, library, list)
		json_array_foreach(list, i, line)
			add_lines(trace, json_piece(line));
}

static void read_termination(struct trace *trace, const json_t *termination)
{
	static const char *const lists[] = { "reasons", "details" };
	const json_t *line;
	size_t i;

	trace_add_fact(trace, "termination", text_of(termination, "namespace"));
	trace_add_fact(trace, "terminated by", text_of(termination, "byProc"));
	for (size_t k = 0; k < 2; k++)
		json_array_foreach(json_object_get(termination, lists[k]), i, line)
			add_lines(trace, json_piece(line));
}

static void set_image(struct crash_frame *frame, const json_t *image, uint64_t offset)
{
	uint64_t base = 0;

	frame_module(frame, text_of(image, "path"));
	frame_module(frame, text_of(image, "name"));
	frame->module_offset = offset;
	if (json_number(json_object_get(image, "base"), &base))
		frame->pc = base + offset;
}

static void add_frame(struct trace *trace, struct crash_thread *thread, const json_t *json,
		      const json_t *images)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece file = text_of(json, "sourceFile");
	uint64_t offset = 0, image = 0;

	frame_name(frame, text_of(json, "symbol"));
	json_number(json_object_get(json, "symbolLocation"), &frame->offset);
	json_number(json_object_get(json, "imageOffset"), &offset);
	if (json_number(json_object_get(json, "imageIndex"), &image))
		set_image(frame, json_array_get(images, image), offset);
	if (file.len) {
		frame->file = piece_copy(file);
		frame->line = json_int(json_object_get(json, "sourceLine"));
	}
	frame->inlined = json_is_true(json_object_get(json, "inline"));
}

static void add_thread(struct trace *trace, const json_t *json, const json_t *images, bool crashed)
{
	struct crash_thread *thread = trace_add_thread(trace);
	struct piece name = text_of(json, "name");
	const json_t *frame;
	size_t i;

	if (!thread)
		return;
	name = name.len ? name : text_of(json, "queue");
	thread->name = name.len ? piece_copy(name) : NULL;
	thread->tid = json_int(json_object_get(json, "id"));
	thread->culprit = crashed;
	json_array_foreach(json_object_get(json, "frames"), i, frame)
		add_frame(trace, thread, frame, images);
	macos_mark_frames(thread);
}

static void read_threads(struct trace *trace, const json_t *body)
{
	const json_t *faulting = json_object_get(body, "faultingThread"), *thread;
	const json_t *images = json_object_get(body, "usedImages");
	size_t i;

	json_array_foreach(json_object_get(body, "threads"), i, thread)
		add_thread(trace, thread, images,
			   json_is_integer(faulting) ?
			   json_integer_value(faulting) == (json_int_t)i :
			   json_is_true(json_object_get(thread, "triggered")));
}

static void read_process(struct trace *trace, const json_t *body)
{
	const json_t *os = json_object_get(body, "osVersion");
	const json_t *bundle = json_object_get(body, "bundleInfo");

	trace->crash->pid = json_int(json_object_get(body, "pid"));
	trace_add_fact(trace, FACT_PROGRAM, text_of(body, "procPath"));
	trace_add_fact(trace, FACT_PROGRAM, text_of(body, "procName"));
	trace_add_fact(trace, FACT_ARCHITECTURE, text_of(body, "cpuType"));
	trace_add_fact(trace, FACT_PLATFORM, text_of(os, "train"));
	trace_add_fact(trace, FACT_TIME, text_of(body, "captureTime"));
	macos_version(trace, text_of(body, "procName"),
		      text_of(bundle, "CFBundleShortVersionString"));
	trace_add_fact(trace, "memory", text_of(body, "vmregioninfo"));
}

static bool is_body(const json_t *json)
{
	return json_has(json, "exception") || json_has(json, "threads") ||
	       json_has(json, "termination") || json_has(json, "asi");
}

static void read_body(struct trace *trace, const json_t *body)
{
	if (!is_body(body))
		return;
	read_process(trace, body);
	read_exception(trace, json_object_get(body, "exception"));
	read_said(trace, json_object_get(body, "asi"));
	read_termination(trace, json_object_get(body, "termination"));
	read_threads(trace, body);
	/* Nothing stood for what happened: the exception's name is better than no report. */
	if (!trace->crash->nthreads && !*trace->crash->message)
		trace_add_message(trace, text_of(json_object_get(body, "exception"), "type"));
}

static json_t *take_object(struct lines *lines, struct trace *trace)
{
	struct piece text, key;
	const char *behind;
	bool mended;
	json_t *json;

	if (!lines->line.s || !json_text_begins(lines, &text, &key))
		return NULL;
	json = json_text_read(text, &behind, &mended);
	trace->incomplete |= mended;
	lines_skip(lines, behind);
	return json;
}

void macos_json_read(struct lines *lines, struct trace *trace)
{
	bool header = is_header(lines->line);
	json_t *json = take_object(lines, trace);

	if (!header || is_body(json)) {
		read_body(trace, json);
		json_decref(json);
		return;
	}
	while (lines->line.s && piece_is_blank(lines->line))
		lines_next(lines);
	if (macos_json_begins(lines) && !is_header(lines->line)) {
		json_t *body = take_object(lines, trace);

		read_body(trace, body);
		json_decref(body);
	} else {
		trace->incomplete = true;
	}
	read_header(trace, json);
	json_decref(json);
}
