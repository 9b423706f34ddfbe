/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint list: the scenarios, as the host of an interpreter describes them. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/manual.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "cmd.h"
#include "run/host.h"
#include "run/interp.h"

#define SCHEMA 1
/* Column in which the texts begin. */
#define COLUMN 12

static struct {
	bool json;
	bool names;
	const char *python;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("json", 0, &opt.json, "one JSON object a line, one line a scenario"),
	OPT_FLAG("names", 0, &opt.names, "the names only, one a line"),
	OPT_STRING("python", 'p', &opt.python, "SPEC",
		   "ask the host of this interpreter; else that of the newest release"),
	OPT_END,
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_hidden(const json_t *scenario)
{
	return json_is_true(json_object_get(json_object_get(scenario, "flags"), "hidden"));
}

/*
 * What a host says. Every host knows every scenario, so without --python any will do: the newest
 * first, and older ones if it cannot be built.
 */
static json_t *describe(struct strbuf *err)
{
	struct interp_list list = { 0 };
	const struct interp **defaults = NULL, *named;
	json_t *description = NULL;
	int status = EXIT_HARNESS;
	size_t n;

	if (interp_list_load(&list, err) < 0)
		goto out;
	if (opt.python) {
		named = interp_find(&list, opt.python, err);
		if (named)
			description = host_describe(named, err);
		else
			status = EXIT_USAGE;
		goto out;
	}
	n = interp_defaults(&list, &defaults);
	if (!n)
		strbuf_addstr(err, "no interpreter is here to ask what scenarios there are: type "
			      "'forkpoint pythons fetch'");
	while (n-- && !description) {
		strbuf_reset(err);
		description = host_describe(defaults[n], err);
	}
out:
	free(defaults);
	interp_list_release(&list);
	if (!description)
		die(status, "%s", err->buf);
	return description;
}

/* "label      text", wrapped. */
static void print_text(const char *label, const char *text)
{
	if (!*text)
		return;
	printf("  %-*s", COLUMN - 2, label);
	manual_wrap(text, COLUMN, COLUMN, stdout);
}

static bool has_word(const char *words, const char *word, size_t len)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		if (n == len && !strncmp(words, word, len))
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

/* Words of a set with "or" between, those of `but` left out. How many they are. */
static size_t add_set(struct strbuf *sb, const char *words, const char *but)
{
	size_t n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (len && !has_word(but, words, len))
			strbuf_addf(sb, "%s%.*s", n++ ? " or " : "", (int)len, words);
		words += len;
		words += strspn(words, " ");
	}
	return n;
}

/* "twin, debug, <3.13.8: SIGSEGV or SIGABRT in at least 0.1 % of hits; allowed as well: ok". */
static void print_expectation(const json_t *row, const char *label)
{
	struct strbuf sb = STRBUF_INIT, also = STRBUF_INIT;
	const char *variant = text_of(row, "variant"), *flavours = text_of(row, "flavours");
	const char *releases = text_of(row, "releases"), *allows = text_of(row, "allows");
	const char *shows = text_of(row, "shows"), *source = text_of(row, "source");
	double floor = json_number_value(json_object_get(row, "floor"));

	if (json_is_true(json_object_get(row, "twin")))
		strbuf_addstr(&sb, "twin, ");
	if (*variant)
		strbuf_addf(&sb, "%s, ", variant);
	if (*flavours)
		strbuf_addf(&sb, "%s, ", flavours);
	strbuf_addf(&sb, "%s: ", *releases ? releases : "every release");
	if (add_set(&sb, shows, "") && floor > 0)
		strbuf_addf(&sb, " in at least %g %% of hits", 100 * floor);
	if (add_set(&also, allows, shows))
		strbuf_addf(&sb, "%s%s", *shows ? "; allowed as well: " : "", also.buf);
	if (!*shows && !also.len)
		strbuf_addstr(&sb, "ok");
	if (*source)
		strbuf_addf(&sb, " (%s)", source);
	print_text(label, sb.buf);
	strbuf_release(&also);
	strbuf_release(&sb);
}

static void print_expectations(const json_t *scenario)
{
	json_t *rows = json_object_get(scenario, "expectations"), *row;
	bool has_twin = false;
	size_t i;

	json_array_foreach(rows, i, row) {
		print_expectation(row, i ? "" : "expected");
		has_twin |= json_is_true(json_object_get(row, "twin"));
	}
	if (!has_twin)
		print_text(i ? "" : "expected", "twin, every release: ok");
}

