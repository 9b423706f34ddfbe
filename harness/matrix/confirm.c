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
static struct cell control_cell(const struct cell *from)
{
	struct cell cell = *from;

	cell.cache = NULL;
	cell.nfindings = 0;
	memset(&cell.tally, 0, sizeof(cell.tally));
	memset(&cell.keys, 0, sizeof(cell.keys));
	memset(cell.findings, 0, sizeof(cell.findings));
	return cell;
}

/* Trials from number `first` on, met as the strategy does or, if not negative, by `meet`. */
static enum link_result run_control(const struct cell *from, const struct strategy *strategy,
				    int meet, uint64_t first, uint64_t trials, struct tally *tally,
				    struct strbuf *err)
{
	struct cell cell = control_cell(from);
	enum link_result result = LINK_DONE;

	memset(tally, 0, sizeof(*tally));
	for (uint64_t i = first; i < first + trials && result == LINK_DONE; i++) {
		struct control_order order;

		if (meet < 0) {
			result = strategy_trial(strategy, &cell, i, tally, err);
			continue;
		}
		strategy->order(&cell, i, &order);
		order.meet = (uint32_t)meet;
		result = cell_trial(&cell, &order, i, tally, err);
	}
	return result;
}

static void note_outside(const struct cell *bug, struct confirm *out)
{
	out->controls.outside.bad = not_ok(&bug->tally) - tally_bad_hits(&bug->tally);
	out->controls.outside.trials = bug->tally.trials - bug->tally.hits;
	out->controls.outside.applies = bug->scenario->window && out->controls.outside.trials;
}

static enum link_result run_quiet(const struct cell *bug, const struct strategy *strategy,
				  struct confirm *out, struct strbuf *err)
{
	struct tally tally;
	enum link_result result;

	if (!bug->scenario->window || !bug->scenario->workers)
		return LINK_DONE;
	result = run_control(bug, strategy, MEET_QUIET, 0, control_trials(bug, strategy),
			     &tally, err);
	out->controls.quiet.applies = true;
	out->controls.quiet.trials = tally.trials;
	out->controls.quiet.hits = tally.hits;
	out->controls.quiet.bad = not_ok(&tally);
	return result;
}

static enum link_result run_twin(const struct cell *bug, const struct strategy *strategy,
				 const struct cell *twin, struct confirm *out,
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
		result = run_control(&substitute, strategy, -1, 0,
				     control_trials(bug, strategy), &tally, err);
	out->controls.twin.applies = true;
	out->controls.twin.trials = tally.trials;
	out->controls.twin.hits = tally.hits;
	out->controls.twin.bad = twin_bad(&substitute, &tally);
	return result;
}

/* One defect may show as several signals, each of which the table promises then. */
static uint64_t ended_otherwise(const struct cell *bug, enum outcome outcome,
				const struct tally *tally)
{
	struct outcome_set alike;

	expected_bad(bug->expected, &alike);
	if (!alike.has[outcome])
		return 0;
	alike.has[outcome] = false;
	return tally_count(tally, &alike);
}

static enum link_result run_fresh(const struct cell *bug, const struct strategy *strategy,
				  struct link *fresh, struct confirm *out, struct strbuf *err)
{
	const struct finding *first = cell_main_finding(bug);
	struct cell cell = *bug;
	enum link_result result;

	if (bug->isolation == ISOLATION_EXEC || strategy->is_random(bug) || !first)
		return LINK_DONE;
	for (int i = 0; i < ALLOCATOR_COUNT; i++)
		cell.settings[i].link = NULL;
	cell.settings[first->allocator].link = fresh;
	cell_use(&cell, first->allocator);
	result = run_control(&cell, strategy, -1, first->first_trial, 1, &out->fresh_tally, err);
	out->controls.fresh.applies = true;
	out->controls.fresh.trials = out->fresh_tally.trials;
	out->controls.fresh.hits = out->fresh_tally.hits;
	out->controls.fresh.bad = out->fresh_tally.outcomes[first->outcome];
	out->controls.fresh_otherwise = ended_otherwise(bug, first->outcome, &out->fresh_tally);
	return result;
}

static bool came_again(const struct confirm *c, const struct cell *cell, enum outcome outcome)
{
	if (c->controls.fresh.applies)
		return c->fresh_tally.outcomes[outcome] > 0;
	return cell->tally.hit_outcomes[outcome] > 1;
}

static bool is_confirmed(const struct confirm *c, const struct cell *cell,
			 const struct finding *finding)
{
	const struct control_result *fresh = &c->controls.fresh;

	if (!c->controls.twin.hits)
		return false;
	if (finding == cell_main_finding(cell))
		return !fresh->applies || fresh->bad || c->controls.fresh_otherwise;
	return came_again(c, cell, finding->outcome);
}

enum confirmation confirm_finding(const struct confirm *confirm, const struct cell *cell,
				  const struct finding *finding)
{
	if (!confirm->controls.done)
		return CONFIRMATION_OPEN;
	/* Of what goes wrong, whatever it is: only inside the window, and only without the fix. */
	if (controls_contradict(&confirm->controls))
		return CONFIRMATION_CONTRADICTED;
	return is_confirmed(confirm, cell, finding) ? CONFIRMATION_CONFIRMED : CONFIRMATION_OPEN;
}

enum link_result confirm_run(struct cell *bug, const struct strategy *strategy,
			     const struct cell *twin, struct link *fresh,
			     struct confirm *out, struct strbuf *err)
{
	enum link_result result;

	memset(out, 0, sizeof(*out));
	note_outside(bug, out);
	result = run_quiet(bug, strategy, out, err);
	if (result == LINK_DONE)
		result = run_twin(bug, strategy, twin, out, err);
	if (result == LINK_DONE)
		result = run_fresh(bug, strategy, fresh, out, err);
	out->controls.done = result == LINK_DONE;
	return result;
}
