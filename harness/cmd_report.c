/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint report: recorded runs (run --json) once more, as TAP with their summary. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "cmd.h"
#include "report/record.h"
#include "report/standard.h"

static const char *const tap_versions[] = { "13", "14", NULL };

static struct {
	unsigned int tap;
	const char *json;
	bool require_all;
} opt;

static const struct option_spec options[] = {
	OPT_CHOICE("tap", 0, &opt.tap, "VERSION", "version of TAP to write", tap_versions,
		   .fallback = "13"),
	OPT_STRING("json", 0, &opt.json, "FILE",
		   "also copy the cells to FILE; - is standard output, then without TAP"),
	OPT_FLAG("require-all", 0, &opt.require_all, "a missing interpreter is a failure"),
	OPT_END,
};

struct input {
	FILE *file;
	const char *name;
	off_t start;   /* who gave it to us may have read a part; -1: a pipe */
	size_t number; /* of the line that was read last */
};

struct inputs {
	struct input *v;
	size_t n, at;
	char *line;
	size_t alloc;
};

/*
 * A line that is no cell is told and passed over: the last one is cut short when the recording run
 * was killed.
 */
static json_t *cell_of_line(struct inputs *inputs, size_t len, struct report *report)
{
	const struct input *input = &inputs->v[inputs->at];
	struct strbuf why = STRBUF_INIT;
	json_error_t error;
	json_t *cell = json_loadb(inputs->line, len, JSON_ALLOW_NUL, &error);

	if (!cell)
		strbuf_addstr(&why, error.text);
	else if (record_check(cell, &why) < 0) {
		json_decref(cell);
		cell = NULL;
	}
	if (!cell && report) {
		warning("%s, line %zu: %s: the line is left out", input->name, input->number,
			why.buf);
		report_lost(report);
	}
	strbuf_release(&why);
	return cell;
}

/* The next cell, or NULL at the end of all files. Without a report, nothing is told. */
static json_t *next_cell(struct inputs *inputs, struct report *report)
{
	for (; inputs->at < inputs->n; inputs->at++) {
		struct input *input = &inputs->v[inputs->at];
		ssize_t len;

		errno = 0;
		while ((len = getline(&inputs->line, &inputs->alloc, input->file)) > 0) {
			json_t *cell;

			input->number++;
			if ((size_t)len == strspn(inputs->line, " \t\r\n"))
				continue;
			cell = cell_of_line(inputs, (size_t)len, report);
			if (cell)
				return cell;
		}
		if (ferror(input->file) && report) {
			warning("cannot read %s: %s", input->name, strerror(errno));
			report_lost(report);
		}
	}
	return NULL;
}

/* So that the plan can come first. A pipe cannot be read twice: 0, not known. */
static size_t count_cells(struct inputs *inputs)
{
	json_t *cell;
	size_t n = 0;

	for (size_t i = 0; i < inputs->n; i++)
		if (inputs->v[i].start < 0)
			return 0;
	while ((cell = next_cell(inputs, NULL))) {
		json_decref(cell);
		n++;
	}
	for (size_t i = 0; i < inputs->n; i++) {
		clearerr(inputs->v[i].file);
		fseeko(inputs->v[i].file, inputs->v[i].start, SEEK_SET);
		inputs->v[i].number = 0;
	}
	inputs->at = 0;
	return n;
}

/* Where each cell was seen first, and how many were seen again. */
struct recurrence {
	json_t *places; /* name: "out.jsonl, line 3" */
	size_t n;
	char *first;    /* the sentence's part about the first one */
};

static void note_recurrence(struct recurrence *seen, const struct inputs *inputs,
			    const json_t *cell)
{
	const struct input *input = &inputs->v[inputs->at];
	struct strbuf name = STRBUF_INIT, clean = STRBUF_INIT;
	const char *before;
	char *place = xstrfmt("%s, line %zu", input->name, input->number);

	result_add_name(&name, cell);
	text_add_line(&clean, name.buf, name.len);
	before = json_string_value(json_object_get(seen->places, clean.buf));
	if (!before)
		json_object_set_new(seen->places, clean.buf, json_string_nocheck(place));
	else if (!seen->n++)
		seen->first = xstrfmt("%s in %s, and in %s", clean.buf, before, place);
	free(place);
	strbuf_release(&name);
	strbuf_release(&clean);
}

