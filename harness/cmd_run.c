/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint run: the matrix of scenarios and interpreters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/errors.h"
#include "base/paths.h"
#include "base/rng.h"
#include "base/signals.h"
#include "cmd.h"
#include "matrix/plan.h"
#include "matrix/pool.h"
#include "matrix/python.h"
#include "matrix/unit.h"
#include "report/standard.h"

static const char *const tap_versions[] = { "13", "14", NULL };
static const char *const explore_choices[] = { "auto", "step", "starve", "storm", "all", NULL };
static const char *const isolations[] = { "zygote", "exec", NULL };
static const char *const allocator_choices[] = { /* by enum allocators */
	"auto", "default", "tcache_count=0", "both", NULL,
};
static const char *const twin_choices[] = { "both", "without", "only", NULL };

struct shard {
	unsigned int k, n;
};

static struct {
	struct option_strings pythons;
	unsigned int explore;
	unsigned int isolation;
	unsigned int twins;
	unsigned int allocators;
	uint64_t budget_ns;
	bool budget_given;
	uint64_t trials;
	uint64_t seed;
	bool seed_given;
	uint64_t jobs;
	struct shard shard;
	const char *out;
	unsigned int tap;
	const char *json;
	bool require_all;
	bool exact;
	bool dry_run;
} opt = { .shard = { 1, 1 } };

static int parse_shard(const char *text, void *value, struct strbuf *err)
{
	struct shard *shard = value;
	int end = 0;

	/* Four digits at most, so nothing wraps; sscanf() alone would let signs and blanks pass. */
	if (sscanf(text, "%4u/%4u%n", &shard->k, &shard->n, &end) == 2 && !text[end] &&
	    strspn(text, "0123456789/") == strlen(text) && shard->k >= 1 && shard->k <= shard->n &&
	    shard->n <= 1000)
		return 0;
	strbuf_addf(err, "'%s' is no shard: write K/N with 1 <= K <= N, such as 2/5", text);
	return -1;
}

static const struct option_spec options[] = {
	OPT_STRINGS("python", 'p', &opt.pythons, "SPEC", "only these interpreters: 3.13.18, 3.13 "
		    "(the newest of the line), 3.13d (its debug build), or a prefix"),
	OPT_CHOICE("explore", 'e', &opt.explore, "HOW", "how threads are made to meet; auto steps "
		   "where no gate meets the race, and starves else", explore_choices, .fallback = "auto"),
	OPT_CHOICE("isolation", 'i', &opt.isolation, "HOW", "fork each trial from a process in which "
		   "Python is up, or start it afresh", isolations, .fallback = "zygote"),
	OPT_CHOICE("allocator", 0, &opt.allocators, "HOW", "setting of glibc's malloc in the "
		   "subjects; auto is both where step walks a fork, else default",
		   allocator_choices, .fallback = "auto"),
	OPT_CHOICE("twins", 0, &opt.twins, "WHICH", "run scenarios with their fixed twins, without, "
		   "or only the twins", twin_choices, .fallback = "both"),
	OPT_SECONDS("budget", 'b', &opt.budget_ns, "TIME", "starve, storm: time for one cell that "
		    "chance decides; up to 8 times that until a crash that is expected has been met",
		    .min = NSEC_PER_MSEC, .fallback = "10s", .given = &opt.budget_given),
	OPT_UNSIGNED("trials", 'n', &opt.trials, "N", "starve, storm: exactly this many trials for "
		     "each cell, whatever they cost", .min = 1, .max = 1000000000),
	OPT_UNSIGNED("seed", 0, &opt.seed, "N", "of all random choices; another one each run unless "
		     "given", .given = &opt.seed_given),
	OPT_UNSIGNED("jobs", 'j', &opt.jobs, "N", "cells at once; one for each CPU unless given",
		     .min = 1, .max = 64),
	OPT_CUSTOM("shard", 0, &opt.shard, "K/N", "only the K-th of N equal parts of the cells",
		   parse_shard),
	OPT_STRING("out", 'o', &opt.out, "DIR", "keep a file there for each crash and hang: all "
		   "stacks, registers, maps, the message"),
	OPT_CHOICE("tap", 0, &opt.tap, "VERSION", "version of TAP to write", tap_versions,
		   .fallback = "13"),
	OPT_STRING("json", 0, &opt.json, "FILE", "write one JSON object a cell to FILE; - is "
		   "standard output, then without TAP"),
	OPT_FLAG("exact", 0, &opt.exact, "step: an experiment at each point, also at those that "
		 "can only repeat the one before"),
	OPT_FLAG("require-all", 0, &opt.require_all, "a missing interpreter is a failure"),
	OPT_FLAG("dry-run", 0, &opt.dry_run, "only print the cells, and what of them will be skipped"),
	OPT_END,
};

