/* SPDX-License-Identifier: Apache-2.0 */
#include "base/manual.h"

#include <string.h>

#include "base/version.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 80

static const char about[] =
	"Reproduces fork and finalization races of CPython and of native extensions, "
	"captures what crashes or hangs, names the pattern, and reports it as TAP.";

static const struct {
	int status;
	const char *meaning;
} statuses[] = {
	{ 0, "all as expected, or a random search met nothing" },
	{ 1, "a verdict differs from what was expected, or a cell is vacuous" },
	{ 2, "wrong usage" },
	{ 3, "the harness itself failed" },
	{ 77, "everything was skipped" },
	{ 130, "interrupted; what was finished is reported" },
};

/* Characters on the screen; bytes that continue a UTF-8 character take no column. */
static size_t columns(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void print_spaces(size_t n, FILE *out)
{
	while (n--)
		fputc(' ', out);
}

void manual_wrap(const char *text, size_t indent, size_t at, FILE *out)
{
	bool first = true;

	for (const char *word = text; *word;) {
		size_t len = strcspn(word, " \n"), width = columns(word, len);

		if (!first && at + 1 + width > HELP_WIDTH) {
			fputc('\n', out);
			print_spaces(indent, out);
			at = indent;
			first = true;
		}
		fprintf(out, "%s%.*s", first ? "" : " ", (int)len, word);
		at += width + !first;
		first = false;
		word += len;
		if (!strncmp(word, "\n\n", 2)) {
			fputs("\n\n", out);
			print_spaces(indent, out);
			at = indent;
			first = true;
		}
		word += strspn(word, " \n");
	}
	fputc('\n', out);
}

static void print_row(const struct strbuf *left, const char *help, FILE *out)
{
	size_t width = columns(left->buf, left->len);

	fputs(left->buf, out);
	if (width + 2 > HELP_COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	print_spaces(HELP_COLUMN - width, out);
	manual_wrap(help, HELP_COLUMN, HELP_COLUMN, out);
}

/* The help of an option with its choices and default, as one text. */
static void option_text(const struct option_spec *spec, struct strbuf *sb)
{
	strbuf_addstr(sb, spec->help);
	if (spec->type == OPTION_CHOICE) {
		strbuf_addstr(sb, ":");
		for (size_t i = 0; spec->choices[i]; i++)
			strbuf_addf(sb, "%s %s", i ? "," : "", spec->choices[i]);
	}
	if (spec->type == OPTION_STRINGS)
		strbuf_addstr(sb, "; may be given more than once");
	if (spec->fallback)
		strbuf_addf(sb, " (%s unless given)", spec->fallback);
}

static void print_option(const struct option_spec *spec, FILE *out)
{
	struct strbuf left = STRBUF_INIT, text = STRBUF_INIT;

	if (spec->short_name)
		strbuf_addf(&left, "  -%c, --%s", spec->short_name, spec->name);
	else
		strbuf_addf(&left, "      --%s", spec->name);
	if (spec->arg)
		strbuf_addf(&left, " %s", spec->arg);
	option_text(spec, &text);
	print_row(&left, text.buf, out);
	strbuf_release(&left);
	strbuf_release(&text);
}

static const struct option_spec help_option = {
	.name = "help", .short_name = 'h', .type = OPTION_FLAG, .help = "show this",
};

void manual_print_command(const struct command *command, FILE *out)
{
	fprintf(out, "usage: forkpoint %s %s\n\n", command->name, command->synopsis);
	manual_wrap(command->description ? command->description : command->summary, 0, 0, out);
	fputs("\noptions:\n", out);
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		if (!spec->hidden)
			print_option(spec, out);
	print_option(&help_option, out);
	if (!command->examples)
		return;
	fputs("\nexamples:\n", out);
	for (const struct command_example *example = command->examples; example->line; example++) {
		fprintf(out, "  %s\n      ", example->line);
		manual_wrap(example->what, 6, 6, out);
	}
}

void manual_print_overview(const struct command *const *commands, FILE *out)
{
	struct strbuf left = STRBUF_INIT;

	fputs("usage: forkpoint COMMAND [ARGUMENT…]\n\n", out);
	manual_wrap(about, 0, 0, out);
	fputs("\ncommands:\n", out);
	for (; *commands; commands++) {
		strbuf_addf(&left, "  %s", (*commands)->name);
		print_row(&left, (*commands)->summary, out);
		strbuf_reset(&left);
	}
	fputs("\noptions:\n", out);
	print_option(&help_option, out);
	fputs("      --version             show the version\n\nexit status:\n", out);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		strbuf_addf(&left, "  %d", statuses[i].status);
		print_row(&left, statuses[i].meaning, out);
		strbuf_reset(&left);
	}
	fputs("\n'forkpoint COMMAND --help' tells more of a command.\n", out);
	strbuf_release(&left);
}

/* In roff a backslash, a hyphen, and a dot or quote at the start of a line mean something else. */
static void roff_text(const char *text, FILE *out)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (!strncmp(text, "\n\n", 2))
			fputs("\n.PP", out);
		else
			fputc(*text, out);
	}
	fputc('\n', out);
}

