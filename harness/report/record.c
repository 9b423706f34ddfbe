/* SPDX-License-Identifier: Apache-2.0 */
#include "report/record.h"

#include <stdbool.h>
#include <stdio.h>

#include "report/part.h"
#include "report/record_map.h"
#include "report/record_outcomes.h"
#include "report/result.h"

#define SCHEMA 1

/* Bounds and rates are rounded each by itself, to three digits or six. */
#define ROUNDING 1e-6

/* A rate of trials has three digits. */
#define RATE_DIGITS 0.005

/* What is counted by `few` is counted by `many`, too. */
static int check_within(const struct part *part, const char *few, const char *many)
{
	char fault[128];
	json_int_t n, all;

	if (part_read_count(part, few, &n) < 0 || part_read_count(part, many, &all) < 0)
		return -1;
	if (all < 0 || n <= all)
		return 0;
	snprintf(fault, sizeof(fault), "more than '%s%s', which is %" JSON_INTEGER_FORMAT,
		 part->name, many, all);
	return part_refuse(part, few, part_member(part, few), fault);
}

static int check_number(const struct part *part, const char *key, double max, const char *fault)
{
	const json_t *value = part_member(part, key);
	double number = json_number_value(value);

	if (!value || (json_is_number(value) && number >= 0 && number <= max))
		return 0;
	return part_refuse(part, key, value, fault);
}

static int check_rates(const struct part *part)
{
	static const char share[] = "which is no share: one lies from 0 to 1";
	const json_t *rate = part_member(part, "rate"), *bound = part_member(part, "rate_upper95");

	if (check_number(part, "rate", 1, share) < 0 ||
	    check_number(part, "rate_upper95", 1, share) < 0)
		return -1;
	if (!rate || !bound || json_number_value(rate) <= json_number_value(bound) + ROUNDING)
		return 0;
	return part_refuse(part, "rate_upper95", bound, "below the 'rate' that it bounds");
}

/* A rate that `most` bad hits of `hits` make, or as few as `least`. */
static int check_rate_of(const struct part *part, json_int_t least, json_int_t most,
			 json_int_t hits)
{
	const json_t *rate = part_member(part, "rate");
	double low = hits ? (double)least / (double)hits : 0;
	double high = hits ? (double)most / (double)hits : 1;
	double given = json_number_value(rate);
	char fault[128];

	if (!rate || (hits && given >= low * (1 - RATE_DIGITS) - ROUNDING &&
		      given <= high * (1 + RATE_DIGITS) + ROUNDING))
		return 0;
	snprintf(fault, sizeof(fault), "and of %" JSON_INTEGER_FORMAT " hits, %s%"
		 JSON_INTEGER_FORMAT " were not ok", hits, least < most ? "at most " : "", most);
	return part_refuse(part, "rate", rate, fault);
}

/* Which of the trials were hits is not told, so the bad ones among the hits are between bounds. */
static int check_rate(const struct part *cell)
{
	json_int_t hits = result_count(cell->object, "hits");
	json_int_t trials = result_count(cell->object, "trials");
	json_int_t good = result_count(part_member(cell, "outcomes"), "ok"), bad = trials - good;

	return check_rate_of(cell, hits > good ? hits - good : 0, bad < hits ? bad : hits, hits);
}

static int check_expected(const struct part *cell)
{
	const json_t *expected = part_member(cell, "expected");
	json_t *word;
	size_t i;

	if (expected && !json_is_array(expected))
		return part_refuse(cell, "expected", expected, "which is no list");
	json_array_foreach((json_t *)expected, i, word)
		if (!json_is_string(word) || result_gravity(json_string_value(word)) < 0)
			return part_refuse(cell, "expected", word, "which is no outcome");
	return 0;
}

static int check_controls(const struct part *cell)
{
	static const char *const names[][2] = {
		{ "outside", "controls.outside." }, { "quiet", "controls.quiet." },
		{ "twin", "controls.twin." }, { "fresh", "controls.fresh." },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct part control = {
			json_object_get(part_member(cell, "controls"), names[i][0]), names[i][1],
			cell->why,
		};

		if (check_within(&control, "bad", "trials") < 0 ||
		    check_within(&control, "same", "trials") < 0 ||
		    check_within(&control, "expected", "trials") < 0)
			return -1;
		if (result_count(control.object, "same") +
		    result_count(control.object, "expected") >
		    result_count(control.object, "trials"))
			return part_refuse(&control, "expected", part_member(&control, "expected"),
					   "and with 'same' it is more than the trials");
	}
	return 0;
}

