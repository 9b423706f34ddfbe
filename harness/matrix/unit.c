/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/unit.h"

#include <stdlib.h>

#include "base/errors.h"
#include "base/signals.h"
#include "matrix/confirm.h"
#include "matrix/result.h"

struct bench {
	struct cell_limits limits;
	const volatile bool *interrupted;
	const struct python *python; /* whose links these are */
	struct link *links[2][ALLOCATOR_COUNT]; /* by enum isolation; NULL: not open */
	struct capture_cache *cache;
};

struct bench *bench_new(const struct cell_limits *limits, const volatile bool *interrupted)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));

	bench->limits = *limits;
	bench->interrupted = interrupted;
	return bench;
}

static void bench_close(struct bench *bench)
{
	for (int i = 0; i < 2; i++) {
		for (int a = 0; a < ALLOCATOR_COUNT; a++) {
			link_close(bench->links[i][a]);
			bench->links[i][a] = NULL;
		}
	}
	if (bench->cache)
		capture_cache_free(bench->cache);
	bench->cache = NULL;
	bench->python = NULL;
}

void bench_free(struct bench *bench)
{
	bench_close(bench);
	free(bench);
}

static struct link *bench_link(struct bench *bench, const struct python *python,
			       enum isolation isolation, enum allocator allocator,
			       struct strbuf *err)
{
	struct link **link = &bench->links[isolation][allocator];

	if (bench->python != python)
		bench_close(bench);
	bench->python = python;
	if (!bench->cache)
		bench->cache = capture_cache_new();
	if (!*link)
		*link = link_open(python->host, python->interp->home, isolation, allocator,
				  bench->interrupted, err);
	return *link;
}

static bool chosen(const struct unit *unit, const struct cell *cell, enum allocator allocator)
{
	const struct strategy *strategy = unit->strategy;

	switch (unit->allocators) {
	case ALLOCATORS_AUTO:
		return allocator == ALLOCATOR_DEFAULT ||
		       (strategy->tries_allocators && strategy->tries_allocators(cell));
	case ALLOCATORS_DEFAULT:
		return allocator == ALLOCATOR_DEFAULT;
	case ALLOCATORS_NO_TCACHE:
		return allocator == ALLOCATOR_NO_TCACHE;
	case ALLOCATORS_BOTH:
		break;
	}
	return true;
}

/* 0, or -1 and a sentence. */
static int cell_link(struct bench *bench, const struct unit *unit, struct cell *cell,
		     struct strbuf *err)
{
	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		enum allocator allocator = (enum allocator)i;

		if (!chosen(unit, cell, allocator))
			continue;
		cell->settings[i].link = bench_link(bench, unit->python, unit->isolation,
						    allocator, err);
		if (!cell->settings[i].link)
			return -1;
	}
	return 0;
}

struct cell *bench_cell(struct bench *bench, const struct unit *unit, bool twin, struct strbuf *err)
{
	const struct catalog *catalog = &unit->python->catalog;
	struct cell *cell = xcalloc(1, sizeof(*cell));

	cell->interp = unit->python->interp;
	cell->catalog = catalog;
	cell->scenario = unit->scenario;
	cell->variant = unit->variant;
	cell->twin = twin;
	cell->isolation = unit->isolation;
	cell->expected = catalog_expected(catalog, unit->scenario,
					  &unit->scenario->variants[unit->variant], twin);
	if (unit->strategy->covers && cell->expected) {
		cell->widened = *cell->expected;
		cell->widened.allows.has[OUTCOME_OK] = true;
		cell->expected = &cell->widened;
	}
	cell->limits = bench->limits;
	cell->settings_asked_for = unit->allocators != ALLOCATORS_AUTO;
	if (cell_link(bench, unit, cell, err) < 0) {
		free(cell);
		return NULL;
	}
	cell->cache = bench->cache;
	cell->interrupted = bench->interrupted;
	cell_begin(cell);
	return cell;
}

void bench_cell_free(struct cell *cell)
{
	if (cell)
		cell_release(cell);
	free(cell);
}

/* Did anything happen that controls could bear out or refute? */
static bool has_case(const struct cell *cell)
{
	return cell && cell->nfindings > 0;
}

/* Explore one cell. LINK_BROKEN leaves its sentence in err. */
static enum link_result explore(struct bench *bench, const struct unit *unit, bool twin,
				struct cell **cell, struct strbuf *err)
{
	*cell = bench_cell(bench, unit, twin, err);
	if (!*cell)
		return *bench->interrupted ? LINK_INTERRUPTED : LINK_BROKEN;
	return unit->strategy->explore(*cell, err);
}

/*
 * `twin` NULL: it is not to be reported. Where a whole window was walked, the twin's is walked all
 * the same: some trials of it say nothing of its other points, and it may be another window.
 */
