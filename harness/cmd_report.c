/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint report: a recorded run (run --json) once more, as TAP with its summary. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "cmd.h"
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
	char *line;
	size_t alloc;
	size_t number;
};

/*
 * The next cell, or NULL at the end. A line that is no cell is told and passed over: the last one
 * is cut short when the recording run was killed.
 */
static json_t *next_cell(struct input *input, struct report *report)
{
	ssize_t len;

	errno = 0;
	while ((len = getline(&input->line, &input->alloc, input->file)) > 0) {
		json_error_t error;
		json_t *cell;

		input->number++;
		if ((size_t)len == strspn(input->line, " \t\r\n"))
			continue;
		cell = json_loadb(input->line, (size_t)len, JSON_ALLOW_NUL, &error);
		if (json_is_object(cell) && json_is_string(json_object_get(cell, "scenario")))
			return cell;
		if (report) {
			warning("%s, line %zu: %s: the line is left out", input->name,
				input->number, cell ? "no cell of a run" : error.text);
			report_lost(report);
		}
		json_decref(cell);
	}
	if (ferror(input->file) && report) {
		warning("cannot read %s: %s", input->name, strerror(errno));
		report_lost(report);
	}
	return NULL;
}

/* So that the plan can come first. A pipe cannot be read twice: 0, not known. */
static size_t count_cells(struct input *input)
{
	json_t *cell;
	size_t n = 0;

	if (fseek(input->file, 0, SEEK_SET) < 0)
		return 0;
	while ((cell = next_cell(input, NULL))) {
		json_decref(cell);
		n++;
	}
	rewind(input->file);
	input->number = 0;
	return n;
}

static int cmd_report(int argc, char **argv)
{
	struct report_wish wish = { .json = opt.json, .tap = opt.tap ? 14 : 13,
				    .require_all = opt.require_all };
	struct input input = { .file = stdin, .name = "standard input" };
	struct strbuf err = STRBUF_INIT;
	struct report *report;
	json_t *cell;
	int status;

	(void)argc;
	if (strcmp(argv[0], "-") != 0) {
		input.name = argv[0];
		input.file = fopen(argv[0], "re");
		if (!input.file)
			die(EXIT_USAGE, "cannot read '%s': %s: give a file that 'forkpoint run "
			    "--json FILE' wrote", argv[0], strerror(errno));
	}
	report = report_standard(&wish, &err);
	if (!report)
		die(EXIT_USAGE, "--json: %s", err.buf);
	report_begin(report, count_cells(&input));
	while ((cell = next_cell(&input, report))) {
		report_cell(report, cell);
		json_decref(cell);
	}
	status = report_end(report, NULL);
	report_free(report);
	free(input.line);
	fclose(input.file);
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint report out.jsonl", "the report of a run that wrote --json out.jsonl" },
	{ "forkpoint run --json - | forkpoint report -", "report while a run goes on" },
	{ NULL, NULL },
};

const struct command report_command = {
	.name = "report",
	.synopsis = "[OPTION…] FILE",
	.summary = "show a recorded run again, as TAP with its table",
	.description =
		"Reads the cells that 'forkpoint run --json FILE' wrote, one object a line, and "
		"writes the report that the run wrote then. The exit status is the run's as well: 0 "
		"all as expected, 1 a verdict differs, 3 a result is missing, 77 everything was "
		"skipped. FILE may be - for standard input; then the plan comes last.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = 1,
	.run = cmd_report,
};
