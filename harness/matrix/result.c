/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/result.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/errors.h"
#include "matrix/classify.h"
#include "matrix/dossier.h"
#include "matrix/replay.h"
#include "run/stats.h"
#include "triage/account.h"
#include "triage/crash_json.h"
#include "triage/json_text.h"

#define RESULT_SCHEMA 1

/* Seconds, rates and bounds are told to as many digits as mean something. */
#define DIGITS 3

/* Readers find each key in each object, in this order; null where there is nothing to say. */
static json_t *object_of_nulls(const char *const *keys)
{
	json_t *json = json_object();

	for (; *keys; keys++)
		json_object_set_new(json, *keys, json_null());
	return json;
}

json_t *result_new(const struct unit *unit, bool twin)
{
	static const char *const keys[] = {
		"schema", "scenario", "twin", "python", "flavour", "explore", "isolation", "points",
		"forks", "coverage", "fresh_subjects", "fresh_reason", "trials", "hits", "outcomes",
		"map", "allocators", "expected", "verdict", "reason", "harness_error", "rate",
		"rate_upper95", "said", "measured_ns", "load", "triage", "degraded", "findings",
		"findings_left_out", "controls", "missing", "seconds", "replay", NULL,
	};
	json_t *json = object_of_nulls(keys);
	char *scenario;

	json_object_set_new(json, "schema", json_integer(RESULT_SCHEMA));
	json_object_set_new(json, "python", json_string(unit->python->name));
	/* An interpreter that cannot be used stands for all that would have run on it. */
	if (!unit->scenario)
		return json;
	scenario = unit_scenario_name(unit);
	json_object_set_new(json, "scenario", json_string(scenario));
	json_object_set_new(json, "twin", json_boolean(twin));
	json_object_set_new(json, "flavour",
			    json_string(flavour_name(unit->python->catalog.flavour)));
	json_object_set_new(json, "explore", json_string(unit->strategy->name));
	json_object_set_new(json, "isolation", json_string(isolation_name(unit->isolation)));
	free(scenario);
	return json;
}

static json_t *outcomes_json(const struct tally *tally)
{
	json_t *json = json_object();

	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (tally->outcomes[i])
			json_object_set_new(json, outcome_name((enum outcome)i),
					    json_integer((json_int_t)tally->outcomes[i]));
	return json;
}

static json_t *set_json(const struct outcome_set *set)
{
	json_t *json = json_array();

	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (set->has[i])
			json_array_append_new(json, json_string(outcome_name((enum outcome)i)));
	return json;
}

static enum confirmation confirmation_of(const struct confirm *confirmed,
					 const struct cell *cell,
					 const struct finding *finding)
{
	return confirmed ? confirm_finding(confirmed, cell, finding) : CONFIRMATION_OPEN;
}

static json_t *triage_json(const struct triage *triage, enum confirmation confirmation)
{
	json_t *json = json_object();

	account_add_triage(json, triage);
	json_object_set_new(json, "confirmed", confirmation == CONFIRMATION_OPEN ? json_null() :
			    json_boolean(confirmation == CONFIRMATION_CONFIRMED));
	json_object_set_new(json, "confirmation", json_string(confirmation_name(confirmation)));
	return json;
}

static char *replay_line(const struct unit *unit, const struct cell *cell, enum outcome outcome,
			 enum allocator allocator, uint64_t trial)
{
	char *scenario = unit_scenario_name(unit);
	struct replay replay = {
		.scenario = scenario, .python = unit->python->name, .twin = cell->twin,
		.strategy = unit->strategy, .isolation = cell->isolation,
		.allocator = allocator, .seed = cell->limits.seed, .trial = trial,
		.outcome = outcome,
	};
	struct strbuf line = STRBUF_INIT;

	replay_format(&replay, &line);
	free(scenario);
	return strbuf_detach(&line);
}

static void keep_dossier(json_t *json, const struct unit *unit, const struct cell *cell,
			 unsigned int n, const char *replay, const struct triage *triage,
			 enum confirmation confirmation)
{
	struct strbuf err = STRBUF_INIT;

	if (cell->limits.out &&
	    dossier_write(cell->limits.out, unit, cell, n, replay, triage, confirmation,
			  &err) < 0)
		json_object_set_new(json, "dossier_error", json_of_text(err.buf));
	strbuf_release(&err);
}

/* How often it came under each setting. */
static json_t *counts_json(const struct finding *f)
{
	json_t *json = json_object();

	for (int i = 0; i < ALLOCATOR_COUNT; i++)
		json_object_set_new(json, allocator_name((enum allocator)i),
				    json_integer((json_int_t)f->by_allocator[i]));
	return json;
}

static json_t *finding_json(const struct unit *unit, const struct cell *cell, unsigned int n,
			    const struct confirm *confirmed)
{
	static const char *const keys[] = {
		"outcome", "count", "allocators", "replay", "dossier_error", "triage", NULL,
	};
	const struct finding *f = &cell->findings[n];
	char *line = replay_line(unit, cell, f->outcome, f->allocator, f->first_trial);
	json_t *json = object_of_nulls(keys);
	struct triage *triage = f->crash ? classify_finding(f->crash) : NULL;
	enum confirmation confirmation = confirmation_of(confirmed, cell, f);

	json_object_set_new(json, "outcome", json_string(outcome_name(f->outcome)));
	json_object_set_new(json, "count", json_integer((json_int_t)f->count));
	json_object_set_new(json, "allocators", counts_json(f));
	json_object_set_new(json, "replay", json_string(line));
	keep_dossier(json, unit, cell, n, line, triage, confirmation);
	crash_json_add(json, f->crash);
	if (triage) {
		json_object_set_new(json, "triage",
				    triage_json(triage, confirmation));
		triage_free(triage);
	} else {
		json_object_set_new(json, "degraded",
				    json_string(f->outcome <= OUTCOME_SIGNAL_LAST ?
						"no capture: it ended without its crash handler" :
						"no capture of the process"));
	}
	free(line);
	return json;
}