struct session {
	struct report *report;
	struct progress *progress;
	bool warned; /* a file of --out could not be written, and that was told */
	bool unheard; /* the run ends since nobody reads what comes of it */
};

static void on_begin(void *context, size_t slot, const struct unit *unit)
{
	struct session *session = context;
	char *title = unit_title(unit);

	progress_start(session->progress, slot, title);
	free(title);
}

static void on_end(void *context, size_t slot)
{
	progress_stop(((struct session *)context)->progress, slot);
}

/* What was asked to be kept and is not makes the run incomplete; each such result says so. */
static void note_lost_files(struct session *session, const json_t *result)
{
	json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(result, "findings"), i, finding) {
		const char *why = json_string_value(json_object_get(finding, "dossier_error"));

		if (!why)
			continue;
		report_lost(session->report);
		if (!session->warned)
			warning("%s", why);
		session->warned = true;
	}
}

/* As `forkpoint run | head` goes; with --json FILE there is somebody left to run for. */
static void end_if_unheard(struct session *session)
{
	if (session->unheard || !report_is_unheard(session->report))
		return;
	session->unheard = true;
	signals_interrupt();
}

static void on_result(void *context, const json_t *result)
{
	struct session *session = context;

	report_cell(session->report, result);
	note_lost_files(session, result);
	end_if_unheard(session);
}

static void on_tick(void *context)
{
	progress_draw(((struct session *)context)->progress);
}

static const struct strategy *const *chosen_strategies(void)
{
	static const struct strategy *one[2];

	one[0] = strategy_find(explore_choices[opt.explore]);
	return one[0] ? one : strategies;
}

/* True if the unit will be run, as far as that can be known. */
static bool print_unit(const struct unit *unit)
{
	const char *why = unit->scenario ? unit_unable(unit) : unit->python->problem;
	bool skipped = why && (unit->scenario || unit->python->missing);
	char *title = unit_title(unit);

	printf("%s%s%s%s\n", title, unit_cells(unit) == 2 ? " (and its twin)" :
	       unit->scenario && unit->twins == TWINS_ONLY ? " (twin)" : "",
	       skipped ? " # SKIP " : why ? " # " : "", why ? why : "");
	free(title);
	return !skipped;
}

/* With the exit status of a run that has nothing to do. */
static int print_cells(const struct plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n; i++)
		any |= print_unit(&plan->units[i]);
	if (plan->nothing)
		warning("%s", plan->nothing);
	if (fflush(stdout))
		return EXIT_HARNESS;
	return any ? EXIT_AS_EXPECTED : EXIT_SKIPPED;
}

/* What was asked for and is not for the cells that there are. */
static void note_unheeded(const struct plan *plan)
{
	size_t walked = 0, others = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct unit *unit = &plan->units[i];
		size_t *count = unit->strategy->covers ? &walked : &others;

		if (unit->scenario)
			*count += unit_cells(unit);
	}
	if (opt.trials && walked)
		warning("--trials is for starve and storm: step tries each point of a window, and "
			"walks %zu of the %zu cells", walked, walked + others);
	if (opt.budget_given && walked && !others)
		warning("--budget is for starve and storm: step walks each window to its end");
	if (opt.exact && others && !walked)
		warning("--exact is for step, and no cell is walked by it");
}

static int run_plan(const struct plan *plan, struct strbuf *err)
{
	struct session session = { .progress = progress_new(STDERR_FILENO) };
	struct report_wish wish = { .json = opt.json, .tap = opt.tap ? 14 : 13,
				    .require_all = opt.require_all, .progress = session.progress };
	struct pool_hooks hooks = { .context = &session, .unit_begins = on_begin,
				    .unit_ends = on_end, .result = on_result, .tick = on_tick };
	struct cell_limits limits = { .budget_ns = opt.budget_ns, .trials = opt.trials,
				      .seed = opt.seed, .exact = opt.exact, .out = opt.out };
	const char *bail = NULL;
	int status, ret;

	session.report = report_standard(&wish, err);
	if (!session.report) {
		progress_free(session.progress);
		return EXIT_USAGE;
	}
	report_nothing(session.report, plan->nothing);
	report_begin(session.report, plan->cells);
	end_if_unheard(&session);
	ret = pool_run(plan, &limits, (unsigned int)opt.jobs, &hooks, err);
	if (ret < 0)
		report_lost(session.report);
	if (ret > 0 && !session.unheard)
		report_interrupted(session.report);
	bail = ret > 0 ? "interrupted" : ret < 0 ? err->buf : NULL;
	status = report_end(session.report, bail);
	report_free(session.report);
	progress_free(session.progress);
	return status;
}

