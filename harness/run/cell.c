/* SPDX-License-Identifier: Apache-2.0 */
#include "run/cell.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"

/*
 * F's random delay. W's cycles take from 100 ns (a cache) to some 20 us (the GIL), so that 50 us
 * spread F over many of them; more would only make trials slow.
 */
#define DELAY_MAX_NS 50000

/* A stop may hold a lock that the operation needs (measured on a real profiler): then go on. */
#define HOLD_MAX_US 300000

void cell_begin(struct cell *cell)
{
	memset(&cell->tally, 0, sizeof(cell->tally));
	cell->started_ns = clock_now();
	cell->notes = json_object();
	for (int i = ALLOCATOR_COUNT - 1; i >= 0; i--) {
		cell->settings[i].notes = json_object();
		if (cell_has(cell, (enum allocator)i))
			cell_use(cell, (enum allocator)i);
	}
}

void cell_release(struct cell *cell)
{
	for (unsigned int i = 0; i < cell->nfindings; i++)
		crash_free(cell->findings[i].crash);
	cell->nfindings = 0;
	if (cell->explored)
		cell->explored_free(cell->explored);
	cell->explored = NULL;
	crash_keys_release(&cell->keys);
	json_decref(cell->notes);
	cell->notes = NULL;
	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		json_decref(cell->settings[i].notes);
		cell->settings[i].notes = NULL;
	}
}

bool cell_has(const struct cell *cell, enum allocator allocator)
{
	return cell->settings[allocator].link != NULL;
}

void cell_use(struct cell *cell, enum allocator allocator)
{
	cell->allocator = allocator;
	cell->link = cell->settings[allocator].link;
}

/* Trial 0 under the first setting, 1 under the second, and so on. */
static void cell_use_next(struct cell *cell, uint64_t trial)
{
	enum allocator allocator = (enum allocator)(trial % ALLOCATOR_COUNT);

	if (cell_has(cell, allocator))
		cell_use(cell, allocator);
}

void cell_order(const struct cell *cell, uint64_t trial, struct control_order *order)
{
	uint64_t state = cell->limits.seed ^ (trial * 0x9e3779b97f4a7c15ull);

	memset(order, 0, sizeof(*order));
	order->scenario = cell->scenario->index;
	order->name_hash = control_name_hash(cell->scenario->name);
	order->variant = cell->variant;
	order->twin = cell->twin;
	order->meet = MEET_FREE;
	order->seed = rng_next(&state);
	order->delay_max_ns = DELAY_MAX_NS;
	order->hold_max_us = HOLD_MAX_US;
	order->announce = 1;
}

static bool is_allowed(const struct cell *cell, enum outcome outcome)
{
	return cell->expected->allows.has[outcome];
}

/* The place of the rarest kind that was expected, emptied; NULL: none was. */
static struct finding *finding_evict(struct cell *cell)
{
	struct finding *rarest = NULL;

	for (unsigned int i = 0; i < cell->nfindings; i++) {
		struct finding *f = &cell->findings[i];

		if (is_allowed(cell, f->outcome) && (!rarest || f->count < rarest->count))
			rarest = f;
	}
	if (!rarest)
		return NULL;
	cell->left_out += rarest->count;
	crash_free(rarest->crash);
	memset(rarest, 0, sizeof(*rarest));
	return rarest;
}

/* NULL: there is no room for it. */
static struct finding *finding_of(struct cell *cell, uint64_t key, enum outcome outcome)
{
	for (unsigned int i = 0; i < cell->nfindings; i++)
		if (cell->findings[i].key == key)
			return &cell->findings[i];
	if (cell->nfindings == CELL_FINDINGS_MAX)
		return is_allowed(cell, outcome) ? NULL : finding_evict(cell);
	return &cell->findings[cell->nfindings++];
}

/* A crash without announcement (the handler's stack gone, SIGKILL) is a kind of its own. */
static uint64_t finding_key(uint64_t crash_key, enum outcome outcome)
{
	return crash_key ? crash_key : (uint64_t)outcome;
}

/* Takes the trial's crash over. */
static void finding_add(struct cell *cell, struct trial *t, uint64_t trial,
			const struct control_order *order)
{
	uint64_t key = finding_key(t->crash_key, t->outcome);
	struct finding *f = finding_of(cell, key, t->outcome);

	if (!f) {
		cell->left_out++;
		return;
	}
	if (!f->count) {
		f->key = key;
		f->outcome = t->outcome;
		f->first_trial = trial;
		f->allocator = cell->allocator;
		f->order = *order;
	}
	if (!f->crash) {
		f->crash = t->crash;
		t->crash = NULL;
	}
	f->count++;
	f->by_allocator[cell->allocator]++;
}

const struct finding *cell_main_finding(const struct cell *cell)
{
	const struct finding *first = NULL;

	for (unsigned int i = 0; i < cell->nfindings; i++) {
		const struct finding *f = &cell->findings[i];
		bool allowed = is_allowed(cell, f->outcome);
		bool first_allowed = first && is_allowed(cell, first->outcome);

		if (!first || (first_allowed && !allowed) ||
		    (first_allowed == allowed && f->count > first->count))
			first = f;
	}
	return first;
}

static bool is_finding(enum outcome outcome)
{
	return outcome == OUTCOME_HANG || outcome == OUTCOME_TIMEOUT ||
	       (outcome >= OUTCOME_SIGNAL_FIRST && outcome <= OUTCOME_SIGNAL_LAST);
}

int cell_finding_number(const struct cell *cell, uint64_t crash_key, enum outcome outcome)
{
	uint64_t key = finding_key(crash_key, outcome);

	for (unsigned int i = 0; is_finding(outcome) && i < cell->nfindings; i++)
		if (cell->findings[i].key == key)
			return (int)i;
	return -1;
}

void cell_note(struct cell *cell, const struct control_order *order, uint64_t trial,
	       struct trial *t, struct tally *part)
{
	struct cell_setting *setting = &cell->settings[cell->allocator];

	if (!setting->tally.outcomes[t->outcome])
		setting->first_trial[t->outcome] = trial;
	tally_add(&setting->tally, t);
	tally_add(&cell->tally, t);
	if (part)
		tally_add(part, t);
	if (is_finding(t->outcome))
		finding_add(cell, t, trial, order);
	if (t->outcome != OUTCOME_OK && t->text[0])
		snprintf(cell->text, sizeof(cell->text), "%.*s", (int)sizeof(cell->text) - 1,
			 t->text);
}

enum link_result cell_trial(struct cell *cell, const struct control_order *order, uint64_t trial,
			    struct tally *part, struct strbuf *err)
{
	enum link_result result;
	struct trial t;

	cell_use_next(cell, trial);
	result = link_trial(cell->link, order, cell->cache, &cell->keys, cell->interrupted, &t,
			    err);
	if (result == LINK_DONE)
		cell_note(cell, order, trial, &t, part);
	if (result == LINK_BROKEN)
		strbuf_addf(err, " (in trial %llu)", (unsigned long long)trial);
	trial_release(&t);
	return result;
}

bool cell_exhausted(const struct cell *cell, unsigned int budgets)
{
	if (*cell->interrupted)
		return true;
	if (cell->limits.trials)
		return cell->tally.trials >= cell->limits.trials;
	return (clock_now() - cell->started_ns) / budgets >= cell->limits.budget_ns;
}
