/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint: finds the command, parses its options, runs it. */
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/manual.h"
#include "base/signals.h"
#include "base/strbuf.h"
#include "base/version.h"
#include "cmd.h"

static int dispatch(const struct command *command, int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT;

	switch (options_parse(command, &argc, &argv, &err)) {
	case OPTIONS_RUN:
		strbuf_release(&err);
		return command->run(argc, argv);
	case OPTIONS_HELP:
		strbuf_release(&err);
		manual_print_command(command, stdout);
		return EXIT_AS_EXPECTED;
	case OPTIONS_BAD:
		break;
	}
	die(EXIT_USAGE, "%s", err.buf);
}

/* A full disk or a closed pipe shows at the last flush, and must not pass for success. */
static int finish_stdout(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	warning("cannot write to standard output: %m");
	return status == EXIT_AS_EXPECTED ? EXIT_HARNESS : status;
}

int main(int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT;
	const struct command *command;

	if (surroundings_mend(&err) < 0)
		die(EXIT_HARNESS, "%s", err.buf);
	if (argc < 2) {
		manual_print_overview(commands, stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		manual_print_overview(commands, stdout);
		return finish_stdout(EXIT_AS_EXPECTED);
	}
	if (!strcmp(argv[1], "--version")) {
		printf("forkpoint %s\n", FORKPOINT_VERSION);
		return finish_stdout(EXIT_AS_EXPECTED);
	}
	if (argv[1][0] == '-')
		die(EXIT_USAGE, "unknown option '%s': a command comes first, "
		    "'forkpoint --help' lists them", argv[1]);
	command = command_find(argv[1], &err);
	if (!command)
		die(EXIT_USAGE, "%s", err.buf);
	return finish_stdout(dispatch(command, argc - 1, argv + 1));
}
