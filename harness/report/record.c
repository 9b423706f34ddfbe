/* SPDX-License-Identifier: Apache-2.0 */
#include "report/record.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SCHEMA 1

/* More trials than a machine makes in its life; sums of such counts do not overflow. */
#define COUNT_MAX 1000000000000000

/* Bounds and rates are rounded each by itself, to three digits or six. */
#define ROUNDING 1e-6

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
		    check_within(&half, "bad", "hits") < 0 || check_rates(&half) < 0)
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

/* Of an interpreter that could not be used there is a cell without a scenario. */
static bool is_cell(const json_t *cell)
{
	return json_is_string(json_object_get(cell, "scenario")) ||
	       (json_is_null(json_object_get(cell, "scenario")) &&
		json_is_string(json_object_get(cell, "python")));
}

int record_check(const json_t *cell, struct strbuf *why)
{
	const struct part part = { cell, "", why };
	const json_t *schema = member(&part, "schema");

	if (!is_cell(cell)) {
		strbuf_addstr(why, "no cell of a run");
		return -1;
	}
	if (schema && json_integer_value(schema) != SCHEMA)
		return refuse(&part, "schema", schema, "which this forkpoint cannot read");
	if (check_within(&part, "hits", "trials") < 0 || check_outcomes(&part) < 0 ||
	    check_rates(&part) < 0 || check_controls(&part) < 0 || check_load(&part) < 0 ||
	    check_findings(&part) < 0)
		return -1;
	if (check_number(&part, "seconds", 1e12, "which is no time") < 0)
		return -1;
	return check_number(&part, "measured_ns", 1e18, "which is no time");
}
