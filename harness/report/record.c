/* SPDX-License-Identifier: Apache-2.0 */
#include "report/record.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/result.h"

#define SCHEMA 1

/* More trials than a machine makes in its life; sums of such counts do not overflow. */
#define COUNT_MAX 1000000000000000

/* Bounds and rates are rounded each by itself, to three digits or six. */
#define ROUNDING 1e-6

/* A rate of trials has three digits. */
#define RATE_DIGITS 0.005

#define SIGNALS 64

#define VALUE_WIDTH 40

/* An object within the cell, and its name with the dot: "load.with.". */
struct part {
	const json_t *object;
	const char *name;
	struct strbuf *why;
};

static int refuse(const struct part *part, const char *key, const json_t *value, const char *fault)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	struct strbuf shown = STRBUF_INIT, name = STRBUF_INIT;

	text_add_line(&shown, text ? text : "?", text ? strlen(text) : 1);
	text_cut(&shown, VALUE_WIDTH);
	text_add_line(&name, key, strlen(key));
	text_cut(&name, VALUE_WIDTH);
	strbuf_addf(part->why, "'%s%s' is %s, %s", part->name, name.buf, shown.buf, fault);
	strbuf_release(&shown);
	strbuf_release(&name);
	free(text);
	return -1;
}

static const json_t *member(const struct part *part, const char *key)
{
	const json_t *value = json_object_get(part->object, key);

	return json_is_null(value) ? NULL : value;
}

/* *n is -1 where there is none. */
static int read_count(const struct part *part, const char *key, json_int_t *n)
{
	const json_t *value = member(part, key);

	*n = json_is_integer(value) ? json_integer_value(value) : -1;
	if (value && (*n < 0 || *n > COUNT_MAX))
		return refuse(part, key, value, "which is no count");
	return 0;
}

/* What is counted by `few` is counted by `many`, too. */
static int check_within(const struct part *part, const char *few, const char *many)
{
	char fault[128];
	json_int_t n, all;

	if (read_count(part, few, &n) < 0 || read_count(part, many, &all) < 0)
		return -1;
	if (all < 0 || n <= all)
		return 0;
	snprintf(fault, sizeof(fault), "more than '%s%s', which is %" JSON_INTEGER_FORMAT,
		 part->name, many, all);
	return refuse(part, few, member(part, few), fault);
}

static int check_number(const struct part *part, const char *key, double max, const char *fault)
{
	const json_t *value = member(part, key);
	double number = json_number_value(value);

	if (!value || (json_is_number(value) && number >= 0 && number <= max))
		return 0;
	return refuse(part, key, value, fault);
}

static int check_rates(const struct part *part)
{
	static const char share[] = "which is no share: one lies from 0 to 1";
	const json_t *rate = member(part, "rate"), *bound = member(part, "rate_upper95");

	if (check_number(part, "rate", 1, share) < 0 ||
	    check_number(part, "rate_upper95", 1, share) < 0)
		return -1;
	if (!rate || !bound || json_number_value(rate) <= json_number_value(bound) + ROUNDING)
		return 0;
	return refuse(part, "rate_upper95", bound, "below the 'rate' that it bounds");
}

/* A rate that `most` bad hits of `hits` make, or as few as `least`. */
static int check_rate_of(const struct part *part, json_int_t least, json_int_t most,
			 json_int_t hits)
{
	const json_t *rate = member(part, "rate");
	double low = hits ? (double)least / (double)hits : 0;
	double high = hits ? (double)most / (double)hits : 1;
	double given = json_number_value(rate);
	char fault[128];

	if (!rate || (hits && given >= low * (1 - RATE_DIGITS) - ROUNDING &&
		      given <= high * (1 + RATE_DIGITS) + ROUNDING))
		return 0;
	snprintf(fault, sizeof(fault), "and of %" JSON_INTEGER_FORMAT " hits, %s%"
		 JSON_INTEGER_FORMAT " were not ok", hits, least < most ? "at most " : "", most);
	return refuse(part, "rate", rate, fault);
}

static json_int_t count_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Which of the trials were hits is not told, so the bad ones among the hits are between bounds. */
static int check_rate(const struct part *cell)
{
	json_int_t hits = count_of(cell->object, "hits"), trials = count_of(cell->object, "trials");
	json_int_t good = count_of(member(cell, "outcomes"), "ok"), bad = trials - good;

	return check_rate_of(cell, hits > good ? hits - good : 0, bad < hits ? bad : hits, hits);
}

/* A word of the README's table, or a signal's name: SIGSEGV, SIG42. */
static bool is_outcome(const char *name)
{
	static const char *const words[] = { "ok", "hang", "parked", "exit", "wrong", "timeout" };
	char number[16];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(name, words[i]))
			return true;
	if (strncmp(name, "SIG", 3) != 0)
		return false;
	for (int signo = 1; signo <= SIGNALS; signo++) {
		const char *abbreviation = sigabbrev_np(signo);

		snprintf(number, sizeof(number), "%d", signo);
		if (!strcmp(name + 3, abbreviation ? abbreviation : number))
			return true;
	}
	return false;
}

static const char no_outcome[] = "which is no outcome";

static int check_expected(const struct part *cell)
{
	const json_t *expected = member(cell, "expected");
	json_t *word;
	size_t i;

	if (expected && !json_is_array(expected))
		return refuse(cell, "expected", expected, "which is no list");
	json_array_foreach((json_t *)expected, i, word)
		if (!json_is_string(word) || !is_outcome(json_string_value(word)))
			return refuse(cell, "expected", word, no_outcome);
	return 0;
}