static void roff_option(const struct option_spec *spec, FILE *out)
{
	struct strbuf text = STRBUF_INIT;

	fputs(".TP\n", out);
	if (spec->short_name)
		fprintf(out, "\\fB\\-%c\\fR, ", spec->short_name);
	fputs("\\fB\\-\\-", out);
	for (const char *p = spec->name; *p; p++)
		fprintf(out, "%s%c", *p == '-' ? "\\" : "", *p);
	fputs("\\fR", out);
	if (spec->arg)
		fprintf(out, " \\fI%s\\fR", spec->arg);
	fputc('\n', out);
	option_text(spec, &text);
	roff_text(text.buf, out);
	strbuf_release(&text);
}

static void roff_command(const struct command *command, FILE *out)
{
	fputs(".SS \"forkpoint ", out);
	fputs(command->name, out);
	fputs(" ", out);
	for (const char *p = command->synopsis; *p; p++)
		fputs(*p == '-' ? "\\-" : (char[]){ *p, '\0' }, out);
	fputs("\"\n", out);
	roff_text(command->description ? command->description : command->summary, out);
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		if (!spec->hidden)
			roff_option(spec, out);
	for (const struct command_example *example = command->examples;
	     example && example->line; example++) {
		fputs(".PP\n.nf\n", out);
		roff_text(example->line, out);
		fputs(".fi\n.RS\n", out);
		roff_text(example->what, out);
		fputs(".RE\n", out);
	}
}

void manual_print_man(const struct command *const *commands, FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
	      ".TH FORKPOINT 1 \"\" \"forkpoint " FORKPOINT_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\nforkpoint \\- reproduce fork and finalization races of CPython\n"
	      ".SH SYNOPSIS\n.B forkpoint\n.I COMMAND\n[\\fIARGUMENT\\fR...]\n"
	      ".SH DESCRIPTION\n", out);
	roff_text(about, out);
	fputs(".SH COMMANDS\n", out);
	for (; *commands; commands++)
		roff_command(*commands, out);
	fputs(".SH EXIT STATUS\n", out);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		fprintf(out, ".TP\n.B %d\n", statuses[i].status);
		roff_text(statuses[i].meaning, out);
	}
	fputs(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nIf set and not empty, nothing is coloured.\n"
	      ".TP\n.B XDG_CACHE_HOME\nWhere fetched interpreters and built hosts are kept, in "
	      "\\fIforkpoint\\fR below it.\n", out);
}

static void bash_options(const struct command *command, FILE *out)
{
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		if (!spec->hidden)
			fprintf(out, "--%s ", spec->name);
	fputs("--help", out);
}

/* After `--option`, its choices; files where the argument says that it is one. */
static void bash_arguments(const struct command *command, FILE *out)
{
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++) {
		if (spec->hidden || spec->type == OPTION_FLAG)
			continue;
		fprintf(out, "\t%s:--%s) ", command->name, spec->name);
		if (spec->type == OPTION_CHOICE) {
			fputs("COMPREPLY=($(compgen -W '", out);
			for (size_t i = 0; spec->choices[i]; i++)
				fprintf(out, "%s%s", i ? " " : "", spec->choices[i]);
			fputs("' -- \"$cur\"))", out);
		} else if (!strcmp(spec->arg, "FILE") || !strcmp(spec->arg, "DIR")) {
			fprintf(out, "COMPREPLY=($(compgen -%c -- \"$cur\"))",
				spec->arg[0] == 'F' ? 'f' : 'd');
		} else {
			fputs("COMPREPLY=()", out);
		}
		fputs("; return ;;\n", out);
	}
}

void manual_print_bash(const struct command *const *commands, FILE *out)
{
	fputs("# SPDX-License-Identifier: Apache-2.0\n"
	      "# bash completion for forkpoint; made by 'forkpoint help --complete bash'\n"
	      "_forkpoint()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W '", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "%s ", commands[i]->name);
	fputs("--help --version' -- \"$cur\"))\n\t\treturn\n\tfi\n"
	      "\tcase ${COMP_WORDS[1]}:$prev in\n", out);
	for (size_t i = 0; commands[i]; i++)
		bash_arguments(commands[i], out);
	fputs("\tesac\n\tcase ${COMP_WORDS[1]}:$cur in\n", out);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(out, "\t%s:-*) COMPREPLY=($(compgen -W '", commands[i]->name);
		bash_options(commands[i], out);
		fputs("' -- \"$cur\")) ;;\n", out);
	}
	fputs("\trun:*) COMPREPLY=($(compgen -W \"$(forkpoint list --names 2>/dev/null)\" "
	      "-- \"$cur\")) ;;\n"
	      "\tesac\n}\ncomplete -o default -F _forkpoint forkpoint\n", out);
}