/* Interrupted before there was a plan: a complete stream that says so. */
static int end_before_start(struct strbuf *err)
{
	bool json_only = opt.json && !strcmp(opt.json, "-");
	struct report_wish wish = { .json = json_only ? "-" : NULL, .tap = opt.tap ? 14 : 13 };
	struct report *report = report_standard(&wish, err);
	int status;

	report_begin(report, 0);
	report_interrupted(report);
	status = report_end(report, "interrupted");
	report_free(report);
	return status;
}

/* Only the file system itself can tell: a superuser has every right, and a disk may be full. */
static int try_to_write_in(const char *dir)
{
	char *path = xstrfmt("%s/.forkpoint-%d", dir, (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int error = fd < 0 || write(fd, "", 1) != 1 ? errno : 0;

	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	errno = error;
	return error ? -1 : 0;
}

/* Before anything runs: hours of work must not end at a directory that cannot be written. */
static int prepare_out(struct strbuf *err)
{
	if (!opt.out)
		return 0;
	if (paths_make_directories(opt.out, err) < 0) {
		strbuf_addstr(err, ": --out takes a directory of yours");
		return -1;
	}
	if (try_to_write_in(opt.out) == 0)
		return 0;
	strbuf_addf(err, "--out: cannot write in %s: %s: name a directory of yours with some room",
		    opt.out, strerror(errno));
	return -1;
}

static void fill_defaults(void)
{
	uint64_t state = clock_now() ^ (uint64_t)getpid();

	if (!opt.jobs)
		opt.jobs = cpus_online();
	if (!opt.seed_given)
		opt.seed = rng_next(&state) & 0xffffffff;
}

static int cmd_run(int argc, char **argv)
{
	struct plan_request request = {
		.scenarios = argv, .nscenarios = (size_t)argc, .strategies = chosen_strategies(),
		.best = !strcmp(explore_choices[opt.explore], "auto"),
		.isolation = (enum isolation)opt.isolation, .twins = (enum twins)opt.twins,
		.allocators = (enum allocators)opt.allocators,
		.shard = opt.shard.k, .shards = opt.shard.n,
	};
	struct strbuf err = STRBUF_INIT;
	struct python_list pythons;
	struct plan plan = { .n = 0 };
	int status = EXIT_USAGE, loaded;

	fill_defaults();
	signals_take();
	if (prepare_out(&err) < 0)
		goto out;
	loaded = python_list_load(&pythons, opt.pythons.v, opt.pythons.n, (unsigned int)opt.jobs,
				  &err);
	if (loaded > 0) {
		status = end_before_start(&err);
	} else if (loaded == 0 && plan_make(&plan, &pythons, &request, &err) == 0) {
		note_unheeded(&plan);
		status = opt.dry_run ? print_cells(&plan) : run_plan(&plan, &err);
	}
	plan_release(&plan);
	python_list_release(&pythons);
out:
	if (err.len)
		warning("%s", err.buf);
	strbuf_release(&err);
	option_strings_release(&opt.pythons);
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint run", "every scenario on every interpreter, with its twin" },
	{ "forkpoint run fork-lru-list --python 3.13", "one scenario on the newest 3.13" },
	{ "forkpoint run --explore storm --budget 60s", "a minute of each, with and without load" },
	{ "forkpoint run --twins only --trials 1000", "hold every fix against a thousand trials" },
	{ "forkpoint run --json results.jsonl --out crashes", "keep all that was found" },
	{ NULL, NULL },
};

const struct command run_command = {
	.name = "run",
	.synopsis = "[SCENARIO…] [OPTION…]",
	.summary = "reproduce races, and judge what happens",
	.description =
		"Runs scenarios on interpreters, each with its twin (the same code with the fix), and "
		"judges every cell against what that release is known to do. A crash that the "
		"scenario expects is ok; one that nobody expects is not, and neither is a twin that "
		"fails. A cell in which the operation never began inside the window is vacuous: a "
		"failure.\n\n"
		"TAP goes to standard output, with a table at its end; progress to standard error, "
		"if that is a terminal.\n\n"
		"Exit status: 0 all as expected or not seen, 1 a verdict differs or is vacuous, 2 "
		"wrong use, 3 the harness failed, 77 everything was skipped, 130 after Ctrl-C, 141 who read the results went away "
		"(forkpoint run | head): then the run ends, unless --json FILE takes them, too.",
	.options = options,
	.examples = examples,
	.operands_max = OPERANDS_ANY,
	.run = cmd_run,
};