static int check_outcomes(const struct part *cell)
{
	const struct part outcomes = { member(cell, "outcomes"), "outcomes.", cell->why };
	json_int_t trials, n, sum = 0;
	const char *outcome;
	char fault[128];
	json_t *value;

	if (outcomes.object && !json_is_object(outcomes.object))
		return refuse(cell, "outcomes", outcomes.object, "which is no object");
	json_object_foreach((json_t *)outcomes.object, outcome, value) {
		if (read_count(&outcomes, outcome, &n) < 0)
			return -1;
		if (!is_outcome(outcome))
			return refuse(&outcomes, outcome, value, no_outcome);
		if (n > 0 && (sum += n) > COUNT_MAX)
			return refuse(&outcomes, outcome, value, "which is too many");
	}
	if (read_count(cell, "trials", &trials) < 0)
		return -1;
	if (!outcomes.object || trials < 0 || sum == trials)
		return 0;
	snprintf(fault, sizeof(fault), "and the outcomes of all trials sum up to %"
		 JSON_INTEGER_FORMAT, sum);
	return refuse(cell, "trials", member(cell, "trials"), fault);
}

static int check_controls(const struct part *cell)
{
	static const char *const names[][2] = {
		{ "outside", "controls.outside." }, { "quiet", "controls.quiet." },
		{ "twin", "controls.twin." }, { "fresh", "controls.fresh." },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct part control = {
			json_object_get(member(cell, "controls"), names[i][0]), names[i][1],
			cell->why,
		};

		if (check_within(&control, "bad", "trials") < 0 ||
		    check_within(&control, "same", "trials") < 0)
			return -1;
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
			json_object_get(member(cell, "load"), names[i][0]), names[i][1], cell->why,
		};

		if (check_within(&half, "hits", "trials") < 0 ||
		    check_within(&half, "bad", "hits") < 0 || check_rates(&half) < 0 ||
		    check_rate_of(&half, count_of(half.object, "bad"), count_of(half.object, "bad"),
				  count_of(half.object, "hits")) < 0)
			return -1;
	}
	return 0;
}

static int check_findings(const struct part *cell)
{
	const json_t *trials = member(cell, "trials");
	json_t *finding;
	size_t i;

	json_array_foreach(member(cell, "findings"), i, finding) {
		char name[48];
		const struct part part = { finding, name, cell->why };
		json_int_t n;

		snprintf(name, sizeof(name), "findings[%zu].", i);
		if (read_count(&part, "count", &n) < 0)
			return -1;
		if (trials && n > json_integer_value(trials))
			return refuse(&part, "count", member(&part, "count"),
				      "more than the trials");
	}
	return 0;
}

static int need(const struct part *cell, const char *key, bool good, const char *fault)
{
	const json_t *value = json_object_get(cell->object, key);
	json_t *null;
	int ret;

	if (good)
		return 0;
	if (value)
		return refuse(cell, key, value, fault);
	null = json_null();
	ret = refuse(cell, key, null, fault);
	json_decref(null);
	return ret;
}

/* Of an interpreter that could not be used there is a cell without a scenario. */
static int check_identity(const struct part *cell)
{
	const json_t *o = cell->object;

	if (need(cell, "schema", count_of(o, "schema") == SCHEMA,
		 "which this forkpoint cannot read") < 0 ||
	    need(cell, "python", json_is_string(json_object_get(o, "python")),
		 "which is no interpreter") < 0)
		return -1;
	if (!member(cell, "scenario"))
		return need(cell, "trials", !member(cell, "trials"), "and there is no scenario");
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
	json_int_t hits = count_of(cell->object, "hits");
	const char *outcome;
	json_t *count;

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (need(cell, counted[i], member(cell, counted[i]) != NULL,
			 "and a verdict needs it") < 0)
			return -1;
	if (verdict == RESULT_VACUOUS)
		return need(cell, "hits", hits == 0, "and the verdict is 'vacuous'");
	if (verdict == RESULT_UNEXPECTED)
		return need(cell, "trials", count_of(cell->object, "trials") > 0,
			    "and the verdict is 'unexpected'");
	if (need(cell, "hits", hits > 0, "and a verdict needs one") < 0)
		return -1;
	json_object_foreach((json_t *)member(cell, "outcomes"), outcome, count)
		if (json_integer_value(count) && !result_expects(cell->object, outcome))
			return need(cell, "verdict", false, "and an outcome is not expected");
	return 0;
}

static int check_verdict(const struct part *cell)
{
	enum result_verdict verdict = result_verdict(cell->object);
	const json_t *error = member(cell, "harness_error");

	if (error)
		return need(cell, "harness_error", json_is_string(error), "which is no sentence");
	if (verdict == RESULT_BROKEN)
		return need(cell, "verdict", false, "which is no verdict");
	if (verdict == RESULT_SKIPPED)
		return need(cell, "trials", count_of(cell->object, "trials") == 0,
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
	    check_outcomes(&part) < 0 || check_expected(&part) < 0 || check_rates(&part) < 0 ||
	    check_rate(&part) < 0 || check_controls(&part) < 0 || check_load(&part) < 0 ||
	    check_findings(&part) < 0 || check_verdict(&part) < 0)
		return -1;
	if (check_number(&part, "seconds", 1e12, "which is no time") < 0)
		return -1;
	return check_number(&part, "measured_ns", 1e18, "which is no time");
}