/* A cell without crash or hang repeats the first trial that was not ok, or the first of all. */
static json_t *plain_replay(const struct unit *unit, const struct cell *cell)
{
	enum outcome outcome = OUTCOME_OK;
	enum allocator allocator = ALLOCATOR_DEFAULT;
	json_t *json;
	char *line;

	for (int i = OUTCOME_COUNT - 1; i > OUTCOME_OK && outcome == OUTCOME_OK; i--)
		if (cell->tally.outcomes[i])
			outcome = (enum outcome)i;
	if (!cell->tally.outcomes[outcome])
		return json_null();
	while (!cell->settings[allocator].tally.outcomes[outcome])
		allocator++;
	line = replay_line(unit, cell, outcome, allocator,
			   cell->settings[allocator].first_trial[outcome]);
	json = json_string(line);
	free(line);
	return json;
}

static void add_findings(json_t *json, const struct unit *unit, const struct cell *cell,
			 const struct confirm *confirmed)
{
	const struct finding *first = cell_main_finding(cell);
	json_t *list = json_array();

	json_object_set_new(json, "replay", plain_replay(unit, cell));
	for (unsigned int i = 0; i < cell->nfindings; i++) {
		const struct finding *f = &cell->findings[i];
		json_t *one = finding_json(unit, cell, i, confirmed);

		if (f == first) {
			json_object_set(json, "replay", json_object_get(one, "replay"));
			json_object_set(json, "triage", json_object_get(one, "triage"));
			json_object_set(json, "degraded", json_object_get(one, "degraded"));
		}
		json_array_append_new(list, one);
	}
	json_object_set_new(json, "findings", list);
	json_object_set_new(json, "findings_left_out", json_integer((json_int_t)cell->left_out));
}

static void add_rate(json_t *json, const struct tally *tally)
{
	uint64_t bad = tally_bad_hits(tally);

	if (!tally->hits)
		return;
	json_object_set_new(json, "rate", json_real(stats_rounded((double)bad /
								  (double)tally->hits, DIGITS)));
	json_object_set_new(json, "rate_upper95",
			    json_real(stats_rounded_up(stats_upper95(bad, tally->hits), DIGITS)));
}

/* Each setting that the cell was tried under, with what a strategy has to say of it. */
static json_t *allocators_json(const struct cell *cell)
{
	static const char *const keys[] = {
		"trials", "outcomes", "points", "forks", "coverage", "fresh_subjects",
		"fresh_reason", "map", NULL,
	};
	json_t *json = json_object();

	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		const struct cell_setting *setting = &cell->settings[i];
		json_t *one = setting->link ? object_of_nulls(keys) : json_null();

		json_object_set_new(json, allocator_name((enum allocator)i), one);
		if (!setting->link)
			continue;
		json_object_set_new(one, "trials",
				    json_integer((json_int_t)setting->tally.trials));
		json_object_set_new(one, "outcomes", outcomes_json(&setting->tally));
		json_object_update(one, setting->notes);
	}
	return json;
}

json_t *result_of_cell(const struct unit *unit, const struct cell *cell,
		       const struct confirm *confirmed)
{
	json_t *json = result_new(unit, cell->twin);
	struct strbuf reason = STRBUF_INIT;
	enum verdict verdict = verdict_judge(cell->expected, &cell->tally,
					     unit->strategy->is_random(cell), &reason);
	const struct tally *tally = &cell->tally;
	double seconds = (double)(clock_now() - cell->started_ns) / (double)NSEC_PER_SEC;

	json_object_set_new(json, "trials", json_integer((json_int_t)tally->trials));
	json_object_set_new(json, "hits", json_integer((json_int_t)tally->hits));
	json_object_set_new(json, "outcomes", outcomes_json(tally));
	json_object_set_new(json, "expected", set_json(&cell->expected->allows));
	json_object_set_new(json, "verdict", json_string(verdict_name(verdict)));
	json_object_set_new(json, "reason", json_of_text(reason.buf));
	json_object_set_new(json, "allocators", allocators_json(cell));
	/* Points that were chosen are no sample of what happens: no share of them is a rate. */
	if (!unit->strategy->covers)
		add_rate(json, tally);
	if (cell->text[0])
		json_object_set_new(json, "said", json_of_text(cell->text));
	if (tally->measured)
		json_object_set_new(json, "measured_ns",
				    json_integer((json_int_t)(tally->measured_sum_ns /
							      tally->measured)));
	add_findings(json, unit, cell, confirmed);
	if (confirmed)
		json_object_set_new(json, "controls", controls_json(&confirmed->controls));
	json_object_update(json, cell->notes);
	json_object_set_new(json, "seconds", json_real(stats_rounded(seconds, DIGITS)));
	strbuf_release(&reason);
	return json;
}

json_t *result_skipped(const struct unit *unit, bool twin, const char *reason, bool missing)
{
	json_t *json = result_new(unit, twin);

	json_object_set_new(json, "verdict", json_string(verdict_name(VERDICT_SKIPPED)));
	json_object_set_new(json, "reason", json_of_text(reason));
	json_object_set_new(json, "missing", json_boolean(missing));
	return json;
}

json_t *result_broken(const struct unit *unit, bool twin, const char *why)
{
	json_t *json = result_new(unit, twin);

	json_object_set_new(json, "harness_error", json_of_text(why));
	return json;
}