static int check_load(const struct part *cell)
{
	static const char *const names[][2] = {
		{ "without", "load.without." }, { "with", "load.with." },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct part half = {
			json_object_get(part_member(cell, "load"), names[i][0]), names[i][1],
			cell->why,
		};
		json_int_t bad = result_count(half.object, "bad");

		if (check_within(&half, "hits", "trials") < 0 ||
		    check_within(&half, "bad", "hits") < 0 || check_rates(&half) < 0 ||
		    check_rate_of(&half, bad, bad, result_count(half.object, "hits")) < 0)
			return -1;
	}
	return 0;
}

static int check_findings(const struct part *cell)
{
	const json_t *trials = part_member(cell, "trials");
	json_t *finding;
	size_t i;

	json_array_foreach(part_member(cell, "findings"), i, finding) {
		char name[48];
		const struct part part = { finding, name, cell->why };
		json_int_t n;

		snprintf(name, sizeof(name), "findings[%zu].", i);
		if (part_read_count(&part, "count", &n) < 0)
			return -1;
		if (trials && n > json_integer_value(trials))
			return part_refuse(&part, "count", part_member(&part, "count"),
					   "more than the trials");
	}
	return 0;
}

static int need(const struct part *part, const char *key, bool good, const char *fault)
{
	return good ? 0 : part_refuse(part, key, json_object_get(part->object, key), fault);
}

/* Of an interpreter that could not be used there is a cell without a scenario. */
static int check_identity(const struct part *cell)
{
	const json_t *o = cell->object;

	if (need(cell, "schema", result_count(o, "schema") == SCHEMA,
		 "which this forkpoint cannot read") < 0 ||
	    need(cell, "python", json_is_string(json_object_get(o, "python")),
		 "which is no interpreter") < 0)
		return -1;
	if (!part_member(cell, "scenario"))
		return need(cell, "trials", !part_member(cell, "trials"),
			    "and there is no scenario");
	if (need(cell, "twin", json_is_boolean(json_object_get(o, "twin")),
		 "which is neither true nor false") < 0 ||
	    need(cell, "explore", json_is_string(json_object_get(o, "explore")),
		 "which is no strategy") < 0)
		return -1;
	return need(cell, "isolation", json_is_string(json_object_get(o, "isolation")),
		    "which is no isolation");
}

/* Of a cell that was run, and judged by its outcomes. */
static int check_judged(const struct part *cell, enum result_verdict verdict)
{
	static const char *const counted[] = { "trials", "hits", "outcomes", "expected" };
	json_int_t hits = result_count(cell->object, "hits");
	const char *outcome;
	json_t *count;

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (need(cell, counted[i], part_member(cell, counted[i]) != NULL,
			 "and a verdict needs it") < 0)
			return -1;
	if (verdict == RESULT_VACUOUS)
		return need(cell, "hits", hits == 0, "and the verdict is 'vacuous'");
	if (verdict == RESULT_UNEXPECTED)
		return need(cell, "trials", result_count(cell->object, "trials") > 0,
			    "and the verdict is 'unexpected'");
	if (need(cell, "hits", hits > 0, "and a verdict needs one") < 0)
		return -1;
	json_object_foreach((json_t *)part_member(cell, "outcomes"), outcome, count)
		if (json_integer_value(count) && !result_expects(cell->object, outcome))
			return need(cell, "verdict", false, "and an outcome is not expected");
	return 0;
}

static int check_verdict(const struct part *cell)
{
	enum result_verdict verdict = result_verdict(cell->object);
	const json_t *error = part_member(cell, "harness_error");

	if (error)
		return need(cell, "harness_error", json_is_string(error), "which is no sentence");
	if (verdict == RESULT_BROKEN)
		return need(cell, "verdict", false, "which is no verdict");
	if (verdict == RESULT_SKIPPED)
		return need(cell, "trials", result_count(cell->object, "trials") == 0,
			    "and the verdict is 'skipped'");
	return check_judged(cell, verdict);
}

/* Any object that has a scenario, or says that it has none. */
static bool is_cell(const json_t *cell)
{
	const json_t *scenario = json_object_get(cell, "scenario");

	return json_is_string(scenario) || json_is_null(scenario);
}

int record_check(const json_t *cell, struct strbuf *why)
{
	const struct part part = { cell, "", why };

	if (!is_cell(cell)) {
		strbuf_addstr(why, "no cell of a run");
		return -1;
	}
	if (check_identity(&part) < 0 || check_within(&part, "hits", "trials") < 0 ||
	    record_outcomes_check(&part) < 0 || check_expected(&part) < 0 ||
	    check_rates(&part) < 0 || check_rate(&part) < 0 || check_controls(&part) < 0 ||
	    check_load(&part) < 0 || check_findings(&part) < 0 || record_map_check(&part) < 0 ||
	    check_verdict(&part) < 0)
		return -1;
	if (check_number(&part, "seconds", 1e12, "which is no time") < 0)
		return -1;
	return check_number(&part, "measured_ns", 1e18, "which is no time");
}
