/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/suggest.h"

#define OPTIONS_MAX 64
/* getopt_long returns LONG_FIRST + index for a long option, so it cannot be taken for a letter. */
#define LONG_FIRST 256
#define VALUE_HELP (LONG_FIRST + OPTIONS_MAX)

static void strings_push(struct option_strings *strings, const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	strings->v = xrealloc(strings->v, (strings->n + 1) * sizeof(*strings->v));
	strings->v[strings->n++] = copy;
}

void option_strings_add(struct option_strings *strings, const char *text)
{
	while (!strchr(text, '/') && strchr(text, ',')) {
		size_t len = strcspn(text, ",");

		strings_push(strings, text, len);
		text += len + 1;
	}
	strings_push(strings, text, strlen(text));
}

void option_strings_release(struct option_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		free(strings->v[i]);
	free(strings->v);
	*strings = (struct option_strings){ 0 };
}

static int parse_choice(const struct option_spec *spec, const char *text, struct strbuf *err)
{
	size_t n = 0;

	for (; spec->choices[n]; n++) {
		if (!strcmp(spec->choices[n], text)) {
			*(unsigned int *)spec->value = (unsigned int)n;
			return 0;
		}
	}
	strbuf_addf(err, "'%s' is none of", text);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(err, "%s %s", i ? "," : "", spec->choices[i]);
	suggest_append(err, "", text, spec->choices, n);
	return -1;
}

static int parse_value(const struct option_spec *spec, const char *text, struct strbuf *err)
{
	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)spec->value = true;
		return 0;
	case OPTION_STRING:
	case OPTION_STRINGS:
		if (!*text) {
			strbuf_addf(err, "the value is empty: give it a %s", spec->arg);
			return -1;
		}
		if (spec->type == OPTION_STRING)
			*(const char **)spec->value = text;
		else
			option_strings_add(spec->value, text);
		return 0;
	case OPTION_UNSIGNED:
		return option_parse_unsigned(text, spec->min, spec->max, spec->value, err);
	case OPTION_SECONDS:
		return option_parse_seconds(text, spec->min, spec->max, spec->value, err);
	case OPTION_CHOICE:
		return parse_choice(spec, text, err);
	case OPTION_CUSTOM:
		return spec->parse(text, spec->value, err);
	}
	bug("option --%s has no type", spec->name);
}

static int take_value(const struct option_spec *spec, const char *text, struct strbuf *err)
{
	strbuf_addf(err, "--%s: ", spec->name);
	if (parse_value(spec, text, err) < 0)
		return -1;
	strbuf_reset(err);
	if (spec->given)
		*spec->given = true;
	return 0;
}

static size_t specs_count(const struct option_spec *specs)
{
	size_t n = 0;

	while (specs && specs[n].name)
		n++;
	if (n > OPTIONS_MAX)
		bug("%zu options are more than %d", n, OPTIONS_MAX);
	return n;
}

static void set_fallbacks(const struct command *command, size_t n)
{
	struct strbuf err = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const struct option_spec *spec = &command->options[i];

		if (spec->fallback && parse_value(spec, spec->fallback, &err) < 0)
			bug("default of %s --%s: %s", command->name, spec->name, err.buf);
	}
	strbuf_release(&err);
}

/* The tables that getopt_long wants. */
static void make_getopt(const struct command *command, size_t n, struct option *longs,
			struct strbuf *shorts)
{
	strbuf_addstr(shorts, command->stop_at_operand ? "+:h" : ":h");
	for (size_t i = 0; i < n; i++) {
		const struct option_spec *spec = &command->options[i];
		bool has_arg = spec->type != OPTION_FLAG;

		longs[i] = (struct option){ spec->name, has_arg, NULL, LONG_FIRST + (int)i };
		if (spec->short_name)
			strbuf_addf(shorts, "%c%s", spec->short_name, has_arg ? ":" : "");
	}
	longs[n] = (struct option){ "help", 0, NULL, VALUE_HELP };
	longs[n + 1] = (struct option){ 0 };
}

