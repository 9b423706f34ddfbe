/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP, version 13 or 14: one test point a cell.
 *
 *	TAP version 13
 *	1..3
 *	ok 1 - fork-lru-list @ 3.13.18 starve (SIGSEGV as expected)
 *	  ---
 *	  verdict: as-expected
 *	  …
 *	  ...
 *	not ok 2 - fork-lru-list twin @ 3.13.18 starve (unexpected: SIGSEGV)
 *	ok 3 - fork-lru-list @ 3.12.1 starve # SKIP 3.12.1 is not here: type …
 *
 * A description holds no number that changes from run to run, so that tools which compare runs by
 * it can; numbers, seeds and the replay line are in the YAML. A map that is not wholly ok is drawn
 * below it (report/picture.h). Both versions are written the same way but for the first line (prove
 * 3.44 refuses 14).
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "report/picture.h"
#include "report/report.h"
#include "report/segment.h"
#include "report/yaml.h"

struct tap {
	struct reporter reporter;
	struct output *out;
	unsigned int version;
	bool require_all;
	bool planned;
	size_t width;
	size_t number;
};

static void flush(struct tap *tap, struct strbuf *sb)
{
	output_record(tap->out, sb->buf, sb->len);
	strbuf_release(sb);
}

static void tap_begin(struct reporter *self, size_t cells)
{
	struct tap *tap = (struct tap *)self;
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "TAP version %u\n", tap->version);
	if (cells) {
		strbuf_addf(&sb, "1..%zu\n", cells);
		tap->planned = true;
	}
	flush(tap, &sb);
}

static bool is_one_of(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (!strcmp(key, *keys))
			return true;
	return false;
}

/* Where one was made. */
static void add_map(struct strbuf *sb, const json_t *cell)
{
	static const char *const keys[] = { "points", "forks", "coverage", NULL };
	json_t *map = segments_in_brief(cell, json_object_get(cell, "findings"));
	json_t *allocators = allocators_in_brief(cell);

	for (const char *const *k = keys; *k; k++)
		yaml_add_member(sb, 2, *k, json_object_get(cell, *k));
	yaml_add_member(sb, 2, "map", map);
	yaml_add_member(sb, 2, "allocators", allocators);
	json_decref(map);
	json_decref(allocators);
}

/* Without what only a program would read. */
static json_t *findings_in_brief(const json_t *findings)
{
	json_t *list = json_is_array(findings) ? json_array() : NULL, *finding;
	size_t i;

	json_array_foreach((json_t *)findings, i, finding) {
		json_t *copy = json_copy(finding);

		json_object_del(copy, "registers");
		json_object_del(copy, "modules");
		json_array_append_new(list, copy);
	}
	return list;
}

static void add_findings(struct strbuf *sb, const json_t *cell)
{
	json_t *findings = findings_in_brief(json_object_get(cell, "findings"));

	yaml_add_member(sb, 2, "findings", findings);
	yaml_add_member(sb, 2, "findings_left_out", json_object_get(cell, "findings_left_out"));
	json_decref(findings);
}

/*
 * "findings", every kind of crash with its stack, is for where something is to be found out: the
 * points that fail. It is in --json always.
 */
static void add_yaml(struct strbuf *sb, const json_t *cell, bool good)
{
	/* What the description tells already, and what is placed by hand. */
	static const char *const known[] = {
		"schema", "scenario", "twin", "python", "explore", "verdict", "reason",
		"harness_error", "expected", "outcomes", "trials", "hits", "rate", "rate_upper95",
		"triage", "replay", "findings", "findings_left_out", "points", "forks", "coverage",
		"map", "allocators", NULL,
	};
	static const char *const first[] = { "reason", "harness_error", "expected", "outcomes",
					     "trials", "hits", "rate", "rate_upper95", NULL };
	const char *key;
	json_t *value;

	strbuf_addf(sb, "  ---\n  verdict: %s\n", result_verdict_name(result_verdict(cell)));
	for (const char *const *k = first; *k; k++)
		yaml_add_member(sb, 2, *k, json_object_get(cell, *k));
	json_object_foreach(json_object_get(cell, "triage"), key, value)
		if (!json_is_array(value) || json_array_size(value))
			yaml_add_member(sb, 2, key, value);
	add_map(sb, cell);
	json_object_foreach((json_t *)cell, key, value)
		if (!is_one_of(key, known))
			yaml_add_member(sb, 2, key, value);
	if (!good)
		add_findings(sb, cell);
	yaml_add_member(sb, 2, "replay", json_object_get(cell, "replay"));
	strbuf_addstr(sb, "  ...\n");
}

static void tap_cell(struct reporter *self, const json_t *cell)
{
	struct tap *tap = (struct tap *)self;
	struct strbuf sb = STRBUF_INIT, name = STRBUF_INIT;
	enum result_verdict verdict = result_verdict(cell);
	bool skipped = verdict == RESULT_SKIPPED &&
		       !(tap->require_all && result_flag(cell, "missing"));
	bool good = skipped || verdict == RESULT_AS_EXPECTED || verdict == RESULT_NOT_SEEN;

	result_add_name(&name, cell);
	if (!skipped) {
		strbuf_addstr(&name, " (");
		result_add_finding(&name, cell);
		strbuf_addch(&name, ')');
	}
	strbuf_addf(&sb, "%s %zu - ", good ? "ok" : "not ok", ++tap->number);
	text_add_tap(&sb, name.buf, name.len);
	if (skipped) {
		const char *reason = result_text(cell, "reason", "no reason was given");

		strbuf_addstr(&sb, " # SKIP ");
		text_add_tap(&sb, reason, strlen(reason));
	}
	strbuf_addch(&sb, '\n');
	if (!skipped) {
		add_yaml(&sb, cell, good);
		picture_add(&sb, cell, tap->width);
	}
	strbuf_release(&name);
	flush(tap, &sb);
}

static void add_empty_plan(struct strbuf *sb, const char *why)
{
	if (!why)
		why = "there was no cell to run";
	strbuf_addstr(sb, "1..0 # SKIP ");
	text_add_tap(sb, why, strlen(why));
	strbuf_addch(sb, '\n');
}

static void tap_end(struct reporter *self, const struct report_tally *tally, const char *bail)
{
	struct tap *tap = (struct tap *)self;
	struct strbuf sb = STRBUF_INIT;

	/* Nothing that could be read is not nothing to read: no reader may take it for a skip. */
	if (!bail && !tap->planned && !tap->number && tally->incomplete)
		bail = "no result could be read";
	if (!tap->planned && tap->number)
		strbuf_addf(&sb, "1..%zu\n", tap->number);
	else if (!tap->planned && !bail)
		add_empty_plan(&sb, tally->nothing);
	if (bail) {
		strbuf_addstr(&sb, "Bail out! ");
		text_add_line(&sb, bail, strlen(bail));
		strbuf_addch(&sb, '\n');
	}
	flush(tap, &sb);
}

static void tap_free(struct reporter *self)
{
	free(self);
}

struct reporter *reporter_tap_new(struct output *out, unsigned int version, bool require_all)
{
	struct tap *tap = xcalloc(1, sizeof(*tap));

	tap->reporter = (struct reporter){ tap_begin, tap_cell, tap_end, tap_free };
	tap->out = out;
	tap->version = version;
	tap->require_all = require_all;
	tap->width = report_width(out);
	return &tap->reporter;
}