static void print_scenario(const json_t *scenario, const char *python)
{
	json_t *member;
	size_t i;

	printf("%s\n", text_of(scenario, "name"));
	print_text("race", text_of(scenario, "race"));
	print_text("seen as", text_of(scenario, "symptom"));
	print_text("twin", text_of(scenario, "fix"));
	print_text("operation", text_of(scenario, "operation"));
	json_array_foreach(json_object_get(scenario, "variants"), i, member) {
		const char *releases = text_of(member, "releases");
		char *text = xstrfmt("%s: %s%s%s%s", text_of(member, "name"),
				     text_of(member, "doc"), *releases ? " (" : "", releases,
				     *releases ? ")" : "");

		print_text(i ? "" : "variants", text);
		free(text);
	}
	print_expectations(scenario);
	json_array_foreach(json_object_get(scenario, "links"), i, member)
		print_text(i ? "" : "links", json_string_value(member));
	if (*text_of(scenario, "unsupported")) {
		char *text = xstrfmt("not on %s: %s", python, text_of(scenario, "unsupported"));

		print_text("note", text);
		free(text);
	}
}

static void print_json(const json_t *scenario, const json_t *description)
{
	json_t *line = json_object();

	json_object_set_new(line, "schema", json_integer(SCHEMA));
	json_object_set(line, "python", json_object_get(description, "python"));
	json_object_set(line, "flavour", json_object_get(description, "flavour"));
	json_object_update(line, (json_t *)scenario);
	json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(line);
}

static bool is_asked_for(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return !argc;
}

/* Ends the program if an operand is no scenario. */
static void check_operands(const json_t *scenarios, int argc, char **argv)
{
	size_t n = json_array_size(scenarios);
	const char **names = xcalloc(n, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = text_of(json_array_get(scenarios, i), "name");
	for (int i = 0; i < argc; i++) {
		struct strbuf hint = STRBUF_INIT;
		bool known = false;

		for (size_t j = 0; j < n; j++)
			known |= !strcmp(names[j], argv[i]);
		if (known)
			continue;
		suggest_append(&hint, "", argv[i], names, n);
		if (!hint.len)
			strbuf_addstr(&hint, ": 'forkpoint list --names' tells which there are");
		die(EXIT_USAGE, "unknown scenario '%s'%s", argv[i], hint.buf);
	}
	free(names);
}

static int cmd_list(int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT;
	json_t *description, *scenarios, *scenario;
	size_t i, shown = 0;

	if (opt.json && opt.names)
		die(EXIT_USAGE, "--json and --names are two forms of one list: give one of them");
	description = describe(&err);
	scenarios = json_object_get(description, "scenarios");
	check_operands(scenarios, argc, argv);
	json_array_foreach(scenarios, i, scenario) {
		const char *name = text_of(scenario, "name");

		/* The harness's tests of itself are there for who names them. */
		if (!is_asked_for(name, argc, argv) || (!argc && is_hidden(scenario)))
			continue;
		if (opt.names) {
			puts(name);
		} else if (opt.json) {
			print_json(scenario, description);
		} else {
			printf("%s", shown++ ? "\n" : "");
			print_scenario(scenario, text_of(description, "python"));
		}
	}
	json_decref(description);
	strbuf_release(&err);
	return EXIT_AS_EXPECTED;
}

static const struct command_example examples[] = {
	{ "forkpoint list", "every scenario with its race, its twin and what is expected" },
	{ "forkpoint list fork-lru-list", "one scenario" },
	{ "forkpoint list --json | jq .name", "for programs" },
	{ NULL, NULL },
};

const struct command list_command = {
	.name = "list",
	.synopsis = "[SCENARIO…] [OPTION…]",
	.summary = "scenarios, their twins, what is expected on which release",
	.description =
		"Lists the scenarios: which two things race, what a user sees of it, what the twin "
		"does differently, and which outcomes are expected on which releases. A row of the "
		"expected outcomes holds where no row above it does.",
	.options = options,
	.examples = examples,
	.operands_max = OPERANDS_ANY,
	.run = cmd_list,
};
