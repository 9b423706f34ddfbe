/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/confirm.h"

#include <string.h>

/*
 * How many trials a control takes. Where each trial meets, three say as much as three did for the
 * crash. Where chance does, 100 clean ones bound a control's rate at 3 %; more is what --trials of
 * the twin's own cell is for.
 */
#define CONTROL_TRIALS_MET 3
#define CONTROL_TRIALS_RANDOM 100

static uint64_t control_trials(const struct cell *cell, const struct strategy *strategy)
{
	return strategy->is_random(cell) ? CONTROL_TRIALS_RANDOM : CONTROL_TRIALS_MET;
}

static uint64_t not_ok(const struct tally *tally)
{
	return tally->trials - tally->outcomes[OUTCOME_OK];
}

/* What the twin's row does not allow. */
static uint64_t twin_bad(const struct cell *twin, const struct tally *tally)
{
	return tally->trials - tally_count(tally, &twin->expected->allows);
}

/* Trials of a control are no trials of the cell: they are counted in a copy of it. */
static enum link_result run_control(const struct cell *from, const struct strategy *strategy,
				    int meet, uint64_t trials, struct tally *tally,
				    struct strbuf *err)
{
	struct cell cell = *from;
	enum link_result result = LINK_DONE;

	cell.cache = NULL;
	cell.nfindings = 0;
	memset(&cell.keys, 0, sizeof(cell.keys));
	memset(cell.findings, 0, sizeof(cell.findings));
	memset(tally, 0, sizeof(*tally));
	for (uint64_t i = 0; i < trials && result == LINK_DONE; i++) {
		struct control_order order;

		strategy->order(&cell, i, &order);
		if (meet >= 0)
			order.meet = (uint32_t)meet;
		result = cell_trial(&cell, &order, i, tally, err);
	}
	return result;
}

static void note_outside(const struct cell *bug, struct confirmation *out)
{
	for (unsigned int i = 0; i < bug->nfindings; i++)
		out->outside.bad += bug->findings[i].outside;
	out->outside.trials = bug->tally.trials - bug->tally.hits;
	out->outside.applies = bug->scenario->window && out->outside.trials;
}

static enum link_result run_quiet(const struct cell *bug, const struct strategy *strategy,
				  struct confirmation *out, struct strbuf *err)
{
	struct tally tally;
	enum link_result result;

	if (!bug->scenario->window || !bug->scenario->workers)
		return LINK_DONE;
	result = run_control(bug, strategy, MEET_QUIET, control_trials(bug, strategy), &tally, err);
	out->quiet.applies = true;
	out->quiet.trials = tally.trials;
	out->quiet.bad = not_ok(&tally);
	return result;
}

static enum link_result run_twin(const struct cell *bug, const struct strategy *strategy,
				 const struct cell *twin, struct confirmation *out,
				 struct strbuf *err)
{
	struct cell substitute = *bug;
	enum link_result result = LINK_DONE;
	struct tally tally;

	substitute.twin = true;
	substitute.expected = catalog_expected(bug->catalog, bug->scenario,
					       &bug->scenario->variants[bug->variant], true);
	if (twin)
		tally = twin->tally;
	else
		result = run_control(&substitute, strategy, -1, control_trials(bug, strategy),
				     &tally, err);
	out->twin.applies = true;
	out->twin.trials = tally.trials;
	out->twin.bad = twin_bad(&substitute, &tally);
	return result;
}

static enum link_result run_fresh(const struct cell *bug, const struct strategy *strategy,
				  struct link *fresh, struct confirmation *out, struct strbuf *err)
{
	struct cell cell = *bug;
	struct tally tally;
	enum link_result result;

	if (bug->isolation == ISOLATION_EXEC || strategy->is_random(bug) || !bug->nfindings)
		return LINK_DONE;
	cell.link = fresh;
	result = run_control(&cell, strategy, -1, 1, &tally, err);
	out->fresh.applies = true;
	out->fresh.trials = tally.trials;
	out->fresh.bad = tally.outcomes[bug->findings[0].outcome];
	return result;
}

static bool borne_out(const struct confirmation *c)
{
	if (c->outside.applies && c->outside.bad)
		return false;
	if (c->quiet.applies && c->quiet.bad)
		return false;
	if (!c->twin.trials || c->twin.bad)
		return false;
	return !c->fresh.applies || c->fresh.bad > 0;
}

enum link_result confirm_run(struct cell *bug, const struct strategy *strategy,
			     const struct cell *twin, struct link *fresh,
			     struct confirmation *out, struct strbuf *err)
{
	enum link_result result;

	memset(out, 0, sizeof(*out));
	note_outside(bug, out);
	result = run_quiet(bug, strategy, out, err);
	if (result == LINK_DONE)
		result = run_twin(bug, strategy, twin, out, err);
	if (result == LINK_DONE)
		result = run_fresh(bug, strategy, fresh, out, err);
	out->done = result == LINK_DONE;
	out->confirmed = out->done && borne_out(out);
	return result;
}
