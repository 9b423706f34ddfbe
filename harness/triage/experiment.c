/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/experiment.h"

#include <string.h>

static const char *const names[] = {
	[CONFIRMATION_NONE] = NULL,
	[CONFIRMATION_OPEN] = "not confirmed",
	[CONFIRMATION_CONTRADICTED] = "contradicted",
	[CONFIRMATION_CONFIRMED] = "confirmed",
};

const char *confirmation_name(enum confirmation confirmation)
{
	return names[confirmation];
}

bool controls_contradict(const struct controls *controls)
{
	const struct control_result *const clean[] = {
		&controls->outside, &controls->quiet, &controls->twin,
	};

	for (size_t i = 0; i < sizeof(clean) / sizeof(*clean); i++)
		if (clean[i]->applies && clean[i]->bad)
			return true;
	return false;
}

static json_t *control_json(const struct control_result *control)
{
	if (!control->applies)
		return json_null();
	return json_pack("{s:I,s:I}", "trials", (json_int_t)control->trials, "bad",
			 (json_int_t)control->bad);
}

/* The only one whose trials are to meet the race: that none did is worth knowing. */
static json_t *twin_json(const struct control_result *twin)
{
	if (!twin->applies)
		return json_null();
	return json_pack("{s:I,s:I,s:I}", "trials", (json_int_t)twin->trials, "bad",
			 (json_int_t)twin->bad, "hits", (json_int_t)twin->hits);
}

static json_t *fresh_json(const struct controls *controls)
{
	if (!controls->fresh.applies)
		return json_null();
	return json_pack("{s:I,s:I,s:I}", "trials", (json_int_t)controls->fresh.trials, "same",
			 (json_int_t)controls->fresh.bad, "expected",
			 (json_int_t)controls->fresh_otherwise);
}

json_t *controls_json(const struct controls *controls)
{
	if (!controls->done)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o}", "outside", control_json(&controls->outside),
			 "quiet", control_json(&controls->quiet), "twin", twin_json(&controls->twin), "fresh", fresh_json(controls));
}

static uint64_t count_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void control_read(const json_t *json, const char *what, struct control_result *control)
{
	control->applies = json_is_object(json);
	control->trials = count_of(json, "trials");
	control->hits = count_of(json, "hits");
	control->bad = count_of(json, what);
}

static enum confirmation confirmation_read(const json_t *told, const struct controls *controls)
{
	const char *word = json_string_value(json_object_get(told, "confirmation"));
	const json_t *confirmed = json_object_get(told, "confirmed");

	for (enum confirmation c = CONFIRMATION_OPEN; word && c <= CONFIRMATION_CONFIRMED; c++)
		if (!strcmp(word, names[c]))
			return c;
	if (!confirmed)
		return CONFIRMATION_NONE;
	if (json_is_true(confirmed))
		return CONFIRMATION_CONFIRMED;
	return controls_contradict(controls) ? CONFIRMATION_CONTRADICTED : CONFIRMATION_OPEN;
}

void experiment_read(const json_t *controls, const json_t *told, struct experiment *experiment)
{
	struct controls *c = &experiment->controls;
	const json_t *fresh = json_object_get(controls, "fresh");

	c->done = json_is_object(controls);
	control_read(json_object_get(controls, "outside"), "bad", &c->outside);
	control_read(json_object_get(controls, "quiet"), "bad", &c->quiet);
	control_read(json_object_get(controls, "twin"), "bad", &c->twin);
	control_read(fresh, "same", &c->fresh);
	c->fresh_otherwise = count_of(fresh, "expected");
	experiment->confirmation = confirmation_read(told, c);
}