static void tell_recurrence(struct recurrence *seen)
{
	if (seen->n)
		warning("%zu cell%s again (%s%s): each is reported and counted, and the table "
			"shows the worst", seen->n, seen->n == 1 ? " comes" : "s come",
			seen->n == 1 ? "" : "the first is ", seen->first);
	free(seen->first);
	json_decref(seen->places);
}

/* All are opened before anything is written. */
static void open_inputs(struct inputs *inputs, int argc, char **argv)
{
	inputs->n = (size_t)argc;
	inputs->v = xcalloc(inputs->n, sizeof(*inputs->v));
	for (size_t i = 0; i < inputs->n; i++) {
		struct input *input = &inputs->v[i];
		bool is_stdin = !strcmp(argv[i], "-");

		input->name = is_stdin ? "standard input" : argv[i];
		input->file = is_stdin ? stdin : fopen(argv[i], "re");
		if (!input->file)
			die(EXIT_USAGE, "cannot read '%s': %s: give a file that 'forkpoint run "
			    "--json FILE' wrote", argv[i], strerror(errno));
		input->start = ftello(input->file);
	}
}

/* Their descriptors, ended by -1; free() it. */
static int *descriptors_of(const struct inputs *inputs)
{
	int *fds = xcalloc(inputs->n + 1, sizeof(*fds));

	for (size_t i = 0; i < inputs->n; i++)
		fds[i] = fileno(inputs->v[i].file);
	fds[inputs->n] = -1;
	return fds;
}

static int cmd_report(int argc, char **argv)
{
	struct report_wish wish = { .json = opt.json, .tap = opt.tap ? 14 : 13,
				    .require_all = opt.require_all };
	struct recurrence seen = { .places = json_object() };
	struct strbuf err = STRBUF_INIT;
	struct inputs inputs = { 0 };
	struct report *report;
	json_t *cell;
	int status, *fds;

	open_inputs(&inputs, argc, argv);
	wish.inputs = fds = descriptors_of(&inputs);
	report = report_standard(&wish, &err);
	if (!report)
		die(EXIT_USAGE, "%s", err.buf);
	report_begin(report, count_cells(&inputs));
	while ((cell = next_cell(&inputs, report))) {
		note_recurrence(&seen, &inputs, cell);
		report_cell(report, cell);
		json_decref(cell);
	}
	tell_recurrence(&seen);
	status = report_end(report, NULL);
	report_free(report);
	for (size_t i = 0; i < inputs.n; i++)
		fclose(inputs.v[i].file);
	free(inputs.v);
	free(inputs.line);
	free(fds);
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint report out.jsonl", "the report of a run that wrote --json out.jsonl" },
	{ "forkpoint run --json - | forkpoint report -", "report while a run goes on" },
	{ "forkpoint report part1.jsonl part2.jsonl", "one report of two shards" },
	{ NULL, NULL },
};

const struct command report_command = {
	.name = "report",
	.synopsis = "[OPTION…] FILE…",
	.summary = "show recorded runs again, as TAP with their table",
	.description =
		"Reads the cells that 'forkpoint run --json FILE' wrote, one object a line, and "
		"writes the report that the run wrote then. The exit status is that of a run with "
		"these cells: 0 all as expected, 1 a verdict differs, 3 a result is missing, 77 "
		"everything was skipped. That a run was interrupted (130) is in no file: what it had "
		"finished is reported as all there is. FILE may be - for standard input; then the plan comes last.\n\n"
		"Several FILEs make one report: the shards of a run, or runs of several days. Where "
		"a cell comes again, nothing is merged and nothing is dropped, for two runs are two "
		"results: each is a test point of its own and is counted, the table shows the worst "
		"of them, and one sentence tells that it is so.\n\n"
		"A line that no run can have written (it is cut short, has more hits than trials, "
		"outcomes that do not sum up to its trials, a rate or a verdict that they belie) is "
		"told by file, line and key and left out, the other lines are reported, and the exit "
		"status is 3. If no line is left, the stream ends with 'Bail out!'.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = cmd_report,
};