static const struct option_spec *spec_of(const struct command *command, size_t n, int value)
{
	if (value >= LONG_FIRST && value < LONG_FIRST + (int)n)
		return &command->options[value - LONG_FIRST];
	for (size_t i = 0; i < n; i++)
		if (value && command->options[i].short_name == value)
			return &command->options[i];
	return NULL;
}

/* getopt_long said '?': the option is unknown, ambiguous, or a flag that was given a value. */
static void explain_unknown(const struct command *command, size_t n, const char *arg,
			    struct strbuf *err)
{
	const char *names[OPTIONS_MAX + 1] = { "help" };
	size_t len, matches = 0, nnames = 1;

	if (optopt && optopt < LONG_FIRST) {
		strbuf_addf(err, "unknown option '-%c'", optopt);
		goto help;
	}
	if (optopt) {
		const struct option_spec *spec = spec_of(command, n, optopt);

		strbuf_addf(err, "--%s takes no value: leave out what follows the '='",
			    spec ? spec->name : "help");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!command->options[i].hidden)
			names[nnames++] = command->options[i].name;
	arg += 2;
	len = strcspn(arg, "=");
	for (size_t i = 0; i < nnames; i++)
		matches += !strncmp(names[i], arg, len);
	if (matches > 1) {
		size_t said = 0;

		strbuf_addf(err, "'--%.*s' could be", (int)len, arg);
		for (size_t i = 0; i < nnames; i++)
			if (!strncmp(names[i], arg, len))
				strbuf_addf(err, "%s --%s", said++ ? " or" : "", names[i]);
		strbuf_addstr(err, ": write it out");
		return;
	}
	strbuf_addf(err, "unknown option '--%.*s'", (int)len, arg);
	{
		char *word = xstrfmt("%.*s", (int)len, arg);
		const char *nearest = suggest_word(word, names, nnames);

		free(word);
		if (nearest) {
			strbuf_addf(err, ": did you mean '--%s'?", nearest);
			return;
		}
	}
help:
	strbuf_addf(err, ": 'forkpoint %s --help' lists them", command->name);
}

static int check_operands(const struct command *command, int argc, char **argv,
			  struct strbuf *err)
{
	unsigned int n = (unsigned int)argc;

	if (n < command->operands_min) {
		strbuf_addf(err, "%s needs %s: forkpoint %s %s", command->name,
			    n ? "another operand" : "an operand", command->name,
			    command->synopsis);
		return -1;
	}
	if (command->operands_max != OPERANDS_ANY && n > command->operands_max) {
		strbuf_addf(err, "%s does not know what to do with '%s': forkpoint %s %s",
			    command->name, argv[command->operands_max], command->name,
			    command->synopsis);
		return -1;
	}
	return 0;
}

enum options_result options_parse(const struct command *command, int *argc, char ***argv,
				  struct strbuf *err)
{
	struct option longs[OPTIONS_MAX + 2];
	struct strbuf shorts = STRBUF_INIT;
	size_t n = specs_count(command->options);
	enum options_result result = OPTIONS_BAD;
	int value;

	set_fallbacks(command, n);
	make_getopt(command, n, longs, &shorts);
	optind = 0; /* glibc and musl: start afresh */
	opterr = 0;
	while ((value = getopt_long(*argc, *argv, shorts.buf, longs, NULL)) != -1) {
		const struct option_spec *spec = spec_of(command, n, value);

		if (value == 'h' || value == VALUE_HELP) {
			result = OPTIONS_HELP;
			goto out;
		}
		if (value == ':') {
			spec = spec_of(command, n, optopt);
			strbuf_addf(err, "--%s needs a value: --%s %s", spec->name, spec->name,
				    spec->arg);
			goto out;
		}
		if (!spec) {
			explain_unknown(command, n, (*argv)[optind - 1], err);
			goto out;
		}
		if (take_value(spec, optarg, err) < 0)
			goto out;
	}
	*argc -= optind;
	*argv += optind;
	if (check_operands(command, *argc, *argv, err) < 0)
		goto out;
	result = OPTIONS_RUN;
out:
	strbuf_release(&shorts);
	return result;
}
