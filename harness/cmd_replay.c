/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint replay: one trial again, as its replay line has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/signals.h"
#include "cmd.h"
#include "matrix/classify.h"
#include "matrix/replay.h"
#include "matrix/unit.h"
#include "run/stats.h"

static struct {
	uint64_t tries;
} opt;

static const struct option_spec options[] = {
	OPT_UNSIGNED("tries", 'n', &opt.tries, "N", "give up after N trials without the outcome",
		     .min = 1, .fallback = "1000"),
	OPT_END,
};

/* The unit that the line names: one interpreter, one variant. */
static int find_unit(const struct replay *replay, const struct python_list *pythons,
		     struct unit *unit, struct plan *plan, struct strbuf *err)
{
	const struct strategy *only[] = { replay->strategy, NULL };
	char *const names[] = { replay->scenario };
	struct plan_request request = {
		.scenarios = names, .nscenarios = 1, .strategies = only,
		.isolation = replay->isolation, .twins = TWINS_BOTH,
		.allocators = replay->allocator == ALLOCATOR_DEFAULT ? ALLOCATORS_DEFAULT :
			      ALLOCATORS_NO_TCACHE,
		.shard = 1, .shards = 1,
	};

	if (pythons->v[0].problem) {
		strbuf_addstr(err, pythons->v[0].problem);
		return -1;
	}
	if (plan_make(plan, pythons, &request, err) < 0)
		return -1;
	if (plan->n != 1) {
		strbuf_addf(err, "'%s' does not name one scenario of %s (forkpoint list shows "
			    "scenarios with their variants)", replay->scenario, replay->python);
		return -1;
	}
	*unit = plan->units[0];
	return 0;
}

/* The tries may have met others before the one that was asked for. */
static const struct crash *crash_of(const struct cell *cell, enum outcome outcome)
{
	for (unsigned int i = 0; i < cell->nfindings; i++)
		if (cell->findings[i].outcome == outcome && cell->findings[i].crash)
			return cell->findings[i].crash;
	return NULL;
}

static void print_crash(const struct crash *crash)
{
	struct triage *triage;

	if (!crash)
		return;
	triage = classify_finding(crash);
	printf("%s\n%s: %s\n", triage->signature, pattern_name(triage->pattern), triage->detail);
	triage_free(triage);
}

/* What came instead, and what trials of one process cannot tell. */
static void print_instead(const struct tally *tally, enum isolation isolation)
{
	const char *before = "instead: ";

	for (int i = 0; i < OUTCOME_COUNT; i++) {
		if (!tally->outcomes[i])
			continue;
		printf("%s%s in %llu", before, outcome_name((enum outcome)i),
		       (unsigned long long)tally->outcomes[i]);
		before = ", ";
	}
	printf("\n");
	if (isolation == ISOLATION_ZYGOTE)
		printf("All were forks of one process, with the random numbers that it drew when "
		       "it started; another replay draws others.\n");
}

static int report_end_of_tries(const struct replay *replay, const struct cell *cell)
{
	uint64_t met = cell->tally.outcomes[replay->outcome], trials = cell->tally.trials;

	if (met) {
		printf("%s again, in trial %llu\n", outcome_name(replay->outcome),
		       (unsigned long long)trials);
		print_crash(crash_of(cell, replay->outcome));
		return EXIT_AS_EXPECTED;
	}
	printf("no %s in %llu trials: its rate is below %.2g at 95 %% (--tries for more)\n",
	       outcome_name(replay->outcome), (unsigned long long)trials,
	       stats_rounded_up(stats_upper95(0, trials), 2));
	print_instead(&cell->tally, replay->isolation);
	return EXIT_UNEXPECTED;
}