static enum link_result confirm(struct bench *bench, const struct unit *unit, struct cell *bug,
				struct cell *twin, struct confirm *out, struct strbuf *err)
{
	struct link *fresh = bench_link(bench, unit->python, ISOLATION_EXEC,
					bug->findings[0].allocator, err);
	enum link_result result = LINK_DONE;
	struct cell *unreported = NULL;

	if (!fresh)
		return *bench->interrupted ? LINK_INTERRUPTED : LINK_BROKEN;
	if (!twin && unit->strategy->covers)
		result = explore(bench, unit, true, &unreported, err);
	if (result == LINK_DONE)
		result = confirm_run(bug, unit->strategy, twin ? twin : unreported, fresh, out,
				     err);
	bench_cell_free(unreported);
	return result;
}

/*
 * After a failure: the hosts are closed, and what they left behind is ended. The worker is a
 * subreaper, so orphans are its children now.
 */
static void bench_start_afresh(struct bench *bench)
{
	bench_close(bench);
	processes_sweep();
}

const char *unit_unable(const struct unit *unit)
{
	const struct strategy *strategy = unit->strategy;
	const struct catalog_variant *variant = &unit->scenario->variants[unit->variant];
	const struct catalog *catalog = &unit->python->catalog;

	if (unit->scenario->unsupported)
		return unit->scenario->unsupported;
	if (strategy->fits && !strategy->fits(unit->scenario))
		return "it has no window to walk through: try --explore starve";
	if (strategy->unable && strategy->unable())
		return strategy->unable();
	if (!catalog_expected(catalog, unit->scenario, variant, false) ||
	    !catalog_expected(catalog, unit->scenario, variant, true))
		return "its table says nothing of this release: add a row to the scenario";
	return NULL;
}

static bool wants(const struct unit *unit, bool twin)
{
	return unit->twins == TWINS_BOTH || (unit->twins == TWINS_ONLY) == twin;
}

static void emit_unable(const struct unit *unit, bench_emit *emit, void *context)
{
	for (int twin = 0; twin < 2; twin++)
		if (wants(unit, twin))
			emit(context, result_skipped(unit, twin, unit_unable(unit), false));
}

/* Nothing is said of a cell that was interrupted: it has no result. */
static void emit_cells(const struct unit *unit, struct cell *const cells[2],
		       const enum link_result results[2], const struct strbuf errors[2],
		       const struct confirm *confirmed, bench_emit *emit, void *context)
{
	for (int twin = 0; twin < 2; twin++) {
		if (!wants(unit, twin) || results[twin] == LINK_INTERRUPTED)
			continue;
		emit(context, results[twin] == LINK_BROKEN ?
			      result_broken(unit, twin, errors[twin].buf) :
			      result_of_cell(unit, cells[twin], twin ? NULL : confirmed));
	}
}

/*
 * The controls belong to a cell that has a case: without them, since somebody interrupts, it is not
 * finished either. Where the twin failed there are none.
 */
static enum link_result control(struct bench *bench, const struct unit *unit,
				struct cell *const cells[2], enum link_result twin,
				struct confirm *confirmed, struct strbuf *err)
{
	enum link_result result;

	if (twin != LINK_DONE)
		return twin == LINK_BROKEN ? LINK_DONE : twin;
	result = confirm(bench, unit, cells[0], cells[1], confirmed, err);
	if (result == LINK_BROKEN)
		bench_start_afresh(bench);
	return result;
}

static void run_cells(struct bench *bench, const struct unit *unit, bench_emit *emit, void *context)
{
	struct cell *cells[2] = { NULL, NULL };
	enum link_result results[2] = { LINK_DONE, LINK_DONE };
	struct strbuf errors[2] = { STRBUF_INIT, STRBUF_INIT };
	struct confirm confirmed = { .controls = { .done = false } };

	for (int twin = 0; twin < 2; twin++) {
		if (*bench->interrupted)
			results[twin] = LINK_INTERRUPTED;
		else if (wants(unit, twin))
			results[twin] = explore(bench, unit, twin, &cells[twin], &errors[twin]);
		if (results[twin] == LINK_BROKEN)
			bench_start_afresh(bench);
	}
	if (has_case(cells[0]) && results[0] == LINK_DONE)
		results[0] = control(bench, unit, cells, results[1], &confirmed, &errors[0]);
	emit_cells(unit, cells, results, errors, &confirmed, emit, context);
	for (int twin = 0; twin < 2; twin++) {
		bench_cell_free(cells[twin]);
		strbuf_release(&errors[twin]);
	}
}

void bench_run(struct bench *bench, const struct unit *unit, bench_emit *emit, void *context)
{
	const struct python *python = unit->python;

	if (python->problem)
		emit(context, python->missing ?
			      result_skipped(unit, false, python->problem, true) :
			      result_broken(unit, false, python->problem));
	else if (unit_unable(unit))
		emit_unable(unit, emit, context);
	else
		run_cells(bench, unit, emit, context);
}
