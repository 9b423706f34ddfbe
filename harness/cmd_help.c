/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/errors.h"
#include "base/manual.h"
#include "base/strbuf.h"
#include "cmd.h"

static const char *const shells[] = { "bash", NULL };

static struct {
	bool man;
	unsigned int shell;
	bool complete;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("man", 0, &opt.man, "print the manual page, in roff"),
	OPT_CHOICE("complete", 0, &opt.shell, "SHELL", "print a completion script for a shell",
		   shells, .given = &opt.complete),
	OPT_END,
};

static int cmd_help(int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT;
	const struct command *command;

	if (opt.man) {
		manual_print_man(commands, stdout);
	} else if (opt.complete) {
		manual_print_bash(commands, stdout);
	} else if (!argc) {
		manual_print_overview(commands, stdout);
	} else {
		command = command_find(argv[0], &err);
		if (!command)
			die(EXIT_USAGE, "%s", err.buf);
		manual_print_command(command, stdout);
	}
	return EXIT_AS_EXPECTED;
}

static const struct command_example examples[] = {
	{ "forkpoint help run", "the same as 'forkpoint run --help'" },
	{ "forkpoint help --man | man -l -", "read the manual page" },
	{ "forkpoint help --complete bash >~/.local/share/bash-completion/completions/forkpoint",
	  "complete commands, options and scenarios in bash" },
	{ NULL, NULL },
};

const struct command help_command = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "help, the manual page, shell completions",
	.description = "Tells what a command does. The same tables that the commands are parsed by "
		       "make the manual page and the completions.",
	.options = options,
	.examples = examples,
	.operands_max = 1,
	.run = cmd_help,
};