/* Can there be such a trial at all? EXIT_AS_EXPECTED, or a status and a sentence. */
static int check_unit(const struct unit *unit, struct strbuf *err)
{
	const struct strategy *strategy = unit->strategy;
	const char *why = unit_unable(unit);
	char *name;

	if (!why)
		return EXIT_AS_EXPECTED;
	name = unit_title(unit);
	strbuf_addf(err, "%s cannot be repeated: %s", name, why);
	free(name);
	return strategy->fits && !strategy->fits(unit->scenario) ? EXIT_USAGE : EXIT_HARNESS;
}

/* Its number may name no trial: then a sentence is in `none`. */
static enum link_result check_number(const struct replay *replay, struct cell *cell,
				     struct strbuf *none, struct strbuf *err)
{
	if (!cell)
		return LINK_BROKEN;
	if (!replay->strategy->check)
		return LINK_DONE;
	return replay->strategy->check(cell, replay->trial, none, err);
}

/*
 * The same order each time. Where chance enters, the order alone does not decide the outcome, so it
 * is tried until the outcome comes.
 */
static int run_tries(const struct replay *replay, const struct unit *unit,
		     const volatile bool *interrupted, struct strbuf *err)
{
	struct cell_limits limits = { .trials = opt.tries, .seed = replay->seed };
	struct bench *bench = bench_new(&limits, interrupted);
	struct cell *cell = bench_cell(bench, unit, replay->twin, err);
	struct strbuf none = STRBUF_INIT;
	enum link_result result = check_number(replay, cell, &none, err);
	int status = EXIT_HARNESS;

	while (result == LINK_DONE && !none.len && !cell_exhausted(cell, 1) &&
	       !cell->tally.outcomes[replay->outcome]) {
		result = strategy_trial(replay->strategy, cell, replay->trial, NULL, err);
	}
	if (result == LINK_INTERRUPTED || *interrupted)
		status = EXIT_INTERRUPTED;
	else if (none.len)
		status = EXIT_USAGE;
	else if (result == LINK_DONE)
		status = report_end_of_tries(replay, cell);
	strbuf_addstr(err, none.buf);
	strbuf_release(&none);
	bench_cell_free(cell);
	bench_free(bench);
	processes_sweep();
	return status;
}

static int cmd_replay(int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT;
	struct python_list pythons = { .n = 0 };
	struct plan plan = { .n = 0 };
	struct replay replay;
	struct unit unit;
	const volatile bool *interrupted = signals_take();
	int status = EXIT_USAGE, loaded;

	(void)argc;
	if (replay_parse(argv[0], &replay, &err) < 0)
		goto out;
	loaded = python_list_load(&pythons, &replay.python, 1, 1, &err);
	if (loaded > 0)
		status = EXIT_INTERRUPTED;
	else if (loaded == 0 && pythons.v[0].problem && !pythons.v[0].missing)
		status = EXIT_HARNESS;
	if (loaded == 0 && find_unit(&replay, &pythons, &unit, &plan, &err) == 0)
		status = check_unit(&unit, &err);
	if (status == EXIT_AS_EXPECTED)
		status = run_tries(&replay, &unit, interrupted, &err);
out:
	if (err.len)
		warning("%s", err.buf);
	plan_release(&plan);
	python_list_release(&pythons);
	replay_release(&replay);
	strbuf_release(&err);
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint replay fp2:finalize-ensure-after:bug:3.13.18:starve:zygote:default:0x1:0:"
	  "SIGSEGV",
	  "that trial again" },
	{ NULL, NULL },
};

const struct command replay_command = {
	.name = "replay",
	.synopsis = "LINE [OPTION…]",
	.summary = "repeat one trial by the line that a report printed",
	.description =
		"Runs the trial again in the same order of events, from the same seed, until it has "
		"the outcome that the line records. A gate or a deterministic scenario meets it at "
		"once; where chance enters, trials are repeated.\n\n"
		"Exit status: 0 the outcome came again, 1 it did not, 2 wrong use, 3 the harness "
		"failed, 130 after Ctrl-C.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = 1,
	.run = cmd_replay,
};
