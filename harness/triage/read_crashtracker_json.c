/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash as libdatadog's crash tracker writes and sends it: an object with "error", "metadata" and
 * so on, alone, or in the telemetry, the log event or the list of events that brings it. There it
 * may be a string that holds the JSON. Several in one text are several reports.
 */
#include <string.h>

#include "triage/crashtracker_json.h"

/* Strings that hold JSON, in each other. */
#define STRINGS_MAX 3

struct finder {
	struct trace *trace; /* the last report */
	size_t nreports;
	const json_t *wrapper[CRASHTRACKER_WRAPPERS_MAX];
	size_t nwrappers, nstrings;
};

static bool has_marker(struct piece line)
{
	static const char *const markers[] = {
		"data_schema_version", "si_signo", "crash_uuid", "Datadog Crashtracker",
		"siginfo", "sig_info", "is_crash", "stacktrace",
		"Process terminated with ",
	};

	for (size_t i = 0; i < sizeof(markers) / sizeof(*markers); i++)
		if (piece_has(line, markers[i]))
			return true;
	return false;
}

/*
 * An object that fills lines of its own is looked into, whatever it begins with: those who know
 * their objects by their beginning are asked before. In a longer line it must show what it is.
 */
static bool crashtracker_json_begins(const struct lines *lines)
{
	struct piece text, key;

	if (!lines->line.len || !memchr(lines->line.s, '{', lines->line.len) ||
	    !json_text_begins(lines, &text, &key))
		return false;
	if (piece_is(piece_trim(lines->line), "{"))
		return true;
	return has_marker(lines->line) || piece_is(key, "counters");
}

static bool is_report(const json_t *object)
{
	const json_t *error = json_object_get(object, "error");

	if (json_is_object(error) && (json_has(error, "stack") || json_has(error, "threads") ||
				      json_object_get(error, "is_crash")))
		return true;
	if (json_has(object, "stacktrace") && json_object_get(object, "metadata"))
		return true;
	return json_has(object, "siginfo") || json_has(object, "sig_info");
}

static void read_report(struct finder *finder, const json_t *report)
{
	if (finder->nreports++)
		finder->trace = trace_add_next(finder->trace);
	crashtracker_json_report(finder->trace, report, finder->wrapper, finder->nwrappers);
}

static void find(struct finder *finder, const json_t *value);

static void find_in_text(struct finder *finder, struct piece text)
{
	const char *behind;
	bool mended;
	json_t *value;

	text = piece_trim(text);
	if (!piece_starts(text, "{") && !piece_starts(text, "[{"))
		return;
	if (finder->nstrings == STRINGS_MAX)
		return;
	value = json_text_read(text, &behind, &mended);
	finder->nstrings++;
	find(finder, value);
	finder->nstrings--;
	finder->trace->incomplete |= mended && finder->nreports;
	json_decref(value);
}

static void find_in_object(struct finder *finder, const json_t *object)
{
	const json_t *value;
	const char *key;

	if (is_report(object)) {
		read_report(finder, object);
		return;
	}
	if (finder->nwrappers == CRASHTRACKER_WRAPPERS_MAX)
		return;
	finder->wrapper[finder->nwrappers++] = object;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		find(finder, value);
	finder->nwrappers--;
}

static void find(struct finder *finder, const json_t *value)
{
	const json_t *element;
	size_t i;

	if (finder->nreports == TRACES_MAX)
		return;
	if (json_is_string(value))
		find_in_text(finder, json_piece(value));
	else if (json_is_object(value))
		find_in_object(finder, value);
	json_array_foreach(value, i, element)
		find(finder, element);
}

static void crashtracker_json_read(struct lines *lines, struct trace *trace)
{
	struct finder finder = { .trace = trace };
	struct piece text, key;
	const char *behind;
	bool mended;
	json_t *value;

	json_text_begins(lines, &text, &key);
	value = json_text_read(text, &behind, &mended);
	find(&finder, value);
	finder.trace->incomplete |= mended;
	json_decref(value);
	lines_skip(lines, behind);
}

const struct trace_reader crashtracker_json_reader = {
	"crashtracker-json", crashtracker_json_begins, crashtracker_json_read,
};
